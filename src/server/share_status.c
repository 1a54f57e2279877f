#include "server/share_status.h"

#include <stdio.h>

#include "os/clock.h"
#include "server/share.h"

/* Answers that came too late are an alarm for so long. */
#define LATE_MS 60000u

const char *
share_without(const struct worker *g)
{
	return g->conf->share_fail == SHARE_FAIL_LOCAL
		? "each server is for itself: a recorded group may "
		  "get in once at each"
		: "nobody new gets in";
}

static const char *
trouble(const struct worker *g)
{
	const uint64_t is = g->shared->share.trouble;

	return share_trouble_words(is < SHARE_TROUBLES_MAX
					   ? (enum share_trouble)is
					   : SHARE_IS_NONE);
}

void
share_alarm(const struct worker *g, char out[SHARE_ALARM_MAX])
{
	const struct worker_shared *shared = g->shared;

	out[0] = '\0';
	if (!g->share) {
		return;
	}
	if (!shared->share.ready) {
		snprintf(out, SHARE_ALARM_MAX, "replay_share: %s %s: %s",
			 g->conf->share.engine, trouble(g), share_without(g));
	} else if (shared->share.late > 0 &&
		   clock_ms() - shared->share.late_ms < LATE_MS) {
		snprintf(out, SHARE_ALARM_MAX,
			 "replay_share: %s did not answer in time within the "
			 "last minute",
			 g->conf->share.engine);
	}
}

void
share_stats(const struct worker *g, struct stats *s)
{
	const struct worker_shared *shared = g->shared;
	char state[WHY_MAX];

	snprintf(state, sizeof state, "%s%s",
		 !g->share                                         ? "off"
			 : shared->share.ready                     ? "in use"
			 : g->conf->share_fail == SHARE_FAIL_LOCAL ? "local: "
								   : "closed: ",
		 !g->share || shared->share.ready ? "" : trouble(g));
	stat_text(s, "replay_share", "shared replays",
		  g->share ? g->conf->share.engine : "none");
	stat_text(s, "share_state", "shared replays are", state);
	stat_level(s, "share_ready", NULL, shared->share.ready,
		   "Whether the servers' common memory is in use");
	stat_count(s, "share_asked", "shared: asked", shared->share.asked,
		   "Groups that other servers might have let in");
	stat_count(s, "share_taken", "shared: let in elsewhere",
		   shared->share.taken,
		   "Groups that another server had let in");
	stat_count(s, "share_late", "shared: no answer", shared->share.late,
		   "Groups that waited for an answer in vain");
	stat_count(s, "share_alone", "shared: let in alone",
		   shared->share.alone,
		   "Connections let in without the common memory");
	stat_count(s, "share_lost", "shared: times lost", shared->share.lost,
		   "Times that the common memory went away");
}
