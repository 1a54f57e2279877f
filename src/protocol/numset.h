/*
 * Sets of 16-bit numbers: ports, key numbers.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_NUMSET_H
#define TAP_PROTOCOL_NUMSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"

/* All zeros is the empty set. */
struct numset {
	uint64_t bits[65536 / 64];
};

void numset_add(struct numset *set, const struct acl_range *ranges,
		size_t count);
void numset_remove(struct numset *set, const struct acl_range *ranges,
		   size_t count);
/* Take out what is in the other set. */
void numset_subtract(struct numset *set, const struct numset *other);
/* Keep only what is in the other set, too. */
void numset_intersect(struct numset *set, const struct numset *other);
bool numset_has(const struct numset *set, uint16_t number);
bool numset_equal(const struct numset *a, const struct numset *b);
bool numset_empty(const struct numset *set);

/*
 * The first whole run of neighbours that begins at `from` or later; from
 * is 0 at first, then one more than the last run's high.  Returns
 * whether there is one.
 */
bool numset_next(const struct numset *set, uint32_t from,
		 struct acl_range *run);

#endif
