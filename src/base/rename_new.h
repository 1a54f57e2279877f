/*
 * The last step of making a file: its name, at once and for no other.
 */
#ifndef TAP_BASE_RENAME_NEW_H
#define TAP_BASE_RENAME_NEW_H

/*
 * Rename a file in an open directory, unless the new name is taken.  0,
 * -EEXIST or another -errno; then it has its old name.
 */
int naming_new(int dir, const char *from, const char *to);

#endif
