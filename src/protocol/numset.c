#include "protocol/numset.h"

#include <string.h>

static uint64_t
bit_of(uint32_t number)
{
	return (uint64_t)1 << number % 64;
}

void
numset_add(struct numset *set, const struct acl_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = ranges[i].low; n <= ranges[i].high; n++) {
			set->bits[n / 64] |= bit_of(n);
		}
	}
}

void
numset_remove(struct numset *set, const struct acl_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = ranges[i].low; n <= ranges[i].high; n++) {
			set->bits[n / 64] &= ~bit_of(n);
		}
	}
}

void
numset_subtract(struct numset *set, const struct numset *other)
{
	for (size_t i = 0; i < sizeof set->bits / sizeof set->bits[0]; i++) {
		set->bits[i] &= ~other->bits[i];
	}
}

void
numset_intersect(struct numset *set, const struct numset *other)
{
	for (size_t i = 0; i < sizeof set->bits / sizeof set->bits[0]; i++) {
		set->bits[i] &= other->bits[i];
	}
}

bool
numset_has(const struct numset *set, uint16_t number)
{
	return set->bits[number / 64] & bit_of(number);
}

bool
numset_equal(const struct numset *a, const struct numset *b)
{
	return memcmp(a->bits, b->bits, sizeof a->bits) == 0;
}

bool
numset_empty(const struct numset *set)
{
	for (size_t i = 0; i < sizeof set->bits / sizeof set->bits[0]; i++) {
		if (set->bits[i]) {
			return false;
		}
	}
	return true;
}

bool
numset_next(const struct numset *set, uint32_t from, struct acl_range *run)
{
	uint32_t n = from;

	while (n <= UINT16_MAX && !numset_has(set, (uint16_t)n)) {
		n += n % 64 == 0 && set->bits[n / 64] == 0 ? 64 : 1;
	}
	if (n > UINT16_MAX) {
		return false;
	}
	run->low = (uint16_t)n;
	while (n <= UINT16_MAX && numset_has(set, (uint16_t)n)) {
		n++;
	}
	run->high = (uint16_t)(n - 1);
	return true;
}
