/*
 * Files that are replaced as a whole: whoever reads one, also after a
 * crash or with a full disk, finds the old or the new content and nothing
 * between.  One lock a directory keeps writers apart, so that a key file
 * and an access list side by side have the same one.  It is a file there
 * that only this user may open, gone with the last writer: who may read
 * the directory can't hold it.
 *
 * What is written has no name until it is whole, where the system knows
 * such files; else the name that is told below, which the next writer
 * removes.  From open to close signals wait, for no more than that; who works
long between them asks hold_signals_waiting().
 *
 * Functions return 0 or a negative errno with the error in err
 * (CONF_ERROR_MAX): -EINVAL where the file is refused for what it is,
 * -EEXIST where it is there and must not be, -EINTR where a signal came
 * before the lock.
 */
#ifndef TAP_CONF_ATOMIC_FILE_H
#define TAP_CONF_ATOMIC_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/grammar.h"

/* NAME_MAX, less what temporary names add */
#define ATOMIC_FILE_NAME_MAX 220u
#define ATOMIC_FILE_LOCK_SECONDS 60u /* hundreds of writers take a few */
#define ATOMIC_FILE_LOCK ".tap.lock"

struct rewrite {
	const char *path;
	int dir;    /* open while this is */
	int lock;   /* or -1 */
	bool holds; /* signals; these were before: */
	sigset_t signals;
	bool exists;
	mode_t mode; /* of the file, with its owner */
	uid_t uid;
	gid_t gid;
	char name[ATOMIC_FILE_NAME_MAX + 1];
};

/*
 * Lock the directory of a file and read the file into *file, which is
 * empty where there is none yet.  Symbolic links are refused, and
 * whatever conf_open() refuses.
 */
int atomic_file_open(struct rewrite *rw, const char *path,
		     enum conf_secrecy secrecy, struct conf_file *file,
		     char *err);
/* The same without a lock, for who is only going to look. */
int atomic_file_look(struct rewrite *rw, const char *path,
		     enum conf_secrecy secrecy, struct conf_file *file,
		     char *err);
/*
 * Put a new content in place; mode and owner stay.  A new file is this
 * user's and has mode 0600.  It may have been written as .NAME.new.
 */
int atomic_file_commit(const struct rewrite *rw, const void *bytes, size_t len,
		       char *err);
/* Unlock, and let signals come. */
void atomic_file_close(struct rewrite *rw);

/* Open and lock a directory alone: rw->dir. */
int atomic_file_open_dir(struct rewrite *rw, const char *path, char *err);

/* Write a file that must not exist yet, with mode 0600. */
int atomic_file_create(const char *path, const void *bytes, size_t len,
		       char *err);

/* Write all to a descriptor.  0 or -errno. */
int atomic_file_write(int fd, const void *bytes, size_t len);

/*
 * Make a file in an open directory that is locked, whole and on the disk,
 * with mode 0600; its name must not be taken.  0 or -errno.
 */
int atomic_file_make(int dir, const char *name, const void *bytes, size_t len);
/* After names changed: until then that may be undone by a crash. */
int atomic_file_sync(int dir);

#endif
