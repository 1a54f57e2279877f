#include "server/decoys.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "firewall/leftover.h"
#include "os/own_addrs.h"
#include "os/route.h"

static const struct {
	const char *path, *name;
} switches[] = {
	{ "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding",
	  "net.ipv6.conf.all.forwarding" },
};

/* What can't be read is not said to be off. */
static bool
is_off(const char *path)
{
	FILE *file = fopen(path, "re");
	bool off = file && getc(file) == '0';

	if (file) {
		fclose(file);
	}
	return off;
}

#define UNKNOWN UINT32_MAX

/*
 * By which device the way to an address begins; 0 where there is none, UNKNOWN
 * where that can't be asked.
 */
static uint32_t
device_to(const struct packet_addr *addr)
{
	struct netlink nl;
	struct route found = { 0 };

	if (route_open(&nl) < 0) {
		return UNKNOWN;
	}
	if (route_find(&nl, addr, 0, &found) < 0) {
		found.device = 0;
	}
	netlink_close(&nl);
	return found.device;
}

/*
 * Whether it is where strangers come from, so that its answers may go to them
 * by another way.
 */
static bool
is_beside_strangers(const struct packet_addr *decoy)
{
	/* Of networks that are for documents: by the default route. */
	const struct packet_addr strangers = decoy->family == 4
		? (struct packet_addr){ .bytes = { 192, 0, 2, 1 }, .family = 4 }
		: (struct packet_addr){ .bytes = { 0x20, 0x01, 0x0d, 0xb8 },
					.family = 6 };
	const uint32_t device = device_to(decoy);

	return device != UNKNOWN && device == device_to(&strangers);
}

static const char *
text_of(char out[INET6_ADDRSTRLEN], const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  INET6_ADDRSTRLEN);
	return out;
}

void
decoys_log(const char *line)
{
	log_say(LOG_LEVEL_WARNING, "%s", line);
}

void
decoys_check(const struct acl *acl, void (*told)(const char *line))
{
	const struct packet_addr *before = NULL;
	bool said[2] = { false, false };
	int masked = -1; /* whether their answers come back; not known yet */

	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];
		const size_t which = rule->decoy.family == 6;
		char addr[INET6_ADDRSTRLEN], line[DECOYS_LINE_MAX];

		if (rule->hide != ACL_DECOY || addrs_own(&rule->decoy) != 0 ||
		    (before && packet_addr_equal(before, &rule->decoy))) {
			continue;
		}
		before = &rule->decoy;
		text_of(addr, before);
		if (!said[which] && is_off(switches[which].path)) {
			said[which] = true;
			snprintf(line, sizeof line,
				 "hide=decoy:%s is of another host, and this "
				 "one forwards nothing: sysctl %s=1",
				 addr, switches[which].name);
			told(line);
		}
		if (device_to(before) == 0) {
			snprintf(line, sizeof line,
				 "hide=decoy:%s: there is no route to it",
				 addr);
			told(line);
		} else if (is_beside_strangers(before)) {
			masked = masked < 0 ? leftover_masquerades() : masked;
			if (masked) {
				continue;
			}
			snprintf(line, sizeof line,
				 "hide=decoy:%s is where strangers come from, "
				 "and nothing masquerades: unless this host is "
				 "its gateway, they get no answer",
				 addr);
			told(line);
		}
	}
}
