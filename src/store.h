/*
 * The file in which the replay memory outlives the process: a header of
 * one page, then struct replay_store, mapped.
 *
 *   magic:64 version:32 capacity:32 boot:128 machine:128 zeros...
 *
 * Within one boot of one machine the kernel keeps what was written, even
 * if the process is killed.  After another boot what was written last
 * may be missing: then the memory counts as known in part only.
 */
#ifndef TAP_STORE_H
#define TAP_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "replay.h"

#define STORE_WHY_MAX 512u

enum store_state {
	STORE_KEPT,    /* as it was left */
	STORE_NEW,     /* there was none */
	STORE_PARTIAL, /* from before a boot: the last groups may be missing */
	STORE_LOST,    /* no such file's content; made anew */
	STORE_MEMORY,  /* no file: lost when the process ends */
};

struct store {
	enum store_state state;
	struct replay_store *replay;
	void *map;
	size_t size;
	int fd; /* or -1; holds the file's lock */
};

/*
 * Open or make the file; path NULL: memory alone.  Where the file can't
 * be used, memory serves instead, and why (STORE_WHY_MAX) says so; else
 * why is empty.  0, or -1 where there is no memory either.
 */
int store_open(struct store *store, const char *path, uint32_t capacity,
	       char *why);
void store_close(struct store *store);

#endif
