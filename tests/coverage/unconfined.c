/* SPDX-License-Identifier: ISC */
/*
 * For `make coverage`, in the place of the C library's: what was executed
 * is written when a process ends, which one that is confined can't do.  So
 * here the worker can take its user back, may open files, and has no list of
 * system calls; and _exit() writes, too.  What that takes of memory is set
 * aside: a test may have left the process none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setuid(uid_t user);
int __real_prctl(int what, ...);
int __wrap_prctl(int what, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void __real_free(void *block);
void __wrap_free(void *block);

/* A file of counts takes a buffer of stdio's, and there are some hundred. */
#define ASIDE_MAX (1U << 20)

static _Alignas(max_align_t) uint8_t aside[ASIDE_MAX];
static size_t taken;
static bool at_end;

/* Before the counts are written, which files of root's are for. */
__attribute__((destructor)) static void
take_user_back(void)
{
	int null;

	at_end = true;
	(void)__real_setresuid((uid_t)-1, 0, (uid_t)-1);
	/* Who has never been root can't write, and is not to complain of it. */
	if (geteuid() != 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		(void)dup2(null, STDERR_FILENO);
	}
}

void
__wrap__exit(int status)
{
	take_user_back();
	__gcov_dump();
	__real__exit(status);
}

int
__wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	(void)saved;
	return __real_setresuid(real, effective, 0);
}

/* It is called to see whether root can be had again, too. */
int
__wrap_setuid(uid_t user)
{
	if (user == 0) {
		errno = EPERM;
		return -1;
	}
	return __real_setresuid(user, user, 0);
}

int
__wrap_prctl(int what, ...)
{
	unsigned long args[4];
	va_list list;

	va_start(list, what);
	for (int i = 0; i < 4; i++) {
		args[i] = va_arg(list, unsigned long);
	}
	va_end(list);
	return what == PR_SET_SECCOMP
		? 0
		: __real_prctl(what, args[0], args[1], args[2], args[3]);
}

long
__wrap_syscall(long number, ...)
{
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++) {
		args[i] = va_arg(list, long);
	}
	va_end(list);
	if (number == SYS_landlock_create_ruleset) {
		errno = ENOSYS;
		return -1;
	}
	return __real_syscall(number, args[0], args[1], args[2], args[3],
			      args[4], args[5]);
}

void *
__wrap_malloc(size_t size)
{
	size_t left = sizeof aside - taken, align = _Alignof(max_align_t);
	void *block = &aside[taken];

	if (!at_end || size > left - left % align) {
		return __real_malloc(size);
	}
	taken += size + (align - size % align) % align;
	return block;
}

void
__wrap_free(void *block)
{
	uintptr_t at = (uintptr_t)block, first = (uintptr_t)aside;

	if (at < first || at - first >= sizeof aside) {
		__real_free(block);
	}
}
