#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/why.h"
#include "scan_check/run.h"
#include "conf/grammar.h"
#include "conf/options.h"
#include "tap.h"
#include "measure/target.h"
#include "scan_check/twosample.h"
#include "conf/value.h"

#define SAMPLES 40u
#define HELP_WIDTH 46u
#define HELP_MAX 512u

static const char usage[] =
	"usage: tap scan-check HOST -p PORTS [options]\n"
	"\n"
	"Show what a port scanner sees of a host, and whether nmap agrees.\n"
	"HOST is an address, a network like 192.0.2.0/24, or a name.\n";

struct options {
	const char *ports, *scans, *expect, *against;
	long samples, rate;
};

/* ---- the command line */

/* The kinds of scan, as lines of the usage. */
static const char *
list_scans(char *out, size_t size)
{
	struct text t = text_over(out, size);
	size_t line = 0;

	text_put(&t, "of");
	for (enum probe_scan scan = 0; scan < PROBE_SCANS; scan++) {
		const char *name = probe_scan_name(scan);
		bool wraps = t.len - line + strlen(name) > HELP_WIDTH;

		line = wraps ? t.len : line;
		text_put(&t, "%s%s%s", wraps ? "\n" : " ", name,
			 scan + 1 < PROBE_SCANS ? "," : "; or all; and, to\n");
	}
	text_put(&t, "compare by, anycast, fragment, burst, ping");
	return out;
}

static int
take_line(const struct option_list *list, int argc, char **argv,
	  struct options *o, struct check *c)
{
	int at = option_parse(list, argc, argv);

	if (at < 0) {
		return at;
	}
	c->host = at < argc ? argv[at] : NULL;
	c->samples_each = (unsigned)o->samples;
	c->rate = (unsigned)o->rate;
	const struct option_rule rules[] = {
		{ !c->host, "HOST is missing" },
		{ !o->ports, "-p PORTS is missing" },
		{ c->nmap && c->nmap_xml, "either --nmap or --nmap-xml" },
		{ c->write && strcmp(c->write, "-") == 0,
		  "-w: standard output is for the report: name a file" },
	};
	return OPTION_CHECK(argv[0], rules) < 0
		? OPTION_WRONG
		: option_end(at + 1, argc, argv);
}

static int
parse(int argc, char **argv, struct options *o, struct check *c)
{
	char scans[HELP_MAX];
	static const char *const states[] = { "filtered", "closed", "open",
					      NULL };
	const char *names[PROBE_SCANS + PATTERN_KINDS + 2] = { "all" };
	const struct option_word words[] = {
		{ OPTION('p', "port", "PORTS",
			 "ports to scan, as 22,80,8000-8010", option_text,
			 &o->ports) },
		{ OPTION(0, "scan", "LIST", list_scans(scans, sizeof scans),
			 option_text, &o->scans),
		  .choices = names },
		{ OPTION_FLAG(0, "nmap", "run nmap, too, and compare",
			      &c->nmap) },
		{ OPTION(0, "nmap-xml", "FILE",
			 "compare with what nmap wrote as XML", option_text,
			 &c->nmap_xml) },
		{ OPTION(0, "expect", "LIST",
			 "open, closed or filtered, or 22=filtered,80=open",
			 option_text, &o->expect),
		  .choices = states },
		{ OPTION(0, "before", "FILE",
			 "compare with JSON of an earlier run", option_text,
			 &c->before) },
		{ OPTION(0, "against", "PORT",
			 "look for any difference to this port's answers",
			 option_text, &o->against) },
		{ OPTION_NUMBER(0, "samples", "N",
				"of each, for that, 20 to 1000", &o->samples,
				TWOSAMPLE_MIN, DISTINGUISH_SAMPLES_MAX) },
		{ OPTION_FLAG(0, "as-client",
			      "with a running tap client: expect open",
			      &c->as_client) },
		{ OPTION_NUMBER(0, "rate", "N",
				"at most so many packets a second", &o->rate, 1,
				SCAN_RATE_MAX),
		  .seen = &c->has_rate },
		{ OPTION_FLAG(0, "polite",
			      "at 200 a second, or --rate, and no faster",
			      &c->polite) },
		{ OPTION('w', "write", "FILE", "keep all packets, as pcap",
			 option_text, &c->write) },
		{ OPTION_FLAG(0, "json", "JSON", &c->json) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	for (size_t i = 0; i < PROBE_SCANS; i++) {
		names[i + 1] = probe_scan_name((enum probe_scan)i);
	}
	for (size_t i = 0; i < PATTERN_KINDS; i++) {
		names[PROBE_SCANS + i + 1] = pattern_name((enum pattern)i);
	}
	return take_line(&list, argc, argv, o, c);
}

/* ---- what is to be scanned */

/* Report what one of value.h's parsers found wrong with an option. */
static int
refuse(const char *option, const char *why, int rc)
{
	check_complain(option, why);
	return conf_status(rc);
}

/* A scan or a pattern by its name: NULL, or what is wrong with it. */
static const char *
take_scan(struct check *c, const char *name, size_t len)
{
	struct findings *f = &c->findings;
	enum probe_scan scan = probe_scan_find(name, len);
	enum pattern pattern = pattern_find(name, len);
	bool twice = false;

	if (pattern < PATTERN_KINDS) {
		twice = c->patterns[pattern];
		c->patterns[pattern] = true;
		return twice ? "there twice" : NULL;
	}
	for (size_t i = 0; i < f->scan_count; i++) {
		twice |= f->scans[i] == scan;
	}
	if (scan == PROBE_SCANS || twice) {
		return twice ? "there twice" : "no scan";
	}
	f->scans[f->scan_count++] = scan;
	return NULL;
}

/* All scans; to compare ports, all patterns, too, but not by a tap client. */
static void
take_all_scans(struct check *c, const struct options *o)
{
	struct findings *f = &c->findings;

	for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
		f->scans[f->scan_count++] = s;
	}
	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		c->patterns[p] = o->against && !c->as_client;
	}
}

static int
check_patterns(struct check *c, const struct options *o)
{
	bool any = false;

	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		any |= c->patterns[p];
	}
	if (any && (!o->against || c->as_client)) {
		return check_complain(
			"--scan",
			"anycast, fragment, burst and ping are for "
			"--against, without --as-client");
	}
	if (any && c->findings.scan_count == 0) {
		c->findings.scans[c->findings.scan_count++] = PROBE_SYN;
	}
	return c->findings.scan_count > 0 ? TAP_OK
					  : check_complain("--scan", "none");
}

static int
take_scans(struct check *c, const struct options *o)
{
	const char *text = o->scans;

	if (!text) {
		/*
		 * The scans of the paper (001, 4.2); tap client can answer
		 * these.
		 */
		text = c->as_client ? "syn,connect" : "all";
	}
	if (strcmp(text, "all") == 0) {
		take_all_scans(c, o);
		return TAP_OK;
	}
	while (*text) {
		size_t len = strcspn(text, ",");
		const char *wrong = take_scan(c, text, len);

		if (wrong) {
			fprintf(stderr,
				"tap scan-check: --scan: '%.*s' is "
				"%s\n",
				(int)(len < 64 ? len : 64), text, wrong);
			return TAP_USAGE;
		}
		text += len + (text[len] == ',' && text[len + 1]);
		if (strcmp(text, ",") == 0) {
			return check_complain("--scan", "a comma at the end");
		}
	}
	return check_patterns(c, o);
}

/* The ports of a list, and the one to compare with; each once. */
static int
take_ports(struct check *c, const struct options *o)
{
	static uint8_t wanted[65536];
	struct acl_range *ranges;
	char why[VALUE_WHY_MAX];
	size_t count;
	int rc = value_ranges(o->ports, true, &ranges, &count, why);

	if (rc < 0) {
		return refuse("-p", why, rc);
	}
	for (size_t i = 0; i < count; i++) {
		for (uint32_t p = ranges[i].low; p <= ranges[i].high; p++) {
			wanted[p] = 1;
		}
	}
	free(ranges);
	if (o->against) {
		rc = value_port(o->against, &c->reference, why);
		if (rc < 0) {
			return refuse("--against", why, rc);
		}
		wanted[c->reference] = 1;
	}
	c->ports = calloc(65536, sizeof *c->ports);
	c->expected = calloc(65536, sizeof *c->expected);
	if (!c->ports || !c->expected) {
		fprintf(stderr, "tap scan-check: out of memory\n");
		return TAP_SYSTEM;
	}
	for (uint32_t p = 1; p < 65536; p++) {
		if (wanted[p]) {
			c->ports[c->findings.port_count++] = (uint16_t)p;
		}
	}
	c->findings.ports = c->ports;
	c->findings.expected = c->expected;
	if (c->reference && c->findings.port_count == 1) {
		return check_complain("--against", "the port itself");
	}
	return TAP_OK;
}

static enum finding_expected
find_expected(const char *name, size_t len)
{
	switch (probe_state_find(name, len)) {
	case PROBE_FILTERED:
		return FINDING_FILTERED;
	case PROBE_CLOSED:
		return FINDING_CLOSED;
	case PROBE_OPEN:
		return FINDING_OPEN;
	default:
		return FINDING_ANYTHING;
	}
}

static void
expect(struct check *c, uint16_t low, uint16_t high,
       enum finding_expected expected, bool *any)
{
	for (size_t i = 0; i < c->findings.port_count; i++) {
		uint16_t port = c->ports[i];

		if (port >= low && port <= high) {
			c->expected[i] = (uint8_t)expected;
			*any = true;
		}
	}
}

/* "filtered", "22=filtered" or "8000-8010=closed" */
static int
take_expectation(struct check *c, char *item)
{
	char *state = strchr(item, '=');
	struct acl_range range = { 1, 65535 };
	char why[VALUE_WHY_MAX];
	enum finding_expected expected;
	bool any = false;

	if (state) {
		int rc;

		*state++ = '\0';
		rc = value_port_range(item, &range, why);
		if (rc < 0) {
			return refuse("--expect", why, rc);
		}
	} else {
		state = item;
	}
	expected = find_expected(state, strlen(state));
	if (expected == FINDING_ANYTHING) {
		snprintf(why, sizeof why,
			 "'%.64s' is none of open, closed, "
			 "filtered",
			 state);
		return check_complain("--expect", why);
	}
	expect(c, range.low, range.high, expected, &any);
	if (!any) {
		snprintf(why, sizeof why, "port %.64s is not scanned", item);
		return check_complain("--expect", why);
	}
	return TAP_OK;
}

static int
take_expectations(struct check *c, const struct options *o)
{
	const char *text = o->expect;
	int status = TAP_OK;

	if (!text && c->as_client) {
		text = "open";
	}
	c->has_expected = text != NULL;
	while (text && status == TAP_OK) {
		size_t len = strcspn(text, ",");
		char item[64];

		if (len >= sizeof item) {
			return check_complain("--expect", "a word is too long");
		}
		memcpy(item, text, len);
		item[len] = '\0';
		status = take_expectation(c, item);
		text = text[len] ? text + len + 1 : NULL;
	}
	return status;
}

/* Skip addresses without a route from here: often those of IPv6. */
static int
leave_out(struct check *c)
{
	size_t all = c->findings.target_count;
	size_t count = all;
	struct target_addr first;
	int error;
	int rc = target_leave_out(c->targets, &count, &first, &error);

	if (rc < 0 || count == 0) {
		fprintf(stderr, "tap scan-check: %s: %s\n", c->host,
			strerror(rc < 0 ? -rc : error));
		return TAP_SYSTEM;
	}
	if (count < all) {
		fprintf(stderr, "tap scan-check: %s%s: %s: not scanned\n",
			first.text, all - count > 1 ? " and others" : "",
			strerror(error));
	}
	c->findings.target_count = count;
	return TAP_OK;
}

static int
take_target(struct check *c)
{
	char why[WHY_MAX];
	size_t count;
	int rc = target_find(c->host, &c->targets, &count, why);

	if (rc < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return rc == TARGET_WRONG ? TAP_USAGE : TAP_SYSTEM;
	}
	c->findings.targets = c->targets;
	c->findings.target_count = count;
	return leave_out(c);
}

int
cmd_scan_check(int argc, char **argv)
{
	static struct check check;
	struct check *c = &check;
	struct options o = { .samples = SAMPLES, .rate = SCAN_RATE };
	int status = parse(argc, argv, &o, c);

	if (status < 0) {
		return option_status(status);
	}
	status = take_scans(c, &o);
	status = status ? status : take_ports(c, &o);
	status = status ? status : take_expectations(c, &o);
	status = status ? status : take_target(c);
	status = status ? status : check_run(c);
	free(c->targets);
	free(c->ports);
	free(c->expected);
	return status;
}
