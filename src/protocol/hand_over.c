#include "protocol/hand_over.h"

#include <string.h>

static void
write_frame(struct handed_frame *out, const struct reassembly_group *group,
	    const struct reassembly_frame *f)
{
	*out = (struct handed_frame){
		.family = group->key.src.family,
		.loose = group->key.loose,
		.witnessed = f->witnessed,
		.held = f->held,
		.sport = f->sport,
		.dport = group->key.dport,
		.mark = group->key.mark,
		.seq = f->seq,
		.arrived = f->arrived,
		.id = f->id,
	};
	memcpy(out->src, group->key.src.bytes, sizeof out->src);
	memcpy(out->dst, group->key.dst.bytes, sizeof out->dst);
}

size_t
hand_over(struct receiver *g, struct handed_frame *out, size_t most)
{
	struct reassembly *q = &g->reassembly;
	const struct reassembly_group *group = reassembly_oldest(q);
	size_t count = 0;

	for (; group; group = reassembly_newer(q, group)) {
		const struct reassembly_frame *f = reassembly_first(q, group);

		for (; f && count < most; f = reassembly_next(q, f)) {
			write_frame(&out[count++], group, f);
		}
	}
	return count;
}

static struct packet_addr
read_addr(const uint8_t bytes[16], uint8_t family)
{
	struct packet_addr addr = { .family = family };

	memcpy(addr.bytes, bytes, family == 4 ? 4 : 16);
	return addr;
}

static struct reassembly_group *
group_for(struct reassembly *q, const struct reassembly_key *key)
{
	struct reassembly_group *group = reassembly_find(q, key);

	return group ? group : reassembly_add(q, key);
}

bool
hand_over_take(struct receiver *g, const struct receiver_now *now,
	       const struct handed_frame *in)
{
	struct reassembly *q = &g->reassembly;
	const struct reassembly_key key = {
		.src = read_addr(in->src, in->family),
		.dst = read_addr(in->dst, in->family),
		.dport = in->dport,
		.mark = in->mark,
		.loose = in->loose != 0,
	};
	const size_t most =
		in->loose ? REASSEMBLY_FRAMES_LOOSE : REASSEMBLY_FRAMES_STRICT;
	/* Older ones are as good as these: their time is up. */
	const uint32_t oldest = g->limits.assembly_ms + 1;
	const uint64_t since = now->ms - in->arrived;
	const uint64_t age = since < oldest ? since : oldest;
	struct reassembly_group *group;
	struct reassembly_frame *f;

	/* As many frames as groups at the least: an empty one has its first. */
	if ((in->family != 4 && in->family != 6) ||
	    q->frames_used == q->frames_max ||
	    (in->held && q->held_used == q->held_max)) {
		return false;
	}
	group = group_for(q, &key);
	if (!group || group->count >= most) {
		return false;
	}
	f = reassembly_append(q, group, now->ms - age);
	f->seq = in->seq;
	f->sport = in->sport;
	f->witnessed = in->witnessed != 0;
	if (in->held) {
		reassembly_hold(q, f, in->id);
	}
	verify_earn(group->macs, group->count == 1);
	return true;
}
