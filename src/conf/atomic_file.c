#include "conf/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hold_signals.h"
#include "base/rename_new.h"
#include "base/unnamed_file.h"
#include "conf/trusted_file.h"

#define LOCK_POLL_MS 10

static int
fail(const char *path, int rc, const char *why, char *err)
{
	const struct conf_file file = { .path = path };

	conf_fail(err, &file, 0, "%s", why ? why : strerror(-rc));
	return rc;
}

/* Open the directory of a path and take its last part apart. */
static int
open_dir(struct rewrite *rw, const char *path, char *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char dir[4096];
	int len = snprintf(dir, sizeof dir, "%.*s",
			   slash ? (int)(slash - path) + 1 : 2,
			   slash ? path : "./");

	*rw = (struct rewrite){ .path = path, .dir = -1, .lock = -1 };
	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0) {
		return fail(path, -EINVAL, "is a directory", err);
	}
	if (len < 0 || (size_t)len >= sizeof dir ||
	    strlen(name) > ATOMIC_FILE_NAME_MAX) {
		return fail(path, -ENAMETOOLONG, NULL, err);
	}
	memcpy(rw->name, name, strlen(name) + 1);
	rw->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return rw->dir < 0 ? fail(path, -errno, NULL, err) : 0;
}

/* Whether that file, which is open, still has its name. */
static bool
is_current(int dir, int lock)
{
	struct stat open, named;

	return fstat(lock, &open) == 0 &&
		fstatat(dir, ATOMIC_FILE_LOCK, &named, AT_SYMLINK_NOFOLLOW) ==
		0 &&
		open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* Mode 0600: only the owner can open it, and so hold the lock. */
static int
open_lock(const struct rewrite *rw, char *err)
{
	int fd = openat(rw->dir, ATOMIC_FILE_LOCK,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC,
			0600);
	struct stat st;

	if (fd < 0) {
		return fail(rw->path, -errno, NULL, err);
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid())) {
		close(fd);
		return fail(rw->path, -EINVAL,
			    ATOMIC_FILE_LOCK " beside it is another user's: "
					     "remove it",
			    err);
	}
	return fd;
}

/*
 * The lock, or -EAGAIN where another has it.  Not flock() without LOCK_NB:
 * who holds it may be stopped.
 */
static int
try_lock(struct rewrite *rw, char *err)
{
	int fd = open_lock(rw, err);
	int rc = 0;

	if (fd < 0) {
		return fd;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK || errno == EINTR
			? -EAGAIN
			: fail(rw->path, -errno, NULL, err);
	} else if (!is_current(rw->dir, fd)) {
		rc = -EAGAIN; /* it was another's, who has removed it */
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	rw->lock = fd;
	return 0;
}

/* Signals are blocked until atomic_file_close(). */
static int
take_lock(struct rewrite *rw, char *err)
{
	const struct timespec pause = { 0, LOCK_POLL_MS * 1000000L };
	unsigned tries = ATOMIC_FILE_LOCK_SECONDS * 1000 / LOCK_POLL_MS;
	int rc;

	hold_signals(&rw->signals);
	rw->holds = true;
	while ((rc = try_lock(rw, err)) == -EAGAIN) {
		if (hold_signals_waiting()) {
			return fail(rw->path, -EINTR, NULL, err);
		}
		if (tries-- == 0) {
			return fail(rw->path, -ETIMEDOUT,
				    "its directory stays locked by another "
				    "process",
				    err);
		}
		nanosleep(&pause, NULL);
	}
	return rc;
}

static int
read_existing(struct rewrite *rw, int fd, enum conf_secrecy secrecy,
	      struct conf_file *file, char *err)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0) {
		return fail(rw->path, -errno, NULL, err);
	}
	if (!S_ISREG(st.st_mode)) {
		return fail(rw->path, -EINVAL, "is not a regular file", err);
	}
	rw->exists = true;
	rw->mode = st.st_mode & 07777;
	rw->uid = st.st_uid;
	rw->gid = st.st_gid;
	rc = conf_open_fd(file, rw->path, fd, secrecy, err);
	return rc < 0 && rc != -ENOMEM ? -EINVAL : rc;
}

/* Refuse a directory in which others could replace the file. */
static int
open_none(const struct rewrite *rw, struct conf_file *file, char *err)
{
	char why[VALUE_WHY_MAX];
	int rc = trusted_directories(rw->path, why);

	if (rc < 0) {
		return fail(rw->path, rc == -ENOMEM ? rc : -EINVAL, why, err);
	}
	return conf_open_text(file, rw->path, "", 0, err);
}

static int
read_file(struct rewrite *rw, enum conf_secrecy secrecy, struct conf_file *file,
	  char *err)
{
	/* O_NONBLOCK: a FIFO is to be refused, not waited for. */
	int fd = openat(rw->dir, rw->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
	int rc;

	if (fd < 0 && errno == ENOENT) {
		rw->mode = 0600;
		return open_none(rw, file, err);
	}
	if (fd < 0 && errno == ELOOP) {
		return fail(rw->path, -EINVAL,
			    "is a symbolic link: name the file itself", err);
	}
	if (fd < 0) {
		return fail(rw->path, -errno, NULL, err);
	}
	rc = read_existing(rw, fd, secrecy, file, err);
	close(fd);
	return rc;
}

static int
open_file(struct rewrite *rw, const char *path, enum conf_secrecy secrecy,
	  bool lock, struct conf_file *file, char *err)
{
	int rc = open_dir(rw, path, err);

	*file = (struct conf_file){ .path = path };
	if (rc == 0 && lock) {
		rc = take_lock(rw, err);
	}
	if (rc == 0) {
		rc = read_file(rw, secrecy, file, err);
	}
	if (rc < 0) {
		atomic_file_close(rw);
	}
	return rc;
}

int
atomic_file_open(struct rewrite *rw, const char *path,
		 enum conf_secrecy secrecy, struct conf_file *file, char *err)
{
	return open_file(rw, path, secrecy, true, file, err);
}

int
atomic_file_look(struct rewrite *rw, const char *path,
		 enum conf_secrecy secrecy, struct conf_file *file, char *err)
{
	return open_file(rw, path, secrecy, false, file, err);
}

int
atomic_file_open_dir(struct rewrite *rw, const char *path, char *err)
{
	int rc;

	*rw = (struct rewrite){ .path = path, .lock = -1 };
	rw->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rw->dir < 0) {
		return fail(path, -errno, NULL, err);
	}
	rc = take_lock(rw, err);
	if (rc < 0) {
		atomic_file_close(rw);
	}
	return rc;
}

void
atomic_file_close(struct rewrite *rw)
{
	if (rw->lock >= 0) {
		/*
		 * Remove it while the lock is held, so that it is not
		 * another's.
		 */
		unlinkat(rw->dir, ATOMIC_FILE_LOCK, 0);
		close(rw->lock);
	}
	if (rw->dir >= 0) {
		close(rw->dir);
	}
	rw->dir = rw->lock = -1;
	if (rw->holds) {
		rw->holds = false;
		hold_signals_release(&rw->signals);
	}
}

int
atomic_file_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t put = write(fd, at, len);

		if (put < 0 && errno == EINTR) {
			continue;
		}
		if (put < 0) {
			return -errno;
		}
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

/*
 * Give the new file the old one's owner and mode, where they differ: a
 * file system without any (FAT) refuses to set them.
 */
static int
keep_owner(const struct rewrite *rw, int fd)
{
	struct stat st;

	if (!rw->exists) {
		return 0;
	}
	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if ((st.st_uid != rw->uid || st.st_gid != rw->gid) &&
	    fchown(fd, rw->uid, rw->gid) < 0) {
		return -errno;
	}
	if ((st.st_mode & 07777) != rw->mode && fchmod(fd, rw->mode) < 0) {
		return -errno;
	}
	return 0;
}

/* Bytes, owner and mode, on the disk. */
static int
fill(const struct rewrite *rw, int fd, const void *bytes, size_t len)
{
	int rc = atomic_file_write(fd, bytes, len);

	if (rc == 0) {
		rc = keep_owner(rw, fd);
	}
	return rc == 0 && fsync(fd) < 0 ? -errno : rc;
}

/* A new file of that name; a crash may leave it half done. */
static int
write_named(const struct rewrite *rw, const char *name, const void *bytes,
	    size_t len)
{
	int fd = openat(rw->dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = fill(rw, fd, bytes, len);
	if (close(fd) < 0 && rc == 0) {
		rc = -errno;
	}
	if (rc < 0) {
		unlinkat(rw->dir, name, 0);
	}
	return rc;
}

/* A new file that gets its name when it is complete. */
static int
write_new(const struct rewrite *rw, const char *name, const void *bytes,
	  size_t len)
{
	int fd = unnamed_open(rw->dir);
	int rc;

	if (fd < 0) {
		return fd == -EOPNOTSUPP ? write_named(rw, name, bytes, len)
					 : fd;
	}
	rc = fill(rw, fd, bytes, len);
	rc = rc < 0 ? rc : unnamed_link(fd, rw->dir, name);
	if (close(fd) < 0 && rc == 0) {
		rc = -errno;
		unlinkat(rw->dir, name, 0);
	}
	/* Nothing is left of a file that got no name: try again with one. */
	return rc == -EOPNOTSUPP ? write_named(rw, name, bytes, len) : rc;
}

int
atomic_file_sync(int dir)
{
	/* EINVAL: a file system that has nothing to sync there. */
	return fsync(dir) < 0 && errno != EINVAL ? -errno : 0;
}

/*
 * Write the file as .NAME.new and give it its name, which may be another
 * file's or not.
 */
static int
put_in_place(const struct rewrite *rw, bool replace, const void *bytes,
	     size_t len)
{
	char name[ATOMIC_FILE_NAME_MAX + 8];
	int rc;

	snprintf(name, sizeof name, ".%s.new", rw->name);
	/* We hold the lock: this file was left by a crash. */
	if (unlinkat(rw->dir, name, 0) < 0 && errno != ENOENT) {
		return -errno;
	}
	rc = write_new(rw, name, bytes, len);
	if (rc < 0) {
		return rc;
	}
	if (!replace) {
		rc = naming_new(rw->dir, name, rw->name);
	} else if (renameat(rw->dir, name, rw->dir, rw->name) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		unlinkat(rw->dir, name, 0);
		return rc;
	}
	return atomic_file_sync(rw->dir);
}

int
atomic_file_commit(const struct rewrite *rw, const void *bytes, size_t len,
		   char *err)
{
	int rc = put_in_place(rw, true, bytes, len);

	return rc < 0 ? fail(rw->path, rc, NULL, err) : 0;
}

int
atomic_file_create(const char *path, const void *bytes, size_t len, char *err)
{
	struct rewrite rw;
	int rc = open_dir(&rw, path, err);

	if (rc == 0) {
		rc = take_lock(&rw, err);
	}
	if (rc < 0) {
		goto out;
	}
	/* Check the target before anything is written. */
	rc = faccessat(rw.dir, rw.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
		? -EEXIST
		: put_in_place(&rw, false, bytes, len);
	if (rc < 0) {
		fail(path, rc, rc == -EEXIST ? "exists, not overwritten" : NULL,
		     err);
	}
out:
	atomic_file_close(&rw);
	return rc;
}

int
atomic_file_make(int dir, const char *name, const void *bytes, size_t len)
{
	const struct rewrite rw = { .dir = dir, .lock = -1 };

	return write_new(&rw, name, bytes, len);
}
