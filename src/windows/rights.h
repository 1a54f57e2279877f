/*
 * What the access control list of a file comes to, as a mode and an owner:
 * whoever decides on those by POSIX decides on these.
 */
#ifndef TAP_WINDOWS_RIGHTS_H
#define TAP_WINDOWS_RIGHTS_H

#include "windows/posix.h"

/*
 * Set owner and mode of an open file or directory.  The owner is 0 where it
 * is the system or its administrators, WINDOWS_USER, or WINDOWS_OTHER.
 * Others than these three have the bits of group and others: r, where they
 * may read; w, where they may change what it is, or (of a directory) replace
 * what is in it.  What can't be told is theirs.
 */
void rights_of(HANDLE file, struct windows_stat *st);

/*
 * For a new file or directory: its maker and the system alone.  Or NULL,
 * with which nothing is to be made.
 */
SECURITY_ATTRIBUTES *rights_private(void);
/*
 * The same, which this user owns: a file of an administrator's is the
 * administrators', but who asks by a pipe looks at whose it is.
 */
SECURITY_ATTRIBUTES *rights_private_named(void);

#endif
