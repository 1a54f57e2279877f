/*
 * What a daemon's worker can do once it has given up its privileges, tried
 * from within: each attempt is a child's own, which has to die of it.
 */
/* The parts of it, each by itself; before cmocka, whose fail is another. */
#include "daemon/privileges.c"

/* And what is said in a debug build. */
static int debug_calls_limit(enum privileges_role role);
#define TAP_DEBUG
#define seccomp_limit debug_calls_limit
#include "daemon/seccomp.c"
#undef seccomp_limit

#include "unit/files_support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "os/netlink.h"

#define STATUS_MAX 4096u

enum { DONE = 0, FAILED = 40, NOT_DROPPED = 41 };

/* What the worker has open when it gives up its privileges. */
struct open_things {
	int pipe[2]; /* to the parent, and back */
	int pair[2]; /* of sockets */
	int tcp, udp, unix_datagram;
	int map; /* or below 0, where none can be made */
	int listener;
	struct sockaddr_in listening; /* on this host's loopback device */
	struct netlink route;
	pid_t parent;
};

static struct open_things things;

static int
setup(void **state)
{
	socklen_t len = sizeof things.listening;
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	const struct bpf_map map = { BPF_MAP_TYPE_HASH, 8, 8, 4, 0 };

	(void)state;
	things.parent = getpid();
	things.map = bpf_map_make(&map);
	things.tcp = socket(AF_INET, SOCK_STREAM, 0);
	things.udp = socket(AF_INET, SOCK_DGRAM, 0);
	things.unix_datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
	things.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(things.tcp >= 0 && things.udp >= 0 &&
		    things.unix_datagram >= 0 && things.listener >= 0);
	assert_int_equal(bind(things.listener,
			      (const struct sockaddr *)&loopback,
			      sizeof loopback),
			 0);
	assert_int_equal(listen(things.listener, 1), 0);
	assert_int_equal(getsockname(things.listener,
				     (struct sockaddr *)&things.listening,
				     &len),
			 0);
	assert_int_equal(pipe(things.pipe), 0);
	assert_int_equal(netlink_open(&things.route, NETLINK_ROUTE), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, things.pair), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (things.map >= 0) {
		close(things.map);
	}
	close(things.tcp);
	close(things.udp);
	close(things.unix_datagram);
	close(things.listener);
	netlink_close(&things.route);
	for (int i = 0; i < 2; i++) {
		close(things.pipe[i]);
		close(things.pair[i]);
	}
	return 0;
}

/* Valgrind makes calls of its own in the process, and would be killed. */
static void
skip_in_valgrind(void)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps)) {
		found = found || strstr(line, "valgrind") != NULL;
	}
	fclose(maps);
	if (found) {
		print_message("not under valgrind, which makes system calls "
			      "of its own\n");
		skip();
	}
}

/* So do the sanitizers, but only where something is called through them. */
static void
skip_where_calls_are_added(void)
{
	skip_in_valgrind();
#ifdef __SANITIZE_ADDRESS__
	print_message("not with the sanitizers, which make system calls of "
		      "their own\n");
	skip();
#endif
}

/* ---- what must not be possible */

/* Of a netlink socket, by that, the sender's rights alone are asked for. */
static long
try_sendto_somebody(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return syscall(SYS_sendto, things.route.fd, "", 1, 0, &kernel,
		       sizeof kernel);
}

static long
try_sendmsg(void)
{
	struct msghdr msg = { .msg_iov = NULL };

	return syscall(SYS_sendmsg, things.pair[0], &msg, 0);
}

static long
try_sendmmsg(void)
{
	struct mmsghdr msg = { .msg_len = 0 };

	return syscall(SYS_sendmmsg, things.pair[0], &msg, 1, 0);
}

static const char *const paths[] = {
	"/etc/passwd", "/", "/dev/null", "/proc/self/mem", ".", "/tmp",
};

static long
try_openat(void)
{
	long rc = -1;

	for (size_t i = 0; i < LENGTH(paths); i++) {
		rc = syscall(SYS_openat, AT_FDCWD, paths[i], O_RDONLY);
	}
	return rc;
}

static long
try_openat_to_write(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp/tap-unwanted",
		       O_WRONLY | O_CREAT, 0600);
}

static long
try_openat2(void)
{
	const uint64_t how[3] = { O_RDONLY };

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
}

static long
try_unlink(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/tap-unwanted", 0);
}

#ifdef SYS_open
static long
try_open(void)
{
	return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}

static long
try_creat(void)
{
	return syscall(SYS_creat, "/tmp/tap-unwanted", 0600);
}

static long
try_fork(void)
{
	return syscall(SYS_fork);
}

/* The number that the other system call table of x86-64 has for open. */
static long
try_open_of_x32(void)
{
	return syscall(SYS_open | 0x40000000, "/etc/passwd", O_RDONLY);
}
#endif

static long
try_clone(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long
try_clone3(void)
{
	const uint64_t arguments[8] = { [4] = SIGCHLD };

	return syscall(SYS_clone3, arguments, sizeof arguments);
}

static long
try_execve(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };

	return syscall(SYS_execve, "/bin/true", argv, argv + 1);
}

static long
try_execveat(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };

	return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv + 1, 0);
}

static long
try_connect(void)
{
	return syscall(SYS_connect, things.tcp, &things.listening,
		       sizeof things.listening);
}

static long
try_connect_udp(void)
{
	return syscall(SYS_connect, things.udp, &things.listening,
		       sizeof things.listening);
}

static long
try_connect_unix(void)
{
	const struct sockaddr_un to = { AF_UNIX, "/dev/log" };

	return syscall(SYS_connect, things.unix_datagram, &to, sizeof to);
}

static long
try_sendto_that_connects(void)
{
	return syscall(SYS_sendto, things.tcp, "x", 1, MSG_FASTOPEN,
		       &things.listening, sizeof things.listening);
}

static long
try_sendmsg_that_connects(void)
{
	char byte = 'x';
	struct iovec data = { &byte, 1 };
	const struct msghdr msg = {
		.msg_name = &things.listening,
		.msg_namelen = sizeof things.listening,
		.msg_iov = &data,
		.msg_iovlen = 1,
	};

	return syscall(SYS_sendmsg, things.tcp, &msg, MSG_FASTOPEN);
}

static long
try_sendmmsg_that_connects(void)
{
	char byte = 'x';
	struct iovec data = { &byte, 1 };
	struct mmsghdr msg = { .msg_hdr = {
				       .msg_name = &things.listening,
				       .msg_namelen = sizeof things.listening,
				       .msg_iov = &data,
				       .msg_iovlen = 1,
			       } };

	return syscall(SYS_sendmmsg, things.tcp, &msg, 1, MSG_FASTOPEN);
}

static long
try_listen(void)
{
	return syscall(SYS_listen, things.tcp, 1);
}

static long
try_accept(void)
{
	return syscall(SYS_accept4, things.listener, NULL, NULL, SOCK_NONBLOCK);
}

static long
try_socket_unix(void)
{
	return syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long
try_socket_netlink(void)
{
	return syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long
try_socket_packet(void)
{
	return syscall(SYS_socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long
try_socket_udp(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static long
try_socket_raw(void)
{
	return syscall(SYS_socket, AF_INET6, SOCK_RAW | SOCK_CLOEXEC,
		       IPPROTO_RAW);
}

static long
try_socketpair(void)
{
	int ends[2];

	return syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
}

static long
try_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_ATTACH, things.parent, 0, 0);
}

static long
try_kill(void)
{
	return syscall(SYS_kill, things.parent, 0);
}

static long
try_tgkill(void)
{
	return syscall(SYS_tgkill, things.parent, things.parent, 0);
}

static long
try_setuid(void)
{
	return syscall(SYS_setuid, 0);
}

static long
try_capset(void)
{
	return syscall(SYS_capset, NULL, NULL);
}

static long
try_prctl(void)
{
	return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
try_mprotect(void)
{
	return syscall(SYS_mprotect, 0, 4096, 0);
}

static long
try_mmap(void)
{
	return syscall(SYS_mmap, NULL, 4096, 7, 0x22, -1, 0);
}

static long
try_ioctl(void)
{
	struct ifreq request = { .ifr_name = "lo" };

	return syscall(SYS_ioctl, things.udp, SIOCSIFFLAGS, &request);
}

static long
try_mount(void)
{
	return syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

/*
 * Entries of a map may be changed, by the server alone: but no other
 * command of bpf(2) is to be had.
 */
static long
call_bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof *attr);
}

static long
try_bpf_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	return call_bpf(BPF_MAP_CREATE, &attr);
}

static long
try_bpf_program(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = LENGTH(program);
	attr.license = (uint64_t)(uintptr_t) "ISC";
	return call_bpf(BPF_PROG_LOAD, &attr);
}

static long
try_bpf_link(void)
{
	union bpf_attr attr = { 0 };

	attr.link_create.prog_fd = (uint32_t)things.pipe[0];
	return call_bpf(BPF_LINK_CREATE, &attr);
}

static long
try_bpf_attach(void)
{
	union bpf_attr attr = { 0 };

	return call_bpf(BPF_PROG_ATTACH, &attr);
}

static long
try_bpf_run(void)
{
	union bpf_attr attr = { 0 };

	return call_bpf(BPF_PROG_TEST_RUN, &attr);
}

static long
try_bpf_ids(void)
{
	union bpf_attr attr = { 0 };

	return call_bpf(BPF_MAP_GET_FD_BY_ID, &attr);
}

static long
try_bpf_pinned(void)
{
	union bpf_attr attr = { 0 };

	return call_bpf(BPF_OBJ_GET, &attr);
}

/* The client not even that. */
static long
try_bpf_entry(void)
{
	union bpf_attr attr = { 0 };

	return call_bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

/* Only the server may not even do this. */
static long
try_socket_tcp(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

struct attempt {
	const char *name;
	long (*make)(void);
	bool by_server_only; /* the client needs it */
	bool by_client_only; /* the server does */
};

#define ATTEMPT(name)                                                          \
	{                                                                      \
#name, try_##name, false, false                                \
	}

static const struct attempt attempts[] = {
	ATTEMPT(openat),
	ATTEMPT(openat_to_write),
	ATTEMPT(openat2),
	ATTEMPT(unlink),
#ifdef SYS_open
	ATTEMPT(open),
	ATTEMPT(creat),
	ATTEMPT(fork),
	ATTEMPT(open_of_x32),
#endif
	ATTEMPT(clone),
	ATTEMPT(clone3),
	ATTEMPT(execve),
	ATTEMPT(execveat),
	ATTEMPT(connect),
	ATTEMPT(connect_udp),
	ATTEMPT(connect_unix),
	ATTEMPT(sendto_that_connects),
	ATTEMPT(sendmsg_that_connects),
	ATTEMPT(sendmmsg_that_connects),
	ATTEMPT(listen),
	ATTEMPT(accept),
	ATTEMPT(socket_unix),
	ATTEMPT(socket_netlink),
	ATTEMPT(socket_packet),
	ATTEMPT(socket_udp),
	ATTEMPT(socket_raw),
	ATTEMPT(socketpair),
	ATTEMPT(ptrace),
	ATTEMPT(kill),
	ATTEMPT(tgkill),
	ATTEMPT(setuid),
	ATTEMPT(capset),
	ATTEMPT(prctl),
	ATTEMPT(mprotect),
	ATTEMPT(mmap),
	ATTEMPT(ioctl),
	ATTEMPT(mount),
	ATTEMPT(bpf_map),
	ATTEMPT(bpf_program),
	ATTEMPT(bpf_link),
	ATTEMPT(bpf_attach),
	ATTEMPT(bpf_run),
	ATTEMPT(bpf_ids),
	ATTEMPT(bpf_pinned),
	{ "sendto_somebody", try_sendto_somebody, true, false },
	{ "sendmsg", try_sendmsg, true, false },
	{ "sendmmsg", try_sendmmsg, true, false },
	{ "bpf_entry", try_bpf_entry, false, true },
	{ "socket_tcp", try_socket_tcp, true, false },
};

static void
drop(enum privileges_role role)
{
	char why[WHY_MAX];

	if (privileges_drop(role, NULL, things.parent, why) < 0) {
		fprintf(stderr, "%s\n", why);
		_exit(NOT_DROPPED);
	}
}

/* What becomes of a child that makes the attempt. */
static int
fate_of(enum privileges_role role, long (*attempt)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		drop(role);
		_exit(attempt() < 0 ? FAILED : DONE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
try_all(enum privileges_role role)
{
	skip_in_valgrind();
#ifndef THIS_ARCH
	skip();
#endif
	for (size_t i = 0; i < LENGTH(attempts); i++) {
		int status;

		if ((attempts[i].by_server_only && role != PRIVILEGES_SERVER) ||
		    (attempts[i].by_client_only && role != PRIVILEGES_CLIENT)) {
			continue;
		}
		status = fate_of(role, attempts[i].make);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
			fail_msg("%s: status %#x, not killed for it",
				 attempts[i].name, (unsigned)status);
		}
	}
}

static void
a_server_cannot(void **state)
{
	(void)state;
	try_all(PRIVILEGES_SERVER);
}

static void
a_client_cannot(void **state)
{
	(void)state;
	try_all(PRIVILEGES_CLIENT);
}

/* ---- what has to be possible */

static long
need_messages(void)
{
	char bytes[8];
	struct iovec data = { bytes, sizeof bytes };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1 };
	struct mmsghdr many[2] = { { .msg_hdr = msg }, { .msg_hdr = msg } };
	struct pollfd fd = { .fd = things.pair[1], .events = POLLIN };

	if (sendmsg(things.pair[0], &msg, 0) != sizeof bytes ||
	    poll(&fd, 1, 10000) != 1 ||
	    recvmsg(things.pair[1], &msg, 0) != sizeof bytes ||
	    sendmmsg(things.pair[0], many, 2, MSG_NOSIGNAL) != 2 ||
	    recvmmsg(things.pair[1], many, 2, MSG_DONTWAIT, NULL) != 2) {
		return -1;
	}
	return 0;
}

static long
need_send(void)
{
	char bytes[8] = "";

	return send(things.pair[0], bytes, 1, MSG_DONTWAIT) == 1 &&
			recv(things.pair[1], bytes, 1, 0) == 1
		? 0
		: -1;
}

static long
need_datagrams(void)
{
	return sendto(things.udp, "x", 1, 0,
		      (const struct sockaddr *)&things.listening,
		      sizeof things.listening) == 1
		? 0
		: -1;
}

/* A link that is to become what it is: 0, or an errno. */
static int
change_link(struct netlink *nl)
{
	const struct ifinfomsg header = { .ifi_index = 1 };
	NETLINK_MSG(msg, 64);

	netlink_begin(&msg, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, nl->seq++);
	netlink_header(&msg, &header, sizeof header);
	return -netlink_call(nl, &msg, NULL, NULL);
}

/* Whoever has it has the right to; but not whoever opened it. */
static long
need_netlink(void)
{
	return change_link(&things.route) == EPERM ? 0 : -1;
}

static long
need_clocks(void)
{
	struct timespec now;

	if (syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) < 0) {
		return -1;
	}
	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
}

static long
need_log_and_pipes(void)
{
	char byte = 'x';

	if (write(things.pipe[1], &byte, 1) != 1 ||
	    read(things.pipe[0], &byte, 1) != 1) {
		return -1;
	}
	return write(STDERR_FILENO, "", 0);
}

static long
need_device_names(void)
{
	struct ifreq request = { .ifr_ifindex = 1 };

	return ioctl(things.udp, SIOCGIFNAME, &request);
}

static long
need_a_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof at;
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			      0);

	return fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
			getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
			at.sin_port == 0
		? -1
		: close(fd);
}

static long
need_random_numbers(void)
{
	char bytes[16];

	return syscall(SYS_getrandom, bytes, sizeof bytes, 0) == 16 ? 0 : -1;
}

static long
need_state_of_the_clock(void)
{
	struct timex state = { .modes = 0 };

	return adjtimex(&state) < 0 ? -1 : 0;
}

/* Where root may make no map, there is nothing to need. */
static long
need_entries(void)
{
	uint64_t key = 1, value = 2, found = 0;

	if (things.map < 0) {
		return 0;
	}
	return bpf_map_put(things.map, &key, &value, BPF_NOEXIST) < 0 ||
			bpf_map_put(things.map, &key, &value, BPF_NOEXIST) !=
				-EEXIST ||
			bpf_map_get(things.map, &key, &found) < 0 ||
			found != value
		? -1
		: bpf_map_remove(things.map, &key);
}

enum { BOTH = -1 };

static const struct need {
	const char *name;
	long (*have)(void);
	int role; /* enum privileges_role, or BOTH */
} needs[] = {
	{ "send", need_send, BOTH },
	{ "messages", need_messages, PRIVILEGES_CLIENT },
	{ "datagrams", need_datagrams, PRIVILEGES_CLIENT },
	{ "netlink that only reads", need_netlink, PRIVILEGES_SERVER },
	{ "clocks", need_clocks, BOTH },
	{ "log and pipes", need_log_and_pipes, BOTH },
	{ "names of devices", need_device_names, BOTH },
	{ "entries of a map", need_entries, PRIVILEGES_SERVER },
	{ "a port", need_a_port, PRIVILEGES_CLIENT },
	{ "random numbers", need_random_numbers, PRIVILEGES_CLIENT },
	{ "the state of the clock", need_state_of_the_clock,
	  PRIVILEGES_CLIENT },
};

/* The same request, by a socket that was opened with all rights. */
static void
who_may_changes_links(void **state)
{
	struct netlink nl = things.route;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root may\n");
		skip();
	}
	assert_int_equal(change_link(&nl), EPERM);
	nl.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(nl.fd >= 0);
	assert_int_equal(change_link(&nl), 0);
	close(nl.fd);
}

static void
what_is_needed_works(void **state)
{
	const enum privileges_role roles[] = { PRIVILEGES_SERVER,
					       PRIVILEGES_CLIENT };

	(void)state;
	skip_where_calls_are_added();
	for (size_t r = 0; r < LENGTH(roles); r++) {
		for (size_t i = 0; i < LENGTH(needs); i++) {
			int status;

			if (needs[i].role != BOTH &&
			    needs[i].role != (int)roles[r]) {
				continue;
			}
			status = fate_of(roles[r], needs[i].have);
			if (status != 0) {
				fail_msg("%s, role %d: status %#x",
					 needs[i].name, (int)roles[r],
					 (unsigned)status);
			}
		}
	}
}

/* ---- who it is then */

/* A line of /proc/PID/status, without its name; blanks are one each. */
static const char *
status_line(const char *status, const char *name, char out[128])
{
	const char *at = strstr(status, name);
	size_t len = 0;

	assert_non_null(at);
	for (at += strlen(name); *at && *at != '\n' && len < 127; at++) {
		out[len++] = *at == '\t' ? ' ' : *at;
	}
	out[len] = '\0';
	return out;
}

static void
check_status(const char *status)
{
	char line[128];
	uid_t uid;
	gid_t gid;
	char expected[128];

	find_user(PRIVILEGES_SERVER, NULL, things.parent, &uid, &gid);
	assert_int_not_equal(uid, 0);
	/* Nobody else has it. */
	assert_true(getpwnam("tap") || uid == UNUSED_IDS + (uid_t)getpid());
	snprintf(expected, sizeof expected, " %u %u %u %u", uid, uid, uid, uid);
	assert_string_equal(status_line(status, "\nUid:", line), expected);
	snprintf(expected, sizeof expected, " %u %u %u %u", gid, gid, gid, gid);
	assert_string_equal(status_line(status, "\nGid:", line), expected);
	status_line(status, "\nGroups:", line);
	assert_int_equal(line[strspn(line, " ")], '\0');
	/* CAP_NET_ADMIN is bit 12. */
	status_line(status, "\nCapEff:", line);
	assert_int_equal(strtoull(line, NULL, 16) & ~(1ull << 12), 0);
	status_line(status, "\nCapPrm:", line);
	assert_int_equal(strtoull(line, NULL, 16) & ~(1ull << 12), 0);
	assert_string_equal(status_line(status, "\nCapInh:", line),
			    " 0000000000000000");
	assert_string_equal(status_line(status, "\nCapBnd:", line),
			    " 0000000000000000");
	assert_string_equal(status_line(status, "\nCapAmb:", line),
			    " 0000000000000000");
	assert_string_equal(status_line(status, "\nNoNewPrivs:", line), " 1");
	assert_string_equal(status_line(status, "\nSeccomp:", line), " 2");
}

/* As /proc/self/uid_map has them. */
static void
finds_numbers_that_are_mapped(void **state)
{
	static const struct {
		const char *map;
		uint32_t id;
		bool is;
	} all[] = {
		{ "         0          0 4294967295\n", UNUSED_IDS, true },
		{ "         0          0 4294967295\n", UINT32_MAX, false },
		{ "0 1000 1\n", 0, true },
		{ "0 1000 1\n", 1, false },
		{ "0 100000 65536\n", UNUSED_IDS, false },
		{ "0 1000 1\n1879048192 7 10\n", UNUSED_IDS + 9, true },
		{ "0 1000 1\n1879048192 7 10\n", UNUSED_IDS + 10, false },
		{ "", 0, false },
		{ "x", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(all); i++) {
		struct scratch map;

		scratch_open(&map, all[i].map, 0600);
		assert_int_equal(is_mapped(map.path, all[i].id), all[i].is);
		scratch_close(&map);
	}
	assert_false(is_mapped("/no/such/file", 0));
}

/* Its user, its capabilities, as the kernel has them. */
static void
a_worker_is_nobody(void **state)
{
	char path[64], status[STATUS_MAX] = "";
	char byte = 'x';
	FILE *file;
	int ended;
	pid_t child;

	(void)state;
	skip_where_calls_are_added();
	if (geteuid() != 0) {
		print_message("only root has privileges to give up\n");
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		drop(PRIVILEGES_SERVER);
		_exit(write(things.pair[0], &byte, 1) == 1 &&
				      read(things.pair[0], &byte, 1) == 1
			      ? DONE
			      : FAILED);
	}
	assert_int_equal(read(things.pair[1], &byte, 1), 1);
	snprintf(path, sizeof path, "/proc/%d/status", (int)child);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(status, 1, sizeof status - 1, file) > 0);
	fclose(file);
	assert_int_equal(write(things.pair[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
	check_status(status);
}

/* Not even where workers have an account that is named. */
static void
a_resolver_is_no_worker(void **state)
{
	char why[WHY_MAX];
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root has privileges to give up\n");
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		_exit(privileges_drop(PRIVILEGES_RESOLVER, "nobody",
				      things.parent, why) == 0 &&
				      getuid() == UNUSED_IDS + (uid_t)getpid()
			      ? DONE
			      : FAILED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), DONE);
}

/* Landlock by itself: it would do where there is no list of calls. */
static void
files_are_hidden_all_the_same(void **state)
{
	int status;
	pid_t child;

	(void)state;
	skip_in_valgrind();
	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 1) {
		print_message("this kernel has no Landlock\n");
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char why[WHY_MAX];
		const int ways[] = { O_RDONLY, O_WRONLY, O_RDWR };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    hide_files(why) < 0) {
			_exit(NOT_DROPPED);
		}
		for (size_t i = 0; i < LENGTH(ways); i++) {
			if (open("/dev/null", ways[i]) >= 0 ||
			    errno != EACCES) {
				_exit(FAILED);
			}
		}
		_exit(open("/", O_RDONLY | O_DIRECTORY) < 0 &&
				      errno == EACCES &&
				      execl("/bin/true", "true", NULL) < 0 &&
				      errno == EACCES
			      ? DONE
			      : FAILED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int
refuse_landlock(uint32_t call)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { LENGTH(filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		? -1
		: prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/*
 * A container's profile that is older than Landlock answers with EPERM: then
 * the list of system calls has to do, and does.
 */
static void
a_profile_may_refuse_landlock(void **state)
{
	static const uint32_t calls[] = { SYS_landlock_create_ruleset,
					  SYS_landlock_restrict_self };

	(void)state;
	skip_where_calls_are_added();
#ifndef THIS_ARCH
	skip();
#endif
	for (size_t i = 0; i < LENGTH(calls); i++) {
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			if (refuse_landlock(calls[i]) < 0) {
				_exit(FAILED);
			}
			drop(PRIVILEGES_SERVER);
			(void)try_openat();
			_exit(DONE);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

/* Who is not of the family any more is not to go on. */
static void
an_orphan_gives_up(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		char why[WHY_MAX];

		/* Its parent is not process 1's. */
		_exit(privileges_drop(PRIVILEGES_SERVER, NULL, getpid(), why) <
					      0 &&
				      strncmp(why, "parent: ", 8) == 0
			      ? DONE
			      : FAILED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- a debug build */

static void
a_debug_build_says_which(void **state)
{
	char expected[64], said[64] = "";
	int ends[2];
	int status;
	pid_t child;

	(void)state;
	skip_where_calls_are_added();
#ifndef THIS_ARCH
	skip();
#endif
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    debug_calls_limit(PRIVILEGES_SERVER) < 0) {
			_exit(NOT_DROPPED);
		}
		_exit(try_openat() < 0 ? FAILED : DONE);
	}
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(read(ends[0], said, sizeof said - 1) > 0);
	close(ends[0]);
	snprintf(expected, sizeof expected, "tap: forbidden system call %d\n",
		 (int)SYS_openat);
	assert_string_equal(said, expected);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_server_cannot),
		T(a_client_cannot),
		T(who_may_changes_links),
		T(what_is_needed_works),
		T(finds_numbers_that_are_mapped),
		T(a_worker_is_nobody),
		T(a_resolver_is_no_worker),
		T(files_are_hidden_all_the_same),
		T(an_orphan_gives_up),
		T(a_debug_build_says_which),
		T(a_profile_may_refuse_landlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
