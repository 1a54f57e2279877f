#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>

#include "conf/grammar.h"
#include "conf/settings.h"

struct conf {
	struct settings settings;
};

static const struct conf_word_type types[] = { SETTINGS(SETTINGS_WORD,
							struct conf) };

/* One word, as a file has it. */
static int
set(struct settings *settings, const char *name, const char *value)
{
	static const struct conf_words words = CONF_WORDS(types);
	const struct conf_file file = { .path = "f" };
	struct conf_line line = { .line = 1, .count = 1 };
	struct conf conf = { *settings };
	char word[SETTINGS_TOOLS_MAX + 8];
	char err[CONF_ERROR_MAX] = "";
	int rc;

	snprintf(word, sizeof word, "=%s", value);
	line.words[0] = (struct conf_word){ name, word + 1 };
	rc = conf_apply(&file, &line, &words, &conf, NULL, err);
	*settings = conf.settings;
	assert_true(rc == 0 ? err[0] == '\0' : err[0] != '\0');
	return rc;
}

static void
settings_take_their_words(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(set(&s, "log", "json"), 0);
	assert_true(s.log_json);
	assert_int_equal(set(&s, "log", "text"), 0);
	assert_false(s.log_json);
	assert_int_equal(set(&s, "queue", "65532"), 0);
	assert_int_equal(s.queue, 65532);
	assert_int_equal(set(&s, "queue", "0"), 0);
	assert_int_equal(s.queue, 0);
	assert_int_equal(set(&s, "mark", "0x80000000"), 0);
	assert_int_equal(s.mark, 0x80000000);
	assert_int_equal(set(&s, "mark", "1"), 0);
	assert_int_equal(s.mark, 1);
	assert_int_equal(set(&s, "firewall", "auto"), 0);
	assert_int_equal(s.firewall, FIREWALL_AUTO);
	assert_int_equal(set(&s, "firewall", "nft"), 0);
	assert_int_equal(s.firewall, FIREWALL_NFT);
	assert_int_equal(set(&s, "firewall", "iptables"), 0);
	assert_int_equal(s.firewall, FIREWALL_IPTABLES);
	assert_int_equal(set(&s, "firewall", "none"), 0);
	assert_int_equal(s.firewall, FIREWALL_NONE);
	assert_int_equal(set(&s, "fastpath", "off"), 0);
	assert_int_equal(s.fastpath, FASTPATH_OFF);
	assert_int_equal(set(&s, "fastpath", "auto"), 0);
	assert_int_equal(s.fastpath, FASTPATH_AUTO);
	assert_int_equal(set(&s, "fastpath", "native"), 0);
	assert_int_equal(s.fastpath, FASTPATH_NATIVE);
	assert_int_equal(set(&s, "fastpath", "generic"), 0);
	assert_int_equal(s.fastpath, FASTPATH_GENERIC);
	assert_int_equal(set(&s, "run_as", "nobody"), 0);
	assert_string_equal(s.user.name, "nobody");
	assert_int_equal(set(&s, "tools", "/a/b"), 0);
	assert_int_equal(set(&s, "tools", "/run/current-system/sw/bin:/x"), 0);
	assert_string_equal(s.tools.places, "/run/current-system/sw/bin:/x");
}

static void
settings_refuse(void **state)
{
	static char too_long[SETTINGS_TOOLS_MAX + 1] = "/";
	static const struct {
		const char *name, *value;
	} bad[] = {
		{ "log", "" },
		{ "log", "JSON" },
		{ "log", "text json" },
		{ "queue", "" },
		{ "queue", "65533" },
		{ "queue", "-1" },
		{ "queue", "0x10" },
		{ "mark", "" },
		{ "mark", "0" },
		{ "mark", "3" },
		{ "mark", "0x100000000" },
		{ "mark", "-1" },
		{ "mark", "+1" },
		{ "mark", " 1" },
		{ "mark", "1 " },
		{ "mark", "0x" },
		{ "mark", "0x1g" },
		{ "mark", "99999999999999999999999" },
		{ "firewall", "" },
		{ "firewall", "ipfw" },
		{ "tools", "" },
		{ "tools", "bin" },
		{ "tools", "/bin:" },
		{ "tools", ":/bin" },
		{ "tools", "/bin:bin" },
		{ "tools", too_long },
		{ "run_as", "root" },
		{ "run_as", "" },
		{ "run_as", "no-such-user" },
		{ "run_as", "roooooooooooooooooooooooooooooooooot" },
	};
	const struct settings before = { .log_json = true,
					 .queue = 7,
					 .mark = 8,
					 .firewall = FIREWALL_NFT,
					 .user.name = "me" };

	(void)state;
	memset(too_long, '/', SETTINGS_TOOLS_MAX);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct settings s = before;

		if (set(&s, bad[i].name, bad[i].value) != -1) {
			fail_msg("'%s' not refused", bad[i].value);
		}
		assert_memory_equal(&s, &before, sizeof s);
	}
}

/* What memory, sockets and programs were made for stays till a restart. */
static void
settings_keep(void **state)
{
	static const struct conf_words words = CONF_WORDS(types);
	const struct conf before = { .settings = { .queue = 7,
						   .firewall = FIREWALL_NFT,
						   .fastpath = FASTPATH_AUTO,
						   .mark = 1,
						   .user.name = "me" } };
	struct conf conf = {
		.settings = { .queue = 8, .log_json = true, .mark = 2 },
	};

	(void)state;
	conf_keep(&words, &conf, &before);
	assert_int_equal(conf.settings.queue, 7);
	assert_int_equal(conf.settings.firewall, FIREWALL_NFT);
	assert_int_equal(conf.settings.fastpath, FASTPATH_AUTO);
	assert_string_equal(conf.settings.user.name, "me");
	assert_true(conf.settings.log_json);
	assert_int_equal(conf.settings.mark, 2);
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
		cmocka_unit_test(settings_keep),
		cmocka_unit_test(settings_peek),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
