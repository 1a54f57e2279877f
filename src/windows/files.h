/*
 * Files by name, of posix.h: below a directory that is open, too.
 */
#ifndef TAP_WINDOWS_FILES_H
#define TAP_WINDOWS_FILES_H

#include "windows/posix.h"

/*
 * The path of a name in an open directory, the caller's to free; or NULL and
 * errno.
 */
wchar_t *files_path_at(int dir, const char *name);

#endif
