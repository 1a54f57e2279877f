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

struct path_filter {
	uint16_t copies[TRIAL_PROBES_MAX];
	uint8_t answers[TRIAL_PROBES_MAX];
	struct {
		struct packet_addr addr;
		uint16_t port;
	} flows[TRIAL_PROBES_MAX]; /* where the first copy came from */
	unsigned strangers, arrived;
};

/*
 * Whether a packet belongs; the filter begins as zeros.  From peer, the
 * near side as the far side sees it, a weak likeness is enough; from
 * others (or where peer is NULL) it takes a number that no stranger's
 * packet has.
 */
bool path_filter_wants(struct path_filter *f, const struct trial *t,
		       const struct packet_addr *peer,
		       const struct field_values *v);

#endif
