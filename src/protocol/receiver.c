#include "protocol/receiver.h"

#include <string.h>

#include "protocol/candidates.h"
#include "protocol/frame.h"
#include "protocol/group_reason.h"

const char *
receiver_reason_name(enum verify_reason reason)
{
	static const char *const names[VERIFY_REASONS] = {
#define X(reason, word) [VERIFY_##reason] = (word),
		REASONS(X)
#undef X
			[VERIFY_ACCEPTED] = "accepted",
	};

	return names[reason];
}

size_t
receiver_size(const struct receiver_limits *limits)
{
	return reassembly_size(&limits->reassembly) +
		replay_index_size(limits->replays) +
		guess_size(limits->guesses);
}

void
receiver_set_acl(struct receiver *g, const struct acl *acl)
{
	g->acl = acl;
}

void
receiver_begin_unknown(struct receiver *g, const struct receiver_now *now)
{
	g->begin_unknown = true;
	g->begin_ms = now->ms;
}

/* Whether a group is from a time that nothing is known of. */
static bool
is_before_begin(const struct receiver *g, const struct receiver_now *now,
		uint64_t instant)
{
	uint64_t since = (now->ms - g->begin_ms) * 256 / 1000;

	return g->begin_unknown &&
		(since > now->instant || instant <= now->instant - since);
}

uint32_t
receiver_init(struct receiver *g, void *memory, struct replay_store *store,
	      const struct receiver_limits *limits, const struct acl *acl,
	      const struct hash_key *hash)
{
	memset(g, 0, sizeof *g);
	g->limits = *limits;
	g->hash = *hash;
	reassembly_init(&g->reassembly, memory, &limits->reassembly, hash);
	guess_init(&g->guess,
		   (uint8_t *)memory + reassembly_size(&limits->reassembly) +
			   replay_index_size(limits->replays),
		   limits->guesses, hash);
	receiver_set_acl(g, acl);
	return replay_init(&g->replay, store,
			   (uint8_t *)memory +
				   reassembly_size(&limits->reassembly),
			   limits->replays, hash);
}

static void
release(struct receiver_result *result, uint64_t id,
	enum receiver_verdict verdict)
{
	result->releases[result->releases_count++] =
		(struct receiver_release){ id, verdict };
}

static void
unhold(struct receiver *g, struct reassembly_frame *f,
       enum receiver_verdict verdict, struct receiver_result *result)
{
	if (f->held) {
		release(result, f->id, verdict);
		reassembly_unhold(&g->reassembly, f);
	}
}

static void
report(struct receiver *g, struct receiver_result *result,
       const struct receiver_event *event)
{
	g->counters.by_reason[event->reason]++;
	result->events[result->events_count++] = *event;
}

/* A frame that is done with, and its group, if it was the last one there. */
static void
take_out(struct receiver *g, struct reassembly_group *group,
	 struct reassembly_frame *f, struct receiver_result *result)
{
	unhold(g, f, RECEIVER_DROP, result);
	reassembly_drop(&g->reassembly, group, f);
	if (group->count == 0) {
		reassembly_remove(&g->reassembly, group);
	}
}

/* Tell why a group is not accepted, once: its frames stay. */
static void
report_group(struct receiver *g, struct reassembly_group *group,
	     struct receiver_result *result)
{
	struct receiver_event event = {
		.reason = group->reason,
		.src = group->key.src,
		.dst = group->key.dst,
		.sport = reassembly_first(&g->reassembly, group)->sport,
		.dport = group->key.dport,
		.key_no = -1,
	};

	if (group->reported) {
		return;
	}
	group->reported = true;
	if (group->reason != VERIFY_INCOMPLETE) {
		event.key_no = group->key_no;
		event.key = acl_key_by_no(g->acl, group->key_no);
		event.skew = group->skew;
		g->counters.groups++;
	}
	report(g, result, &event);
}

/* End a group whose time is up. */
static void
end_group(struct receiver *g, struct reassembly_group *group,
	  struct receiver_result *result)
{
	struct reassembly_frame *f = reassembly_first(&g->reassembly, group);

	report_group(g, group, result);
	for (; f; f = reassembly_next(&g->reassembly, f)) {
		unhold(g, f, RECEIVER_DROP, result);
	}
	reassembly_remove(&g->reassembly, group);
}

/* Frames that are too old to be completed; the group may become empty. */
static void
drop_stale(struct receiver *g, struct reassembly_group *group, uint64_t ms,
	   struct receiver_result *result)
{
	struct reassembly_frame *f = reassembly_first(&g->reassembly, group);

	while (f && ms - f->arrived > g->limits.assembly_ms) {
		unhold(g, f, RECEIVER_DROP, result);
		reassembly_drop(&g->reassembly, group, f);
		f = reassembly_first(&g->reassembly, group);
	}
}

/* More SYNs than any number of honest clients sends: then order counts. */
static bool
count_rate(struct receiver *g, uint64_t ms)
{
	if (ms - g->rate_since >= 1000) {
		bool next = ms - g->rate_since < 2000;

		g->rate_before = next ? g->rate_count : 0;
		g->rate_count = 0;
		g->rate_since = ms;
	}
	g->rate_count++;
	return g->rate_count > g->limits.flood_per_second ||
		g->rate_before > g->limits.flood_per_second;
}

/* Groups and frames run out together with old age: the oldest go. */
static void
make_room(struct receiver *g, struct receiver_result *result)
{
	if (g->reassembly.groups_used == g->reassembly.groups_max ||
	    g->reassembly.frames_used == g->reassembly.frames_max) {
		g->counters.evicted++;
		end_group(g, reassembly_oldest(&g->reassembly), result);
	}
}

static void
hold(struct receiver *g, struct reassembly_frame *f, uint64_t id,
     struct receiver_result *result)
{
	if (g->reassembly.held_used == g->reassembly.held_max) {
		g->counters.held_early++;
		unhold(g, reassembly_held(&g->reassembly), RECEIVER_DROP,
		       result);
	}
	reassembly_hold(&g->reassembly, f, id);
	result->verdict = RECEIVER_HOLD;
}

static struct reassembly_frame *
find_frame(struct receiver *g, const struct reassembly_group *group,
	   const struct packet *p)
{
	struct reassembly_frame *f = reassembly_first(&g->reassembly, group);

	while (f && (f->seq != p->seq || f->sport != p->sport)) {
		f = reassembly_next(&g->reassembly, f);
	}
	return f;
}

static struct reassembly_key
key_of(const struct receiver *g, const struct acl_rule *rule,
       const struct receiver_packet *in)
{
	return candidates_key(&g->hash, in->packet, in->options,
			      rule->window_loose);
}

static struct reassembly_group *
group_for(struct receiver *g, const struct reassembly_key *key, bool may_begin)
{
	struct reassembly_group *group = reassembly_find(&g->reassembly, key);

	return group || !may_begin ? group
				   : reassembly_add(&g->reassembly, key);
}

/* When the oldest frames came whose time is not up. */
static uint64_t
oldest_in_time(const struct receiver *g, uint64_t ms)
{
	return ms > g->limits.assembly_ms ? ms - g->limits.assembly_ms : 0;
}

/* An authenticated group: let its SYN0 go on, unless it is a replay. */
static void
finish(struct receiver *g, const struct receiver_now *now,
       const struct packet *p, const struct verify *found,
       const struct candidates *c, struct receiver_result *result)
{
	struct reassembly_frame *syn0 = c->frame[found->at[FRAME_SYN0]];
	enum receiver_verdict verdict = RECEIVER_DROP;
	struct receiver_event event = {
		.reason = VERIFY_REPLAY,
		.src = p->src,
		.dst = p->dst,
		.sport = syn0->sport,
		.dport = p->dport,
		.isn = syn0->seq,
		.key_no = found->key_no,
		.key = found->key,
		.skew = (int64_t)(found->instant - now->instant),
		.tag = found->tag,
	};

	if (!is_before_begin(g, now, found->instant) &&
	    replay_remember(&g->replay, found->tag, found->instant) ==
		    REPLAY_NEW) {
		event.reason = VERIFY_ACCEPTED;
		verdict = RECEIVER_ACCEPT;
	}
	if (syn0->held) {
		unhold(g, syn0, verdict, result);
	} else if (verdict == RECEIVER_ACCEPT) {
		result->verdict = verdict;
	}
	for (size_t i = 0; i < found->frames; i++) {
		struct reassembly_group *group = c->group[found->at[i]];

		group->reason = VERIFY_INCOMPLETE;
		group->reported = verdict != RECEIVER_ACCEPT;
		/* Of a replay, SYN0 is done with; others may need the rest. */
		if (verdict == RECEIVER_ACCEPT || i == FRAME_SYN0) {
			take_out(g, group, c->frame[found->at[i]], result);
		}
	}
	g->counters.groups++;
	report(g, result, &event);
}

/*
 * The last frame of the group is new: see what it completes.  Returns
 * whether that frame is dealt with.
 */
static bool
try_group(struct receiver *g, const struct receiver_now *now,
	  const struct acl_rule *rule, const struct packet *p,
	  struct reassembly_group *group, struct receiver_result *result)
{
	struct verify_frame tries[REASSEMBLY_FRAMES_MAX];
	struct candidates c;
	struct verify found;

	candidates_find(&g->reassembly, group, oldest_in_time(g, now->ms), &c);
	if (c.count == 0) {
		return false;
	}
	const struct verify_scene scene = {
		.acl = g->acl,
		.guess = &g->guess,
		.src = &p->src,
		.dport = p->dport,
		.tolerance = rule->tolerance,
		.loose = rule->window_loose,
		.single = c.single,
		.macs = { group->macs[VERIFY_IN_ORDER],
			  group->macs[VERIFY_REORDERED] },
		.instant = now->instant,
		.ms = now->ms,
	};

	for (size_t i = 0; i < c.count; i++) {
		tries[i] = (struct verify_frame){
			.seq = c.frame[i]->seq,
			.maybe_syn0 = c.frame[i]->held || i == c.count - 1,
		};
	}
	verify_find(&scene, tries, c.count, &found);
	verify_spend(group->macs, &found);
	g->counters.macs +=
		found.macs[VERIFY_IN_ORDER] + found.macs[VERIFY_REORDERED];
	if (found.reason == VERIFY_ACCEPTED) {
		bool last = found.at[FRAME_SYN0] == c.count - 1;

		finish(g, now, p, &found, &c, result);
		return last ||
			result->events[result->events_count - 1].reason ==
			VERIFY_ACCEPTED;
	}
	group_reason_note(group, &found, now->instant);
	if (found.whole) {
		report_group(g, group, result);
	}
	return false;
}

static void
refuse_packet(struct receiver *g, const struct packet *p,
	      enum verify_reason reason, struct receiver_result *result)
{
	report(g, result,
	       &(const struct receiver_event){ .reason = reason,
					       .src = p->src,
					       .dst = p->dst,
					       .sport = p->sport,
					       .dport = p->dport,
					       .key_no = -1 });
}

/* NULL: it is there already; but what was only seen may come itself. */
static struct reassembly_frame *
add_frame(struct receiver *g, const struct receiver_now *now,
	  const struct receiver_packet *in, const struct acl_rule *rule,
	  struct reassembly_group *group, bool witnessed,
	  struct receiver_result *result)
{
	const struct packet *p = in->packet;
	size_t frames_max = rule->window_loose ? REASSEMBLY_FRAMES_LOOSE
					       : REASSEMBLY_FRAMES_STRICT;
	struct reassembly_frame *f = find_frame(g, group, p);

	if (f && (witnessed || !f->witnessed)) {
		g->counters.duplicates++;
		return NULL;
	}
	if (f) {
		reassembly_drop(&g->reassembly, group, f);
	}
	drop_stale(g, group, now->ms, result);
	if (group->count == frames_max) {
		f = reassembly_crowded(&g->reassembly, group);
		unhold(g, f, RECEIVER_DROP, result);
		reassembly_drop(&g->reassembly, group, f);
	}
	f = reassembly_append(&g->reassembly, group, now->ms);
	verify_earn(group->macs, group->count == 1);
	f->seq = p->seq;
	f->sport = p->sport;
	f->witnessed = witnessed;
	return f;
}

static void
input_frame(struct receiver *g, const struct receiver_now *now,
	    const struct receiver_packet *in, const struct acl_rule *rule,
	    struct receiver_result *result)
{
	const struct packet *p = in->packet;
	const struct reassembly_key key = key_of(g, rule, in);
	bool flood = count_rate(g, now->ms);
	bool syn2 =
		verify_is_timely_syn2(p->seq, now->instant, rule->tolerance);
	struct reassembly_group *group;
	struct reassembly_frame *f;

	make_room(g, result);
	group = group_for(g, &key,
			  syn2 || !flood ||
				  candidates_wait(&g->reassembly, &key,
						  oldest_in_time(g, now->ms)));
	if (!group) {
		refuse_packet(g, p, VERIFY_INCOMPLETE, result);
		return;
	}
	f = add_frame(g, now, in, rule, group, false, result);
	if (!f) {
		return;
	}
	/* Under flood SYN0 comes last: what came before had to be seen only. */
	if (!try_group(g, now, rule, p, group, result) &&
	    rule->hide == ACL_FILTERED &&
	    !(flood && (syn2 || frame_role_of(p->seq) == FRAME_SYN1))) {
		hold(g, f, in->id, result);
	}
}

/*
 * What strangers get.  Where that is an answer it is given at once, to
 * every SYN: who knows the protocol must not be able to ask.  So nothing
 * is held there, and frames have to come in their order.
 */
enum receiver_verdict
receiver_hides(const struct acl_rule *rule, const struct packet *p)
{
	switch (rule->hide) {
	case ACL_CLOSED:
		return RECEIVER_CLOSED;
	case ACL_DECOY:
		return rule->decoy.family == p->src.family ? RECEIVER_DECOY
							   : RECEIVER_DROP;
	default:
		return RECEIVER_DROP;
	}
}

void
receiver_input(struct receiver *g, const struct receiver_now *now,
	       const struct receiver_packet *in, struct receiver_result *result)
{
	const struct packet *p = in->packet;
	const struct acl_rule *rule =
		acl_rule_for(g->acl, p, in->forwarded, in->indev, in->outdev);

	result->releases_count = 0;
	result->events_count = 0;
	result->rule = rule;
	result->verdict = rule ? receiver_hides(rule, p) : RECEIVER_PASS;
	if (!rule || !packet_is_syn(p)) {
		return;
	}
	g->counters.syns++;
	if (p->data_len > 0) {
		refuse_packet(g, p, VERIFY_MALFORMED, result);
		return;
	}
	input_frame(g, now, in, rule, result);
}

void
receiver_note_frame(struct receiver *g, const struct receiver_now *now,
		    const struct receiver_packet *in,
		    struct receiver_result *result)
{
	const struct acl_rule *rule = acl_rule_for(
		g->acl, in->packet, in->forwarded, in->indev, in->outdev);

	*result = (struct receiver_result){ .verdict = RECEIVER_DROP,
					    .rule = rule };
	if (rule && packet_is_syn(in->packet)) {
		const struct reassembly_key key = key_of(g, rule, in);

		g->counters.syns++;
		if (in->packet->data_len > 0) {
			refuse_packet(g, in->packet, VERIFY_MALFORMED, result);
			return;
		}
		make_room(g, result);
		add_frame(g, now, in, rule, group_for(g, &key, true), true,
			  result);
	}
}

/* What receiver_note_frame() was told of a group that is done with. */
static void
let_go(struct receiver *g, const struct receiver_accepted *a)
{
	const struct receiver_packet first = { .packet = &a->frames[0] };
	const struct acl_rule *rule = acl_rule_for(
		g->acl, first.packet, a->forwarded, a->indev, NULL);
	struct reassembly_group *group = NULL;

	if (rule) {
		const struct reassembly_key key = key_of(g, rule, &first);

		group = group_for(g, &key, false);
	}
	for (size_t i = 0; group && i < a->count; i++) {
		struct reassembly_frame *f =
			find_frame(g, group, &a->frames[i]);

		if (f && !f->held) {
			reassembly_drop(&g->reassembly, group, f);
		}
	}
	if (group && group->count == 0) {
		reassembly_remove(&g->reassembly, group);
	}
}

void
receiver_note_accepted(struct receiver *g, const struct receiver_accepted *a,
		       struct receiver_result *result)
{
	const struct packet *syn0 = &a->frames[FRAME_SYN0];
	const uint16_t key_no = frame_key_no(a->frames[FRAME_SYN1].seq);
	const struct receiver_event event = {
		.reason = VERIFY_ACCEPTED,
		.src = syn0->src,
		.dst = syn0->dst,
		.sport = syn0->sport,
		.dport = syn0->dport,
		.isn = syn0->seq,
		.key_no = key_no,
		.key = acl_key_by_no(g->acl, key_no),
		.skew = (int64_t)(a->instant - a->now),
	};

	*result = (struct receiver_result){ .verdict = RECEIVER_DROP };
	g->counters.syns += a->unseen;
	let_go(g, a);
	if (replay_learn(&g->replay, a->tag, a->instant) != REPLAY_SEEN) {
		result->events[result->events_count++] = event;
	}
}

void
receiver_note_bad_guess(struct receiver *g, const struct receiver_now *now,
			const struct packet_addr *src, unsigned guesses)
{
	guess_charge(&g->guess, src, now->ms, guesses);
}

bool
receiver_expire(struct receiver *g, const struct receiver_now *now,
		struct receiver_result *result)
{
	struct reassembly_group *group = reassembly_oldest(&g->reassembly);
	struct reassembly_frame *f = reassembly_held(&g->reassembly);

	result->releases_count = 0;
	result->events_count = 0;
	result->rule = NULL;
	result->verdict = RECEIVER_DROP;
	if (group && now->ms - group->arrived > g->limits.assembly_ms) {
		group_reason_find(&g->reassembly, group, g->acl, now->instant,
				  now->ms);
		end_group(g, group, result);
		return true;
	}
	if (f && now->ms - f->arrived > g->limits.assembly_ms) {
		unhold(g, f, RECEIVER_DROP, result);
		return true;
	}
	return false;
}

int64_t
receiver_wait(struct receiver *g, const struct receiver_now *now)
{
	struct reassembly_group *group = reassembly_oldest(&g->reassembly);
	struct reassembly_frame *f = reassembly_held(&g->reassembly);
	uint64_t first = group ? group->arrived : UINT64_MAX;
	uint64_t due;

	if (f && f->arrived < first) {
		first = f->arrived;
	}
	if (first == UINT64_MAX) {
		return -1;
	}
	due = first + g->limits.assembly_ms + 1;
	return due > now->ms ? (int64_t)(due - now->ms) : 0;
}
