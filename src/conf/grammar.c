#include "conf/grammar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/hints.h"
#include "conf/include.h"
#include "conf/trusted_file.h"
#include "os/access_acl.h"
#include "tap.h"

/* Names are shorter than any secret, and have no digits. */
#define NAME_MAX_LEN 31u
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static bool never_waits;

int
conf_fail(char *err, const struct conf_file *file, unsigned line,
	  const char *format, ...)
{
	char what[WHY_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	file = include_current(file);
	return line > 0 ? why_set(err, -1, "%s:%u: %s", file->path, line, what)
			: why_set(err, -1, "%s: %s", file->path, what);
}

int
conf_no_memory(char *err, const struct conf_file *file, unsigned line)
{
	conf_fail(err, file, line, "out of memory");
	return -ENOMEM;
}

int
conf_status(int rc)
{
	return rc == -ENOMEM ? TAP_SYSTEM : TAP_USAGE;
}

static int
check_file(const struct conf_file *file, int fd, enum conf_secrecy secrecy,
	   char *err)
{
	char why[VALUE_WHY_MAX];
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0) {
		return conf_fail(err, file, 0, "%s", strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return conf_fail(err, file, 0, "is a directory");
	}
	if (secrecy == CONF_SECRET && st.st_mode & 077) {
		return conf_fail(err, file, 0,
				 "holds secrets, but others may use it (mode "
				 "%04o): %s",
				 (unsigned)st.st_mode & 07777,
				 access_acl_private);
	}
	if (secrecy == CONF_SECRET && st.st_uid != 0 &&
	    st.st_uid != geteuid()) {
		return conf_fail(err, file, 0,
				 "holds secrets, but belongs to user %u",
				 (unsigned)st.st_uid);
	}
	rc = secrecy == CONF_ANYBODYS ? 0 : trusted_file(file->path, fd, why);
	if (rc == -ENOMEM) {
		return conf_no_memory(err, file, 0);
	}
	return rc < 0 ? conf_fail(err, file, 0, "%s", why) : 0;
}

static int
grow(char **text, size_t *size)
{
	size_t more = *size ? *size * 2 : 4096;
	char *bigger = secret_resize(*text, more);

	if (!bigger) {
		return -1;
	}
	*text = bigger;
	*size = more;
	return 0;
}

static int
read_all(struct conf_file *file, int fd, char *err)
{
	for (;;) {
		ssize_t got;

		if (file->len == file->size &&
		    grow(&file->text, &file->size) < 0) {
			return conf_no_memory(err, file, 0);
		}
		got = read(fd, file->text + file->len, file->size - file->len);
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
conf_open_fd(struct conf_file *file, const char *path, int fd,
	     enum conf_secrecy secrecy, char *err)
{
	int rc;

	*file = (struct conf_file){ .path = path,
				    .next = 1,
				    .secrecy = secrecy };
	rc = check_file(file, fd, secrecy, err);
	if (rc < 0) {
		return rc;
	}
	rc = read_all(file, fd, err);
	if (rc < 0) {
		conf_close(file);
	}
	return rc;
}

void
conf_never_wait(void)
{
	never_waits = true;
}

/* Whether reading it would wait for a writer. */
static bool
is_awaited(int fd)
{
	struct stat st;

	return never_waits && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

int
conf_open(struct conf_file *file, const char *path, enum conf_secrecy secrecy,
	  char *err)
{
	int fd = open(path,
		      O_RDONLY | O_CLOEXEC | O_NOCTTY |
			      (never_waits ? O_NONBLOCK : 0));
	int rc;

	*file = (struct conf_file){ .path = path, .next = 1 };
	if (fd < 0) {
		return conf_fail(err, file, 0, "%s", strerror(errno));
	}
	rc = is_awaited(fd) ? conf_fail(err, file, 0,
					"is a pipe, which can't be read again")
			    : conf_open_fd(file, path, fd, secrecy, err);
	file->includes = CONF_INCLUDES_FOLLOWED;
	close(fd);
	return rc;
}

int
conf_open_text(struct conf_file *file, const char *path, const char *text,
	       size_t len, char *err)
{
	*file = (struct conf_file){ .path = path, .next = 1 };
	file->text = secret_new(len + 1);
	if (!file->text) {
		return conf_no_memory(err, file, 0);
	}
	memcpy(file->text, text, len);
	file->len = len;
	file->size = len + 1;
	return 0;
}

void
conf_close(struct conf_file *file)
{
	include_close(file);
	secret_free(file->text);
	secret_free(file->joined);
	file->text = NULL;
	file->joined = NULL;
	file->len = file->size = 0;
	file->joined_size = 0;
}

/* The length of the line that begins at an offset, without its newline. */
static size_t
line_length(const struct conf_file *file, size_t at)
{
	const char *end = memchr(file->text + at, '\n', file->len - at);

	return end ? (size_t)(end - file->text) - at : file->len - at;
}

/*
 * How much of a line of n bytes counts: not its comment and end.  *quoted
 * tells whether it begins in quotes, then whether it ends so; *more,
 * whether a backslash continues it.
 */
static size_t
kept_length(const char *start, size_t n, bool *quoted, bool *more)
{
	size_t i;

	if (n > 0 && start[n - 1] == '\r') {
		n--;
	}
	for (i = 0; i < n && (*quoted || start[i] != '#'); i++) {
		*quoted ^= start[i] == '"';
	}
	*more = i == n && n > 0 && start[n - 1] == '\\';
	return *more ? n - 1 : i;
}

/* Append what counts of the next line of the file to joined[*len]. */
static int
take_line(struct conf_file *file, size_t *len, bool *quoted, char *err)
{
	const char *start = file->text + file->pos;
	size_t n = line_length(file, file->pos);
	unsigned line = file->next++;

	file->pos += n < file->len - file->pos ? n + 1 : n;
	if (n > CONF_LINE_MAX) {
		return conf_fail(err, file, line,
				 "line longer than %u bytes; a backslash at "
				 "its end continues a line",
				 CONF_LINE_MAX);
	}
	if (memchr(start, '\0', n)) {
		return conf_fail(err, file, line, "NUL byte");
	}
	n = kept_length(start, n, quoted, &file->more);
	while (*len + n + 1 > file->joined_size) {
		if (grow(&file->joined, &file->joined_size) < 0) {
			return conf_no_memory(err, file, line);
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

size_t
conf_offset(const struct conf_file *file, const char *at)
{
	size_t left = (size_t)(at - file->joined);
	size_t pos = file->start;
	bool quoted = false;

	for (;;) {
		size_t n = line_length(file, pos);
		bool more;
		size_t kept = kept_length(file->text + pos, n, &quoted, &more);

		if (left < kept || !more || pos + n >= file->len) {
			return pos + left;
		}
		left -= kept;
		pos += n + 1;
	}
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

/*
 * How much of the text at `at` may be quoted in an error: a name, or nothing,
 * as the rest may be a key.
 */
static int
name_len(const char *at)
{
	size_t len = strspn(at, NAME_CHARS);
	bool digit = at[len] >= '0' && at[len] <= '9';

	return len > NAME_MAX_LEN || digit ? 0 : (int)len;
}

/* Words that need no value, up to a comma or the end. */
static bool
is_bare(const char *at, size_t len)
{
	static const char *const bare[] = { "deny", "allow" };

	if (at[len] != ',' && at[len] != '\0') {
		return false;
	}
	while (len > 0 && is_blank(at[len - 1])) {
		len--;
	}
	for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
		if (strlen(bare[i]) == len && strncmp(bare[i], at, len) == 0) {
			return true;
		}
	}
	return false;
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
	if (is_bare(at, (size_t)(equals - at))) {
		*rest = *equals == ',' ? skip_blanks(equals + 1) : NULL;
		cut(at, equals);
		/* As if it stood there: hints look at what is before it. */
		*word = (struct conf_word){ .name = at, .value = &"=yes"[1] };
		return 0;
	}
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
					 "comma expected after %s=\"...\"", at);
		}
	} else {
		end = value + strcspn(value, ",");
	}
	*rest = *end == ',' ? skip_blanks(end + 1) : NULL;
	if (value[-1] != '"') {
		cut(value, end);
	}
	if (*value == '\0') {
		return conf_fail(err, file, file->line, "%s has no value", at);
	}
	word->name = at;
	word->value = value;
	return 0;
}

static int
split_line(const struct conf_file *file, struct conf_line *line, char *err)
{
	static const char rule[] = "RULE:", guest[] = "GUEST:";
	char *at = skip_blanks(file->joined);

	*line = (struct conf_line){ .line = file->line };
	if (strncmp(at, rule, sizeof rule - 1) == 0) {
		line->is_rule = true;
		at = skip_blanks(at + sizeof rule - 1);
	} else if (strncmp(at, guest, sizeof guest - 1) == 0) {
		line->is_rule = line->is_guest = true;
		at = skip_blanks(at + sizeof guest - 1);
	}
	while (at) {
		char hint[HINTS_TEXT_MAX];

		if (line->count > 0 && !is_bare(at, strcspn(at, "=,\"")) &&
		    hint_list(hint, &line->words[line->count - 1], at)) {
			return conf_fail(err, file, file->line,
					 "a list needs quotes: %s", hint);
		}
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

/* As programs of Windows have it in UTF-8 and in UTF-16. */
static bool
begins_with_mark(const struct conf_file *file)
{
	static const char *const marks[] = { "\xef\xbb\xbf", "\xff\xfe",
					     "\xfe\xff" };
	bool found = false;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const size_t len = strlen(marks[i]);

		found |= file->len >= len &&
			memcmp(file->text, marks[i], len) == 0;
	}
	return found;
}

/* The next line of the file itself. */
static int
next_own(struct conf_file *file, struct conf_line *line, char *err)
{
	if (file->pos == 0 && begins_with_mark(file)) {
		return conf_fail(err, file, 1,
				 "begins with a byte order mark: save it as "
				 "UTF-8 without one");
	}
	while (file->pos < file->len) {
		size_t len = 0;
		bool quoted = false;

		file->line = file->next;
		file->start = file->pos;
		do {
			int rc = take_line(file, &len, &quoted, err);

			if (rc < 0) {
				return rc;
			}
		} while (file->more && file->pos < file->len);
		if (len > 0 && *skip_blanks(file->joined) != '\0') {
			return split_line(file, line, err);
		}
	}
	return 0;
}

const char *
conf_included(const struct conf_file *file)
{
	const struct conf_file *current = include_current(file);

	return current == file ? NULL : current->path;
}

const char *
conf_place(char out[CONF_PLACE_MAX], const struct conf_file *file,
	   const char *included, unsigned line)
{
	if (conf_included(file) == included) {
		snprintf(out, CONF_PLACE_MAX, "line %u", line);
	} else {
		snprintf(out, CONF_PLACE_MAX, "%s:%u",
			 included ? included : file->path, line);
	}
	return out;
}

int
conf_next(struct conf_file *file, struct conf_line *line, char *err)
{
	for (;;) {
		int rc = 0;

		if (file->include) {
			rc = include_next(file, line, err);
			if (rc != 0) {
				return rc;
			}
			include_close(file);
		}
		rc = next_own(file, line, err);
		if (rc <= 0 || !include_is(line) ||
		    file->includes == CONF_INCLUDES_GIVEN) {
			return rc;
		}
		if (file->includes == CONF_INCLUDES_REFUSED) {
			return conf_fail(err, file, line->line,
					 "include: not in a file that is "
					 "included or sealed");
		}
		if (file->includes == CONF_INCLUDES_FOLLOWED) {
			rc = include_open(file, line, err);
			if (rc < 0) {
				return rc;
			}
		}
	}
}
