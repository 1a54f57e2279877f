/*
 * The groups that the ingress program's program is at work on: who takes the
 * program away goes on with them.
 */
#ifndef TAP_FASTPATH_INGRESS_GROUPS_H
#define TAP_FASTPATH_INGRESS_GROUPS_H

#include "fastpath/ingress.h"

/* Of a group: the frames that were taken off the wire and not told of. */
typedef void ingress_groups_take(void *context, const struct ingress_record *r);

/*
 * With no program at work (ingress_detach(), bpf_wait()): take all out, and
 * give those that may still become complete to a function.  None under flood,
 * when they are many and next to none is honest.  0, or -errno where some may
 * be left.
 */
int ingress_groups_empty(struct ingress *s, ingress_groups_take *take,
			 void *context);

#endif
