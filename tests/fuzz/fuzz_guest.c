/* SPDX-License-Identifier: ISC */
/*
 * A guest's memory in which anything may change from read to read: whatever
 * it is, there is an answer within bounds, and a question has an end.  The
 * memory is made up; the input says which reads are changed, and how.
 */
#include "fuzz.h"

#include <string.h>

#include "guests/index.h"
#include "unit/guests_fake.c" /* NOLINT(bugprone-suspicious-include) */

#define READS_MAX 4000u /* those of 2 ms, and some more */
#define CHANGES_MAX 64u

struct change {
	uint16_t read; /* which one it is for */
	uint16_t at;
	uint8_t value[8];
};

struct changes {
	struct change at[CHANGES_MAX];
	size_t count;
};

static void
change(struct fake *fake, uint64_t physical, uint8_t *bytes, size_t len)
{
	const struct changes *changes = fake->of;

	(void)physical;
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->at[i];
		const size_t at = c->at % len;
		const size_t left = len - at;

		if (c->read == (fake->reads & 0xffff)) {
			memcpy(bytes + at, c->value,
			       left < sizeof c->value ? left : sizeof c->value);
		}
	}
}

static void
check(const struct guest_owner *owner)
{
	CHECK(owner->unknown < GUEST_UNKNOWNS);
	CHECK(owner->parents_count <= GUEST_PARENTS_MAX);
	CHECK(memchr(owner->exe, 0, GUEST_EXE_MAX) != NULL);
	CHECK(memchr(owner->process.comm, 0, GUEST_COMM_MAX) != NULL);
	CHECK(owner->unknown != GUEST_KNOWN || owner->has_uid);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake fake, whole;
	static struct kernel kernel;
	static struct index index;
	static struct changes changes;
	struct guest_owner owner;

	if (whole.btf_len == 0) {
		fake_make(&whole, 4, false);
	}
	fake = whole;
	fake_kernel(&fake, &kernel);
	index_clear(&index);
	changes.count = 0;
	while (size >= 12 && changes.count < CHANGES_MAX) {
		struct change *c = &changes.at[changes.count++];

		c->read = (uint16_t)((unsigned)(data[0] | data[1] << 8) %
				     READS_MAX);
		c->at = (uint16_t)(data[2] | data[3] << 8);
		memcpy(c->value, data + 4, 8);
		data += 12;
		size -= 12;
	}
	fake.change = change;
	fake.of = &changes;
	fake.most = READS_MAX;
	if (kernel_take(&kernel, fake_init_task(&fake))) {
		(void)index_refresh(&index, &kernel);
		index_owner(&index, &kernel, &fake.connection, &owner);
		check(&owner);
		index_owner(&index, &kernel, &fake.connection, &owner);
		check(&owner);
	}
	CHECK(fake.reads <= READS_MAX + 3000);
	return 0;
}
