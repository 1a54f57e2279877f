#include "unit/files_support.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/client_conf.h"

#define SECRET "A1949A68393EA4B339FB8A597C38DBC9"
#define KEY "key_no=10, key=0x" SECRET
#define GUEST "GUEST:name=a, pid=1, dev=vnet0\n"
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
	  "indev goes with type=FORWARD" },
	{ "RULE:dst_port=80, type=FORWARD, " KEY "\n", 1,
	  "needs indev or src_host" },
	{ "RULE:dst_port=80, type=FORWARD, indev=a, user=0, " KEY "\n", 1,
	  "not of type=FORWARD" },
	{ "RULE:dst_port=80, type=FORWARD, src_host=::1, exe=/a, " KEY "\n", 1,
	  "not of type=FORWARD" },
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
	{ "RULE:dst_host=0x" SECRET ", " KEY "\n", 1, "dst_host: " },
	{ "RULE:dst_host=10.0.0.300, " KEY "\n", 1,
	  "dst_host: '10.0.0.300' is neither an address nor a name" },
	{ "RULE:dst_host=a..b, " KEY "\n", 1, "neither an address nor a name" },
	{ "RULE:dst_host=server:80, " KEY "\n", 1, "is not an address" },
	{ "RULE:dst_host=server/24, " KEY "\n", 1, "is not an address" },
	{ "RULE:dst_host=2001:db8::1%eth0, " KEY "\n", 1, "link-local" },
	{ "RULE:dst_host=fe80::1%, " KEY "\n", 1, "dst_host: " },
	{ "RULE:dst_host=[fe80::1%eth0, " KEY "\n", 1, "dst_host: " },
	{ "RULE:dst_host=fe80::1%eth0]], " KEY "\n", 1, "dst_host: " },
	{ "RULE:dst_host=fe80::1%eth0, outdev=eth1, " KEY "\n", 1, "are two" },
	{ RULE RULE "RULE:dst_port=80, key_no=1\n", 3, "key is missing" },
	{ "RULE:dst_port=80, deny\n", 1, "go with guest" },
	{ "RULE:dst_port=80, guest_user=1, " KEY "\n", 1, "go with guest" },
	{ "RULE:dst_port=80, unknown=allow, " KEY "\n", 1, "go with guest" },
	{ "RULE:dst_port=80, guest=a, deny\n", 1, "no guest 'a'" },
	{ GUEST "RULE:dst_port=80, guest=b, deny\n", 2, "no guest 'b'" },
	{ GUEST "RULE:guest=a, deny\n", 2, "neither dst_host nor dst_port" },
	{ "GUEST:name=a, pid=1\nRULE:dst_port=80, guest=a, deny\n", 2,
	  "needs dev" },
	{ GUEST "RULE:dst_port=80, guest=a, deny, allow\n", 2, "are two" },
	{ GUEST "RULE:dst_port=80, guest=a, deny, deny\n", 2,
	  "duplicate option 'deny'" },
	{ GUEST "RULE:dst_port=80, guest=a, deny, " KEY "\n", 2,
	  "unknown word 'key_no'" },
	{ GUEST "RULE:dst_port=80, guest=a\n", 2, "key_no is missing" },
	{ GUEST "RULE:dst_port=80, guest=a, user=1, " KEY "\n", 2,
	  "guest_user and guest_exe" },
	{ GUEST "RULE:dst_port=80, guest=a, indev=eth0, deny\n", 2,
	  "another device" },
	{ GUEST "RULE:dst_port=80, guest=a, guest_user=web, deny\n", 2,
	  "needs guest_passwd" },
	{ GUEST "RULE:dst_port=80, guest=a, guest_user=no-such-user, "
		"guest_passwd=/etc/passwd, deny\n",
	  2, "no user 'no-such-user' in /etc/passwd" },
	{ GUEST "RULE:dst_port=80, guest=a, guest_comm=sixteen-letters-, "
		"deny\n",
	  2, "too long" },
	{ GUEST "RULE:dst_port=80, guest=a, guest_exe=web, deny\n", 2,
	  "no path from /" },
};

/* The file that is wrong is named, not the one that names it. */
static void
client_conf_reads_a_guests_users(void **state)
{
	(void)state;
	assert_null(load(GUEST "RULE:dst_port=80, guest=a, guest_user=web, "
			       "guest_passwd=/nowhere, deny\n"));
	check_error(err, "/nowhere", 0, "No such file");
	assert_null(load(GUEST "RULE:dst_port=80, guest=a, guest_user=web, "
			       "guest_passwd=/dev/zero, deny\n"));
	check_error(err, "/dev/zero", 0, "");
}

/* In a guest, or of it all; no key is needed to say who may not. */
static void
client_conf_takes_guests(void **state)
{
	struct client_conf *conf = load_good(
		GUEST "GUEST:name=b, qmp=/b, dev=vnet1\n"
		      "RULE:guest=b, guest_user=root, guest_passwd=/etc/passwd"
		      ", guest_exe=/bin/a, guest_pid=7, guest_comm=a, "
		      "dst_port=22, " KEY "\n"
		      "RULE:guest=a, guest_user=33, dst_port=25, unknown=allow"
		      ", deny\n"
		      "RULE:allow , guest=a, dst_host=::1\n");
	const struct sender_rule *rule = conf->rules;

	(void)state;
	assert_true(conf->by_guest);
	assert_true(conf->forwards);
	assert_false(conf->by_user);
	assert_false(conf->by_exe);
	assert_int_equal(rule[0].guest, 2);
	assert_int_equal(rule[0].action, SENDER_AUTHENTICATE);
	assert_string_equal(rule[0].indev, "vnet1");
	assert_int_equal(rule[0].uid, 0);
	assert_int_equal(rule[0].pid, 7);
	assert_string_equal(rule[0].exe, "/bin/a");
	assert_string_equal(rule[0].comm, "a");
	assert_false(rule[0].unknown_passes);
	assert_int_equal(rule[0].key.no, 10);
	assert_int_equal(rule[1].guest, 1);
	assert_int_equal(rule[1].action, SENDER_DENY);
	assert_true(rule[1].unknown_passes);
	assert_int_equal(rule[1].uid, 33);
	assert_int_equal(rule[2].action, SENDER_ALLOW);
	assert_false(rule[2].has_user);
	client_conf_free(conf);
}

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

/* Names, each once, whatever their case; a device goes with an address. */
static void
client_conf_takes_names(void **state)
{
	struct client_conf *conf = load_good(
		"RULE:dst_host=server.example, dst_port=22, " KEY "\n"
		"RULE:dst_host=SERVER.example, " KEY "\n"
		"RULE:dst_host=other, src_host=::/0, " KEY "\n"
		"RULE:dst_host=fe80::1%eth0, " KEY "\n"
		"RULE:dst_host=[fe80::1%eth1], outdev=eth1, " KEY "\n");
	struct acl_net dst;
	size_t at = 0;

	(void)state;
	assert_int_equal(conf->hosts_count, 2);
	assert_string_equal(conf->rules[0].host->name, "server.example");
	assert_ptr_equal(conf->rules[1].host, conf->rules[0].host);
	assert_string_equal(conf->rules[2].host->name, "other");
	assert_int_equal(conf->rules[2].host->no, 1);
	/* As long as it has no address, it is nobody. */
	assert_false(sender_next_dst(&conf->rules[0], &at, &dst));
	assert_null(conf->rules[3].host);
	assert_int_equal(conf->rules[3].dst.addr.family, 6);
	assert_string_equal(conf->rules[3].outdev, "eth0");
	assert_string_equal(conf->rules[4].outdev, "eth1");
	assert_true(conf->by_device);
	client_conf_free(conf);
}

static void
client_conf_bounds_its_names(void **state)
{
	char *text = malloc(258 * 128);
	struct client_conf *conf;
	size_t at = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 256; i++) {
		at += (size_t)sprintf(
			text + at, "RULE:dst_host=s%d.example, " KEY "\n", i);
	}
	conf = load_good(text);
	assert_int_equal(conf->hosts_count, 256);
	client_conf_free(conf);
	sprintf(text + at, "RULE:dst_host=s256.example, " KEY "\n");
	assert_null(load(text));
	check_error(err, file.path, 257, "more than 256 names");
	free(text);
}

/* One rule for all addresses of a host. */
static void
client_conf_is_made_for_addresses(void **state)
{
	enum { ADDRESSES = 40 };
	struct host_addr to[ADDRESSES] = { 0 };
	struct acl_key key = { .no = 7 };
	const struct sender_rule *rule;
	struct client_conf *conf;
	struct acl_net dst;
	size_t at = 0;

	(void)state;
	for (uint8_t i = 0; i < ADDRESSES; i++) {
		to[i].addr.family = i % 2 ? 6 : 4;
		to[i].addr.bytes[3] = i;
	}
	conf = client_conf_for("host", to, ADDRESSES, 2022, 22, &key);
	assert_non_null(conf);
	assert_int_equal(conf->rules_count, 1);
	rule = &conf->rules[0];
	assert_int_equal(rule->ports_count, 1);
	assert_int_equal(rule->ports[0].low, 2022);
	assert_int_equal(rule->ports[0].high, 2022);
	assert_int_equal(rule->service_port, 22);
	assert_int_equal(rule->key.no, 7);
	for (size_t i = 0; i < ADDRESSES; i++) {
		assert_true(sender_next_dst(rule, &at, &dst));
		assert_true(packet_addr_equal(&dst.addr, &to[i].addr));
		assert_int_equal(dst.mask[i % 2 ? 15 : 3], 0xff);
	}
	assert_false(sender_next_dst(rule, &at, &dst));
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
		cmocka_unit_test(client_conf_takes_guests),
		cmocka_unit_test(client_conf_reads_a_guests_users),
		cmocka_unit_test(client_conf_bounds_its_rules),
		cmocka_unit_test(client_conf_takes_names),
		cmocka_unit_test(client_conf_bounds_its_names),
		cmocka_unit_test(client_conf_is_made_for_addresses),
		cmocka_unit_test(client_conf_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
