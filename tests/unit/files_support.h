/*
 * What the tests of files and of the system share.
 */
#ifndef TAP_FILES_SUPPORT_H
#define TAP_FILES_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A file in memory: there is nothing to clean up, however a test ends. */
struct scratch {
	int fd;
	char path[32];
};

void scratch_open(struct scratch *s, const char *text, mode_t mode);
void scratch_close(struct scratch *s);

/*
 * Fail unless err is one printable line that begins with "path:line: "
 * (line 0: "path: ") and has `why` in it.
 */
void check_error(const char *err, const char *path, unsigned line,
		 const char *why);
/* Fail where text has two bytes in a row of a secret, given as digits. */
void check_no_secret(const char *text, const char *digits);

/* Descriptors of this process that are open. */
size_t count_fds(void);

/* What is written to standard error between the two, ended by NUL. */
void capture_begin(void);
const char *capture_end(void);

/*
 * Give this process a network namespace of its own, with its loopback
 * up; it ends with the process.  To be a group's setup: tests then skip
 * by require_namespace() where that takes more privilege than we have.
 */
int namespace_setup(void **state);
void require_namespace(void);
/* There: the range of ports of the kernel's own choice. */
void set_port_range(unsigned low, unsigned high);

/* Another user's work: a child with that uid; its exit status. */
int as_user(uid_t uid, int (*work)(void *context), void *context);

#endif
