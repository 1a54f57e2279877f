#include "windows/files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <wchar.h>

#include "windows/rights.h"
#include "windows/text.h"

#undef open
#undef close
#undef unlink
#undef mkdir

#define SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
/* A name is taken until who had a removed file open has closed it. */
#define REMOVED_WAIT_MS 10
#define REMOVED_TRIES 50
/* A path with its \\?\ is no longer. */
#define WIDE_PATH_MAX 32768u

/* Of an open file or directory, with its links followed: \\?\C:\... */
static wchar_t *
final_path(HANDLE file, size_t more)
{
	wchar_t *path = calloc(WIDE_PATH_MAX + more, sizeof *path);
	DWORD len;

	if (!path) {
		return NULL;
	}
	len = GetFinalPathNameByHandleW(file, path, WIDE_PATH_MAX,
					FILE_NAME_NORMALIZED);
	if (len == 0 || len >= WIDE_PATH_MAX) {
		text_error(GetLastError());
		free(path);
		return NULL;
	}
	return path;
}

wchar_t *
files_path_at(int dir, const char *name)
{
	wchar_t *below = text_path(name);
	wchar_t *path;

	if (!below) {
		return NULL;
	}
	path = final_path((HANDLE)_get_osfhandle(dir), wcslen(below) + 2);
	if (path && strcmp(name, ".") != 0) {
		size_t len = wcslen(path);

		if (len > 0 && path[len - 1] != L'\\') {
			path[len++] = L'\\';
		}
		wcscpy(path + len, below);
	}
	free(below);
	return path;
}

static HANDLE
create(const wchar_t *path, int flags)
{
	const int access = flags & (O_RDONLY | O_WRONLY | O_RDWR);
	SECURITY_ATTRIBUTES *rights = NULL;
	DWORD how = OPEN_EXISTING;
	DWORD as = FILE_FLAG_BACKUP_SEMANTICS;

	if (flags & O_CREAT) {
		rights = rights_private();
		if (!rights) {
			SetLastError(ERROR_ACCESS_DENIED);
			return INVALID_HANDLE_VALUE;
		}
		how = flags & O_EXCL      ? CREATE_NEW
			: flags & O_TRUNC ? CREATE_ALWAYS
					  : OPEN_ALWAYS;
	}
	if (flags & O_NOFOLLOW) {
		as |= FILE_FLAG_OPEN_REPARSE_POINT;
	}
	return CreateFileW(path,
			   access == O_WRONLY ? GENERIC_WRITE | READ_CONTROL |
					   FILE_READ_ATTRIBUTES
				   : access == O_RDWR
				   ? GENERIC_READ | GENERIC_WRITE
				   : GENERIC_READ,
			   SHARE, rights, how, as, NULL);
}

/* What it is, of what was asked for.  0, or -1 and errno. */
static int
is_wanted(HANDLE file, int flags)
{
	BY_HANDLE_FILE_INFORMATION info;

	if (!GetFileInformationByHandle(file, &info)) {
		return 0; /* no file on a disk */
	}
	if (flags & O_NOFOLLOW &&
	    info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) {
		errno = ELOOP;
		return -1;
	}
	if (flags & O_DIRECTORY &&
	    !(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
		errno = ENOTDIR;
		return -1;
	}
	return 0;
}

/* Takes the path. */
static int
open_path(wchar_t *path, int flags)
{
	HANDLE file = INVALID_HANDLE_VALUE;
	int fd;

	if (!path) {
		return -1;
	}
	for (int i = 0; i < REMOVED_TRIES; i++) {
		file = create(path, flags);
		if (file != INVALID_HANDLE_VALUE || !(flags & O_CREAT) ||
		    GetLastError() != ERROR_ACCESS_DENIED) {
			break;
		}
		Sleep(REMOVED_WAIT_MS);
	}
	free(path);
	if (file == INVALID_HANDLE_VALUE) {
		return text_error(GetLastError());
	}
	if (is_wanted(file, flags) < 0) {
		CloseHandle(file);
		return -1;
	}
	fd = _open_osfhandle((intptr_t)file,
			     O_BINARY | O_NOINHERIT |
				     (flags & (O_RDONLY | O_APPEND)));
	if (fd < 0) {
		CloseHandle(file);
	}
	return fd;
}

int
windows_open(const char *path, int flags, ...)
{
	return open_path(text_path(path), flags);
}

int
openat(int dir, const char *name, int flags, ...)
{
	return open_path(files_path_at(dir, name), flags);
}

int
windows_close(int fd)
{
	return windows_close_socket(fd) ? 0 : _close(fd);
}

/* Takes the path. */
static int
remove_path(wchar_t *path)
{
	bool done;

	if (!path) {
		return -1;
	}
	done = DeleteFileW(path);
	free(path);
	return done ? 0 : text_error(GetLastError());
}

int
windows_unlink(const char *path)
{
	return remove_path(text_path(path));
}

int
unlinkat(int dir, const char *name, int flags)
{
	(void)flags;
	return remove_path(files_path_at(dir, name));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	wchar_t *old = files_path_at(from_dir, from);
	wchar_t *new = files_path_at(to_dir, to);
	int rc = -1;

	if (old && new) {
		rc = MoveFileExW(old, new,
				 MOVEFILE_REPLACE_EXISTING |
					 MOVEFILE_WRITE_THROUGH)
			? 0
			: text_error(GetLastError());
	}
	free(old);
	free(new);
	return rc;
}

int
windows_mkdir(const char *path, unsigned mode)
{
	SECURITY_ATTRIBUTES *rights = rights_private();
	wchar_t *wide = text_path(path);
	int rc = -1;

	(void)mode;
	if (wide && rights) {
		rc = CreateDirectoryW(wide, rights)
			? 0
			: text_error(GetLastError());
	}
	free(wide);
	return rc;
}

/* itself: a link is not followed. */
static void
fill(HANDLE file, bool itself, struct windows_stat *st)
{
	BY_HANDLE_FILE_INFORMATION info;

	if (!GetFileInformationByHandle(file, &info)) {
		/* A file system that doesn't tell: nobody's. */
		st->st_mode = S_IFREG | 0666;
		st->st_uid = WINDOWS_OTHER;
		return;
	}
	st->st_dev = info.dwVolumeSerialNumber;
	st->st_ino = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
	st->st_size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
	st->st_nlink = info.nNumberOfLinks;
	st->st_mode = info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY
		? S_IFDIR
		: S_IFREG;
	rights_of(file, st);
	/* Of one that was followed, it is how the file is stored. */
	if (itself && info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) {
		st->st_mode = (st->st_mode & 07777) | S_IFLNK;
	}
}

int
windows_fstat(int fd, struct windows_stat *st)
{
	HANDLE file = (HANDLE)_get_osfhandle(fd);

	memset(st, 0, sizeof *st);
	if (file == INVALID_HANDLE_VALUE) {
		errno = EBADF;
		return -1;
	}
	switch (GetFileType(file)) {
	case FILE_TYPE_DISK:
		fill(file, false, st);
		return 0;
	case FILE_TYPE_PIPE:
		st->st_mode = S_IFIFO | 0600;
		break;
	default:
		st->st_mode = S_IFCHR | 0600;
		break;
	}
	st->st_uid = WINDOWS_USER;
	return 0;
}

/* Takes the path. */
static int
stat_path(wchar_t *path, struct windows_stat *st, DWORD more)
{
	HANDLE file;

	if (!path) {
		return -1;
	}
	file = CreateFileW(path, FILE_READ_ATTRIBUTES | READ_CONTROL, SHARE,
			   NULL, OPEN_EXISTING,
			   FILE_FLAG_BACKUP_SEMANTICS | more, NULL);
	free(path);
	if (file == INVALID_HANDLE_VALUE) {
		return text_error(GetLastError());
	}
	memset(st, 0, sizeof *st);
	fill(file, (more & FILE_FLAG_OPEN_REPARSE_POINT) != 0, st);
	CloseHandle(file);
	return 0;
}

int
windows_stat(const char *path, struct windows_stat *st)
{
	return stat_path(text_path(path), st, 0);
}

int
windows_lstat(const char *path, struct windows_stat *st)
{
	return stat_path(text_path(path), st, FILE_FLAG_OPEN_REPARSE_POINT);
}

int
fstatat(int dir, const char *name, struct windows_stat *st, int flags)
{
	return stat_path(
		files_path_at(dir, name), st,
		flags & AT_SYMLINK_NOFOLLOW ? FILE_FLAG_OPEN_REPARSE_POINT : 0);
}

int
faccessat(int dir, const char *name, int mode, int flags)
{
	struct windows_stat st;

	(void)mode;
	return fstatat(dir, name, &st, flags);
}

int
fsync(int fd)
{
	HANDLE file = (HANDLE)_get_osfhandle(fd);

	if (FlushFileBuffers(file)) {
		return 0;
	}
	/* A directory: its names are written with it. */
	errno = EINVAL;
	return GetLastError() == ERROR_ACCESS_DENIED
		? -1
		: text_error(GetLastError());
}

int
flock(int fd, int operation)
{
	OVERLAPPED at = { 0 };

	(void)operation;
	return LockFileEx((HANDLE)_get_osfhandle(fd),
			  LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
			  0, 1, 0, &at)
		? 0
		: text_error(GetLastError());
}

int
fcntl(int fd, int command, ...)
{
	(void)command;
	if ((HANDLE)_get_osfhandle(fd) == INVALID_HANDLE_VALUE) {
		errno = EBADF;
		return -1;
	}
	return 0;
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	(void)fd;
	(void)uid;
	(void)gid;
	return 0;
}

int
fchmod(int fd, mode_t mode)
{
	(void)fd;
	(void)mode;
	return 0;
}

/* Without \\?\, which no other call of the C library takes. */
static char *
plain(const wchar_t *path)
{
	static const wchar_t unc[] = L"\\\\?\\UNC\\";
	char *text;

	if (wcsncmp(path, unc, wcslen(unc)) == 0) {
		text = text_utf8(path + wcslen(unc) - 2);
		if (text) {
			text[0] = '\\';
		}
	} else {
		text = text_utf8(path +
				 (wcsncmp(path, L"\\\\?\\", 4) == 0 ? 4 : 0));
	}
	for (char *at = text; at && *at; at++) {
		*at = *at == '\\' ? '/' : *at;
	}
	return text;
}

char *
realpath(const char *path, char *none)
{
	wchar_t *wide = text_path(path);
	char *text = NULL;
	HANDLE file;

	(void)none;
	if (!wide) {
		return NULL;
	}
	file = CreateFileW(wide, FILE_READ_ATTRIBUTES, SHARE, NULL,
			   OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
	free(wide);
	if (file == INVALID_HANDLE_VALUE) {
		text_error(GetLastError());
		return NULL;
	}
	wide = final_path(file, 0);
	if (wide) {
		text = plain(wide);
		free(wide);
	}
	CloseHandle(file);
	return text;
}
