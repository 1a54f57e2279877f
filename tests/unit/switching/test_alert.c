/* SPDX-License-Identifier: ISC */
/* Lines of intrusion detection, as its tools write them, and as nobody does. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "switching/alert.h"

static enum alert_found
parse(enum alert_format format, const char *line, struct alert *out)
{
	const size_t len = strlen(line);
	/* Bounds are the reader's to keep: nothing ends the text. */
	char *copy = malloc(len ? len : 1);
	enum alert_found found;

	assert_non_null(copy);
	memcpy(copy, line, len);
	found = alert_parse(format, copy, len, out);
	free(copy);
	return found;
}

/* The address of a text that is right. */
static struct packet_addr
addr_of(const char *text)
{
	struct packet_addr addr;

	assert_int_equal(alert_addr(text, strlen(text), &addr), 0);
	return addr;
}

#define EVE_BEGIN                                                              \
	"{\"timestamp\":\"2026-12-01T14:00:00.123456+0000\",\"flow_id\":"      \
	"1234567890123456,\"in_iface\":\"eth0\",\"event_type\":\"alert\","     \
	"\"src_ip\":\"192.0.2.7\",\"src_port\":51234,\"dest_ip\":"             \
	"\"198.51.100.1\",\"dest_port\":80,\"proto\":\"TCP\",\"pkt_src\":"     \
	"\"wire/pcap\",\"tx_id\":0,\"alert\":{\"action\":\"allowed\",\"gid\":" \
	"1,\"signature_id\":2019232,\"rev\":5,\"signature\":\"ET WEB_SERVER "  \
	"Possible CVE-2014-6271\",\"category\":\"Attempted Administrator "     \
	"Privilege Gain\",\"severity\":1,\"metadata\":{\"severity\":"          \
	"[\"Major\"]}}"
#define EVE                                                                    \
	EVE_BEGIN ",\"http\":{\"hostname\":\"x\",\"src_ip\":\"203.0.113.9\"}," \
		  "\"app_proto\":\"http\",\"flow\":{\"pkts_toserver\":4,"      \
		  "\"src_ip\":\"203.0.113.9\",\"src_port\":1}}"

static const struct {
	enum alert_format format;
	const char *line;
	const char *src, *dst;
	uint16_t sport, dport;
	uint32_t sid;
	uint8_t severity;
	const char *text;
} good[] = {
	{ ALERT_EVE, EVE, "192.0.2.7", "198.51.100.1", 51234, 80, 2019232, 1,
	  "ET WEB_SERVER Possible CVE-2014-6271" },
	/* Another order, and blanks. */
	{ ALERT_EVE,
	  "{ \"alert\" : { \"severity\" : 3, \"signature\" : \"a\\u00e9\\n\","
	  " \"signature_id\" : 4294967295 }, \"dest_port\" : 22, "
	  "\"proto\" : \"tcp\", \"src_port\" : 1, \"dest_ip\" : "
	  "\"2001:DB8:0:0::0001\", \"src_ip\" : "
	  "\"2001:0db8:0000:0000:0000:0000:0000:0002\", "
	  "\"event_type\" : \"alert\" }",
	  "2001:db8::2", "2001:db8::1", 1, 22, UINT32_MAX, 3, "a??" },
	/* Torn, but all is there. */
	{ ALERT_EVE, EVE_BEGIN ",\"payload\":\"AAAA", "192.0.2.7",
	  "198.51.100.1", 51234, 80, 2019232, 1,
	  "ET WEB_SERVER Possible CVE-2014-6271" },
	/* Its writer died in the middle of one, and began again. */
	{ ALERT_EVE, "{\"timestamp\":\"2026-12-01T13:5" EVE, "192.0.2.7",
	  "198.51.100.1", 51234, 80, 2019232, 1,
	  "ET WEB_SERVER Possible CVE-2014-6271" },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"TCP\",\"src_ip\":"
	  "\"::ffff:192.0.2.7\",\"dest_ip\":\"fe80::1%eth0\",\"src_port\":1,"
	  "\"dest_port\":2,\"x\":1}{\"timestamp\":1,\"event_type\":\"alert\","
	  "\"proto\":\"TCP\",\"src_ip\":\"::ffff:c000:207\",\"dest_ip\":"
	  "\"192.0.2.8\",\"src_port\":1,\"dest_port\":2}",
	  "192.0.2.7", "192.0.2.8", 1, 2, 0, 1, "" },
	{ ALERT_SNORT_JSON,
	  "{ \"timestamp\" : \"12/01-14:00:00.123456\", \"pkt_num\" : 4, "
	  "\"proto\" : \"TCP\", \"pkt_gen\" : \"raw\", \"pkt_len\" : 60, "
	  "\"dir\" : \"C2S\", \"src_ap\" : \"192.0.2.7:51234\", \"dst_ap\" : "
	  "\"198.51.100.1:80\", \"rule\" : \"1:1000001:0\", \"action\" : "
	  "\"allow\" }",
	  "192.0.2.7", "198.51.100.1", 51234, 80, 1000001, 1, "" },
	{ ALERT_SNORT_JSON,
	  "{ \"dst_port\" : 80, \"dst_addr\" : \"2001:db8::1\", \"priority\" "
	  ": 2, \"sid\" : 7, \"msg\" : \"m\", \"src_port\" : 9, "
	  "\"src_addr\" : \"2001:db8::2\", \"proto\" : \"TCP\" }",
	  "2001:db8::2", "2001:db8::1", 9, 80, 7, 2, "m" },
	{ ALERT_SNORT_JSON,
	  "{ \"proto\" : \"TCP\", \"src_ap\" : \"2001:db8::2:51234\", "
	  "\"dst_ap\" : \"[2001:db8::1]:80\" }",
	  "2001:db8::2", "2001:db8::1", 51234, 80, 0, 1, "" },
	{ ALERT_SNORT_FAST,
	  "12/01/2026-14:00:00.123456  [**] [1:2100498:7] GPL ATTACK_RESPONSE "
	  "id check returned root [**] [Classification: Potentially Bad "
	  "Traffic] [Priority: 2] {TCP} 198.51.100.1:80 -> 192.0.2.7:51234",
	  "198.51.100.1", "192.0.2.7", 80, 51234, 2100498, 2,
	  "GPL ATTACK_RESPONSE id check returned root" },
	{ ALERT_SNORT_FAST,
	  "12/01-14:00:00.123456 [**] [1:1000001:0] \"a {TCP} b -> [**] c\" "
	  "[**] [Priority: 0] [AppID: HTTP] {TCP} "
	  "2001:0db8:0000:0000:0000:0000:0000:0002:51234 -> 2001:db8::1:80\r",
	  "2001:db8::2", "2001:db8::1", 51234, 80, 1000001, 1,
	  "\"a {TCP} b ->" },
	{ ALERT_SNORT_FAST,
	  "12/01-14:00:00.1  [Drop] [**] [1:9:1] m [**] [Priority: 300] "
	  "{TCP} 192.0.2.7:1 -> 192.0.2.8:2",
	  "192.0.2.7", "192.0.2.8", 1, 2, 9, 255, "m" },
};

static void
alerts_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const struct packet_addr src = addr_of(good[i].src);
		const struct packet_addr dst = addr_of(good[i].dst);
		struct alert a;

		assert_int_equal(parse(good[i].format, good[i].line, &a),
				 ALERT_FOUND);
		assert_true(packet_addr_equal(&a.src, &src));
		assert_true(packet_addr_equal(&a.dst, &dst));
		assert_int_equal(a.sport, good[i].sport);
		assert_int_equal(a.dport, good[i].dport);
		assert_int_equal(a.sid, good[i].sid);
		assert_int_equal(a.severity, good[i].severity);
		assert_string_equal(a.text, good[i].text);
	}
}

static const struct {
	enum alert_format format;
	const char *line;
	enum alert_found found;
} bad[] = {
	{ ALERT_EVE, "", ALERT_NONE },
	{ ALERT_EVE, "{\"event_type\":\"flow\",\"proto\":\"TCP\"}",
	  ALERT_NONE },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"UDP\",\"src_ip\":\"1.2.3.4\","
	  "\"dest_ip\":\"1.2.3.5\",\"src_port\":1,\"dest_port\":2}",
	  ALERT_NONE },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"ICMP\",\"src_ip\":"
	  "\"1.2.3.4\",\"dest_ip\":\"1.2.3.5\",\"src_port\":0}",
	  ALERT_NONE },
	/* Families that differ, a port of 0, one that is too large. */
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"TCP\",\"src_ip\":\"1.2.3.4\","
	  "\"dest_ip\":\"::1\",\"src_port\":1,\"dest_port\":2}",
	  ALERT_NONE },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"TCP\",\"src_ip\":\"1.2.3.4\","
	  "\"dest_ip\":\"1.2.3.5\",\"src_port\":0,\"dest_port\":2}",
	  ALERT_TORN },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"TCP\",\"src_ip\":\"1.2.3.4\","
	  "\"dest_ip\":\"1.2.3.5\",\"src_port\":1,\"dest_port\":65536}",
	  ALERT_TORN },
	{ ALERT_EVE,
	  "{\"event_type\":\"alert\",\"proto\":\"TCP\",\"src_ip\":"
	  "\"1.2.3.400\",\"dest_ip\":\"1.2.3.5\",\"src_port\":1,"
	  "\"dest_port\":2}",
	  ALERT_TORN },
	{ ALERT_EVE, "{\"timestamp\":\"2026", ALERT_TORN },
	{ ALERT_EVE, "[]", ALERT_TORN },
	{ ALERT_EVE, "rubbish", ALERT_TORN },
	{ ALERT_SNORT_JSON, "{ \"proto\" : \"TCP\" }", ALERT_NONE },
	{ ALERT_SNORT_FAST, "", ALERT_NONE },
	{ ALERT_SNORT_FAST,
	  "12/01-14:00:00.1  [**] [1:9:1] m [**] [Priority: 3] {ICMP} "
	  "192.0.2.7 -> 192.0.2.8",
	  ALERT_NONE },
	{ ALERT_SNORT_FAST, "12/01-14:00:00.1  [**] [1:9:1] m [**] [Prio",
	  ALERT_TORN },
	{ ALERT_SNORT_FAST,
	  "12/01-14:00:00.1  [**] [1:9:1] m [**] {TCP} 192.0.2.7:1 -> "
	  "192.0.2.8",
	  ALERT_TORN },
	{ ALERT_SNORT_FAST,
	  "12/01-14:00:00.1  [**] [1:x:1] m [**] {TCP} 192.0.2.7:1 -> "
	  "192.0.2.8:2",
	  ALERT_TORN },
	{ ALERT_SNORT_FAST, "-> {TCP} [**] [", ALERT_TORN },
};

static void
what_is_none_is_refused(void **state)
{
	struct alert a;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(parse(bad[i].format, bad[i].line, &a),
				 bad[i].found);
	}
}

/* Each beginning of a line is torn, or says the same as all of it. */
static void
a_line_may_end_anywhere(void **state)
{
	static const char eve[] = EVE;
	struct alert whole, a;

	(void)state;
	assert_int_equal(alert_parse(ALERT_EVE, eve, sizeof eve - 1, &whole),
			 ALERT_FOUND);
	for (size_t len = 1; len < sizeof eve - 1; len++) {
		const enum alert_found found =
			alert_parse(ALERT_EVE, eve, len, &a);

		if (len >= sizeof EVE_BEGIN - 1) {
			assert_int_equal(found, ALERT_FOUND);
			assert_memory_equal(&a, &whole, sizeof a);
		} else {
			assert_true(found != ALERT_NONE);
		}
	}
}

static void
a_line_may_be_long(void **state)
{
	enum { LONG = 10000000 };
	static const char begin[] = "{\"payload_printable\":\"",
			  end[] = "\",\"event_type\":";
	char *line = malloc(LONG + sizeof EVE + 64);
	struct alert a;
	size_t len;

	(void)state;
	assert_non_null(line);
	memcpy(line, begin, sizeof begin - 1);
	memset(line + sizeof begin - 1, '{', LONG);
	len = sizeof begin - 1 + LONG;
	memcpy(line + len, end, sizeof end - 1);
	len += sizeof end - 1;
	memcpy(line + len, "\"alert\",", 8);
	len += 8;
	memcpy(line + len, EVE + 1, sizeof EVE - 2);
	len += sizeof EVE - 2;
	assert_int_equal(alert_parse(ALERT_EVE, line, len, &a), ALERT_FOUND);
	assert_int_equal(a.dport, 80);
	free(line);
}

static void
addresses_in_any_spelling(void **state)
{
	static const char *const one[] = {
		"2001:db8::1",          "2001:DB8::1",
		"2001:db8:0:0:0:0:0:1", "2001:0db8::0001",
		"[2001:db8::1]",        "2001:db8::1%eth0",
		"[2001:db8::1%25eth0]", "2001:db8::0.0.0.1"
	};
	static const char *const none[] = { "",          "1.2.3",
					    "1.2.3.4.5", "2001:db8:::1",
					    "[1.2.3.4",  "01.2.3.4 ",
					    "::g",       "%eth0" };
	struct packet_addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
		const struct packet_addr same = addr_of(one[0]);

		addr = addr_of(one[i]);
		assert_true(packet_addr_equal(&addr, &same));
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		assert_int_equal(alert_addr(none[i], strlen(none[i]), &addr),
				 -1);
	}
	assert_int_equal(addr_of("::ffff:192.0.2.7").family, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_are_read),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(a_line_may_end_anywhere),
		cmocka_unit_test(a_line_may_be_long),
		cmocka_unit_test(addresses_in_any_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
