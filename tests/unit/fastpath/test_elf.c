/* Objects with programs: taken apart, or refused. */
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/elf.h"

#define SIZE_MAX_HERE 8192

static const struct elf_symbol symbols[] = {
	{ .name = "state_map", .value = 0x01020304 },
	{ .name = "config_map", .value = 7 },
};

static struct elf_functions found;

/* What clang made. */
static size_t
object(const char *path, uint8_t bytes[SIZE_MAX_HERE])
{
	FILE *file = fopen(path, "rb");
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
	size_t size = object("tests/fuzz/corpus/elf/program", bytes);
	long len = elf_program(bytes, size, "xdp", symbols, 2, out, &found);
	unsigned times[2] = { 0 };

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
		times[0] += memcmp(out + at + 4, first, 4) == 0;
		times[1] += memcmp(out + at + 4, second, 4) == 0;
		at += (long)ELF_INSN;
	}
	assert_true(times[0] > 0);
	assert_true(times[1] > 0);
	assert_int_equal(found.count, 0);
}

/* A number in the place of a map, and nothing else changed. */
static void
numbers_are_put_in(void **state)
{
	static const struct elf_symbol with_number[] = {
		{ .name = "state_map", .value = 0x01020304 },
		{ .name = "config_map", .value = 14, .number = true },
	};
	static uint8_t bytes[SIZE_MAX_HERE], maps[ELF_PROGRAM_MAX],
		out[ELF_PROGRAM_MAX];
	size_t size = object("tests/fuzz/corpus/elf/program", bytes);
	const long len =
		elf_program(bytes, size, "xdp", symbols, 2, maps, &found);
	unsigned numbers = 0;

	(void)state;
	assert_int_equal(
		elf_program(bytes, size, "xdp", with_number, 2, out, &found),
		len);
	for (long at = 0; at < len; at++) {
		if (maps[at] == out[at]) {
			continue;
		}
		/* The kind of it, and what was 7. */
		assert_true((maps[at] >> 4 == 1 && out[at] >> 4 == 0) ||
			    (maps[at] == 7 && out[at] == 14));
		numbers += out[at] == 14;
	}
	assert_true(numbers > 0);
}

/*
 * A program of 21 instructions that calls the second and the first function,
 * of which the second, after eleven instructions, calls the first one twice.
 */
static void
functions_stand_behind(void **state)
{
	static uint8_t bytes[SIZE_MAX_HERE], out[ELF_PROGRAM_MAX];
	static const struct {
		long at;
		int32_t start;
	} calls[] = { { 11, 32 }, { 14, 21 }, { 33, 21 }, { 37, 21 } };
	size_t size = object("tests/fuzz/corpus/elf/functions", bytes);

	(void)state;
	assert_int_equal(
		elf_program(bytes, size, "xdp", symbols, 2, out, &found),
		40 * ELF_INSN);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.start[0], 21);
	assert_int_equal(found.start[1], 32);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		const uint8_t *insn = out + calls[i].at * (long)ELF_INSN;
		/* In an object it is in the order of BPF's bytes. */
		const int32_t way =
			(int32_t)((uint32_t)insn[7] << 24 | insn[6] << 16 |
				  insn[5] << 8 | insn[4]);

		assert_int_equal(insn[0], 0x85);
		assert_int_equal(insn[1], 0x10);
		assert_int_equal(calls[i].at + 1 + way, calls[i].start);
	}
	/* A function names a map, too. */
	assert_int_equal(out[24 * ELF_INSN + 4], 4);
}

/* Behind the last of them, and in another section. */
static void
no_other_function_is_called(void **state)
{
	static const char *const paths[] = {
		"tests/fuzz/corpus/elf/bad_function",
		"tests/fuzz/corpus/elf/bad_function_section",
	};
	static uint8_t bytes[SIZE_MAX_HERE], out[ELF_PROGRAM_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t size = object(paths[i], bytes);

		assert_int_equal(elf_program(bytes, size, "xdp", symbols, 2,
					     out, &found),
				 -1);
	}
}

static void
others_are_refused(void **state)
{
	static uint8_t bytes[SIZE_MAX_HERE], out[ELF_PROGRAM_MAX];
	size_t size = object("tests/fuzz/corpus/elf/program", bytes);

	(void)state;
	/* A map that nobody knows; no such section. */
	assert_int_equal(
		elf_program(bytes, size, "xdp", symbols, 1, out, &found), -1);
	assert_int_equal(
		elf_program(bytes, size, "tc", symbols, 2, out, &found), -1);
	/* The table of sections is at the end: it is not there. */
	for (size_t len = 0; len < size; len++) {
		uint8_t *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, bytes, len);
		assert_int_equal(
			elf_program(cut, len, "xdp", symbols, 2, out, &found),
			-1);
		free(cut);
	}
	bytes[18] = 62; /* of another machine */
	assert_int_equal(
		elf_program(bytes, size, "xdp", symbols, 2, out, &found), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_put_in),
		cmocka_unit_test(numbers_are_put_in),
		cmocka_unit_test(functions_stand_behind),
		cmocka_unit_test(no_other_function_is_called),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
