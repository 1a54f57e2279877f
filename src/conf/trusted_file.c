#include "conf/trusted_file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/value.h"
#include "os/access_acl.h"

#define PATH_SIZE 4096u /* the kernel takes no longer one */

/*
 * Whether a group is this user's alone, as many systems make one for each
 * user, whose umask then is 002: of the same name, and with nobody else.
 */
static bool
is_private(const struct stat *st)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(st->st_gid);

	return geteuid() != 0 && st->st_uid == geteuid() && user && group &&
		user->pw_gid == st->st_gid &&
		strcmp(user->pw_name, group->gr_name) == 0 &&
		(!group->gr_mem || !group->gr_mem[0]);
}

static bool
is_writable(const struct stat *st, const char *path)
{
	if (st->st_mode & S_IWOTH) {
		return true;
	}
	/* With an access control list, the group's bits are its mask. */
	return st->st_mode & S_IWGRP &&
		((st->st_gid != 0 && !is_private(st)) || access_acl_has(path));
}

static int
check_file(const char *path, const struct stat *st, char *why)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		return value_fail(why,
				  "belongs to user %u, neither to root "
				  "nor to this user",
				  (unsigned)st->st_uid);
	}
	if (is_writable(st, path)) {
		return value_fail(why,
				  "others than its owner may write it "
				  "(mode %04o): %s",
				  (unsigned)st->st_mode & 07777,
				  access_acl_no_write);
	}
	return 0;
}

/* In a sticky directory, links are whoever's has made them. */
static int
check_link(const char *path, char *why)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		return value_fail(why, "%s", strerror(errno));
	}
	if (S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid()) {
		return value_fail(why, "%.128s is a symbolic link of user %u",
				  path, (unsigned)st.st_uid);
	}
	return 0;
}

static int
check_directory(const char *path, char *why)
{
	struct stat st, root;

	if (check_link(path, why) < 0) {
		return -1;
	}
	if (stat(path, &st) < 0) {
		return value_fail(why, "directory %.128s: %s", path,
				  strerror(errno));
	}
	/*
	 * Where root is no user of this namespace, its directories seem to
	 * be nobody's.
	 */
	if (st.st_uid != 0 && st.st_uid != geteuid() &&
	    (stat("/", &root) < 0 || st.st_uid != root.st_uid)) {
		return value_fail(why,
				  "directory %.128s belongs to user %u, "
				  "who may replace what is in it",
				  path, (unsigned)st.st_uid);
	}
	if (!(st.st_mode & S_ISVTX) && is_writable(&st, path)) {
		return value_fail(why,
				  "others may write to directory %.128s "
				  "(mode %04o): %s",
				  path, (unsigned)st.st_mode & 07777,
				  access_acl_no_write);
	}
	return 0;
}

/* Each directory that the path names, from the first one on. */
static int
check_each(const char *path, char *why)
{
	char dir[PATH_SIZE];
	size_t len = strlen(path);

	if (len >= sizeof dir) {
		return value_fail(why, "%s", strerror(ENAMETOOLONG));
	}
	for (size_t i = 0; i < len; i++) {
		/* Skip repeated slashes. */
		if (path[i] != '/' || path[i + 1] == '/') {
			continue;
		}
		memcpy(dir, path, i + 1);
		/* "/" stays; "a/" becomes "a". */
		dir[i > 0 ? i : 1] = '\0';
		if (check_directory(dir, why) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
no_place(int error, char *why)
{
	return error == ENOMEM ? value_no_memory(why)
			       : value_fail(why, "%s", strerror(error));
}

int
trusted_file(const char *path, int fd, char *why)
{
	char *real = realpath(path, NULL);
	const bool named = real != NULL;
	const int error = named ? 0 : errno;
	int rc = 0;
	struct stat st;

	if (!named && error != ENOENT && error != EACCES) {
		/* The file has a path that cannot be resolved. */
		return no_place(error, why);
	}
	if (fstat(fd, &st) < 0) {
		rc = value_fail(why, "%s", strerror(errno));
	} else if (!named && S_ISREG(st.st_mode) && st.st_nlink > 0) {
		/* It has one, which is not where it was, or can't be seen. */
		rc = no_place(error, why);
	} else if (S_ISREG(st.st_mode) || (S_ISFIFO(st.st_mode) && named)) {
		rc = check_file(path, &st, why);
		rc = rc < 0 ? rc : check_link(path, why);
		rc = rc < 0 ? rc : check_each(path, why);
		rc = rc < 0 || !named ? rc : check_each(real, why);
	}
	free(real);
	return rc;
}

int
trusted_directories(const char *path, char *why)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_SIZE];
	size_t len = slash ? (size_t)(slash - path) + 1 : 2;
	char *real;
	int rc;

	if (len + 1 >= sizeof dir) {
		return value_fail(why, "%s", strerror(ENAMETOOLONG));
	}
	memcpy(dir, slash ? path : "./", len);
	/* realpath(3) needs an existing file: resolve the directory. */
	memcpy(dir + len, ".", 2);
	real = realpath(dir, NULL);
	if (!real) {
		return no_place(errno, why);
	}
	rc = check_each(path, why);
	rc = rc < 0 ? rc : check_each(real, why);
	rc = rc < 0 ? rc : check_directory(real, why);
	free(real);
	return rc;
}
