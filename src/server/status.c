#include "server/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "os/clock.h"
#include "server/device_programs.h"
#include "tap.h"

#define MINUTE_MS 60000u

static void
put_alarms(const struct status_facts *facts, char out[ALARMS_MAX])
{
	const struct worker_shared *shared = facts->worker->shared;
	struct text t = text_over(out, ALARMS_MAX);
	const struct door *door = &facts->worker->door;
	char worker[MONITOR_ALARM_MAX];

	monitor_alarm(facts->monitor, worker);
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
			.refused = facts->refused,
		});
}

static void
put_hidden(const struct status_facts *facts, char out[OVERVIEW_MAX])
{
	struct text t = text_over(out, OVERVIEW_MAX);

	overview_hidden(&t, &facts->conf->acl);
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

void
status_fill(struct status *st, const struct status_facts *facts)
{
	uint64_t uptime = (clock_ms() - facts->started) / 1000;
	uint64_t left = confirm_left(facts);

	put_alarms(facts, st->alarm);
	put_hidden(facts, st->hidden);
	(void)device_programs(&facts->conf->acl, st->programs,
			      sizeof st->programs);
	snprintf(st->confirm, sizeof st->confirm,
		 "with 'tap server --confirm-now' within %llu s",
		 (unsigned long long)left);
	stat_duration(st->duration, uptime);
	const struct stat_item first[STATUS_FIRST] = {
		{ "alarm", st->alarm[0] ? "ALARM" : NULL, st->alarm, 0 },
		{ "command", NULL, "server", 0 },
		{ "version", NULL, TAP_VERSION, 0 },
		{ "pid", "process", NULL, (uint64_t)getpid() },
		{ "uptime", NULL, NULL, uptime },
		{ NULL, "up", st->duration, 0 },
		{ "hidden", "hidden", st->hidden, 0 },
		{ "confirm_left", NULL, NULL, left },
		{ NULL, left ? "to be confirmed" : NULL, st->confirm, 0 },
		{ "queue", "queue", NULL, facts->conf->settings.queue },
		{ "firewall", "firewall", facts->firewall, 0 },
		{ "rules_restored", "rules restored", NULL,
		  facts->watchdog->restored },
		{ "rules_missing_seconds", "rules missing, s", NULL,
		  (facts->watchdog->open_ms + 999) / 1000 },
		{ "rules_contested", "rules contested", NULL,
		  watchdog_is_contested(facts->watchdog) },
		{ "hide_closed", "hide=closed", facts->closing, 0 },
		{ "device_programs", "other device programs", st->programs, 0 },
		{ "log_lost", "log lines lost", NULL,
		  log_lost() + facts->worker->shared->monitor.log_lost },
		{ "worker", "worker", monitor_state(facts->monitor), 0 },
		{ "worker_restarts", "worker restarts", NULL,
		  facts->monitor->restarts },
	};
	memcpy(st->items, first, sizeof first);
	st->count = STATUS_FIRST;
	st->count +=
		worker_fastpath_stats(facts->worker, st->items + st->count);
	st->count += worker_door_stats(facts->worker, st->items + st->count);
	st->count += worker_stats(facts->worker, st->items + st->count);
}
