#include "server/worker_log.h"

void
worker_log(struct worker *g, const struct receiver_event *event, uint64_t ms)
{
	bool accepted = event->reason == VERIFY_ACCEPTED;
	struct log_record r;

	if (!accepted && !log_is_verbose() &&
	    !log_limit_allows(&g->refusals, ms)) {
		return;
	}
	log_begin(&r, LOG_LEVEL_INFO, accepted ? "accepted" : "refused");
	if (!accepted) {
		log_text(&r, "reason", receiver_reason_name(event->reason));
	}
	if (event->key_no >= 0) {
		log_number(&r, "key", event->key_no);
	}
	if (event->key && event->key->name[0]) {
		log_text(&r, "name", event->key->name);
	}
	log_address(&r, "src", &event->src, event->sport);
	log_address(&r, "dst", &event->dst, event->dport);
	if (event->key_no >= 0) {
		log_seconds(&r, "skew", event->skew);
	}
	if (!accepted && g->refusals.left_out > 0) {
		log_number(&r, "left_out", (long long)g->refusals.left_out);
		g->refusals.left_out = 0;
	}
	log_end(&r);
}

void
worker_log_unanswered(const struct receiver_event *event)
{
	struct log_record r;

	log_begin(&r, LOG_LEVEL_WARNING, "unanswered");
	log_text(&r, "reason",
		 "accepted, but this host sent no SYN/ACK: its own firewall "
		 "may drop the port, or the service's backlog is full");
	log_address(&r, "src", &event->src, event->sport);
	log_address(&r, "dst", &event->dst, event->dport);
	log_end(&r);
}
