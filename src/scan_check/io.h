/*
 * Probes out, and what comes back, each with the probe and the try that
 * it belongs to.  Source ports are the scan's own, so no connection of
 * the host is disturbed; the kernel resets what is opened by them.
 */
#ifndef TAP_SCAN_CHECK_IO_H
#define TAP_SCAN_CHECK_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/reply.h"
#include "measure/captures.h"
#include "scan_check/results.h"
#include "base/siphash.h"
#include "os/source_ports.h"
#include "os/rawsock.h"
#include "os/route.h"

/*
 * Source ports for each scan: tries that follow each other use different
 * ones, so that what firewalls remember of one does not meet the next.
 */
#define SCAN_IO_SLOTS 32u
#define SCAN_IO_POOLS (PROBE_SCANS * SCAN_IO_SLOTS / PORTS_AHEAD + 1)

struct scan_io {
	const struct findings *findings;
	const uint16_t *tries; /* of each probe, so far; the scan's */
	bool raw;              /* else nothing but connect is possible */
	bool as_client;
	struct route *routes; /* of each target */
	struct rawsock rawsock;
	struct ports pools[SCAN_IO_POOLS];
	int udp[SCAN_IO_SLOTS];
	uint16_t ports[PROBE_SCANS][SCAN_IO_SLOTS];
	uint32_t by_port[65536]; /* what a port of ours is for; 0: nothing */
	struct captures captures;
	struct cap_file file;
	struct hash_key secret;
};

struct scan_io_options {
	const uint16_t *tries;
	bool raw;
	bool as_client;   /* its file holds what tap client makes of a SYN */
	const char *file; /* where to write packets, or NULL */
};

/*
 * Open sockets and captures for all probes of a table.  0, or -errno
 * with the reason in why (WHY_MAX); -EPERM: for want of privilege.
 */
int scan_io_open(struct scan_io *v, const struct findings *findings,
		 const struct scan_io_options *options, char *why);
/* 0, or -errno where the file could not be written. */
int scan_io_close(struct scan_io *v);

/* Send try (from 0) of a probe.  0 or -errno. */
int scan_io_send(struct scan_io *v, size_t probe, unsigned try);
/* Whether an error of it, or of dial_begin(), will not go away. */
bool scan_io_is_fatal(int rc);
/* The numbers it has. */
struct probe_numbers scan_io_numbers(const struct scan_io *v, size_t probe,
				     unsigned try);

/* From now on this port belongs to the connection with this number. */
void scan_io_dial(struct scan_io *v, uint16_t port, size_t number);
void scan_io_undial(struct scan_io *v, uint16_t port);

struct scan_io_event {
	bool sent; /* a probe of ours, on its way; else an answer */
	/* The answer has no number of the probe: anybody may have sent it. */
	bool unsure;
	bool is_dial; /* of a connection */
	size_t dial;  /* its number */
	size_t probe; /* of the others */
	unsigned try;
	uint64_t ns;
	struct answer packet;
};

/* The next one, without waiting: 1, 0 where there is none, or -errno. */
int scan_io_next(struct scan_io *v, struct scan_io_event *event);

#endif
