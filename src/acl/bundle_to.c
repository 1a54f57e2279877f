#include "acl/bundle_to.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl/push.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "conf/atomic_file.h"
#include "tap.h"

#define COMMAND_MAX 1280u
#define PATH_MAX_ 256u

/* That which the servers' own rules name. */
static int
usual_engine(const struct access_options *o, struct share_conf *share,
	     char *err)
{
	struct server_conf *conf = server_conf_new();
	int rc;

	if (!conf) {
		return why_set(err, -ENOMEM, "out of memory");
	}
	rc = server_conf_read_path(conf, access_paths(o).rules, err);
	if (rc == 0 && conf->share_login[0]) {
		rc = share_conf_load(&conf->share, conf->share_login, err);
	}
	if (rc == 0 && !conf->share.engine[0]) {
		rc = why_set(err, -1,
			     "%s: no replay_share: say --to, and where",
			     access_paths(o).rules);
	}
	if (rc == 0) {
		*share = conf->share;
	}
	server_conf_free(conf);
	return rc;
}

int
access_engine(const struct access_options *o, const char *text,
	      struct share_conf *share)
{
	const char *path = o->bundle_key ? o->bundle_key : BUNDLE_KEY_FILE;
	char err[CONF_ERROR_MAX];
	struct bundle_key key = { 0 };
	bool engine = true;
	int rc = 0;

	if (!text) {
		rc = usual_engine(o, share, err);
	} else if (o->bundle_key || access(path, F_OK) == 0) {
		rc = bundle_key_load(&key, path, err);
	}
	if (rc == 0 && text) {
		rc = bundle_place(text, &key, share, &engine, err);
	}
	if (rc == 0 && !engine) {
		rc = why_set(err, -1, "--to: '%.64s' is no engine", text);
	}
	bytes_wipe(&key, sizeof key);
	if (rc < 0) {
		fprintf(stderr, "tap acl: %s\n", err);
		return conf_status(rc);
	}
	return TAP_OK;
}

/* What no shell takes for anything else. */
static bool
is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./@";

	return text[0] != '\0' && text[0] != '-' &&
		text[strspn(text, plain)] == '\0' && strlen(text) < PATH_MAX_;
}

static bool
is_engine(const char *text)
{
	return strstr(text, "://") || strncmp(text, "unix:", 5) == 0;
}

int
bundle_to_parse(struct bundle_to *to, char *text, const struct bundle_key *key,
		char *err)
{
	char *colon = strchr(text, ':');
	bool engine;

	*to = (struct bundle_to){ .name = text };
	if (text[0] == '/' || is_engine(text)) {
		to->kind = text[0] == '/' ? BUNDLE_TO_FILE : BUNDLE_TO_ENGINE;
		return bundle_place(text, key, &to->share, &engine, err);
	}
	to->kind = BUNDLE_TO_HOST;
	if (colon) {
		*colon = '\0';
		to->path = colon + 1;
	}
	/* Nor is it an option to what ssh(1) runs. */
	if (!is_plain(text) || strchr(text, '/') || strstr(text, "@-") ||
	    (to->path && (to->path[0] != '/' || !is_plain(to->path)))) {
		return why_set(err, -1,
			       "'%.64s' is none of /PATH, HOST[:/PATH] and "
			       "redis://HOST",
			       text);
	}
	return 0;
}

void
bundle_to_engine(struct bundle_to *to)
{
	to->kind = BUNDLE_TO_ENGINE;
	to->name = to->share.engine;
}

/* ---- look */

static int
take_text(struct bundle_to *to, const char *text, size_t len,
	  const struct bundle_key *key, char *err)
{
	enum bundle_result result;

	to->box = secret_new(len + 1);
	if (!to->box) {
		return why_set(err, -1, "out of memory");
	}
	result = bundle_open(to->box, &to->len, text, len, key->key);
	if (result != BUNDLE_OK) {
		return why_set(err, -1, "%s: nothing is put in its place",
			       bundle_result_text(result));
	}
	(void)bundle_line_read(&to->stamp, text, len);
	to->there = true;
	return 0;
}

static int
look_at_file(struct bundle_to *to, const struct bundle_key *key, char *err)
{
	struct rewrite rw;
	struct conf_file file;
	int rc = atomic_file_look(&rw, to->name, CONF_ANYBODYS, &file, err);

	if (rc < 0) {
		return -1;
	}
	if (file.len > 0) {
		rc = take_text(to, file.text, file.len, key, err);
	}
	conf_close(&file);
	atomic_file_close(&rw);
	return rc;
}

static int
look_at_engine(struct bundle_to *to, const struct bundle_key *key, char *err)
{
	struct bundle_stamp stamp;
	char *text;
	size_t len;
	bool there;
	int rc;

	text = malloc(BUNDLE_MAX);
	/* Closed later, if it is there at all. */
	to->engine = text ? malloc(sizeof *to->engine) : NULL;
	if (!to->engine) {
		free(text);
		return why_set(err, -1, "out of memory");
	}
	rc = engine_open(to->engine, &to->share, err);
	rc = rc < 0 ? rc : fleet_watch(to->engine, err);
	rc = rc < 0 ? rc : fleet_stamp(to->engine, &stamp, &there, err);
	if (rc == 0 && there) {
		rc = fleet_fetch(to->engine, text, &len, err);
		rc = rc < 0 ? rc : take_text(to, text, len, key, err);
	}
	free(text);
	return rc;
}

int
bundle_to_look(struct bundle_to *to, const struct bundle_key *key, char *err)
{
	return to->kind == BUNDLE_TO_FILE    ? look_at_file(to, key, err)
		: to->kind == BUNDLE_TO_HOST ? 0
					     : look_at_engine(to, key, err);
}

/* ---- put */

static int
put_file(const struct bundle_to *to, const char *text, char *err)
{
	struct rewrite rw;
	struct conf_file file;
	struct bundle_stamp now = to->stamp;
	int rc = atomic_file_open(&rw, to->name, CONF_ANYBODYS, &file, err);

	if (rc < 0) {
		return -1;
	}
	if (file.len > 0 &&
	    (bundle_line_read(&now, file.text, file.len) != BUNDLE_OK ||
	     !to->there || !bundle_same(&now, &to->stamp))) {
		rc = why_set(err, -1, "somebody else has pushed meanwhile");
	}
	conf_close(&file);
	rc = rc < 0 ? rc : atomic_file_commit(&rw, text, strlen(text), err);
	atomic_file_close(&rw);
	return rc;
}

/* As a whole: a server looks at any moment, and the connection may break. */
static int
put_host(const struct bundle_to *to, const char *text, char *err)
{
	const char *path = to->path ? to->path : PUSH_HOST_PATH;
	char command[COMMAND_MAX], said[256];
	/* One that is off is not to keep it from the next one. */
	const char *const argv[] = {
		"ssh", "-o", "ConnectTimeout=10", "--", to->name, command, NULL,
	};
	int rc;

	snprintf(command, sizeof command,
		 "umask 077 && cat >%s.new && [ $(wc -c <%s.new) -eq %zu ] && "
		 "mv -f %s.new %s",
		 path, path, strlen(text), path, path);
	rc = run_attached(argv, text, NULL, 0, said, sizeof said);
	if (rc != 0) {
		said[strcspn(said, "\r\n")] = '\0';
		return why_set(err, -1, "ssh: %s",
			       rc == RUN_NOT_FOUND ? "not found"
				       : said[0]   ? said
						   : "failed");
	}
	return 0;
}

int
bundle_to_put(struct bundle_to *to, const char *text, char *err)
{
	return to->kind == BUNDLE_TO_FILE ? put_file(to, text, err)
		: to->kind == BUNDLE_TO_HOST
		? put_host(to, text, err)
		: fleet_store(to->engine, text, err);
}

void
bundle_to_close(struct bundle_to *to)
{
	if (to->engine) {
		engine_close(to->engine);
	}
	free(to->engine);
	secret_free(to->box);
	to->engine = NULL;
	to->box = NULL;
	bytes_wipe(&to->share, sizeof to->share);
}
