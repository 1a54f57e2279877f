/*
 * The reader's end of a ring that a program in the kernel writes
 * (Documentation/bpf/ringbuf.rst).  The memory is shared: a process that
 * was forked goes on where its parent stopped.
 */
#ifndef TAP_FASTPATH_RINGBUF_H
#define TAP_FASTPATH_RINGBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint64_t *consumer; /* NULL: not open */
	const uint64_t *producer;
	const uint8_t *data;
	size_t size;    /* a power of two, and of pages */
	uint64_t turn;  /* nothing from here on is peeked at */
	bool turn_over; /* up to there all was read, and no more since */
};

/* Of a map of that many bytes.  0 or -errno. */
int ring_open(struct ring *ring, int map, size_t size);
void ring_close(struct ring *ring);

/*
 * Until ring_peek() finds nothing, it finds what was begun to be written
 * by now: who reads so far ends, also while more comes.
 */
void ring_turn(struct ring *ring);
/* Whether all of that was read, or all that there is. */
bool ring_turn_is_over(const struct ring *ring);
/* The oldest record, until ring_next(); NULL where there is none. */
const void *ring_peek(struct ring *ring, size_t *len);
void ring_next(struct ring *ring);
/* Whether all is read that was ever begun to be written. */
bool ring_is_empty(const struct ring *ring);
/*
 * The last reader may have left anything: go on where it stopped, or else
 * behind all that was written.  False: what was not read is lost.
 */
bool ring_restore(struct ring *ring);
/*
 * Wait, for so long at the most, until another process has read all that was
 * begun to be written before.  Whether it has.
 */
bool ring_await(const struct ring *ring, unsigned ms);

#endif
