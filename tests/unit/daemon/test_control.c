#include "unit/files_support.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* While it is above zero, datagrams come that nobody trusted has sent. */
static unsigned rubbish;

static ssize_t
recvmsg_faked(int fd, struct msghdr *msg, int flags)
{
	if (rubbish > 0) {
		rubbish--;
		msg->msg_controllen = 0;
		return 1;
	}
	return recvmsg(fd, msg, flags);
}

#define recvmsg recvmsg_faked
#include "daemon/control.c"
#undef recvmsg

#define NAME "tap-test-control"

#define WAIT_MS 20000u

static char reply[CONTROL_REPLY_MAX];
static char made[] = "/tmp/tap-control.XXXXXX";

static int
setup(void **state)
{
	folder = mkdtemp(made);
	return folder ? namespace_setup(state) : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* Let other users in, as the folder never would. */
static void
open_to_all(int fd)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof addr;

	assert_int_equal(chmod(folder, 0777), 0);
	if (fd >= 0) {
		assert_int_equal(
			getsockname(fd, (struct sockaddr *)&addr, &len), 0);
		assert_int_equal(chmod(addr.sun_path, 0666), 0);
	}
}

/* Send bytes to the daemon, as anybody might; an exit status. */
struct datagram {
	const void *bytes;
	size_t len;
};

static int
send_datagram(void *context)
{
	const struct datagram *d = context;
	struct sockaddr_un addr;
	socklen_t len = address(&addr, NAME);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t sent =
		sendto(fd, d->bytes, d->len, 0, (struct sockaddr *)&addr, len);

	close(fd);
	return sent == (ssize_t)d->len ? 0 : 1;
}

static void
wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
}

static void
asks_and_is_answered(void **state)
{
	struct control_peer peer;
	int status;
	int fd = control_listen(NAME);
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(control_receive(fd, &peer), 0);
	memset(reply, 'x', sizeof reply - 1);
	pid = fork();
	if (pid == 0) {
		static char got[CONTROL_REPLY_MAX];

		if (control_ask(NAME, CONTROL_STATUS_JSON, WAIT_MS, got) !=
			    getppid() ||
		    strcmp(got, "{}") != 0 ||
		    control_ask(NAME, CONTROL_STATUS_TEXT, WAIT_MS, got) !=
			    getppid() ||
		    strcmp(got, reply) != 0 ||
		    control_ask(NAME, CONTROL_STATUS_TEXT, WAIT_MS, got) !=
			    getppid() ||
		    strcmp(got, "") != 0) {
			_exit(1);
		}
		_exit(0);
	}
	wait_readable(fd);
	assert_int_equal(control_receive(fd, &peer), CONTROL_STATUS_JSON);
	control_reply(fd, &peer, "{}", 2);
	wait_readable(fd);
	assert_int_equal(control_receive(fd, &peer), CONTROL_STATUS_TEXT);
	control_reply(fd, &peer, reply, CONTROL_REPLY_MAX - 1);
	wait_readable(fd);
	assert_int_equal(control_receive(fd, &peer), CONTROL_STATUS_TEXT);
	control_reply(fd, &peer, "", 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	control_close(fd);
}

static void
finds_nobody(void **state)
{
	size_t fds = count_fds();

	(void)state;
	assert_int_equal(control_ask("tap-test-nobody", CONTROL_STATUS_TEXT,
				     WAIT_MS, reply),
			 -ECONNREFUSED);
	assert_int_equal(count_fds(), fds);
}

static void
is_one_of_its_name(void **state)
{
	int fd = control_listen(NAME);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(control_listen(NAME), -EADDRINUSE);
	control_close(fd);
	fd = control_listen(NAME);
	assert_true(fd >= 0);
	control_close(fd);
}

static void
throws_rubbish_away(void **state)
{
	static char much[60000];
	struct datagram empty = { "", 0 }, two = { "tt", 2 };
	struct datagram large = { much, sizeof much }, good = { "t", 1 };
	struct control_peer peer;
	int fd = control_listen(NAME);

	(void)state;
	memset(much, 't', sizeof much);
	assert_int_equal(send_datagram(&empty), 0);
	assert_int_equal(send_datagram(&two), 0);
	assert_int_equal(send_datagram(&large), 0);
	assert_int_equal(send_datagram(&good), 0);
	assert_int_equal(control_receive(fd, &peer), 't');
	/* Its sender had no address: there is nobody to answer. */
	control_reply(fd, &peer, "x", 1);
	assert_int_equal(control_receive(fd, &peer), 0);
	control_close(fd);
}

static void
ignores_other_users(void **state)
{
	struct datagram request = { "t", 1 };
	struct control_peer peer;
	int fd = control_listen(NAME);

	(void)state;
	require_namespace();
	open_to_all(fd);
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(control_receive(fd, &peer), 0);
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(send_datagram(&request), 0);
	assert_int_equal(control_receive(fd, &peer), 't');
	assert_int_equal(control_receive(fd, &peer), 0);
	control_close(fd);
}

/*
 * Another user's daemon of our name, in a child; it answers until killed,
 * so many times for a question.
 */
struct pretender {
	int ready;
	unsigned answers;
};

static int
pretend(const struct pretender *p)
{
	struct control_peer peer;
	struct sockaddr_un addr;
	socklen_t len = address(&addr, NAME);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char byte;

	(void)unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    write(p->ready, "", 1) != 1) {
		return 1;
	}
	peer.len = sizeof peer.addr;
	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&peer.addr,
		     &peer.len) != 1) {
		return 1;
	}
	for (unsigned i = 0; i < p->answers; i++) {
		control_reply(fd, &peer, "lies", 4);
	}
	return 0;
}

/* What asking it comes to: its lies, so many, must not be believed. */
static void
ask_pretender(unsigned answers, unsigned wait_ms)
{
	struct pretender p = { .answers = answers };
	uint64_t begun;
	int ready[2];
	int status;
	char byte;
	pid_t pid;

	require_namespace();
	open_to_all(-1);
	assert_int_equal(pipe(ready), 0);
	p.ready = ready[1];
	pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(setgid(65534) == 0 && setuid(65534) == 0 ? pretend(&p)
							       : 1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	reply[0] = '\0';
	begun = clock_ms();
	assert_int_equal(control_ask(NAME, CONTROL_STATUS_TEXT, wait_ms, reply),
			 -ETIMEDOUT);
	assert_in_range(clock_ms() - begun, wait_ms, wait_ms + 10000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
}

static void
believes_no_other_user(void **state)
{
	(void)state;
	ask_pretender(1, 300);
}

/* Nor is it kept waiting by one who sends without end. */
static void
waits_no_longer_than_told(void **state)
{
	(void)state;
	ask_pretender(UINT_MAX, 300);
}

/* As long as somebody else may write there, nobody listens. */
static void
wants_a_folder_of_its_own(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	require_namespace();
	assert_int_equal(chown(folder, 65534, 65534), 0);
	assert_int_equal(control_listen(NAME), -EPERM);
	assert_int_equal(chown(folder, 0, 0), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	fd = control_listen(NAME);
	assert_true(fd >= 0);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	control_close(fd);
}

static size_t
files_in_folder(void)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		count += entry->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

/* What a killed daemon leaves goes, what another one has stays. */
static void
sweeps_the_folder(void **state)
{
	int killed = control_listen("tap-test-killed");
	int other = control_listen("tap-test-other");
	int fd;

	(void)state;
	assert_true(killed >= 0 && other >= 0);
	close(killed);
	assert_int_equal(files_in_folder(), 2);
	assert_int_equal(control_ask("tap-test-killed", CONTROL_STATUS_TEXT,
				     WAIT_MS, reply),
			 -ECONNREFUSED);
	fd = control_listen(NAME);
	assert_true(fd >= 0);
	assert_int_equal(files_in_folder(), 2);
	control_close(other);
	control_close(fd);
	assert_int_equal(files_in_folder(), 0);
}

/* Daemons of two network namespaces have the same queue, and folder. */
static void
is_of_its_namespace(void **state)
{
	int fd = control_listen(NAME);
	int status;
	pid_t pid;

	(void)state;
	require_namespace();
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		_exit(unshare(CLONE_NEWNET) == 0 &&
				      control_ask(NAME, CONTROL_STATUS_TEXT,
						  WAIT_MS,
						  reply) == -ECONNREFUSED &&
				      control_listen(NAME) >= 0
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(control_receive(fd, &(struct control_peer){ 0 }), 0);
	control_close(fd);
	/* The child's is swept. */
	control_close(control_listen(NAME));
}

/*
 * A daemon in a child, which answers what is not about its state with
 * `answer`, and ends on a CONTROL_STOP if it has said 0 to it.
 */
static pid_t
start_daemon(const char *answer, bool ends)
{
	int fd = control_listen(NAME);
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	while (pid == 0) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		struct control_peer peer;
		int request;

		alarm(60);
		poll(&poll_fd, 1, -1);
		request = control_receive(fd, &peer);
		if (request > 0) {
			control_reply(fd, &peer, answer, strlen(answer));
		}
		if (request == CONTROL_STOP && ends) {
			control_close(fd);
			_exit(0);
		}
	}
	close(fd);
	assert_true(pid > 0);
	return pid;
}

/* Valgrind does not know the call, and there is no other way to wait. */
static void
need_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0 && errno == ENOSYS) {
		skip();
	}
	close(fd);
}

static void
waits_until_it_has_stopped(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	need_pidfd();
	pid = start_daemon("0", true);
	/* Its end has been waited for, if there is no waiting any more. */
	assert_int_equal(control_stop(NAME, CONTROL_STOP, WAIT_MS, reply), pid);
	assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
	assert_int_equal(control_stop(NAME, CONTROL_STOP, WAIT_MS, reply),
			 -ECONNREFUSED);
}

static void
says_that_it_does_not_stop(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	need_pidfd();
	pid = start_daemon("0", false);
	assert_int_equal(control_stop(NAME, CONTROL_STOP, 200, reply),
			 -ETIMEDOUT);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = start_daemon("1not now", false);
	assert_int_equal(control_stop(NAME, CONTROL_STOP, WAIT_MS, reply), pid);
	assert_string_equal(reply, "1not now");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	control_close(control_listen(NAME));
}

/* A daemon that ends with the question unread keeps nobody waiting. */
static void
gives_up_where_it_ends(void **state)
{
	int ready[2];
	int status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int fd = control_listen(NAME);

		alarm(60);
		if (write(ready[1], "", 1) == 1) {
			wait_readable(fd);
		}
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(control_ask(NAME, CONTROL_RELOAD, 600000, reply),
			 -ECONNREFUSED);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

/* Whoever sends without end must not keep the daemon from its packets. */
static void
is_not_held_up_by_a_flood(void **state)
{
	struct control_peer peer;
	int fd = control_listen(NAME);

	(void)state;
	rubbish = 1000000;
	assert_int_equal(control_receive(fd, &peer), 0);
	assert_true(rubbish > 0);
	rubbish = 0;
	control_close(fd);
}

/* Descriptors that come with a request are not taken. */
static void
takes_no_descriptors(void **state)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(4 * sizeof(int)) } };
	struct sockaddr_un addr;
	struct iovec part = { reply, 1 };
	struct msghdr msg = {
		.msg_name = &addr,
		.msg_namelen = address(&addr, NAME),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct control_peer peer;
	int from = socket(AF_UNIX, SOCK_DGRAM, 0);
	int fd = control_listen(NAME);
	size_t fds = count_fds();

	(void)state;
	reply[0] = 't';
	memcpy(CMSG_DATA(&control.header), (int[]){ 0, 1, 2, fd },
	       4 * sizeof(int));
	assert_int_equal(sendmsg(from, &msg, 0), 1);
	control_receive(fd, &peer);
	assert_int_equal(count_fds(), fds);
	close(from);
	control_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_and_is_answered),
		cmocka_unit_test(finds_nobody),
		cmocka_unit_test(is_one_of_its_name),
		cmocka_unit_test(throws_rubbish_away),
		cmocka_unit_test(ignores_other_users),
		cmocka_unit_test(believes_no_other_user),
		cmocka_unit_test(waits_no_longer_than_told),
		cmocka_unit_test(wants_a_folder_of_its_own),
		cmocka_unit_test(sweeps_the_folder),
		cmocka_unit_test(is_of_its_namespace),
		cmocka_unit_test(waits_until_it_has_stopped),
		cmocka_unit_test(says_that_it_does_not_stop),
		cmocka_unit_test(gives_up_where_it_ends),
		cmocka_unit_test(is_not_held_up_by_a_flood),
		cmocka_unit_test(takes_no_descriptors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
