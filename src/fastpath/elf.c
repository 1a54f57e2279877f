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
#define R_BPF_64_32 10
#define LOAD_64 0x18 /* an instruction of two, with 64 bits */
#define CALL 0x85
#define SRC_MAP_FD 1   /* BPF_PSEUDO_MAP_FD */
#define SRC_FUNCTION 1 /* BPF_PSEUDO_CALL */

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
put_immediate(uint8_t *insn, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++) {
		insn[4 + i] = (uint8_t)(value >> 8 * i);
	}
}

/* What is copied out, and what it may refer to. */
struct copy {
	const struct object *object;
	const struct elf_symbol *known;
	size_t known_count;
	uint8_t *out;
	size_t len;
	size_t text; /* the functions' section, 0: none */
	size_t text_at;
	struct elf_functions *functions;
};

static bool
add_function(struct elf_functions *f, uint32_t start)
{
	size_t at = f->count;

	while (at > 0 && f->start[at - 1] >= start) {
		at--;
	}
	if (at < f->count && f->start[at] == start) {
		return true;
	}
	if (f->count == ELF_FUNCTIONS_MAX) {
		return false;
	}
	memmove(&f->start[at + 1], &f->start[at],
		(f->count - at) * sizeof f->start[0]);
	f->start[at] = start;
	f->count++;
	return true;
}

/* A call of a function is relative to the instruction behind it. */
static bool
put_call(const struct copy *c, uint8_t *insn, struct span symbol)
{
	const uint64_t offset = load(symbol.bytes + 8, 8);
	uint32_t start;

	if (insn[0] != CALL || insn[1] >> 4 != SRC_FUNCTION || c->text == 0 ||
	    load(symbol.bytes + 6, 2) != c->text || offset % ELF_INSN != 0 ||
	    offset >= c->len - c->text_at) {
		return false;
	}
	start = (uint32_t)((c->text_at + offset) / ELF_INSN);
	put_immediate(insn,
		      start - (uint32_t)((size_t)(insn - c->out) / ELF_INSN) -
			      1);
	return add_function(c->functions, start);
}

static bool
put_symbol(const struct copy *c, uint8_t *insn, struct span strings,
	   struct span symbol)
{
	const struct elf_symbol *found = find_symbol(
		strings, load(symbol.bytes, 4), c->known, c->known_count);

	if (insn[0] != LOAD_64 || !found) {
		return false;
	}
	insn[1] = (uint8_t)((insn[1] & 15) |
			    (found->number ? 0 : SRC_MAP_FD << 4));
	put_immediate(insn, (uint32_t)found->value);
	return true;
}

/* Put in what one section of relocations names; `code` was copied out. */
static int
relocate(const struct copy *c, size_t section, struct span code)
{
	const struct object *o = c->object;
	struct span table = content(o, section);
	struct span symbols = content(o, field(o, section, 40));
	struct span strings = { 0 };
	uint8_t *out = c->out + (code.bytes - c->out);

	if (!symbols.bytes ||
	    field(o, field(o, section, 40), 4) != TYPE_SYMBOLS) {
		return -1;
	}
	strings = content(o, field(o, field(o, section, 40), 40));
	for (uint64_t i = 0; i < table.size / RELOCATION; i++) {
		const uint8_t *r = record(table, i, RELOCATION).bytes;
		struct span symbol = record(symbols, load(r + 12, 4), SYMBOL);
		const uint64_t at = load(r, 8), kind = load(r + 8, 4);
		const size_t size =
			kind == R_BPF_64_64 ? 2 * ELF_INSN : ELF_INSN;

		if (!symbol.bytes || at % ELF_INSN != 0 ||
		    !part(code, at, size).bytes ||
		    !(kind == R_BPF_64_64
			      ? put_symbol(c, out + at, strings, symbol)
			      : kind == R_BPF_64_32 &&
				      put_call(c, out + at, symbol))) {
			return -1;
		}
	}
	return 0;
}

static struct span
copy_section(struct copy *c, size_t section)
{
	struct span code = content(c->object, section);

	if (!code.bytes || code.size == 0 || code.size % ELF_INSN != 0 ||
	    code.size > ELF_PROGRAM_MAX - c->len) {
		return (struct span){ 0 };
	}
	memcpy(c->out + c->len, code.bytes, code.size);
	code.bytes = c->out + c->len;
	c->len += code.size;
	return code;
}

static int
relocate_all(const struct copy *c, size_t of, struct span code)
{
	const struct object *o = c->object;

	for (size_t i = 1; i < sections(o); i++) {
		if (field(o, i, 4) == TYPE_RELOCATIONS &&
		    field(o, i, 44) == of && relocate(c, i, code) < 0) {
			return -1;
		}
	}
	return 0;
}

long
elf_program(const uint8_t *bytes, size_t size, const char *name,
	    const struct elf_symbol *symbols, size_t count, uint8_t *out,
	    struct elf_functions *functions)
{
	struct object o;
	struct copy c = {
		.object = &o,
		.known = symbols,
		.known_count = count,
		.out = out,
		.functions = functions,
	};
	struct span program, text = { 0 };
	size_t at;

	functions->count = 0;
	if (!open_object(&o, bytes, size)) {
		return -1;
	}
	at = find_section(&o, name);
	program = copy_section(&c, at);
	if (at == 0 || !program.bytes) {
		return -1;
	}
	c.text = find_section(&o, ".text");
	c.text_at = c.len;
	if (content(&o, c.text).size != 0) {
		text = copy_section(&c, c.text);
		if (!text.bytes) {
			return -1;
		}
	}
	if (relocate_all(&c, at, program) < 0 ||
	    (text.bytes && relocate_all(&c, c.text, text) < 0)) {
		return -1;
	}
	return (long)c.len;
}
