/* SPDX-License-Identifier: ISC */
/*
 * The tools of probes; all take the command line's words.
 */
#ifndef PROBES_RUN_H
#define PROBES_RUN_H

#include "probes/corpus.h"
#include "probes/wire.h"

#define PORTS_MAX 24u
#define GROUPS_MAX 20u
#define CONTROLS_MAX 4u

/* A port that is hidden, and others that it is to be like. */
struct group {
	char name[24];
	uint16_t hidden, controls[CONTROLS_MAX];
	size_t control_count;
};

struct words {
	const char *device, *mac, *variant, *known;
	struct scene scene;
	struct group groups[GROUPS_MAX];
	size_t group_count;
	uint16_t closed; /* the first of 32 ports where nobody listens */
	unsigned long count, pace_us;
	unsigned rounds;
	const char *only; /* a pattern of kinds */
	const char *text; /* a banner that nobody may see */
	const char *file;
	unsigned key_no; /* of a key that is */
	bool list;       /* all answers, not only what differs */
};

/* Each returns an exit status: 0 alike, 1 not. */
int run_corpus(const struct words *w);
int run_burst(const struct words *w);
int run_rate(const struct words *w);
int run_pmtu(const struct words *w);
int run_ping(const struct words *w);
int run_heads(const struct words *w);
int run_pairs(const struct words *w);
int run_cookies(const struct words *w, bool take);

/* Never ends: a banner on each connection to a port. */
_Noreturn void run_serve(char **words);

/* A generator of random numbers, begun anew in each run. */
uint32_t any(void);

#endif
