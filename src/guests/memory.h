/*
 * A guest's RAM, read from outside: that of a process of QEMU, by
 * /proc/PID/mem, or of a file that is its RAM.  Nothing else can be read, and
 * nothing is written.
 */
#ifndef TAP_GUESTS_MEMORY_H
#define TAP_GUESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"
#include "guests/paging.h"

#define MEMORY_REGIONS_MAX 16u
#define MEMORY_SPLITS_MAX 5u

/* Guest-physical addresses, and where they are in what is read. */
struct memory_region {
	uint64_t physical, len, at;
};

struct memory {
	int fd;
	struct memory_region region[MEMORY_REGIONS_MAX];
	size_t regions;
	bool placed; /* somebody who knows said where they are */
	/* No read begins after this time, of clock_us(); 0: there is none. */
	uint64_t until;
	unsigned reads; /* since it was looked at last */
};

/*
 * RAM of a process, which has to be QEMU.  0; -1 where that is none, or
 * -errno, with the reason in why.
 */
int memory_of_process(struct memory *m, pid_t pid, char why[WHY_MAX]);
/* RAM that is a file. */
int memory_of_file(struct memory *m, const char *path, char why[WHY_MAX]);
/* RAM of the process that answers at a socket of QMP, and where it is. */
int memory_of_qmp(struct memory *m, const char *path, char why[WHY_MAX]);
void memory_close(struct memory *m);

/*
 * Where a machine has its RAM when all of it lies in one piece: below 4 GiB is
 * a hole for devices, which begins where the kind of machine has it.  The
 * no-th way to place it; false: there are no more.
 */
bool memory_place(struct memory *m, const struct memory *one, unsigned no);

/* As struct paging_ram has it; -EIO where it can't be read any more. */
int memory_read(void *m, uint64_t physical, void *into, size_t len);
uint64_t memory_end(const struct memory *m);
/* How much there is. */
uint64_t memory_size(const struct memory *m);

#endif
