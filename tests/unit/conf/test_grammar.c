#include "unit/files_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/words.h"
#include "base/text.h"

#define SECRET "A1949A68393EA4B339FB8A597C38DBC9"

static char err[CONF_ERROR_MAX];

static void
open_text(struct conf_file *file, const char *text)
{
	assert_int_equal(conf_open_text(file, "f", text, strlen(text), err), 0);
}

/* A file's lines, as line:[RULE:]name=value|... and so on. */
static void
conf_reads(const char *text, const char *expected)
{
	char out[1024];
	struct text t = text_over(out, sizeof out);
	struct conf_file file;
	struct conf_line line;
	int rc;

	open_text(&file, text);
	while ((rc = conf_next(&file, &line, err)) > 0) {
		text_put(&t, "%u:%s", line.line, line.is_rule ? "RULE:" : "");
		for (size_t i = 0; i < line.count; i++) {
			text_put(&t, "%s%s=%s", i ? "|" : "",
				 line.words[i].name, line.words[i].value);
		}
		text_put(&t, "\n");
	}
	conf_close(&file);
	if (rc < 0) {
		fail_msg("'%s': %s", text, err);
	}
	assert_string_equal(out, expected);
}

static void
conf_grammar(void **state)
{
	(void)state;
	conf_reads("", "");
	conf_reads("\n \t\n# a=b\n\r\n   # c", "");
	conf_reads("a=1", "1:a=1\n");
	conf_reads("a=1\n\nb=2\n", "1:a=1\n3:b=2\n");
	conf_reads("a=1\r\nb=2\r\n", "1:a=1\n2:b=2\n");
	conf_reads("a=1, b=2,c=3", "1:a=1|b=2|c=3\n");
	conf_reads("\t a =\t1 , b= 2 \t", "1:a=1|b=2\n");
	conf_reads("RULE:a=1", "1:RULE:a=1\n");
	conf_reads(" RULE: \ta=1, b=x y", "1:RULE:a=1|b=x y\n");
	conf_reads("a=1 # b=2\nc=3#4", "1:a=1\n2:c=3\n");
	conf_reads("a=b=c", "1:a=b=c\n");
}

static void
conf_quotes(void **state)
{
	(void)state;
	conf_reads("a=\"1,2\", b=\"3\"", "1:a=1,2|b=3\n");
	conf_reads("a=\"#1\" # \"", "1:a=#1\n");
	conf_reads("a=\" 1 \"\t, b=2", "1:a= 1 |b=2\n");
	conf_reads("a= \"x=y\" ", "1:a=x=y\n");
}

static void
conf_continues_lines(void **state)
{
	(void)state;
	conf_reads("a=1, \\\nb=2\nc=3", "1:a=1|b=2\n3:c=3\n");
	conf_reads("a=1\\\r\n2\\\n3", "1:a=123\n");
	conf_reads("a=1\\", "1:a=1\n");
	conf_reads("# a \\\nb=2", "2:b=2\n");
	conf_reads("\\\n\\\na=1", "1:a=1\n");
	/* Quotes are continued, too: what a # is, they decide. */
	conf_reads("a=\"1,\\\n2\" # c\nb=2", "1:a=1,2\n3:b=2\n");
	conf_reads("a=\"1,\\\n#2\" # c\nb=2", "1:a=1,#2\n3:b=2\n");
}

static const char *
examples_of_the_papers(void)
{
	return "tolerance=30\n"
	       "RULE:indev=eth0, outdev=ANY, src_host=202.33.69.0:255.255.255"
	       ".0, dst_host=211.7.133.3, dst_port=8080, type=LOCAL\n"
	       "RULE:dst_port=www\n"
	       "key_no=10, key=0xA1949A68393EA4B339FB8A597C38DBC9\n"
	       "port=80, key_no=\"10,11\"\n";
}

static void
conf_reads_the_papers(void **state)
{
	(void)state;
	conf_reads(examples_of_the_papers(),
		   "1:tolerance=30\n"
		   "2:RULE:indev=eth0|outdev=ANY|src_host=202.33.69.0:255.255."
		   "255.0|dst_host=211.7.133.3|dst_port=8080|type=LOCAL\n"
		   "3:RULE:dst_port=www\n"
		   "4:key_no=10|key=0xA1949A68393EA4B339FB8A597C38DBC9\n"
		   "5:port=80|key_no=10,11\n");
}

static void
conf_takes_all_words_and_bytes_allowed(void **state)
{
	char text[CONF_LINE_MAX + 2] = "";
	struct conf_file file;
	struct conf_line line;

	(void)state;
	for (unsigned i = 0; i < CONF_WORDS_MAX; i++) {
		strcat(text, i ? ",a=1" : "a=1");
	}
	open_text(&file, text);
	assert_int_equal(conf_next(&file, &line, err), 1);
	assert_int_equal(line.count, CONF_WORDS_MAX);
	conf_close(&file);
	memset(text, 'x', CONF_LINE_MAX);
	text[1] = '=';
	open_text(&file, text);
	assert_int_equal(conf_next(&file, &line, err), 1);
	assert_int_equal(strlen(line.words[0].value), CONF_LINE_MAX - 2);
	conf_close(&file);
}

/* The error for text, read to the end. */
static const char *
error_of(const char *text, size_t len)
{
	struct conf_file file;
	struct conf_line line;
	int rc;

	memset(err, 0, sizeof err);
	assert_int_equal(conf_open_text(&file, "f", text, len, err), 0);
	while ((rc = conf_next(&file, &line, err)) > 0) {
	}
	conf_close(&file);
	if (rc == 0) {
		fail_msg("'%s' is not refused", text);
	}
	return err;
}

static void
conf_refuses(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *why;
	} bad[] = {
		{ "a", 1, "'a...' is not name=value" },
		{ "\n\na", 3, "name=value" },
		{ "a=1\nb", 2, "name=value" },
		{ "a=1,", 1, "name=value" },
		{ ",a=1", 1, "name=value" },
		{ "a=1,,b=2", 1, "name=value" },
		{ "=1", 1, "name=value" },
		{ " =1", 1, "name=value" },
		{ "a=", 1, "a has no value" },
		{ "a= \t", 1, "a has no value" },
		{ "a=,b=1", 1, "a has no value" },
		{ "a=\"\"", 1, "a has no value" },
		{ "a=\"1", 1, "quote not closed after a=" },
		{ "a=\"1\n\"", 1, "quote not closed" },
		{ "a=\"1\"2", 1, "comma expected after a=" },
		{ "a=\"1\" b=2", 1, "comma expected after a=" },
		{ "\"a\"=1", 1, "name=value" },
		{ "RULE:", 1, "name=value" },
		{ "RULE:RULE:a=1", 1, "name=value" },
		{ "RULE a=1", 1, "name=value" },
		{ "rule:a=1", 1, "name=value" },
		{ "a b=1", 1, "name=value" },
		{ "\xef\xbb\xbf"
		  "a=1",
		  1, "byte order mark" },
		{ "\xff\xfe=1", 1, "byte order mark" },
		{ "a=1\\\n,b", 1, "a list needs quotes: a=\"1,b\"" },
		{ "x=1\n\\\n\na", 4, "name=value" },
		{ "\x1b[31m=1", 1, "name=value" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_error(error_of(bad[i].text, strlen(bad[i].text)), "f",
			    bad[i].line, bad[i].why);
	}
	check_error(error_of("a=1\nb=\0002", 9), "f", 2, "NUL");
}

static void
conf_refuses_what_is_too_long(void **state)
{
	char *text = malloc(CONF_JOINED_MAX + CONF_LINE_MAX * 4);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', CONF_LINE_MAX + 1);
	check_error(error_of(text, CONF_LINE_MAX + 1), "f", 1, "longer than");
	while (len <= CONF_JOINED_MAX + CONF_LINE_MAX) {
		memset(text + len, 'x', CONF_LINE_MAX - 1);
		len += CONF_LINE_MAX;
		text[len - 1] = '\\';
		text[len++] = '\n';
	}
	check_error(error_of(text, len), "f", 129, "too long");
	text[0] = '\0';
	for (unsigned i = 0; i <= CONF_WORDS_MAX; i++) {
		strcat(text, i ? ",a=1" : "a=1");
	}
	check_error(error_of(text, strlen(text)), "f", 1, "more than 32 words");
	free(text);
}

/* Whatever was typed wrong around a key: its digits stay out of the error. */
static const char *const slips[] = {
	"key_no=10, " SECRET,
	"key_no=10, 0x" SECRET,
	"key_no=10, key 0x" SECRET,
	"key_no=10, key:0x" SECRET,
	"key_no=10, key 0x" SECRET "=",
	"key_no=10, key 0x" SECRET " name=alice",
	"key_no=10, 0x" SECRET "=key",
	"key_no=10 key=0x" SECRET,
	"key_no=10, key=0x" SECRET " name=alice",
	"key_no=10, key=0x" SECRET "\"",
	"key_no=10, key=\"0x" SECRET,
	"key_no=10, key=\"0x" SECRET "\" name=alice",
	"key_no=10, key=\"0x" SECRET "\"0x" SECRET,
	"key_no=0x" SECRET ", key=10",
	"key_no=" SECRET ", key=10",
	"key_no=10, key=0x" SECRET ", key=0x" SECRET,
	"key_no=10, alg=0x" SECRET ", key=x",
	"key_no=10, auth=0x" SECRET ", key=x",
	"key_no=10, not_after=0x" SECRET ", key=x",
	"key_no=10, user=0x" SECRET,
	"key_no=10\\\n, key 0x" SECRET,
	"key_no=10, deadbeef" SECRET,
	"key_no=10, deadbeef" SECRET "=1",
	"RULE: 0x" SECRET,
	"RULE:0x" SECRET "=1",
	SECRET,
	"0x" SECRET,
};

static int
take_anything(void *into, const char *value, char *why)
{
	(void)into;
	(void)value;
	(void)why;
	return 0;
}

struct numbers {
	unsigned long key_no, auth;
};

#define WORD(name, member) CONF_WORD(name, struct numbers, member)

static const struct conf_word_type types[] = {
	{ WORD("key_no", key_no), CONF_NUMBER(0, 65535, 0) },
	{ WORD("auth", auth), CONF_NUMBER(0, 65535, 0) },
	{ .name = "alg", CONF_CHOICE("a b") },
	{ .name = "user", CONF_CHOICE("a b") },
	{ .name = "not_after", CONF_CHOICE("a b") },
	{ .name = "key", CONF_OWN(take_anything) },
};

static int
apply_text(const char *text)
{
	struct conf_file file;
	struct conf_line line;
	static const struct conf_words words = CONF_WORDS(types);
	struct numbers numbers;
	int rc;

	memset(err, 0, sizeof err);
	open_text(&file, text);
	while ((rc = conf_next(&file, &line, err)) > 0) {
		rc = conf_apply(&file, &line, &words, &numbers, NULL, err);
		if (rc < 0) {
			break;
		}
	}
	conf_close(&file);
	return rc;
}

static void
conf_never_quotes_a_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(slips); i++) {
		if (apply_text(slips[i]) == 0) {
			continue;
		}
		check_error(err, "f", 1, "");
		check_no_secret(err, SECRET);
		check_no_secret(err, "deadbeef");
	}
}

static void
conf_applies(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "nonsense=1", "unknown word 'nonsense'" },
		{ "KEY_NO=1", "unknown word 'KEY_NO'" },
		{ "key_no=1, key_no=1", "duplicate option 'key_no'" },
		{ "key_no=65536", "key_no: 65536 out of range" },
		{ "key_no=1 0", "key_no: '1 0' is not a number" },
		{ "alg=md5", "alg: 'md5' is none of a b" },
		{ "alg=\x1b[31mred\r\x7f", "alg: '" },
	};

	(void)state;
	assert_int_equal(apply_text("key_no=1, alg=b"), 0);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		assert_int_equal(apply_text(bad[i].text), -1);
		check_error(err, "f", 1, bad[i].why);
	}
}

static void
conf_opens_files(void **state)
{
	struct conf_file file;
	struct conf_line line;
	struct scratch s;

	(void)state;
	scratch_open(&s, "a=1\n", 0644);
	assert_int_equal(conf_open(&file, s.path, CONF_PUBLIC, err), 0);
	assert_int_equal(conf_next(&file, &line, err), 1);
	assert_string_equal(line.words[0].value, "1");
	assert_int_equal(conf_next(&file, &line, err), 0);
	conf_close(&file);
	scratch_close(&s);
	scratch_open(&s, "", 0600);
	assert_int_equal(conf_open(&file, s.path, CONF_SECRET, err), 0);
	assert_int_equal(conf_next(&file, &line, err), 0);
	conf_close(&file);
	scratch_close(&s);
}

static void
conf_opens_no_other_files(void **state)
{
	char path[2 * CONF_ERROR_MAX];
	struct conf_file file;

	(void)state;
	assert_int_equal(conf_open(&file, "/nonexistent/f", CONF_PUBLIC, err),
			 -1);
	check_error(err, "/nonexistent/f", 0, "No such file");
	assert_int_equal(conf_open(&file, "/proc", CONF_PUBLIC, err), -1);
	check_error(err, "/proc", 0, "is a directory");
	memset(path, 'p', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_int_equal(conf_open(&file, path, CONF_PUBLIC, err), -1);
	assert_int_equal(strlen(err), CONF_ERROR_MAX - 1);
	assert_int_equal(conf_open(&file, "bad\npath\x1b", CONF_PUBLIC, err),
			 -1);
	check_error(err, "bad?path?", 0, "No such file");
}

static void
conf_secrets_are_private(void **state)
{
	static const mode_t bad[] = { 0640, 0620, 0610, 0604,
				      0602, 0601, 0777, 0644 };
	struct conf_file file;
	struct scratch s;

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		scratch_open(&s, "key=" SECRET, bad[i]);
		assert_int_equal(conf_open(&file, s.path, CONF_SECRET, err),
				 -1);
		check_error(err, s.path, 0, "chmod 600");
		assert_int_equal(conf_open(&file, s.path, CONF_ANYBODYS, err),
				 0);
		conf_close(&file);
		scratch_close(&s);
	}
	scratch_open(&s, "key=" SECRET, 0400);
	assert_int_equal(conf_open(&file, s.path, CONF_SECRET, err), 0);
	conf_close(&file);
	if (fchown(s.fd, 65534, 65534) == 0) {
		assert_int_equal(conf_open(&file, s.path, CONF_SECRET, err),
				 -1);
		check_error(err, s.path, 0, "belongs to user 65534");
	}
	scratch_close(&s);
}

/* A file that never ends: the limit holds. */
static void
conf_refuses_endless_files(void **state)
{
	struct conf_file file;

	(void)state;
	assert_int_equal(conf_open(&file, "/dev/zero", CONF_PUBLIC, err), -1);
	check_error(err, "/dev/zero", 0, "larger than 64 MiB");
}

/* A daemon that waits for somebody to write one would do nothing else. */
static void
conf_waits_for_no_pipe(void **state)
{
	char dir[] = "/tmp/tap-grammar.XXXXXX", path[64];
	struct conf_file file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	conf_never_wait();
	alarm(120);
	assert_int_equal(conf_open(&file, path, CONF_SECRET, err), -1);
	alarm(0);
	check_error(err, path, 0, "is a pipe, which can't be read again");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(conf_open(&file, "/etc/passwd", CONF_PUBLIC, err), 0);
	conf_close(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_grammar),
		cmocka_unit_test(conf_quotes),
		cmocka_unit_test(conf_continues_lines),
		cmocka_unit_test(conf_reads_the_papers),
		cmocka_unit_test(conf_takes_all_words_and_bytes_allowed),
		cmocka_unit_test(conf_refuses),
		cmocka_unit_test(conf_refuses_what_is_too_long),
		cmocka_unit_test(conf_never_quotes_a_secret),
		cmocka_unit_test(conf_applies),
		cmocka_unit_test(conf_opens_files),
		cmocka_unit_test(conf_opens_no_other_files),
		cmocka_unit_test(conf_secrets_are_private),
		cmocka_unit_test(conf_refuses_endless_files),
		cmocka_unit_test(conf_waits_for_no_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
