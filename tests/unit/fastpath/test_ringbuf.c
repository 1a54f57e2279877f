#include "unit/support.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fastpath/ringbuf.h"

#define SIZE 4096u

/* As the kernel has it, in memory that a forked reader shares. */
struct bed {
	uint64_t consumer, producer;
	uint8_t data[2 * SIZE];
};

static struct ring
ring_over(struct bed *bed)
{
	return (struct ring){ &bed->consumer, &bed->producer, bed->data,
			      SIZE,           UINT64_MAX,     false };
}

/* A record of four bytes, complete or not yet. */
static void
put(struct bed *bed, bool busy)
{
	const uint32_t header = 4 | (busy ? 1u << 31 : 0);

	memcpy(bed->data + bed->producer, &header, sizeof header);
	bed->producer += 16;
}

static int
setup(void **state)
{
	*state = mmap(NULL, sizeof(struct bed), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return *state == MAP_FAILED ? -1 : 0;
}

static int
teardown(void **state)
{
	return munmap(*state, sizeof(struct bed));
}

static void
records_one_after_the_other(void **state)
{
	struct ring ring = ring_over(*state);
	size_t len = 0;

	assert_null(ring_peek(&ring, &len));
	assert_true(ring_is_empty(&ring));
	put(*state, false);
	put(*state, true);
	assert_non_null(ring_peek(&ring, &len));
	assert_int_equal(len, 4);
	ring_next(&ring);
	assert_null(ring_peek(&ring, &len));
	assert_false(ring_is_empty(&ring));
}

/* Who writes as fast as is read does not keep the reader for ever. */
static void
a_turn_ends(void **state)
{
	struct ring ring = ring_over(*state);
	size_t len = 0;

	put(*state, false);
	put(*state, false);
	ring_turn(&ring);
	for (unsigned i = 0; i < 2; i++) {
		assert_false(ring_turn_is_over(&ring));
		assert_non_null(ring_peek(&ring, &len));
		put(*state, false);
		ring_next(&ring);
	}
	assert_null(ring_peek(&ring, &len));
	assert_true(ring_turn_is_over(&ring));
	assert_false(ring_is_empty(&ring));
	assert_non_null(ring_peek(&ring, &len));
	assert_false(ring_turn_is_over(&ring));
	ring_turn(&(struct ring){ 0 });
}

static void
nothing_to_wait_for(void **state)
{
	const struct ring closed = { 0 };
	struct ring ring = ring_over(*state);

	assert_true(ring_await(&closed, 60000));
	assert_true(ring_await(&ring, 60000));
}

static void
nobody_reads(void **state)
{
	struct ring ring = ring_over(*state);

	put(*state, false);
	assert_false(ring_await(&ring, 0));
	assert_false(ring_await(&ring, 20));
}

/* Another process does. */
static void
somebody_reads(void **state)
{
	struct bed *bed = *state;
	struct ring ring = ring_over(bed);
	pid_t child;

	put(bed, false);
	put(bed, false);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		usleep(20000);
		ring_next(&ring);
		ring_next(&ring);
		pause();
	}
	assert_true(ring_await(&ring, 60000));
	assert_true(bed->consumer >= 32);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_turn_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(records_one_after_the_other,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_to_wait_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nobody_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(somebody_reads, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
