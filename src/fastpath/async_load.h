/*
 * A descriptor that takes the kernel long to make, as that of a program that
 * it checks first: made in a process of its own, so that nobody waits for it.
 * That process ends with its parent.
 */
#ifndef TAP_FASTPATH_ASYNC_LOAD_H
#define TAP_FASTPATH_ASYNC_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A hundred times what the largest program takes; then it hangs. */
#define LOADER_MAX_MS 60000u
/* A daemon that starts waits for it; then the queue serves, and it later. */
#define FASTPATH_READY_MS 2000u

#define LOADER_KEPT_MAX 32u /* a program's maps */

struct loader {
	pid_t process; /* or 0: none is at work */
	int line;      /* from it, or below 0 */
	uint64_t begun_ms;
};

struct loader_work {
	/* In that process: a descriptor, or -errno. */
	int (*make)(const void *context);
	const void *context;
	/* The descriptors that it needs; those below 0 count for nothing. */
	const int *kept;
	size_t kept_count;
};

void loader_init(struct loader *l);
/* 0, or -errno.  None may be at work. */
int loader_start(struct loader *l, const struct loader_work *work);
bool loader_is_at_work(const struct loader *l);
/*
 * The descriptor, which is close-on-exec, or -errno: -EINPROGRESS while it is
 * not there yet, -ETIME after LOADER_MAX_MS, -EOWNERDEAD where the process
 * ended without it.  Its end comes with SIGCHLD.
 */
int loader_take(struct loader *l);
/* Whether that, and not make(), is the error. */
bool loader_failed(int error);
/* Why there is none, for any error. */
const char *loader_error(int error);
/* End it, if one is at work. */
void loader_stop(struct loader *l);
/* In a process that was forked since: it is the parent's. */
void loader_leave(struct loader *l);

#endif
