#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/server_files.h"

#define SECRET "A1949A68393EA4B339FB8A597C38DBC9"
#define KEYS "key_no=10, key=0x" SECRET "\n"
#define RULES "RULE:dst_port=80\n"
#define ACL "port=80, key_no=10\n"

static char err[CONF_ERROR_MAX];
static struct scratch files[3];

/* Load three files with these contents. */
static struct server_conf *
load(const char *rules, const char *keys, const char *acl)
{
	const struct server_conf_from from = {
		.conf = files[0].path,
		.keys = files[1].path,
		.acl = files[2].path,
	};
	struct server_conf *conf;

	scratch_open(&files[0], rules, 0644);
	scratch_open(&files[1], keys, 0600);
	scratch_open(&files[2], acl, 0644);
	memset(err, 0, sizeof err);
	conf = server_conf_load(&from, err);
	for (size_t i = 0; i < LENGTH(files); i++) {
		scratch_close(&files[i]);
	}
	return conf;
}

static struct server_conf *
load_good(const char *rules, const char *keys, const char *acl)
{
	struct server_conf *conf = load(rules, keys, acl);

	if (!conf) {
		fail_msg("%s", err);
	}
	return conf;
}

static void
server_conf_of_the_papers(void **state)
{
	struct server_conf *conf = load_good(
		"# TAPservd.conf\ntolerance=30\n"
		"RULE:indev=eth0, outdev=ANY, src_host=202.33.69.0:255.255.255"
		".0, dst_host=211.7.133.3, dst_port=8080, type=LOCAL\n"
		"RULE:dst_port=www\n",
		KEYS "key_no=11, key=0x" SECRET ", alg=hmac-sha256, auth=60, "
		     "name=alice, not_after=2027-01-01T00:00:00Z\n",
		"port=80, key_no=\"10,11\"\nport=8080, key_no=\"10,20-23\"\n");
	const struct acl_rule *rule = &conf->acl.rules[0];

	(void)state;
	assert_int_equal(conf->acl.rules_count, 2);
	assert_string_equal(rule->indev, "eth0");
	assert_string_equal(rule->outdev, "");
	assert_int_equal(rule->src.addr.family, 4);
	assert_int_equal(rule->dst.addr.family, 4);
	assert_int_equal(rule->ports_count, 1);
	assert_int_equal(rule->ports[0].low, 8080);
	assert_int_equal(rule->type, ACL_LOCAL);
	assert_int_equal(rule->tolerance, 30);
	assert_int_equal(rule->line, 3);
	assert_false(rule->window_loose);
	assert_true(conf->acl.by_device);
	assert_int_equal(conf->acl.rules[1].ports[0].low, 80);
	assert_int_equal(conf->acl.keys_count, 2);
	assert_int_equal(conf->acl.entries_count, 2);
	assert_true(acl_allows(&conf->acl, 80, 10));
	assert_true(acl_allows(&conf->acl, 80, 11));
	assert_false(acl_allows(&conf->acl, 80, 20));
	assert_true(acl_allows(&conf->acl, 8080, 23));
	assert_false(acl_allows(&conf->acl, 8080, 11));
	assert_false(acl_allows(&conf->acl, 81, 10));
	assert_int_equal(acl_key_by_no(&conf->acl, 11)->bits, 60);
	server_conf_free(conf);
}

static void
server_conf_has_defaults(void **state)
{
	struct server_conf *conf = load_good(RULES, KEYS, ACL);

	(void)state;
	assert_int_equal(conf->settings.queue, SERVER_CONF_QUEUE);
	assert_int_equal(conf->settings.firewall, FIREWALL_AUTO);
	assert_false(conf->settings.log_json);
	assert_true(conf->hide_loopback);
	assert_int_equal(conf->acl.rules[0].tolerance, 30);
	assert_int_equal(conf->limits.reassembly.groups, 16384);
	assert_int_equal(conf->limits.reassembly.frames, 65536);
	assert_int_equal(conf->limits.reassembly.held, 4096);
	assert_int_equal(conf->limits.assembly_ms, 1000);
	assert_int_equal(conf->limits.flood_per_second, 20000);
	assert_int_equal(conf->limits.replays, 262144);
	assert_int_equal(conf->limits.guesses, GUESS_CELLS);
	assert_false(conf->acl.by_device);
	server_conf_free(conf);
}

static void
server_conf_takes_settings(void **state)
{
	struct server_conf *conf = load_good(
		"tolerance=600, window=loose\nlog=json\nqueue=100\n"
		"firewall=iptables\nloopback=open\ngroups=16\nheld=1\n"
		"assembly=10\nflood=0\nreplays=16\n"
		"RULE:dst_port=\"22, 80,8000-8010\"\n"
		"RULE:tolerance=1, window=strict, dst_port=ANY\n"
		"RULE:src_host=2001:db8::/32, dst_host=ANY\n",
		KEYS, ACL);

	(void)state;
	assert_true(conf->settings.log_json);
	assert_int_equal(conf->settings.queue, 100);
	assert_int_equal(conf->settings.firewall, FIREWALL_IPTABLES);
	assert_false(conf->hide_loopback);
	assert_int_equal(conf->limits.reassembly.groups, 16);
	assert_true(conf->limits.reassembly.frames >=
		    conf->limits.reassembly.groups);
	assert_int_equal(conf->limits.reassembly.held, 1);
	assert_int_equal(conf->limits.assembly_ms, 10);
	assert_int_equal(conf->limits.flood_per_second, 0);
	assert_int_equal(conf->limits.replays, 16);
	assert_int_equal(conf->acl.rules[0].tolerance, 600);
	assert_true(conf->acl.rules[0].window_loose);
	assert_int_equal(conf->acl.rules[0].ports_count, 3);
	assert_int_equal(conf->acl.rules[1].tolerance, 1);
	assert_false(conf->acl.rules[1].window_loose);
	assert_int_equal(conf->acl.rules[1].ports_count, 0);
	assert_int_equal(conf->acl.rules[2].src.addr.family, 6);
	server_conf_free(conf);
}

/* What memory and sockets were made for stays, however a file has it. */
static void
server_conf_keeps(void **state)
{
	struct server_conf *before = load_good(RULES, KEYS, ACL);
	struct server_conf *conf = load_good(
		"tolerance=600, log=json, queue=100, firewall=iptables\n"
		"loopback=open, groups=16, held=1, assembly=10, flood=0\n"
		"replays=16, fastpath=off, fastpath_mark=4, mark=8\n"
		"RULE:dst_port=22\n",
		KEYS, ACL);
	char why[CONF_ERROR_MAX];

	(void)state;
	assert_int_equal(server_conf_keep(conf, before, why), 0);
	assert_memory_equal(&conf->limits, &before->limits,
			    sizeof conf->limits);
	assert_int_equal(conf->settings.queue, SERVER_CONF_QUEUE);
	assert_int_equal(conf->settings.firewall, FIREWALL_AUTO);
	assert_int_equal(conf->settings.fastpath, FASTPATH_AUTO);
	assert_int_equal(conf->fastpath_mark, SERVER_CONF_FASTPATH_MARK);
	assert_true(conf->settings.log_json);
	assert_int_equal(conf->settings.mark, 8);
	assert_false(conf->hide_loopback);
	assert_int_equal(conf->acl.rules[0].tolerance, 600);
	/* What would now be accepted is what strangers have. */
	conf->settings.mark = before->fastpath_mark;
	assert_int_equal(server_conf_keep(conf, before, why), -1);
	assert_non_null(strstr(why, "fastpath_mark"));
	server_conf_free(conf);
	server_conf_free(before);
}

static void
server_conf_hides(void **state)
{
	struct server_conf *conf = load_good(
		"hide=decoy:192.0.2.1:80\nmark=0x2, run_as=nobody\n"
		"fastpath=auto, fastpath_mark=0x4\n"
		"replay_file=/x\n"
		"replay_share=redis://[2001:db8::1]:7000/3\n"
		"share_wait=20\nshare_fail=local\n"
		"RULE:dst_port=22\n"
		"RULE:dst_port=23, hide=closed\n"
		"RULE:dst_port=24, hide=decoy:[2001:db8::1]:www\n"
		"RULE:dst_port=25, hide=\"decoy:2001:db8::1:1\", type=ROUTER, "
		"indev=eth0\n"
		"RULE:dst_port=26, hide=filtered, type=BRIDGE\n",
		KEYS, ACL);
	const struct acl_rule *rule = conf->acl.rules;

	assert_int_equal(conf->settings.fastpath, FASTPATH_AUTO);
	assert_int_equal(conf->fastpath_mark, 4);
	(void)state;
	assert_int_equal(conf->settings.mark, 2);
	assert_string_equal(conf->settings.user.name, "nobody");
	assert_string_equal(conf->replay_file, "/x");
	assert_string_equal(conf->share.host, "2001:db8::1");
	assert_int_equal(conf->share.port, 7000);
	assert_int_equal(conf->share.db, 3);
	assert_int_equal(conf->share_wait, 20);
	assert_int_equal(conf->share_fail, SHARE_FAIL_LOCAL);
	assert_int_equal(rule[0].hide, ACL_DECOY);
	assert_int_equal(rule[0].decoy.family, 4);
	assert_memory_equal(rule[0].decoy.bytes, "\xc0\0\2\1", 4);
	assert_int_equal(rule[0].decoy_port, 80);
	assert_int_equal(rule[1].hide, ACL_CLOSED);
	assert_int_equal(rule[2].hide, ACL_DECOY);
	assert_int_equal(rule[2].decoy.family, 6);
	assert_int_equal(rule[2].decoy.bytes[15], 1);
	assert_int_equal(rule[2].decoy_port, 80);
	assert_int_equal(rule[3].type, ACL_ROUTER);
	assert_int_equal(rule[3].decoy_port, 1);
	assert_string_equal(rule[3].indev, "eth0");
	assert_int_equal(rule[4].hide, ACL_FILTERED);
	/* Where there is no decoy, no rule of the firewall may name one. */
	assert_int_equal(rule[1].decoy.family, 0);
	assert_int_equal(rule[4].decoy.family, 0);
	server_conf_free(conf);
}

static void
server_conf_sorts_keys_of_an_entry(void **state)
{
	struct server_conf *conf = load_good(
		RULES, KEYS,
		"port=80, key_no=\"30,5-7,20,0,65535\"\n"
		"port=1-79, key_no=0-65535\nport=81-65535, key_no=9\n");

	(void)state;
	for (size_t i = 1; i < conf->acl.entries[0].keys_count; i++) {
		assert_true(conf->acl.entries[0].keys[i].low >
			    conf->acl.entries[0].keys[i - 1].high);
	}
	assert_true(acl_allows(&conf->acl, 80, 6));
	assert_true(acl_allows(&conf->acl, 80, 0));
	assert_true(acl_allows(&conf->acl, 80, 65535));
	assert_false(acl_allows(&conf->acl, 80, 8));
	assert_true(acl_allows(&conf->acl, 79, 8));
	assert_true(acl_allows(&conf->acl, 65535, 9));
	server_conf_free(conf);
}

static void
server_conf_of_one_service(void **state)
{
	struct server_conf_from from = { .keys = files[1].path,
					 .ports = "22,8000-8001" };
	struct server_conf *conf;

	(void)state;
	scratch_open(&files[1], KEYS, 0600);
	conf = server_conf_load(&from, err);
	assert_non_null(conf);
	assert_int_equal(conf->acl.rules_count, 1);
	assert_int_equal(conf->acl.rules[0].ports_count, 2);
	assert_int_equal(conf->acl.rules[0].tolerance, 30);
	assert_true(acl_allows(&conf->acl, 22, 10));
	assert_true(acl_allows(&conf->acl, 8001, 65535));
	server_conf_free(conf);
	/* With a list, it decides. */
	scratch_open(&files[2], "port=22, key_no=10\n", 0644);
	from.acl = files[2].path;
	conf = server_conf_load(&from, err);
	assert_non_null(conf);
	assert_true(acl_allows(&conf->acl, 22, 10));
	assert_false(acl_allows(&conf->acl, 8001, 10));
	server_conf_free(conf);
	scratch_close(&files[2]);
	from.ports = "0";
	assert_null(server_conf_load(&from, err));
	check_error(err, "--port", 0, "port 0 out of range");
	from.ports = "22,";
	assert_null(server_conf_load(&from, err));
	check_error(err, "--port", 0, "not a list");
	scratch_close(&files[1]);
}

static void
server_conf_switches(void **state)
{
	struct server_conf *conf = load_good(
		"loopback=open\nmirror_buffer=64KiB\nswitch_wait=2s\n"
		"decoy_source=own\n"
		"RULE:dst_port=80, decoy=127.0.0.1:8080, switch=mirror\n"
		"RULE:dst_port=22, decoy=[2001:db8::1]:22, switch=next\n"
		"RULE:dst_port=23\n",
		KEYS, ACL);
	const struct acl_rule *rules = conf->acl.rules;

	(void)state;
	assert_int_equal(conf->switching.buffer, 65536);
	assert_int_equal(conf->switching.wait_ms, 2000);
	assert_true(conf->switching.own_source);
	assert_int_equal(rules[0].switches, ACL_SWITCH_MIRROR);
	assert_int_equal(rules[0].switch_decoy.family, 4);
	assert_int_equal(rules[0].switch_decoy.bytes[0], 127);
	assert_int_equal(rules[0].switch_port, 8080);
	assert_int_equal(rules[1].switches, ACL_SWITCH_NEXT);
	assert_int_equal(rules[1].switch_decoy.family, 6);
	assert_int_equal(rules[1].switch_port, 22);
	assert_int_equal(rules[2].switches, ACL_SWITCH_NEVER);
	server_conf_free(conf);
	conf = load_good(RULES, KEYS, ACL);
	assert_int_equal(conf->switching.buffer, 1u << 20);
	assert_int_equal(conf->switching.wait_ms, 500);
	assert_false(conf->switching.own_source);
	assert_string_equal(conf->switching.record, "");
	server_conf_free(conf);
}

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad_rules[] = {
	{ "", 0, "no rule in it" },
	{ "tolerance=30\n", 0, "no rule in it" },
	{ "mark=0x200000\nRULE:dst_port=1\n", 0, "mark and fastpath_mark" },
	{ "switch_mark=0x200000\nRULE:dst_port=1\n", 0,
	  "fastpath_mark and switch_mark are the same bit" },
	{ "switch_mark=0x800000\nRULE:dst_port=1\n", 0,
	  "mark and switch_mark are the same bit" },
	{ "RULE:dst_port=1, switch=mirror\n", 1, "switch= without decoy=" },
	{ "RULE:dst_port=1, switch=next\n", 1, "switch= without decoy=" },
	{ "RULE:dst_port=1, decoy=127.0.0.1:81\n", 1,
	  "decoy= without switch=mirror or switch=next" },
	{ "RULE:dst_port=1, switch=both\n", 1, "switch: 'both'" },
	{ "RULE:dst_port=1, decoy=127.0.0.1\n", 1,
	  "decoy: '127.0.0.1' is not HOST:PORT" },
	{ "RULE:dst_port=1, decoy=10.0.0.0/8:80\n", 1,
	  "decoy: '10.0.0.0/8' is not one address" },
	{ "RULE:dst_port=1, decoy=ANY:80\n", 1,
	  "decoy: 'ANY' is not one address" },
	{ "RULE:dst_port=1, decoy=127.0.0.1:80/81\n", 1,
	  "decoy: '127.0.0.1:80/81' is not ADDRESS:PORT" },
	{ "RULE:dst_port=1, decoy=127.0.0.1:0\n", 1, "decoy: port 0" },
	{ "RULE:dst_port=1, decoy=127.0.0.1:81, switch=mirror\n", 1,
	  "needs loopback=open" },
	{ "loopback=open\nRULE:dst_port=1, decoy=127.0.0.1:81, "
	  "switch=mirror, type=ROUTER\n",
	  2, "switch=mirror: only connections to this host" },
	{ "RULE:dst_port=1, decoy=127.0.0.1:81, switch=next, type=BRIDGE\n", 1,
	  "switch=: a bridge" },
	{ "mirror_buffer=4095\nRULE:dst_port=1\n", 1, "out of range" },
	{ "mirror_buffer=65MiB\nRULE:dst_port=1\n", 1, "out of range" },
	{ "mirror_buffer=99999999999MiB\nRULE:dst_port=1\n", 1,
	  "out of range" },
	{ "mirror_buffer=MiB\nRULE:dst_port=1\n", 1, "mirror_buffer: " },
	{ "mirror_buffer=1GiB\nRULE:dst_port=1\n", 1, "mirror_buffer: " },
	{ "switch_wait=61s\nRULE:dst_port=1\n", 1, "out of range" },
	{ "switch_wait=-1\nRULE:dst_port=1\n", 1, "switch_wait: " },
	{ "decoy_source=any\nRULE:dst_port=1\n", 1, "decoy_source: 'any'" },
	{ "record=here\nRULE:dst_port=1\n", 1,
	  "sessions can't be recorded yet" },
	{ "fastpath_mark=3\nRULE:dst_port=1\n", 1, "fastpath_mark: " },
	{ RULES "\ntolerance=30\n", 3, "settings stand before the rules" },
	{ "dst_port=80\n", 1, "dst_port belongs in a rule: RULE:dst_port=80" },
	{ "RULE:tolerance=30, queue=1\n", 1,
	  "queue is a setting: it stands in a line before the rules" },
	{ "dst_host=192.0.2.1\n", 1,
	  "dst_host belongs in a rule: RULE:dst_host=..." },
	{ "tolerance=0\n", 1, "tolerance: 0 out of range (1 to 600)" },
	{ "tolerance=601\n", 1, "tolerance: 601 out of range" },
	{ "tolerance=30\ntolerance=30\n", 2, "duplicate option 'tolerance'" },
	{ "window=open\n", 1, "window: 'open' is none of strict loose" },
	{ "log=xml\n", 1, "log: " },
	{ "queue=65533\n", 1, "queue: " },
	{ "firewall=pf\n", 1, "firewall: " },
	{ "loopback=no\n", 1, "loopback: " },
	{ "groups=15\n", 1, "groups: " },
	{ "groups=4194305\n", 1, "groups: " },
	{ "held=0\n", 1, "held: " },
	{ "held=32769\n", 1, "held: " },
	{ "assembly=9\n", 1, "assembly: " },
	{ "assembly=10001\n", 1, "assembly: " },
	{ "flood=1073741825\n", 1, "flood: " },
	{ "replays=15\n", 1, "replays: " },
	{ "replays=16777217\n", 1, "replays: " },
	{ "\nRULE:dst_port=70000\n", 2, "dst_port: port 70000 out of range" },
	{ "RULE:dst_port=80, dst_port=81\n", 1, "duplicate option 'dst_port'" },
	{ "RULE:dst_port=\"80,\"\n", 1, "dst_port: " },
	{ "RULE:dst_port=80,81\n", 1,
	  "a list needs quotes: dst_port=\"80,81\"" },
	{ "RULE:dst_port=ssh, 80 ,8000-8010, type=LOCAL\n", 1,
	  "a list needs quotes: dst_port=\"ssh,80,8000-8010\"" },
	{ "RULE:dst_port=22 type=LOCAL\n", 1,
	  "dst_port: comma expected before 'type=...'" },
	{ "RULE:dst_port=22 tolerance=5\n", 1,
	  "dst_port: comma expected before 'tolerance=5'" },
	{ "RULE:indev=eth0/1\n", 1, "indev: " },
	{ "RULE:src_host=1.2.3\n", 1, "src_host: '1.2.3' is not an address" },
	{ "RULE:dst_host=1.2.3.4:255.0.255.0\n", 1, "dst_host: mask " },
	{ "RULE:src_host=1.2.3.4, dst_host=::1\n", 1, "different IP versions" },
	{ "RULE:type=local\n", 1,
	  "type: 'local' is none of LOCAL ROUTER BRIDGE" },
	{ "RULE:outdev=eth0, dst_port=80\n", 1, "outdev: " },
	{ RULES RULES "RULE:dst_port=80, tolerance=x\n", 3, "tolerance: " },
	{ "RULE:dst_port=80, key=0x" SECRET "\n", 1, "unknown word 'key'" },
	{ KEYS, 1, "unknown word 'key_no'" },
	{ "hide=\"decoy:\"\n", 1, "hide: " },
	{ "hide=decoy\n", 1, "hide: " },
	{ "hide=decoy:80\n", 1, "hide: " },
	{ "hide=decoy::80\n", 1, "hide: " },
	{ "hide=decoy:1.2.3.4:0\n", 1, "hide: port 0 out of range" },
	{ "hide=decoy:1.2.3.4:\n", 1, "hide: " },
	{ "hide=decoy:1.2.3.4\n", 1, "hide: " },
	{ "hide=decoy:ANY:80\n", 1, "hide: 'ANY' is not one address" },
	{ "hide=decoy:1.2.3.0/24:80\n", 1, "is not one address" },
	{ "hide=decoy:127.0.0.1:2222\n", 1, "can't be reached from a network" },
	{ "hide=decoy:127.9.9.9:80\n", 1, "can't be reached from a network" },
	{ "hide=decoy:0.0.0.0:80\n", 1, "can't be reached from a network" },
	{ "hide=decoy:224.0.0.1:80\n", 1, "can't be reached from a network" },
	{ "hide=decoy:255.255.255.255:80\n", 1,
	  "can't be reached from a network" },
	{ "hide=decoy:[::]:80\n", 1, "can't be reached from a network" },
	{ "hide=decoy:[ff02::1]:80\n", 1, "can't be reached from a network" },
	{ "hide=decoy:[::ffff:192.0.2.1]:80\n", 1,
	  "can't be reached from a network" },
	{ "RULE:dst_port=80, hide=decoy:[::1]:81\n", 1,
	  "can't be reached from a network" },
	{ "RULE:dst_port=80, type=ROUTER, outdev=eth1, "
	  "hide=decoy:192.0.2.1:81\n",
	  1, "outdev is known only when" },
	{ "hide=decoy:1.2.3.4:255.255.255.0:80\n", 1, "is not one address" },
	{ "hide=decoy:[2001:db8::1:80\n", 1, "hide: " },
	{ "hide=decoy:host:80\n", 1, "hide: 'host' is not an address" },
	{ "hide=open\n", 1, "hide: 'open' is none of filtered closed" },
	{ "hide=decoyx1.2.3.4:80\n", 1, "hide: " },
	{ "hide=decoy:" SECRET SECRET ":80\n", 1, "hide: " },
	{ "RULE:type=ROUTER, hide=closed\n", 1, "hide=closed: " },
	{ "RULE:type=BRIDGE, hide=decoy:1.2.3.4:80\n", 1, "hide=decoy: " },
	{ "hide=closed\nRULE:type=ROUTER\n", 2, "hide=closed: " },
	{ "replay_file=relative\n", 1, "replay_file: " },
	{ "replay_share=http://a\n", 1, "replay_share: none of redis[s]://" },
	{ "replay_share=redis://\n", 1, "replay_share: none of redis[s]://" },
	{ "replay_share=redis://u:p@a/1\n", 1, "replay_share: none of " },
	{ "replay_share=redis://a:b:c\n", 1, "replay_share: " },
	{ "replay_share=redis://1.2.3/\n", 1, "replay_share: " },
	{ "replay_share=redis://a/x\n", 1, "replay_share: 'x' is not a " },
	{ "replay_share=redis://a:0\n", 1, "replay_share: " },
	{ "replay_share=unix:redis.sock\n", 1, "replay_share: none of " },
	{ "replay_share=rediss://a\nRULE:dst_port=1\n", 0, "share_ca and " },
	{ "replay_share=redis://a\nshare_ca=/x\nRULE:dst_port=1\n", 0,
	  "share_ca and replay_share=rediss:// go together" },
	{ "share_ca=ca.pem\n", 1, "share_ca: " },
	{ "share_login=secret\n", 1, "share_login: " },
	{ "share_wait=0\n", 1, "share_wait: " },
	{ "share_fail=open\n", 1, "share_fail: " },
	{ "run_as=no-such-user\n", 1, "run_as: no user" },
	{ "run_as=root\n", 1, "run_as: 'root' is root" },
	{ "mark=0\n", 1, "mark: " },
};

static void
server_conf_refuses_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bad_rules); i++) {
		if (load(bad_rules[i].text, KEYS, ACL)) {
			fail_msg("'%s' not refused", bad_rules[i].text);
		}
		check_error(err, files[0].path, bad_rules[i].line,
			    bad_rules[i].why);
		check_no_secret(err, SECRET);
	}
}

static const struct {
	const char *text;
	unsigned line;
	const char *why;
} bad_acls[] = {
	{ "", 0, "no entry in it" },
	{ "port=80\n", 1, "key_no is missing" },
	{ "key_no=10\n", 1, "port is missing" },
	{ "RULE:port=80, key_no=10\n", 1, "no rules" },
	{ "port=80, key_no=10, name=a\n", 1, "unknown word 'name'" },
	{ "port=80, port=81, key_no=10\n", 1, "duplicate option 'port'" },
	{ "port=70000, key_no=10\n", 1, "port: port 70000 out of range" },
	{ "port=0, key_no=10\n", 1, "port: " },
	{ "port=81-80, key_no=10\n", 1, "port: range 81-80 runs backwards" },
	{ "port=\"80,81\", key_no=10\n", 1, "port: " },
	{ "port=80, key_no=1,2\n", 1, "a list needs quotes: key_no=\"1,2\"" },
	{ "port=22 key_no=1\n", 1, "port: comma expected before 'key_no=1'" },
	{ "port=80, key_no=65536\n", 1, "key_no: " },
	{ "port=80, key_no=\"10,10\"\n", 1, "key_no: 10 is listed twice" },
	{ "port=80, key_no=\"10-20,15\"\n", 1, "15 is listed twice" },
	{ "port=80, key_no=\"15,10-20\"\n", 1, "15 is listed twice" },
	{ "port=80, key_no=10 11\n", 1, "key_no: " },
	{ "port=80, key_no=0x" SECRET "\n", 1, "key_no: " },
	{ ACL ACL, 2, "port 80 stands in line 1 already" },
	{ ACL "port=1-65535, key_no=10\n", 2, "port 80 stands in line 1" },
	{ "port=70-80, key_no=1\nport=90, key_no=1\nport=80-90, key_no=1\n", 3,
	  "port 80 stands in line 1 already" },
	{ KEYS, 1, "unknown word 'key'" },
};

static void
server_conf_refuses_access_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bad_acls); i++) {
		if (load(RULES, KEYS, bad_acls[i].text)) {
			fail_msg("'%s' not refused", bad_acls[i].text);
		}
		check_error(err, files[2].path, bad_acls[i].line,
			    bad_acls[i].why);
		check_no_secret(err, SECRET);
	}
}

static void
server_conf_refuses_keys(void **state)
{
	(void)state;
	assert_null(load(RULES, "key_no=10, key=" SECRET "\n", ACL));
	check_error(err, files[1].path, 1, "must begin with 0x");
	check_no_secret(err, SECRET);
	assert_null(load(RULES, KEYS KEYS, ACL));
	check_error(err, files[1].path, 2, "stands in line 1 already");
}

/* Lines with the numbers from 1 to count between two texts. */
static char *
many(unsigned count, const char *before, const char *after)
{
	char *text = malloc(count * 64u + 1);
	size_t at = 0;

	assert_non_null(text);
	for (unsigned i = 1; i <= count; i++) {
		at += (size_t)snprintf(text + at, 64, "%s%u%s\n", before, i,
				       after);
	}
	return text;
}

static void
server_conf_bounds_its_tables(void **state)
{
	char *text = many(ACL_RULES_MAX, "RULE:dst_port=", "");
	struct server_conf *conf = load_good(text, KEYS, ACL);

	(void)state;
	assert_int_equal(conf->acl.rules_count, ACL_RULES_MAX);
	server_conf_free(conf);
	free(text);
	text = many(ACL_RULES_MAX + 1, "RULE:dst_port=", "");
	assert_null(load(text, KEYS, ACL));
	check_error(err, files[0].path, ACL_RULES_MAX + 1, "more than 4096");
	free(text);
	text = many(ACL_ENTRIES_MAX, "port=", ", key_no=10");
	conf = load_good(RULES, KEYS, text);
	assert_int_equal(conf->acl.entries_count, ACL_ENTRIES_MAX);
	assert_true(acl_allows(&conf->acl, ACL_ENTRIES_MAX, 10));
	server_conf_free(conf);
	free(text);
	text = many(ACL_ENTRIES_MAX + 1, "port=", ", key_no=10");
	assert_null(load(RULES, KEYS, text));
	check_error(err, files[2].path, ACL_ENTRIES_MAX + 1, "more than 4096");
	free(text);
}

static void
server_conf_needs_its_files(void **state)
{
	struct server_conf_from from = { .conf = "/nonexistent/c",
					 .keys = "/nonexistent/k",
					 .acl = "/nonexistent/a" };

	(void)state;
	assert_null(server_conf_load(&from, err));
	check_error(err, "/nonexistent/c", 0, "No such file");
	scratch_open(&files[0], RULES, 0644);
	from.conf = files[0].path;
	assert_null(server_conf_load(&from, err));
	check_error(err, "/nonexistent/k", 0, "No such file");
	scratch_open(&files[1], KEYS, 0640);
	from.keys = files[1].path;
	assert_null(server_conf_load(&from, err));
	check_error(err, files[1].path, 0, "chmod 600");
	scratch_close(&files[1]);
	scratch_open(&files[1], KEYS, 0600);
	from.keys = files[1].path;
	assert_null(server_conf_load(&from, err));
	check_error(err, "/nonexistent/a", 0, "No such file");
	scratch_close(&files[0]);
	scratch_close(&files[1]);
	server_conf_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_conf_of_the_papers),
		cmocka_unit_test(server_conf_has_defaults),
		cmocka_unit_test(server_conf_takes_settings),
		cmocka_unit_test(server_conf_keeps),
		cmocka_unit_test(server_conf_hides),
		cmocka_unit_test(server_conf_sorts_keys_of_an_entry),
		cmocka_unit_test(server_conf_of_one_service),
		cmocka_unit_test(server_conf_switches),
		cmocka_unit_test(server_conf_refuses_rules),
		cmocka_unit_test(server_conf_refuses_access_lists),
		cmocka_unit_test(server_conf_refuses_keys),
		cmocka_unit_test(server_conf_bounds_its_tables),
		cmocka_unit_test(server_conf_needs_its_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
