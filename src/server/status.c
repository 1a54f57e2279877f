#include "server/status.h"

#include <stdio.h>

#include "daemon/log.h"
#include "os/clock.h"
#include "server/bundle_source.h"
#include "server/device_programs.h"
#include "server/share_status.h"
#include "server/switching_text.h"

#define MINUTE_MS 60000u

static void
put_alarms(const struct status_facts *facts, char out[ALARMS_MAX])
{
	const struct worker_shared *shared = facts->worker->shared;
	struct text t = text_over(out, ALARMS_MAX);
	const struct door *door = &facts->worker->door;
	char worker[MONITOR_ALARM_MAX], share[SHARE_ALARM_MAX];
	char bundle[BUNDLE_ALARM_MAX];

	monitor_alarm(facts->monitor, worker);
	share_alarm(facts->worker, share);
	bundle_source_alarm(facts->bundle, bundle);
	alarms_text(
		&t,
		&(struct alarms){
			.rules_lost = facts->watchdog->lost,
			.rules_contested =
				watchdog_is_contested(facts->watchdog),
			.rules_changed = watchdog_has_restored(facts->watchdog),
			.door_lost = door->lost,
			.door_taken = door->restored_ms != 0 &&
				clock_ms() - door->restored_ms < MINUTE_MS,
			.queue_full = facts->dropped != 0 &&
				clock_ms() - facts->dropped < MINUTE_MS,
			.clock_wrong = !clock_is_synchronised(),
			.unanswered = shared->unanswered != 0 &&
				clock_ms() - shared->unanswered_ms < MINUTE_MS,
			.user_shared = facts->user_shared,
			.worker = worker,
			.share = share,
			.bundle = bundle,
			.mirror = mirror_trouble(facts->mirror),
			.decoys = switching_trouble(facts->switching),
			.refused = facts->refused,
		});
}

/* Seconds left; 0 where there is nothing to confirm. */
static uint64_t
confirm_left(const struct status_facts *facts)
{
	const struct confirmation *c = facts->confirm;
	uint64_t now = clock_ms();

	if (!c->missing || c->ends == 0) {
		return 0;
	}
	return c->ends > now ? (c->ends - now + 999) / 1000 : 1;
}

static void
put_confirm(struct stats *s, uint64_t left)
{
	char text[80];

	snprintf(text, sizeof text,
		 "with 'tap server --confirm-now' within %llu s",
		 (unsigned long long)left);
	stat_number(s, "confirm_left", NULL, left);
	if (left) {
		stat_text(s, NULL, "to be confirmed", text);
	}
}

static void
put_rules(struct stats *s, const struct status_facts *facts)
{
	stat_text(s, "firewall", "firewall", facts->firewall);
	stat_count(s, "rules_restored", "rules restored",
		   facts->watchdog->restored,
		   "Times that our firewall rules were restored");
	stat_count(s, "rules_missing_seconds", "rules missing, s",
		   (facts->watchdog->open_ms + 999) / 1000,
		   "Time for which our rules were incomplete");
	stat_level(s, "rules_contested", "rules contested",
		   watchdog_is_contested(facts->watchdog),
		   "Whether another program keeps changing our rules");
	stat_text(s, "hide_closed", "hide=closed", facts->closing);
	tracking_stats(facts->tracking, facts->plan, s);
}

void
status_fill(struct stats *s, const struct status_facts *facts)
{
	char alarm[ALARMS_MAX], hidden[OVERVIEW_MAX], programs[128];
	char bundle[BUNDLE_WORDS_MAX];
	struct text t = text_over(hidden, sizeof hidden);

	put_alarms(facts, alarm);
	overview_hidden(&t, &facts->conf->acl);
	(void)device_programs(&facts->conf->acl, programs, sizeof programs);
	stat_begin(s, "server", alarm, (clock_ms() - facts->started) / 1000);
	stat_text(s, "hidden", "hidden", hidden);
	put_confirm(s, confirm_left(facts));
	stat_number(s, "queue", "queue", facts->conf->settings.queue);
	put_rules(s, facts);
	stat_text(s, "device_programs", "other device programs", programs);
	stat_worker(s, monitor_state(facts->monitor), facts->monitor->restarts,
		    log_lost() + facts->worker->shared->monitor.log_lost);
	worker_fastpath_stats(facts->worker, s);
	worker_door_stats(facts->worker, s);
	bundle_source_words(facts->bundle, bundle);
	stat_text(s, "bundle", "bundle", bundle);
	share_stats(facts->worker, s);
	mirror_stats(facts->mirror, s);
	worker_stats(facts->worker, s);
	switching_stats(facts->switching, s);
}
