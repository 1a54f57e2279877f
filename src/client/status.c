#include "client/status.h"

#include <unistd.h>

#include "daemon/alarms.h"
#include "daemon/log.h"
#include "daemon/stats.h"
#include "os/clock.h"
#include "tap.h"

#define MISSING_MAX 1024u /* of names; what does not fit is left out */

static void
put_alarms(const struct client *c, char out[ALARMS_MAX])
{
	struct text t = text_over(out, ALARMS_MAX);
	char worker[MONITOR_ALARM_MAX];

	monitor_alarm(&c->monitor, worker);
	alarms_text(&t,
		    &(struct alarms){
			    .rules_lost = c->watchdog.lost,
			    .clock_wrong = !clock_is_synchronised(),
			    .worker = worker,
			    .refused = c->reloading.refused,
		    });
}

struct numbers {
	const struct stat_item *items;
	size_t count;
};

static void
put_metrics(const struct metrics *m, void *context)
{
	const struct numbers *n = context;

	metrics_put(m, n->items, n->count);
}

/* Put the items to use, while what they name is there. */
static void
with_items(struct client *c, bool json, struct text *t)
{
	struct outbound_counters counted = c->shared->counters;
	struct stat_item fast[CLIENT_EGRESS_STATS];
	uint64_t uptime = (clock_ms() - c->started) / 1000;
	struct nfq_drops drops = { 0 };
	char duration[32], alarm[ALARMS_MAX], missing[MISSING_MAX];
	struct text names = text_over(missing, sizeof missing);

	names_put_missing(c->conf, &names);
	put_alarms(c, alarm);
	stat_duration(duration, uptime);
	nfq_read_drops(c->drops, c->syns.queue, &drops);
	client_egress_count(&c->egress, &counted);
	client_egress_stats(&c->egress, fast);
	const struct stat_item items[] = {
		{ "alarm", alarm[0] ? "ALARM" : NULL, alarm, 0 },
		{ "command", NULL, "client", 0 },
		{ "version", NULL, TAP_VERSION, 0 },
		{ "pid", "process", NULL, (uint64_t)getpid() },
		{ "uptime", NULL, NULL, uptime },
		{ NULL, "up", duration, 0 },
		{ "queue", "queue", NULL, c->conf->settings.queue },
		{ "backend", "backend", c->backend->name, 0 },
		{ "firewall", "firewall", fw_tool_name(c->fw.tool), 0 },
		{ "rules_restored", "rules restored", NULL,
		  c->watchdog.restored },
		fast[0],
		fast[1],
		fast[2],
		{ "rules", "rules", NULL, c->conf->rules_count },
		{ "no_address", missing[0] ? "no address for" : NULL, missing,
		  0 },
		{ "syns", "SYNs seen", NULL, counted.seen },
		{ "authenticated", "authenticated", NULL,
		  counted.authenticated },
		{ "as_is.no_rule", "sent as is: no rule", NULL,
		  counted.passed },
		{ "as_is.data", "sent as is: data", NULL, counted.data },
		{ "as_is.failed", "not authenticated", NULL, counted.failed },
		{ "refused.signature", "refused: signed", NULL,
		  counted.signature },
		{ "queue_drops", "queue drops", NULL,
		  drops.queue_full + drops.socket_full },
		{ "log_lost", "log lines lost", NULL,
		  log_lost() + c->shared->monitor.log_lost },
		{ "worker", "worker", monitor_state(&c->monitor), 0 },
		{ "worker_restarts", "worker restarts", NULL,
		  c->monitor.restarts },
	};
	const size_t count = sizeof items / sizeof items[0];

	if (t) {
		stat_write(t, items, count, json);
	} else {
		metrics_start(&c->metrics, put_metrics,
			      &(struct numbers){ items, count });
	}
}

void
client_write_status(struct client *c, bool json, struct text *t)
{
	with_items(c, json, t);
}

void
client_write_metrics(struct client *c)
{
	if (metrics_due(&c->metrics, clock_ms())) {
		with_items(c, false, NULL);
	}
}
