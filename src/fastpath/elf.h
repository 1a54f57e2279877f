/*
 * A program for the kernel, as clang's BPF target writes it: an object in
 * ELF (System V ABI; the kernel's Documentation/bpf/llvm_reloc.rst).  Its
 * instructions are copied out, and where they name a map, or a number, the
 * caller says which descriptor, or which number, that is.  Functions that it
 * calls (.text) stand behind it.
 *
 * Pure.
 */
#ifndef TAP_FASTPATH_ELF_H
#define TAP_FASTPATH_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_INSN 8u /* bytes of an instruction */
/* The ingress program has some nine thousand; far from the kernel's million. */
#define ELF_PROGRAM_MAX (32768u * ELF_INSN)
#define ELF_FUNCTIONS_MAX 8u /* that a program calls; more than any has */

struct elf_symbol {
	const char *name;
	int value;   /* the descriptor of a map */
	bool number; /* or that is what it is, to the verifier, too */
};

/* Where functions begin, in instructions, the first one first. */
struct elf_functions {
	uint32_t start[ELF_FUNCTIONS_MAX];
	size_t count;
};

/*
 * Copy the instructions of a section to out (ELF_PROGRAM_MAX bytes), and all
 * functions behind them, what they name put in.  Returns the number
 * of bytes, or -1: no such object or section, or one that refers to something
 * else.
 */
long elf_program(const uint8_t *object, size_t size, const char *section,
		 const struct elf_symbol *symbols, size_t count, uint8_t *out,
		 struct elf_functions *functions);

#endif
