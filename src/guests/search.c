#include "guests/search.h"

#include <string.h>

#include "guests/little.h"
#include "os/clock.h"

#define BTF_BEGIN 0x0001eb9fu /* magic, version 1, no flags */
#define SWAP 0x70617773u      /* "swap", of "swapper/0" */
#define WORD 4u
/* Of init_task's address, what KASLR leaves as it is. */
#define ALIGNED (2u << 20)

void
search_begin(struct search *s, const struct memory *ram)
{
	s->ram = *ram;
	s->at = 0;
	s->end = memory_size(ram);
	s->types_count = s->names_count = s->found_count = 0;
	s->any_types = false;
	s->watched_ms = 0;
}

/* A place in the pieces, one after the other, as an address of theirs. */
static uint64_t
physical_of(const struct memory *m, uint64_t at, uint64_t *run)
{
	for (size_t i = 0; i < m->regions; i++) {
		if (at < m->region[i].len) {
			*run = m->region[i].len - at;
			return m->region[i].physical + at;
		}
		at -= m->region[i].len;
	}
	*run = 0;
	return UINT64_MAX;
}

/* ---- the scan */

static void
look_at(struct search *s, const uint8_t *bytes, size_t len, uint64_t at)
{
	for (size_t i = 0; i + WORD <= len; i += WORD) {
		const uint32_t word = le32_load(bytes + i);

		if (word == BTF_BEGIN && s->types_count < SEARCH_TYPES_MAX &&
		    i + BTF_HEADER <= len &&
		    btf_length(bytes + i) >= SEARCH_TYPES_SIZE) {
			s->types[s->types_count++] = at + i;
		} else if (word == SWAP && s->names_count < SEARCH_NAMES_MAX &&
			   i + GUEST_COMM_MAX <= len &&
			   memcmp(bytes + i + WORD, "per", 3) == 0) {
			s->names[s->names_count++] = at + i;
		}
	}
}

/* Pieces overlap, so that none has only a part of what is looked for. */
static bool
scan(struct search *s)
{
	uint64_t run;
	const uint64_t physical = physical_of(&s->ram, s->at, &run);
	const size_t len = run < SEARCH_PIECE ? (size_t)run : SEARCH_PIECE;

	if (memory_read(&s->ram, physical, s->piece, len) < 0) {
		return false;
	}
	look_at(s, s->piece, len, s->at);
	s->at += len == run ? len : len - BTF_HEADER;
	return true;
}

/* ---- what was found */

static bool
is_known(const struct search *s, uint64_t at)
{
	for (size_t i = 0; i < s->found_count; i++) {
		if (s->found[i].at == at) {
			return true;
		}
	}
	return false;
}

static bool
try_name(struct search *s, const struct layout *layout,
	 const struct memory *placed, uint64_t at)
{
	const uint64_t in_task = layout->offset[LAYOUT_TASK_COMM];
	struct search_found *found = &s->found[s->found_count];
	uint64_t run, physical;

	if (at < in_task || s->found_count == SEARCH_FOUND_MAX ||
	    is_known(s, at - in_task)) {
		return false;
	}
	physical = physical_of(placed, at - in_task, &run);
	found->memory = *placed;
	found->at = at - in_task;
	found->kernel = (struct kernel){
		.layout = *layout,
		.paging.ram = { memory_read, &found->memory,
				memory_end(placed) },
	};
	if (!kernel_take(&found->kernel, physical) ||
	    (s->init_task != 0 &&
	     (s->init_task - found->kernel.init_task) % ALIGNED != 0)) {
		return false;
	}
	s->found_count++;
	return true;
}

static void
try_types(struct search *s, const uint8_t *bytes, size_t len)
{
	struct memory placed;
	struct layout layout;
	struct btf btf;
	const char *missing;

	if (!btf_open(&btf, bytes, len, s->index)) {
		return;
	}
	s->any_types = true;
	if (!layout_from(&layout, &btf, &missing)) {
		return;
	}
	for (unsigned no = 0; memory_place(&placed, &s->ram, no); no++) {
		for (size_t i = 0; i < s->names_count; i++) {
			try_name(s, &layout, &placed, s->names[i]);
		}
	}
}

/* The types that begin at a place. */
static void
try_place(struct search *s, uint64_t at)
{
	uint64_t run;
	const uint64_t physical = physical_of(&s->ram, at, &run);
	size_t len;

	if (memory_read(&s->ram, physical, s->btf, BTF_HEADER) < 0) {
		return;
	}
	len = btf_length(s->btf);
	if (len > 0 && len <= run &&
	    memory_read(&s->ram, physical, s->btf, len) == 0) {
		try_types(s, s->btf, len);
	}
}

/* ---- of several, the one that runs */

static enum guest_unknown
choose(struct search *s)
{
	uint64_t switches;
	size_t alive = 0;

	for (size_t i = 0; i < s->found_count; i++) {
		struct search_found *found = &s->found[i];

		found->lives |= kernel_is_there(&found->kernel, &switches) &&
			switches != found->switches;
		alive += found->lives;
	}
	if (clock_ms() - s->watched_ms < SEARCH_WATCH_MS) {
		return GUEST_STARTING;
	}
	for (size_t i = 0; i < s->found_count && alive == 1; i++) {
		if (s->found[i].lives && i > 0) {
			s->found[0] = s->found[i];
		}
	}
	return alive == 1 ? GUEST_KNOWN : GUEST_AMBIGUOUS;
}

static enum guest_unknown
conclude(struct search *s)
{
	if (s->given) {
		try_types(s, s->given, s->given_len);
	}
	for (size_t i = 0; i < s->types_count && !s->given; i++) {
		try_place(s, s->types[i]);
	}
	if (s->found_count == 0) {
		return s->any_types          ? GUEST_NOT_LINUX
			: s->names_count > 0 ? GUEST_NO_TYPES
					     : GUEST_NOT_LINUX;
	}
	s->watched_ms = clock_ms();
	for (size_t i = 0; i < s->found_count; i++) {
		s->found[i].lives = false;
		(void)kernel_is_there(&s->found[i].kernel,
				      &s->found[i].switches);
	}
	return s->found_count == 1 ? GUEST_KNOWN : GUEST_STARTING;
}

enum guest_unknown
search_step(struct search *s)
{
	enum guest_unknown rc;

	if (s->at < s->end) {
		return scan(s) ? GUEST_STARTING : GUEST_GONE;
	}
	rc = s->watched_ms == 0 ? conclude(s) : choose(s);
	if (rc == GUEST_KNOWN) {
		/* The memory that it reads has come with it. */
		s->found[0].kernel.paging.ram.of = &s->found[0].memory;
	}
	return rc;
}
