#include "os/source_ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"

#define SECOND_MS 1000u

/* macOS has none; there this runs no other program. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

void
ports_init(struct ports *ports)
{
	memset(ports, 0, sizeof *ports);
}

static void
give_back(struct ports *ports)
{
	while (ports->used_count > 0) {
		close(ports->used[--ports->used_count].fd);
	}
}

void
ports_close(struct ports *ports)
{
	give_back(ports);
	while (ports->count > 0) {
		close(ports->ready[--ports->count].fd);
	}
}

int
ports_reserve(uint16_t *port)
{
	/* Each further try would have the kernel run modprobe(8). */
	static bool no_ipv6;
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr *addr = (struct sockaddr *)&v6;
	socklen_t len = sizeof v6;
	int off = 0;
	int saved;
	int fd = no_ipv6 ? -1 : socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	no_ipv6 |= fd < 0 && errno == EAFNOSUPPORT;
	if (fd >= 0) {
		/* OpenBSD refuses: there it is IPv6's alone. */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		addr = (struct sockaddr *)&v4;
		len = sizeof v4;
	}
	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, addr, len) < 0 || getsockname(fd, addr, &len) < 0) {
		saved = errno;
		close(fd);
		return -saved;
	}
	*port = ntohs(addr->sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

/* Whether used ports may be replaced now. */
static bool
may_renew(struct ports *ports)
{
	uint64_t now;

	if (ports->fresh_max == 0) {
		return true;
	}
	now = clock_ms();
	if (now >= ports->since_ms + SECOND_MS) {
		ports->since_ms = now;
		ports->fresh = 0;
	}
	return ports->fresh + ports->used_count <= ports->fresh_max;
}

/* Used ports go to the end of the list. */
static void
recycle(struct ports *ports)
{
	const size_t used = ports->used_count;

	memmove(ports->ready + used, ports->ready,
		ports->count * sizeof ports->ready[0]);
	for (size_t i = 0; i < used; i++) {
		ports->ready[used - 1 - i] = ports->used[i];
	}
	ports->count += used;
	ports->used_count = 0;
}

int
ports_refill(struct ports *ports)
{
	struct reserved used[PORTS_AHEAD];
	size_t used_count;
	int rc = 0;

	if (!may_renew(ports)) {
		recycle(ports);
	}
	/* Released only after new ones are there, so that no port repeats. */
	used_count = ports->used_count;
	memcpy(used, ports->used, sizeof used);
	ports->used_count = 0;
	while (ports->count < PORTS_AHEAD && rc == 0) {
		struct reserved *next = &ports->ready[ports->count];

		next->fd = ports_reserve(&next->port);
		if (next->fd < 0) {
			rc = next->fd;
		} else {
			ports->count++;
			ports->fresh++;
		}
	}
	for (size_t i = 0; i < used_count; i++) {
		close(used[i].fd);
	}
	return ports->count > 0 ? 0 : rc;
}

int
ports_take(struct ports *ports, uint16_t *out, size_t count)
{
	if (ports->count < count) {
		int rc = ports_refill(ports);

		if (rc < 0 || ports->count < count) {
			return rc < 0 ? rc : -EADDRNOTAVAIL;
		}
	}
	for (size_t i = 0; i < count; i++) {
		const struct reserved *next = &ports->ready[--ports->count];

		out[i] = next->port;
		ports->used[ports->used_count++] = *next;
	}
	return 0;
}
