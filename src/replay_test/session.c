#include "replay_test/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "os/own_addrs.h"
#include "os/clock.h"
#include "measure/probe.h"

/* ---- the groups */

static bool
is_recent(const struct recording_group *g)
{
	uint64_t now = clock_instant() / FRAME_SECOND;
	uint64_t then = g->ns / 1000000000u;

	return then <= now && now - then <= ATTACK_GROUND_RECENT_S;
}

static bool
is_past(const struct attack_ground *s)
{
	uint64_t now = clock_instant();
	const struct sender_group *g = &s->base;
	uint64_t then =
		frame_instant(g->seq[FRAME_SYN1], g->seq[FRAME_SYN2], now);

	return now > then &&
		now - then > (uint64_t)s->options->tolerance * FRAME_SECOND;
}

static int
set_model(struct attack_wire_model *model, const uint8_t *bytes, size_t len)
{
	memcpy(model->bytes, bytes, len);
	return packet_parse(&model->syn, model->bytes, len, len) == PACKET_OK
		? 0
		: -EBADMSG;
}

static int
use_key(struct attack_ground *s)
{
	const struct attack_run_options *o = s->options;
	const struct answer_flow flow = {
		.src = s->target.src,
		.dst = s->target.addr,
		.dport = o->port,
	};
	uint8_t bytes[PROBE_MAX];
	size_t len = probe_build(bytes, PROBE_SYN, &flow, 0);

	s->fresh.key = o->key;
	s->fresh.aim.model = &s->made;
	return set_model(&s->made, bytes, len);
}

/* Send from the address that it came from, if that is one of this host's. */
static int
use_recording(struct attack_ground *s)
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
	s->fresh.aim.model = &s->recorded;
	return rc < 0 ? rc : set_model(&s->recorded, g->syn, g->syn_len);
}

static int
open_wire(struct attack_ground *s, char *why)
{
	const struct attack_run_options *o = s->options;
	const struct attack_wire_target targets[] = { s->target, o->also };
	const uint16_t ports[] = { o->port, o->other_port };
	const struct attack_wire_options options = {
		.targets = targets,
		.target_count = o->also.addr.family ? 2 : 1,
		.ports = ports,
		.port_count = o->other_port ? 2 : 1,
		.rate = o->rate,
		.mark = o->mark,
	};

	return attack_wire_open(&s->wire, &options, why);
}

/*
 * The group to replay has to be one that the server had: where the
 * recording does not show that, it has it from now on.
 */
static void
show_recorded(struct attack_ground *s)
{
	struct attack_wire_aim aim = attack_ground_aim(s, ATTACK_AGAIN);
	struct attack_shot shot;

	attack_send(&s->latest, &shot);
	if (s->fresh.error == 0) {
		s->fresh.error = attack_wire_send(&s->wire, &aim, &shot,
						  ATTACK_GROUND_SHOT);
	}
	attack_fresh_wait(&s->fresh, ATTACK_GROUND_QUIET_MS);
	attack_wire_forget(&s->wire);
}

int
attack_ground_begin(struct attack_ground *s, char *why)
{
	const struct attack_run_options *o = s->options;
	int rc = 0;

	s->target = o->target;
	s->fresh.wire = &s->wire;
	s->fresh.aim.target = &s->target;
	s->fresh.aim.port = o->port;
	if (o->recording) {
		rc = use_recording(s);
	}
	if (rc == 0 && o->key) {
		rc = use_key(s);
	}
	if (rc < 0) {
		return why_set(why, rc, "%s", strerror(-rc));
	}
	rc = open_wire(s, why);
	if (rc < 0) {
		return rc;
	}
	if (o->key) {
		struct sender_group group = { 0 };

		if (attack_fresh_run(&s->fresh, &s->fresh.aim,
				     ATTACK_GROUND_RETRY_MS,
				     &group) == ATTACK_FRESH_FAILED) {
			rc = s->fresh.error ? s->fresh.error : -EACCES;
			why_set(why, -1, "%s",
				s->fresh.error
					? strerror(-rc)
					: "a fresh group of the key does "
					  "not get in: another key, port or realm, a "
					  "wrong clock, or no server there");
			attack_ground_end(s);
			return rc;
		}
		if (!s->recording) {
			s->latest = group;
		}
	}
	attack_ground_take_base(s);
	if (s->recording && !s->recording->answered) {
		show_recorded(s);
	}
	return 0;
}

void
attack_ground_end(struct attack_ground *s)
{
	s->report->trials = s->fresh.sent;
	s->report->trials_accepted = s->fresh.accepted;
	s->report->lost = captures_lost(&s->wire.captures);
	attack_wire_close(&s->wire);
}

bool
attack_ground_uses_fresh(const struct attack_ground *s, enum attack_kind kind)
{
	const struct acl_key *key = s->options->key;

	/*
	 * The authenticator covers no port, so a fresh group works here, too.
	 */
	if (!key ||
	    (kind == ATTACK_OTHER_SERVICE &&
	     !suites[key->mac.suite].binds_service)) {
		return false;
	}
	return attacks[kind].base == ATTACK_OF_FRESH ||
		attacks[kind].base == ATTACK_OF_ANY;
}

size_t
attack_ground_frames(const struct attack_ground *s, enum attack_kind kind)
{
	return attack_ground_uses_fresh(s, kind)
		? FRAME_BASE + (size_t)s->options->key->mac.extra
		: s->base.count;
}

struct attack_wire_aim
attack_ground_aim(const struct attack_ground *s, enum attack_kind kind)
{
	const struct attack_run_options *o = s->options;

	return (struct attack_wire_aim){
		.target = kind == ATTACK_OTHER_SERVER ? &o->also : &s->target,
		.port = kind == ATTACK_OTHER_SERVICE ? o->other_port : o->port,
		.model = s->recording && !attack_ground_uses_fresh(s, kind)
			? &s->recorded
			: &s->made,
	};
}

void
attack_ground_take_base(struct attack_ground *s)
{
	if (!s->holds) {
		s->base = s->latest;
	}
}

void
attack_ground_hold(struct attack_ground *s, const struct sender_group *group)
{
	s->base = *group;
	s->holds = true;
}

void
attack_ground_release(struct attack_ground *s)
{
	s->holds = false;
}

/* ---- what came of it */

/*
 * The fresh group that ends the wait goes the way that the attack went: its
 * answer comes after those to what was sent before, from the same host.
 */
static struct attack_wire_aim
marker_aim(const struct attack_ground *s, enum attack_kind kind)
{
	struct attack_wire_aim aim = attack_ground_aim(s, kind);

	aim.model = &s->made;
	return s->lets_in_elsewhere ? aim : s->fresh.aim;
}

void
attack_ground_settle(struct attack_ground *s, enum attack_kind kind,
		     struct attack_ground_tally *tally)
{
	struct attack_wire_aim aim = marker_aim(s, kind);
	struct sender_group group = { 0 };

	tally->outcome = ATTACK_FRESH_CLEAN;
	if (!s->fresh.key) {
		attack_fresh_wait(&s->fresh, ATTACK_GROUND_QUIET_MS);
		return;
	}
	tally->outcome = attack_fresh_run(&s->fresh, &aim,
					  attack_fresh_is_short(&s->fresh)
						  ? ATTACK_GROUND_RETRY_SHORT_MS
						  : ATTACK_GROUND_RETRY_MS,
					  &group);
	/* Replay the group that the first server let in. */
	if (tally->outcome != ATTACK_FRESH_FAILED && !s->recording &&
	    !s->lets_in_elsewhere) {
		s->latest = group;
	}
}

void
attack_ground_count(struct attack_ground *s, unsigned shots, bool race,
		    struct attack_ground_tally *tally)
{
	for (unsigned number = ATTACK_GROUND_SHOT;
	     number < ATTACK_GROUND_SHOT + shots; number++) {
		unsigned accepted = attack_wire_accepted(&s->wire, number);
		unsigned answers = attack_wire_answers(&s->wire, number, true);

		tally->shots++;
		tally->accepted += accepted > (race ? 1u : 0u);
		tally->raced += race && accepted == 1;
		tally->resets += !accepted && answers & ATTACK_WIRE_RESET;
		tally->acks += !accepted && answers & ATTACK_WIRE_ACK;
		tally->errors += !accepted && answers & ATTACK_WIRE_ICMP;
		/* Neither of two copies got in: something went wrong. */
		if (race && !accepted && tally->outcome == ATTACK_FRESH_CLEAN) {
			tally->outcome = ATTACK_FRESH_LATE;
		}
	}
}

static void
say(struct attack_run_result *result, enum attack_run_verdict verdict,
    const char *reason, const char *more)
{
	result->verdict = verdict;
	snprintf(result->reason, sizeof result->reason, "%s%s", reason, more);
}

void
attack_ground_inconclusive(struct attack_run_result *result, const char *reason)
{
	say(result, ATTACK_RUN_INCONCLUSIVE, reason, "");
}

static const char *
answer_of(const struct attack_ground_tally *tally)
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
attack_ground_judge(const struct attack_ground *s, enum attack_kind kind,
		    const struct attack_ground_tally *tally,
		    struct attack_run_result *result)
{
	bool is_base = attacks[kind].base != ATTACK_OF_NONE &&
		!attack_ground_uses_fresh(s, kind);
	const char *past = is_base && s->recording && is_past(s)
		? "; its time is past, too"
		: "";

	result->groups = tally->sent;
	result->accepted = tally->accepted;
	result->resets = tally->resets;
	if (tally->accepted > 0) {
		say(result, ATTACK_RUN_ACCEPTED,
		    kind == ATTACK_RACE ? "a SYN/ACK to both" : "a SYN/ACK",
		    "");
	} else if (kind == ATTACK_RACE) {
		say(result,
		    tally->unsure ? ATTACK_RUN_INCONCLUSIVE
				  : ATTACK_RUN_REFUSED,
		    tally->unsure ? "neither copy got in"
				  : "one of the two got in, as it should",
		    "");
	} else if (tally->acks > 0) {
		say(result, ATTACK_RUN_INCONCLUSIVE,
		    "an ACK came: a connection "
		    "with these ports is open there",
		    "");
	} else if (tally->unsure > 0) {
		say(result, ATTACK_RUN_INCONCLUSIVE,
		    "fresh groups were not "
		    "accepted at once afterwards: lost, or limited",
		    "");
	} else if (s->fresh.key || tally->resets == tally->shots) {
		say(result, ATTACK_RUN_REFUSED, answer_of(tally), past);
	} else if (s->path_known) {
		say(result, ATTACK_RUN_REFUSED,
		    "no answer, on a way that was "
		    "open when it was recorded",
		    past);
	} else {
		say(result, ATTACK_RUN_INCONCLUSIVE,
		    "no answer; without -k "
		    "nothing tells a refusal from a loss",
		    past);
	}
}
