#include "replay_test/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
child(const char *command)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0) {
		_exit(126);
	}
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int
hook_run(const char *command)
{
	/* If our parent ignores SIGCHLD, wait(2) would lose the status. */
	void (*on_child)(int) = signal(SIGCHLD, SIG_DFL);
	pid_t pid = fork();
	int status = 0;
	int rc = pid < 0 ? -errno : 0;

	if (pid == 0) {
		child(command);
	}
	while (rc == 0 && waitpid(pid, &status, 0) < 0) {
		rc = errno == EINTR ? 0 : -errno;
	}
	signal(SIGCHLD, on_child);
	if (rc < 0) {
		return rc;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
