#include "unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fastpath/async_load.h"

/* What the tests share. */
struct bed {
	struct loader loader;
	int pipe[2];  /* kept */
	int other[2]; /* not */
};

static int
setup(void **state)
{
	static struct bed bed;

	bed = (struct bed){ 0 };
	loader_init(&bed.loader);
	assert_int_equal(pipe2(bed.pipe, O_CLOEXEC), 0);
	assert_int_equal(pipe2(bed.other, O_CLOEXEC), 0);
	*state = &bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;

	loader_stop(&bed->loader);
	for (int i = 0; i < 2; i++) {
		close(bed->pipe[i]);
		close(bed->other[i]);
	}
	return 0;
}

static void
start(struct bed *bed, int (*make)(const void *))
{
	const struct loader_work work = { make, bed, bed->pipe, 2 };

	assert_int_equal(loader_start(&bed->loader, &work), 0);
	assert_true(loader_is_at_work(&bed->loader));
}

static int
take(struct bed *bed)
{
	struct pollfd fd = { bed->loader.line, POLLIN, 0 };
	int made;

	assert_int_equal(poll(&fd, 1, -1), 1);
	made = loader_take(&bed->loader);
	assert_false(loader_is_at_work(&bed->loader));
	/* No child is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return made;
}

static int
give(const void *context)
{
	const struct bed *bed = context;

	return bed->pipe[1];
}

static void
hands_a_descriptor_over(void **state)
{
	struct bed *bed = *state;
	char got[2] = "";
	int made;

	start(bed, give);
	made = take(bed);
	assert_true(made >= 0);
	assert_int_equal(fcntl(made, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(made, "a", 1), 1);
	assert_int_equal(read(bed->pipe[0], got, 1), 1);
	assert_string_equal(got, "a");
	close(made);
}

static int
refuse(const void *context)
{
	(void)context;
	return -EACCES;
}

static void
says_why_not(void **state)
{
	struct bed *bed = *state;
	int made;

	start(bed, refuse);
	made = take(bed);
	assert_int_equal(made, -EACCES);
	assert_false(loader_failed(made));
	assert_string_equal(loader_error(made), strerror(EACCES));
}

static int
die(const void *context)
{
	(void)context;
	kill(getpid(), SIGKILL);
	return -EACCES;
}

static void
notices_a_death(void **state)
{
	struct bed *bed = *state;
	int made;

	start(bed, die);
	made = take(bed);
	assert_int_equal(made, -EOWNERDEAD);
	assert_true(loader_failed(made));
	assert_string_equal(loader_error(made), "the process for it was ended");
}

/* Says that it is there, and stays. */
static int
hang(const void *context)
{
	const struct bed *bed = context;

	if (write(bed->pipe[1], "a", 1) == 1) {
		for (;;) {
			pause();
		}
	}
	return -EIO;
}

static void
waits_no_longer_than_it_says(void **state)
{
	struct bed *bed = *state;
	char got;
	int made;

	start(bed, hang);
	assert_int_equal(read(bed->pipe[0], &got, 1), 1);
	assert_int_equal(loader_take(&bed->loader), -EINPROGRESS);
	bed->loader.begun_ms -= LOADER_MAX_MS + 1;
	made = loader_take(&bed->loader);
	assert_int_equal(made, -ETIME);
	assert_true(loader_failed(made));
	assert_string_equal(loader_error(made), "the kernel takes too long");
	assert_false(loader_is_at_work(&bed->loader));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
stops(void **state)
{
	struct bed *bed = *state;

	start(bed, hang);
	loader_stop(&bed->loader);
	assert_false(loader_is_at_work(&bed->loader));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	loader_stop(&bed->loader);
}

/* Only what is kept is open, and what everybody has. */
static int
look(const void *context)
{
	const struct bed *bed = context;
	int wrong = 0;

	wrong += fcntl(bed->pipe[0], F_GETFD) < 0;
	wrong += fcntl(bed->pipe[1], F_GETFD) < 0;
	for (int i = 0; i < 2; i++) {
		wrong += fcntl(bed->other[i], F_GETFD) >= 0;
		wrong += fcntl(i, F_GETFD) < 0;
	}
	return wrong == 0 ? -ENOTUNIQ : -EBADF;
}

static void
keeps_what_it_needs(void **state)
{
	struct bed *bed = *state;

	start(bed, look);
	assert_int_equal(take(bed), -ENOTUNIQ);
}

/* Its end of the pipe is the last one. */
static void
ends_with_its_parent(void **state)
{
	struct bed *bed = *state;
	pid_t parent = fork();
	char got;

	assert_true(parent >= 0);
	if (parent == 0) {
		start(bed, hang);
		pause();
		_exit(0);
	}
	close(bed->pipe[1]);
	assert_int_equal(read(bed->pipe[0], &got, 1), 1);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_int_equal(read(bed->pipe[0], &got, 1), 0);
	bed->pipe[1] = bed->pipe[0];
	bed->pipe[0] = dup(bed->pipe[1]);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hands_a_descriptor_over),
		TEST(says_why_not),
		TEST(notices_a_death),
		TEST(waits_no_longer_than_it_says),
		TEST(stops),
		TEST(keeps_what_it_needs),
		TEST(ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
