/* SPDX-License-Identifier: ISC */
/*
 * Files that others could have made what they are.
 */
#include "unit/files_support.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "conf/grammar.h"
#include "conf/trusted_file.h"

#define OTHER 65534u

static char top[64], dir[80], path[96], link_path[96], why[VALUE_WHY_MAX];

static int
make(void **state)
{
	int fd;

	(void)state;
	snprintf(top, sizeof top, "/tmp/tap-trusted.XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof dir, "%s/d", top);
	snprintf(path, sizeof path, "%s/f", dir);
	snprintf(link_path, sizeof link_path, "%s/l", top);
	assert_int_equal(mkdir(dir, 0755), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a=1\n", 4), 4);
	close(fd);
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	unlink(link_path);
	unlink(path);
	rmdir(dir);
	return rmdir(top);
}

/* As a file that is open, and by the grammar, which is where it counts. */
static int
trusts(const char *name)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	int fd = open(name, O_RDONLY);
	int rc;

	assert_true(fd >= 0);
	why[0] = '\0';
	rc = trusted_file(name, fd, why);
	close(fd);
	assert_int_equal(conf_open(&file, name, CONF_PUBLIC, err), rc);
	conf_close(&file);
	if (rc < 0) {
		check_error(err, name, 0, why);
	}
	assert_int_equal(conf_open(&file, name, CONF_ANYBODYS, err), 0);
	conf_close(&file);
	return rc;
}

static void
refuses(const char *name, const char *reason)
{
	assert_int_equal(trusts(name), -1);
	assert_non_null(strstr(why, reason));
}

static void
modes_of_the_file(void **state)
{
	static const mode_t bad[] = { 0602, 0646, 0666, 0777, 0662 };
	static const mode_t good[] = { 0600, 0644, 0400, 0444, 0755 };

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		assert_int_equal(chmod(path, good[i]), 0);
		if (geteuid() == 0 || good[i] & 0400) {
			assert_int_equal(trusts(path), 0);
		}
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		refuses(path, "others than its owner may write it (mode 0");
	}
	assert_int_equal(chmod(path, 0644), 0);
}

static void
modes_of_its_directories(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *at = i == 0 ? dir : top;

		assert_int_equal(chmod(at, 0777), 0);
		refuses(path, at);
		assert_non_null(strstr(why, "others may write to directory"));
		assert_int_equal(trusted_directories(path, why), -1);
		/* There nobody can replace what others have. */
		assert_int_equal(chmod(at, 01777), 0);
		assert_int_equal(trusts(path), 0);
		assert_int_equal(trusted_directories(path, why), 0);
		assert_int_equal(chmod(at, 0755), 0);
	}
}

/* Root's group is root, unless a list says that it is somebody else. */
static void
groups(void **state)
{
	/* Version 2; u::rw-, u:65534:rw-, g::r--, m::rw-, o::r-- */
	static const uint8_t list[] = {
		2,    0,    0,    0, 1,    0,    6,    0,    0xff,
		0xff, 0xff, 0xff, 2, 0,    6,    0,    0xfe, 0xff,
		0,    0,    4,    0, 4,    0,    0xff, 0xff, 0xff,
		0xff, 16,   0,    6, 0,    0xff, 0xff, 0xff, 0xff,
		32,   0,    4,    0, 0xff, 0xff, 0xff, 0xff,
	};

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(chmod(dir, 0775), 0);
	assert_int_equal(trusts(path), 0);
	assert_int_equal(chown(path, 0, 4321), 0);
	refuses(path, "others than its owner may write it (mode 0664)");
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(dir, 0, 4321), 0);
	refuses(path, "others may write to directory");
	assert_int_equal(chown(dir, 0, 0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0644), 0);
	if (setxattr(path, "system.posix_acl_access", list, sizeof list, 0) <
	    0) {
		assert_int_equal(errno, EOPNOTSUPP);
		return;
	}
	refuses(path, "(mode 0664)");
	assert_int_equal(removexattr(path, "system.posix_acl_access"), 0);
}

static void
owners(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(chown(path, OTHER, 0), 0);
	refuses(path, "belongs to user 65534");
	assert_int_equal(chown(path, 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		const char *at = i == 0 ? dir : top;

		assert_int_equal(chown(at, OTHER, 0), 0);
		refuses(path, at);
		assert_non_null(strstr(why, "belongs to user 65534"));
		/* A sticky one's owner may remove all that is in it. */
		assert_int_equal(chmod(at, 01777), 0);
		refuses(path, "belongs to user 65534");
		assert_int_equal(chmod(at, 0755), 0);
		assert_int_equal(chown(at, 0, 0), 0);
	}
}

static int
trusts_as_other(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 || trusted_file(context, fd, why) < 0;
}

/* Another user's own file, in his directory; and root's. */
static void
other_users(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(as_user(OTHER, trusts_as_other, path), 0);
	assert_int_equal(chown(path, OTHER, 0), 0);
	assert_int_equal(chown(dir, OTHER, 0), 0);
	assert_int_equal(as_user(OTHER, trusts_as_other, path), 0);
	assert_int_equal(as_user(OTHER - 1, trusts_as_other, path), 1);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chown(dir, 0, 0), 0);
}

/* A group of one's own is nobody else; daemon has one everywhere. */
static void
private_groups(void **state)
{
	const struct passwd *user = getpwnam("daemon");
	uid_t uid;

	(void)state;
	if (geteuid() != 0 || !user || user->pw_gid == 0) {
		skip();
	}
	uid = user->pw_uid;
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(chown(path, uid, user->pw_gid), 0);
	assert_int_equal(chown(dir, uid, user->pw_gid), 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(chmod(dir, 0775), 0);
	assert_int_equal(as_user(uid, trusts_as_other, path), 0);
	/* Root has no such group: his is 0. */
	refuses(path, "belongs to user");
	assert_int_equal(chown(dir, uid, OTHER), 0);
	assert_int_equal(as_user(uid, trusts_as_other, path), 1);
	assert_int_equal(chown(dir, 0, 0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(as_user(uid, trusts_as_other, path), 0);
	assert_int_equal(chown(path, uid, OTHER), 0);
	assert_int_equal(as_user(uid, trusts_as_other, path), 1);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

/* Both the place of the link and that of the file count. */
static void
links(void **state)
{
	(void)state;
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(trusts(link_path), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	refuses(link_path, dir);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(top, 0777), 0);
	refuses(link_path, top);
	assert_int_equal(chmod(top, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(lchown(link_path, OTHER, 0), 0);
		refuses(link_path, "is a symbolic link of user 65534");
	}
	unlink(link_path);
	/* And on the way. */
	assert_int_equal(symlink(dir, link_path), 0);
	strcat(link_path, "/f");
	assert_int_equal(trusts(link_path), 0);
	*strrchr(link_path, '/') = '\0';
	if (geteuid() == 0) {
		assert_int_equal(lchown(link_path, OTHER, 0), 0);
		strcat(link_path, "/f");
		refuses(link_path, "is a symbolic link of user 65534");
		*strrchr(link_path, '/') = '\0';
	}
	unlink(link_path);
}

static void
relative_paths(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(trusts("f"), 0);
	assert_int_equal(trusts("../d/f"), 0);
	assert_int_equal(trusts("./f"), 0);
	assert_int_equal(trusted_directories("new", why), 0);
	assert_int_equal(chmod(top, 0777), 0);
	refuses("f", top);
	assert_int_equal(trusted_directories("new", why), -1);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

/* Where a file is can't be told always; that is no reason to believe it. */
static void
unknown_places(void **state)
{
	int fd = open(path, O_RDONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(symlink(link_path, link_path), 0);
	assert_int_equal(trusted_file(path, fd, why), 0);
	assert_int_equal(trusted_file(link_path, fd, why), -1);
	assert_string_equal(why, strerror(ELOOP));
	close(fd);
	unlink(link_path);
}

/* What is handed over has no place, and is the caller's. */
static void
descriptors(void **state)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	char name[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fchmod(ends[0], 0666), 0);
	assert_int_equal(write(ends[1], "a=1\n", 4), 4);
	close(ends[1]);
	snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
	assert_int_equal(conf_open(&file, name, CONF_PUBLIC, err), 0);
	assert_int_equal(file.len, 4);
	conf_close(&file);
	close(ends[0]);
	/* One with a name has one. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(chmod(path, 0666), 0);
	ends[0] = open(path, O_RDWR);
	assert_true(ends[0] >= 0);
	assert_int_equal(trusted_file(path, ends[0], why), -1);
	assert_non_null(strstr(why, "(mode 0666)"));
	close(ends[0]);
}

/* One that is open, and is not where it was: who knows who may write there. */
static void
is_refused_where_its_place_is_gone(void **state)
{
	char moved[128];
	int fd;

	(void)state;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(trusted_file(path, fd, why), 0);
	snprintf(moved, sizeof moved, "%s.moved", path);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(trusted_file(path, fd, why), -1);
	assert_string_equal(why, strerror(ENOENT));
	/* What is nowhere is whoever's who has it open. */
	assert_int_equal(unlink(moved), 0);
	snprintf(moved, sizeof moved, "/proc/self/fd/%d", fd);
	assert_int_equal(trusted_file(moved, fd, why), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_of_the_file),
		cmocka_unit_test(modes_of_its_directories),
		cmocka_unit_test(groups),
		cmocka_unit_test(owners),
		cmocka_unit_test(other_users),
		cmocka_unit_test(private_groups),
		cmocka_unit_test(links),
		cmocka_unit_test(relative_paths),
		cmocka_unit_test(unknown_places),
		cmocka_unit_test(is_refused_where_its_place_is_gone),
		cmocka_unit_test(descriptors),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
