#include "windows/text.h"

#include <errno.h>
#include <stdbool.h>

wchar_t *
text_wide(const char *utf8)
{
	const int len = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8,
					    -1, NULL, 0);
	wchar_t *wide = len > 0 ? calloc((size_t)len, sizeof *wide) : NULL;

	errno = len > 0 ? ENOMEM : EILSEQ;
	if (wide) {
		MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, len);
	}
	return wide;
}

char *
text_utf8(const wchar_t *wide)
{
	const int len =
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
	char *utf8 = len > 0 ? calloc((size_t)len, 1) : NULL;

	errno = len > 0 ? ENOMEM : EILSEQ;
	if (utf8) {
		WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL,
				    NULL);
	}
	return utf8;
}

wchar_t *
text_path(const char *utf8)
{
	/* A drive alone would be the directory that is current there. */
	const bool drive = utf8[0] && utf8[1] == ':' && !utf8[2];
	const char root[] = { utf8[0], ':', '\\', '\0' };
	wchar_t *wide = text_wide(strcmp(utf8, "/dev/null") == 0 ? "NUL"
					  : drive                ? root
								 : utf8);

	for (wchar_t *at = wide; at && *at; at++) {
		*at = *at == L'/' ? L'\\' : *at;
	}
	return wide;
}

int
text_error(DWORD error)
{
	static const struct {
		DWORD windows;
		int c;
	} known[] = {
		{ ERROR_FILE_NOT_FOUND, ENOENT },
		{ ERROR_PATH_NOT_FOUND, ENOENT },
		{ ERROR_INVALID_NAME, ENOENT },
		{ ERROR_BAD_NETPATH, ENOENT },
		{ ERROR_INVALID_DRIVE, ENOENT },
		{ ERROR_DIRECTORY, ENOTDIR },
		{ ERROR_ACCESS_DENIED, EACCES },
		{ ERROR_SHARING_VIOLATION, EACCES },
		{ ERROR_WRITE_PROTECT, EROFS },
		{ ERROR_LOCK_VIOLATION, EWOULDBLOCK },
		{ ERROR_FILE_EXISTS, EEXIST },
		{ ERROR_ALREADY_EXISTS, EEXIST },
		{ ERROR_DISK_FULL, ENOSPC },
		{ ERROR_HANDLE_DISK_FULL, ENOSPC },
		{ ERROR_INVALID_HANDLE, EBADF },
		{ ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
		{ ERROR_OUTOFMEMORY, ENOMEM },
		{ ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
		{ ERROR_DIR_NOT_EMPTY, ENOTEMPTY },
		{ WSAEACCES, EACCES },
		{ WSAEADDRINUSE, EADDRINUSE },
		{ WSAEADDRNOTAVAIL, EADDRNOTAVAIL },
		{ WSAEAFNOSUPPORT, EAFNOSUPPORT },
		{ WSAEMFILE, EMFILE },
		{ WSAENOBUFS, ENOBUFS },
	};

	errno = EIO;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].windows == error) {
			errno = known[i].c;
		}
	}
	return -1;
}
