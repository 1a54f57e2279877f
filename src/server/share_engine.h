/*
 * What an engine says of itself: which run of it that is, whether it may be
 * relied on, what time it has.  All of it may be anything.
 *
 * Pure.
 */
#ifndef TAP_SERVER_SHARE_ENGINE_H
#define TAP_SERVER_SHARE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/resp.h"

#define SHARE_RUN_MAX 64u /* a run id has 40 characters */

struct share_engine {
	char run[SHARE_RUN_MAX]; /* another one for each start; or empty */
	bool replica;            /* it only repeats what another one has */
	bool forgets;            /* before the time is up, if memory is short */
	uint64_t time_us;        /* since 1970; or 0 */
};

/* A section of INFO: what is there is noted. */
void share_engine_info(struct share_engine *e, const struct resp_item *info);
/* The reply to TIME.  False: it is none. */
bool share_engine_time(struct share_engine *e, const struct resp_reply *r);
/*
 * "RUN-ID MICROSECONDS", of this run: since when is in *us.  False: it is of
 * another, or nothing of the kind.
 */
bool share_engine_knows(const struct share_engine *e,
			const struct resp_item *begin, uint64_t *us);

#endif
