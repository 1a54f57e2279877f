#include "unit/files_support.h"

#include <string.h>

#include "conf/grammar.h"
#include "conf/settings.h"

static char why[VALUE_WHY_MAX];

static void
settings_take_their_words(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(settings_log(&s, "json", why), 0);
	assert_true(s.log_json);
	assert_int_equal(settings_log(&s, "text", why), 0);
	assert_false(s.log_json);
	assert_int_equal(settings_queue(&s, "65532", why), 0);
	assert_int_equal(s.queue, 65532);
	assert_int_equal(settings_queue(&s, "0", why), 0);
	assert_int_equal(s.queue, 0);
	assert_int_equal(settings_mark(&s, "0x80000000", why), 0);
	assert_int_equal(s.mark, 0x80000000);
	assert_int_equal(settings_mark(&s, "1", why), 0);
	assert_int_equal(s.mark, 1);
	assert_int_equal(settings_firewall(&s, "auto", why), 0);
	assert_int_equal(s.firewall, FIREWALL_AUTO);
	assert_int_equal(settings_firewall(&s, "nft", why), 0);
	assert_int_equal(s.firewall, FIREWALL_NFT);
	assert_int_equal(settings_firewall(&s, "iptables", why), 0);
	assert_int_equal(s.firewall, FIREWALL_IPTABLES);
	assert_int_equal(settings_firewall(&s, "none", why), 0);
	assert_int_equal(s.firewall, FIREWALL_NONE);
	assert_int_equal(settings_user(&s, "root", why), 0);
	assert_string_equal(s.user, "root");
}

static void
settings_refuse(void **state)
{
	static const struct {
		int (*set)(void *, const char *, char *);
		const char *value;
	} bad[] = {
		{ settings_log, "" },
		{ settings_log, "JSON" },
		{ settings_queue, "" },
		{ settings_queue, "65533" },
		{ settings_queue, "-1" },
		{ settings_queue, "0x10" },
		{ settings_mark, "" },
		{ settings_mark, "0" },
		{ settings_mark, "3" },
		{ settings_mark, "0x100000000" },
		{ settings_mark, "-1" },
		{ settings_mark, "+1" },
		{ settings_mark, " 1" },
		{ settings_mark, "1 " },
		{ settings_mark, "0x" },
		{ settings_mark, "0x1g" },
		{ settings_mark, "99999999999999999999999" },
		{ settings_firewall, "" },
		{ settings_firewall, "ipfw" },
		{ settings_user, "" },
		{ settings_user, "no-such-user" },
		{ settings_user, "roooooooooooooooooooooooooooooooooot" },
	};
	const struct settings before = { .log_json = true,
					 .queue = 7,
					 .mark = 8,
					 .firewall = FIREWALL_NFT,
					 .user = "me" };

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct settings s = before;

		why[0] = '\0';
		if (bad[i].set(&s, bad[i].value, why) != -1 || !why[0]) {
			fail_msg("'%s' not refused", bad[i].value);
		}
		assert_true(s.log_json == before.log_json &&
			    s.queue == before.queue && s.mark == before.mark &&
			    s.firewall == before.firewall);
		assert_string_equal(s.user, "me");
	}
}

static void
settings_peek(void **state)
{
	static const struct {
		const char *text;
		uint16_t queue;
	} files[] = {
		{ "", 5040 },
		{ "queue=7\n", 7 },
		{ "log=json\nqueue=7\nRULE:dst_port=22\n", 7 },
		{ "log=json, queue=7\n", 7 },
		{ "tolerance=10, log=json, queue=7, window=loose\n", 7 },
		{ "queue=65535\n", 5040 },
		{ "RULE:queue=7\n", 5040 },
		{ "RULE:dst_port=22\nqueue=7\n", 5040 },
		{ "nonsense\nqueue=7\n", 5040 },
		{ "queue=7\nnonsense\n", 7 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(files); i++) {
		struct scratch s;
		uint16_t queue;

		scratch_open(&s, files[i].text, 0644);
		queue = settings_peek_queue(s.path, 5040);
		scratch_close(&s);
		if (queue != files[i].queue) {
			fail_msg("'%s': %u", files[i].text, queue);
		}
	}
	assert_int_equal(settings_peek_queue("/nonexistent", 9), 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_take_their_words),
		cmocka_unit_test(settings_refuse),
		cmocka_unit_test(settings_peek),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
