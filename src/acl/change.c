#include "acl/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_edit.h"
#include "daemon/control_client.h"
#include "acl/diff.h"
#include "acl/places.h"
#include "base/json.h"
#include "conf/keyfile.h"
#include "conf/server_files.h"
#include "conf/atomic_file.h"
#include "tap.h"

/* A number without a key is allowed, but probably a mistake. */
static void
warn_unknown(const struct access_options *o, const char *path)
{
	struct numset set = { 0 };
	struct acl_range run;
	struct key_file keys;
	char err[CONF_ERROR_MAX];
	uint32_t from = 0;

	if (key_load(path, &keys, err) < 0) {
		if (o->from.keys) {
			fprintf(stderr, "tap acl: warning: %s\n", err);
		}
		return;
	}
	numset_add(&set, o->keys, o->keys_count);
	if (numset_next(&set, 0, &run) && run.low == 0 &&
	    run.high == UINT16_MAX) {
		memset(&set, 0, sizeof set);
	}
	for (size_t i = 0; i < keys.count; i++) {
		run.low = run.high = keys.keys[i].no;
		numset_remove(&set, &run, 1);
	}
	while (numset_next(&set, from, &run)) {
		fprintf(stderr, "tap acl: warning: %s: no key %s\n", path,
			access_range(run));
		from = (uint32_t)run.high + 1;
	}
	key_free(&keys);
}

static int
reload(const struct access_options *o, const struct access_paths *paths,
       int *pid)
{
	struct server_conf *conf;
	int status = access_load(o, &conf);
	const struct ask_daemon daemon = {
		"server",
		o->queue,
		paths->rules,
		SERVER_CONF_QUEUE,
	};

	if (status != TAP_OK) {
		fprintf(stderr,
			"tap acl: the server was not told to reload: "
			"it would keep its old configuration\n");
		return status;
	}
	server_conf_free(conf);
	return ask_reload_for(&daemon, "acl", pid);
}

static int
print_diff(const char *path, const struct conf_file *file,
	   const struct secret_buf *new)
{
	struct secret_buf diff = { 0 };
	int status = TAP_OK;

	if (diff_unified(&diff, path, file->text, file->len, new->bytes,
			 new->len) < 0) {
		status = access_no_memory();
	} else if (diff.len > 0) {
		fwrite(diff.bytes, 1, diff.len, stdout);
	}
	secret_drop(&diff);
	return status;
}

static void
print_json(const char *path, bool changed, int pid)
{
	char object[8192];
	struct text t = text_over(object, sizeof object);

	text_put(&t, "{");
	json_member(&t, "file", path);
	json_bool(&t, "changed", changed);
	json_name(&t, "reloaded");
	text_put(&t, pid > 0 ? "%d}\n" : "null}\n", pid);
	fputs(object, stdout);
}

/*
 * The list with the change for each range of ports, one after the other.
 * `file` stays as it was read.  0, or below 0 with the error in err.
 */
static int
edit(const struct access_options *o, bool allow, struct conf_file *file,
     struct secret_buf *new, char *err)
{
	struct acl_change wanted = { .allow = allow,
				     .keys = o->keys,
				     .keys_count = o->keys_count };
	int rc = 0;

	for (size_t i = 0; i < o->ports_count && rc == 0; i++) {
		struct secret_buf out = { 0 };
		struct conf_file again;

		wanted.ports = o->ports[i];
		if (i == 0) {
			rc = acl_edit(file, &wanted, &out, err);
		} else {
			rc = conf_open_text(&again, file->path, new->bytes,
					    new->len, err);
			if (rc == 0) {
				rc = acl_edit(&again, &wanted, &out, err);
				conf_close(&again);
			}
		}
		secret_drop(new);
		*new = out;
	}
	return rc;
}

/* Put the change in place; *changed tells whether there was one. */
static int
change(const struct access_options *o, bool allow, const char *path,
       bool *changed)
{
	struct secret_buf new = { 0 };
	struct conf_file file;
	struct rewrite rw;
	char err[CONF_ERROR_MAX];
	int status = TAP_OK;
	int rc;

	/* A dry run takes no lock: the user may not be allowed to. */
	if (o->dry_run) {
		rc = atomic_file_look(&rw, path, CONF_PUBLIC, &file, err);
	} else {
		rc = atomic_file_open(&rw, path, CONF_PUBLIC, &file, err);
	}
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return rc == -EINVAL ? TAP_USAGE : TAP_SYSTEM;
	}
	if (!rw.exists && !allow) {
		fprintf(stderr, "%s: %s\n", path, strerror(ENOENT));
		status = TAP_SYSTEM;
	} else if ((rc = edit(o, allow, &file, &new, err)) < 0) {
		fprintf(stderr, "%s\n", err);
		status = conf_status(rc);
	} else {
		*changed = new.len != file.len ||
			(new.len > 0 &&
			 memcmp(new.bytes, file.text, new.len) != 0);
	}
	if (status == TAP_OK && o->dry_run && !o->json) {
		status = print_diff(path, &file, &new);
	} else if (status == TAP_OK && *changed && !o->dry_run) {
		rc = atomic_file_commit(&rw, new.bytes, new.len, err);
		if (rc < 0) {
			fprintf(stderr, "%s\n", err);
			status = TAP_SYSTEM;
		}
	}
	conf_close(&file);
	atomic_file_close(&rw);
	secret_drop(&new);
	return status;
}

/* Each file that has a line for some of the ports. */
static int
change_all(const struct access_options *o, bool allow, const char *path,
	   bool *changed)
{
	struct access_places places;
	int status = access_places(o, path, &places);

	for (size_t i = 0; status == TAP_OK && i < places.count; i++) {
		struct access_options part = *o;
		bool one = false;

		part.ports =
			access_place_ports(&places.list[i], &part.ports_count);
		status = part.ports
			? change(&part, allow, places.list[i].path, &one)
			: access_no_memory();
		*changed |= one;
		free(part.ports);
	}
	free(places.list);
	return status;
}

int
access_change(const struct access_options *o, bool allow)
{
	struct access_paths paths = access_paths(o);
	bool changed = false;
	int pid = 0;
	int status = change_all(o, allow, paths.acl, &changed);

	if (status != TAP_OK) {
		return status;
	}
	if (allow) {
		warn_unknown(o, paths.keys);
	}
	if (o->reload && !o->dry_run) {
		status = reload(o, &paths, &pid);
	}
	if (o->json) {
		print_json(paths.acl, changed, pid);
	}
	return status;
}
