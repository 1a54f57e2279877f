/* The line of progress: on a terminal, when something takes long. */
#include "unit/files_support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/progress.h"

/* Longer than anything is waited for before a line is shown. */
#define LONG_MS 10000u

static int terminal, side, saved;

/* Sent after all else: the terminal passes bytes on when it gets to it. */
#define END '\001'

static int
setup(void **state)
{
	(void)state;
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	side = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(side >= 0 && saved >= 0);
	assert_true(dup2(side, STDERR_FILENO) >= 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(side);
	close(terminal);
	return 0;
}

/* What the terminal got since. */
static const char *
shown(void)
{
	static char text[256];
	const char end = END;
	size_t len = 0;

	assert_int_equal(write(side, &end, 1), 1);
	do {
		assert_true(len < sizeof text - 1);
		assert_int_equal(read(terminal, text + len, 1), 1);
	} while (text[len++] != END);
	text[len - 1] = '\0';
	return text;
}

static void
a_line_in_its_place(void **state)
{
	struct progress p;

	(void)state;
	progress_begin(&p);
	progress_clear(&p);
	assert_string_equal(shown(), "");
	progress_show(&p, "%d of %d", 1, 3);
	assert_string_equal(shown(), "\r\033[K1 of 3");
	progress_show(&p, "%d of %d", 2, 3);
	assert_string_equal(shown(), "\r\033[K2 of 3");
	progress_clear(&p);
	assert_string_equal(shown(), "\r\033[K");
	progress_clear(&p);
	assert_string_equal(shown(), "");
}

static void
not_at_once_and_not_all_the_time(void **state)
{
	struct progress p;

	(void)state;
	progress_begin(&p);
	p.started += LONG_MS;
	assert_false(progress_due(&p));
	p.started -= 2 * LONG_MS;
	assert_true(progress_ms(&p) >= LONG_MS);
	assert_true(progress_due(&p));
	p.shown += LONG_MS;
	assert_false(progress_due(&p));
	p.shown -= 2 * LONG_MS;
	assert_true(progress_due(&p));
}

static void
nothing_without_a_terminal(void **state)
{
	struct progress p;

	(void)state;
	capture_begin();
	progress_begin(&p);
	p.started -= LONG_MS;
	assert_false(progress_due(&p));
	progress_show(&p, "here");
	progress_clear(&p);
	assert_string_equal(capture_end(), "");
	assert_string_equal(shown(), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_line_in_its_place),
		TEST(not_at_once_and_not_all_the_time),
		TEST(nothing_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
