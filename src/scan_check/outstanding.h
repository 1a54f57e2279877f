/*
 * Probes that were sent and wait for an answer, bounded in number; those
 * of connect scans with their socket.
 */
#ifndef TAP_SCAN_CHECK_OUTSTANDING_H
#define TAP_SCAN_CHECK_OUTSTANDING_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/connect.h"
#include "scan_check/io.h"

/* Unanswered at once: more than a home router's tables would mind. */
#define OUTSTANDING_MAX 256u

struct shot {
	bool used;
	bool dials;
	size_t probe;
	unsigned try;
	uint64_t sent_us;  /* by the clock */
	uint64_t sent_ns;  /* by the capture */
	uint64_t deadline; /* ms */
	struct dial dial;
};

struct outstanding {
	struct scan_io *io;
	struct shot shots[OUTSTANDING_MAX];
	size_t count;
};

/* The caller makes sure that there is room. */
struct shot *outstanding_add(struct outstanding *f, size_t probe, unsigned try,
			     uint64_t us, uint32_t timeout_ms);
/* It connects; its packets are found by its number from now on. */
void outstanding_dial(struct outstanding *f, struct shot *shot,
		      const struct dial *dial);
void outstanding_end(struct outstanding *f, struct shot *shot);
void outstanding_end_all(struct outstanding *f);
/* Of a probe, or NULL. */
struct shot *outstanding_find(struct outstanding *f, size_t probe);
/* One that timed out, or NULL. */
struct shot *outstanding_expired(struct outstanding *f, uint64_t ms);
/* Wait until a capture or a connection has something, or until then. */
void outstanding_wait(struct outstanding *f, uint64_t ms, uint64_t until);

#endif
