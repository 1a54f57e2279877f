/* SPDX-License-Identifier: ISC */
/*
 * For `make coverage`, in the place of the C library's: what was executed
 * is written when a process ends, which one that is confined can't do.  So
 * here the worker keeps its user, may open files, and has no list of system
 * calls; and _exit() writes, too.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __real_prctl(int what, ...);
int __wrap_prctl(int what, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

void
__wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

int
__wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	(void)real;
	(void)effective;
	(void)saved;
	return 0;
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
	return what == PR_SET_SECCOMP ?
		       0 : __real_prctl(what, args[0], args[1], args[2],
					args[3]);
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
