#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tap.h"
#include "target.h"
#include "twosample.h"
#include "value.h"

#define SAMPLES 40u

static const char usage[] =
	"usage: tap scan-check HOST -p PORTS [options]\n"
	"\n"
	"Show what a port scanner sees of a host, and whether nmap agrees.\n"
	"HOST is an address, a network like 192.0.2.0/24, or a name.\n"
	"\n"
	"  -p, --port PORTS     ports to scan, as 22,80,8000-8010\n"
	"      --scan LIST      of syn, connect, fin, null, xmas, ack, window,\n"
	"                       maimon, syn-data, syn-ecn, udp; or all\n"
	"      --nmap           run nmap, too, and compare\n"
	"      --nmap-xml FILE  compare with what nmap wrote as XML\n"
	"      --expect LIST    open, closed or filtered, or 22=filtered,80=open\n"
	"      --before FILE    compare with JSON of an earlier run\n"
	"      --against PORT   look for any difference to this port's answers\n"
	"      --samples N      of each, for that, 20 to 1000\n"
	"      --as-client      with a running tap client: expect open\n"
	"      --rate N         packets a second\n"
	"  -w, --write FILE     keep all packets, as pcap\n"
	"      --json           JSON\n"
	"  -h, --help           this\n";

struct options {
	const char *ports, *scans, *expect, *against;
	bool help;
};

/* ---- the command line */

static int
number_option(const char *name, const char *text, unsigned long low,
	      unsigned long high, unsigned long *out)
{
	char why[VALUE_WHY_MAX];

	if (value_number(text, low, high, out, why) < 0) {
		check_complain(name, why);
		return -1;
	}
	return 0;
}

static int
parse(int argc, char **argv, struct options *o, struct check *c)
{
	enum { SCAN = 256, NMAP, NMAP_XML, EXPECT, BEFORE, AGAINST, SAMPLE,
	       AS_CLIENT, RATE, JSON };
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "scan", required_argument, NULL, SCAN },
		{ "nmap", no_argument, NULL, NMAP },
		{ "nmap-xml", required_argument, NULL, NMAP_XML },
		{ "expect", required_argument, NULL, EXPECT },
		{ "before", required_argument, NULL, BEFORE },
		{ "against", required_argument, NULL, AGAINST },
		{ "samples", required_argument, NULL, SAMPLE },
		{ "as-client", no_argument, NULL, AS_CLIENT },
		{ "rate", required_argument, NULL, RATE },
		{ "write", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long number;
	int option;

	while ((option = getopt_long(argc, argv, "p:w:h", longs, NULL)) != -1) {
		switch (option) {
		case 'p':
			o->ports = optarg;
			break;
		case SCAN:
			o->scans = optarg;
			break;
		case NMAP:
			c->nmap = true;
			break;
		case NMAP_XML:
			c->nmap_xml = optarg;
			break;
		case EXPECT:
			o->expect = optarg;
			break;
		case BEFORE:
			c->before = optarg;
			break;
		case AGAINST:
			o->against = optarg;
			break;
		case SAMPLE:
			if (number_option("--samples", optarg, TWOSAMPLE_MIN,
					  LEAK_SAMPLES_MAX, &number) < 0) {
				return -1;
			}
			c->samples_each = (unsigned)number;
			break;
		case AS_CLIENT:
			c->as_client = true;
			break;
		case RATE:
			if (number_option("--rate", optarg, 1, SCAN_RATE_MAX,
					  &number) < 0) {
				return -1;
			}
			c->rate = (unsigned)number;
			break;
		case 'w':
			c->write = optarg;
			break;
		case JSON:
			c->json = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return -1;
		}
	}
	if (o->help) {
		return 0;
	}
	if (optind == argc) {
		fprintf(stderr, "tap scan-check: HOST is missing\n");
		return -1;
	}
	if (optind + 1 < argc) {
		fprintf(stderr, "tap scan-check: '%s' is one word too many\n",
			argv[optind + 1]);
		return -1;
	}
	c->host = argv[optind];
	if (!o->ports) {
		fprintf(stderr, "tap scan-check: -p PORTS is missing\n");
		return -1;
	}
	if (c->nmap && c->nmap_xml) {
		fprintf(stderr, "tap scan-check: either --nmap or "
				"--nmap-xml\n");
		return -1;
	}
	return 0;
}

/* ---- what is to be scanned */

static int
take_scans(struct check *c, const struct options *o)
{
	const char *text = o->scans;
	struct findings *f = &c->findings;

	if (!text) {
		/* What the paper did (001, 4.2), and tap client can answer. */
		text = c->as_client ? "syn,connect" : "all";
	}
	if (strcmp(text, "all") == 0) {
		for (enum probe_scan s = 0; s < PROBE_SCANS; s++) {
			f->scans[f->scan_count++] = s;
		}
		return TAP_OK;
	}
	while (*text) {
		size_t len = strcspn(text, ",");
		enum probe_scan scan = probe_scan_find(text, len);
		bool twice = false;

		for (size_t i = 0; i < f->scan_count; i++) {
			twice |= f->scans[i] == scan;
		}
		if (scan == PROBE_SCANS || twice) {
			fprintf(stderr, "tap scan-check: --scan: '%.*s' is "
					"%s\n", (int)(len < 64 ? len : 64),
				text, twice ? "there twice" : "no scan");
			return TAP_USAGE;
		}
		f->scans[f->scan_count++] = scan;
		text += len + (text[len] == ',' && text[len + 1]);
		if (strcmp(text, ",") == 0) {
			return check_complain("--scan", "a comma at the end");
		}
	}
	return f->scan_count > 0 ? TAP_OK : check_complain("--scan", "none");
}

/* The ports of a list, and the one to compare with; each once. */
static int
take_ports(struct check *c, const struct options *o)
{
	static uint8_t wanted[65536];
	struct acl_range *ranges;
	char why[VALUE_WHY_MAX];
	size_t count;

	if (value_ranges(o->ports, true, &ranges, &count, why) < 0) {
		return check_complain("-p", why);
	}
	for (size_t i = 0; i < count; i++) {
		for (uint32_t p = ranges[i].low; p <= ranges[i].high; p++) {
			wanted[p] = 1;
		}
	}
	free(ranges);
	if (o->against) {
		if (value_port(o->against, &c->reference, why) < 0) {
			return check_complain("--against", why);
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
		*state++ = '\0';
		if (value_port_range(item, &range, why) < 0) {
			return check_complain("--expect", why);
		}
	} else {
		state = item;
	}
	expected = find_expected(state, strlen(state));
	if (expected == FINDING_ANYTHING) {
		snprintf(why, sizeof why, "'%.64s' is none of open, closed, "
			 "filtered", state);
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

/* Addresses of a name that this host has no way to: IPv6, often. */
static int
leave_out(struct check *c)
{
	size_t all = c->findings.target_count;
	size_t count = all;
	struct finding_target first;
	int error;
	int rc = target_leave_out(c->targets, &count, &first, &error);

	if (rc < 0 || count == 0) {
		fprintf(stderr, "tap scan-check: %s: %s\n", c->host,
			strerror(rc < 0 ? -rc : error));
		return TAP_SYSTEM;
	}
	if (count < all) {
		fprintf(stderr, "tap scan-check: %s%s: %s: not scanned\n",
			first.text,
			all - count > 1 ? " and others" : "", strerror(error));
	}
	c->findings.target_count = count;
	return TAP_OK;
}

static int
take_target(struct check *c)
{
	char why[TARGET_WHY_MAX];
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
	static struct check check = { .rate = SCAN_RATE,
				      .samples_each = SAMPLES };
	struct check *c = &check;
	struct options o = { 0 };
	int status;

	if (parse(argc, argv, &o, c) < 0) {
		fprintf(stderr, "'tap scan-check -h' tells more\n");
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
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
