/*
 * The processes of a guest's kernel: their open files, and the paths of their
 * programs.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_TASK_H
#define TAP_GUESTS_TASK_H

#include <stdint.h>

#include "guests/kernel.h"
#include "guests/owner.h"

/* A process, as far as it is looked at. */
struct kernel_task {
	uint64_t address, mm, files, cred, parent, signal, start, next, prev;
	struct guest_process process; /* but for its user */
};

int kernel_read_task(const struct kernel *k, uint64_t address,
		     struct kernel_task *task);
/* Its effective user. */
int kernel_task_uid(const struct kernel *k, struct kernel_task *task);
/*
 * Of a process whose first thread has ended, the files are another one's.
 * 0, or -errno.
 */
int kernel_task_files(const struct kernel *k, struct kernel_task *task);

/* A table of open files. */
struct kernel_files {
	uint64_t table;  /* of pointers */
	uint32_t count;  /* of these */
	uint32_t shared; /* tasks that have it */
};

int kernel_read_files(const struct kernel *k, uint64_t files,
		      struct kernel_files *into);
/*
 * Each open file, until each() returns something else than 0, which is
 * returned; or -errno.
 */
int kernel_each_file(const struct kernel *k, const struct kernel_files *files,
		     int (*each)(void *of, uint64_t file), void *of);
/* 1: it has this file open; 0: it has not; or -errno. */
int kernel_has_file(const struct kernel *k, const struct kernel_files *files,
		    uint64_t file);
/* How many have a file open; and the rights of whoever opened it. */
struct kernel_file {
	uint64_t users, cred;
};
int kernel_read_file(const struct kernel *k, uint64_t address,
		     struct kernel_file *file);

/*
 * The path of its program, as /proc/PID/exe has it; empty where it has none.
 * 0 or -errno.
 */
int kernel_exe(const struct kernel *k, uint64_t mm, char exe[GUEST_EXE_MAX]);

#endif
