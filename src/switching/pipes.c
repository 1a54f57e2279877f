#include "switching/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
pipes_take(struct pipes *p, struct pipe_ends *ends)
{
	int fds[2];

	if (p->count > 0) {
		*ends = p->spare[--p->count];
		return 0;
	}
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		return -errno;
	}
	*ends = (struct pipe_ends){ .out = fds[0], .in = fds[1] };
	return 0;
}

void
pipes_give(struct pipes *p, struct pipe_ends *ends, size_t left)
{
	if (ends->out < 0) {
		return;
	}
	if (left == 0 && p->count < PIPES_SPARE) {
		p->spare[p->count++] = *ends;
	} else {
		close(ends->out);
		close(ends->in);
	}
	*ends = (struct pipe_ends){ .out = -1, .in = -1 };
}
