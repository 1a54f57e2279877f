/*
 *   file header   magic class:8 data:8 ...  shoff:64 at 40, shnum:16 at 60
 *   section       name:32 type:32 flags:64 addr:64 offset:64 size:64
 *                 link:32 info:32 align:64 entsize:64
 *   symbol        name:32 info:8 other:8 section:16 value:64 size:64
 *   relocation    offset:64 type:32 symbol:32
 *   instruction   code:8 dst:4 src:4 offset:16 immediate:32
 *
 * All in little-endian, as the BPF target has it.
 */
#include "fastpath/elf.h"

#include <stdbool.h>
#include <string.h>

#define HEADER 64
#define SECTION 64
#define SYMBOL 24
#define RELOCATION 16
#define MACHINE_BPF 247
#define TYPE_SYMBOLS 2
#define TYPE_RELOCATIONS 9
#define R_BPF_64_64 1
#define LOAD_64 0x18        /* an instruction of two, with 64 bits */
#define SRC_MAP_FD (1 << 4) /* BPF_PSEUDO_MAP_FD */

struct span {
	const uint8_t *bytes; /* NULL: not in the object */
	size_t size;
};

struct object {
	struct span all, sections;
};

static uint64_t
load(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0) {
		value = value << 8 | at[bytes];
	}
	return value;
}

static struct span
part(struct span whole, uint64_t offset, uint64_t size)
{
	struct span s = { 0 };

	if (whole.bytes && offset <= whole.size &&
	    size <= whole.size - offset) {
		s.bytes = whole.bytes + offset;
		s.size = (size_t)size;
	}
	return s;
}

/* A record of a table; bytes are NULL where the table ends before. */
static struct span
record(struct span table, uint64_t index, size_t size)
{
	return index < table.size / size ? part(table, index * size, size)
					 : (struct span){ 0 };
}

static struct span
content(const struct object *o, uint64_t index)
{
	struct span s = record(o->sections, index, SECTION);

	return s.bytes
		? part(o->all, load(s.bytes + 24, 8), load(s.bytes + 32, 8))
		: s;
}

static uint64_t
field(const struct object *o, uint64_t index, size_t at)
{
	return load(o->sections.bytes + index * SECTION + at, 4);
}

/* Whether a string table has this name at an offset. */
static bool
named(struct span strings, uint64_t offset, const char *name)
{
	size_t len = strlen(name) + 1;
	struct span s = part(strings, offset, len);

	return s.bytes && memcmp(s.bytes, name, len) == 0;
}

static bool
open_object(struct object *o, const uint8_t *bytes, size_t size)
{
	static const uint8_t magic[6] = { 0x7f, 'E', 'L', 'F', 2, 1 };

	o->all = (struct span){ bytes, size };
	if (size < HEADER || memcmp(bytes, magic, sizeof magic) != 0 ||
	    load(bytes + 18, 2) != MACHINE_BPF) {
		return false;
	}
	o->sections = part(o->all, load(bytes + 40, 8),
			   load(bytes + 60, 2) * SECTION);
	return o->sections.bytes != NULL;
}

static size_t
sections(const struct object *o)
{
	return o->sections.size / SECTION;
}

static size_t
find_section(const struct object *o, const char *name)
{
	struct span names = content(o, load(o->all.bytes + 62, 2));

	for (size_t i = 1; i < sections(o); i++) {
		if (named(names, field(o, i, 0), name)) {
			return i;
		}
	}
	return 0;
}

static const struct elf_symbol *
find_symbol(struct span strings, uint64_t name,
	    const struct elf_symbol *symbols, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (named(strings, name, symbols[i].name)) {
			return &symbols[i];
		}
	}
	return NULL;
}

static void
replay_file_fd(uint8_t *insn, int fd)
{
	insn[1] = (uint8_t)((insn[1] & 15) | SRC_MAP_FD);
	for (unsigned i = 0; i < 4; i++) {
		insn[4 + i] = (uint8_t)((unsigned)fd >> 8 * i);
	}
}

/* Put the maps in that one section of relocations names. */
static int
relocate(const struct object *o, size_t section, const struct elf_symbol *known,
	 size_t count, uint8_t *program, size_t len)
{
	struct span table = content(o, section);
	struct span symbols = content(o, field(o, section, 40));
	struct span strings = { 0 };

	if (!symbols.bytes ||
	    field(o, field(o, section, 40), 4) != TYPE_SYMBOLS) {
		return -1;
	}
	strings = content(o, field(o, field(o, section, 40), 40));
	for (uint64_t i = 0; i < table.size / RELOCATION; i++) {
		const uint8_t *r = record(table, i, RELOCATION).bytes;
		struct span symbol = record(symbols, load(r + 12, 4), SYMBOL);
		uint64_t at = load(r, 8);
		const struct elf_symbol *found;

		if (!symbol.bytes || load(r + 8, 4) != R_BPF_64_64 ||
		    at % ELF_INSN != 0 || len < 2 * ELF_INSN ||
		    at > len - 2 * ELF_INSN || program[at] != LOAD_64) {
			return -1;
		}
		found = find_symbol(strings, load(symbol.bytes, 4), known,
				    count);
		if (!found) {
			return -1;
		}
		replay_file_fd(program + at, found->value);
	}
	return 0;
}

long
elf_program(const uint8_t *bytes, size_t size, const char *name,
	    const struct elf_symbol *symbols, size_t count, uint8_t *out)
{
	struct object o;
	struct span program;
	size_t at;

	if (!open_object(&o, bytes, size)) {
		return -1;
	}
	at = find_section(&o, name);
	program = content(&o, at);
	if (at == 0 || !program.bytes || program.size == 0 ||
	    program.size % ELF_INSN != 0 || program.size > ELF_PROGRAM_MAX) {
		return -1;
	}
	memcpy(out, program.bytes, program.size);
	for (size_t i = 1; i < sections(&o); i++) {
		if (field(&o, i, 4) == TYPE_RELOCATIONS &&
		    field(&o, i, 44) == at &&
		    relocate(&o, i, symbols, count, out, program.size) < 0) {
			return -1;
		}
	}
	return (long)program.size;
}
