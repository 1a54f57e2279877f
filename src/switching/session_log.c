#include "switching/session_log.h"

#include "daemon/log.h"

static void
begin(struct log_record *r, enum log_level level, const char *event,
      const struct session *s)
{
	const struct carrier_note *n = &s->note;

	log_begin(r, level, event);
	if (n->key_no >= 0) {
		log_number(r, "key", n->key_no);
	}
	if (n->name[0]) {
		log_text(r, "name", n->name);
	}
	log_address(r, "src", &n->src, n->sport);
	log_address(r, "dst", &n->dst, n->dport);
}

static void
put_decoy(struct log_record *r, const struct session *s)
{
	log_address(r, "decoy", &s->note.decoy, s->note.decoy_port);
}

void
session_log_switch(const struct session *s, const char *event,
		   const char *reason)
{
	struct log_record r;

	begin(&r, LOG_LEVEL_WARNING, event, s);
	put_decoy(&r, s);
	log_text(&r, "reason", reason);
	log_number(&r, "turn", (long long)s->turn.number);
	log_number(&r, "offset", (long long)s->turn.real);
	log_number(&r, "decoy_offset", (long long)s->turn.decoy);
	/* Said by the client, and not taken by the service, which is reset. */
	log_number(&r, "unheard", (long long)s->real.out.len);
	log_end(&r);
}

void
session_log_waited(const struct session *s)
{
	struct log_record r;

	if (turn_to_drop(&s->turn) == 0) {
		return;
	}
	begin(&r, LOG_LEVEL_WARNING, "decoy_behind", s);
	put_decoy(&r, s);
	log_text(&r, "reason",
		 s->decoy.ended ? "it has ended"
				: "not there in time: its next byte is taken");
	log_number(&r, "missing", (long long)turn_to_drop(&s->turn));
	log_end(&r);
}

void
session_log_answer(const struct session *s, uint64_t now_us)
{
	struct log_record r;

	begin(&r, LOG_LEVEL_INFO, "decoy_answers", s);
	put_decoy(&r, s);
	log_number(&r, "ms", (long long)((now_us - s->alert_us + 500) / 1000));
	log_end(&r);
}

static void
limited(const struct session *s, const char *event, const char *why,
	uint64_t now_ms)
{
	static struct log_limit limit;
	struct log_record r;

	if (!log_limit_allows(&limit, now_ms)) {
		return;
	}
	begin(&r, LOG_LEVEL_WARNING, event, s);
	put_decoy(&r, s);
	log_text(&r, "reason", why);
	if (limit.left_out > 0) {
		log_number(&r, "left_out", (long long)limit.left_out);
		limit.left_out = 0;
	}
	log_end(&r);
}

void
session_log_lost(const struct session *s, const char *why, uint64_t now_ms)
{
	limited(s, "decoy_lost", why, now_ms);
}

void
session_log_refused(const struct session *s, const char *why, uint64_t now_ms)
{
	limited(s, "service_lost", why, now_ms);
}
