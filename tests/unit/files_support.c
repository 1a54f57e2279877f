#include "files_support.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPTURE_MAX 65536u

void
scratch_open(struct scratch *s, const char *text, mode_t mode)
{
	size_t len = strlen(text);

	s->fd = memfd_create("scratch", MFD_CLOEXEC);
	assert_true(s->fd >= 0);
	assert_int_equal(write(s->fd, text, len), len);
	assert_int_equal(fchmod(s->fd, mode), 0);
	snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", s->fd);
}

void
scratch_close(struct scratch *s)
{
	close(s->fd);
}

void
check_error(const char *err, const char *path, unsigned line, const char *why)
{
	char begin[256];

	if (line > 0) {
		snprintf(begin, sizeof begin, "%s:%u: ", path, line);
	} else {
		snprintf(begin, sizeof begin, "%s: ", path);
	}
	if (strncmp(err, begin, strlen(begin)) != 0 || !strstr(err, why)) {
		fail_msg("'%s' is not '%s...%s...'", err, begin, why);
	}
	if (err[strlen(begin)] == '\0') {
		fail_msg("'%s' says nothing", err);
	}
	for (const char *at = err; *at; at++) {
		if (iscntrl((unsigned char)*at)) {
			fail_msg("control character 0x%02x in '%s'",
				 (unsigned char)*at, err);
		}
	}
}

void
check_no_secret(const char *text, const char *digits)
{
	for (size_t i = 0; i + 4 <= strlen(digits); i++) {
		char part[5];

		snprintf(part, sizeof part, "%s", digits + i);
		if (strcasestr(text, part)) {
			fail_msg("'%s' has %s of the secret", text, part);
		}
	}
}

size_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir)) {
		count++;
	}
	closedir(dir);
	return count;
}

static int capture_saved = -1;
static int capture_fd = -1;

void
capture_begin(void)
{
	capture_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	capture_fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(capture_saved >= 0 && capture_fd >= 0);
	dup2(capture_fd, STDERR_FILENO);
}

const char *
capture_end(void)
{
	static char text[CAPTURE_MAX];
	ssize_t len = pread(capture_fd, text, sizeof text - 1, 0);

	dup2(capture_saved, STDERR_FILENO);
	close(capture_saved);
	close(capture_fd);
	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

static bool has_namespace;

int
namespace_setup(void **state)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		return 0;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	has_namespace = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return 0;
}

void
require_namespace(void)
{
	if (!has_namespace) {
		print_message("skipped: a network namespace takes root\n");
		skip();
	}
}

void
set_port_range(unsigned low, unsigned high)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");

	assert_non_null(file);
	fprintf(file, "%u %u", low, high);
	assert_int_equal(fclose(file), 0);
}

int
as_user(uid_t uid, int (*work)(void *context), void *context)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid((gid_t)uid) < 0 ||
		    setuid(uid) < 0) {
			_exit(99);
		}
		_exit(work(context));
	}
	assert_true(pid > 0);
	while (waitpid(pid, &status, 0) < 0) {
		assert_int_equal(errno, EINTR);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
