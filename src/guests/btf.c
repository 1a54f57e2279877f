#include "guests/btf.h"

#include <string.h>

#include "guests/little.h"

enum kind {
	KIND_INT = 1,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
	KINDS
};

#define TYPE_SIZE 12u
#define MEMBER_SIZE 12u
#define POINTER_SIZE 8u
#define MEMBERS_MAX 65536u /* that one question looks at */

struct type {
	uint32_t name;
	enum kind kind;
	uint32_t members;
	bool bitfields;    /* offsets have sizes of bits with them */
	uint32_t value;    /* a size, or another type */
	const uint8_t *at; /* what follows */
};

size_t
btf_length(const uint8_t *header)
{
	static const uint8_t begin[] = {
		0x9f, 0xeb, 1, 0, BTF_HEADER, 0, 0, 0
	};
	const uint64_t types_end =
		(uint64_t)le32_load(header + 8) + le32_load(header + 12);
	const uint64_t strings_end =
		(uint64_t)le32_load(header + 16) + le32_load(header + 20);
	const uint64_t end = types_end > strings_end ? types_end : strings_end;

	return memcmp(header, begin, sizeof begin) == 0 &&
			end <= BTF_SIZE_MAX - BTF_HEADER
		? (size_t)end + BTF_HEADER
		: 0;
}

/* What follows a type, for each of its kind; KINDS of them. */
static uint64_t
extra(enum kind kind, uint32_t members)
{
	static const struct {
		uint8_t once, each;
	} sizes[KINDS] = {
		[KIND_INT] = { 4, 0 },
		[KIND_ARRAY] = { 12, 0 },
		[KIND_STRUCT] = { 0, MEMBER_SIZE },
		[KIND_UNION] = { 0, MEMBER_SIZE },
		[KIND_ENUM] = { 0, 8 },
		[KIND_FUNC_PROTO] = { 0, 8 },
		[KIND_VAR] = { 4, 0 },
		[KIND_DATASEC] = { 0, 12 },
		[KIND_DECL_TAG] = { 4, 0 },
		[KIND_ENUM64] = { 0, 12 },
	};

	return sizes[kind].once + (uint64_t)sizes[kind].each * members;
}

/* At a place that has room for it; its kind may be none. */
static struct type
type_at(const struct btf *btf, uint32_t offset)
{
	const uint8_t *at = btf->types + offset;
	const uint32_t info = le32_load(at + 4);

	return (struct type){
		.name = le32_load(at),
		.kind = (enum kind)(info >> 24 & 0x1f),
		.members = info & 0xffff,
		.bitfields = info >> 31,
		.value = le32_load(at + 8),
		.at = at + TYPE_SIZE,
	};
}

static bool
index_types(struct btf *btf, uint32_t *at)
{
	uint32_t offset = 0;

	btf->count = 1;
	while (offset < btf->types_len) {
		const uint32_t left = btf->types_len - offset;
		struct type type;

		if (left < TYPE_SIZE || btf->count == BTF_TYPES_MAX) {
			return false;
		}
		type = type_at(btf, offset);
		if (type.kind == 0 || type.kind >= KINDS ||
		    type.name >= btf->strings_len ||
		    extra(type.kind, type.members) > left - TYPE_SIZE) {
			return false;
		}
		at[btf->count++] = offset;
		offset += TYPE_SIZE + (uint32_t)extra(type.kind, type.members);
	}
	return btf->count > 1;
}

bool
btf_open(struct btf *btf, const uint8_t *bytes, size_t len, uint32_t *at)
{
	const size_t whole = len < BTF_HEADER ? 0 : btf_length(bytes);

	if (whole == 0 || whole > len) {
		return false;
	}
	*btf = (struct btf){
		.types = bytes + BTF_HEADER + le32_load(bytes + 8),
		.types_len = le32_load(bytes + 12),
		.strings = bytes + BTF_HEADER + le32_load(bytes + 16),
		.strings_len = le32_load(bytes + 20),
		.at = at,
	};
	/* Every string has its end: the last byte is one. */
	return btf->strings_len > 0 && btf->strings[0] == '\0' &&
		btf->strings[btf->strings_len - 1] == '\0' &&
		index_types(btf, at);
}

static const char *
string(const struct btf *btf, uint32_t offset)
{
	return (const char *)btf->strings +
		(offset < btf->strings_len ? offset : 0);
}

/* A type by its number, behind what only gives it another name. */
static bool
resolve(const struct btf *btf, uint32_t number, struct type *type)
{
	for (unsigned depth = 0; depth < BTF_DEPTH_MAX; depth++) {
		if (number == 0 || number >= btf->count) {
			return false;
		}
		*type = type_at(btf, btf->at[number]);
		switch (type->kind) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			number = type->value;
			break;
		default:
			return true;
		}
	}
	return false;
}

static bool
is_structure(const struct type *type)
{
	return type->kind == KIND_STRUCT || type->kind == KIND_UNION;
}

static uint32_t
size_of(const struct btf *btf, const struct type *type, unsigned depth)
{
	struct type element;
	uint64_t size;

	switch (type->kind) {
	case KIND_INT:
	case KIND_ENUM:
	case KIND_ENUM64:
	case KIND_FLOAT:
	case KIND_STRUCT:
	case KIND_UNION:
		return type->value;
	case KIND_PTR:
		return POINTER_SIZE;
	case KIND_ARRAY:
		if (depth == BTF_DEPTH_MAX ||
		    !resolve(btf, le32_load(type->at), &element)) {
			return 0;
		}
		size = (uint64_t)size_of(btf, &element, depth + 1) *
			le32_load(type->at + 8);
		return size > UINT32_MAX ? 0 : (uint32_t)size;
	default:
		return 0;
	}
}

static bool
find(const struct btf *btf, const char *name, struct type *type)
{
	for (uint32_t i = 1; i < btf->count; i++) {
		*type = type_at(btf, btf->at[i]);
		if (is_structure(type) && type->members > 0 &&
		    strcmp(string(btf, type->name), name) == 0) {
			return true;
		}
	}
	return false;
}

/* The way through structures without names to where a member may be. */
struct way {
	struct type in;
	uint64_t offset; /* bits */
	uint32_t next;   /* member to look at */
};

static uint64_t
bits_of(const struct type *in, const uint8_t *member)
{
	const uint32_t offset = le32_load(member + 8);

	return in->bitfields ? offset & 0xffffff : offset;
}

/* A member of this name: its type, and its place added to *offset (bits). */
static bool
step(const struct btf *btf, struct type *in, const char *name, size_t len,
     uint64_t *offset)
{
	struct way ways[BTF_DEPTH_MAX] = { { .in = *in, .offset = *offset } };
	unsigned depth = 1;

	for (uint32_t looked = 0; depth > 0 && looked < MEMBERS_MAX; looked++) {
		struct way *way = &ways[depth - 1];
		const uint8_t *member = way->in.at + MEMBER_SIZE * way->next;
		const char *called;
		struct type type;
		uint64_t at;

		if (way->next++ == way->in.members) {
			depth--;
			continue;
		}
		called = string(btf, le32_load(member));
		at = way->offset + bits_of(&way->in, member);
		if (!resolve(btf, le32_load(member + 4), &type)) {
			continue;
		}
		if (strncmp(called, name, len) == 0 && called[len] == '\0') {
			*in = type;
			*offset = at;
			return true;
		}
		if (called[0] == '\0' && is_structure(&type) &&
		    depth < BTF_DEPTH_MAX) {
			ways[depth++] =
				(struct way){ .in = type, .offset = at };
		}
	}
	return false;
}

bool
btf_member(const struct btf *btf, const char *structure, const char *path,
	   struct btf_member *member)
{
	uint64_t offset = 0;
	struct type type;

	if (!find(btf, structure, &type)) {
		return false;
	}
	while (*path) {
		const size_t len = strcspn(path, ".");

		if (!is_structure(&type) ||
		    !step(btf, &type, path, len, &offset)) {
			return false;
		}
		path += len + (path[len] == '.');
	}
	*member = (struct btf_member){
		.offset = (uint32_t)(offset / 8),
		.size = size_of(btf, &type, 0),
		.pointer = type.kind == KIND_PTR,
	};
	return offset % 8 == 0 && offset / 8 <= UINT32_MAX;
}

uint32_t
btf_size(const struct btf *btf, const char *structure)
{
	struct type type;

	return find(btf, structure, &type) ? type.value : 0;
}
