/*
 * Addresses of a guest's kernel: its virtual ones become guest-physical ones,
 * and bytes are read there.  x86-64, with page tables of 4 and of 5 levels
 * (Intel SDM, volume 3, 4.5; Documentation/arch/x86/x86_64/mm.rst).
 *
 *  63     57|56   48|47   39|38   30|29   21|20   12|11     0
 *  +--------+-------+-------+-------+-------+-------+--------+
 *  |  sign  | PML5  | PML4  | PDPT  |  PD   |  PT   | offset |
 *  +--------+-------+-------+-------+-------+-------+--------+
 *
 * Pure.
 */
#ifndef TAP_GUESTS_PAGING_H
#define TAP_GUESTS_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGING_PAGE 4096u
/* Where a kernel's own image is mapped, whatever KASLR does. */
#define PAGING_IMAGE 0xffffffff80000000u
#define PAGING_IMAGE_END 0xffffffffc0000000u
/* The map of all RAM begins at a multiple of this. */
#define PAGING_DIRECT_UNIT (1ull << 30)

/* A guest's RAM: 0, or -errno where there is none, or no time is left. */
struct paging_ram {
	int (*read)(void *of, uint64_t physical, void *into, size_t len);
	void *of;
	uint64_t end; /* behind its last byte */
};

struct paging {
	struct paging_ram ram;
	uint64_t tables; /* physical: those of the highest level */
	unsigned levels; /* 4 or 5 */
	uint64_t direct; /* where all RAM is mapped; 0: not known */
	uint64_t image;  /* added to an image's physical address; 0 likewise */
};

/* Whether it can be an address of the kernel's. */
bool paging_is_kernel(uint64_t address);
/* How many levels the tables of a kernel have that maps all RAM here. */
unsigned paging_levels(uint64_t direct_address);
/*
 * By the tables alone: the physical address, and how many bytes from it on are
 * in the same page.  0 or -errno: -EFAULT where nothing is mapped.
 */
int paging_walk(const struct paging *p, uint64_t address, uint64_t *physical,
		uint64_t *run);
/* The same by whatever is known. */
int paging_translate(const struct paging *p, uint64_t address,
		     uint64_t *physical, uint64_t *run);
/* Read bytes at an address of the kernel's. 0 or -errno. */
int paging_read(const struct paging *p, uint64_t address, void *into,
		size_t len);
int paging_u64(const struct paging *p, uint64_t address, uint64_t *value);

#endif
