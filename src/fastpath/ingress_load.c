#include "fastpath/ingress_load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "fastpath/bpf.h"
#include "fastpath/door_map.h"
#include "fastpath/ingress_image.h"
#include "fastpath/ingress_locals.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5) /* Linux 5.18 */
#endif

/*
 * The oldest go first: a flood of half a million groups a second leaves
 * each a tenth of a second to become complete.
 */
#define GROUPS 65536u
#define PART 1024u   /* entries written at once; their keys are on the stack */
#define ROOM_MIN 64u /* entries of any map */
#define CHARGES_SIZE (1u << 18)
#define SCRATCH_SIZE 2048u /* more than ingress.bpf.c has in it */

static const struct {
	const char *name;
	struct bpf_map map; /* entries 0: as many as there are */
} maps[INGRESS_MAPS] = {
#define ARRAY(TYPE, entries, flags)                                            \
	{                                                                      \
		BPF_MAP_TYPE_ARRAY, 4, sizeof(TYPE), entries, flags            \
	}
	[INGRESS_MAP_PORTS] = { "ports_map", ARRAY(struct ingress_port, 0, 0) },
	[INGRESS_MAP_LISTS] = { "lists_map", ARRAY(struct ingress_list, 0, 0) },
	[INGRESS_MAP_RULES] = { "rules_map", ARRAY(struct ingress_rule, 0, 0) },
	[INGRESS_MAP_ENTRIES] = { "entries_map",
				  ARRAY(struct ingress_entry, 0, 0) },
	[INGRESS_MAP_RANGES] = { "ranges_map",
				 ARRAY(struct ingress_range, 0, 0) },
	[INGRESS_MAP_KEYS] = { "keys_map",
			       { BPF_MAP_TYPE_HASH, 4,
				 sizeof(struct ingress_key), 0, 0 } },
	[INGRESS_MAP_CONFIG] = { "config_map",
				 ARRAY(struct ingress_config, 1,
				       BPF_F_MMAPABLE) },
	[INGRESS_MAP_LOCALS] = { "locals_map",
				 { BPF_MAP_TYPE_HASH,
				   sizeof(struct ingress_local), 1,
				   INGRESS_LOCALS_MAX, 0 } },
	[INGRESS_MAP_GROUPS] = { "groups_map",
				 { BPF_MAP_TYPE_LRU_HASH,
				   sizeof(struct ingress_group_key),
				   sizeof(struct ingress_group), GROUPS, 0 } },
	[INGRESS_MAP_MARKS] = { "marks_map",
				ARRAY(struct ingress_marks, 1, 0) },
	[INGRESS_MAP_RATES] = { "rates_map", ARRAY(struct ingress_rate, 2, 0) },
	[INGRESS_MAP_SCRATCH] = { "scratch_map",
				  { BPF_MAP_TYPE_PERCPU_ARRAY, 4, SCRATCH_SIZE,
				    1, 0 } },
	[INGRESS_MAP_COUNTS] = { "counts_map",
				 { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
				   INGRESS_COUNTS, 0 } },
	[INGRESS_MAP_RECORDS] = { "records_map",
				  { BPF_MAP_TYPE_RINGBUF, 0, 0,
				    INGRESS_RECORDS_SIZE, 0 } },
	[INGRESS_MAP_CHARGES] = { "charges_map",
				  { BPF_MAP_TYPE_RINGBUF, 0, 0, CHARGES_SIZE,
				    0 } },
	/*
	 * Most of what there is, so it takes room as it fills; where there is
	 * none, a group is the receiver's, and the floor rises.
	 */
	[INGRESS_MAP_REPLAYS] = { "replays_map",
				  { BPF_MAP_TYPE_HASH, 8, 8, 0,
				    BPF_F_NO_PREALLOC } },
	[INGRESS_MAP_DEVICES] = { "devices_map",
				  ARRAY(uint32_t, INGRESS_NAMES_MAX, 0) },
	[INGRESS_MAP_ADMITTED] = { "admitted_map",
				   { BPF_MAP_TYPE_LRU_HASH,
				     sizeof(struct door_key), 8, 1024, 0 } },
#undef ARRAY
};

void
ingress_load_explain(struct ingress *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof s->why, format, args);
	va_end(args);
}

/* A little more than is asked for now, for a configuration that grows. */
static uint32_t
room_for(size_t entries)
{
	uint32_t room = ROOM_MIN;

	while (room < entries) {
		room *= 2;
	}
	return room;
}

static int
make_map(struct ingress *s, enum ingress_map which, size_t entries)
{
	struct bpf_map map = maps[which].map;

	if (map.entries == 0) {
		map.entries = which == INGRESS_MAP_REPLAYS ? (uint32_t)entries
							   : room_for(entries);
	}
	s->room[which] = map.entries;
	s->map[which] = bpf_map_make(&map);
	return s->map[which] < 0 ? s->map[which] : 0;
}

/* Values of a map, by index. */
struct table {
	enum ingress_map which;
	const void *values;
	size_t count;
};

static uint32_t
part_of(size_t first, size_t count)
{
	return count - first < PART ? (uint32_t)(count - first) : PART;
}

static bool
is_zero(const uint8_t *at, size_t size)
{
	return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

/* A map whose keys are indices; in a fresh one what is 0 is so already. */
static int
fill(const struct ingress *s, const struct table *table, bool fresh)
{
	const size_t size = maps[table->which].map.value;
	uint32_t keys[PART];
	int rc = 0;

	for (size_t first = 0; rc == 0 && first < table->count; first += PART) {
		const uint8_t *at =
			(const uint8_t *)table->values + first * size;
		const uint32_t part = part_of(first, table->count);

		if (fresh && is_zero(at, part * size)) {
			continue;
		}
		for (uint32_t i = 0; i < part; i++) {
			keys[i] = (uint32_t)first + i;
		}
		rc = bpf_map_put_many(s->map[table->which], keys, at, part);
	}
	return rc;
}

static int
fill_keys(const struct ingress *s, const struct ingress_tables *t)
{
	uint32_t numbers[PART];
	int rc = 0;

	for (size_t first = 0; rc == 0 && first < t->keys_count;
	     first += PART) {
		const uint32_t part = part_of(first, t->keys_count);

		for (uint32_t i = 0; i < part; i++) {
			numbers[i] = t->key_numbers[first + i];
		}
		rc = bpf_map_put_many(s->map[INGRESS_MAP_KEYS], numbers,
				      &t->keys[first], part);
	}
	return rc;
}

/* Where there is no door, nobody looks at what is entered. */
static int
share_admitted(struct ingress *s, const struct ingress_tables *t)
{
	s->has_door = t->admitted >= 0;
	if (!s->has_door) {
		return make_map(s, INGRESS_MAP_ADMITTED, 0);
	}
	s->map[INGRESS_MAP_ADMITTED] = fcntl(t->admitted, F_DUPFD_CLOEXEC, 0);
	return s->map[INGRESS_MAP_ADMITTED] < 0 ? -errno : 0;
}

/* Those that are filled by index. */
#define TABLES 5

static void
list_tables(const struct ingress_tables *t, struct table tables[TABLES])
{
	const struct table all[TABLES] = {
		{ INGRESS_MAP_PORTS, t->ports, t->ports_count },
		{ INGRESS_MAP_LISTS, t->lists, t->lists_count },
		{ INGRESS_MAP_RULES, t->rules, t->rules_count },
		{ INGRESS_MAP_ENTRIES, t->entries, t->entries_count },
		{ INGRESS_MAP_RANGES, t->ranges, t->ranges_count },
	};

	memcpy(tables, all, sizeof all);
}

static int
take_names(struct ingress *s, const struct ingress_tables *t)
{
	s->devices_count = t->devices_count;
	for (size_t i = 0; i < t->devices_count; i++) {
		memcpy(s->devices[i], t->devices[i], sizeof s->devices[i]);
	}
	return ingress_locals_devices(s);
}

int
ingress_load_tables(struct ingress *s, const struct ingress_tables *t)
{
	struct table tables[TABLES];
	int rc = take_names(s, t);

	list_tables(t, tables);
	for (size_t i = 0; rc == 0 && i < TABLES; i++) {
		rc = make_map(s, tables[i].which, tables[i].count);
		rc = rc ? rc : fill(s, &tables[i], true);
	}
	rc = rc ? rc : make_map(s, INGRESS_MAP_KEYS, t->keys_count);
	rc = rc ? rc : fill_keys(s, t);
	rc = rc ? rc : share_admitted(s, t);
	if (rc < 0) {
		ingress_load_explain(s, "maps in the kernel: %s",
				     strerror(-rc));
	}
	return rc;
}

static bool
has_room(const struct ingress *s, const struct ingress_tables *t,
	 const struct table tables[TABLES])
{
	bool has = s->room[INGRESS_MAP_KEYS] >= t->keys_count &&
		s->has_door == (t->admitted >= 0);

	/* Those of what goes through this host are all there, or none is. */
	has &= s->room[INGRESS_MAP_PORTS] == t->ports_count;
	/* The door may have been closed, and opened with a map of its own. */
	has &= !s->has_door ||
		bpf_map_id(s->map[INGRESS_MAP_ADMITTED]) ==
			bpf_map_id(t->admitted);
	for (size_t i = 0; i < TABLES; i++) {
		has &= s->room[tables[i].which] >= tables[i].count;
	}
	return has;
}

int
ingress_load_again(struct ingress *s, const struct ingress_tables *t)
{
	struct table tables[TABLES];
	int rc;

	list_tables(t, tables);
	if (!has_room(s, t, tables)) {
		return -E2BIG;
	}
	/* First: while tables are of before and after, nobody gets in. */
	rc = bpf_map_empty(s->map[INGRESS_MAP_KEYS], 4,
			   sizeof(struct ingress_key));
	rc = rc ? rc : take_names(s, t);
	for (size_t i = 0; rc == 0 && i < TABLES; i++) {
		rc = fill(s, &tables[i], false);
	}
	return rc ? rc : fill_keys(s, t);
}

static int
load(const struct ingress *s, enum ingress_way way, uint32_t flags)
{
	struct elf_symbol symbols[INGRESS_MAPS + 1];
	const struct bpf_program program = {
		.object = ingress_image,
		.size = ingress_image_size,
		.section = way == INGRESS_XDP ? "xdp" : "tc",
		.type = way == INGRESS_XDP ? BPF_PROG_TYPE_XDP
					   : BPF_PROG_TYPE_SCHED_CLS,
		.attach = way == INGRESS_XDP ? BPF_XDP : 0,
		.flags = flags,
		.symbols = symbols,
		.symbols_count = INGRESS_MAPS + 1,
		.name = INGRESS_NAME,
	};

	for (size_t i = 0; i < INGRESS_MAPS; i++) {
		symbols[i] =
			(struct elf_symbol){ maps[i].name, s->map[i], false };
	}
	symbols[INGRESS_MAPS] = (struct elf_symbol){
		"link_header", way == INGRESS_TC_BARE ? 0 : ETH_HLEN, true
	};
	return bpf_program_load(&program);
}

static int
make_program(const void *context)
{
	const struct ingress *s = context;
	const enum ingress_way way = s->loading;
	int fd = load(s, way, way == INGRESS_XDP ? BPF_F_XDP_HAS_FRAGS : 0);

	/* Older kernels know nothing of packets in parts. */
	if (fd == -EINVAL && way == INGRESS_XDP) {
		fd = load(s, way, 0);
	}
	return fd;
}

void
ingress_load_begin(struct ingress *s, enum ingress_way way)
{
	const struct loader_work work = { make_program, s, s->map,
					  INGRESS_MAPS };
	int rc;

	if (loader_is_at_work(&s->loader)) {
		return;
	}
	s->loading = way;
	rc = loader_start(&s->loader, &work);
	s->refused[way] = rc < 0 ? rc : 0;
}

bool
ingress_load_ended(struct ingress *s)
{
	int fd;

	if (!loader_is_at_work(&s->loader)) {
		return false;
	}
	fd = loader_take(&s->loader);
	if (fd == -EINPROGRESS) {
		return false;
	}
	s->program[s->loading] = fd;
	s->refused[s->loading] = fd < 0 ? fd : 0;
	return true;
}

void
ingress_load_explain_refused(struct ingress *s, enum ingress_way way)
{
	ingress_load_explain(s, "the kernel's program: %s",
			     loader_error(s->refused[way]));
}

int
ingress_load_shared(struct ingress *s, const struct ingress_tables *t)
{
	/* And those that tap has not read yet, or not forgotten there. */
	const size_t replays =
		(size_t)t->replays + INGRESS_RECORDS_MAX + INGRESS_FORGOTTEN;
	void *config;
	int rc = 0;

	for (enum ingress_map m = INGRESS_MAP_CONFIG;
	     rc == 0 && m < INGRESS_MAPS; m++) {
		rc = make_map(s, m, m == INGRESS_MAP_REPLAYS ? replays : 0);
	}
	if (rc == 0) {
		config = mmap(NULL, sizeof *s->config, PROT_READ | PROT_WRITE,
			      MAP_SHARED, s->map[INGRESS_MAP_CONFIG], 0);
		rc = config == MAP_FAILED ? -errno : 0;
		s->config = rc == 0 ? config : NULL;
	}
	rc = rc ? rc
		: ring_open(&s->records, s->map[INGRESS_MAP_RECORDS],
			    INGRESS_RECORDS_SIZE);
	rc = rc ? rc
		: ring_open(&s->charges, s->map[INGRESS_MAP_CHARGES],
			    CHARGES_SIZE);
	rc = rc ? rc : devices_watch(&s->watch);
	if (rc < 0) {
		ingress_load_explain(s, "bpf: %s", strerror(-rc));
	}
	return rc;
}
