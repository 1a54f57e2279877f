/*
 * bpf(2): maps, programs, and links that attach a program to a device for
 * as long as somebody holds them.  All descriptors are close-on-exec.
 * Functions return a descriptor or 0, or -errno.
 */
#ifndef TAP_FASTPATH_BPF_H
#define TAP_FASTPATH_BPF_H

#include <stddef.h>
#include <stdint.h>

#include "fastpath/elf.h"

struct bpf_map {
	uint32_t type;       /* enum bpf_map_type */
	uint32_t key, value; /* bytes */
	uint32_t entries;
	uint32_t flags;
};

int bpf_map_make(const struct bpf_map *map);
/* Write an entry, new or old; flags as BPF_ANY. */
int bpf_map_put(int map, const void *key, const void *value, uint64_t flags);
int bpf_map_get(int map, const void *key, void *value);
int bpf_map_remove(int map, const void *key);
/*
 * The same for many at once (Linux 5.6): their keys, and their values, stand
 * one behind the other.  At an error some are written.  None of those that are
 * removed need be there.
 */
int bpf_map_put_many(int map, const void *keys, const void *values,
		     uint32_t count);
int bpf_map_remove_many(int map, const void *keys, size_t key, uint32_t count);
/* Remove all entries of a hash that nobody adds to. */
int bpf_map_empty(int map, size_t key, size_t value);
/* The key behind this one, or if there is none the first; -ENOENT: no more. */
int bpf_map_next(int map, const void *key, void *next);

/*
 * Of an array of numbers that every processor has for itself: their sums, of
 * the first `count`.  Those that can't be read are 0, and -errno comes back.
 */
int bpf_map_sums(int map, uint64_t *sums, uint32_t count);

/*
 * Write all of an array at once, which was made with BPF_F_MMAPABLE (Linux
 * 5.5) and has size bytes.
 */
int bpf_map_write(int map, const void *bytes, size_t size);
/* What it was made as, as far as struct bpf_map tells. */
int bpf_map_describe(int map, struct bpf_map *made);
/* The kernel's number of it, the same by every descriptor; 0: none. */
uint32_t bpf_map_id(int map);

struct bpf_insn;
/* Load instructions that were made here; see struct bpf_program. */
int bpf_insns_load(const struct bpf_insn *insns, size_t count, uint32_t type,
		   uint32_t attach, const char *name);

struct bpf_program {
	const uint8_t *object; /* see elf.h */
	size_t size;
	const char *section;
	uint32_t type;   /* enum bpf_prog_type */
	uint32_t attach; /* enum bpf_attach_type; 0: does not matter */
	uint32_t flags;
	const struct elf_symbol *symbols;
	size_t symbols_count;
	const char *name; /* up to 15 bytes */
};

/* -ENOEXEC: the object is none. */
int bpf_program_load(const struct bpf_program *program);

/* Have a program run for a control group, an open folder, while that exists. */
int bpf_attach_cgroup(int program, int cgroup, uint32_t attach);

/* Attach a program to a device. */
int bpf_link_make(int program, uint32_t device, uint32_t attach,
		  uint32_t flags);
/* 0; -EINVAL: the kernel knows of no such place for a program. */
int bpf_link_query(uint32_t device, uint32_t attach);

/* Let go of a map, program or link: then it is -1, as if it never was. */
void bpf_close(int *fd);

/*
 * Wait until every program that runs now, on whatever processor, has ended.
 */
int bpf_wait(void);

/*
 * Run a program of XDP or tc on a frame, which it may change.  With live
 * frames (XDP) it runs `repeat` times, each on a frame of its own, and the
 * verdicts are carried out; `device` is where they seem to come from.
 */
int bpf_program_run(int program, void *frame, size_t len, int *verdict);
/* Of tc, on a packet with this mark, which it may change, too. */
int bpf_program_run_marked(int program, void *frame, size_t len, uint32_t *mark,
			   int *verdict);
int bpf_program_live(int program, const void *frame, size_t len,
		     uint32_t device, uint32_t repeat);

#endif
