#include "conf/share_conf.h"

#include <stdio.h>
#include <string.h>

#include "conf/words.h"

static const char tcp[] = "redis://";
static const char tls[] = "rediss://";
static const char local[] = "unix:";

/* Never quotes the value: somebody may have put a password there. */
static int
fail_form(char *why)
{
	return value_fail(why,
			  "none of redis[s]://HOST[:PORT][/DB] and "
			  "unix:/PATH; user and password are for "
			  "share_login");
}

static int
take_db(struct share_conf *share, const char *text, char *why)
{
	unsigned long db;

	if (value_number(text, 0, SHARE_CONF_DB_MAX, &db, why) < 0) {
		return -1;
	}
	share->db = (unsigned)db;
	return 0;
}

static bool
is_address(const char *text)
{
	char ignored[VALUE_WHY_MAX];
	struct acl_net net;

	return strspn(text, "0123456789abcdefABCDEF.:") == strlen(text) &&
		value_net(text, &net, ignored) == 0 && net.addr.family != 0;
}

static int
take_host(struct share_conf *share, const char *text, size_t len, char *why)
{
	struct value_endpoint at;
	char whole[VALUE_HOST_MAX + 16];
	const char *colon = memchr(text, ':', len);

	if (len > 0 && text[0] == '[') {
		const char *end = memchr(text, ']', len);

		colon = end ? memchr(end, ':', len - (size_t)(end - text))
			    : NULL;
	}
	if (len == 0 || len >= VALUE_HOST_MAX) {
		return fail_form(why);
	}
	snprintf(whole, sizeof whole, "%.*s%s", (int)len, text,
		 colon ? "" : ":" SHARE_CONF_PORT);
	if (value_endpoint(whole, &at, why) < 0 ||
	    value_port(at.port, &share->port, why) < 0) {
		return -1;
	}
	if (!value_is_name(at.host) && !is_address(at.host)) {
		return value_fail(why, "'%.64s' is no host", at.host);
	}
	memcpy(share->host, at.host, sizeof share->host);
	return 0;
}

static int
take_path(struct share_conf *share, const char *path, char *why)
{
	if (path[0] != '/') {
		return fail_form(why);
	}
	if (strlen(path) >= sizeof share->path) {
		return value_fail(why, "a socket's path has less than %u bytes",
				  SHARE_CONF_PATH_MAX);
	}
	memcpy(share->path, path, strlen(path) + 1);
	return 0;
}

int
share_conf_engine(void *into, const char *value, char *why)
{
	struct share_conf *share = into;
	const char *host;
	size_t len;
	int rc;

	if (strlen(value) >= sizeof share->engine || strchr(value, '@')) {
		return fail_form(why);
	}
	if (strncmp(value, local, sizeof local - 1) == 0) {
		rc = take_path(share, value + sizeof local - 1, why);
	} else if (strncmp(value, tcp, sizeof tcp - 1) == 0 ||
		   strncmp(value, tls, sizeof tls - 1) == 0) {
		host = strstr(value, "://") + 3;
		share->tls = value[sizeof tcp - 4] == 's';
		len = strcspn(host, "/");
		rc = take_host(share, host, len, why);
		if (rc == 0 && host[len] == '/') {
			rc = take_db(share, host + len + 1, why);
		}
	} else {
		rc = fail_form(why);
	}
	if (rc == 0) {
		memcpy(share->engine, value, strlen(value) + 1);
	}
	return rc;
}

int
share_conf_file(void *into, const char *value, char *why)
{
	if (value[0] != '/' || strlen(value) >= SHARE_CONF_FILE_MAX) {
		return value_fail(why, "'%.64s' is no path from / on", value);
	}
	memcpy(into, value, strlen(value) + 1);
	return 0;
}

int
share_conf_text(char out[SHARE_CONF_TEXT_MAX], const char *value, char *why)
{
	if (value[0] == '\0' || strlen(value) >= SHARE_CONF_TEXT_MAX) {
		return value_fail(why, "has 1 to %u bytes",
				  SHARE_CONF_TEXT_MAX - 1);
	}
	memcpy(out, value, strlen(value) + 1);
	return 0;
}

static int
take_user(void *into, const char *value, char *why)
{
	return share_conf_text(((struct share_conf *)into)->user, value, why);
}

static int
take_password(void *into, const char *value, char *why)
{
	return share_conf_text(((struct share_conf *)into)->password, value,
			       why);
}

static const struct conf_word_type login_words[] = {
	{ .name = "user", CONF_OWN(take_user) },
	{ .name = "password", CONF_OWN(take_password), .needed = true },
};

int
share_conf_line(void *into, const char *path, const struct conf_words *words,
		char *err)
{
	struct conf_file file;
	struct conf_line line;
	int rc;

	rc = conf_open(&file, path, CONF_SECRET, err);
	if (rc < 0) {
		return rc;
	}
	rc = conf_next(&file, &line, err);
	if (rc > 0) {
		rc = line.is_rule
			? conf_fail(err, &file, line.line,
				    "a rule has no place here")
			: conf_apply(&file, &line, words, into, NULL, err);
		if (rc == 0 && conf_next(&file, &line, err) != 0) {
			rc = conf_fail(err, &file, line.line,
				       "a second line: one has all");
		}
	} else if (rc == 0) {
		rc = conf_fail(err, &file, 0, "is empty");
	}
	conf_close(&file);
	return rc;
}

int
share_conf_load(struct share_conf *share, const char *path, char *err)
{
	const struct conf_words words = CONF_WORDS(login_words);

	return share_conf_line(share, path, &words, err);
}
