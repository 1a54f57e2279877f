#include "siege.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addrs.h"
#include "clock.h"
#include "probe.h"

/* ---- the groups */

static bool
is_recent(const struct recording_group *g)
{
	uint64_t now = clock_instant() / FRAME_SECOND;
	uint64_t then = g->ns / 1000000000u;

	return then <= now && now - then <= SIEGE_RECENT_S;
}

static bool
is_past(const struct siege *s)
{
	uint64_t now = clock_instant();
	const struct sender_group *g = &s->base;
	uint64_t then = frame_instant(g->seq[FRAME_SYN1], g->seq[FRAME_SYN2],
				      now);

	return now > then && now - then > (uint64_t)s->options->tolerance *
						  FRAME_SECOND;
}

static int
set_model(struct salvo_model *model, const uint8_t *bytes, size_t len)
{
	memcpy(model->bytes, bytes, len);
	return packet_parse(&model->syn, model->bytes, len, len) == PACKET_OK ?
		       0 :
		       -EBADMSG;
}

static int
use_key(struct siege *s)
{
	const struct assault_options *o = s->options;
	const struct answer_flow flow = {
		.src = s->target.src,
		.dst = s->target.addr,
		.dport = o->port,
	};
	uint8_t bytes[PROBE_MAX];
	size_t len = probe_build(bytes, PROBE_SYN, &flow, 0);

	s->trial.key = o->key;
	s->trial.aim.model = &s->made;
	return set_model(&s->made, bytes, len);
}

/* From where it was sent, where that is here; from elsewhere else. */
static int
use_recording(struct siege *s)
{
	const struct recording *r = s->options->recording;
	const struct recording_group *g = recording_best(r);
	int rc;

	s->recording = g;
	s->latest = g->frames;
	for (size_t i = 0; i < recording_count(r) && !s->has_second; i++) {
		if (recording_at(r, i) != g) {
			s->second = recording_at(r, i)->frames;
			s->has_second = true;
		}
	}
	rc = addrs_own(&g->src);
	if (rc == 1) {
		if (packet_addr_equal(&s->target.other, &g->src)) {
			s->target.other = s->target.src;
		}
		s->target.src = g->src;
		s->path_known = g->answered && is_recent(g);
	}
	s->trial.aim.model = &s->recorded;
	return rc < 0 ? rc : set_model(&s->recorded, g->syn, g->syn_len);
}

static int
open_salvo(struct siege *s, char *why)
{
	const struct assault_options *o = s->options;
	const struct salvo_target targets[] = { s->target, o->also };
	const uint16_t ports[] = { o->port, o->other_port };
	const struct salvo_options options = {
		.targets = targets,
		.target_count = o->also.addr.family ? 2 : 1,
		.ports = ports,
		.port_count = o->other_port ? 2 : 1,
		.rate = o->rate,
		.mark = o->mark,
	};

	return salvo_open(&s->salvo, &options, why);
}

/*
 * The group to replay has to be one that the server had: where the
 * recording does not show that, it has it from now on.
 */
static void
show_recorded(struct siege *s)
{
	struct salvo_aim aim = siege_aim(s, ATTACK_AGAIN);
	struct attack_shot shot;

	attack_send(&s->latest, &shot);
	if (s->trial.error == 0) {
		s->trial.error = salvo_send(&s->salvo, &aim, &shot,
					    SIEGE_SHOT);
	}
	trial_wait(&s->trial, SIEGE_QUIET_MS);
	salvo_forget(&s->salvo);
}

int
siege_begin(struct siege *s, char *why)
{
	const struct assault_options *o = s->options;
	int rc = 0;

	s->target = o->target;
	s->trial.salvo = &s->salvo;
	s->trial.aim.target = &s->target;
	s->trial.aim.port = o->port;
	if (o->recording) {
		rc = use_recording(s);
	}
	if (rc == 0 && o->key) {
		rc = use_key(s);
	}
	if (rc < 0) {
		snprintf(why, ASSAULT_WHY_MAX, "%s", strerror(-rc));
		return rc;
	}
	rc = open_salvo(s, why);
	if (rc < 0) {
		return rc;
	}
	if (o->key) {
		struct sender_group group = { 0 };

		if (trial_run(&s->trial, &s->trial.aim, SIEGE_RETRY_MS,
			      &group) == TRIAL_FAILED) {
			rc = s->trial.error ? s->trial.error : -EACCES;
			snprintf(why, ASSAULT_WHY_MAX, "%s", s->trial.error ?
				 strerror(-rc) : "a fresh group of the key does "
				 "not get in: another key, port or realm, a "
				 "wrong clock, or no server there");
			siege_end(s);
			return rc;
		}
		if (!s->recording) {
			s->latest = group;
		}
	}
	siege_take_base(s);
	if (s->recording && !s->recording->answered) {
		show_recorded(s);
	}
	return 0;
}

void
siege_end(struct siege *s)
{
	s->report->trials = s->trial.sent;
	s->report->trials_accepted = s->trial.accepted;
	s->report->lost = salvo_lost(&s->salvo);
	salvo_close(&s->salvo);
}

bool
siege_uses_fresh(const struct siege *s, enum attack_kind kind)
{
	const struct acl_key *key = s->options->key;

	/* The papers' authenticator covers no port: a fresh one may go. */
	if (!key || (kind == ATTACK_OTHER_SERVICE &&
		     key->mac.suite == MAC_HMAC_MD5)) {
		return false;
	}
	return attacks[kind].base == ATTACK_OF_FRESH ||
	       attacks[kind].base == ATTACK_OF_ANY;
}

size_t
siege_frames(const struct siege *s, enum attack_kind kind)
{
	return siege_uses_fresh(s, kind) ?
		       FRAME_BASE + (size_t)s->options->key->mac.extra :
		       s->base.count;
}

struct salvo_aim
siege_aim(const struct siege *s, enum attack_kind kind)
{
	const struct assault_options *o = s->options;

	return (struct salvo_aim){
		.target = kind == ATTACK_OTHER_SERVER ? &o->also : &s->target,
		.port = kind == ATTACK_OTHER_SERVICE ? o->other_port : o->port,
		.model = s->recording && !siege_uses_fresh(s, kind) ?
				 &s->recorded :
				 &s->made,
	};
}

void
siege_take_base(struct siege *s)
{
	if (!s->holds) {
		s->base = s->latest;
	}
}

void
siege_hold(struct siege *s, const struct sender_group *group)
{
	s->base = *group;
	s->holds = true;
}

void
siege_release(struct siege *s)
{
	s->holds = false;
}

/* ---- what came of it */

void
siege_settle(struct siege *s, struct siege_tally *tally)
{
	struct sender_group group = { 0 };

	tally->outcome = TRIAL_CLEAN;
	if (!s->trial.key) {
		trial_wait(&s->trial, SIEGE_QUIET_MS);
		return;
	}
	tally->outcome = trial_run(&s->trial, &s->trial.aim,
				   trial_is_short(&s->trial) ?
					   SIEGE_RETRY_SHORT_MS :
					   SIEGE_RETRY_MS,
				   &group);
	if (tally->outcome != TRIAL_FAILED && !s->recording) {
		s->latest = group;
	}
}

void
siege_count(struct siege *s, unsigned shots, bool race,
	    struct siege_tally *tally)
{
	for (unsigned number = SIEGE_SHOT; number < SIEGE_SHOT + shots;
	     number++) {
		unsigned accepted = salvo_accepted(&s->salvo, number);
		unsigned answers = salvo_answers(&s->salvo, number, true);

		tally->shots++;
		tally->accepted += accepted > (race ? 1u : 0u);
		tally->raced += race && accepted == 1;
		tally->resets += !accepted && answers & SALVO_RESET;
		tally->acks += !accepted && answers & SALVO_ACK;
		tally->errors += !accepted && answers & SALVO_ICMP;
		/* Neither of two copies: something went wrong. */
		if (race && !accepted && tally->outcome == TRIAL_CLEAN) {
			tally->outcome = TRIAL_LATE;
		}
	}
}

static void
say(struct assault_result *result, enum assault_verdict verdict,
    const char *reason, const char *more)
{
	result->verdict = verdict;
	snprintf(result->reason, sizeof result->reason, "%s%s", reason, more);
}

void
siege_inconclusive(struct assault_result *result, const char *reason)
{
	say(result, ASSAULT_INCONCLUSIVE, reason, "");
}

static const char *
answer_of(const struct siege_tally *tally)
{
	if (tally->resets == tally->shots) {
		return "a reset";
	}
	if (tally->resets > 0) {
		return "resets, or no answer";
	}
	return tally->errors > 0 ? "an ICMP error" : "no answer";
}

void
siege_judge(const struct siege *s, enum attack_kind kind,
	    const struct siege_tally *tally, struct assault_result *result)
{
	bool is_base = attacks[kind].base != ATTACK_OF_NONE &&
		       !siege_uses_fresh(s, kind);
	const char *past = is_base && s->recording && is_past(s) ?
				   "; its time is past, too" : "";

	result->groups = tally->sent;
	result->accepted = tally->accepted;
	result->resets = tally->resets;
	if (tally->accepted > 0) {
		say(result, ASSAULT_ACCEPTED, kind == ATTACK_RACE ?
		    "a SYN/ACK to both" : "a SYN/ACK", "");
	} else if (kind == ATTACK_RACE) {
		say(result, tally->unsure ? ASSAULT_INCONCLUSIVE :
					    ASSAULT_REFUSED,
		    tally->unsure ? "neither copy got in" :
				    "one of the two got in, as it should", "");
	} else if (tally->acks > 0) {
		say(result, ASSAULT_INCONCLUSIVE, "an ACK came: a connection "
		    "with these ports is open there", "");
	} else if (tally->unsure > 0) {
		say(result, ASSAULT_INCONCLUSIVE, "fresh groups were not "
		    "accepted at once afterwards: lost, or limited", "");
	} else if (s->trial.key || tally->resets == tally->shots) {
		say(result, ASSAULT_REFUSED, answer_of(tally), past);
	} else if (s->path_known) {
		say(result, ASSAULT_REFUSED, "no answer, on a way that was "
		    "open when it was recorded", past);
	} else {
		say(result, ASSAULT_INCONCLUSIVE, "no answer; without -k "
		    "nothing tells a refusal from a loss", past);
	}
}
