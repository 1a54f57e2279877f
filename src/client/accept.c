#include "client/accept.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hold_signals.h"
#include "base/text.h"
#include "conf/atomic_file.h"
#include "conf/client_conf.h"
#include "conf/invite.h"
#include "conf/key_line.h"
#include "conf/passphrase.h"
#include "tap.h"

#define NAME "tap client: --accept"
/* Room for a line that a mail program has broken and indented. */
#define INPUT_MAX (2 * INVITE_LINE_MAX)
#define PATH_MAX_LEN 4096u

static int
fail(const char *why)
{
	fprintf(stderr, NAME ": %s\n", why);
	return TAP_USAGE;
}

/*
 * All that standard input has, or one line of a terminal.  Its length; more
 * than INPUT_MAX where it is longer; or -errno.
 */
static ssize_t
read_input(char input[INPUT_MAX + 1])
{
	const bool terminal = isatty(STDIN_FILENO);
	size_t len = 0;

	if (terminal) {
		fprintf(stderr, "Invitation, a line that begins with tap:\n");
	}
	while (len <= INPUT_MAX) {
		ssize_t got =
			read(STDIN_FILENO, input + len, INPUT_MAX + 1 - len);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		len += (size_t)got;
		if (got == 0 || (terminal && input[len - 1] == '\n')) {
			break;
		}
	}
	return (ssize_t)len;
}

/* The sealed bytes that the line holds. */
static int
take_line(const char *line, uint8_t sealed[INVITE_BYTES_MAX], struct seal *seal)
{
	char input[INPUT_MAX + 1];
	enum invite_result found;
	enum seal_result result;
	ssize_t len = (ssize_t)strlen(line);
	size_t sealed_len;

	if (strcmp(line, "-") == 0) {
		line = input;
		len = read_input(input);
	}
	if (len < 0) {
		fprintf(stderr, NAME ": standard input: %s\n",
			strerror((int)-len));
		return TAP_SYSTEM;
	}
	found = invite_read(sealed, &sealed_len, line, (size_t)len);
	if (found != INVITE_OK) {
		return fail(invite_result_text(found));
	}
	result = seal_parse(seal, sealed, sealed_len);
	if (result == SEAL_SHORT || sealed_len < SEAL_MAGIC_BYTES) {
		return fail(invite_result_text(INVITE_SHORT));
	}
	return result == SEAL_OK ? TAP_OK : fail(seal_result_text(result));
}

static int
open_sealed(struct conf_file *file, const struct seal *seal, int from_fd)
{
	struct sealed_passphrase passphrase = { 0 };
	char why[VALUE_WHY_MAX], err[CONF_ERROR_MAX];
	int rc = from_fd >= 0
		? passphrase_fd(&passphrase, from_fd, why)
		: passphrase_terminal(&passphrase,
				      "Passphrase of the invitation: ", false,
				      why);
	int status = TAP_OK;

	if (rc < 0) {
		fprintf(stderr, NAME ": passphrase: %s\n", why);
		status = TAP_USAGE;
	} else {
		rc = sealed_open_parsed(file, "invitation", seal, &passphrase,
					err);
		if (rc < 0) {
			fprintf(stderr, NAME ": %s\n", err);
			status = conf_status(rc);
		}
	}
	bytes_wipe(&passphrase, sizeof passphrase);
	return status;
}

/* What is known of an invitation once it is open. */
struct accepted {
	struct conf_file file; /* its rules, as they are written */
	size_t rules;
	struct key_spec spec;
	char key_line[KEY_LINE_MAX];
	size_t key_line_len;
	char to[VALUE_WHY_MAX]; /* the first rule's HOST:PORT */
};

static const char *
word_of(const struct conf_line *line, const char *name)
{
	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->words[i].name, name) == 0) {
			return line->words[i].value;
		}
	}
	return "";
}

/* As --to takes it. */
static void
put_target(struct accepted *a, const struct conf_line *line)
{
	const char *host = word_of(line, "dst_host");
	const char *port = word_of(line, "service_port");
	const bool bare = strchr(host, ':') && host[0] != '[';

	snprintf(a->to, sizeof a->to, bare ? "[%s]:%s%s%s" : "%s:%s%s%s", host,
		 word_of(line, "dst_port"), port[0] ? "/" : "", port);
}

/* One rule, all of which have the same key. */
static int
take_rule(struct accepted *a, const struct conf_line *line, char *err)
{
	unsigned long no = a->spec.no;
	int rc;

	if (!line->is_rule) {
		return conf_fail(err, &a->file, line->line,
				 "not a rule: refused");
	}
	key_spec_wipe(&a->spec);
	rc = key_read_rule(&a->file, line, &a->spec, err);
	if (rc == 0 && a->rules > 0 && a->spec.no != no) {
		rc = conf_fail(err, &a->file, line->line,
			       "of another key: refused");
	}
	if (a->rules++ == 0) {
		put_target(a, line);
	}
	return rc;
}

/* As the client will read them. */
static int
check_rules(const struct conf_file *file, char *err)
{
	struct client_conf *conf;
	struct conf_file copy;
	int rc = conf_open_text(&copy, file->path, file->text, file->len, err);

	if (rc < 0) {
		return rc;
	}
	conf = client_conf_read(&copy, err);
	rc = conf ? 0 : -errno;
	client_conf_free(conf);
	conf_close(&copy);
	return rc;
}

/* A line may have come from anybody: it is held to what keygen writes. */
static int
look_into(struct accepted *a)
{
	struct conf_line line;
	char err[CONF_ERROR_MAX];
	struct text t = text_over(a->key_line, sizeof a->key_line);
	int rc;

	while ((rc = conf_next(&a->file, &line, err)) > 0) {
		rc = take_rule(a, &line, err);
		if (rc < 0) {
			break;
		}
	}
	rc = rc < 0 ? rc : check_rules(&a->file, err);
	if (rc < 0) {
		fprintf(stderr, NAME ": %s\n", err);
		return conf_status(rc);
	}
	key_line_write(&t, &a->spec);
	text_put(&t, "\n");
	a->key_line_len = t.len;
	return TAP_OK;
}

/* The directory of a file, as the usual one may not be there yet. */
static void
make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX_LEN];

	if (slash && slash > path && slash - path < (ptrdiff_t)sizeof dir) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		mkdir(dir, 0700);
	}
}

static int
write_file(const char *path, const void *bytes, size_t len, char *err)
{
	make_directory(path);
	return atomic_file_create(path, bytes, len, err);
}

/* Both files, or none; signals wait. */
static int
write_files(const struct accepted *a, const char *conf, const char *keys)
{
	char err[CONF_ERROR_MAX];
	sigset_t before;
	int rc = 0;

	hold_signals(&before);
	if (conf) {
		rc = write_file(conf, a->file.text, a->file.len, err);
	}
	if (rc == 0 && keys) {
		rc = write_file(keys, a->key_line, a->key_line_len, err);
		if (rc < 0 && conf) {
			unlink(conf);
		}
	}
	hold_signals_release(&before);
	if (rc < 0) {
		fprintf(stderr, NAME ": %s\n", err);
	}
	return rc == 0          ? TAP_OK
		: rc == -EEXIST ? TAP_NO
		: rc == -EINVAL ? TAP_USAGE
				: TAP_SYSTEM;
}

static void
tell(const struct accepted *a, const char *conf, const char *keys)
{
	const bool usual = conf && strcmp(conf, CLIENT_CONF_FILE) == 0;

	if (conf) {
		printf("%s: %zu rule%s, key %lu, for %s\n", conf, a->rules,
		       text_s(a->rules), a->spec.no, a->to);
		printf("next: tap client%s%s\n", usual ? "" : " -c ",
		       usual ? "" : conf);
	}
	if (keys) {
		printf("%s: key %lu\n", keys, a->spec.no);
		printf("next: tap client --to %s -k %s -- COMMAND\n", a->to,
		       keys);
	}
}

int
client_accept(const struct accept_options *o)
{
	const char *conf = o->conf || o->keys ? o->conf : CLIENT_CONF_FILE;
	uint8_t sealed[INVITE_BYTES_MAX];
	struct accepted *a;
	struct seal seal;
	int status = take_line(o->line, sealed, &seal);

	if (status != TAP_OK) {
		return status;
	}
	a = secret_new(sizeof *a);
	if (!a) {
		fprintf(stderr, NAME ": out of memory\n");
		return TAP_SYSTEM;
	}
	status = open_sealed(&a->file, &seal, o->passphrase_fd);
	if (status == TAP_OK) {
		status = look_into(a);
		if (status == TAP_OK) {
			status = write_files(a, conf, o->keys);
		}
		if (status == TAP_OK) {
			tell(a, conf, o->keys);
		}
		conf_close(&a->file);
	}
	secret_free(a);
	return status;
}
