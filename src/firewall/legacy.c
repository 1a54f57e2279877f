#include "firewall/legacy.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/siphash.h"

/*
 * struct ipt_getinfo and IPT_SO_GET_INFO, and those of IPv6, which are the
 * same: the kernel's headers for them can't be included beside net/if.h.
 */
#define GET_INFO 64
#define HOOKS 5

struct info {
	char name[32];
	unsigned valid_hooks;
	unsigned hook_entry[HOOKS], underflow[HOOKS];
	unsigned num_entries, size;
};

/* IPPROTO_RAW: this socket receives nothing. */
static int
open_one(int family)
{
	return socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
}

void
legacy_init(struct legacy *l)
{
	*l = (struct legacy){ -1, -1 };
}

void
legacy_open(struct legacy *l, bool v4, bool v6)
{
	l->fd4 = v4 ? open_one(AF_INET) : -1;
	l->fd6 = v6 ? open_one(AF_INET6) : -1;
}

void
legacy_close(struct legacy *l)
{
	if (l->fd4 >= 0) {
		close(l->fd4);
	}
	if (l->fd6 >= 0) {
		close(l->fd6);
	}
	legacy_init(l);
}

bool
legacy_is_open(const struct legacy *l)
{
	return l->fd4 >= 0 || l->fd6 >= 0;
}

uint64_t
legacy_sum(const struct legacy *l)
{
	static const struct hash_key key;
	const struct {
		int fd, level;
		const char *name;
	} tables[] = {
		{ l->fd4, IPPROTO_IP, "raw" },
		{ l->fd4, IPPROTO_IP, "mangle" },
		{ l->fd4, IPPROTO_IP, "nat" },
		{ l->fd6, IPPROTO_IPV6, "raw" },
		{ l->fd6, IPPROTO_IPV6, "mangle" },
	};
	enum { TABLES = sizeof tables / sizeof tables[0] };
	struct info all[TABLES];

	memset(all, 0, sizeof all);
	for (size_t i = 0; i < TABLES; i++) {
		socklen_t len = sizeof all[i];

		snprintf(all[i].name, sizeof all[i].name, "%s", tables[i].name);
		if (tables[i].fd < 0 ||
		    getsockopt(tables[i].fd, tables[i].level, GET_INFO, &all[i],
			       &len) < 0) {
			all[i].size = 0;
		}
	}
	return hash_bytes(&key, all, sizeof all);
}
