/*
 * Why a group is not accepted: kept with it, and found out at its end where
 * its frames were taken off the wire ahead of the receiver, which was told of
 * them only.  That decides nothing any more: it is for the log, and for
 * whoever looks there for his wrong clock or key.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_GROUP_REASON_H
#define TAP_PROTOCOL_GROUP_REASON_H

#include "protocol/reassembly.h"
#include "protocol/verify.h"

/* It was not accepted at that instant; the furthest reason counts. */
void group_reason_note(struct reassembly_group *group,
		       const struct verify *found, uint64_t instant);

/*
 * Look once more at a group, if all of its frames were only seen; instant and
 * ms are now.  It is charged for nothing.
 */
void group_reason_find(struct reassembly *q, struct reassembly_group *group,
		       const struct acl *acl, uint64_t instant, uint64_t ms);

#endif
