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
#include "os/pcap.h"
#include "scan_check/results.h"
#include "base/siphash.h"
#include "os/source_ports.h"
#include "os/rawsock.h"
#include "os/route.h"

/*
 * Source ports for each scan: tries that follow each other use different
 * ones, so that what firewalls remember of one does not meet the next.
 */
#define VOLLEY_SLOTS 32u
#define VOLLEY_POOLS (PROBE_SCANS * VOLLEY_SLOTS / PORTS_AHEAD + 1)
#define VOLLEY_CAPS 8u	    /* devices that targets are reached by */
#define VOLLEY_WHY_MAX 512u

struct volley {
	const struct findings *findings;
	const uint16_t *tries; /* of each probe, so far; the scan's */
	bool raw;	       /* else nothing but connect is possible */
	bool as_client;
	struct route *routes; /* of each target */
	struct rawsock rawsock;
	struct ports pools[VOLLEY_POOLS];
	int udp[VOLLEY_SLOTS];
	uint16_t ports[PROBE_SCANS][VOLLEY_SLOTS];
	uint32_t by_port[65536]; /* what a port of ours is for; 0: nothing */
	struct cap caps[VOLLEY_CAPS];
	uint32_t devices[VOLLEY_CAPS];
	size_t cap_count;
	struct cap_file file;
	struct hash_key secret;
};

struct volley_options {
	const uint16_t *tries;
	bool raw;
	bool as_client;	   /* its file holds what tap client makes of a SYN */
	const char *file;  /* where to write packets, or NULL */
};

/*
 * Open sockets and captures for all probes of a table.  0, or -errno
 * with the reason in why (VOLLEY_WHY_MAX); -EPERM: for want of privilege.
 */
int volley_open(struct volley *v, const struct findings *findings,
	      const struct volley_options *options, char *why);
/* 0, or -errno where the file could not be written. */
int volley_close(struct volley *v);

/* Send try (from 0) of a probe.  0 or -errno. */
int volley_send(struct volley *v, size_t probe, unsigned try);
/* Whether an error of it, or of dial_begin(), will not go away. */
bool volley_is_fatal(int rc);
/* The numbers it has. */
struct probe_numbers volley_numbers(const struct volley *v, size_t probe,
				  unsigned try);

/* A port of ours is a connection's from now on: of this number. */
void volley_dial(struct volley *v, uint16_t port, size_t number);
void volley_undial(struct volley *v, uint16_t port);

struct volley_event {
	bool sent;    /* a probe of ours, on its way; else an answer */
	bool is_dial; /* of a connection */
	size_t dial;  /* its number */
	size_t probe; /* of the others */
	unsigned try;
	uint64_t ns;
	struct answer packet;
};

/* The next one, without waiting: 1, 0 where there is none, or -errno. */
int volley_next(struct volley *v, struct volley_event *event);
/* Packets that were not seen because they came too fast. */
unsigned volley_lost(struct volley *v);

#endif
