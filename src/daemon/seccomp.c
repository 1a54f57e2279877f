#include "daemon/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Calls have numbers, and arguments their places, of each machine's own: one
 * whose calls nobody has looked through does not get this far.
 */
#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && !defined(__ARMEB__)
#define THIS_ARCH AUDIT_ARCH_ARM
#elif defined(__mips64) && _MIPS_SIM == _ABI64 && defined(__MIPSEL__)
#define THIS_ARCH AUDIT_ARCH_MIPSEL64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define THIS_ARCH AUDIT_ARCH_S390X
#else
#error "no list of system calls for this processor: see seccomp.c"
#endif

#define SERVER (1u << PRIVILEGES_SERVER)
#define CLIENT (1u << PRIVILEGES_CLIENT)
#define LISTENER (1u << PRIVILEGES_LISTENER)
#define READER (1u << PRIVILEGES_READER)
#define CARRIER (1u << PRIVILEGES_CARRIER)
#define FOLLOWER (1u << PRIVILEGES_FOLLOWER)
#define PACKETS (SERVER | CLIENT | LISTENER | CARRIER)
#define ALL (PACKETS | READER | FOLLOWER)
#define TESTS_MAX 3u

/* What an argument has to be; halves of 64 bits are compared. */
struct test {
	uint16_t jump; /* BPF_JEQ: this value; BPF_JSET: none of these bits */
	uint16_t half;
	uint32_t value;
};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HIGH(argument) (2 * (argument))
#define LOW(argument) (2 * (argument) + 1)
#else
#define LOW(argument) (2 * (argument))
#define HIGH(argument) (2 * (argument) + 1)
#endif
#define IS(half, value)                                                        \
	{                                                                      \
		BPF_JEQ, half, value                                           \
	}
#define HAS_NOT(half, bits)                                                    \
	{                                                                      \
		BPF_JSET, half, bits                                           \
	}
#define CALL(who, what)                                                        \
	{                                                                      \
		.roles = (who), .number = SYS_##what                           \
	}
#define CALL_IF(who, what, ...)                                                \
	{                                                                      \
		.roles = (who), .number = SYS_##what, .tests = { __VA_ARGS__ } \
	}

/* What each role may do; what it does most comes first. */
static const struct call {
	unsigned roles;
	int number;
	struct test tests[TESTS_MAX]; /* the last of them have no jump */
} allowed[] = {
/* Packets, the log, the clocks, an end. */
#ifdef SYS_poll
	CALL(ALL, poll),
#endif
	CALL(ALL, ppoll),
	CALL(PACKETS, recvmmsg),
	CALL(PACKETS, recvfrom),
	CALL(PACKETS | FOLLOWER, recvmsg),
	CALL(ALL, read),
	CALL(ALL, pread64),
	CALL(ALL, write),
	CALL(PACKETS, writev),
#ifdef SYS_clock_gettime
	CALL(ALL, clock_gettime),
#endif
	CALL(PACKETS, getpid),
	CALL(PACKETS, getuid),
	CALL(PACKETS, geteuid),
	CALL(PACKETS, gettid),
	CALL(ALL, close),
	CALL(ALL, munmap),
	CALL(ALL, brk),
	CALL(ALL, madvise),
	CALL(ALL, futex),
	CALL(ALL, rt_sigreturn),
	CALL(ALL, rt_sigprocmask),
	CALL(ALL, restart_syscall),
	CALL(ALL, exit),
	CALL(ALL, exit_group),
	/*
	 * All but what connects.  The server, send(2) without an address: its
	 * sockets of netlink are bound to what they were opened for as long as
	 * none is given (os/netlink.h).
	 */
	CALL_IF(SERVER | FOLLOWER, sendto, HAS_NOT(LOW(3), MSG_FASTOPEN),
		IS(LOW(4), 0), IS(HIGH(4), 0)),
	CALL_IF(CLIENT | LISTENER, sendto, HAS_NOT(LOW(3), MSG_FASTOPEN)),
	CALL_IF(CLIENT | LISTENER, sendmsg, HAS_NOT(LOW(2), MSG_FASTOPEN)),
	CALL_IF(CLIENT | LISTENER, sendmmsg, HAS_NOT(LOW(3), MSG_FASTOPEN)),
	/* Reserving source ports, marks, random numbers, how the clock is. */
	CALL(CLIENT, bind),
	CALL(CLIENT, setsockopt),
	CALL(CLIENT, adjtimex),
	CALL(CLIENT, clock_adjtime),
	CALL(CLIENT | LISTENER, getsockname),
	CALL(CLIENT | LISTENER | CARRIER, getrandom),
	CALL_IF(CLIENT, socket, IS(LOW(0), AF_INET),
		IS(LOW(1), SOCK_STREAM | SOCK_CLOEXEC)),
	CALL_IF(CLIENT, socket, IS(LOW(0), AF_INET6),
		IS(LOW(1), SOCK_STREAM | SOCK_CLOEXEC)),
	CALL_IF(CLIENT, getsockopt, IS(LOW(1), SOL_SOCKET)),
	/* Connections of near sides; what libpcap has lost, and what it lacks.
	 */
	CALL(LISTENER, accept4),
	CALL(LISTENER, getsockopt),
	CALL(LISTENER | FOLLOWER, lseek),
	CALL_IF(LISTENER, setsockopt, IS(LOW(1), SOL_PACKET)), /* its end */

/*
 * Bytes between sockets that it was given, or that came.  It makes
 * none itself, and connects where it likes from those.
 */
#ifdef SYS_epoll_wait
	CALL(CARRIER, epoll_wait),
#endif
	CALL(CARRIER, epoll_pwait),
	CALL(CARRIER, epoll_create1),
	CALL(CARRIER, epoll_ctl),
	CALL(CARRIER, splice),
	CALL_IF(CARRIER, sendto, HAS_NOT(LOW(3), MSG_FASTOPEN), IS(LOW(4), 0),
		IS(HIGH(4), 0)),
	CALL(CARRIER, accept4),
	CALL(CARRIER, bind),
	CALL(CARRIER, connect),
	CALL(CARRIER, shutdown),
	CALL(CARRIER, pipe2),
	CALL(CARRIER, getsockname),
	CALL_IF(CARRIER, getsockopt, IS(LOW(1), SOL_SOCKET)),
	CALL_IF(CARRIER, setsockopt, IS(LOW(1), SOL_SOCKET),
		IS(LOW(2), SO_LINGER)),
	CALL_IF(CARRIER, setsockopt, IS(LOW(1), SOL_SOCKET),
		IS(LOW(2), SO_OOBINLINE)),
	CALL_IF(CARRIER, setsockopt, IS(LOW(1), SOL_SOCKET),
		IS(LOW(2), SO_KEEPALIVE)),
	CALL_IF(CARRIER, setsockopt, IS(LOW(1), SOL_SOCKET),
		IS(LOW(2), SO_REUSEADDR)),
	CALL_IF(CARRIER, setsockopt, IS(LOW(1), IPPROTO_TCP),
		IS(LOW(2), TCP_NODELAY)),
	CALL_IF(CARRIER, ioctl, IS(LOW(1), SIOCOUTQ)),
	CALL_IF(CARRIER, fcntl, IS(LOW(1), F_DUPFD_CLOEXEC)),
	CALL_IF(CARRIER, fcntl, IS(LOW(1), F_SETFD)), /* musl's part of that */
/* Memory, to write in, and never to run. */
#ifdef SYS_mmap
	CALL_IF(CARRIER, mmap, HAS_NOT(LOW(2), PROT_EXEC)),
#endif
#ifdef SYS_mmap2
	CALL_IF(CARRIER, mmap2, HAS_NOT(LOW(2), PROT_EXEC)),
#endif
	CALL_IF(CARRIER, mprotect, HAS_NOT(LOW(2), PROT_EXEC)),
	CALL(CARRIER, mremap),
	/* Names of devices; for libpcap, whether one is up, or why not. */
	CALL_IF(SERVER | CLIENT | LISTENER, ioctl, IS(LOW(1), SIOCGIFNAME)),
	CALL_IF(CLIENT | LISTENER, ioctl, IS(LOW(1), SIOCGIFFLAGS)),
	/* Entries of maps that are there: nothing is made, nothing loaded. */
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_GET_NEXT_KEY)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_LOOKUP_ELEM)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_UPDATE_ELEM)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_DELETE_ELEM)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_UPDATE_BATCH)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_DELETE_BATCH)),
	CALL_IF(SERVER, bpf, IS(LOW(0), BPF_MAP_LOOKUP_AND_DELETE_BATCH)),
#ifdef SYS_fcntl64
	CALL_IF(CARRIER, fcntl64, IS(LOW(1), F_DUPFD_CLOEXEC)),
	CALL_IF(CARRIER, fcntl64, IS(LOW(1), F_SETFD)),
#endif
#if __SIZEOF_LONG__ == 4
	/*
	 * The same on machines of 32 bits: with users, offsets and times that
	 * are wider than these once were; and, before Linux 5.1, without.
	 */
	CALL(ALL, ppoll_time64),
	CALL(PACKETS, recvmmsg_time64),
	CALL(ALL, clock_gettime64),
#ifdef SYS_clock_gettime32
	CALL(ALL, clock_gettime32), /* musl's name for it */
#endif
	CALL(ALL, futex_time64),
	CALL(PACKETS, getuid32),
	CALL(PACKETS, geteuid32),
	CALL(ALL, sigreturn),
	CALL(CLIENT, clock_adjtime64),
	CALL(LISTENER | FOLLOWER, _llseek),
#endif
};

#define CALLS (sizeof allowed / sizeof allowed[0])
/* Of a call: its number, two for each test, what to do, the number again. */
#define CALL_MAX (3 + 2 * TESTS_MAX)
#define AROUND 5u

struct program {
	struct sock_filter at[CALLS * CALL_MAX + AROUND];
	unsigned short len;
};

static void
put(struct program *p, unsigned code, size_t value, unsigned yes, unsigned no)
{
	p->at[p->len++] = (struct sock_filter){ (uint16_t)code, (uint8_t)yes,
						(uint8_t)no, (uint32_t)value };
}

static void
put_load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* If the number loaded is this one's, and the arguments, too, allow. */
static void
put_call(struct program *p, const struct call *call)
{
	unsigned left = 0;

	while (left < TESTS_MAX && call->tests[left].jump) {
		left++;
	}
	put(p, BPF_JMP | BPF_JEQ | BPF_K, (size_t)call->number, 0,
	    left ? 2 * left + 2 : 1);
	for (const struct test *t = call->tests; left > 0; t++) {
		const unsigned out = 2 * --left + 1;

		put_load(p,
			 offsetof(struct seccomp_data, args) +
				 t->half * sizeof(uint32_t));
		put(p, (unsigned)BPF_JMP | t->jump | BPF_K, t->value,
		    t->jump == BPF_JSET ? out : 0,
		    t->jump == BPF_JSET ? 0 : out);
	}
	put(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	if (call->tests[0].jump) {
		put_load(p, offsetof(struct seccomp_data, nr));
	}
}

#ifdef TAP_DEBUG
#define RET_FORBIDDEN SECCOMP_RET_TRAP

static void
report(int signal_no, siginfo_t *info, void *context)
{
	char line[64];
	int len = snprintf(line, sizeof line, "tap: forbidden system call %d\n",
			   info->si_syscall);

	(void)signal_no;
	(void)context;
	if (write(STDERR_FILENO, line, (size_t)len) < 0) {
		_exit(4);
	}
	_exit(4);
}

static void
watch(void)
{
	struct sigaction action = { .sa_sigaction = report,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
}
#else
#define RET_FORBIDDEN SECCOMP_RET_KILL_PROCESS

static void
watch(void)
{
}
#endif

int
seccomp_limit(enum privileges_role role)
{
	struct program p = { .len = 0 };
	struct sock_fprog program = { .filter = p.at };

	watch();
	put_load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
	put(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	put_load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		if (allowed[i].roles & 1u << role) {
			put_call(&p, &allowed[i]);
		}
	}
	put(&p, BPF_RET | BPF_K, RET_FORBIDDEN, 0, 0);
	program.len = p.len;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
