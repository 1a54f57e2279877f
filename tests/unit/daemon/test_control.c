#include "unit/files_support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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

static char reply[CONTROL_REPLY_MAX];

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
	socklen_t len = abstract(&addr, NAME);
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

		if (control_ask(NAME, CONTROL_STATUS_JSON, got) != 0 ||
		    strcmp(got, "{}") != 0 ||
		    control_ask(NAME, CONTROL_STATUS_TEXT, got) != 0 ||
		    strcmp(got, reply) != 0 ||
		    control_ask(NAME, CONTROL_STATUS_TEXT, got) != 0 ||
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
	close(fd);
}

static void
finds_nobody(void **state)
{
	size_t fds = count_fds();

	(void)state;
	assert_int_equal(
		control_ask("tap-test-nobody", CONTROL_STATUS_TEXT, reply),
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
	close(fd);
	fd = control_listen(NAME);
	assert_true(fd >= 0);
	close(fd);
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
	close(fd);
}

static void
ignores_other_users(void **state)
{
	struct datagram request = { "t", 1 };
	struct control_peer peer;
	int fd = control_listen(NAME);

	(void)state;
	require_namespace();
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(control_receive(fd, &peer), 0);
	assert_int_equal(as_user(65534, send_datagram, &request), 0);
	assert_int_equal(send_datagram(&request), 0);
	assert_int_equal(control_receive(fd, &peer), 't');
	assert_int_equal(control_receive(fd, &peer), 0);
	close(fd);
}

/* Another user's daemon of our name, in a child; it lives until killed. */
static int
pretend(void *context)
{
	struct control_peer peer;
	struct sockaddr_un addr;
	socklen_t len = abstract(&addr, NAME);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int ready = *(int *)context;
	char byte;

	if (bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    write(ready, "", 1) != 1) {
		return 1;
	}
	peer.len = sizeof peer.addr;
	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&peer.addr,
		     &peer.len) != 1) {
		return 1;
	}
	control_reply(fd, &peer, "lies", 4);
	return 0;
}

static void
believes_no_other_user(void **state)
{
	int ready[2];
	char byte;
	int status;
	pid_t pid;

	(void)state;
	require_namespace();
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(setgid(65534) == 0 && setuid(65534) == 0
			      ? pretend(&ready[1])
			      : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	reply[0] = '\0';
	assert_int_equal(control_ask(NAME, CONTROL_STATUS_TEXT, reply),
			 -ETIMEDOUT);
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
	close(fd);
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
		.msg_namelen = abstract(&addr, NAME),
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
	close(fd);
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
		cmocka_unit_test(is_not_held_up_by_a_flood),
		cmocka_unit_test(takes_no_descriptors),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
