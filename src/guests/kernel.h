/*
 * A guest's kernel in its memory: found by what it must look like, and read.
 *
 * init_task is the process 0: "swapper/0", its own parent and leader, at an
 * address of the image.  The next process in its list lies in the map of all
 * RAM, which begins at any multiple of 1 GiB: of the few addresses where it can
 * lie, at the right one is a process that points back.  It is process 1, whose
 * page tables have to translate init_task's own address to where it was found.
 * (init_task's active_mm is none while its processor is busy.)  From init_task
 * on, all is reached by pointers: processes, network namespaces, and from these
 * the table of bound ports, so that no symbols are needed.
 *
 * Everything read is anybody's: each list has an end, whatever it says.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_KERNEL_H
#define TAP_GUESTS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/layout.h"
#include "guests/owner.h"
#include "guests/paging.h"

#define KERNEL_RELEASE_MAX 65u
#define KERNEL_NETS_MAX 64u /* network namespaces that are looked at */
/* What a question looks at, at the most, whatever its time. */
#define KERNEL_CHAIN_MAX 4096u
#define KERNEL_TASKS_MAX 65536u

struct kernel_net {
	uint64_t address;
	uint32_t mix; /* what its buckets begin with */
};

struct kernel {
	struct paging paging;
	struct layout layout;
	uint64_t init_task;
	char release[KERNEL_RELEASE_MAX]; /* printable */
	uint64_t binds;                   /* the table of bound ports, or 0 */
	uint32_t binds_mask;
	struct kernel_net net[KERNEL_NETS_MAX]; /* first that of the system */
	size_t nets;
};

/*
 * Whether init_task is at a physical address: the kernel's RAM and layout are
 * there, and the rest becomes known.
 */
bool kernel_take(struct kernel *k, uint64_t physical);
/*
 * Whether it is still there; then a number that goes on changing as long as it
 * runs: how often its first processor has left idleness, and while that is busy
 * the clock of its scheduler.
 */
bool kernel_is_there(const struct kernel *k, uint64_t *changes);

#endif
