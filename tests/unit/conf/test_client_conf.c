#include "unit/files_support.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/client_conf.h"

#define SECRET "A1949A68393EA4B339FB8A597C38DBC9"
#define KEY "key_no=10, key=0x" SECRET
#define RULE "RULE:dst_port=80, " KEY "\n"

static char err[CONF_ERROR_MAX];
static struct scratch file;

static struct client_conf *
load(const char *text)
{
	struct client_conf *conf;

	scratch_open(&file, text, 0600);
	memset(err, 0, sizeof err);
	conf = client_conf_load(file.path, NULL, err);
	scratch_close(&file);
	return conf;
}

static struct client_conf *
load_good(const char *text)
{
	struct client_conf *conf = load(text);

	if (!conf) {
		fail_msg("%s", err);
	}
	return conf;
}

/* But for the user, whom this machine need not have. */
static void
client_conf_of_the_papers(void **state)
{
	struct client_conf *conf = load_good(
		"RULE:outdev=eth0, user=root, src_host=192.168.0.0:255.255.255"
		".0, dst_host=211.7.133.3, dst_port=8080, " KEY
		", type=LOCAL\n");
	const struct sender_rule *rule = &conf->rules[0];

	(void)state;
	assert_int_equal(conf->rules_count, 1);
	assert_string_equal(rule->outdev, "eth0");
	assert_true(rule->has_user);
	assert_int_equal(rule->uid, 0);
	assert_int_equal(rule->src.addr.family, 4);
	assert_int_equal(rule->dst.addr.family, 4);
	assert_int_equal(rule->ports_count, 1);
	assert_int_equal(rule->ports[0].low, 8080);
	assert_int_equal(rule->service_port, 0);
	assert_int_equal(rule->key.no, 10);
	assert_int_equal(rule->key.mac.suite, MAC_HMAC_MD5);
	assert_int_equal(rule->line, 1);
	assert_true(conf->by_device);
	assert_true(conf->by_user);
	assert_int_equal(conf->settings.queue, CLIENT_CONF_QUEUE);
	assert_int_equal(conf->settings.mark, CLIENT_CONF_MARK);
	client_conf_free(conf);
}

static void
client_conf_takes_all_words(void **state)
{
	struct client_conf *conf = load_good(
		"log=json\nqueue=9\nmark=0x2, firewall=none, fastpath=auto\n"
		"RULE:dst_host=[2001:db8::1], service_port=443, user=1000, "
		"alg=hmac-sha256, auth=89, realm=web, name=me, " KEY
		", not_before=500000000, not_after=2027-01-01\n"
		"RULE:user=ANY, dst_port=\"1-5,www\", src_host=::/0, " KEY
		"\n");
	const struct sender_rule *rule = &conf->rules[0];

	(void)state;
	assert_true(conf->settings.log_json);
	assert_int_equal(conf->settings.queue, 9);
	assert_int_equal(conf->settings.mark, 2);
	assert_int_equal(conf->settings.firewall, FIREWALL_NONE);
	assert_int_equal(conf->settings.fastpath, FASTPATH_AUTO);
	assert_int_equal(rule->service_port, 443);
	assert_int_equal(rule->uid, 1000);
	assert_int_equal(rule->key.bits, 89);
	assert_int_equal(rule->key.mac.realm_len, 3);
	assert_string_equal(rule->key.name, "me");
	assert_int_equal(rule->key.not_before, 500000000ull << 8);
	assert_false(conf->rules[1].has_user);
	assert_int_equal(conf->rules[1].ports_count, 2);
	assert_int_equal(conf->rules[1].line, 5);
	assert_true(conf->by_user);
	assert_false(conf->by_device);
	client_conf_free(conf);
}

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad[] = {
	{ "", 0, "no rule in it" },
	{ "log=text\n", 0, "no rule in it" },
	{ RULE "log=text\n", 2, "settings stand before the rules" },
	{ "tolerance=30\n", 1, "unknown word 'tolerance'" },
	{ "mark=3\n", 1, "mark: '3' is not a single bit" },
	{ "queue=1\nqueue=1\n", 2, "duplicate option 'queue'" },
	{ "RULE:dst_port=80\n", 1, "key_no is missing" },
	{ "RULE:dst_port=80, key_no=1\n", 1, "key is missing" },
	{ "RULE:dst_port=80, key=0x" SECRET "\n", 1, "key_no is missing" },
	{ "RULE:" KEY "\n", 1, "neither dst_host nor dst_port" },
	{ "RULE:dst_port=ANY, dst_host=ANY, " KEY "\n", 1, "neither" },
	{ "RULE:dst_port=80, src_host=1.2.3.4, dst_host=::1, " KEY "\n", 1,
	  "different IP versions" },
	{ "\nRULE:dst_port=0, " KEY "\n", 2, "dst_port: port 0 out of range" },
	{ "RULE:dst_port=80, indev=eth0, " KEY "\n", 1,
	  "unknown word 'indev'" },
	{ "RULE:dst_port=80, type=ROUTER, " KEY "\n", 1, "type: " },
	{ "RULE:dst_port=80, user=no-such-user, " KEY "\n", 1,
	  "user: no user 'no-such-user'" },
	{ "RULE:dst_port=80, user=4294967295, " KEY "\n", 1, "user: " },
	{ "RULE:dst_port=80, user=0x0, " KEY "\n", 1, "user: " },
	{ "RULE:dst_port=80, service_port=0, " KEY "\n", 1, "service_port: " },
	{ "RULE:dst_port=80, service_port=1-2, " KEY "\n", 1,
	  "service_port: " },
	{ "RULE:dst_port=80, outdev=a/b, " KEY "\n", 1, "outdev: " },
	{ "RULE:dst_port=80, auth=60, " KEY "\n", 1, "auth: " },
	{ "RULE:dst_port=80, " KEY ", " KEY "\n", 1, "duplicate option" },
	{ "RULE:dst_port=80, key_no=10, key=" SECRET "\n", 1,
	  "key: must begin" },
	{ "RULE:dst_port=80, key_no=10 key=0x" SECRET "\n", 1, "key_no: " },
	{ "RULE:dst_port=80, key_no=10, key=0x" SECRET " user=a\n", 1,
	  "key: " },
	{ "RULE:user=" SECRET ", " KEY "\n", 1, "user: " },
	{ "RULE:dst_host=" SECRET ", " KEY "\n", 1, "dst_host: " },
	{ RULE RULE "RULE:dst_port=80, key_no=1\n", 3, "key is missing" },
};

static void
client_conf_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		if (load(bad[i].text)) {
			fail_msg("'%s' not refused", bad[i].text);
		}
		check_error(err, file.path, bad[i].line, bad[i].why);
		check_no_secret(err, SECRET);
	}
}

static void
client_conf_bounds_its_rules(void **state)
{
	char *text = malloc(4097 * (sizeof RULE) + 1);
	struct client_conf *conf;
	size_t at = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 4096; i++) {
		at += (size_t)sprintf(text + at, RULE);
	}
	conf = load_good(text);
	assert_int_equal(conf->rules_count, 4096);
	client_conf_free(conf);
	sprintf(text + at, RULE);
	assert_null(load(text));
	check_error(err, file.path, 4097, "more than 4096 rules");
	free(text);
}

/* One for each address that a name has: more than there is room at first. */
static void
client_conf_is_made_for_addresses(void **state)
{
	enum { ADDRESSES = 40 };
	struct packet_addr to[ADDRESSES] = { 0 };
	struct acl_key key = { .no = 7 };
	struct client_conf *conf;

	(void)state;
	for (uint8_t i = 0; i < ADDRESSES; i++) {
		to[i].family = i % 2 ? 6 : 4;
		to[i].bytes[3] = i;
	}
	conf = client_conf_for(to, ADDRESSES, 2022, &key);
	assert_non_null(conf);
	assert_int_equal(conf->rules_count, ADDRESSES);
	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct sender_rule *rule = &conf->rules[i];

		assert_true(packet_addr_equal(&rule->dst.addr, &to[i]));
		assert_int_equal(rule->dst.mask[i % 2 ? 15 : 3], 0xff);
		assert_int_equal(rule->ports_count, 1);
		assert_int_equal(rule->ports[0].low, 2022);
		assert_int_equal(rule->ports[0].high, 2022);
		assert_int_equal(rule->key.no, 7);
	}
	/* Its rules go as they came: as secrets. */
	client_conf_free(conf);
}

static void
client_conf_is_private(void **state)
{
	(void)state;
	scratch_open(&file, RULE, 0644);
	assert_null(client_conf_load(file.path, NULL, err));
	check_error(err, file.path, 0, "chmod 600");
	scratch_close(&file);
	assert_null(client_conf_load("/nonexistent", NULL, err));
	check_error(err, "/nonexistent", 0, "No such file");
	client_conf_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_conf_of_the_papers),
		cmocka_unit_test(client_conf_takes_all_words),
		cmocka_unit_test(client_conf_refuses),
		cmocka_unit_test(client_conf_bounds_its_rules),
		cmocka_unit_test(client_conf_is_made_for_addresses),
		cmocka_unit_test(client_conf_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
