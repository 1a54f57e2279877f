#include "protocol/group_reason.h"

#include "protocol/frame.h"

void
group_reason_note(struct reassembly_group *group, const struct verify *found,
		  uint64_t instant)
{
	if (found->reason > group->reason) {
		group->reason = (uint8_t)found->reason;
		group->key_no = (uint16_t)found->key_no;
		group->skew = (int64_t)(found->instant - instant);
	}
}

void
group_reason_find(struct reassembly *q, struct reassembly_group *group,
		  const struct acl *acl, uint64_t instant, uint64_t ms)
{
	struct reassembly_frame *f = reassembly_first(q, group);
	struct verify_frame tries[REASSEMBLY_FRAMES_MAX];
	size_t count = 0;
	const struct packet p = { .src = group->key.src,
				  .dst = group->key.dst,
				  .dport = group->key.dport };
	const struct acl_rule *rule = acl_rule_for(acl, &p, false, NULL, NULL);
	const uint64_t passed = ms - group->arrived;
	const struct verify_scene scene = {
		.acl = acl,
		.src = &p.src,
		.dport = p.dport,
		.tolerance = rule ? rule->tolerance : 0,
		.macs = { group->macs[VERIFY_IN_ORDER],
			  group->macs[VERIFY_REORDERED] },
		.instant = instant - passed * FRAME_SECOND / 1000,
		.ms = ms,
	};
	struct verify found;

	for (; f; f = reassembly_next(q, f)) {
		if (!f->witnessed) {
			return;
		}
		tries[count++] = (struct verify_frame){ f->seq, true };
	}
	verify_find(&scene, tries, count, &found);
	if (found.reason < VERIFY_ACCEPTED) {
		group_reason_note(group, &found, scene.instant);
	}
}
