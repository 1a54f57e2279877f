#include "unit/files_support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fds.h"

/* In a child without some of the three; an exit status. */
static int
fill_without(unsigned closed)
{
	struct stat null, st;

	stat("/dev/null", &null);
	for (int fd = 0; fd <= 2; fd++) {
		if (closed & 1u << fd) {
			close(fd);
		}
	}
	if (fds_fill() != 0) {
		return 1;
	}
	for (int fd = 0; fd <= 2; fd++) {
		char byte = 'x';

		if (fstat(fd, &st) < 0) {
			return 2;
		}
		if (closed & 1u << fd &&
		    (st.st_rdev != null.st_rdev ||
		     (fd ? write(fd, &byte, 1) : read(fd, &byte, 1)) >= 0)) {
			return 4;
		}
	}
	/* The next descriptor is none of the three. */
	return dup(0) > 2 ? 0 : 3;
}

static void
fills_what_is_closed(void **state)
{
	(void)state;
	for (unsigned closed = 0; closed < 8; closed++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			_exit(fill_without(closed));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void
leaves_others_alone(void **state)
{
	size_t before = count_fds();

	(void)state;
	assert_int_equal(fds_fill(), 0);
	assert_int_equal(count_fds(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_what_is_closed),
		cmocka_unit_test(leaves_others_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
