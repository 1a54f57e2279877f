#include "unit/files_support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/frame.h"
#include "conf/value.h"

static char why[VALUE_WHY_MAX];

/* A reason is there, and no longer than it may be. */
static void
check_refused(const char *text, int rc)
{
	size_t len = strnlen(why, sizeof why);

	if (rc != -1 || len == 0 || len >= sizeof why) {
		fail_msg("'%s' not refused", text);
	}
	memset(why, 0, sizeof why);
}

/* Forty times x: what a buffer for a part of a value can't hold. */
#define LONG "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
numbers(void **state)
{
	static const char *const bad[] = {
		"",
		" 1",
		"1 ",
		"-1",
		"+1",
		"0x10",
		"1a",
		"a",
		"4",
		"11",
		"99999999999999999999999999",
		"1.0",
		"\xc2\xb9",
		LONG LONG LONG,
	};
	unsigned long n;

	(void)state;
	assert_int_equal(value_number("5", 5, 10, &n, why), 0);
	assert_int_equal(n, 5);
	assert_int_equal(value_number("0010", 5, 10, &n, why), 0);
	assert_int_equal(n, 10);
	assert_int_equal(value_number("0", 0, 0, &n, why), 0);
	assert_int_equal(
		value_number("18446744073709551615", 0, ULONG_MAX, &n, why), 0);
	assert_int_equal(n, ULONG_MAX);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i], value_number(bad[i], 5, 10, &n, why));
	}
	check_refused(
		"",
		value_number("18446744073709551616", 0, ULONG_MAX, &n, why));
}

static void
ports(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
	} good[] = {
		{ "1", 1 },       { "65535", 65535 }, { "080", 80 },
		{ "www", 80 },    { "http", 80 },     { "ssh", 22 },
		{ "https", 443 },
	};
	static const char *const bad[] = {
		"",    "0",   "65536",           "70000", "4294967297",   "22x",
		"x22", "-22", "no-such-service", "WWW ",  LONG LONG LONG, "22 ",
		"ANY",
	};
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		assert_int_equal(value_port(good[i].text, &port, why), 0);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i], value_port(bad[i], &port, why));
	}
	value_port("70000", &port, why);
	assert_string_equal(why, "port 70000 out of range");
}

static void
port_ranges(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"1-",
		"-1",
		"2-1",
		"0-1",
		"1-65536",
		"1-2-3",
		"1 - 2",
		"1-2,3",
		"www-80",
		"80-" LONG LONG,
		LONG LONG "-80",
		"1-00000000000000000000000000000000000000000000000000000000000"
		"0000000000000000002",
	};
	struct acl_range r;

	(void)state;
	assert_int_equal(value_port_range("80", &r, why), 0);
	assert_true(r.low == 80 && r.high == 80);
	assert_int_equal(value_port_range("1-65535", &r, why), 0);
	assert_true(r.low == 1 && r.high == 65535);
	assert_int_equal(value_port_range("80-www", &r, why), 0);
	assert_true(r.low == 80 && r.high == 80);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i], value_port_range(bad[i], &r, why));
	}
}

static void
lists(void **state)
{
	static const char *const bad[] = {
		"",    ",",         "1,",       ",1",      "1,,2",
		"1;2", "1 2",       "65536",    "1-65536", "3-2",
		"a",   "10,20-23,", "1,2,\xff", "0x10",    LONG LONG LONG,
	};
	struct acl_range *ranges = NULL;
	size_t count = 77;

	(void)state;
	assert_int_equal(value_ranges("10, 20-23 ,\t0,65535", false, &ranges,
				      &count, why),
			 0);
	assert_int_equal(count, 4);
	assert_true(ranges[0].low == 10 && ranges[0].high == 10);
	assert_true(ranges[1].low == 20 && ranges[1].high == 23);
	assert_true(ranges[2].low == 0 && ranges[2].high == 0);
	assert_true(ranges[3].low == 65535 && ranges[3].high == 65535);
	free(ranges);
	assert_int_equal(
		value_ranges("www,8000-8010", true, &ranges, &count, why), 0);
	assert_int_equal(count, 2);
	assert_true(ranges[0].low == 80 && ranges[1].high == 8010);
	free(ranges);
	ranges = NULL;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(
			bad[i],
			value_ranges(bad[i], false, &ranges, &count, why));
		assert_null(ranges);
	}
	check_refused("0", value_ranges("0", true, &ranges, &count, why));
	assert_null(ranges);
}

/* A net as text: the address masked, and the bits of its mask. */
static const char *
net_text(const struct acl_net *net)
{
	static char text[64];
	size_t len = net->addr.family == 4 ? 4 : 16;
	size_t at =
		(size_t)snprintf(text, sizeof text, "%u:", net->addr.family);
	unsigned bits = 0;

	for (size_t i = 0; net->addr.family && i < len; i++) {
		at += (size_t)snprintf(text + at, sizeof text - at, "%02x",
				       net->addr.bytes[i]);
	}
	while (bits < 128 && net->mask[bits / 8] & 128 >> bits % 8) {
		bits++;
	}
	for (size_t i = len; i < 16; i++) {
		assert_int_equal(net->addr.bytes[i], 0);
	}
	snprintf(text + at, sizeof text - at, "/%u", bits);
	return text;
}

static void
nets(void **state)
{
	static const struct {
		const char *text, *net;
	} good[] = {
		{ "ANY", "0:/0" },
		{ "192.0.2.1", "4:c0000201/32" },
		{ "192.0.2.1/24", "4:c0000200/24" },
		{ "10.255.0.0/9", "4:0a800000/9" },
		{ "0.0.0.0/0", "4:00000000/0" },
		{ "202.33.69.0:255.255.255.0", "4:ca214500/24" },
		{ "202.33.69.7:0.0.0.0", "4:00000000/0" },
		{ "2001:db8::1", "6:20010db8000000000000000000000001/128" },
		{ "[2001:db8::1]", "6:20010db8000000000000000000000001/128" },
		{ "2001:db8::ffff/32",
		  "6:20010db8000000000000000000000000/32" },
		{ "[2001:db8::ffff]/33",
		  "6:20010db8000000000000000000000000/33" },
		{ "::/0", "6:00000000000000000000000000000000/0" },
		{ "::ffff:192.0.2.1",
		  "6:00000000000000000000ffffc0000201/128" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct acl_net net;

		assert_int_equal(value_net(good[i].text, &net, why), 0);
		assert_string_equal(net_text(&net), good[i].net);
	}
}

static void
nets_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"any",
		"1.2.3",
		"1.2.3.4.5",
		"256.0.0.1",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/-1",
		"1.2.3.4/a",
		"1.2.3.4/24/24",
		"1.2.3.4:",
		"1.2.3.4:255.255.0.255",
		"1.2.3.4:0.255.0.0",
		"1.2.3.4:24",
		"1.2.3.4:255.255.255.0/24",
		"1.2.3.4 ",
		" 1.2.3.4",
		"01.2.3.4x",
		"[1.2.3.4]",
		"[2001:db8::1",
		"2001:db8::1]",
		"[]",
		"[",
		"]",
		"/",
		":",
		"::1/129",
		"::1/",
		"[::1]:24",
		"[::1]24",
		"[::1]/",
		"1::2::3",
		"12345::",
		"fe80::1%eth0",
		"host.example",
		LONG LONG LONG,
		"1:2:3:4:5:6:7:8:9",
		"::1:255.255.255.0x",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct acl_net net;

		check_refused(bad[i], value_net(bad[i], &net, why));
	}
}

static void
devices(void **state)
{
	static const char *const good[] = {
		"lo",   "eth0", "br-lan",          "eth0.100",
		"wg_0", "a@b",  "fifteen-letters", "...",
	};
	static const char *const bad[] = {
		".",    "..",           "sixteen-letters-",
		"a b",  "a/b",          "a\"b",
		"a'b",  "eth+",         "eth*",
		"a;b",  "a{b",          "a}b",
		"a\\b", "a\nb",         "a%d",
		"a\tb", "a\x7f",        "\xc3\xa9",
		"a:b",  LONG LONG LONG,
	};
	char name[ACL_IFNAME_MAX];

	(void)state;
	assert_int_equal(value_device("ANY", name, why), 0);
	assert_string_equal(name, "");
	for (size_t i = 0; i < LENGTH(good); i++) {
		assert_int_equal(value_device(good[i], name, why), 0);
		assert_string_equal(name, good[i]);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i], value_device(bad[i], name, why));
	}
}

static void
times(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {
		{ "0", 0 },
		{ "1798761600", 1798761600 },
		{ "1099511627776", 1ull << 40 },
		{ "2027-01-01", 1798761600 },
		{ "2027-01-01T00:00:00Z", 1798761600 },
		{ "2027-01-01T23:59:59Z", 1798761600 + 86399 },
		{ "1970-01-01", 0 },
		{ "2028-02-29", 1835395200 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	static const char *const bad[] = {
		"",
		"x",
		"-1",
		"2027",
		"99999999",
		"1099511627777",
		"99999999999999999999999",
		"2027-13-01",
		"2027-00-01",
		"2027-01-32",
		"2027-01-00",
		"2027-02-29",
		"2027-02-31",
		"2027-04-31T00:00:00Z",
		"2027-01-01T00:00:00",
		"2027-01-01T24:00:00Z",
		"2027-01-01T00:60:00Z",
		"2027-01-01 00:00:00Z",
		"2027-01-01T00:00:00Zx",
		"2027-01-01x",
		" 2027-01-01",
		"1969-12-31",
		"27-01-01",
		"2027-01-01T00:00:00+01:00",
		"2027-01-01T00:00Z",
		"2027-1",
		LONG LONG LONG,
		"2027-01-01T00:00:60Z",
	};
	uint64_t instant;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		assert_int_equal(value_time(good[i].text, &instant, why), 0);
		assert_int_equal(instant, good[i].seconds << 8);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i], value_time(bad[i], &instant, why));
	}
}

static void
choices(void **state)
{
	static const char words[] = "text json";
	static const char *const bad[] = { "",      "JSON",      "jso",
					   "jsonx", "text json", LONG };
	unsigned long choice;

	(void)state;
	assert_int_equal(value_choice("text", words, &choice, why), 0);
	assert_int_equal(choice, 0);
	assert_int_equal(value_choice("json", words, &choice, why), 0);
	assert_int_equal(choice, 1);
	for (size_t i = 0; i < LENGTH(bad); i++) {
		check_refused(bad[i],
			      value_choice(bad[i], words, &choice, why));
	}
	value_choice("x", words, &choice, why);
	assert_string_equal(why, "'x' is none of text json");
}

#define LABEL "abcdefghijklmnopqrstuvwxyz-0123456789_ABCDEFGHIJKLMNOPQRSTUVWXY"

static void
names(void **state)
{
	static const char *const good[] = {
		"a",
		"server",
		"server.example.",
		"xn--bcher-kva.example",
		"1and1.example",
		"a_b.c",
		LABEL ".example",
		LABEL "." LABEL "." LABEL "." LONG "x12345678901234567890",
	};
	static const char *const wrong[] = {
		"",
		".",
		"a..b",
		"-a",
		"a-",
		"a.-b",
		".a",
		"a.b..",
		"10",
		"10.0.0.300",
		"1.2.3",
		"a b",
		"a:b",
		"a/b",
		"b\xc3\xbc"
		"cher",
		LABEL "x.example",
		LABEL "." LABEL "." LABEL "." LONG "x123456789012345678901",
		"A1949A68393EA4B339FB8A597C38DBC9",
		"0xA1949A68393EA4B339FB8A597C38DBC9.example",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		if (!value_is_name(good[i])) {
			fail_msg("'%s' is a name", good[i]);
		}
	}
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		if (value_is_name(wrong[i])) {
			fail_msg("'%s' is no name", wrong[i]);
		}
	}
}

static void
endpoints(void **state)
{
	static const struct {
		const char *text, *host, *port;
		unsigned service_port;
		bool bracketed;
	} good[] = {
		{ "server.example:22", "server.example", "22", 0, false },
		{ "server.example:2222/22", "server.example", "2222", 22,
		  false },
		{ "[2001:db8::1]:www", "2001:db8::1", "www", 0, true },
		{ "fe80::1%eth0:22/ssh", "fe80::1%eth0", "22", 22, false },
		{ "[192.0.2.0/24]:1,2-3", "192.0.2.0/24", "1,2-3", 0, true },
		{ "192.0.2.0/24:22/80", "192.0.2.0/24", "22", 80, false },
	};
	static const char *const wrong[] = {
		"",
		":",
		"host",
		"host:",
		":22",
		"[]:22",
		"host:22/",
		"host:22/0",
		"host:22/65536",
		"host:22/22/22",
		"host:/22",
		LONG LONG LONG LONG LONG LONG LONG ":22",
	};
	struct value_endpoint at;

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		assert_int_equal(value_endpoint(good[i].text, &at, why), 0);
		assert_string_equal(at.host, good[i].host);
		assert_string_equal(at.port, good[i].port);
		assert_int_equal(at.service_port, good[i].service_port);
		assert_int_equal(at.bracketed, good[i].bracketed);
	}
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		check_refused(wrong[i], value_endpoint(wrong[i], &at, why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),     cmocka_unit_test(ports),
		cmocka_unit_test(port_ranges), cmocka_unit_test(lists),
		cmocka_unit_test(nets),        cmocka_unit_test(nets_refused),
		cmocka_unit_test(devices),     cmocka_unit_test(times),
		cmocka_unit_test(choices),     cmocka_unit_test(names),
		cmocka_unit_test(endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
