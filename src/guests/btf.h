/*
 * BTF, the types of a kernel as that carries them: where the members of its
 * structures lie (Documentation/bpf/btf.rst).
 *
 *  +--------+---------+-------+---------+----------+----------+---------+
 *  | magic  | version | flags | hdr_len | type_off | type_len | str_off | ...
 *  | eb9f   | 1       | 0     | 24      |          |          |         |
 *  +--------+---------+-------+---------+----------+----------+---------+
 *
 * Numbers are little-endian, as the x86-64 kernels that are read.  The bytes
 * are anybody's.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_BTF_H
#define TAP_GUESTS_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BTF_HEADER 24u
/* Debian's have 5 MiB and 130,000 types. */
#define BTF_SIZE_MAX (16u << 20)
#define BTF_TYPES_MAX (1u << 19)
/* Structures within structures, and types that stand for others. */
#define BTF_DEPTH_MAX 16u

struct btf {
	const uint8_t *types, *strings; /* the caller's */
	uint32_t types_len, strings_len;
	const uint32_t *at; /* of type n, in types; the caller's, from 1 on */
	uint32_t count;     /* one more than the last */
};

struct btf_member {
	uint32_t offset, size; /* bytes; size 0: it has none that is known */
	bool pointer;
};

/*
 * How long it is as a whole, by its header (BTF_HEADER bytes); 0: it is no
 * such header.
 */
size_t btf_length(const uint8_t *header);
/*
 * Take it apart; `at` has room for BTF_TYPES_MAX numbers.  False: it is not
 * whole, or not sound.
 */
bool btf_open(struct btf *btf, const uint8_t *bytes, size_t len, uint32_t *at);
/*
 * A member of a structure, by a path of names that dots part:
 * "__sk_common.skc_num"; those without a name are looked through.
 */
bool btf_member(const struct btf *btf, const char *structure, const char *path,
		struct btf_member *member);
/* The size of a structure; 0: there is none. */
uint32_t btf_size(const struct btf *btf, const char *structure);

#endif
