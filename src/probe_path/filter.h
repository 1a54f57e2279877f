/*
 * Which of the packets at the far side belong to a trial: SYNs of its
 * plan, some copies of each, and what answers them.
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_FILTER_H
#define TAP_PROBE_PATH_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe_path/trial.h"

/* Copies of a SYN, and answers to it. */
#define PATH_FILTER_COPIES 5u
/* SYNs from the near side's address that fit no probe. */
#define PATH_FILTER_STRANGERS 64u

struct path_filter_flow {
	struct packet_addr addr; /* family 0: none */
	uint16_t port;
	uint16_t next; /* of its bucket; see struct trial_index */
	uint8_t answers;
};

struct path_filter {
	uint16_t copies[TRIAL_PROBES_MAX];
	struct path_filter_flow flows[TRIAL_PROBES_MAX]; /* of each probe */
	uint16_t first[TRIAL_BUCKETS];
	unsigned strangers, arrived;
};

/* How much of a packet the near side is told. */
enum path_filter_part {
	PATH_FILTER_NOTHING,
	PATH_FILTER_HEADER, /* that it came, but none of TCP's numbers */
	PATH_FILTER_WHOLE,
};

/*
 * Whether a packet belongs; the filter begins as zeros.  From peer, the
 * near side as the far side sees it, a weak likeness is enough; from
 * others it takes a sequence number that was announced.  Of answers only
 * those to peer belong.  Where peer is NULL, who asks has captured all
 * himself: of answers, all to the plan do.
 */
enum path_filter_part path_filter_wants(struct path_filter *f,
					const struct trial *t,
					const struct packet_addr *peer,
					const struct field_values *v);

#endif
