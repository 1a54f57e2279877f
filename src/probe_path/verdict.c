#include "probe_path/verdict.h"

#include <string.h>

#define NS_A_MS 1000000u
#define NS_A_SECOND 1000000000
/* Paths may differ by a few hops; more is a rewritten TTL. */
#define HOPS_APART 4

static size_t
connection_of(const struct trial *t)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->probes[i].kind == TRIAL_CONNECTION) {
			return i;
		}
	}
	return TRIAL_NONE;
}

/* ---- what became of each probe */

static void
take_arrival(struct path *path, const struct trial *t, struct path_room *room,
	     const struct trial_packet *packet)
{
	struct field_values seen;
	struct path_fate *fate;
	unsigned bits;
	size_t at;

	if (field_read(&seen, packet->bytes, packet->len) < 0 ||
	    !field_is_syn(&seen)) {
		return;
	}
	at = packet->control ? connection_of(t)
			     : trial_match(t, &seen, room->copies, &bits);
	if (at == TRIAL_NONE) {
		path->strangers += !packet->control;
		return;
	}
	fate = &room->fates[at];
	room->copies[at]++;
	if (fate->arrived) {
		path->duplicates++;
		return;
	}
	fate->arrived = true;
	fate->seen = seen;
	fate->ns = packet->ns;
}

static void
take_far_answer(const struct trial *t, struct path_room *room,
		const struct trial_packet *packet)
{
	struct field_values v;

	if (field_read(&v, packet->bytes, packet->len) < 0 ||
	    field_is_syn(&v)) {
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		struct path_fate *fate = &room->fates[i];

		if (!fate->arrived ||
		    !packet_addr_equal(&fate->seen.src, &v.dst) ||
		    fate->seen.value[FIELD_SPORT] != v.value[FIELD_DPORT]) {
			continue;
		}
		if (field_is_syn_ack(&v)) {
			fate->far_answered = true;
			fate->far_seq = (uint32_t)v.value[FIELD_SEQ];
		}
		fate->far_reset |= (v.flags & PACKET_RST) != 0;
	}
}

static void
take_near_answer(const struct trial *t, struct path_room *room,
		 const struct trial_packet *packet)
{
	struct field_values v;

	if (field_read(&v, packet->bytes, packet->len) < 0 ||
	    !packet_addr_equal(&v.src, &t->far)) {
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		struct path_fate *fate = &room->fates[i];

		if (t->probes[i].sent.value[FIELD_SPORT] !=
			    v.value[FIELD_DPORT] ||
		    t->probes[i].sent.value[FIELD_DPORT] !=
			    v.value[FIELD_SPORT]) {
			continue;
		}
		if (field_is_syn_ack(&v)) {
			fate->near_answered = true;
			fate->has_change |= fate->far_answered &&
				v.value[FIELD_SEQ] != fate->far_seq;
		}
		fate->near_reset |= (v.flags & PACKET_RST) != 0;
	}
}

static void
take_packets(struct path *path, const struct trial *t, struct path_room *room)
{
	for (size_t i = 0; i < t->seen.count; i++) {
		take_arrival(path, t, room, &t->seen.at[i]);
	}
	for (size_t i = 0; i < t->seen.count; i++) {
		take_far_answer(t, room, &t->seen.at[i]);
	}
	for (size_t i = 0; i < t->heard.count; i++) {
		take_near_answer(t, room, &t->heard.at[i]);
	}
}

/* ---- fields */

static void
find_hops(struct path *path, const struct trial *t,
	  const struct path_room *room)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct trial_probe *p = &t->probes[i];
		uint64_t ttl = room->fates[i].seen.value[FIELD_TTL];

		if (p->kind != TRIAL_CONNECTION && room->fates[i].arrived &&
		    p->sent.value[FIELD_TTL] == TRIAL_TTL && ttl <= TRIAL_TTL) {
			path->hops = TRIAL_TTL - (unsigned)ttl;
			path->has_hops = true;
			return;
		}
	}
}

/* The TTL has to shrink by as much as that of other probes. */
static bool
ttl_fits(const struct path *path, const struct trial_probe *p,
	 const struct path_fate *fate)
{
	int64_t apart = (int64_t)p->sent.value[FIELD_TTL] -
		(int64_t)fate->seen.value[FIELD_TTL] - (int64_t)path->hops;

	return path->has_hops && apart <= HOPS_APART && apart >= -HOPS_APART;
}

static void
keep_example(struct path_field *f, enum field field,
	     const struct trial_probe *p, const struct path_fate *fate,
	     enum field_change change)
{
	bool first = f->changed + f->removed == (change != FIELD_SAME);

	if (f->has_seen && (change == FIELD_SAME || !first)) {
		return;
	}
	f->has_seen = true;
	f->is_removed = change == FIELD_REMOVED;
	f->sent_value = p->sent.value[field];
	f->seen_value = fate->seen.value[field];
}

static void
take_field(struct path *path, const struct trial_probe *p,
	   const struct path_fate *fate)
{
	struct path_field *f = &path->fields[p->field];
	enum field_change change;

	f->sent_value =
		f->sent++ == 0 ? p->sent.value[p->field] : f->sent_value;
	f->answered += fate->near_answered || fate->near_reset;
	if (!fate->arrived) {
		return;
	}
	f->arrived++;
	change = field_compare(p->field, &p->sent, &fate->seen);
	if (p->field == FIELD_TTL && !ttl_fits(path, p, fate)) {
		change = FIELD_CHANGED;
	}
	f->changed += change == FIELD_CHANGED;
	f->removed += change == FIELD_REMOVED;
	if (change == FIELD_HIDDEN) {
		return;
	}
	keep_example(f, p->field, p, fate, change);
	if (change == FIELD_REMOVED) {
		f->survive = 0;
	} else if (change == FIELD_CHANGED) {
		f->survive &=
			~(p->sent.value[p->field] ^ fate->seen.value[p->field]);
	}
}

static unsigned
count_bits(uint64_t bits)
{
	unsigned count = 0;

	for (; bits; bits &= bits - 1) {
		count++;
	}
	return count;
}

static void
settle_field(struct path_field *f, enum field field, const struct trial *t)
{
	bool whole = f->changed + f->removed == 0;

	if (f->arrived == 0) {
		f->survive = 0;
		f->state = !t->has_seen || t->cut || f->sent == 0 ? PATH_UNKNOWN
								  : PATH_LOST;
		return;
	}
	f->state = whole ? PATH_ARRIVED : PATH_REWRITTEN;
	if (field == FIELD_DATA) {
		f->usable = whole ? field_kind(field)->bits : 0;
	} else if (field != FIELD_TTL) {
		f->usable = count_bits(f->survive);
	}
}

static void
judge_fields(struct path *path, const struct trial *t,
	     const struct path_room *room)
{
	find_hops(path, t, room);
	for (enum field f = 0; f < FIELDS; f++) {
		unsigned bits = field_kind(f)->bits;

		path->fields[f].survive =
			bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->probes[i].kind == TRIAL_FIELD) {
			take_field(path, &t->probes[i], &room->fates[i]);
		}
	}
	for (enum field f = 0; f < FIELDS; f++) {
		settle_field(&path->fields[f], f, t);
	}
}

/* ---- groups */

static void
take_group(struct path_group *g, const struct trial_probe *p,
	   const struct path_fate *fates, size_t count)
{
	const struct path_fate *first = NULL;
	uint64_t low = UINT64_MAX;
	uint64_t high = 0;
	unsigned arrived = 0;
	bool ordered = true;
	bool split = false;

	for (size_t i = 0; i < count; i++) {
		const struct path_fate *fate = &fates[i];

		if (!fate->arrived) {
			continue;
		}
		first = first ? first : fate;
		arrived++;
		split |= !packet_addr_equal(&first->seen.src, &fate->seen.src);
		ordered &= fate->ns >= high;
		low = fate->ns < low ? fate->ns : low;
		high = fate->ns > high ? fate->ns : high;
		g->windows += p[i].sent.value[FIELD_WINDOW] !=
			fate->seen.value[FIELD_WINDOW];
	}
	g->sent++;
	g->frames_sent += p->frames;
	g->frames_arrived += arrived;
	g->split += split;
	if (arrived < p->frames) {
		return;
	}
	g->whole++;
	g->ordered += ordered;
	g->late += high - low > (uint64_t)PATH_COMPLETE_MS * NS_A_MS;
	g->spread_ns = high - low > g->spread_ns ? high - low : g->spread_ns;
}

static void
judge_groups(struct path *path, const struct trial *t,
	     const struct path_room *room)
{
	size_t count;

	for (unsigned n = 0; n < TRIAL_GROUPS; n++) {
		path->groups[n].frames = FRAME_BASE + n;
	}
	for (size_t i = 0; i < t->count; i += count) {
		const struct trial_probe *p = &t->probes[i];

		count = 1;
		if (p->kind != TRIAL_FRAME || p->frames < FRAME_BASE ||
		    p->frames > FRAME_MAX) {
			continue;
		}
		while (i + count < t->count &&
		       t->probes[i + count].kind == TRIAL_FRAME &&
		       t->probes[i + count].group == p->group) {
			count++;
		}
		take_group(&path->groups[p->frames - FRAME_BASE], p,
			   &room->fates[i], count);
	}
}

/* ---- all of it */

static void
add_source(struct path *path, const struct packet_addr *addr)
{
	for (size_t i = 0; i < path->source_count; i++) {
		if (packet_addr_equal(&path->sources[i], addr)) {
			return;
		}
	}
	if (path->source_count < PATH_SOURCES_MAX) {
		path->sources[path->source_count++] = *addr;
	}
}

static void
look_at_port(struct path *path, const struct trial *t,
	     const struct trial_probe *p, const struct path_fate *fate)
{
	uint64_t seen = fate->seen.value[FIELD_DPORT];

	if (fate->arrived && p->sent.value[FIELD_DPORT] == t->port &&
	    seen != t->port) {
		path->forwarded_to = (uint16_t)seen;
	}
}

static void
take_control(struct path *path, const struct trial_probe *p,
	     const struct path_fate *fate)
{
	path->control_seen = fate->arrived;
	path->control_translated = fate->arrived &&
		fate->seen.value[FIELD_SEQ] != p->sent.value[FIELD_SEQ];
	if (path->control_translated && path->translated == 0) {
		path->offset = (uint32_t)(fate->seen.value[FIELD_SEQ] -
					  p->sent.value[FIELD_SEQ]);
	}
}

/*
 * Whether the far side would tell of answers to this probe: it does so only if
 * they go to the address that it knows the near side by.
 */
static bool
tells_answers(const struct trial *t, const struct path_room *room,
	      const struct path_fate *fate)
{
	size_t control = connection_of(t);

	return control == TRIAL_NONE || !fate->arrived ||
		!room->fates[control].arrived ||
		packet_addr_equal(&room->fates[control].seen.src,
				  &fate->seen.src);
}

static void
count_fate(struct path *path, const struct trial *t,
	   const struct path_room *room, size_t at)
{
	bool told = t->has_seen && !t->cut && t->far_lost == 0;
	const struct trial_probe *p = &t->probes[at];
	const struct path_fate *fate = &room->fates[at];

	path->sent++;
	path->arrived += fate->arrived;
	path->elsewhere += told && fate->near_answered && !fate->arrived;
	path->resets += told && p->kind == TRIAL_FRAME && fate->near_reset &&
		!fate->far_reset && tells_answers(t, room, fate);
	path->answers_changed += fate->has_change;
	if (!fate->arrived) {
		return;
	}
	look_at_port(path, t, p, fate);
	add_source(path, &fate->seen.src);
	if (fate->seen.value[FIELD_SEQ] != p->sent.value[FIELD_SEQ] &&
	    path->translated++ == 0) {
		path->offset = (uint32_t)(fate->seen.value[FIELD_SEQ] -
					  p->sent.value[FIELD_SEQ]);
	}
}

static void
count_fates(struct path *path, const struct trial *t,
	    const struct path_room *room)
{
	size_t control = connection_of(t);

	for (size_t i = 0; i < t->count; i++) {
		if (i != control) {
			count_fate(path, t, room, i);
		}
	}
	if (control != TRIAL_NONE) {
		take_control(path, &t->probes[control], &room->fates[control]);
		look_at_port(path, t, &t->probes[control],
			     &room->fates[control]);
	}
	path->has_nat = path->source_count > 0;
	for (size_t i = 0; i < path->source_count; i++) {
		path->has_nat &=
			!packet_addr_equal(&path->sources[i], &t->near);
	}
}

/* Of all groups together. */
static struct path_group
sum_groups(struct path *path)
{
	struct path_group sum = { 0 };

	for (size_t n = 0; n < TRIAL_GROUPS; n++) {
		const struct path_group *g = &path->groups[n];

		sum.whole += g->whole;
		sum.late += g->late;
		sum.windows += g->windows;
		sum.split += g->split;
		path->best_frames =
			g->whole > g->late ? g->frames : path->best_frames;
	}
	return sum;
}

static bool
clock_is_off(const struct trial *t)
{
	int64_t limit = (int64_t)PATH_TOLERANCE * NS_A_SECOND;

	return t->has_skew && (t->skew_ns > limit || t->skew_ns < -limit);
}

/* The first of these that shows: what comes earlier explains the rest. */
static enum path_reason
find_reason(const struct path *path, const struct trial *t,
	    const struct path_group *all)
{
	const bool whole = all->whole > 0;
	const bool elsewhere = path->elsewhere > 0 && !whole;
	const struct {
		bool shows;
		enum path_reason reason;
	} signs[] = {
		{ !t->has_seen, PATH_NO_FAR_SIDE },
		{ t->connected && !t->cut && t->seen.count == 0, PATH_BLIND },
		{ elsewhere && !path->control_seen, PATH_ANSWERED },
		{ elsewhere && path->control_translated, PATH_PROXY },
		{ elsewhere, PATH_SYN_PROXY },
		{ path->translated > 0 || path->control_translated,
		  PATH_SEQUENCE },
		{ path->arrived == 0, t->cut ? PATH_CUT : PATH_NOTHING },
		{ all->split > 0, PATH_SOURCES },
		{ !whole, t->cut ? PATH_CUT : PATH_FRAMES },
		{ path->resets > 0, PATH_RESETS },
		{ all->late == all->whole, PATH_SLOW },
		{ clock_is_off(t), PATH_CLOCK },
		{ all->windows > 0, PATH_WINDOW },
		{ true, PATH_NO_REASON },
	};
	size_t i = 0;

	while (!signs[i].shows) {
		i++;
	}
	return signs[i].reason;
}

static enum path_verdict
verdict_of(enum path_reason reason)
{
	switch (reason) {
	case PATH_NO_REASON:
		return PATH_PASSES;
	case PATH_WINDOW:
		return PATH_PASSES_LOOSE;
	case PATH_NO_FAR_SIDE:
	case PATH_BLIND:
	case PATH_CUT:
		return PATH_NOT_KNOWN;
	default:
		return PATH_FAILS;
	}
}

void
path_judge(struct path *path, const struct trial *t, struct path_room *room)
{
	struct path_group all;

	memset(path, 0, sizeof *path);
	memset(room, 0, sizeof *room);
	take_packets(path, t, room);
	judge_fields(path, t, room);
	judge_groups(path, t, room);
	count_fates(path, t, room);
	all = sum_groups(path);
	path->reason = find_reason(path, t, &all);
	path->verdict = verdict_of(path->reason);
}
