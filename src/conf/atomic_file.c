#include "conf/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/rename_new.h"
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

	*rw = (struct rewrite){ .path = path, .dir = -1 };
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

/* Not flock() without LOCK_NB: who holds it may be hostile, or stopped. */
static int
take_lock(const struct rewrite *rw, char *err)
{
	const struct timespec pause = { 0, LOCK_POLL_MS * 1000000L };
	unsigned tries = ATOMIC_FILE_LOCK_SECONDS * 1000 / LOCK_POLL_MS;

	while (flock(rw->dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			return fail(rw->path, -errno, NULL, err);
		}
		if (tries-- == 0) {
			return fail(rw->path, -ETIMEDOUT,
				    "its directory stays locked by another "
				    "process",
				    err);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
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

/* What could be replaced once it is there is not worth to be made. */
static int
open_none(const struct rewrite *rw, struct conf_file *file, char *err)
{
	char why[VALUE_WHY_MAX];

	if (trusted_directories(rw->path, why) < 0) {
		return fail(rw->path, -EINVAL, why, err);
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

int
atomic_file_open(struct rewrite *rw, const char *path,
		 enum conf_secrecy secrecy, struct conf_file *file, char *err)
{
	int rc = open_dir(rw, path, err);

	*file = (struct conf_file){ .path = path };
	if (rc == 0) {
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

void
atomic_file_close(struct rewrite *rw)
{
	if (rw->dir >= 0) {
		close(rw->dir); /* which unlocks it */
	}
	rw->dir = -1;
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

/* A new file of that name, complete and on the disk. */
static int
write_new(const struct rewrite *rw, const char *name, const void *bytes,
	  size_t len)
{
	int fd = openat(rw->dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = atomic_file_write(fd, bytes, len);
	if (rc == 0) {
		rc = keep_owner(rw, fd);
	}
	if (rc == 0 && fsync(fd) < 0) {
		rc = -errno;
	}
	if (close(fd) < 0 && rc == 0) {
		rc = -errno;
	}
	if (rc < 0) {
		unlinkat(rw->dir, name, 0);
	}
	return rc;
}

/* After a rename: until then it may be undone by a crash. */
static int
sync_dir(const struct rewrite *rw)
{
	/* EINVAL: a file system that has nothing to sync there. */
	return fsync(rw->dir) < 0 && errno != EINVAL ? -errno : 0;
}

int
atomic_file_commit(const struct rewrite *rw, const void *bytes, size_t len,
		   char *err)
{
	char name[ATOMIC_FILE_NAME_MAX + 8];
	int rc;

	snprintf(name, sizeof name, ".%s.new", rw->name);
	/* Under the lock this is nobody's: what a crash has left. */
	if (unlinkat(rw->dir, name, 0) < 0 && errno != ENOENT) {
		return fail(rw->path, -errno, NULL, err);
	}
	rc = write_new(rw, name, bytes, len);
	if (rc < 0) {
		return fail(rw->path, rc, NULL, err);
	}
	if (renameat(rw->dir, name, rw->dir, rw->name) < 0) {
		rc = -errno;
		unlinkat(rw->dir, name, 0);
		return fail(rw->path, rc, NULL, err);
	}
	rc = sync_dir(rw);
	return rc < 0 ? fail(rw->path, rc, NULL, err) : 0;
}

int
atomic_file_create(const char *path, const void *bytes, size_t len, char *err)
{
	struct rewrite rw;
	char name[ATOMIC_FILE_NAME_MAX + 12];
	unsigned tail = 0;
	int rc = open_dir(&rw, path, err);

	if (rc < 0) {
		return rc;
	}
	if (faccessat(rw.dir, rw.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		rc = -EEXIST;
		goto out;
	}
	if (getentropy(&tail, sizeof tail) < 0) {
		rc = -errno;
		goto out;
	}
	snprintf(name, sizeof name, ".%s.%08x", rw.name, tail);
	rc = write_new(&rw, name, bytes, len);
	if (rc < 0) {
		goto out;
	}
	rc = naming_new(rw.dir, name, rw.name);
	if (rc < 0) {
		unlinkat(rw.dir, name, 0);
	} else {
		rc = sync_dir(&rw);
	}
out:
	atomic_file_close(&rw);
	return rc < 0
		? fail(path, rc, rc == -EEXIST ? "is there already" : NULL, err)
		: 0;
}
