#include "unit/files_support.h"

#include <string.h>

#include "os/dns_lifetime.h"

#define HEADER(answers) "\x12\x34\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION "\6server\7example\0\0\1\0\1"
/* www.server.example is another name of it, for 300 s; that one for 60. */
#define ALIAS "\xc0\x0c\0\5\0\1\0\0\1\x2c\0\6\3www\xc0\x0c"
#define ADDRESS "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define LONG_LIVED "\xc0\x0c\0\1\0\1\x80\0\0\1\0\4\xc0\0\2\1"

#define WHOLE(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	uint32_t lifetime;
} messages[] = {
	{ WHOLE(HEADER("\1") QUESTION ADDRESS), 60 },
	{ WHOLE(HEADER("\1") QUESTION ALIAS), 300 },
	{ WHOLE(HEADER("\2") QUESTION ALIAS ADDRESS), 60 },
	{ WHOLE(HEADER("\2") QUESTION ADDRESS ALIAS), 60 },
	{ WHOLE(HEADER("\1") QUESTION LONG_LIVED), 0 },
	{ WHOLE(HEADER("\0") QUESTION), DNS_LIFETIME_NONE },
	/* Further sections do not count. */
	{ WHOLE(HEADER("\1") QUESTION ALIAS ADDRESS), 300 },
	{ WHOLE(HEADER("\1") QUESTION), DNS_LIFETIME_NONE },
	{ WHOLE(HEADER("\2") QUESTION ADDRESS), 60 },
	{ WHOLE(""), DNS_LIFETIME_NONE },
};

static void
finds_the_shortest(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(messages); i++) {
		assert_int_equal(
			dns_lifetime((const uint8_t *)messages[i].bytes,
				     messages[i].len),
			messages[i].lifetime);
	}
}

/* Cut anywhere, there is no answer, or the one that is whole. */
static void
bears_what_is_cut(void **state)
{
	static const char whole[] = HEADER("\1") QUESTION ADDRESS;

	(void)state;
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		assert_int_equal(dns_lifetime((const uint8_t *)whole, len),
				 DNS_LIFETIME_NONE);
	}
}

/* Any bytes: within them, and to an end. */
static void
bears_anything(void **state)
{
	uint8_t bytes[600];
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof bytes; i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(x >> 24);
		}
		dns_lifetime(bytes, sizeof bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_shortest),
		cmocka_unit_test(bears_what_is_cut),
		cmocka_unit_test(bears_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
