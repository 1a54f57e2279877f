/* Queues that others have, or that one may not open. */
#include "unit/files_support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/open_queue.h"
#include "tap.h"

#define QUEUE 7
#define LENGTH_MAX 64
#define NOBODY 65534

static struct nfq first;

/* A queue that somebody has. */
static void
begin(void)
{
	int rc;

	require_namespace();
	rc = nfq_open(&first, QUEUE, LENGTH_MAX, false);
	if (rc == -ENOSYS) {
		print_message("skipped: this kernel has no NFQUEUE\n");
		skip();
	}
	assert_int_equal(rc, 0);
}

static void
says_who_has_it(void **state)
{
	struct nfq second;
	unsigned queue, process;
	const char *said;

	(void)state;
	begin();
	capture_begin();
	assert_int_equal(queue_open(&second, QUEUE, LENGTH_MAX, false),
			 TAP_SYSTEM);
	said = capture_end();
	assert_int_equal(sscanf(strstr(said, "queue "),
				"queue %u: process %u has it already", &queue,
				&process),
			 2);
	assert_int_equal(queue, QUEUE);
	assert_int_equal(process, nfq_owner(QUEUE));
	assert_non_null(strstr(said, "another queue= setting is needed\n"));
	nfq_close(&first);
}

static void
takes_the_next_free_one(void **state)
{
	struct nfq second, third;

	(void)state;
	begin();
	assert_int_equal(queue_open_free(&second, QUEUE, LENGTH_MAX, false),
			 TAP_OK);
	assert_int_equal(queue_open_free(&third, QUEUE, LENGTH_MAX, false),
			 TAP_OK);
	assert_int_not_equal(nfq_owner(QUEUE + 1), 0);
	assert_int_not_equal(nfq_owner(QUEUE + 2), 0);
	assert_int_equal(nfq_owner(QUEUE + 3), 0);
	nfq_close(&second);
	nfq_close(&third);
	nfq_close(&first);
}

static int
open_one(void *context)
{
	struct nfq nfq;

	(void)context;
	return queue_open(&nfq, QUEUE + 1, LENGTH_MAX, false);
}

static void
says_what_is_missing(void **state)
{
	(void)state;
	begin();
	capture_begin();
	assert_int_equal(as_user(NOBODY, open_one, NULL), TAP_SYSTEM);
	assert_non_null(strstr(capture_end(),
			       "queue 8: not permitted; run as root, or with "
			       "CAP_NET_ADMIN\n"));
	nfq_close(&first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_has_it),
		cmocka_unit_test(takes_the_next_free_one),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
