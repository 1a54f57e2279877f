/*
 * The file in which the replay memory outlives the process: a header of
 * one page, then struct replay_store, mapped; then struct connections.
 *
 *   magic:64 version:32 capacity:32 boot:128 machine:128
 *   begin:64 check:64 ahead:64 zeros...
 *
 * Within one boot of one machine the kernel keeps what was written, even
 * if the process is killed.  After another boot what was written last
 * may be missing: then the memory counts as known in part only.
 *
 * begin is when the memory began to know everything: what was accepted
 * before may be missing.  It outlives the process, too, or the second
 * start after a loss would let in what the first one refused.
 *
 * ahead is not 0 while groups may be accepted that are written here only
 * later: where the process ends before it says otherwise, that counts as
 * another boot does.  The time of these is at most INGRESS_AHEAD_MS ahead.
 */
#ifndef TAP_SERVER_REPLAY_FILE_H
#define TAP_SERVER_REPLAY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/replay_cache.h"
#include "server/connections.h"

enum replay_file_state {
	REPLAY_FILE_KEPT,    /* as it was left */
	REPLAY_FILE_NEW,     /* there was none */
	REPLAY_FILE_PARTIAL, /* the last groups may be missing */
	REPLAY_FILE_LOST,    /* no such file's content; made anew */
	REPLAY_FILE_MEMORY,  /* no file: lost when the process ends */
};

struct replay_file {
	enum replay_file_state state;
	uint64_t begin_ms; /* of clock_ms(); nothing is known from before */
	struct replay_store *replay;
	struct connections *connections; /* empty, or as they were left */
	void *map;
	size_t size;
	int fd; /* or -1; holds the file's lock */
};

/*
 * Open or make the file; path NULL: memory alone, which the processes
 * that are forked share.  now_ms is when the store begins, where it is
 * not kept.  Where the file can't be used, memory serves instead, and
 * why (WHY_MAX) says so; else why is empty.  0, or -1 where there
 * is no memory either.
 */
int replay_file_open(struct replay_file *store, const char *path,
		     uint32_t capacity, uint64_t now_ms, char *why);
/* Something was lost: the store begins anew. */
void replay_file_begin(struct replay_file *store, uint64_t now_ms);
/* Groups may be accepted ahead of being remembered; or all are. */
void replay_file_set_ahead(struct replay_file *store, bool ahead);
/*
 * In a process that was forked and may not be trusted later: let go of the
 * file and of its header, which stay the parent's.
 */
void replay_file_leave(struct replay_file *store);
void replay_file_close(struct replay_file *store);

#endif
