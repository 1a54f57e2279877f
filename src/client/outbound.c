#include "client/outbound.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "os/clock.h"
#include "daemon/log.h"

void
outbound_stats(const struct outbound_counters *n, struct stats *s)
{
	stat_count(s, "syns", "SYNs seen", n->seen,
		   "SYNs to addresses and ports of a rule");
	stat_count(s, "authenticated", "authenticated", n->authenticated,
		   "SYNs that were made into a group");
	stat_count(s, "as_is.no_rule", "sent as is: no rule", n->passed,
		   "SYNs sent without authentication, by reason");
	stat_count(s, "as_is.data", "sent as is: data", n->data, "");
	stat_count(s, "as_is.mark", "sent as is: mark", n->marked, "");
	stat_count(s, "as_is.failed", "not authenticated", n->failed, "");
	stat_count(s, "refused.signature", "refused: signed", n->signature,
		   "Groups and SYNs that were refused, by reason");
	stat_count(s, "refused.guest", "refused: guests", n->denied, "");
	stat_count(s, "refused.unknown", "refused: unknown", n->unknown, "");
}

/* The host of a name that a SYN goes to, or NULL. */
static const struct sender_host *
host_at(const struct outbound *e, const struct packet *p)
{
	const struct sender_host *host = e->conf->hosts;

	while (host && !sender_host_has(host, &p->dst)) {
		host = host->next;
	}
	return host;
}

static void
log_place(struct log_record *r, const struct outbound *e,
	  const struct packet *p)
{
	const struct sender_host *host = host_at(e, p);

	log_address(r, "src", &p->src, p->sport);
	log_address(r, "dst", &p->dst, p->dport);
	if (host) {
		log_text(r, "dst_host", host->name);
	}
}

/* Log what went wrong with a SYN, at a bounded rate. */
static void
complain(struct outbound *e, const struct packet *p, const char *event,
	 const char *reason)
{
	struct log_record r;

	if (!log_limit_allows(&e->limit, clock_ms())) {
		return;
	}
	log_begin(&r, LOG_LEVEL_WARNING, event);
	log_text(&r, "reason", reason);
	log_place(&r, e, p);
	if (e->limit.left_out > 0) {
		log_number(&r, "left_out", (long long)e->limit.left_out);
		e->limit.left_out = 0;
	}
	log_end(&r);
}

/* Its name may have other addresses by now. */
static void
have_looked_up(const struct outbound *e, const struct packet *p)
{
	const struct sender_host *host = e->asked ? host_at(e, p) : NULL;

	if (host) {
		__atomic_store_n(&e->asked[host->no], 1, __ATOMIC_RELAXED);
	}
}

/*
 * The same SYN again is one that nobody answered: after a few times, that
 * is worth a line, once.
 */
static bool
is_unanswered(struct outbound *e, const struct packet *p)
{
	size_t at = (p->seq ^ p->sport) % OUTBOUND_UNANSWERED_MAX;

	if (e->unanswered[at].seq != p->seq ||
	    e->unanswered[at].sport != p->sport) {
		e->unanswered[at].seq = p->seq;
		e->unanswered[at].sport = p->sport;
		e->unanswered[at].times = 0;
	}
	if (++e->unanswered[at].times > 1) {
		have_looked_up(e, p);
	}
	return e->unanswered[at].times == OUTBOUND_UNANSWERED_TIMES;
}

/* What this host can know of why an authenticated SYN gets no answer. */
static const char *
no_answer(void)
{
	return clock_is_synchronised()
		? "no answer: not admitted there, not reached, or the "
		  "server's clock is off"
		: "no answer: perhaps since this host's clock is not "
		  "synchronised";
}

/* Why a group could not be made or sent. */
static const char *
failure(int error)
{
	return error == EADDRINUSE || error == EADDRNOTAVAIL
		? "no source port is free"
		: strerror(error);
}

/* One line for each connection, where they are wanted. */
static void
tell_authenticated(const struct outbound *e, const struct packet *p,
		   uint16_t key_no)
{
	struct log_record r;

	if (e->note) {
		e->note(e->note_context, p, key_no);
	}
	if (!log_is_verbose()) {
		return;
	}
	log_begin(&r, LOG_LEVEL_DEBUG, "authenticated");
	log_number(&r, "key", key_no);
	log_place(&r, e, p);
	log_end(&r);
}

void
outbound_tell(struct outbound *e, enum outbound_news news,
	      const struct packet *p, uint16_t key_no)
{
	switch (news) {
	case OUTBOUND_UNANSWERED:
		have_looked_up(e, p);
		if (!e->note_alone) {
			complain(e, p, "unanswered", no_answer());
		}
		tell_authenticated(e, p, key_no);
		break;
	case OUTBOUND_AUTHENTICATED:
		tell_authenticated(e, p, key_no);
		break;
	case OUTBOUND_DATA:
		complain(e, p, "unauthenticated",
			 "SYN carries data (TCP Fast Open)");
		break;
	case OUTBOUND_SIGNATURE:
		complain(e, p, "refused", "SYN is signed (TCP-MD5 or TCP-AO)");
		break;
	case OUTBOUND_NO_RULE:
		complain(e, p, "unanswered",
			 "no answer: sent as it was, as no rule is "
			 "for this user, program or device");
		break;
	case OUTBOUND_KEY:
		complain(e, p, "unauthenticated", "key is not valid now");
		break;
	case OUTBOUND_NO_PORT:
		complain(e, p, "unauthenticated", failure(EADDRNOTAVAIL));
		break;
	case OUTBOUND_NOT_SENT:
		complain(e, p, "unauthenticated", failure(ENOBUFS));
		break;
	}
}

static int
make_group(struct outbound *e, const struct sender_rule *rule,
	   const struct packet *p, struct sender_group *group)
{
	size_t others = FRAME_BASE - 1 + rule->key.mac.extra;
	uint16_t sports[FRAME_MAX];
	uint16_t mark;
	int rc = ports_take(&e->ports, sports, others);

	if (rc < 0) {
		return rc;
	}
	if (getentropy(&mark, sizeof mark) < 0) {
		return -EIO;
	}
	sender_sign(group, p, rule, clock_instant(), mark, sports);
	return 0;
}

/* The frames but for SYN0, in their order, before it. */
static int
send_frames(struct outbound *e, const struct outbound_syn *in,
	    const struct packet *p, const struct sender_group *group)
{
	uint8_t frames[FRAME_MAX][PACKET_HEADERS_MAX];
	struct packet_view packets[FRAME_MAX];
	size_t count = group->count - 1;

	for (size_t i = 0; i < count; i++) {
		enum frame_role role = frame_sent_at(i, group->count);

		packets[i].bytes = frames[i];
		packets[i].len =
			sender_frame(frames[i], in->bytes, p, group, role);
	}
	return e->send(e->context, in, p, packets, count);
}

static struct sender_packet
about(const struct outbound *e, const struct outbound_syn *in,
      const struct packet *p)
{
	const struct client_conf *conf = e->conf;
	const struct guest_owner *owner = in->owner;
	struct sender_packet about = {
		.packet = p,
		.guest = in->guest,
		.exe = conf->by_exe && !in->guest && e->program
			? e->program(e->context, in, p)
			: NULL,
		.forwarded = in->forwarded,
		.indev = conf->by_device ? in->indev : NULL,
		.outdev = conf->by_device ? in->device : NULL,
		.has_uid = in->has_uid,
		.uid = in->uid,
	};

	if (owner) {
		about.has_uid = owner->has_uid;
		about.uid = owner->uid;
	}
	if (owner && owner->unknown == GUEST_KNOWN) {
		about.pid = owner->process.pid;
		about.comm = owner->process.comm;
		about.exe = owner->exe[0] ? owner->exe : NULL;
	}
	return about;
}

/* No rule is for it. */
static enum outbound_fate
pass(struct outbound *e, const struct packet *p)
{
	e->counters->passed++;
	if (is_unanswered(e, p)) {
		outbound_tell(e, OUTBOUND_NO_RULE, p, 0);
	}
	return OUTBOUND_PASS;
}

/* A group of it, and syn0, what it becomes. */
static enum outbound_fate
authenticate(struct outbound *e, const struct outbound_syn *in,
	     const struct packet *p, const struct sender_rule *rule,
	     uint8_t *syn0)
{
	struct sender_group group = { 0 };
	int rc;

	if (!acl_key_valid_at(&rule->key, clock_instant())) {
		e->counters->failed++;
		outbound_tell(e, OUTBOUND_KEY, p, rule->key.no);
		return OUTBOUND_PASS;
	}
	rc = make_group(e, rule, p, &group);
	rc = rc ? rc : send_frames(e, in, p, &group);
	if (rc < 0) {
		e->counters->failed++;
		complain(e, p, "unauthenticated", failure(-rc));
		return OUTBOUND_PASS;
	}
	memcpy(syn0, in->bytes, in->len);
	sender_syn0(syn0, p, &group);
	e->counters->authenticated++;
	outbound_tell(e,
		      is_unanswered(e, p) ? OUTBOUND_UNANSWERED
					  : OUTBOUND_AUTHENTICATED,
		      p, rule->key.no);
	return OUTBOUND_SYN0;
}

/* Who wants to know why a guest's connection fails. */
static enum outbound_fate
deny(struct outbound *e, const struct outbound_syn *in, const struct packet *p,
     const struct sender_rule *rule)
{
	const struct guest_owner *owner = in->owner;
	struct log_record r;

	if (!log_limit_allows(&e->limit, clock_ms())) {
		return OUTBOUND_DROP;
	}
	log_begin(&r, LOG_LEVEL_INFO, "denied");
	log_text(&r, "guest", e->conf->guests.at[in->guest - 1].name);
	log_number(&r, "rule", rule ? rule->line : 0);
	if (owner && owner->has_uid) {
		log_number(&r, "uid", owner->uid);
	}
	if (owner && owner->unknown == GUEST_KNOWN) {
		log_number(&r, "pid", owner->process.pid);
		log_text(&r, "comm", owner->process.comm);
		log_text(&r, "exe", owner->exe);
	} else if (owner) {
		log_text(&r, "reason", guest_unknown_text(owner->unknown));
	}
	log_place(&r, e, p);
	log_end(&r);
	return OUTBOUND_DROP;
}

/* What a rule says that is for a guest; OUTBOUND_PASS: its key is to be used.
 */
static enum outbound_fate
judge_guest(struct outbound *e, const struct outbound_syn *in,
	    const struct packet *p, const struct sender_rule *rule,
	    bool lacks_owner)
{
	if (lacks_owner && !in->owner) {
		return OUTBOUND_ASK;
	}
	if (lacks_owner && !rule->unknown_passes) {
		e->counters->unknown++;
		return deny(e, in, p, rule);
	}
	if (!lacks_owner && rule->action == SENDER_DENY) {
		e->counters->denied++;
		return deny(e, in, p, rule);
	}
	return OUTBOUND_PASS;
}

/* Decide on a SYN; where it becomes SYN0, syn0 has it. */
static enum outbound_fate
judge(struct outbound *e, const struct outbound_syn *in, const struct packet *p,
      uint8_t *syn0)
{
	const struct sender_packet what = about(e, in, p);
	const struct sender_rule *rule =
		sender_rule_for(e->conf->rules, e->conf->rules_count, &what);

	if (rule && rule->guest) {
		const bool lacks_owner = sender_lacks_owner(rule, &what);
		const enum outbound_fate fate =
			judge_guest(e, in, p, rule, lacks_owner);

		if (fate != OUTBOUND_PASS) {
			return fate;
		}
		if (lacks_owner || rule->action != SENDER_AUTHENTICATE) {
			e->counters->passed++;
			return OUTBOUND_PASS;
		}
	}
	if (!rule || (e->is_others && e->is_others(e->others_context, in, p))) {
		return pass(e, p);
	}
	switch (sender_judge(p)) {
	case SENDER_DATA:
		e->counters->data++;
		outbound_tell(e, OUTBOUND_DATA, p, rule->key.no);
		return OUTBOUND_PASS;
	case SENDER_SIGNATURE:
		e->counters->signature++;
		outbound_tell(e, OUTBOUND_SIGNATURE, p, rule->key.no);
		return OUTBOUND_DROP;
	default:
		return authenticate(e, in, p, rule, syn0);
	}
}

enum outbound_fate
outbound_syn(struct outbound *e, const struct outbound_syn *in, uint8_t *syn0)
{
	struct packet p;

	enum outbound_fate fate;

	/*
	 * A SYN with data may be truncated here, but is sent unchanged anyway.
	 */
	if (packet_parse(&p, in->bytes, in->len, in->wire_len) != PACKET_OK ||
	    !packet_is_syn(&p)) {
		e->counters->seen++;
		if (in->guest) {
			/* Made so by a guest: no rule could be asked. */
			e->counters->unknown++;
			return OUTBOUND_DROP;
		}
		e->counters->passed++;
		return OUTBOUND_PASS;
	}
	fate = judge(e, in, &p, syn0);
	e->counters->seen += fate != OUTBOUND_ASK;
	return fate;
}

void
outbound_init(struct outbound *e)
{
	memset(e, 0, sizeof *e);
	ports_init(&e->ports);
	e->ports.fresh_max = PORTS_FRESH_MAX;
}

void
outbound_close(struct outbound *e)
{
	ports_close(&e->ports);
}
