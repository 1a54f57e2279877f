/*
 * Files that have no name until they are complete, and are gone with the
 * process where it ends before.
 */
#ifndef TAP_BASE_UNNAMED_FILE_H
#define TAP_BASE_UNNAMED_FILE_H

/*
 * Open one to write, of mode 0600, in the file system of an open
 * directory.  A descriptor, or -errno; -EOPNOTSUPP: there are none here.
 */
int unnamed_open(int dir);

/*
 * Give it a name in an open directory.  0 or -errno: -EEXIST where the
 * name is taken, -EOPNOTSUPP where it can get none here.
 */
int unnamed_link(int fd, int dir, const char *name);

#endif
