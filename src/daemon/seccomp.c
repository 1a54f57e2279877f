#include "daemon/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef THIS_ARCH
const bool seccomp_has_list = true;
#else
const bool seccomp_has_list = false;
#endif

/* What both roles need: packets, the log, the clocks, an end. */
static const int common[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,        SYS_recvmmsg,       SYS_recvfrom,
	SYS_recvmsg,      SYS_read,           SYS_pread64,
	SYS_write,        SYS_writev,         SYS_clock_gettime,
	SYS_getpid,       SYS_getuid,         SYS_geteuid,
	SYS_gettid,       SYS_close,          SYS_munmap,
	SYS_brk,          SYS_madvise,        SYS_futex,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_restart_syscall,
	SYS_exit,         SYS_exit_group,
};

/* And these, but for the flag by which they connect: their argument. */
static const struct {
	int number;
	unsigned flags;
} sending[] = {
	{ SYS_sendto, 3 },
	{ SYS_sendmsg, 2 },
	{ SYS_sendmmsg, 3 },
};

/* Entries of maps that are there: nothing is made, nothing loaded. */
static const uint32_t server_bpf[] = {
	BPF_MAP_GET_NEXT_KEY,
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM,
	BPF_MAP_UPDATE_BATCH,
	BPF_MAP_DELETE_BATCH,
	BPF_MAP_LOOKUP_AND_DELETE_BATCH,
};

/* Reserving source ports, marks, random numbers, how the clock is. */
static const int client[] = {
	SYS_bind,      SYS_getsockname, SYS_setsockopt,
	SYS_getrandom, SYS_adjtimex,    SYS_clock_adjtime,
};

/* Connections of near sides; what libpcap has lost, and what it lacks. */
static const int listener[] = {
	SYS_accept4, SYS_getrandom, SYS_getsockopt, SYS_getsockname, SYS_lseek,
};

/*
 * Two instructions for each call, five for each with an argument and seven
 * with two, or nine: three that send, two ioctls, two sockets, an option of
 * sockets, seven of bpf(2); six around them.
 */
#define PROGRAM_MAX                                                            \
	(2 * (sizeof common + sizeof client + sizeof listener) /               \
		 sizeof common[0] +                                            \
	 85)

struct program {
	struct sock_filter at[PROGRAM_MAX];
	unsigned short len;
};

static void
put(struct program *p, struct sock_filter instruction)
{
	p->at[p->len++] = instruction;
}

static void
put_load(struct program *p, size_t offset)
{
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					 (uint32_t)offset));
}

/* If the number loaded is this one, allow; else go on. */
static void
put_allow(struct program *p, uint32_t number)
{
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0,
					 1));
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

/* The low half of an argument. */
static void
put_load_argument(struct program *p, unsigned argument)
{
	put_load(p,
		 offsetof(struct seccomp_data, args) +
			 argument * sizeof(uint64_t));
}

/* If it is, and an argument has this value, allow. */
static void
put_allow_if(struct program *p, uint32_t number, unsigned argument,
	     uint32_t value)
{
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0,
					 4));
	put_load_argument(p, argument);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0,
					 1));
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_load(p, offsetof(struct seccomp_data, nr));
}

/* If it is, and an argument has none of these bits, allow. */
static void
put_allow_without(struct program *p, uint32_t number, unsigned argument,
		  uint32_t bits)
{
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0,
					 4));
	put_load_argument(p, argument);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1,
					 0));
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_load(p, offsetof(struct seccomp_data, nr));
}

/*
 * If it is send(2), without an address, allow: of the sockets that the server
 * has, those of netlink are bound to what they were opened for as long as
 * none is given (os/netlink.h).
 */
static void
put_allow_send(struct program *p)
{
	const size_t addr =
		offsetof(struct seccomp_data, args) + 4 * sizeof(uint64_t);

	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto,
					 0, 8));
	put_load_argument(p, 3);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
					 MSG_FASTOPEN, 5, 0));
	put_load(p, addr);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3));
	put_load(p, addr + 4);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1));
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_load(p, offsetof(struct seccomp_data, nr));
}

/* If it makes a TCP socket of this family, allow: a port is reserved so. */
static void
put_allow_tcp_socket(struct program *p, uint32_t family)
{
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket,
					 0, 6));
	put_load_argument(p, 0);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 0,
					 3));
	put_load_argument(p, 1);
	put(p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					 SOCK_STREAM | SOCK_CLOEXEC, 0, 1));
	put(p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_load(p, offsetof(struct seccomp_data, nr));
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
#ifdef THIS_ARCH
	struct program p = { .len = 0 };
	struct sock_fprog program = { .filter = p.at };

	watch();
	put_load(&p, offsetof(struct seccomp_data, arch));
	put(&p,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH,
					 1, 0));
	put(&p,
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					 SECCOMP_RET_KILL_PROCESS));
	put_load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
		put_allow(&p, (uint32_t)common[i]);
	}
	if (role == PRIVILEGES_SERVER) {
		put_allow_send(&p);
	}
	for (size_t i = 0; role != PRIVILEGES_SERVER &&
	     i < sizeof sending / sizeof sending[0];
	     i++) {
		put_allow_without(&p, (uint32_t)sending[i].number,
				  sending[i].flags, MSG_FASTOPEN);
	}
	for (size_t i = 0;
	     role == PRIVILEGES_CLIENT && i < sizeof client / sizeof client[0];
	     i++) {
		put_allow(&p, (uint32_t)client[i]);
	}
	for (size_t i = 0; role == PRIVILEGES_LISTENER &&
	     i < sizeof listener / sizeof listener[0];
	     i++) {
		put_allow(&p, (uint32_t)listener[i]);
	}
	/* Names of devices, and nothing else of them. */
	put_allow_if(&p, SYS_ioctl, 1, SIOCGIFNAME);
	for (size_t i = 0; role == PRIVILEGES_SERVER &&
	     i < sizeof server_bpf / sizeof server_bpf[0];
	     i++) {
		put_allow_if(&p, SYS_bpf, 0, server_bpf[i]);
	}
	if (role == PRIVILEGES_CLIENT) {
		put_allow_tcp_socket(&p, AF_INET);
		put_allow_tcp_socket(&p, AF_INET6);
		/* For libpcap: whether it is up, or else why not. */
		put_allow_if(&p, SYS_ioctl, 1, SIOCGIFFLAGS);
		put_allow_if(&p, SYS_getsockopt, 1, SOL_SOCKET);
	}
	if (role == PRIVILEGES_LISTENER) {
		put_allow_if(&p, SYS_ioctl, 1, SIOCGIFFLAGS);
		/* libpcap, when it closes. */
		put_allow_if(&p, SYS_setsockopt, 1, SOL_PACKET);
	}
	put(&p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, RET_FORBIDDEN));
	program.len = p.len;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#else
	/* No list for this machine yet: the other means have to do. */
	(void)role;
	watch();
	return 0;
#endif
}
