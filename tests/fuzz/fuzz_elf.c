/* SPDX-License-Identifier: ISC */
/*
 * An object with a program for the kernel: whatever it is, what comes out
 * is whole instructions, the same each time, or nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "fastpath/elf.h"

#define INPUT_MAX (1024u * 1024u) /* as replay.c has it */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct elf_symbol symbols[] = {
		{ .name = "config_map", .value = 7 },
		{ .name = "state_map", .value = 0x12345678 },
	};
	static uint8_t one[ELF_PROGRAM_MAX], other[ELF_PROGRAM_MAX];
	static char absent[INPUT_MAX + 2];
	struct elf_functions found, again;
	long len = elf_program(data, size, "xdp", symbols, 2, one, &found);

	CHECK(len == -1 || (len > 0 && len % (long)ELF_INSN == 0));
	CHECK(len <= (long)ELF_PROGRAM_MAX);
	/* The program and the functions may be the same bytes. */
	CHECK(len <= 2 * (long)size);
	for (size_t i = 0; len >= 0 && i < found.count; i++) {
		CHECK(found.start[i] > (i ? found.start[i - 1] : 0));
		CHECK(found.start[i] < (size_t)len / ELF_INSN);
	}
	CHECK(elf_program(data, size, "xdp", symbols, 2, other, &again) == len);
	CHECK(len < 0 || memcmp(one, other, (size_t)len) == 0);
	/* No section is called so: the name is longer than the object. */
	CHECK(size <= INPUT_MAX);
	memset(absent, 'x', size + 1);
	absent[size + 1] = '\0';
	CHECK(elf_program(data, size, absent, symbols, 2, other, &again) == -1);
	return 0;
}
