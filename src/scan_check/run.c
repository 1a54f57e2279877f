#include "scan_check/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "conf/client_conf.h"
#include "daemon/control_client.h"
#include "scan_check/baseline.h"
#include "scan_check/nmap.h"
#include "measure/timing.h"
#include "scan_check/pattern_run.h"
#include "tap.h"

/* No more than all ports of one host in all scans. */
#define PLACES_MAX (1024u * 1024)
/* The memory of this many samples is a hundred megabytes or two. */
#define SAMPLES_TOTAL_MAX (1024u * 1024)
/* A range of more addresses may take long, and annoy somebody. */
#define ADDRESSES_TO_WARN 256u
/* With tap client and server in between, answers take longer. */
#define CLIENT_TIMEOUT_MIN 1000u

int
check_complain(const char *object, const char *why)
{
	fprintf(stderr, "tap scan-check: %s: %s\n", object, why);
	return TAP_USAGE;
}

/* The table, once everything that makes it is known. */
static int
make_table(struct check *c)
{
	struct findings *f = &c->findings;
	size_t each = f->port_count * f->scan_count;

	if (each > PLACES_MAX / f->target_count) {
		return check_complain(
			c->host,
			"more than a million probes: scan fewer addresses or ports");
	}
	f->count = f->target_count * each;
	if (c->reference && f->count > SAMPLES_TOTAL_MAX / c->samples_each) {
		return check_complain(
			"--against",
			"more than a million samples: name fewer ports or scans");
	}
	f->at = calloc(f->count, sizeof *f->at);
	if (c->reference) {
		c->samples =
			calloc(f->count * c->samples_each, sizeof *c->samples);
		c->pattern_samples = calloc(
			pattern_at(f, f->target_count, 0, 0, c->samples_each),
			sizeof *c->pattern_samples);
		/* And one for all scans of a port. */
		c->leaks = calloc(f->count * (DISTINGUISH_KINDS + 1) +
					  f->target_count * f->port_count *
						  PATTERN_KINDS *
						  DISTINGUISH_KINDS,
				  sizeof *c->leaks);
	}
	if (!f->at ||
	    (c->reference &&
	     (!c->samples || !c->pattern_samples || !c->leaks))) {
		fprintf(stderr, "tap scan-check: out of memory\n");
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

/* ---- a line of progress, on a terminal, for what takes long */

static void
show_progress(void *context, size_t done, size_t total)
{
	struct check *c = context;

	if (progress_due(&c->progress)) {
		uint64_t ms = progress_ms(&c->progress);
		uint64_t left = done ? ms * (total - done) / done / 1000 : 0;

		progress_show(&c->progress,
			      "%s: %zu of %zu probes, about %llu s left",
			      c->host, done, total, (unsigned long long)left);
	}
}

static void
show_nmap(void *context, enum probe_scan scan)
{
	struct check *c = context;

	progress_show(&c->progress, "%s: nmap runs, scan %s", c->host,
		      probe_scan_name(scan));
}

/* ---- the scan, and what it is compared with */

static void
warn_summary(const struct check *c, const struct scan_summary *summary)
{
	if (summary->lost) {
		fprintf(stderr,
			"tap scan-check: %u packets came too fast to "
			"be seen: results may be wrong; use a lower "
			"--rate\n",
			summary->lost);
	}
	if (summary->unsent) {
		fprintf(stderr,
			"tap scan-check: %s: %u probes could not be "
			"sent: %s\n",
			c->host, summary->unsent,
			strerror(summary->unsent_errno));
	}
}

static int
scan_once(struct check *c, bool raw, char *why)
{
	/* A fixed rate for samples, and for tap client, which has its own pace.
	 */
	const bool adapts = !c->polite && !c->reference && !c->as_client;
	struct scan_summary summary;
	struct scan_options options = {
		.rate = adapts && !c->has_rate ? SCAN_RATE_MAX : c->rate,
		.adapts = adapts,
		.samples = c->reference ? c->samples_each : 0,
		.timeout_min = c->as_client ? CLIENT_TIMEOUT_MIN :
						TIMING_TIMEOUT_MIN,
		.io = {
			.raw = raw,
			.as_client = c->as_client,
			.file = c->write,
		},
		.progress = show_progress,
		.context = c,
	};
	int rc = scan_run(&c->findings, c->samples, &options, &summary, why);

	progress_clear(&c->progress);
	if (rc == 0) {
		warn_summary(c, &summary);
	}
	c->report.raw = raw;
	return rc;
}

/* What a tap client of this host has authenticated so far; or 0. */
static uint64_t
authenticated(int *process)
{
	const struct ask_daemon daemon = {
		"client",
		-1,
		CLIENT_CONF_FILE,
		CLIENT_CONF_QUEUE,
	};
	uint64_t count = 0;

	*process = ask_number(&daemon, "authenticated", &count);
	return *process < 0 ? 0 : count;
}

/* Strangers see something else where it has made groups of the probes. */
static void
warn_client(struct check *c, uint64_t before)
{
	int process;
	uint64_t now = authenticated(&process);

	if (process < 0 || now <= before) {
		return;
	}
	c->report.authenticated = now - before;
	if (!c->as_client) {
		fprintf(stderr,
			"tap scan-check: tap client, process %d, authenticated "
			"%llu SYNs of this host meanwhile: if probes are "
			"among them, this is what a key holder sees, not a "
			"stranger\n",
			process, (unsigned long long)c->report.authenticated);
	}
}

/* Without raw sockets, only the connect scan works. */
static int
scan_unprivileged(struct check *c, char *why)
{
	struct findings *f = &c->findings;

	if (c->reference || c->write) {
		fprintf(stderr,
			"tap scan-check: %s needs raw sockets: "
			"no permission\n",
			c->reference ? "--against" : "-w");
		return TAP_SYSTEM;
	}
	fprintf(stderr,
		"tap scan-check: no permission for raw sockets: only "
		"the connect scan is done\n");
	f->scans[0] = PROBE_CONNECT;
	f->scan_count = 1;
	f->count = f->target_count * f->port_count;
	if (scan_once(c, false, why) < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
scan_all(struct check *c)
{
	char why[WHY_MAX];
	int process, rc;
	const uint64_t before = authenticated(&process);

	if (c->findings.target_count > ADDRESSES_TO_WARN) {
		fprintf(stderr, "tap scan-check: %s: scanning %zu addresses\n",
			c->host, c->findings.target_count);
	}
	progress_begin(&c->progress);
	rc = scan_once(c, true, why);
	if (rc == -EPERM || rc == -EACCES) {
		return scan_unprivileged(c, why);
	}
	if (rc < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return TAP_SYSTEM;
	}
	warn_client(c, before);
	return TAP_OK;
}

/* Whether packets of this version of IP have it. */
static bool
exists(enum distinguish_what what, const struct packet_addr *addr)
{
	switch (what) {
	case DISTINGUISH_ID:
	case DISTINGUISH_FRAGMENT:
		return addr->family == 4;
	case DISTINGUISH_LABEL:
		return addr->family == 6;
	case DISTINGUISH_ORDER: /* of patterns alone */
		return false;
	default:
		return true;
	}
}

/* Compare one port with the reference in one scan. */
static void
compare_place(struct check *c, size_t at, struct distinguish_room *room)
{
	const struct findings *f = &c->findings;
	struct finding_place place = finding_place(f, at);
	struct distinguish_samples port = { &c->samples[at * c->samples_each],
					    c->samples_each };
	struct distinguish_samples reference;

	place.port = finding_port(f, c->reference);
	reference = (struct distinguish_samples){
		&c->samples[finding_at(f, &place) * c->samples_each],
		c->samples_each,
	};
	for (enum distinguish_what what = 0; what < DISTINGUISH_KINDS; what++) {
		struct report_leak *leak =
			&c->leaks[c->report.distinguish_count];

		leak->at = at;
		distinguish_compare(&leak->leak, what, &port, &reference, room);
		c->report.distinguish_count += leak->leak.known &&
			exists(what, &f->targets[place.target].addr);
	}
}

/* Pool the times of all TCP scans of a port, whose results begin at `first`. */
static void
pool_times(struct check *c, size_t at, size_t first)
{
	struct report_leak *pooled = &c->leaks[c->report.distinguish_count];
	struct distinguish times[PROBE_SCANS];
	size_t count = 0;

	for (size_t i = first; i < c->report.distinguish_count; i++) {
		struct finding_place place =
			finding_place(&c->findings, c->leaks[i].at);

		if (c->leaks[i].leak.what == DISTINGUISH_TIME &&
		    c->findings.scans[place.scan] != PROBE_UDP) {
			times[count++] = c->leaks[i].leak;
		}
	}
	if (count > 1) {
		pooled->at = at;
		pooled->by = "all";
		distinguish_pool(&pooled->leak, times, count);
		c->report.distinguish_count++;
	}
}

/* Compare one port with the reference by one pattern. */
static void
compare_pattern(struct check *c, size_t target, size_t port,
		enum pattern pattern, struct distinguish_room *room)
{
	const struct findings *f = &c->findings;
	const struct finding_place place = { .target = target, .port = port };
	const struct distinguish_samples ours = {
		c->pattern_samples +
			pattern_at(f, target, port, pattern, c->samples_each),
		c->samples_each,
	};
	const struct distinguish_samples reference = {
		c->pattern_samples +
			pattern_at(f, target, finding_port(f, c->reference),
				   pattern, c->samples_each),
		c->samples_each,
	};

	for (enum distinguish_what what = 0; what < DISTINGUISH_KINDS; what++) {
		struct report_leak *leak =
			&c->leaks[c->report.distinguish_count];

		leak->at = finding_at(f, &place);
		leak->by = pattern_name(pattern);
		distinguish_compare(&leak->leak, what, &ours, &reference, room);
		if (leak->leak.known &&
		    pattern_shows(pattern, what,
				  f->targets[target].addr.family)) {
			c->report.distinguish_count++;
		} else {
			leak->by = NULL;
		}
	}
}

static void
compare_patterns(struct check *c, size_t target, size_t port,
		 struct distinguish_room *room)
{
	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		if (c->patterns[p]) {
			compare_pattern(c, target, port, p, room);
		}
	}
}

static int
compare_ports(struct check *c)
{
	struct distinguish_room *room = calloc(1, sizeof *room);
	size_t first = 0;

	if (!room) {
		fprintf(stderr, "tap scan-check: out of memory\n");
		return TAP_SYSTEM;
	}
	for (size_t i = 0; i < c->findings.count; i++) {
		struct finding_place place = finding_place(&c->findings, i);

		if (c->ports[place.port] == c->reference) {
			continue;
		}
		if (place.scan == 0) {
			first = c->report.distinguish_count;
		}
		compare_place(c, i, room);
		if (place.scan == c->findings.scan_count - 1) {
			pool_times(c, i, first);
			compare_patterns(c, place.target, place.port, room);
		}
	}
	free(room);
	return TAP_OK;
}

/* Patterns are not sent through a tap client, which would change them. */
static int
sample_patterns(struct check *c)
{
	struct pattern_options options = {
		.reference = finding_port(&c->findings, c->reference),
		.rate = c->rate,
		.samples = c->samples_each,
		.progress = show_progress,
		.context = c,
	};
	char why[WHY_MAX];
	bool any = false;
	int rc;

	for (enum pattern p = 0; p < PATTERN_KINDS; p++) {
		options.wanted[p] = c->patterns[p];
		any |= c->patterns[p];
	}
	if (!any) {
		return TAP_OK;
	}
	rc = pattern_run(&c->findings, c->pattern_samples, &options, why);
	progress_clear(&c->progress);
	if (rc < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
ask_nmap(struct check *c)
{
	struct nmap_options options = { c->as_client, show_nmap, c };
	char why[WHY_MAX];
	size_t known = 0;
	int rc;

	c->report.has_nmap = true;
	if (c->nmap) {
		rc = nmap_run(&c->findings, &options, why);
		progress_clear(&c->progress);
	} else {
		rc = nmap_read(&c->findings, c->nmap_xml, &known, why);
	}
	if (rc < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return rc == -1 ? TAP_USAGE : TAP_SYSTEM;
	}
	if (c->nmap_xml && known == 0) {
		return check_complain(c->nmap_xml,
				      "nothing about these ports in "
				      "these scans");
	}
	return TAP_OK;
}

static int
compare_before(struct check *c)
{
	char why[WHY_MAX];
	size_t known;
	int rc;

	c->report.has_before = true;
	rc = earlier_read(c->before, &c->findings, &known, why);
	if (rc < 0) {
		fprintf(stderr, "tap scan-check: %s\n", why);
		return rc == -ENOMEM ? TAP_SYSTEM : TAP_USAGE;
	}
	if (known == 0) {
		return check_complain(c->before,
				      "nothing about these ports in "
				      "these scans");
	}
	return TAP_OK;
}

static int
write_report(struct check *c)
{
	struct report *r = &c->report;
	struct report_counts counts;

	r->has_expected = c->has_expected;
	r->host = c->host;
	r->findings = &c->findings;
	r->reference = c->reference;
	r->samples = c->samples_each;
	r->leaks = c->leaks;
	report_write(stdout, r, report_form(c->json));
	counts = report_count(r);
	return counts.disagree || counts.unexpected || counts.changed ||
			counts.leaks
		? TAP_NO
		: TAP_OK;
}

int
check_run(struct check *c)
{
	int status = make_table(c);

	status = status ? status : scan_all(c);
	if (status == TAP_OK && c->reference) {
		status = sample_patterns(c);
	}
	if (status == TAP_OK && c->reference) {
		status = compare_ports(c);
	}
	if (status == TAP_OK && (c->nmap || c->nmap_xml)) {
		status = ask_nmap(c);
	}
	if (status == TAP_OK && c->before) {
		status = compare_before(c);
	}
	status = status ? status : write_report(c);
	free(c->samples);
	free(c->pattern_samples);
	free(c->leaks);
	free(c->findings.at);
	return status;
}
