#include "firewall/legacy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/siphash.h"

/*
 * struct ipt_getinfo and IPT_SO_GET_INFO: the kernel's header for them can't
 * be included beside net/if.h.
 */
#define GET_INFO 64
#define HOOKS 5

struct info {
	char name[32];
	unsigned valid_hooks;
	unsigned hook_entry[HOOKS], underflow[HOOKS];
	unsigned num_entries, size;
};

int
legacy_open(void)
{
	/* IPPROTO_RAW: this socket receives nothing. */
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

uint64_t
legacy_sum(int fd)
{
	static const char *const names[] = { "raw", "mangle", "nat" };
	static const struct hash_key key;
	enum { TABLES = sizeof names / sizeof names[0] };
	struct info all[TABLES];

	memset(all, 0, sizeof all);
	for (size_t i = 0; i < TABLES; i++) {
		socklen_t len = sizeof all[i];

		snprintf(all[i].name, sizeof all[i].name, "%s", names[i]);
		if (getsockopt(fd, IPPROTO_IP, GET_INFO, &all[i], &len) < 0) {
			all[i].size = 0;
		}
	}
	return hash_bytes(&key, all, sizeof all);
}
