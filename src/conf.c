#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

/* Names are shorter than any secret, and have no digits. */
#define NAME_MAX_LEN 31u
#define NAME_CHARS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
/* Digits in a row that nothing but a key has. */
#define SECRET_DIGITS 16u

/* One printable line, whatever a path or a file has in it. */
static void
make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 127) {
			*text = '?';
		}
	}
}

int
conf_fail(char *err, const struct conf_file *file, unsigned line,
	  const char *format, ...)
{
	va_list args;
	int at;

	if (line > 0) {
		at = snprintf(err, CONF_ERROR_MAX, "%s:%u: ", file->path, line);
	} else {
		at = snprintf(err, CONF_ERROR_MAX, "%s: ", file->path);
	}
	if (at >= 0 && (size_t)at < CONF_ERROR_MAX) {
		va_start(args, format);
		vsnprintf(err + at, CONF_ERROR_MAX - (size_t)at, format, args);
		va_end(args);
	}
	make_printable(err);
	return -1;
}

static int
check_file(const struct conf_file *file, int fd, enum conf_secrecy secrecy,
	   char *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return conf_fail(err, file, 0, "%s", strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return conf_fail(err, file, 0, "is a directory");
	}
	if (secrecy == CONF_PUBLIC) {
		return 0;
	}
	if (st.st_mode & 077) {
		return conf_fail(err, file, 0,
				 "holds secrets, but others may use it (mode "
				 "%04o): chmod 600 it",
				 (unsigned)st.st_mode & 07777);
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		return conf_fail(err, file, 0,
				 "holds secrets, but belongs to user %u",
				 (unsigned)st.st_uid);
	}
	return 0;
}

/* Grow by doubling, wiping what is left behind: it may hold keys. */
static int
grow(char **text, size_t *size, size_t used)
{
	size_t more = *size ? *size * 2 : 4096;
	char *bigger = malloc(more);

	if (!bigger) {
		return -1;
	}
	if (*text) {
		memcpy(bigger, *text, used);
		/* All of it: a line before this one may have had more. */
		bytes_wipe(*text, *size);
		free(*text);
	}
	*text = bigger;
	*size = more;
	return 0;
}

static int
read_all(struct conf_file *file, int fd, char *err)
{
	size_t size = 0;

	for (;;) {
		ssize_t got;

		if (file->len == size &&
		    grow(&file->text, &size, file->len) < 0) {
			return conf_fail(err, file, 0, "out of memory");
		}
		got = read(fd, file->text + file->len, size - file->len);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return conf_fail(err, file, 0, "%s", strerror(errno));
		}
		if (got == 0) {
			return 0;
		}
		file->len += (size_t)got;
		if (file->len > CONF_FILE_MAX) {
			return conf_fail(err, file, 0, "larger than %u MiB",
					 CONF_FILE_MAX >> 20);
		}
	}
}

int
conf_open(struct conf_file *file, const char *path, enum conf_secrecy secrecy,
	  char *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	*file = (struct conf_file){ .path = path, .next = 1 };
	if (fd < 0) {
		return conf_fail(err, file, 0, "%s", strerror(errno));
	}
	rc = check_file(file, fd, secrecy, err);
	if (rc == 0) {
		rc = read_all(file, fd, err);
	}
	close(fd);
	if (rc < 0) {
		conf_close(file);
	}
	return rc;
}

int
conf_open_text(struct conf_file *file, const char *path, const char *text,
	       size_t len, char *err)
{
	*file = (struct conf_file){ .path = path, .next = 1, .len = len };
	file->text = malloc(len + 1);
	if (!file->text) {
		return conf_fail(err, file, 0, "out of memory");
	}
	memcpy(file->text, text, len);
	return 0;
}

void
conf_close(struct conf_file *file)
{
	if (file->text) {
		bytes_wipe(file->text, file->len);
		free(file->text);
	}
	if (file->joined) {
		bytes_wipe(file->joined, file->joined_size);
		free(file->joined);
	}
	file->text = NULL;
	file->joined = NULL;
	file->len = 0;
	file->joined_size = 0;
}

/*
 * Append one line of the file to joined[*len]: without its comment and
 * end.  Sets *more where a backslash continues it; *quoted is whether
 * that is within quotes.
 */
static int
take_line(struct conf_file *file, size_t *len, bool *more, bool *quoted,
	  char *err)
{
	const char *start = file->text + file->pos;
	const char *end = memchr(start, '\n', file->len - file->pos);
	size_t n = end ? (size_t)(end - start) : file->len - file->pos;
	unsigned line = file->next++;
	size_t i;

	file->pos += n + (end ? 1 : 0);
	if (n > CONF_LINE_MAX) {
		return conf_fail(err, file, line,
				 "line longer than %u bytes; a backslash at "
				 "its end continues a line",
				 CONF_LINE_MAX);
	}
	if (memchr(start, '\0', n)) {
		return conf_fail(err, file, line, "NUL byte");
	}
	if (n > 0 && start[n - 1] == '\r') {
		n--;
	}
	for (i = 0; i < n && (*quoted || start[i] != '#'); i++) {
		*quoted ^= start[i] == '"';
	}
	*more = i == n && n > 0 && start[n - 1] == '\\';
	n = *more ? n - 1 : i;
	while (*len + n + 1 > file->joined_size) {
		if (grow(&file->joined, &file->joined_size, *len) < 0) {
			return conf_fail(err, file, line, "out of memory");
		}
	}
	memcpy(file->joined + *len, start, n);
	*len += n;
	file->joined[*len] = '\0';
	if (*len > CONF_JOINED_MAX) {
		return conf_fail(err, file, line, "continued line too long");
	}
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *
skip_blanks(char *at)
{
	while (is_blank(*at)) {
		at++;
	}
	return at;
}

/* End a word at `end`, less the blanks before it. */
static void
cut(const char *start, char *end)
{
	while (end > start && is_blank(end[-1])) {
		end--;
	}
	*end = '\0';
}

/* How much of what stands at `at` can be shown: a name, or nothing. */
static int
name_len(const char *at)
{
	size_t len = strspn(at, NAME_CHARS);
	bool digit = at[len] >= '0' && at[len] <= '9';

	return len > NAME_MAX_LEN || digit ? 0 : (int)len;
}

/* One name=value at `at`; *rest is where the next one begins. */
static int
split_word(const struct conf_file *file, char *at, struct conf_word *word,
	   char **rest, char *err)
{
	char *equals = at + strcspn(at, "=,\"");
	char *value;
	char *end;

	value = *equals == '=' ? skip_blanks(equals + 1) : equals;
	cut(at, equals);
	if (value == equals || name_len(at) == 0 || at[name_len(at)] != '\0') {
		/* Not the whole word: it may be a key without its name. */
		return conf_fail(err, file, file->line,
				 "'%.*s...' is not name=value", name_len(at),
				 at);
	}
	if (*value == '"') {
		value++;
		end = strchr(value, '"');
		if (!end) {
			return conf_fail(err, file, file->line,
					 "quote not closed after %s=", at);
		}
		*end = '\0';
		end = skip_blanks(end + 1);
		if (*end != ',' && *end != '\0') {
			return conf_fail(err, file, file->line,
					 "comma expected after %s=\"...\"",
					 at);
		}
	} else {
		end = value + strcspn(value, ",");
	}
	*rest = *end == ',' ? skip_blanks(end + 1) : NULL;
	if (value[-1] != '"') {
		cut(value, end);
	}
	if (*value == '\0') {
		return conf_fail(err, file, file->line,
				 "%s has no value", at);
	}
	word->name = at;
	word->value = value;
	return 0;
}

static int
split_line(const struct conf_file *file, struct conf_line *line, char *err)
{
	static const char rule[] = "RULE:";
	char *at = skip_blanks(file->joined);

	*line = (struct conf_line){ .line = file->line };
	if (strncmp(at, rule, sizeof rule - 1) == 0) {
		line->is_rule = true;
		at = skip_blanks(at + sizeof rule - 1);
	}
	while (at) {
		if (line->count == CONF_WORDS_MAX) {
			return conf_fail(err, file, file->line,
					 "more than %u words", CONF_WORDS_MAX);
		}
		if (split_word(file, at, &line->words[line->count++], &at,
			       err) < 0) {
			return -1;
		}
	}
	return 1;
}

int
conf_next(struct conf_file *file, struct conf_line *line, char *err)
{
	while (file->pos < file->len) {
		size_t len = 0;
		bool more = true;
		bool quoted = false;

		file->line = file->next;
		while (more && file->pos < file->len) {
			if (take_line(file, &len, &more, &quoted, err) < 0) {
				return -1;
			}
		}
		if (len > 0 && *skip_blanks(file->joined) != '\0') {
			return split_line(file, line, err);
		}
	}
	return 0;
}

/* Whether a reason shows part of a value that has a key in it. */
static bool
shows_secret(const char *why, const char *value)
{
	size_t len = strlen(value);
	size_t digits = 0;

	for (size_t i = 0; i < len && digits < SECRET_DIGITS; i++) {
		digits = strchr("0123456789abcdefABCDEF", value[i]) ?
				 digits + 1 :
				 0;
	}
	for (size_t i = 0; digits == SECRET_DIGITS && i + 4 <= strlen(why);
	     i++) {
		if (memmem(value, len, why + i, 4)) {
			return true;
		}
	}
	return false;
}

int
conf_apply(const struct conf_file *file, const struct conf_line *line,
	   const struct conf_option *options, size_t count, void *into,
	   uint64_t *seen, char *err)
{
	for (size_t i = 0; i < line->count; i++) {
		const struct conf_word *word = &line->words[i];
		char why[VALUE_WHY_MAX];
		size_t at = 0;

		while (at < count &&
		       strcmp(options[at].name, word->name) != 0) {
			at++;
		}
		if (at == count) {
			return conf_fail(err, file, line->line,
					 "unknown word '%s'", word->name);
		}
		if (*seen & (uint64_t)1 << at) {
			return conf_fail(err, file, line->line,
					 "%s stands there twice", word->name);
		}
		*seen |= (uint64_t)1 << at;
		if (options[at].set(into, word->value, why) < 0) {
			if (shows_secret(why, word->value)) {
				value_fail(why, "not such a value; it may be "
						"a key and is not shown");
			}
			return conf_fail(err, file, line->line, "%s: %s",
					 word->name, why);
		}
	}
	return 0;
}
