#include "daemon/systemd_unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/*
 * Before the network is up, so that no service is ever seen, and with no
 * more than the monitor needs: NET_ADMIN and NET_RAW for rules and
 * sockets, SETUID, SETGID and SETPCAP to make the worker small, KILL to
 * end it, DAC_OVERRIDE for a metrics file in another's directory; BPF and
 * PERFMON for the server's door and fast path, whose program works with
 * addresses, and bpffs where the door is kept;
 * and the client's SYS_PTRACE to know the programs of other users, for exe=.
 */
static const char unit[] =
	"[Unit]\n"
	"Description=tap %s: %s\n"
	"Documentation=man:tap-%s(8)\n"
	"DefaultDependencies=no\n"
	"After=local-fs.target systemd-tmpfiles-setup.service\n"
	"Wants=network-pre.target\n"
	"Before=network-pre.target shutdown.target\n"
	"Conflicts=shutdown.target\n"
	"\n"
	"[Service]\n"
	"Type=notify\n"
	"NotifyAccess=main\n"
	"ExecStart=%s %s\n"
	"ExecReload=/bin/kill -HUP $MAINPID\n"
	"Restart=on-failure\n"
	"RestartPreventExitStatus=2\n"
	"StateDirectory=tap\n"
	"StateDirectoryMode=0700\n"
	"CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SETUID "
	"CAP_SETGID CAP_SETPCAP CAP_KILL CAP_DAC_OVERRIDE CAP_IPC_LOCK%s\n"
	"NoNewPrivileges=yes\n"
	"ProtectSystem=strict\n"
	"ReadWritePaths=-/run -/var/lib/prometheus/node-exporter%s\n"
	"ProtectHome=yes\n"
	"PrivateTmp=yes\n"
	"PrivateDevices=yes\n"
	"ProtectClock=yes\n"
	"ProtectControlGroups=yes\n"
	"ProtectHostname=yes\n"
	"ProtectKernelLogs=yes\n"
	"ProtectKernelTunables=yes\n"
	"RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6\n"
	"RestrictNamespaces=yes\n"
	"RestrictRealtime=yes\n"
	"RestrictSUIDSGID=yes\n"
	"LockPersonality=yes\n"
	"MemoryDenyWriteExecute=yes\n"
	"SystemCallArchitectures=native\n"
	"LimitCORE=0\n"
	"\n"
	"[Install]\n"
	"WantedBy=sysinit.target\n";

int
unit_print(const char *side)
{
	char self[4096] = "/usr/local/sbin/tap";
	char found[sizeof self];
	bool server = strcmp(side, "server") == 0;
	ssize_t len = readlink("/proc/self/exe", found, sizeof found - 1);

	if (len > 0) {
		found[len] = '\0';
		memcpy(self, found, (size_t)len + 1);
	}
	printf(unit, side,
	       server ? "hides services from strangers"
		      : "authenticates connections",
	       side, self, side,
	       server ? " CAP_BPF CAP_PERFMON" : " CAP_SYS_PTRACE",
	       server ? " -/sys/fs/bpf" : "");
	return TAP_OK;
}
