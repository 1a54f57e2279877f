#include "daemon/systemd_unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/text.h"
#include "tap.h"

#define PATH_MAX_BYTES 4096u
#define JOBS_MAX 65536u
#define WORDS_MAX 16u /* options of a unit */
#define LINE_MAX_BYTES (WORDS_MAX * 2 * PATH_MAX_BYTES)

/*
 * Before the network is up, so that no service is ever seen.  A stop is
 * the only thing that shows the services: where it is told to end for a
 * restart the server leaves its rules, after a failure they stay, and it is
 * started again and again.  But not where nobody has confirmed (1), nor
 * where the files are wrong and there is no older configuration to use (2).
 */
static const char head[] =
	"[Unit]\n"
	"Description=tap %s: %s\n"
	"Documentation=man:tap-%s(8)\n"
	"DefaultDependencies=no\n"
	"After=local-fs.target systemd-tmpfiles-setup.service\n"
	"Wants=network-pre.target\n"
	"Before=network-pre.target shutdown.target\n"
	"Conflicts=shutdown.target\n"
	"StartLimitIntervalSec=0\n"
	"\n"
	"[Service]\n"
	"Type=notify\n"
	"NotifyAccess=main\n"
	"KillMode=mixed\n";

/*
 * No more than the monitor needs: NET_ADMIN and NET_RAW for rules and
 * sockets, SETUID, SETGID and SETPCAP to make the worker small, KILL to
 * end it, DAC_OVERRIDE for a metrics file in another's directory; BPF and
 * PERFMON for the fast path, whose programs work with addresses, and for the
 * server's door, and bpffs where that is kept; and the client's SYS_PTRACE to
 * know the programs of other users, for exe=.
 */
static const char sandbox[] =
	"Restart=on-failure\n"
	"RestartSec=1\n"
	"RestartPreventExitStatus=1 2\n"
	"StateDirectory=tap\n"
	"StateDirectoryMode=0700\n"
	"RuntimeDirectory=tap\n"
	"RuntimeDirectoryMode=0700\n"
	"RuntimeDirectoryPreserve=yes\n"
	"CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SETUID "
	"CAP_SETGID CAP_SETPCAP CAP_KILL CAP_DAC_OVERRIDE CAP_IPC_LOCK "
	"CAP_BPF CAP_PERFMON%s\n"
	"NoNewPrivileges=yes\n"
	"ProtectSystem=strict\n"
	"ReadWritePaths=-/run -/var/lib/prometheus/node-exporter%s%s\n"
	"ProtectHome=%s\n"
	"PrivateTmp=%s\n"
	"PrivateDevices=yes\n"
	"ProtectClock=yes\n"
	"ProtectControlGroups=yes\n"
	"ProtectHostname=yes\n"
	"ProtectKernelLogs=yes\n"
	"%s"
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

/* The options as one line. */
struct parts {
	char self[PATH_MAX_BYTES];
	struct text all, finding, writing;
	bool home, tmp; /* a path is there */
};

/* In double quotes, with what systemd would take for its own doubled. */
static void
put_quoted(struct text *t, const char *value)
{
	text_put(t, " \"");
	for (; *value; value++) {
		switch (*value) {
		case '%':
		case '$':
			text_put(t, "%c%c", *value, *value);
			break;
		case '"':
		case '\\':
			text_put(t, "\\%c", *value);
			break;
		default:
			text_put(t, "%c", *value);
		}
	}
	text_put(t, "\"");
}

/* Quote only if needed. */
static void
put_value(struct text *t, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:,=@+-";

	if (*value && value[strspn(value, plain)] == '\0') {
		text_put(t, " %s", value);
	} else {
		put_quoted(t, value);
	}
}

static bool
lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 &&
		(path[len] == '/' || path[len] == '\0');
}

static void
note_path(struct parts *p, const char *path)
{
	p->home = p->home || lies_in(path, "/home") || lies_in(path, "/root") ||
		lies_in(path, "/run/user");
	p->tmp = p->tmp || lies_in(path, "/tmp") || lies_in(path, "/var/tmp");
}

static int
absolute(char out[PATH_MAX_BYTES], const char *path)
{
	char here[PATH_MAX_BYTES];

	if (path[0] == '/') {
		here[0] = '\0';
	} else if (!getcwd(here, sizeof here)) {
		return -1;
	}
	if ((size_t)snprintf(out, PATH_MAX_BYTES, "%s%s%s", here,
			     here[0] ? "/" : "", path) >= PATH_MAX_BYTES) {
		return -1;
	}
	return 0;
}

/* The folder of a file, which may be written to if it is there. */
static void
put_folder(struct text *t, const char *path)
{
	char folder[PATH_MAX_BYTES + 1];

	snprintf(folder, sizeof folder, "-%.*s",
		 (int)(strrchr(path, '/') - path), path);
	put_value(t, folder);
}

static int
put_word(struct parts *p, const struct systemd_unit_word *word)
{
	char path[PATH_MAX_BYTES];
	const char *value = word->value;

	if (word->path && value) {
		if (absolute(path, value) < 0) {
			return -1;
		}
		note_path(p, path);
		value = path;
	}
	for (int i = 0; i < (word->finds ? 2 : 1); i++) {
		struct text *t = i == 0 ? &p->all : &p->finding;

		text_put(t, " %s", word->option);
		if (value) {
			put_value(t, value);
		}
	}
	if (word->written) {
		put_folder(&p->writing, path);
	}
	return 0;
}

static void
print_commands(const char *self, const char *side, const struct parts *p)
{
	const bool server = strcmp(side, "server") == 0;

	printf("ExecStart=%s %s%s%s\n", self, side, p->all.out,
	       server ? " --unit %n" : "");
	printf("ExecReload=%s %s --reload%s\n", self, side, p->finding.out);
}

/* ProtectKernelTunables=, which would have bpffs read-only whatever is said. */
static const char server_tunables[] =
	"ReadOnlyPaths=/sys /proc/sys -/proc/sysrq-trigger -/proc/acpi "
	"-/proc/fs -/proc/irq\n"
	"InaccessiblePaths=-/proc/kallsyms -/proc/kcore\n";

static void
print_unit(const char *self, const char *side, const struct parts *p)
{
	bool server = strcmp(side, "server") == 0;

	printf(head, side,
	       server ? "hides services from strangers"
		      : "authenticates connections",
	       side);
	print_commands(self, side, p);
	printf(sandbox, server ? "" : " CAP_SYS_PTRACE",
	       server ? " -/sys/fs/bpf" : "", p->writing.out,
	       p->home ? "read-only" : "yes", p->tmp ? "no" : "yes",
	       server ? server_tunables : "ProtectKernelTunables=yes\n");
}

int
systemd_unit_print(const char *side, const struct systemd_unit_word *words,
		   size_t count)
{
	static char all[LINE_MAX_BYTES], finding[LINE_MAX_BYTES];
	static char writing[LINE_MAX_BYTES], command[2 * PATH_MAX_BYTES];
	char self[PATH_MAX_BYTES] = "/usr/local/bin/tap";
	struct text own = text_over(command, sizeof command);
	struct parts p = {
		.all = text_over(all, sizeof all),
		.finding = text_over(finding, sizeof finding),
		.writing = text_over(writing, sizeof writing),
	};
	char found[PATH_MAX_BYTES];
	ssize_t len = readlink("/proc/self/exe", found, sizeof found - 1);

	if (len > 0) {
		found[len] = '\0';
		memcpy(self, found, (size_t)len + 1);
	}
	note_path(&p, self);
	put_value(&own, self);
	for (size_t i = 0; i < count; i++) {
		const struct systemd_unit_word *word = &words[i];

		if ((word->value || word->flag) && put_word(&p, word) < 0) {
			fprintf(stderr, "tap %s: %s: no absolute path\n", side,
				word->value);
			return TAP_SYSTEM;
		}
	}
	if (own.full || p.all.full || p.finding.full || p.writing.full) {
		fprintf(stderr, "tap %s: --print-unit: options too long\n",
			side);
		return TAP_USAGE;
	}
	/* The word after the blank. */
	print_unit(command + 1, side, &p);
	return TAP_OK;
}

bool
systemd_unit_restarts(const char *name)
{
	static const char *const argv[] = {
		"systemctl", "list-jobs", "--no-legend", "--no-pager", NULL,
	};
	static char jobs[JOBS_MAX];
	const char *line = jobs;
	char unit[256], type[32];

	if (run_program(argv, NULL, jobs, sizeof jobs, NULL, 0) != 0) {
		return false;
	}
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		/* "31 tap-server.service restart running" */
		if (sscanf(line, "%*u %255s %31s", unit, type) == 2 &&
		    strcmp(unit, name) == 0 && strcmp(type, "restart") == 0) {
			return true;
		}
	}
	return false;
}
