#include "client/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/relay.h"
#include "base/spawn.h"
#include "tap.h"
#include "conf/value.h"

#define HOST_MAX 256u /* a DNS name has up to 253 */

static void
add_address(struct child *task, const struct sockaddr *addr)
{
	struct packet_addr *out = &task->to[task->to_count];

	if (task->to_count == CHILD_ADDRESSES_MAX) {
		return;
	}
	if (addr->sa_family == AF_INET) {
		const void *at = addr;
		const struct sockaddr_in *v4 = at;

		out->family = 4;
		memcpy(out->bytes, &v4->sin_addr, 4);
	} else if (addr->sa_family == AF_INET6) {
		const void *at = addr;
		const struct sockaddr_in6 *v6 = at;

		out->family = 6;
		memcpy(out->bytes, &v6->sin6_addr, 16);
	} else {
		return;
	}
	task->to_count++;
}

int
child_resolve(struct child *task, const char *to, char *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(to, ':');
	struct addrinfo *found;
	char host[HOST_MAX];
	size_t len = colon ? (size_t)(colon - to) : 0;
	int rc;

	if (len == 0 || len >= sizeof host) {
		return value_fail(why, "'%.64s' is not HOST:PORT", to);
	}
	rc = value_port(colon + 1, &task->port, why);
	if (rc < 0) {
		return rc;
	}
	if (to[0] == '[' && to[len - 1] == ']') {
		to++;
		len -= 2;
	}
	memcpy(host, to, len);
	host[len] = '\0';
	rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc == EAI_MEMORY) {
		return value_no_memory(why);
	}
	if (rc != 0) {
		return value_fail(why, "%.64s: %s", host, gai_strerror(rc));
	}
	task->to_count = 0;
	for (const struct addrinfo *at = found; at; at = at->ai_next) {
		add_address(task, at->ai_addr);
	}
	freeaddrinfo(found);
	return task->to_count > 0 ? 0
				  : value_fail(why, "%.64s: no address", host);
}

/* The relay could not connect: name the last address and the error. */
static void
complain(const struct child *task, int rc)
{
	const struct packet_addr *addr = &task->to[task->to_count - 1];
	const bool v4 = addr->family == 4;
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(v4 ? AF_INET : AF_INET6, addr->bytes, text, sizeof text);
	fprintf(stderr,
		v4 ? "tap client: %s:%u: %s\n" : "tap client: [%s]:%u: %s\n",
		text, task->port, strerror(-rc));
}

static int
work(const struct child *task)
{
	sigset_t none;
	int rc;

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
	if (task->argv) {
		execvp(task->argv[0], task->argv);
		rc = errno;
		fprintf(stderr, "tap client: %s: %s\n", task->argv[0],
			strerror(rc));
		return rc == ENOENT ? RUN_NOT_FOUND : 126;
	}
	rc = relay(task->to, task->to_count, task->port);
	if (rc < 0) {
		complain(task, rc);
		return TAP_NO;
	}
	return TAP_OK;
}

int
child_start(struct child *task)
{
	fflush(stdout);
	task->pid = fork();
	if (task->pid == 0) {
		_exit(work(task));
	}
	return task->pid < 0 ? -errno : 0;
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
