/*
 * What the portable sources ask of POSIX and mingw-w64 has not, or has in
 * another way.  The compiler includes it before each file of the build for
 * Windows; headers that are not there are made empty (build.mk).
 *
 * A path is UTF-8, with / between its parts.  A file's mode and owner are
 * what its access control list comes to: see rights.h.  Sockets have
 * numbers of their own, which are no descriptors of the C library.
 */
#ifndef TAP_WINDOWS_POSIX_H
#define TAP_WINDOWS_POSIX_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <process.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Words of windows.h that are names elsewhere. */
#undef near
#undef far
#undef interface
#undef small
#undef NO_ADDRESS
#undef ERROR
#define tell windows_tell /* of io.h */

/* The program's own main() gets arguments in UTF-8: start.c. */
#define main windows_main
int windows_main(int argc, char **argv);

struct pcap;

typedef unsigned uid_t;
typedef unsigned gid_t;

/* ---- files */

/* Those who are no administrators may make none where /etc would be. */
#define CLIENT_CONF_FILE "C:/ProgramData/tap/TAPclientd.conf"

#define O_CLOEXEC O_NOINHERIT
#define O_NOCTTY 0
#define O_NONBLOCK 0
#define O_DIRECTORY 0x01000000
#define O_NOFOLLOW 0x02000000

#define S_IFLNK 0xa000
#define S_IFSOCK 0xc000
#define S_ISLNK(m) (((m)&S_IFMT) == S_IFLNK)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)
#define S_ISVTX 01000
#ifndef S_IWGRP
#define S_IWGRP 0020
#define S_IWOTH 0002
#endif

#define AT_SYMLINK_NOFOLLOW 1
#define LOCK_EX 1
#define LOCK_NB 2
#define F_GETFD 1
#define F_SETFL 4

struct windows_stat {
	uint64_t st_dev, st_ino, st_size;
	unsigned st_nlink;
	unsigned st_mode;
	uid_t st_uid; /* 0: the system's or the administrators' */
	gid_t st_gid;
};
#undef stat
#undef fstat
#define stat windows_stat
#define fstat windows_fstat
#define lstat windows_lstat
int windows_stat(const char *path, struct windows_stat *st);
int windows_lstat(const char *path, struct windows_stat *st);
int windows_fstat(int fd, struct windows_stat *st);
int fstatat(int dir, const char *name, struct windows_stat *st, int flags);

#define open windows_open
#define close windows_close
#define read(fd, at, size) _read(fd, at, windows_size(size))
#define write(fd, at, size) _write(fd, at, windows_size(size))
#define unlink windows_unlink
#define mkdir windows_mkdir
int windows_open(const char *path, int flags, ...);
int windows_close(int fd);
/* As much as one call takes. */
static inline unsigned
windows_size(size_t size)
{
	return size < INT_MAX ? (unsigned)size : INT_MAX;
}
int windows_unlink(const char *path);
int windows_mkdir(const char *path, unsigned mode);
int openat(int dir, const char *name, int flags, ...);
int unlinkat(int dir, const char *name, int flags);
int linkat(int from_dir, const char *from, int to_dir, const char *to,
	   int flags);
int renameat(int from_dir, const char *from, int to_dir, const char *to);
int faccessat(int dir, const char *name, int mode, int flags);
int fsync(int fd);
int flock(int fd, int operation);
int fcntl(int fd, int command, ...);
/* Owners and modes are not changed: new files are their maker's alone. */
int fchown(int fd, uid_t uid, gid_t gid);
int fchmod(int fd, mode_t mode);
char *realpath(const char *path, char *none);

#define GLOB_NOSORT 1
#define GLOB_NOSPACE 1
#define GLOB_ABORTED 2
#define GLOB_NOMATCH 3
typedef struct {
	size_t gl_pathc;
	char **gl_pathv;
} glob_t;
/* Wildcards in the last part of a path alone: * ? [a-z] [!a-z]. */
int glob(const char *pattern, int flags,
	 int (*error)(const char *path, int error), glob_t *found);
void globfree(glob_t *found);

#define DIR struct windows_dir
#define dirent windows_dirent
struct windows_dir;
struct windows_dirent {
	char d_name[MAX_PATH * 3];
};
DIR *fdopendir(int fd);
struct windows_dirent *readdir(DIR *dir);
int closedir(DIR *dir);

/* ---- users: there are none by number */

struct passwd {
	char *pw_name;
	uid_t pw_uid;
	gid_t pw_gid;
};
struct group {
	char *gr_name;
	char **gr_mem;
};
#define WINDOWS_USER 1000u /* who runs this */
#define WINDOWS_OTHER 65534u
#define geteuid() WINDOWS_USER
#define getuid() WINDOWS_USER
#define getppid() 0
#define getpwnam(name) ((void)(name), (struct passwd *)NULL)
#define getpwuid(uid) ((void)(uid), (struct passwd *)NULL)
#define getgrgid(gid) ((void)(gid), (struct group *)NULL)

/* ---- memory and randomness */

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define MAP_FAILED NULL
#define MCL_CURRENT 1
#define RLIMIT_CORE 4
#define RLIMIT_NOFILE 7
struct rlimit {
	unsigned long rlim_cur, rlim_max;
};
#define setrlimit(what, limit) ((void)(limit), -1)
#define getrlimit(what, limit) ((void)(limit), -1)
#define mlockall(what) (-1)
#define mmap(at, size, protection, flags, fd, offset)                          \
	VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE)
#define munmap(at, size) ((void)(size), (void)VirtualFree(at, 0, MEM_RELEASE))
#define mlock(at, size) VirtualLock(at, size)
int getentropy(void *bytes, size_t size);
void *reallocarray(void *array, size_t count, size_t size);

/* ---- consoles */

#define TCIFLUSH 0
#define tcflush(fd, what)                                                      \
	((void)(what), FlushConsoleInputBuffer((HANDLE)_get_osfhandle(fd)))

/* ---- signals: none but those of consoles; see hold_signals */

typedef int windows_sigset;
#define sigset_t windows_sigset
#define SIGPIPE 13
#define SIGXFSZ 25

/* ---- sockets */

#define SOCK_CLOEXEC 0
#define socket windows_socket
#define bind(fd, at, len) windows_result(bind(windows_handle(fd), at, len))
#define getsockname(fd, at, len)                                               \
	windows_result(getsockname(windows_handle(fd), at, len))
#define setsockopt(fd, level, name, value, size)                               \
	windows_result(setsockopt(windows_handle(fd), level, name,             \
				  (const char *)(value), size))
int windows_socket(int family, int type, int protocol);
SOCKET windows_handle(int fd);
/* False: it is none. */
bool windows_close_socket(int fd);
/* There is none: see os/wpcap.h. */
int pcap_get_selectable_fd(struct pcap *p);
/* Its argument; errno, where a call of Winsock has failed. */
int windows_result(int rc);

#endif
