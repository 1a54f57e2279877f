/*
 * Text and errors between Windows, which has UTF-16 and numbers of its own,
 * and the C library.
 */
#ifndef TAP_WINDOWS_TEXT_H
#define TAP_WINDOWS_TEXT_H

#include "windows/posix.h"

/* The caller's to free.  NULL, and errno: there is no memory, or no sense. */
wchar_t *text_wide(const char *utf8);
char *text_utf8(const wchar_t *wide);

/*
 * As Windows takes a path: with backslashes.  "/dev/null" is NUL, and "C:"
 * that drive's root.
 */
wchar_t *text_path(const char *utf8);

/* Sets errno by what GetLastError() or WSAGetLastError() is.  -1. */
int text_error(DWORD error);

#endif
