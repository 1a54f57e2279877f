#include "fastpath/ingress_load.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "fastpath/bpf.h"
#include "fastpath/ingress_image.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5) /* Linux 5.18 */
#endif

/*
 * The oldest go first: a flood of half a million groups a second leaves
 * each a tenth of a second to become complete.
 */
#define GROUPS 65536u
#define CHARGES_SIZE (1u << 18)
#define SCRATCH_SIZE 1024u /* more than sieve.bpf.c has in it */

static const struct {
	const char *name;
	struct bpf_map map; /* entries 0: as many as there are */
} maps[SIEVE_MAPS] = {
#define ARRAY(TYPE, entries, flags) \
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(TYPE), entries, flags }
	[SIEVE_MAP_PORTS] = { "ports_map",
			      ARRAY(struct sieve_port, 65536, 0) },
	[SIEVE_MAP_LISTS] = { "lists_map", ARRAY(struct sieve_list, 0, 0) },
	[SIEVE_MAP_RULES] = { "rules_map", ARRAY(struct sieve_rule, 0, 0) },
	[SIEVE_MAP_ENTRIES] = { "entries_map",
				ARRAY(struct sieve_entry, 0, 0) },
	[SIEVE_MAP_RANGES] = { "ranges_map", ARRAY(struct sieve_range, 0, 0) },
	[SIEVE_MAP_KEYS] = { "keys_map",
			     { BPF_MAP_TYPE_HASH, 4, sizeof(struct sieve_key),
			       0, 0 } },
	[SIEVE_MAP_CONFIG] = { "config_map", ARRAY(struct sieve_config, 1,
						   BPF_F_MMAPABLE) },
	[SIEVE_MAP_LOCALS] = { "locals_map",
			       { BPF_MAP_TYPE_HASH, sizeof(struct sieve_local),
				 1, SIEVE_LOCALS_MAX, 0 } },
	[SIEVE_MAP_GROUPS] = { "groups_map",
			       { BPF_MAP_TYPE_LRU_HASH,
				 sizeof(struct sieve_quad),
				 sizeof(struct sieve_group), GROUPS, 0 } },
	[SIEVE_MAP_MARKS] = { "marks_map", ARRAY(struct sieve_marks, 1, 0) },
	[SIEVE_MAP_RATE] = { "rate_map", ARRAY(struct sieve_rate, 1, 0) },
	[SIEVE_MAP_SCRATCH] = { "scratch_map",
				{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, SCRATCH_SIZE,
				  1, 0 } },
	[SIEVE_MAP_COUNTS] = { "counts_map",
			       { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
				 SIEVE_COUNTS, 0 } },
	[SIEVE_MAP_RECORDS] = { "records_map", { BPF_MAP_TYPE_RINGBUF, 0, 0,
						 SIEVE_RECORDS_SIZE, 0 } },
	[SIEVE_MAP_CHARGES] = { "charges_map", { BPF_MAP_TYPE_RINGBUF, 0, 0,
						 CHARGES_SIZE, 0 } },
	[SIEVE_MAP_REPLAYS] = { "replays_map",
				{ BPF_MAP_TYPE_HASH, 8, 8, 0, 0 } },
#undef ARRAY
};

void
sieve_load_explain(struct sieve *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof s->why, format, args);
	va_end(args);
}

static int
make_map(struct sieve *s, enum sieve_map which, size_t entries)
{
	struct bpf_map map = maps[which].map;

	if (map.entries == 0) {
		map.entries = entries ? (uint32_t)entries : 1;
	}
	s->map[which] = bpf_map_make(&map);
	return s->map[which] < 0 ? s->map[which] : 0;
}

/* A map whose keys are indices. */
static int
fill(struct sieve *s, enum sieve_map which, const void *values, size_t count)
{
	int rc = make_map(s, which, count);

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		rc = bpf_map_put(s->map[which], &i,
				 (const uint8_t *)values +
					 i * maps[which].map.value, BPF_ANY);
	}
	return rc;
}

/* Those that are 0 are so already. */
static int
fill_ports(struct sieve *s, const struct sieve_port *ports)
{
	int rc = make_map(s, SIEVE_MAP_PORTS, 0);

	for (uint32_t i = 0; rc == 0 && i < 65536; i++) {
		if (ports[i].list != 0) {
			rc = bpf_map_put(s->map[SIEVE_MAP_PORTS], &i,
					 &ports[i], BPF_ANY);
		}
	}
	return rc;
}

static int
fill_keys(struct sieve *s, const struct sieve_tables *t)
{
	int rc = make_map(s, SIEVE_MAP_KEYS, t->keys_count);

	for (size_t i = 0; rc == 0 && i < t->keys_count; i++) {
		uint32_t number = t->key_numbers[i];

		rc = bpf_map_put(s->map[SIEVE_MAP_KEYS], &number, &t->keys[i],
				 BPF_ANY);
	}
	return rc;
}

int
sieve_load_tables(struct sieve *s, const struct sieve_tables *t)
{
	int rc = fill_ports(s, t->ports);

	rc = rc ? rc : fill(s, SIEVE_MAP_LISTS, t->lists, t->lists_count);
	rc = rc ? rc : fill(s, SIEVE_MAP_RULES, t->rules, t->rules_count);
	rc = rc ? rc : fill(s, SIEVE_MAP_ENTRIES, t->entries,
			    t->entries_count);
	rc = rc ? rc : fill(s, SIEVE_MAP_RANGES, t->ranges, t->ranges_count);
	rc = rc ? rc : fill_keys(s, t);
	if (rc < 0) {
		sieve_load_explain(s, "maps in the kernel: %s", strerror(-rc));
	}
	return rc;
}

static int
load(const struct sieve *s, enum sieve_way way, uint32_t flags)
{
	struct elf_symbol symbols[SIEVE_MAPS];
	const struct bpf_program program = {
		.object = ingress_image,
		.size = ingress_image_size,
		.section = way == SIEVE_XDP ? "xdp" : "tc",
		.type = way == SIEVE_XDP ? BPF_PROG_TYPE_XDP :
					   BPF_PROG_TYPE_SCHED_CLS,
		.attach = way == SIEVE_XDP ? BPF_XDP : 0,
		.flags = flags,
		.symbols = symbols,
		.symbols_count = SIEVE_MAPS,
		.name = "tap_sieve",
	};

	for (size_t i = 0; i < SIEVE_MAPS; i++) {
		symbols[i] = (struct elf_symbol){ maps[i].name, s->map[i] };
	}
	return bpf_program_load(&program);
}

static int
make_program(const void *context)
{
	const struct sieve *s = context;
	const enum sieve_way way = s->loading;
	int fd = load(s, way, way == SIEVE_XDP ? BPF_F_XDP_HAS_FRAGS : 0);

	/* Older kernels know nothing of packets in parts. */
	if (fd == -EINVAL && way == SIEVE_XDP) {
		fd = load(s, way, 0);
	}
	return fd;
}

void
sieve_load_begin(struct sieve *s, enum sieve_way way)
{
	const struct loader_work work = { make_program, s, s->map,
					  SIEVE_MAPS };
	int rc;

	if (loader_is_at_work(&s->loader)) {
		return;
	}
	s->loading = way;
	rc = loader_start(&s->loader, &work);
	s->refused[way] = rc < 0 ? rc : 0;
}

bool
sieve_load_ended(struct sieve *s)
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
sieve_load_explain_refused(struct sieve *s, enum sieve_way way)
{
	sieve_load_explain(s, "the kernel's program: %s",
			   loader_error(s->refused[way]));
}

int
sieve_load_shared(struct sieve *s, const struct sieve_tables *t)
{
	/* And those that tap has not read yet. */
	const size_t replays = (size_t)t->replays + SIEVE_RECORDS_MAX;
	void *config;
	int rc = 0;

	for (enum sieve_map m = SIEVE_MAP_CONFIG; rc == 0 && m < SIEVE_MAPS;
	     m++) {
		rc = make_map(s, m, m == SIEVE_MAP_REPLAYS ? replays : 0);
	}
	if (rc == 0) {
		config = mmap(NULL, sizeof *s->config, PROT_READ | PROT_WRITE,
			      MAP_SHARED, s->map[SIEVE_MAP_CONFIG], 0);
		rc = config == MAP_FAILED ? -errno : 0;
		s->config = rc == 0 ? config : NULL;
	}
	rc = rc ? rc : ring_open(&s->records, s->map[SIEVE_MAP_RECORDS],
				 SIEVE_RECORDS_SIZE);
	rc = rc ? rc : ring_open(&s->charges, s->map[SIEVE_MAP_CHARGES],
				 CHARGES_SIZE);
	rc = rc ? rc : devices_watch(&s->watch);
	if (rc < 0) {
		sieve_load_explain(s, "bpf: %s", strerror(-rc));
	}
	return rc;
}
