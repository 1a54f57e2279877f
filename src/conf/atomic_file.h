/*
 * Files that are replaced as a whole: whoever reads one, also after a
 * crash or with a full disk, finds the old or the new content and nothing
 * between.  One lock a directory keeps writers apart, so that a key file
 * and an access list side by side have the same one.
 *
 * Functions return 0 or a negative errno with the error in err
 * (CONF_ERROR_MAX): -EINVAL where the file is refused for what it is,
 * -EEXIST where it is there and must not be.
 */
#ifndef TAP_CONF_ATOMIC_FILE_H
#define TAP_CONF_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/grammar.h"

/* NAME_MAX, less what temporary names add */
#define ATOMIC_FILE_NAME_MAX 240u
#define ATOMIC_FILE_LOCK_SECONDS 60u /* hundreds of writers take a few */

struct rewrite {
	const char *path;
	int dir; /* locked while open */
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
/*
 * Put a new content in place; mode and owner stay.  A new file is this
 * user's and has mode 0600.
 */
int atomic_file_commit(const struct rewrite *rw, const void *bytes, size_t len,
		       char *err);
/* Unlock. */
void atomic_file_close(struct rewrite *rw);

/* Write a file that must not exist yet, with mode 0600; no lock. */
int atomic_file_create(const char *path, const void *bytes, size_t len,
		       char *err);

/* Write all to a descriptor.  0 or -errno. */
int atomic_file_write(int fd, const void *bytes, size_t len);

#endif
