#include "server/worker_switch.h"

#include <errno.h>

#include "daemon/log.h"
#include "server/worker_stats.h"
#include "tap.h"

int
worker_switch_open(struct worker *g)
{
	g->decoys = monitor_memory(sizeof *g->decoys);
	return g->decoys ? TAP_OK : log_fail("memory", -ENOMEM);
}

static void
say(const struct receiver_event *e)
{
	struct log_record r;

	log_begin(&r, LOG_LEVEL_WARNING, "led");
	log_number(&r, "key", e->key_no);
	if (e->key && e->key->name[0]) {
		log_text(&r, "name", e->key->name);
	}
	log_address(&r, "src", &e->src, e->sport);
	log_address(&r, "dst", &e->dst, e->dport);
	log_text(&r, "to", "decoy");
	log_end(&r);
}

static bool
is_led(const struct worker *g, const struct receiver_event *e)
{
	return e->reason == VERIFY_ACCEPTED &&
		decoy_view_has(g->decoys, e->key_no, &e->src);
}

void
worker_switch_lead(struct worker *g, const struct acl_rule *rule,
		   struct receiver_result *result)
{
	size_t at = 0;

	if (!rule || rule->switches != ACL_SWITCH_NEXT) {
		return;
	}
	while (at < result->events_count && !is_led(g, &result->events[at])) {
		at++;
	}
	if (at == result->events_count) {
		return;
	}
	say(&result->events[at]);
	worker_stats_accept(g, &result->events[at]);
	g->shared->led++;
	/* Nothing is to know it for a connection that was let in. */
	result->events[at] = result->events[--result->events_count];
	if (result->verdict == RECEIVER_ACCEPT) {
		result->verdict = RECEIVER_DECOY;
	}
	for (size_t i = 0; i < result->releases_count; i++) {
		if (result->releases[i].verdict == RECEIVER_ACCEPT) {
			result->releases[i].verdict = RECEIVER_DECOY;
		}
	}
}
