/* Objects with programs: taken apart, or refused. */
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/elf.h"

#define SIZE_MAX_HERE 8192

static const struct elf_symbol symbols[] = {
	{ "state_map", 0x01020304 },
	{ "config_map", 7 },
};

/* A program of two maps, as clang made it. */
static size_t
object(uint8_t bytes[SIZE_MAX_HERE])
{
	FILE *file = fopen("tests/fuzz/corpus/elf/program", "rb");
	size_t size;

	assert_non_null(file);
	size = fread(bytes, 1, SIZE_MAX_HERE, file);
	fclose(file);
	return size;
}

static void
maps_are_put_in(void **state)
{
	static uint8_t bytes[SIZE_MAX_HERE], out[ELF_PROGRAM_MAX];
	size_t size = object(bytes);
	long len = elf_program(bytes, size, "xdp", symbols, 2, out);
	unsigned found[2] = { 0 };

	(void)state;
	assert_true(len > 0);
	assert_int_equal(len % (long)ELF_INSN, 0);
	for (long at = 0; at < len; at += (long)ELF_INSN) {
		static const uint8_t first[4] = { 4, 3, 2, 1 };
		static const uint8_t second[4] = { 7, 0, 0, 0 };

		if (out[at] != 0x18) {
			continue;
		}
		assert_int_equal(out[at + 1] >> 4, 1);
		found[0] += memcmp(out + at + 4, first, 4) == 0;
		found[1] += memcmp(out + at + 4, second, 4) == 0;
		at += (long)ELF_INSN;
	}
	assert_true(found[0] > 0);
	assert_true(found[1] > 0);
}

static void
others_are_refused(void **state)
{
	static uint8_t bytes[SIZE_MAX_HERE], out[ELF_PROGRAM_MAX];
	size_t size = object(bytes);

	(void)state;
	/* A map that nobody knows; no such section. */
	assert_int_equal(elf_program(bytes, size, "xdp", symbols, 1, out), -1);
	assert_int_equal(elf_program(bytes, size, "tc", symbols, 2, out), -1);
	/* The table of sections is at the end: it is not there. */
	for (size_t len = 0; len < size; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, bytes, len);
		assert_int_equal(elf_program(cut, len, "xdp", symbols, 2, out),
				 -1);
		free(cut);
	}
	bytes[18] = 62; /* of another machine */
	assert_int_equal(elf_program(bytes, size, "xdp", symbols, 2, out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_put_in),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
