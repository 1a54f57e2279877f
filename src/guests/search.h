/*
 * Looks for a guest's kernel in its RAM, piece by piece, so that who looks can
 * answer meanwhile.
 */
#ifndef TAP_GUESTS_SEARCH_H
#define TAP_GUESTS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/kernel.h"
#include "guests/memory.h"

#define SEARCH_PIECE (1u << 20) /* read at a time */
/*
 * What looks like the beginning of a kernel's types: decompression leaves
 * copies, and those of modules and of BPF programs are smaller.
 */
#define SEARCH_TYPES_MAX 256u
#define SEARCH_TYPES_SIZE (256u << 10)
/* What looks like a name of init_task: the kernel has some such texts. */
#define SEARCH_NAMES_MAX 1024u
/* How long two kernels are watched: one that runs changes. */
#define SEARCH_WATCH_MS 1500u

/* A kernel that was found. */
struct search_found {
	struct kernel kernel;
	struct memory memory;
	uint64_t at;       /* init_task, in the RAM as one piece */
	uint64_t switches; /* when it was found */
	bool lives;
};

#define SEARCH_FOUND_MAX 4u

struct search {
	struct memory ram; /* one piece, or as it is placed */
	uint64_t at, end;  /* how far; in its pieces, one after the other */
	uint64_t types[SEARCH_TYPES_MAX], names[SEARCH_NAMES_MAX];
	size_t types_count, names_count;
	/* Types that were given, in place of those in RAM; or none. */
	const uint8_t *given;
	size_t given_len;
	/* init_task's address by symbols that were given; or 0. */
	uint64_t init_task;
	bool any_types; /* some were whole */
	struct search_found found[SEARCH_FOUND_MAX];
	size_t found_count;
	uint64_t watched_ms; /* since when two are */
	uint8_t piece[SEARCH_PIECE];
	uint8_t btf[BTF_SIZE_MAX];
	uint32_t index[BTF_TYPES_MAX];
};

/* RAM that was opened becomes the search's. */
void search_begin(struct search *s, const struct memory *ram);
/*
 * Go on.  GUEST_STARTING: not yet at the end; GUEST_KNOWN: found[0] is it;
 * else why there is none.
 */
enum guest_unknown search_step(struct search *s);

#endif
