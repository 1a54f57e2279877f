/*
 * The near side of a trial: it announces a plan, sends it, and hears what
 * comes back, here and from the far side.
 */
#ifndef TAP_PROBE_PATH_NEAR_SIDE_H
#define TAP_PROBE_PATH_NEAR_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "protocol/acl.h"
#include "os/pcap.h"
#include "probe_path/connection.h"
#include "os/source_ports.h"
#include "os/rawsock.h"
#include "probe_path/trial.h"

/* For a plan, and a trace of it: 3 probes to each of 30 hops. */
#define PATH_NEAR_POOLS ((TRIAL_PROBES_MAX + 90u) / PORTS_AHEAD + 1)

struct path_near_options {
	struct packet_addr far;
	uint32_t device; /* an index, of a link-local address; or 0 */
	uint16_t port;
	unsigned rounds;
	const struct acl_key *key; /* for the far side, or NULL */
	bool offline;              /* ask no far side */
	struct cap_file *file;     /* for packets, or NULL */
	int signals;               /* readable when it is to stop; or -1 */
	void (*progress)(void *context, size_t done, size_t total);
	void *context;
};

struct path_near {
	const struct path_near_options *options;
	struct trial trial; /* its lists are allocated */
	uint32_t device;    /* that it sends by */
	struct path_link link;
	char trouble[WHY_MAX]; /* why there is no far side, or "" */
	bool stopped;          /* by a signal */

	struct cap cap;
	struct rawsock raw;
	bool has_raw;
	struct ports pools[PATH_NEAR_POOLS];
	size_t ports_taken;
	uint16_t *arrivals; /* of each probe, as the far side told so far */
	size_t arrived, told;
	int unsent_errno; /* the kernel refused to send a probe, or 0 */
	unsigned unsent;
};

/* 0, or -errno with the reason in why (WHY_MAX). */
int path_near_open(struct path_near *n, const struct path_near_options *options,
		   char *why);
/* Send it all, and wait for what comes.  0 or -errno, likewise. */
int path_near_run(struct path_near *n, char *why);
void path_near_close(struct path_near *n);

/* A source port that nobody uses, for further probes. */
int path_near_port(struct path_near *n, uint16_t *port);
struct trial_numbers path_near_numbers(void);
/* Let captured packets come in for so long; 0 or -errno. */
int path_near_wait(struct path_near *n, int ms,
		   void (*take)(void *context, const struct cap_packet *),
		   void *context);

#endif
