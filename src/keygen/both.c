#include "keygen/both.h"

#include <bearssl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/bytes.h"
#include "base/hold_signals.h"
#include "base/rename_new.h"

#define STAGED_MAX (BOTH_NAME_MAX + BOTH_DIGEST + 2u)

static int
fail(const struct both *both, const char *name, int rc, char *err)
{
	char path[CONF_ERROR_MAX];
	const struct conf_file file = { .path = path };

	snprintf(path, sizeof path, "%.300s/%s", both->dir.path, name);
	conf_fail(err, &file, 0, "%s",
		  rc == -EEXIST ? "exists, not overwritten" : strerror(-rc));
	return rc;
}

/* One-way, as it stands in a name that others may list. */
static void
digest_of(char out[BOTH_DIGEST + 1], const struct key_spec *spec)
{
	br_sha256_context sha;
	uint8_t hash[br_sha256_SIZE];
	uint8_t number[2];

	be16_store(number, (uint16_t)spec->no);
	br_sha256_init(&sha);
	br_sha256_update(&sha, number, sizeof number);
	br_sha256_update(&sha, spec->secret, spec->secret_len);
	br_sha256_out(&sha, hash);
	hex_encode(out, hash, BOTH_DIGEST / 2);
	bytes_wipe(&sha, sizeof sha);
}

static void
staged_name(char out[STAGED_MAX], const struct both_file *file)
{
	snprintf(out, STAGED_MAX, ".%s.%s", file->name, file->digest);
}

/* As keygen calls them: TAPclientd.conf, TAPclientd-12.conf. */
static bool
is_client_name(const char *name)
{
	static const char start[] = "TAPclientd";
	const char *at = name + sizeof start - 1;

	if (strncmp(name, start, sizeof start - 1) != 0) {
		return false;
	}
	if (*at == '-') {
		at++;
		at += strspn(at, "0123456789");
	}
	return strcmp(at, ".conf") == 0;
}

/* Take apart the name of a file that an earlier run has left. */
static bool
parse_staged(struct both_file *file, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (name[0] != '.' || dot - name < 2 ||
	    dot - name > (ptrdiff_t)BOTH_NAME_MAX ||
	    strlen(dot + 1) != BOTH_DIGEST ||
	    strspn(dot + 1, "0123456789ABCDEF") != BOTH_DIGEST) {
		return false;
	}
	memset(file, 0, sizeof *file);
	memcpy(file->name, name + 1, (size_t)(dot - name) - 1);
	memcpy(file->digest, dot + 1, BOTH_DIGEST);
	return is_client_name(file->name);
}

/* 1 where the server's file has the key of that digest, 0, or -errno. */
static int
has_key(const struct conf_file *server, const char *digest, char *err)
{
	char found[BOTH_DIGEST + 1];
	struct conf_file file;
	struct conf_line line;
	struct key_spec spec;
	int rc = conf_open_text(&file, server->path, server->text, server->len,
				err);

	if (rc < 0) {
		return rc;
	}
	while ((rc = conf_next(&file, &line, err)) > 0) {
		rc = key_read(&file, &line, &spec, err);
		if (rc == 0) {
			digest_of(found, &spec);
		}
		key_spec_wipe(&spec);
		if (rc < 0 || strcmp(found, digest) == 0) {
			rc = rc < 0 ? rc : 1;
			break;
		}
	}
	conf_close(&file);
	return rc;
}

/* What an earlier run has left of one file. */
static int
finish(const struct both *both, const struct both_file *file,
       const struct conf_file *server, char *err)
{
	char staged[STAGED_MAX];
	int rc = has_key(server, file->digest, err);

	if (rc < 0) {
		return rc;
	}
	staged_name(staged, file);
	if (rc == 1) {
		rc = naming_new(both->dir.dir, staged, file->name);
		if (rc == 0) {
			return atomic_file_sync(both->dir.dir);
		}
	}
	if (rc < 0 && rc != -EEXIST) {
		return fail(both, file->name, rc, err);
	}
	return unlinkat(both->dir.dir, staged, 0) < 0 && errno != ENOENT
		? fail(both, file->name, -errno, err)
		: 0;
}

static int
recover(const struct both *both, const struct conf_file *server, char *err)
{
	int fd = openat(both->dir.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct both_file file;
	int rc = 0;

	if (!dir) {
		rc = fail(both, "", -errno, err);
		if (fd >= 0) {
			close(fd);
		}
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (parse_staged(&file, entry->d_name)) {
			rc = finish(both, &file, server, err);
		}
	}
	closedir(dir);
	return rc;
}

static bool
is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
		one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int
both_open(struct both *both, const char *path, const struct rewrite *keys,
	  const struct conf_file *server, char *err)
{
	int rc = 0;

	*both = (struct both){ .dir = { .path = path, .lock = -1 } };
	both->dir.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (both->dir.dir < 0) {
		return fail(both, "", -errno, err);
	}
	if (!is_same(both->dir.dir, keys->dir)) {
		close(both->dir.dir);
		rc = atomic_file_open_dir(&both->dir, path, err);
	}
	return rc < 0 ? rc : recover(both, server, err);
}

int
both_add(struct both *both, const char *name, const struct key_spec *spec,
	 const struct secret_buf *text)
{
	struct both_file *file;

	if (grow(&both->files, both->count, &both->room, sizeof *both->files) <
	    0) {
		return -ENOMEM;
	}
	file = &both->files[both->count];
	memset(file, 0, sizeof *file);
	snprintf(file->name, sizeof file->name, "%s", name);
	digest_of(file->digest, spec);
	file->at = both->bytes.len;
	file->len = text->len;
	if (secret_append(&both->bytes, text->bytes, text->len) < 0) {
		return -ENOMEM;
	}
	both->count++;
	return 0;
}

static int
stage_one(const struct both *both, const struct both_file *file)
{
	char staged[STAGED_MAX];

	if (hold_signals_waiting()) {
		return -EINTR;
	}
	if (faccessat(both->dir.dir, file->name, F_OK, AT_SYMLINK_NOFOLLOW) ==
	    0) {
		return -EEXIST;
	}
	staged_name(staged, file);
	return atomic_file_make(both->dir.dir, staged,
				both->bytes.bytes + file->at, file->len);
}

int
both_stage(struct both *both, char *err)
{
	for (; both->staged < both->count; both->staged++) {
		const struct both_file *file = &both->files[both->staged];
		int rc = stage_one(both, file);

		if (rc < 0) {
			return fail(both, file->name, rc, err);
		}
	}
	return atomic_file_sync(both->dir.dir);
}

int
both_place(struct both *both, char *err)
{
	char staged[STAGED_MAX];

	for (size_t i = 0; i < both->count; i++) {
		const struct both_file *file = &both->files[i];
		int rc;

		staged_name(staged, file);
		rc = naming_new(both->dir.dir, staged, file->name);
		if (rc < 0) {
			/* Remove the names of those that have them. */
			while (i > 0) {
				unlinkat(both->dir.dir, both->files[--i].name,
					 0);
			}
			return fail(both, file->name, rc, err);
		}
	}
	return atomic_file_sync(both->dir.dir);
}

void
both_undo(struct both *both)
{
	char staged[STAGED_MAX];

	while (both->staged > 0) {
		staged_name(staged, &both->files[--both->staged]);
		unlinkat(both->dir.dir, staged, 0);
	}
}

void
both_close(struct both *both)
{
	atomic_file_close(&both->dir);
	free(both->files);
	both->files = NULL;
	secret_drop(&both->bytes);
}
