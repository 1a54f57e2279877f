/* SPDX-License-Identifier: ISC */
/*
 * Files that include others: order, whose line it is, and what is refused.
 */
#include "unit/files_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/include.h"

#define ROOM 128

static char top[64], err[CONF_ERROR_MAX];

static void
path_of(char path[ROOM], const char *name)
{
	snprintf(path, ROOM, "%s/%s", top, name);
}

static void
put(const char *name, const char *text)
{
	char path[ROOM];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
make(void **state)
{
	char path[ROOM];

	(void)state;
	snprintf(top, sizeof top, "/tmp/tap-include.XXXXXX");
	assert_non_null(mkdtemp(top));
	path_of(path, "d");
	return mkdir(path, 0700);
}

static void
drop(const char *name)
{
	char path[ROOM];

	path_of(path, name);
	unlink(path);
}

static int
unmake(void **state)
{
	static const char *const names[] = { "main", "d/a", "d/b", "d/c" };
	char path[ROOM];

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		drop(names[i]);
	}
	path_of(path, "d");
	rmdir(path);
	return rmdir(top);
}

/* The values in their order, as FILE:LINE=VALUE; or the error. */
static const char *
read_main(enum conf_secrecy secrecy)
{
	static char text[1024];
	char path[ROOM];
	struct conf_file file;
	struct conf_line line;
	int rc;

	path_of(path, "main");
	text[0] = '\0';
	if (conf_open(&file, path, secrecy, err) < 0) {
		return err;
	}
	while ((rc = conf_next(&file, &line, err)) > 0) {
		const char *in = conf_included(&file);

		sprintf(text + strlen(text), "%s:%u=%s ",
			in ? strrchr(in, '/') + 1 : "main", line.line,
			line.words[0].value);
	}
	conf_close(&file);
	return rc < 0 ? err : text;
}

static void
lines_come_in_their_place(void **state)
{
	char path[ROOM];
	char text[256];

	(void)state;
	put("main", "x=1\ninclude=d/*\nx=4\ninclude=none/*.conf\nx=5\n");
	put("d/b", "x=3");
	put("d/a", "# a\nx=2\n");
	assert_string_equal(read_main(CONF_SECRET),
			    "main:1=1 a:2=2 b:1=3 main:3=4 main:5=5 ");
	/* From / on, and one file by its name. */
	path_of(path, "d/b");
	snprintf(text, sizeof text, "include=%s\nx=9\n", path);
	put("main", text);
	assert_string_equal(read_main(CONF_PUBLIC), "b:1=3 main:2=9 ");
}

static void
errors_name_the_file(void **state)
{
	char path[ROOM];

	(void)state;
	put("main", "x=1\ninclude=d/*\n");
	put("d/a", "x=2\nnonsense\n");
	path_of(path, "d/a");
	check_error(read_main(CONF_PUBLIC), path, 2, "is not name=value");
	put("d/a", "x=2\ninclude=b\n");
	check_error(read_main(CONF_PUBLIC), path, 2, "not in a file that is");
	put("d/a", "x=2\n");
	assert_int_equal(chmod(path, 0602), 0);
	check_error(read_main(CONF_PUBLIC), path, 0, "others than its owner");
	assert_int_equal(chmod(path, 0640), 0);
	check_error(read_main(CONF_SECRET), path, 0, "holds secrets");
	assert_int_equal(chmod(path, 0600), 0);
	path_of(path, "main");
	put("main", "x=1\ninclude=d/none\n");
	check_error(read_main(CONF_PUBLIC), path, 2, "No such file");
}

/* Of a rule it is no word; nor is it followed in memory. */
static void
only_where_it_is_meant(void **state)
{
	static const char text[] = "x=1\ninclude=/etc/passwd\nx=2\n";
	struct conf_file file;
	struct conf_line line;

	(void)state;
	assert_int_equal(conf_open_text(&file, "f", text, strlen(text), err),
			 0);
	assert_int_equal(conf_next(&file, &line, err), 1);
	assert_int_equal(conf_next(&file, &line, err), 1);
	assert_int_equal(line.line, 3);
	assert_int_equal(conf_next(&file, &line, err), 0);
	conf_close(&file);
	put("main", "RULE:include=d/*\ny=1, include=d/*\n");
	assert_string_equal(read_main(CONF_PUBLIC), "main:1=d/* main:2=1 ");
}

/* What is flattened says the same, however its files end. */
static void
flat(void **state)
{
	static const char *const ends[] = { "x=2\n", "x=2", "x=2\\\n", "" };
	struct secret_buf out = { 0 };
	char before[1024];
	char path[ROOM];

	(void)state;
	path_of(path, "main");
	put("d/b", "x=3\n");
	for (size_t i = 0; i < LENGTH(ends); i++) {
		char *at;

		put("main", "x=1\ninclude=d/*\nx=4");
		put("d/a", ends[i]);
		snprintf(before, sizeof before, "%s", read_main(CONF_SECRET));
		assert_int_equal(include_flatten(&out, path, CONF_SECRET, err),
				 0);
		assert_int_equal(secret_append(&out, "", 1), 0);
		put("main", out.bytes);
		secret_drop(&out);
		/* The values alone: their places are others. */
		for (at = before; (at = strchr(at, '=')) != NULL; at++) {
			assert_non_null(
				strstr(read_main(CONF_SECRET),
				       (char[]){ '=', at[1], ' ', '\0' }));
		}
		assert_null(strstr(read_main(CONF_SECRET), "a:"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_in_their_place),
		cmocka_unit_test(errors_name_the_file),
		cmocka_unit_test(only_where_it_is_meant),
		cmocka_unit_test(flat),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
