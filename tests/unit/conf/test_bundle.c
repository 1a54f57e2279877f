/* SPDX-License-Identifier: ISC */
/* Bundles: sealed and opened, and every change of one refused. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/bundle.h"

#define ROOM 512u

static const uint8_t key[BUNDLE_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const struct bundle_stamp stamp = {
	.version = 1796137200,
	.time = 1796137201,
	.salt = "fifteen letters",
};

static const uint8_t plain[] = "\0\0\0\0\3abc"
			       "\1\0\0\0\0"
			       "\2\0\0\0\1x";

/* A bundle, ended by NUL; its length. */
static size_t
make(char out[ROOM], const uint8_t *bytes, size_t len)
{
	uint8_t box[ROOM];
	const size_t size = bundle_size(len);

	memcpy(box, bytes, len);
	bundle_seal(out, box, len, &stamp, key);
	out[size] = '\0';
	return size;
}

static void
test_whole(void **state)
{
	struct bundle_text texts[BUNDLE_FILES];
	struct bundle_stamp read;
	char text[ROOM];
	uint8_t box[ROOM];
	const size_t len = make(text, plain, sizeof plain - 1);
	size_t box_len;

	(void)state;
	assert_memory_equal(text,
			    "TAP-BUNDLE-1 00000000001796137200 "
			    "00000000001796137201 "
			    "6669667465656E206C65747465727300\n",
			    BUNDLE_LINE);
	assert_int_equal(strlen(text), len);
	assert_int_equal(bundle_line_read(&read, text, len), BUNDLE_OK);
	assert_true(bundle_same(&read, &stamp));
	assert_int_equal(bundle_open(box, &box_len, text, len, key), BUNDLE_OK);
	assert_int_equal(box_len, sizeof plain - 1);
	assert_memory_equal(box, plain, box_len);
	assert_int_equal(bundle_split(texts, box, box_len), BUNDLE_OK);
	assert_int_equal(texts[BUNDLE_CONF].len, 3);
	assert_memory_equal(texts[BUNDLE_CONF].bytes, "abc", 3);
	assert_int_equal(texts[BUNDLE_KEYS].len, 0);
	assert_int_equal(texts[BUNDLE_ACL].len, 1);
	assert_null(texts[BUNDLE_LOGIN].bytes);
}

/* Another character anywhere, another key, and each length but its own. */
static void
test_changed(void **state)
{
	uint8_t box[ROOM], other[BUNDLE_KEY_BYTES];
	char text[ROOM];
	const size_t len = make(text, plain, sizeof plain - 1);
	size_t box_len;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		const char was = text[i];

		for (unsigned c = 1; c < 256; c++) {
			text[i] = (char)c;
			if (text[i] != was) {
				assert_int_not_equal(bundle_open(box, &box_len,
								 text, len,
								 key),
						     BUNDLE_OK);
			}
		}
		text[i] = was;
		assert_int_not_equal(bundle_open(box, &box_len, text, i, key),
				     BUNDLE_OK);
	}
	text[len] = '\n';
	assert_int_not_equal(bundle_open(box, &box_len, text, len + 1, key),
			     BUNDLE_OK);
	memcpy(other, key, sizeof other);
	other[31] ^= 1;
	assert_int_equal(bundle_open(box, &box_len, text, len, other),
			 BUNDLE_FOREIGN);
	for (size_t i = 0; i < sizeof plain - 1; i++) {
		assert_int_equal(box[i], 0);
	}
}

static void
test_words(void **state)
{
	uint8_t box[ROOM];
	char text[ROOM];
	const size_t len = make(text, plain, sizeof plain - 1);
	size_t box_len;

	(void)state;
	assert_int_equal(bundle_open(box, &box_len, "", 0, key), BUNDLE_NONE);
	assert_int_equal(bundle_open(box, &box_len, "port=80\n", 8, key),
			 BUNDLE_NONE);
	assert_int_equal(bundle_open(box, &box_len, text, 50, key),
			 BUNDLE_TORN);
	assert_int_equal(bundle_open(box, &box_len, text, len - 1, key),
			 BUNDLE_TORN);
	assert_int_equal(
		bundle_open(box, &box_len, text, (size_t)BUNDLE_MAX + 1, key),
		BUNDLE_LARGE);
	text[11] = '2';
	assert_int_equal(bundle_open(box, &box_len, text, len, key),
			 BUNDLE_NEWER);
	for (unsigned i = 0; i <= BUNDLE_STRANGE; i++) {
		assert_true(strlen(bundle_result_text((enum bundle_result)i)));
	}
}

static void
test_boxes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} none[] = {
		{ "", 0 },
		{ "\0\0\0\0\0\1\0\0\0\0", 10 },           /* no list */
		{ "\0\0\0\0\0\1\0\0\0\0\2\0\0\0\1", 15 }, /* cut short */
		{ "\0\0\0\0\0\1\0\0\0\0\2\xff\xff\xff\xff", 15 },
		{ "\0\0\0\0\0\1\0\0\0\0\2\0\0\0", 14 },
		{ "\1\0\0\0\0\0\0\0\0\0\2\0\0\0\0", 15 }, /* order */
		{ "\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0", 15 }, /* twice */
		{ "\0\0\0\0\0\1\0\0\0\0\2\0\0\0\0\4\0\0\0\0", 20 },
	};
	struct bundle_text texts[BUNDLE_FILES];

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		assert_int_equal(bundle_split(texts,
					      (const uint8_t *)none[i].bytes,
					      none[i].len),
				 BUNDLE_STRANGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_boxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
