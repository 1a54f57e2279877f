/*
 * Which processes a guest's kernel has: remembered, so that the one that has a
 * socket is found by a few reads.  What is remembered only says where to look;
 * who has the socket is read anew.
 *
 * Each process has a struct cred of its own, which a file keeps of whoever
 * opened it: that says where to look first.  After setuid(2) and the like it is
 * another one, and then all are looked at.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_INDEX_H
#define TAP_GUESTS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/kernel.h"
#include "guests/owner.h"
#include "guests/socket.h"
#include "guests/task.h"

#define INDEX_RECENT 8u
#define INDEX_SLOTS (2 * KERNEL_TASKS_MAX)
/* So many are read anew while a SYN waits; of more, later. */
#define INDEX_AT_ONCE 300u

struct index_task {
	uint64_t address, start, cred, file_table;
	uint32_t files_count; /* in it; 0: it is not looked at */
	uint32_t pid;
};

struct index {
	struct index_task at[KERNEL_TASKS_MAX]; /* in the order of the list */
	uint32_t count;
	uint32_t slot[INDEX_SLOTS];    /* by address: one more than its place */
	uint32_t recent[INDEX_RECENT]; /* places: whose sockets were found */
	uint32_t recents;
	uint32_t next; /* where a search goes on that had no time left */
};

void index_clear(struct index *index);
/*
 * Read all processes anew.  0, or -errno: -E2BIG where there are more than
 * KERNEL_TASKS_MAX.
 */
int index_refresh(struct index *index, const struct kernel *k);

/*
 * Whose connection that is.  What was read and changed meanwhile is read again,
 * three times at the most.
 */
void index_owner(struct index *index, struct kernel *k,
		 const struct guest_connection *of, struct guest_owner *owner);

/* What went wrong, as a reason. */
enum guest_unknown index_reason(int error);

#endif
