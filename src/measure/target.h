/*
 * Whom to scan: an address, a network, or a name with all its addresses.
 */
#ifndef TAP_MEASURE_TARGET_H
#define TAP_MEASURE_TARGET_H

#include <stddef.h>

#include "measure/target_addr.h"

#define TARGET_MAX 65536u /* addresses: a /16 */

enum target_error {
	TARGET_WRONG = -1,     /* it can't be one, or there is none */
	TARGET_UNREACHED = -2, /* no answer by the name service; no memory */
};

/*
 * 192.0.2.1, 192.0.2.0/24, 2001:db8::1, [2001:db8::1], fe80::1%eth0,
 * 2001:db8::/120, or a name.  *out is allocated, ascending, without
 * doubles.  0, or an error with the reason in why (WHY_MAX).
 */
int target_find(const char *text, struct target_addr **out, size_t *count,
		char *why);

/*
 * Leave out those that there is no way to.  0 or -errno; *error becomes
 * why the first of them has none, and *first that one.
 */
int target_leave_out(struct target_addr *targets, size_t *count,
		     struct target_addr *first, int *error);

#endif
