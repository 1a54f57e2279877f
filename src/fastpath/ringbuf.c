/*
 *   page 0    where the reader is
 *   page 1    where the writer is
 *   page 2..  the data, twice: a record may lie across the end
 *
 *   record    busy:1 discarded:1 len:30, page:32, bytes padded to 8
 */
#include "fastpath/ringbuf.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER 8u
#define BUSY (1u << 31)
#define DISCARDED (1u << 30)
#define STEP_MS 5u /* nothing tells that another process has read */

int
ring_open(struct ring *ring, int map, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mine =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	const uint8_t *theirs;

	*ring = (struct ring){ 0 };
	if (mine == MAP_FAILED) {
		return -errno;
	}
	theirs = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map,
		      (off_t)page);
	if (theirs == MAP_FAILED) {
		munmap(mine, page);
		return -errno;
	}
	*ring = (struct ring){
		.consumer = mine,
		.producer = (const void *)theirs,
		.data = theirs + page,
		.size = size,
		.turn = UINT64_MAX,
	};
	return 0;
}

void
ring_close(struct ring *ring)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (ring->consumer) {
		munmap(ring->consumer, page);
		munmap((void *)(uintptr_t)ring->producer,
		       page + 2 * ring->size);
	}
	*ring = (struct ring){ 0 };
}

/* The header of the record at the reader's place, or 0. */
static uint32_t
header(const struct ring *ring)
{
	uint64_t at = *ring->consumer;

	if (at >= __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) ||
	    at >= ring->turn) {
		return 0;
	}
	return __atomic_load_n(
		(const uint32_t *)(const void *)(ring->data +
						 (at & (ring->size - 1))),
		__ATOMIC_ACQUIRE);
}

static void
skip(struct ring *ring, uint32_t len)
{
	uint64_t bytes = ((len & ~DISCARDED) + HEADER + 7) & ~7ull;

	__atomic_store_n(ring->consumer, *ring->consumer + bytes,
			 __ATOMIC_RELEASE);
}

void
ring_turn(struct ring *ring)
{
	ring->turn_over = false;
	ring->turn = ring->consumer
		? __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)
		: 0;
}

bool
ring_turn_is_over(const struct ring *ring)
{
	return ring->turn_over || ring_is_empty(ring);
}

const void *
ring_peek(struct ring *ring, size_t *len)
{
	uint32_t found = ring->consumer ? header(ring) : 0;

	while (found & DISCARDED && !(found & BUSY)) {
		skip(ring, found);
		found = header(ring);
	}
	ring->turn_over =
		found == 0 && ring->consumer && *ring->consumer >= ring->turn;
	if (ring->turn_over) {
		ring->turn = UINT64_MAX;
	}
	if (found == 0 || found & BUSY) {
		return NULL;
	}
	*len = found;
	return ring->data + ((*ring->consumer + HEADER) & (ring->size - 1));
}

bool
ring_is_empty(const struct ring *ring)
{
	return !ring->consumer ||
		*ring->consumer ==
		__atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}

bool
ring_restore(struct ring *ring)
{
	uint64_t at, end;

	if (!ring->consumer) {
		return true;
	}
	at = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
	end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	if (at % 8 == 0 && at <= end && end - at <= ring->size) {
		return true;
	}
	__atomic_store_n(ring->consumer, end, __ATOMIC_RELEASE);
	return false;
}

bool
ring_await(const struct ring *ring, unsigned ms)
{
	uint64_t end;

	if (!ring->consumer) {
		return true;
	}
	end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	for (unsigned waited = 0;; waited += STEP_MS) {
		if (__atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE) >= end) {
			return true;
		}
		if (waited >= ms) {
			return false;
		}
		poll(NULL, 0, STEP_MS);
	}
}

void
ring_next(struct ring *ring)
{
	skip(ring, header(ring));
}
