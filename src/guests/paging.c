#include "guests/paging.h"

#include <errno.h>

#include "guests/little.h"

#define ENTRY_PRESENT 1u
#define ENTRY_LARGE 0x80u
#define ENTRY_ADDRESS 0x000ffffffffff000u
#define ENTRIES 512u
#define LEVEL_BITS 9u
#define PAGE_BITS 12u
#define LARGE_LEVEL_MAX 3u /* pages of 1 GiB */
/* The kernel's half with 5 levels, and with 4. */
#define HALF_5 0xff00000000000000u
#define HALF_4 0xffff800000000000u

bool
paging_is_kernel(uint64_t address)
{
	return address >= HALF_5;
}

unsigned
paging_levels(uint64_t direct_address)
{
	return direct_address < HALF_4 ? 5 : 4;
}

int
paging_walk(const struct paging *p, uint64_t address, uint64_t *physical,
	    uint64_t *run)
{
	uint64_t table = p->tables;

	for (unsigned level = p->levels; level > 0; level--) {
		const unsigned shift = PAGE_BITS + LEVEL_BITS * (level - 1);
		const uint64_t size = 1ull << shift;
		const uint64_t no = address >> shift & (ENTRIES - 1);
		uint8_t bytes[8];
		uint64_t entry;
		int rc = p->ram.read(p->ram.of, table + 8 * no, bytes,
				     sizeof bytes);

		if (rc < 0) {
			return rc;
		}
		entry = le64_load(bytes);
		if (!(entry & ENTRY_PRESENT)) {
			return -EFAULT;
		}
		table = entry & ENTRY_ADDRESS;
		if (level == 1 ||
		    (level <= LARGE_LEVEL_MAX && entry & ENTRY_LARGE)) {
			*physical =
				(table & ~(size - 1)) | (address & (size - 1));
			*run = size - (address & (size - 1));
			return 0;
		}
	}
	return -EFAULT;
}

int
paging_translate(const struct paging *p, uint64_t address, uint64_t *physical,
		 uint64_t *run)
{
	if (p->image != 0 && address >= PAGING_IMAGE &&
	    address < PAGING_IMAGE_END) {
		*physical = address - p->image;
		*run = PAGING_IMAGE_END - address;
		return 0;
	}
	if (p->direct != 0 && address >= p->direct &&
	    address - p->direct < p->ram.end) {
		*physical = address - p->direct;
		*run = p->ram.end - *physical;
		return 0;
	}
	return paging_is_kernel(address) && p->levels > 0
		? paging_walk(p, address, physical, run)
		: -EFAULT;
}

int
paging_read(const struct paging *p, uint64_t address, void *into, size_t len)
{
	uint8_t *to = into;

	while (len > 0) {
		uint64_t physical, run;
		size_t part;
		int rc = paging_translate(p, address, &physical, &run);

		if (rc < 0) {
			return rc;
		}
		part = run < len ? (size_t)run : len;
		rc = p->ram.read(p->ram.of, physical, to, part);
		if (rc < 0) {
			return rc;
		}
		to += part;
		len -= part;
		address += part;
		/* What wraps is at no kernel's address any more. */
		if (len > 0 && !paging_is_kernel(address)) {
			return -EFAULT;
		}
	}
	return 0;
}

int
paging_u64(const struct paging *p, uint64_t address, uint64_t *value)
{
	uint8_t bytes[8];
	const int rc = paging_read(p, address, bytes, sizeof bytes);

	*value = rc < 0 ? 0 : le64_load(bytes);
	return rc;
}
