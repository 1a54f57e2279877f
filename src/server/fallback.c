#include "server/fallback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/atomic_file.h"
#include "conf/include.h"
#include "conf/trusted_file.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

#define PATH_BYTES 4096u
#define NEW "new"
#define KEPT "kept"

enum {
	CONF = BUNDLE_CONF,
	KEYS = BUNDLE_KEYS,
	ACL = BUNDLE_ACL,
	LOGIN = BUNDLE_LOGIN,
	STAMP = BUNDLE_FILES, /* of the bundle that the others are from */
	FILES,
};

static const char *const names[FILES] = { "TAPservd.conf", "server.key",
					  "ACL.conf", "share_login", "bundle" };

/* Where each file is read from, or its text; NULL where it is not there. */
struct sources {
	const char *path[FILES];
	struct bundle_text text[FILES];
};

/* The last one is that which the first names. */
static struct sources
sources_of(const struct server_conf_from *from, const char *login)
{
	struct sources s = {
		.path = {
			from->conf ? from->conf : SERVER_CONF_FILE,
			from->keys ? from->keys : SERVER_CONF_KEYS,
			from->acl ? from->acl : SERVER_CONF_ACL,
			login[0] ? login : NULL,
		},
	};

	if (from->ports) {
		s.path[CONF] = NULL;
		s.path[ACL] = from->acl;
	}
	return s;
}

static int
fail(char *err, const char *folder, const char *what, const char *why)
{
	snprintf(err, CONF_ERROR_MAX, "%.200s: %.60s%s%.200s", folder, what,
		 what[0] ? ": " : "", why);
	return -1;
}

/* The folder, opened; nobody else may write to it. */
static int
open_folder(const char *folder, char *err)
{
	char why[VALUE_WHY_MAX];
	struct stat st;
	int dir;

	if (trusted_directories(folder, why) < 0) {
		return fail(err, folder, "", why);
	}
	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		return fail(err, folder, "", strerror(errno));
	}
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		return fail(err, folder, "", strerror(errno));
	}
	/* Leave the mode of an existing directory alone: others may read it. */
	if (fstat(dir, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 022) {
		close(dir);
		return fail(err, folder, "",
			    st.st_uid != geteuid()
				    ? "belongs to somebody else"
				    : "others may write to it: chmod go-w it");
	}
	return dir;
}

/* Remove one of the two directories with its content. */
static void
remove_set(int dir, const char *set)
{
	int fd = openat(dir, set,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		for (size_t i = 0; i < FILES; i++) {
			unlinkat(fd, names[i], 0);
		}
		close(fd);
	}
	unlinkat(dir, set, AT_REMOVEDIR);
}

static int
copy_file(int set, size_t which, const char *path, const char *folder,
	  char *err)
{
	struct secret_buf text = { 0 };
	/*
	 * A copy has the included lines in it: the included files may change.
	 */
	int rc = include_flatten(&text, path,
				 which == KEYS || which == LOGIN ? CONF_SECRET
								 : CONF_PUBLIC,
				 err);

	if (rc < 0) {
		secret_drop(&text);
		return -1;
	}
	rc = atomic_file_make(set, names[which], text.bytes, text.len);
	secret_drop(&text);
	return rc < 0 ? fail(err, folder, names[which], strerror(-rc)) : 0;
}

static int
put_text(int set, size_t which, const struct bundle_text *text,
	 const char *folder, char *err)
{
	const int rc =
		atomic_file_make(set, names[which], text->bytes, text->len);

	return rc < 0 ? fail(err, folder, names[which], strerror(-rc)) : 0;
}

static int
copy_all(int dir, const struct sources *sources, const char *folder, char *err)
{
	int rc = 0;
	int set;

	remove_set(dir, NEW);
	if (mkdirat(dir, NEW, 0700) < 0) {
		return fail(err, folder, NEW, strerror(errno));
	}
	set = openat(dir, NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (set < 0) {
		return fail(err, folder, NEW, strerror(errno));
	}
	for (size_t i = 0; i < FILES && rc == 0; i++) {
		if (sources->text[i].bytes) {
			rc = put_text(set, i, &sources->text[i], folder, err);
		} else if (sources->path[i]) {
			rc = copy_file(set, i, sources->path[i], folder, err);
		}
	}
	if (rc == 0 && atomic_file_sync(set) < 0) {
		rc = fail(err, folder, NEW, strerror(errno));
	}
	close(set);
	return rc;
}

/* The files of `sources`, in a set. */
static struct server_conf *
load_set(const struct server_conf_from *from, const struct sources *sources,
	 const char *folder, const char *set, char *err)
{
	char paths[FILES][PATH_BYTES];
	const char *path[FILES];

	for (size_t i = 0; i < FILES; i++) {
		if (snprintf(paths[i], PATH_BYTES, "%s/%s/%s", folder, set,
			     names[i]) >= (int)PATH_BYTES) {
			fail(err, folder, "", strerror(ENAMETOOLONG));
			errno = ENAMETOOLONG;
			return NULL;
		}
		path[i] = sources->path[i] || sources->text[i].bytes ? paths[i]
								     : NULL;
	}
	return server_conf_load(
		&(struct server_conf_from){
			.conf = path[CONF],
			.keys = path[KEYS],
			.acl = path[ACL],
			.ports = from->ports,
			.login = path[LOGIN],
			.copies = true,
		},
		err);
}

/* Swap the directories: a reader gets all old files or all new ones. */
static int
put_in_place(int dir)
{
	if (syscall(SYS_renameat2, dir, NEW, dir, KEPT, RENAME_EXCHANGE) == 0) {
		return 0;
	}
	if (errno != ENOENT) {
		/*
		 * This file system cannot swap: for a moment there are no
		 * copies.
		 */
		remove_set(dir, KEPT);
	}
	return renameat(dir, NEW, dir, KEPT) < 0 ? -errno : 0;
}

/* Make a new set, and load it.  NULL: there is none. */
static struct server_conf *
stage(const struct server_conf_from *from, const struct sources *sources,
      const char *folder, const struct server_conf *before, char *err)
{
	int dir = open_folder(folder, err);
	struct server_conf *copy = NULL;

	if (dir < 0) {
		return NULL;
	}
	if (copy_all(dir, sources, folder, err) == 0) {
		copy = load_set(from, sources, folder, NEW, err);
	}
	/* What options say, and what can't change while it runs. */
	if (copy && before && server_conf_keep(copy, before, err) < 0) {
		server_conf_free(copy);
		copy = NULL;
	}
	if (!copy) {
		remove_set(dir, NEW);
	}
	close(dir);
	return copy;
}

struct server_conf *
fallback_stage(const struct server_conf_from *from, const char *folder,
	       struct server_conf *conf, char *err)
{
	const struct sources sources = sources_of(from, conf->share_login);
	struct server_conf *copy = stage(from, &sources, folder, conf, err);

	if (!copy) {
		return conf;
	}
	server_conf_free(conf);
	return copy;
}

struct server_conf *
fallback_stage_bundle(const struct bundle_stamp *stamp,
		      const struct bundle_text texts[BUNDLE_FILES],
		      const char *folder, const struct server_conf *before,
		      char *err)
{
	static const struct server_conf_from from;
	char line[BUNDLE_LINE + 1];
	struct sources sources = { 0 };
	struct server_conf *conf;

	bundle_line_write(line, stamp);
	memcpy(sources.text, texts, BUNDLE_FILES * sizeof texts[0]);
	sources.text[STAMP] =
		(struct bundle_text){ (const uint8_t *)line, BUNDLE_LINE };
	conf = stage(&from, &sources, folder, before, err);
	if (conf && conf->share_login[0] && !texts[BUNDLE_LOGIN].bytes) {
		server_conf_free(conf);
		fail(err, "bundle", "", "has no file of share_login");
		conf = NULL;
	}
	return conf;
}

bool
fallback_kept_bundle(const char *folder, struct bundle_stamp *stamp)
{
	char path[PATH_BYTES], line[BUNDLE_LINE];
	ssize_t got = -1;
	int fd = -1;

	if (snprintf(path, sizeof path, "%s/" KEPT "/%s", folder,
		     names[STAMP]) < (int)sizeof path) {
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	}
	if (fd >= 0) {
		got = read(fd, line, sizeof line);
		close(fd);
	}
	return got == (ssize_t)sizeof line &&
		bundle_line_read(stamp, line, sizeof line) == BUNDLE_OK;
}

int
fallback_keep(const char *folder, char *err)
{
	int dir = open_folder(folder, err);
	int rc;

	if (dir < 0) {
		return -1;
	}
	rc = put_in_place(dir);
	if (rc == 0) {
		rc = atomic_file_sync(dir);
	}
	if (rc < 0) {
		rc = fail(err, folder, KEPT, strerror(-rc));
	}
	remove_set(dir, NEW);
	close(dir);
	return rc;
}

struct server_conf *
fallback_load(const struct server_conf_from *from, const char *folder,
	      char *err)
{
	const struct sources sources = sources_of(from, names[LOGIN]);

	return load_set(from, &sources, folder, KEPT, err);
}
