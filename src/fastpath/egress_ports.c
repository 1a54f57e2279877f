#include "fastpath/egress_ports.h"

#include <stdio.h>
#include <unistd.h>

#include "os/source_ports.h"

bool
egress_ports_fits(void)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
	FILE *file = fopen(path, "re");
	unsigned low = 0, high = 0;

	if (!file) {
		return false;
	}
	if (fscanf(file, "%u %u", &low, &high) != 2 || high < low) {
		low = high = 0;
	}
	fclose(file);
	return high - low >= EGRESS_PORTS_SHARE * EGRESS_PORTS;
}

void
egress_ports_init(struct port_pool *pool)
{
	*pool = (struct port_pool){ 0 };
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		pool->fd[i] = -1;
	}
}

void
egress_ports_close(struct port_pool *pool)
{
	while (pool->old_count > 0) {
		close(pool->old[--pool->old_count]);
	}
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		if (pool->fd[i] >= 0) {
			close(pool->fd[i]);
		}
		pool->fd[i] = -1;
	}
}

/* A new port for a place, which keeps the one that it has if there is none. */
static int
replace(struct port_pool *pool, struct egress_ports *ports, uint32_t at)
{
	uint16_t port;
	int fd = ports_reserve(&port);

	if (fd < 0) {
		return pool->fd[at] < 0 ? fd : 0;
	}
	__atomic_store_n(&ports->port[at], port, __ATOMIC_RELAXED);
	if (pool->fd[at] >= 0) {
		pool->old[pool->old_count++] = pool->fd[at];
	}
	pool->fd[at] = fd;
	return 0;
}

int
egress_ports_refill(struct port_pool *pool, struct egress_ports *ports)
{
	const uint32_t next = __atomic_load_n(&ports->next, __ATOMIC_RELAXED);
	const uint32_t used = next - pool->done;
	const uint32_t first = used < EGRESS_PORTS ? used : EGRESS_PORTS;
	int before[EGRESS_PORTS];
	const size_t count = pool->old_count;
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		before[i] = pool->old[i];
	}
	pool->old_count = 0;
	for (uint32_t i = 0; i < EGRESS_PORTS; i++) {
		const uint32_t at = (next - 1 - i) % EGRESS_PORTS;

		if (i < first || pool->fd[at] < 0) {
			const int error = replace(pool, ports, at);

			rc = error < 0 ? error : rc;
		}
	}
	/* After the new ones are there: no port twice in a row. */
	for (size_t i = 0; i < count; i++) {
		close(before[i]);
	}
	pool->done = next;
	return rc;
}
