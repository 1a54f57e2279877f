#include "client/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/relay.h"
#include "base/why.h"
#include "daemon/monitor.h"
#include "daemon/privileges.h"
#include "base/spawn.h"
#include "tap.h"
#include "conf/value.h"

/* What answers for a name may take: the C library gives up before. */
#define LOOK_UP_MS 60000u

/* Shared with the process that looks a name up, and not to be trusted. */
struct look_up {
	pid_t parent;
	char host[VALUE_HOST_MAX];
	bool found; /* what follows is there */
	int error;  /* of getaddrinfo(3), or 0 */
	size_t count;
	struct host_addr to[CHILD_ADDRESSES_MAX];
};

static int
look_up(void *context)
{
	struct look_up *l = context;
	char why[WHY_MAX];

	if (privileges_drop(PRIVILEGES_RESOLVER, NULL, l->parent, why) < 0) {
		return 1;
	}
	l->error = resolve_host(l->host, l->to, CHILD_ADDRESSES_MAX, &l->count);
	l->found = true;
	return 0;
}

/* As resolve_host(), by a process that has no right, if it is a name. */
static int
resolve(struct child *task)
{
	struct look_up *l;

	if (!value_is_name(task->host)) {
		return resolve_host(task->host, task->to, CHILD_ADDRESSES_MAX,
				    &task->to_count);
	}
	l = monitor_memory(sizeof *l);
	if (!l) {
		return EAI_MEMORY;
	}
	l->parent = getpid();
	memcpy(l->host, task->host, sizeof l->host);
	(void)run_function(look_up, l, LOOK_UP_MS);
	if (!l->found || l->error != 0) {
		return l->found ? l->error : EAI_AGAIN;
	}
	task->to_count =
		l->count < CHILD_ADDRESSES_MAX ? l->count : CHILD_ADDRESSES_MAX;
	memcpy(task->to, l->to, sizeof task->to);
	return 0;
}

int
child_resolve(struct child *task, const char *to, char *why)
{
	struct value_endpoint at;
	int rc = value_endpoint(to, &at, why);

	if (rc == 0) {
		rc = value_port(at.port, &task->port, why);
	}
	if (rc < 0) {
		return rc;
	}
	memcpy(task->host, at.host, sizeof task->host);
	task->service_port = at.service_port;
	rc = resolve(task);
	if (rc == EAI_MEMORY) {
		return value_no_memory(why);
	}
	if (rc != 0) {
		return value_fail(why, "%.64s: %s", at.host, gai_strerror(rc));
	}
	return task->to_count > 0
		? 0
		: value_fail(why, "%.64s: no address", at.host);
}

void
child_part(struct child *task)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 2; i++) {
		task->ends[i] = nothing < 0
			? -1
			: fcntl(i, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (task->ends[i] >= 0) {
			dup2(nothing, i);
		}
	}
	if (nothing >= 0) {
		close(nothing);
	}
}

void
child_leave(struct child *task)
{
	for (int i = 0; i < 2; i++) {
		if (task->ends[i] >= 0) {
			close(task->ends[i]);
			task->ends[i] = -1;
		}
	}
}

/* The relay could not connect: name an address and the error. */
static void
complain(const struct child *task, size_t failed, int rc)
{
	const struct packet_addr *addr = &task->to[failed].addr;
	const bool v4 = addr->family == 4;
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(v4 ? AF_INET : AF_INET6, addr->bytes, text, sizeof text);
	fprintf(stderr,
		v4 ? "tap client: %s:%u: %s\n" : "tap client: [%s]:%u: %s\n",
		text, task->port, strerror(-rc));
}

int
child_run(struct child *task)
{
	size_t failed = 0;
	sigset_t none;
	int rc;

	for (int i = 0; i < 2; i++) {
		if (task->ends[i] >= 0) {
			dup2(task->ends[i], i);
		}
	}
	child_leave(task);
	if (task->scope.root >= 0) {
		rc = cgroup_join(&task->scope);
		if (rc < 0) {
			fprintf(stderr, "tap client: control group: %s\n",
				strerror(-rc));
			return TAP_SYSTEM;
		}
	}
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	rc = privileges_lend(false);
	if (rc < 0) {
		fprintf(stderr, "tap client: capabilities: %s\n",
			strerror(-rc));
		return TAP_SYSTEM;
	}
	if (task->argv) {
		execvp(task->argv[0], task->argv);
		rc = errno;
		fprintf(stderr, "tap client: %s: %s\n", task->argv[0],
			strerror(rc));
		return rc == ENOENT ? RUN_NOT_FOUND : 126;
	}
	rc = relay(task->to, task->to_count, task->port, &task->relayed,
		   &failed);
	if (rc < 0) {
		complain(task, failed, rc);
		return TAP_NO;
	}
	return TAP_OK;
}

int
child_start(struct child *task)
{
	int ends[2] = { -1, -1 };

	fflush(stdout);
	/* Without it the rules stay for as long as the relay does. */
	if (!task->argv && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		ends[0] = ends[1] = -1;
	}
	task->relayed = ends[1];
	task->pid = fork();
	if (task->pid == 0) {
		if (ends[0] >= 0) {
			close(ends[0]);
		}
		_exit(child_run(task));
	}
	if (ends[1] >= 0) {
		close(ends[1]);
	}
	task->relayed = ends[0];
	child_leave(task);
	return task->pid < 0 ? -errno : 0;
}

bool
child_is_connected(struct child *task)
{
	char none;

	if (task->relayed < 0 || read(task->relayed, &none, 1) != 0) {
		return false;
	}
	close(task->relayed);
	task->relayed = -1;
	return true;
}

bool
child_ended(struct child *task)
{
	int status;

	if (task->pid > 0 &&
	    waitpid(task->pid, &status, WNOHANG) == task->pid) {
		task->pid = 0;
		task->status = WIFEXITED(status) ? WEXITSTATUS(status)
						 : 128 + WTERMSIG(status);
		return true;
	}
	return false;
}

void
child_signal(const struct child *task, int signal_no)
{
	if (task->pid > 0) {
		kill(task->pid, signal_no);
	}
}
