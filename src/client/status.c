#include "client/status.h"

#include "daemon/alarms.h"
#include "daemon/log.h"
#include "daemon/stats.h"
#include "os/clock.h"

#define MISSING_MAX 1024u /* of names; what does not fit is left out */

static void
put_alarms(const struct client *c, char out[ALARMS_MAX])
{
	struct text t = text_over(out, ALARMS_MAX);
	char worker[MONITOR_ALARM_MAX], guests[MISSING_MAX];
	struct text names = text_over(guests, sizeof guests);

	guest_readers_passed_by(&c->guest_readers, &names);
	monitor_alarm(&c->monitor, worker);
	if (worker[0] == '\0' && c->backend == &by_pcap &&
	    c->pcap.wire.count == 0) {
		snprintf(worker, sizeof worker,
			 "no device is there that rules are for");
	}
	alarms_text(&t,
		    &(struct alarms){
			    .rules_lost = c->watchdog.lost,
			    .clock_wrong = !clock_is_synchronised(),
			    .worker = worker,
			    .guests = guests,
			    .refused = c->reloading.refused,
		    });
}

static void
fill(struct client *c, struct stats *s)
{
	struct outbound_counters n = c->shared->counters;
	struct nfq_drops drops = { 0 };
	char alarm[ALARMS_MAX], missing[MISSING_MAX], unread[MISSING_MAX];
	struct text names = text_over(missing, sizeof missing);
	struct text guests = text_over(unread, sizeof unread);

	names_put_missing(c->conf, &names);
	put_alarms(c, alarm);
	nfq_read_drops(c->drops, c->syns.queue, &drops);
	client_egress_count(&c->egress, &n);
	n.marked = c->marks.found;
	stat_begin(s, "client", alarm, (clock_ms() - c->started) / 1000);
	stat_number(s, "queue", "queue", c->conf->settings.queue);
	stat_text(s, "backend", "backend", c->backend->name);
	stat_text(s, "firewall", "firewall", fw_tool_name(c->fw.tool));
	stat_count(s, "rules_restored", "rules restored", c->watchdog.restored,
		   "Times that our firewall rules were restored");
	client_egress_stats(&c->egress, s);
	stat_level(s, "rules", "rules", c->conf->rules_count,
		   "Rules in the configuration");
	stat_text(s, "no_address", missing[0] ? "no address for" : NULL,
		  missing);
	guest_readers_missing(&c->guest_readers, &guests);
	stat_text(s, "no_reader", unread[0] ? "no reader of" : NULL, unread);
	outbound_stats(&n, s);
	stat_count(s, "queue_drops", "queue drops",
		   drops.queue_full + drops.socket_full,
		   "Packets dropped because a queue was full");
	stat_worker(s, monitor_state(&c->monitor), c->monitor.restarts,
		    log_lost() + c->shared->monitor.log_lost);
}

void
client_write_status(struct client *c, bool json, struct text *t)
{
	struct stats s;

	fill(c, &s);
	stat_write(t, &s, json);
}

void
client_write_metrics(struct client *c)
{
	struct stats s;

	if (metrics_due(&c->metrics, clock_ms())) {
		fill(c, &s);
		metrics_start(&c->metrics, &s, NULL, NULL);
	}
}
