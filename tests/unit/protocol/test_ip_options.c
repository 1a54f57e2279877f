/* Which options of IPv4 the kernel refuses, and tells the sender so. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/ip_options.h"

#define OPTIONS(...)                                                           \
	{                                                                      \
		(const uint8_t[]){ __VA_ARGS__ },                              \
			sizeof((const uint8_t[]){ __VA_ARGS__ })               \
	}

struct options {
	const uint8_t *bytes;
	size_t len;
};

/* Each was sent to a Linux 6.18, which answered by ICMP or not at all. */
static const struct options refused[] = {
	OPTIONS(0x86, 6, 0, 0, 0, 1, 0, 0),
	OPTIONS(7, 11, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	OPTIONS(7, 2, 4, 0),
	OPTIONS(7, 0, 4, 0),
	OPTIONS(7, 1, 4, 0),
	OPTIONS(7, 40, 4, 0),
	OPTIONS(7, 4, 4, 0),
	OPTIONS(7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0, 0),
	OPTIONS(0x44, 8, 9, 0xf0, 0, 0, 0, 0),
	OPTIONS(0x44, 3, 5, 0),
	OPTIONS(0x44, 4, 4, 0),
	OPTIONS(0x44, 8, 5, 1, 0, 0, 0, 0),
	OPTIONS(0x44, 8, 7, 0, 0, 0, 0, 0),
	OPTIONS(0x83, 2, 4, 0),
	OPTIONS(0x83, 7, 8, 10, 0, 0, 1, 0),
	OPTIONS(0x89, 7, 4, 10, 0, 0, 1, 0),
	OPTIONS(0x94, 3, 0, 0),
	OPTIONS(0x5e),
	OPTIONS(1, 1, 1, 7),
};

static const struct options taken[] = {
	OPTIONS(1, 1, 1, 0),
	OPTIONS(1, 1, 1, 1),
	OPTIONS(0, 7, 0, 0),
	OPTIONS(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	OPTIONS(7, 7, 8, 0, 0, 0, 0, 0),
	OPTIONS(0x44, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	OPTIONS(0x44, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0),
	OPTIONS(0x44, 8, 9, 0xe0, 0, 0, 0, 0),
	OPTIONS(0x44, 8, 9, 0xf3, 0, 0, 0, 0),
	OPTIONS(0x94, 4, 0, 0),
	OPTIONS(0x82, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	OPTIONS(0x88, 4, 0, 0),
	OPTIONS(0x5e, 4, 0, 0),
};

static void
what_the_kernel_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_true(ip_options_are_refused(refused[i].bytes,
						   refused[i].len));
	}
	for (size_t i = 0; i < COUNT(taken); i++) {
		assert_false(
			ip_options_are_refused(taken[i].bytes, taken[i].len));
	}
	assert_false(ip_options_are_refused(NULL, 0));
}

/* Cut anywhere, nothing beyond the end is looked at. */
static void
options_that_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		for (size_t len = 0; len < taken[i].len; len++) {
			uint8_t *copy = malloc(len + 1);

			memcpy(copy, taken[i].bytes, len);
			copy = realloc(copy, len ? len : 1);
			ip_options_are_refused(copy, len);
			free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_refuses),
		cmocka_unit_test(options_that_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
