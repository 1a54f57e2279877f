/* What nmap wrote, and what nobody should: taken and refused. */
#include "unit/support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json_read.h"
#include "scan_check/nmap_xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n"
#define RUN "<nmaprun scanner=\"nmap\" args=\"nmap -sS\">\n"
#define INFO "<scaninfo type=\"syn\" protocol=\"tcp\" services=\"1-5,22\"/>\n"
#define HOST "<host><address addr=\"192.0.2.1\" addrtype=\"ipv4\"/>\n"
#define PORT22                                                                 \
	"<port protocol=\"tcp\" portid=\"22\"><state state=\"open\"/></port>\n"
#define END "</host></nmaprun>\n"

static char told[1024];

static void
tell(void *context, const struct nmap_xml_port *port)
{
	size_t len = strlen(told);

	(void)context;
	snprintf(told + len, sizeof told - len, "%s %s %u %s;", port->address,
		 port->scan < PROBE_SCANS ? probe_scan_name(port->scan) : "?",
		 port->port, probe_state_name(port->state));
}

static void
tell_down(void *context, const char *address)
{
	size_t len = strlen(told);

	(void)context;
	snprintf(told + len, sizeof told - len, "%s down;", address);
}

static struct nmap_xml reader;

static const char *
once(void *context, size_t *len)
{
	const char **text = context;
	const char *whole = *text;

	*text = NULL;
	*len = whole ? strlen(whole) : 0;
	return whole;
}

static int
take(const char *text)
{
	struct nmap_xml_sink sink = { .port = tell, .down = tell_down };
	const struct xml_source source = { once, &text };

	told[0] = '\0';
	nmap_xml_init(&reader, &sink);
	return nmap_xml_read(&reader, &source);
}

static void
takes(const char *text, const char *what)
{
	if (take(text) < 0) {
		fail_msg("%lu: %s", reader.xml.line, reader.xml.why);
	}
	assert_string_equal(told, what);
}

static void
refuses(const char *text, unsigned long line, const char *why)
{
	assert_int_equal(take(text), -1);
	assert_int_equal(reader.xml.line, line);
	if (!strstr(reader.xml.why, why)) {
		fail_msg("'%s' is not in '%s'", why, reader.xml.why);
	}
}

static void
xml_ports(void **state)
{
	(void)state;
	takes(HEAD RUN INFO HOST "<ports>" PORT22 "</ports>" END,
	      "192.0.2.1 syn 22 open;");
	/* Names nobody knows, an address of hardware, states of the host. */
	takes(HEAD RUN INFO
	      "<x y = '1\n2'/>" HOST
	      "<address addr=\"02:0:0:0:0:1\" addrtype=\"mac\"/>"
	      "<status state=\"up\"/><ports>" PORT22
	      "</ports><os><port protocol='tcp' portid='1'/></os >" END,
	      "192.0.2.1 syn 22 open;");
	takes(HEAD RUN INFO "<host><status state='down'/><address "
			    "addr='2001:db8::1' addrtype='ipv6'/>" END,
	      "2001:db8::1 down;");
	takes(HEAD RUN HOST "<ports>" PORT22 "</ports>" END,
	      "192.0.2.1 ? 22 open;");
}

static void
xml_extraports(void **state)
{
	(void)state;
	takes(HEAD RUN INFO HOST
	      "<ports><extraports state='closed'>"
	      "<extrareasons proto='tcp' ports='2,4-5'/></extraports>" PORT22
	      "</ports>" END,
	      "192.0.2.1 syn 2 closed;192.0.2.1 syn 4 closed;"
	      "192.0.2.1 syn 5 closed;192.0.2.1 syn 22 open;");
	/* As nmap wrote it before it told which. */
	takes(HEAD RUN INFO HOST "<ports><extraports state='filtered'/>" PORT22
				 "</ports>" END,
	      "192.0.2.1 syn 22 open;192.0.2.1 syn 1 filtered;"
	      "192.0.2.1 syn 2 filtered;192.0.2.1 syn 3 filtered;"
	      "192.0.2.1 syn 4 filtered;192.0.2.1 syn 5 filtered;");
	/* Of two kinds nobody knows which is which. */
	takes(HEAD RUN INFO HOST "<ports><extraports state='filtered'/>"
				 "<extraports state='closed'/>" PORT22
				 "</ports>" END,
	      "192.0.2.1 syn 22 open;");
}

static void
xml_scans(void **state)
{
	static const struct {
		const char *args, *info, *scan;
	} cases[] = {
		{ "-sT", "type='connect' protocol='tcp'", "connect" },
		{ "-sN", "type='null' protocol='tcp'", "null" },
		{ "-sS -&#45;data-length 32", "type='syn' protocol='tcp'",
		  "syn-data" },
		{ "-sS --data-length 0", "type='syn' protocol='tcp'", "syn" },
		{ "-sF --data-string x", "type='fin' protocol='tcp'", "?" },
		{ "-sS", "type='syn' scanflags='SYNECECWR' protocol='tcp'",
		  "syn-ecn" },
		{ "-sS", "type='syn' scanflags='SYNFIN' protocol='tcp'", "?" },
		{ "-sO", "type='ipproto' protocol='ip'", "?" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512], want[64];

		snprintf(text, sizeof text,
			 "<nmaprun scanner='nmap' args='%s'>"
			 "<scaninfo %s services='22'/>" HOST "<ports>" PORT22
			 "</ports>" END,
			 cases[i].args, cases[i].info);
		snprintf(want, sizeof want, "192.0.2.1 %s 22 open;",
			 cases[i].scan);
		takes(text, want);
	}
}

static void
xml_refuses(void **state)
{
	char deep[1024] = RUN;

	(void)state;
	refuses("", 1, "ends in the middle");
	refuses("hello", 1, "not XML");
	refuses("<html></html>", 1, "not what nmap writes");
	refuses("<nmaprun scanner='other'/>", 1, "not what nmap writes");
	refuses(HEAD RUN, 4, "ends in the middle");
	refuses(HEAD RUN "</host>", 4, "does not match");
	refuses(HEAD RUN "<host\n x></host>", 5, "no value");
	refuses(HEAD RUN "<host x=1/>", 4, "no quotes");
	refuses(HEAD RUN "<host x='<'/>", 4, "<");
	refuses(HEAD RUN "<host x='1'y='2'/>", 4, "malformed");
	refuses(HEAD RUN "<host x y='1'/>", 4, "no value");
	refuses(HEAD RUN "<host x !", 4, "no value");
	refuses(HEAD RUN "<&", 4, "malformed");
	refuses(HEAD RUN "<host/ >", 4, "malformed");
	refuses(HEAD RUN "<host></host x>", 4, "malformed");
	refuses(HEAD RUN "<host></host\n!", 5, "malformed");
	refuses(HEAD RUN "<!-x-->", 4, "a comment is malformed");
	refuses(HEAD RUN "</nmaprun><nmaprun/>", 4, "text follows the end");
	refuses(HEAD RUN "<![CDATA[", 4, "CDATA");
	refuses("<!DOCTYPE a [ <!ENTITY b 'c'> ]>", 1, "declares");
	refuses("<?xml version='1.0' encoding='UTF-16'?>", 1, "encoding");
	refuses("\xff\xfe<", 1, "UTF-8");
	refuses(HEAD RUN "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			 "aaaaaaaaaaaaaaaaaaa/>",
		4, "too long");
	for (int i = 0; i < 64; i++) {
		strcat(deep, "<a>");
	}
	refuses(deep, 2, "too deep");
	/* Then it is over. */
	assert_int_equal(xml_next(&reader.xml), XML_ERROR);
}

static void
json_tokens(void **state)
{
	static const enum json_token want[] = {
		JSON_OBJECT,     JSON_NAME, JSON_ARRAY,  JSON_NUMBER,
		JSON_TRUE,       JSON_NULL, JSON_STRING, JSON_ARRAY_END,
		JSON_OBJECT_END, JSON_END,  JSON_END,
	};
	const char *text = " {\"a\\n\": [ -1.5e+3, true,null , \"\\u0041b\"]}";
	struct json_read j;

	(void)state;
	json_read_init(&j, text, strlen(text));
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(json_read_next(&j), want[i]);
		if (want[i] == JSON_NAME) {
			assert_string_equal(j.text, "a\n");
		} else if (want[i] == JSON_STRING) {
			assert_string_equal(j.text, "Ab");
		} else if (want[i] == JSON_NUMBER) {
			assert_string_equal(j.text, "-1.5e+3");
		}
	}
}

static void
json_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[",
		"[1",
		"[1,]",
		"[,]",
		"{1:2}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\":1 \"b\":2}",
		"[01]",
		"[-]",
		"[1.]",
		"[1e]",
		"[\"]",
		"[\"\\x\"]",
		"[\"\\u00g0\"]",
		"[\"\n\"]",
		"nul",
		"[] []",
		"]",
		"[}",
		"{]",
		"+1",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct json_read j;
		enum json_token token;

		json_read_init(&j, bad[i], strlen(bad[i]));
		while ((token = json_read_next(&j)) > JSON_END) {
		}
		if (token != JSON_ERROR) {
			fail_msg("'%s' is taken", bad[i]);
		}
		assert_non_null(j.why);
	}
}

static void
tell_nobody(void *context, const struct nmap_xml_port *port)
{
	(void)port;
	++*(uint64_t *)context;
}

static void
down_nobody(void *context, const char *address)
{
	(void)context;
	(void)address;
}

/* One part again and again, up to what took a minute once. */
struct often {
	const char *head, *part;
	size_t left; /* bytes of these parts */
};

static const char *
next_often(void *context, size_t *len)
{
	struct often *o = context;
	const char *part = o->head ? o->head : o->part;

	o->head = NULL;
	*len = strlen(part);
	if (o->left < *len) {
		return NULL;
	}
	o->left -= *len;
	return part;
}

static double
feed_often(const char *part, size_t bytes, uint64_t *count)
{
	struct nmap_xml_sink sink = { .port = tell_nobody,
				      .down = down_nobody,
				      .context = count };
	struct often often = { HEAD RUN INFO HOST "<ports>", part, bytes };
	const struct xml_source source = { next_often, &often };
	clock_t begin = clock();

	*count = 0;
	nmap_xml_init(&reader, &sink);
	nmap_xml_read(&reader, &source);
	return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Much in few bytes costs seconds at the most, and then it is an error. */
static void
xml_is_bounded(void **state)
{
	static const char extra[] =
		"<extraports state='filtered'><extrareasons proto='tcp' "
		"ports='1-65535'/></extraports>";
	uint64_t count;

	(void)state;
	assert_true(feed_often(extra, 11u << 20, &count) < 30);
	assert_non_null(reader.xml.why);
	assert_in_range(count, 65535, NMAP_XML_WORK_MAX);
	assert_true(feed_often("<host/>", 11u << 20, &count) < 30);
	assert_true(feed_often("<scaninfo type='syn' protocol='tcp' "
			       "services='1-65535,1-65535,1-65535'/>",
			       11u << 20, &count) < 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_ports),
		cmocka_unit_test(xml_extraports),
		cmocka_unit_test(xml_scans),
		cmocka_unit_test(xml_refuses),
		cmocka_unit_test(json_tokens),
		cmocka_unit_test(json_refuses),
		cmocka_unit_test(xml_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
