/*
 * Pipes for splice(2): a session has one only while bytes are in it, so that
 * idle ones cost none.
 */
#ifndef TAP_SWITCHING_PIPES_H
#define TAP_SWITCHING_PIPES_H

#include <stddef.h>

#define PIPES_BYTES 65536u /* at a time: what the kernel gives one */
#define PIPES_SPARE 16u    /* kept for the next */

struct pipe_ends {
	int out, in; /* of it, into it; or below 0 */
};

struct pipes {
	struct pipe_ends spare[PIPES_SPARE];
	size_t count;
};

/* One that is empty: 0 or -errno. */
int pipes_take(struct pipes *p, struct pipe_ends *ends);
/* Give it back; where bytes are left in it, it is closed. */
void pipes_give(struct pipes *p, struct pipe_ends *ends, size_t left);

#endif
