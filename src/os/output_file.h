/*
 * A file to write, whose name a person gave: as root, too, and in a folder
 * where others may have put something under that name.
 */
#ifndef TAP_OS_OUTPUT_FILE_H
#define TAP_OS_OUTPUT_FILE_H

/*
 * Open it for writing, empty: a new one for its owner alone (0600), or
 * one of our own.  A descriptor, or -errno: -ELOOP where it is a symbolic
 * link, -EPERM where it is another user's file or has other names.
 */
int output_file_open(const char *path);

/* The same in words, where strerror(3) would tell too little. */
const char *output_file_error(int rc);

#endif
