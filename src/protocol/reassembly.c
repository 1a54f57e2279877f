#include "protocol/reassembly.h"

#include <string.h>

#include "protocol/frame.h"

/* Links are an index + 1, so that 0 is the end of a list. */
static struct reassembly_group *
group_at(struct reassembly *q, uint32_t link)
{
	return link ? &q->groups[link - 1] : NULL;
}

static uint32_t
group_link(const struct reassembly *q, const struct reassembly_group *g)
{
	return (uint32_t)(g - q->groups) + 1;
}

static struct reassembly_frame *
frame_at(struct reassembly *q, uint32_t link)
{
	return link ? &q->frames[link - 1] : NULL;
}

static uint32_t
frame_link(const struct reassembly *q, const struct reassembly_frame *f)
{
	return (uint32_t)(f - q->frames) + 1;
}

static uint32_t
heads_for(uint32_t groups)
{
	uint32_t heads = 1;

	while (heads < groups) {
		heads *= 2;
	}
	return heads;
}

size_t
reassembly_size(const struct reassembly_limits *limits)
{
	return limits->groups * sizeof(struct reassembly_group) +
		limits->frames * sizeof(struct reassembly_frame) +
		heads_for(limits->groups) * sizeof(uint32_t);
}

void
reassembly_init(struct reassembly *q, void *memory,
		const struct reassembly_limits *limits,
		const struct hash_key *hash)
{
	memset(memory, 0, reassembly_size(limits));
	*q = (struct reassembly){
		.hash = *hash,
		.groups = memory,
		.heads = heads_for(limits->groups),
		.groups_max = limits->groups,
		.frames_max = limits->frames,
		.held_max = limits->held,
		.free_group = 1,
		.free_frame = 1,
	};
	q->frames = (void *)(q->groups + limits->groups);
	q->head = (void *)(q->frames + limits->frames);
	for (uint32_t i = 0; i + 1 < limits->groups; i++) {
		q->groups[i].next = i + 2;
	}
	for (uint32_t i = 0; i + 1 < limits->frames; i++) {
		q->frames[i].next = i + 2;
	}
}

static uint32_t *
chain_of(struct reassembly *q, const struct reassembly_key *key)
{
	uint8_t bytes[2 * sizeof(struct packet_addr) + 7];
	size_t at = 2 * sizeof(struct packet_addr);

	memcpy(bytes, &key->src, sizeof key->src);
	memcpy(bytes + sizeof key->src, &key->dst, sizeof key->dst);
	memcpy(bytes + at, &key->dport, 2);
	memcpy(bytes + at + 2, &key->mark, 4);
	bytes[at + 6] = key->loose;
	return &q->head[hash_bytes(&q->hash, bytes, sizeof bytes) &
			(q->heads - 1)];
}

static bool
key_equal(const struct reassembly_key *a, const struct reassembly_key *b)
{
	return a->dport == b->dport && a->mark == b->mark &&
		a->loose == b->loose && packet_addr_equal(&a->src, &b->src) &&
		packet_addr_equal(&a->dst, &b->dst);
}

struct reassembly_group *
reassembly_find(struct reassembly *q, const struct reassembly_key *key)
{
	struct reassembly_group *g = group_at(q, *chain_of(q, key));

	while (g && !key_equal(&g->key, key)) {
		g = group_at(q, g->next);
	}
	return g;
}

static void
age_insert(struct reassembly *q, struct reassembly_group *g)
{
	g->older = q->newest;
	g->newer = 0;
	if (q->newest) {
		group_at(q, q->newest)->newer = group_link(q, g);
	} else {
		q->oldest = group_link(q, g);
	}
	q->newest = group_link(q, g);
}

static void
age_remove(struct reassembly *q, struct reassembly_group *g)
{
	if (g->older) {
		group_at(q, g->older)->newer = g->newer;
	} else {
		q->oldest = g->newer;
	}
	if (g->newer) {
		group_at(q, g->newer)->older = g->older;
	} else {
		q->newest = g->older;
	}
}

struct reassembly_group *
reassembly_add(struct reassembly *q, const struct reassembly_key *key)
{
	struct reassembly_group *g = group_at(q, q->free_group);
	uint32_t *chain = chain_of(q, key);

	if (!g) {
		return NULL;
	}
	q->free_group = g->next;
	q->groups_used++;
	*g = (struct reassembly_group){ .key = *key, .next = *chain };
	*chain = group_link(q, g);
	age_insert(q, g);
	return g;
}

void
reassembly_remove(struct reassembly *q, struct reassembly_group *g)
{
	uint32_t *link = chain_of(q, &g->key);

	while (g->first) {
		reassembly_drop(q, g, frame_at(q, g->first));
	}
	while (*link != group_link(q, g)) {
		link = &group_at(q, *link)->next;
	}
	*link = g->next;
	age_remove(q, g);
	g->next = q->free_group;
	q->free_group = group_link(q, g);
	q->groups_used--;
}

struct reassembly_group *
reassembly_oldest(struct reassembly *q)
{
	return group_at(q, q->oldest);
}

struct reassembly_group *
reassembly_newer(struct reassembly *q, const struct reassembly_group *g)
{
	return group_at(q, g->newer);
}

struct reassembly_group *
reassembly_older(struct reassembly *q, const struct reassembly_group *g)
{
	return group_at(q, g->older);
}

struct reassembly_group *
reassembly_newest(struct reassembly *q)
{
	return group_at(q, q->newest);
}

struct reassembly_frame *
reassembly_append(struct reassembly *q, struct reassembly_group *g,
		  uint64_t now)
{
	struct reassembly_frame *f = frame_at(q, q->free_frame);

	if (!f) {
		return NULL;
	}
	q->free_frame = f->next;
	q->frames_used++;
	*f = (struct reassembly_frame){ .arrived = now };
	if (g->last) {
		frame_at(q, g->last)->next = frame_link(q, f);
	} else {
		g->first = frame_link(q, f);
	}
	g->last = frame_link(q, f);
	g->count++;
	g->arrived = now;
	age_remove(q, g);
	age_insert(q, g);
	return f;
}

struct reassembly_frame *
reassembly_first(struct reassembly *q, const struct reassembly_group *g)
{
	return frame_at(q, g->first);
}

struct reassembly_frame *
reassembly_next(struct reassembly *q, const struct reassembly_frame *f)
{
	return frame_at(q, f->next);
}

struct reassembly_frame *
reassembly_crowded(struct reassembly *q, const struct reassembly_group *g)
{
	struct reassembly_frame *oldest[FRAME_MAX] = { 0 };
	unsigned count[FRAME_MAX] = { 0 };
	unsigned most = FRAME_SYN1;

	for (struct reassembly_frame *f = reassembly_first(q, g); f;
	     f = reassembly_next(q, f)) {
		unsigned role = frame_role_of(f->seq);

		oldest[role] = oldest[role] ? oldest[role] : f;
		count[role]++;
	}
	for (unsigned role = FRAME_SYN2; role <= FRAME_SYN6; role++) {
		most = count[role] > count[most] ? role : most;
	}
	return oldest[most];
}

void
reassembly_drop(struct reassembly *q, struct reassembly_group *g,
		struct reassembly_frame *f)
{
	uint32_t before = 0;
	uint32_t at = g->first;

	while (at != frame_link(q, f)) {
		before = at;
		at = frame_at(q, at)->next;
	}
	if (before) {
		frame_at(q, before)->next = f->next;
	} else {
		g->first = f->next;
	}
	if (g->last == at) {
		g->last = before;
	}
	g->count--;
	f->next = q->free_frame;
	q->free_frame = at;
	q->frames_used--;
}

void
reassembly_hold(struct reassembly *q, struct reassembly_frame *f, uint64_t id)
{
	f->held = true;
	f->id = id;
	f->held_prev = q->held_last;
	f->held_next = 0;
	if (q->held_last) {
		frame_at(q, q->held_last)->held_next = frame_link(q, f);
	} else {
		q->held_first = frame_link(q, f);
	}
	q->held_last = frame_link(q, f);
	q->held_used++;
}

void
reassembly_unhold(struct reassembly *q, struct reassembly_frame *f)
{
	if (f->held_prev) {
		frame_at(q, f->held_prev)->held_next = f->held_next;
	} else {
		q->held_first = f->held_next;
	}
	if (f->held_next) {
		frame_at(q, f->held_next)->held_prev = f->held_prev;
	} else {
		q->held_last = f->held_prev;
	}
	f->held = false;
	q->held_used--;
}

struct reassembly_frame *
reassembly_held(struct reassembly *q)
{
	return frame_at(q, q->held_first);
}
