#include "client/accept.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hold_signals.h"
#include "base/text.h"
#include "conf/atomic_file.h"
#include "conf/client_conf.h"
#include "conf/invite.h"
#include "conf/key_line.h"
#include "conf/passphrase_terminal.h"
#include "tap.h"

#define NAME "tap client: --accept"
/* Room for a line that a mail program has broken and indented. */
#define INPUT_MAX (2 * INVITE_LINE_MAX)
#define PATH_MAX_LEN 4096u
/* The rules stand in a line of INVITE_LINE_MAX; this is less of each. */
#define TO_MAX INVITE_LINE_MAX

static int
fail(const char *why)
{
	fprintf(stderr, NAME ": %s\n", why);
	return TAP_USAGE;
}

/* What a line is, and where it is an invitation, what its bytes are. */
static enum invite_result
parse(const char *line, size_t len, uint8_t sealed[INVITE_BYTES_MAX],
      struct seal *seal, enum seal_result *result)
{
	size_t sealed_len;
	enum invite_result found = invite_read(sealed, &sealed_len, line, len);

	if (found != INVITE_OK) {
		return found;
	}
	*result = seal_parse(seal, sealed, sealed_len);
	return *result == SEAL_SHORT || sealed_len < SEAL_MAGIC_BYTES
		? INVITE_SHORT
		: INVITE_OK;
}

/* On a terminal: an empty line, or one after which nothing is missing. */
static bool
is_last(const char *input, size_t len)
{
	uint8_t sealed[INVITE_BYTES_MAX];
	enum seal_result result;
	struct seal seal;

	return input[len - 1] == '\n' &&
		(len == 1 || input[len - 2] == '\n' ||
		 parse(input, len, sealed, &seal, &result) != INVITE_SHORT);
}

/*
 * All that standard input has, or of a terminal until the invitation is
 * whole.  Its length; more than INPUT_MAX where it is longer; or -errno.
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
		if (got == 0 || (terminal && is_last(input, len))) {
			break;
		}
	}
	if (terminal) {
		/* What was pasted behind it is no command for the shell. */
		tcflush(STDIN_FILENO, TCIFLUSH);
	}
	return (ssize_t)len;
}

/* The sealed bytes that the line holds. */
static int
take_line(const char *line, uint8_t sealed[INVITE_BYTES_MAX], struct seal *seal)
{
	enum seal_result result = SEAL_NONE;
	char input[INPUT_MAX + 1];
	enum invite_result found;
	ssize_t len = (ssize_t)strlen(line);

	if (strcmp(line, "-") == 0) {
		line = input;
		len = read_input(input);
	}
	if (len < 0) {
		fprintf(stderr, NAME ": standard input: %s\n",
			strerror((int)-len));
		return TAP_SYSTEM;
	}
	found = parse(line, (size_t)len, sealed, seal, &result);
	if (found != INVITE_OK) {
		return fail(invite_result_text(found));
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
	char key_line[KEY_LINE_MAX], other_line[KEY_LINE_MAX];
	char to[TO_MAX]; /* HOST:PORT of each rule */
	bool one_place;  /* which is what --to takes */
};

static const char *
word_of(const struct conf_line *line, const char *name)
{
	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->words[i].name, name) == 0) {
			return line->words[i].value;
		}
	}
	return NULL;
}

/* As --to takes it, where it is one place. */
static void
put_target(struct accepted *a, const struct conf_line *line)
{
	const char *host = word_of(line, "dst_host");
	const char *port = word_of(line, "dst_port");
	const char *service_port = word_of(line, "service_port");
	const bool bare = host && strchr(host, ':') && host[0] != '[';
	const size_t len = strlen(a->to);
	struct text t = text_over(a->to + len, sizeof a->to - len);

	a->one_place = a->rules == 0 && host && strcmp(host, "ANY") != 0 &&
		!strchr(host, '/') && port && strcmp(port, "ANY") != 0 &&
		!strpbrk(port, ",-");
	text_put(&t, "%s%s%s%s:%s", a->rules > 0 ? ", " : "", bare ? "[" : "",
		 host ? host : "ANY", bare ? "]" : "", port ? port : "ANY");
	if (service_port) {
		text_put(&t, "/%s", service_port);
	}
}

/* One rule, all of which have the same key. */
static int
take_rule(struct accepted *a, const struct conf_line *line, char *err)
{
	struct text t = text_over(a->rules > 0 ? a->other_line : a->key_line,
				  KEY_LINE_MAX);
	int rc;

	if (!line->is_rule || line->is_guest) {
		return conf_fail(err, &a->file, line->line,
				 "not a rule: refused");
	}
	key_spec_wipe(&a->spec);
	rc = key_read_rule(&a->file, line, &a->spec, err);
	if (rc < 0) {
		return rc;
	}
	key_line_write(&t, &a->spec);
	text_put(&t, "\n");
	if (a->rules > 0 && strcmp(a->other_line, a->key_line) != 0) {
		return conf_fail(err, &a->file, line->line,
				 "of another key: refused");
	}
	put_target(a, line);
	a->rules++;
	return 0;
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
		rc = write_file(keys, a->key_line, strlen(a->key_line), err);
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
		printf("%s: key %lu, for %s\n", keys, a->spec.no, a->to);
		printf("next: tap client --to %s -k %s -- COMMAND\n",
		       a->one_place ? a->to : "HOST:PORT", keys);
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
