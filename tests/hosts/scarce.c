/* SPDX-License-Identifier: ISC */
/*
 * Preloaded (LD_PRELOAD), this has one allocation of a program fail: number
 * SCARCE_AT, from 1 on, of those made within main().  The file SCARCE_TOLD
 * is made then.  What the program starts, and its children, have all the
 * memory they want; and so have glibc where it looks users, services and
 * hosts up, and libpcap where it reads a filter, which would crash.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pcap/pcap.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *main, int argc, char **argv,
			   void (*init)(void), void (*fini)(void),
			   void (*rtld_fini)(void), void *stack_end);

/* What glibc calls its own by. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
pid_t __fork(void);
start_function __libc_start_main;

static main_function *real_main;
static unsigned long left; /* until one fails; 0: none will */
static char told[4096];

static bool
fails(void)
{
	if (left == 0 || --left > 0) {
		return false;
	}
	close(open(told, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return fails() ? NULL : __libc_realloc(block, size);
}

void *
reallocarray(void *block, size_t count, size_t size)
{
	if (size > 0 && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, count * size);
}

void *
mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (fails()) {
		return MAP_FAILED;
	}
	/* The call's result is a place, or -1: MAP_FAILED. */
	return (void *)syscall(SYS_mmap, at, len, protection, flags, fd,
			       offset);
}

pid_t
fork(void)
{
	pid_t pid = __fork();

	if (pid == 0) {
		left = 0;
	}
	return pid;
}

/* The C library's own, of a name that is defined here, too. */
static void
find(void *function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	/* ISO C does not know how a place becomes a function's. */
	memcpy(function, &found, sizeof found);
}

/* A call that has all the memory it wants. */
#define AMPLE(type, name, parameters, arguments)                               \
	type name parameters                                                   \
	{                                                                      \
		type(*real) parameters;                                        \
		unsigned long kept = left;                                     \
		type result;                                                   \
		left = 0;                                                      \
		find(&real, #name);                                            \
		result = real arguments;                                       \
		left = kept;                                                   \
		return result;                                                 \
	}

AMPLE(struct passwd *, getpwnam, (const char *name), (name))
AMPLE(struct servent *, getservbyname, (const char *name, const char *protocol),
      (name, protocol))
AMPLE(struct servent *, getservbyport, (int port, const char *protocol),
      (port, protocol))
AMPLE(int, getaddrinfo,
      (const char *node, const char *service, const struct addrinfo *hints,
       struct addrinfo **out),
      (node, service, hints, out))
AMPLE(int, pcap_compile,
      (pcap_t * pcap, struct bpf_program *program, const char *text,
       int optimize, bpf_u_int32 netmask),
      (pcap, program, text, optimize, netmask))

/* Not what comes before main() and after it, as counting coverage does. */
static int
scarce_main(int argc, char **argv, char **environment)
{
	const char *at = getenv("SCARCE_AT");
	const char *file = getenv("SCARCE_TOLD");
	int status;

	if (at && file && strlen(file) < sizeof told) {
		memcpy(told, file, strlen(file) + 1);
		left = strtoul(at, NULL, 10);
	}
	unsetenv("LD_PRELOAD");
	status = real_main(argc, argv, environment);
	left = 0;
	return status;
}

int
__libc_start_main(main_function *main, int argc, char **argv,
		  void (*init)(void), void (*fini)(void),
		  void (*rtld_fini)(void), void *stack_end)
{
	start_function *start;

	find(&start, "__libc_start_main");
	real_main = main;
	return start(scarce_main, argc, argv, init, fini, rtld_fini, stack_end);
}
