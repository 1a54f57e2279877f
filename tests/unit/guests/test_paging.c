/* Page tables, walked. */
#include "unit/support.h"

#include <errno.h>
#include <string.h>

#include "guests/paging.h"

#define RAM (64u << 10)
#define DIRECT 0xffff888000000000u
#define VMALLOC 0xffffc90000001000u

static uint8_t ram[RAM];

static int
read_ram(void *of, uint64_t physical, void *into, size_t len)
{
	(void)of;
	if (physical > RAM || len > RAM - physical) {
		return -EFAULT;
	}
	memcpy(into, ram + physical, len);
	return 0;
}

static void
entry(uint64_t table, uint64_t no, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		ram[table + 8 * no + i] = (uint8_t)(value >> 8 * i);
	}
}

/* A page of each size, by tables at 0x1000 and so on. */
static struct paging
tables(unsigned levels)
{
	struct paging p = { .ram = { read_ram, NULL, RAM },
			    .tables = levels == 5 ? 0x5000 : 0x1000,
			    .levels = levels };

	memset(ram, 0, sizeof ram);
	entry(0x5000, 511, 0x1000 | 1);
	entry(0x1000, VMALLOC >> 39 & 511, 0x2000 | 1);
	entry(0x2000, VMALLOC >> 30 & 511, 0x3000 | 1);
	entry(0x3000, VMALLOC >> 21 & 511, 0x4000 | 1);
	entry(0x4000, VMALLOC >> 12 & 511, 0x8000000000009000u | 1);
	entry(0x4000, (VMALLOC >> 12 & 511) + 1, 0x7000 | 1);
	entry(0x3000, (VMALLOC >> 21 & 511) + 1, 0x40000000 | 0x81);
	entry(0x2000, (VMALLOC >> 30 & 511) + 1, 0x80000000 | 0x81);
	return p;
}

static void
pages_of_each_size(void **state)
{
	uint64_t physical, run;

	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++) {
		const struct paging p = tables(levels);

		assert_int_equal(
			paging_walk(&p, VMALLOC + 0x123, &physical, &run), 0);
		assert_int_equal(physical, 0x9123);
		assert_int_equal(run, 4096 - 0x123);
		assert_int_equal(paging_walk(&p, VMALLOC + (2u << 20) + 5,
					     &physical, &run),
				 0);
		assert_int_equal(physical, 0x40001005);
		assert_int_equal(run, (2u << 20) - 0x1005);
		assert_int_equal(
			paging_walk(&p, VMALLOC + (1u << 30), &physical, &run),
			0);
		assert_int_equal(physical, 0x80001000);
		assert_int_equal(
			paging_walk(&p, VMALLOC - 4096, &physical, &run),
			-EFAULT);
	}
}

/* Two pages that follow each other need not do so in RAM. */
static void
reads_across_pages(void **state)
{
	const struct paging p = tables(4);
	uint64_t value;
	uint8_t bytes[8];

	(void)state;
	memset(ram + 0x9ffc, 1, 4);
	memset(ram + 0x7000, 2, 4);
	assert_int_equal(paging_u64(&p, VMALLOC + 4092, &value), 0);
	assert_int_equal(value, 0x0202020201010101u);
	assert_int_equal(paging_read(&p, VMALLOC + 8188, bytes, 8), -EFAULT);
}

static void
what_is_known_needs_no_tables(void **state)
{
	struct paging p = tables(4);
	uint64_t physical, run;

	(void)state;
	p.direct = DIRECT;
	p.image = 0xffffffff81000000u - 0x2000;
	assert_int_equal(paging_translate(&p, DIRECT + 7, &physical, &run), 0);
	assert_int_equal(physical, 7);
	assert_int_equal(run, RAM - 7);
	assert_int_equal(
		paging_translate(&p, 0xffffffff81000001u, &physical, &run), 0);
	assert_int_equal(physical, 0x2001);
	assert_int_equal(paging_translate(&p, DIRECT + RAM, &physical, &run),
			 -EFAULT);
}

/* No address of a process's, and none beyond the last. */
static void
others_are_refused(void **state)
{
	static const uint64_t no[] = { 0,
				       1,
				       0x7fffffffffffu,
				       0x800000000000u,
				       0xfeffffffffffffffu,
				       UINT64_MAX };
	struct paging p = tables(4);
	uint8_t bytes[16];

	(void)state;
	p.direct = DIRECT;
	for (size_t i = 0; i < COUNT(no); i++) {
		assert_int_equal(paging_read(&p, no[i], bytes, sizeof bytes),
				 -EFAULT);
	}
	/* Tables that point to themselves have as many levels as others. */
	memset(ram, 0, sizeof ram);
	for (uint64_t i = 0; i < 512; i++) {
		entry(0x1000, i, 0x1000 | 1);
	}
	assert_int_equal(paging_read(&p, VMALLOC, bytes, sizeof bytes), 0);
	/* And tables beyond RAM are none. */
	p.tables = 1ull << 40;
	assert_int_equal(paging_read(&p, VMALLOC, bytes, sizeof bytes),
			 -EFAULT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_each_size),
		cmocka_unit_test(reads_across_pages),
		cmocka_unit_test(what_is_known_needs_no_tables),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
