#include "scan_check/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "scan_check/conclusion.h"
#include "tap.h"
#include "base/text.h"

#define TEXT_MAX 1024u

/* A place of the table, with its names. */
struct row {
	const struct finding *finding;
	const struct target_addr *target;
	uint16_t port;
	enum probe_scan scan;
	enum finding_expected expected;
	char reason[TEXT_MAX];
};

static void
put_reason(struct text *t, const struct finding *finding)
{
	unsigned detail = finding->detail;

	switch ((enum finding_reason)finding->reason) {
	case FINDING_SILENCE:
		text_put(t, "no-answer");
		break;
	case FINDING_TCP:
		if (detail & PACKET_RST) {
			text_put(t, "reset");
		} else {
			text_put(t, detail & PACKET_ACK ? "syn-ack" : "syn");
		}
		break;
	case FINDING_UDP:
		text_put(t, "udp");
		break;
	case FINDING_ICMP:
		text_put(t, "icmp-%u-%u", detail >> 8, detail & 255);
		break;
	case FINDING_ERRNO:
		if (detail == 0) {
			text_put(t, "connected");
		} else if (detail == ECONNREFUSED) {
			text_put(t, "refused");
		} else {
			text_put(t, "%s", strerror((int)detail));
		}
		break;
	case FINDING_UNSENT:
		text_put(t, "not sent: %s", strerror((int)detail));
		break;
	}
	if (finding->unsure) {
		text_put(t, " unsure");
	}
}

static void
fill_row(struct row *row, const struct findings *f, size_t at)
{
	struct finding_place place = finding_place(f, at);
	struct text t = text_over(row->reason, sizeof row->reason);

	row->finding = &f->at[at];
	row->target = &f->targets[place.target];
	row->port = f->ports[place.port];
	row->scan = f->scans[place.scan];
	row->expected = (enum finding_expected)f->expected[place.port];
	put_reason(&t, row->finding);
}

static const char *
yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static const char *
expected_name(enum finding_expected expected)
{
	static const char *const names[] = { "-", "filtered", "closed",
					     "open" };

	return names[expected];
}

static bool
is_as_expected(const struct row *row)
{
	return finding_as_expected(row->expected, row->scan,
				   (enum probe_state)row->finding->state);
}

static bool
is_changed(const struct finding *finding)
{
	return finding->before != PROBE_UNKNOWN &&
		finding->before != finding->state;
}

/* Expectations are about TCP; UDP is never judged. */
static bool
is_judged(const struct row *row)
{
	return row->expected != FINDING_ANYTHING && row->scan != PROBE_UDP;
}

static bool
nmap_tells(const struct finding *finding)
{
	return finding->nmap != PROBE_UNKNOWN || finding->nmap_down;
}

static const char *
nmap_name(const struct finding *finding)
{
	if (finding->nmap_down) {
		return "host down";
	}
	return nmap_tells(finding)
		? probe_state_name((enum probe_state)finding->nmap)
		: "-";
}

static const char *
before_name(const struct finding *finding)
{
	return finding->before == PROBE_UNKNOWN
		? "-"
		: probe_state_name((enum probe_state)finding->before);
}

struct report_counts
report_count(const struct report *r)
{
	struct report_counts counts = { 0 };

	for (size_t i = 0; i < r->findings->count; i++) {
		struct row row;

		fill_row(&row, r->findings, i);
		counts.disagree += !finding_agrees(row.finding);
		counts.unexpected += !is_as_expected(&row);
		counts.changed += is_changed(row.finding);
	}
	for (size_t i = 0; i < r->distinguish_count; i++) {
		counts.leaks += r->leaks[i].leak.differs;
	}
	return counts;
}

static const char *
distinguish_scan_name(const struct report *r, const struct report_leak *l)
{
	enum probe_scan scan =
		r->findings->scans[finding_place(r->findings, l->at).scan];

	return l->by ? l->by : probe_scan_name(scan);
}

/* ---- a table */

/*
 * A state from nmap, --expect or --before, abbreviated so that all columns fit
 * a terminal. A mark shows that it differs from what was found.
 */
static void
table_compared(FILE *out, const char *state, bool differs)
{
	static const char *const shorter[][2] = {
		{ "filtered", "filt" },     { "unfiltered", "unfilt" },
		{ "open|filtered", "o|f" }, { "closed|filtered", "c|f" },
		{ "host down", "down" },
	};
	char word[16];

	for (size_t i = 0; i < sizeof shorter / sizeof shorter[0]; i++) {
		if (strcmp(state, shorter[i][0]) == 0) {
			state = shorter[i][1];
		}
	}
	snprintf(word, sizeof word, "%s%s", state, differs ? "!" : "");
	fprintf(out, "  %-7s", word);
}

static void
table_row(FILE *out, const struct report *r, const struct row *row)
{
	const struct finding *finding = row->finding;

	fprintf(out, "%5u  %-8s  %-13s  %-16s", row->port,
		probe_scan_name(row->scan),
		probe_state_name((enum probe_state)finding->state),
		row->reason);
	if (r->has_nmap) {
		table_compared(out, nmap_name(finding),
			       nmap_tells(finding) && !finding_agrees(finding));
	}
	if (r->has_expected) {
		table_compared(out,
			       is_judged(row) ? expected_name(row->expected)
					      : "-",
			       !is_as_expected(row));
	}
	if (r->has_before) {
		table_compared(out, before_name(finding), is_changed(finding));
	}
	fprintf(out, "\n");
}

static void
table_head(FILE *out, const struct report *r, const struct target_addr *target)
{
	fprintf(out, "%s", r->host);
	if (strcmp(r->host, target->text) != 0) {
		fprintf(out, " (%s)", target->text);
	}
	fprintf(out, "\n%5s  %-8s  %-13s  %-16s", "port", "scan", "state",
		"because");
	if (r->has_nmap) {
		fprintf(out, "  nmap   ");
	}
	if (r->has_expected) {
		fprintf(out, "  expect ");
	}
	if (r->has_before) {
		fprintf(out, "  before ");
	}
	fprintf(out, "\n");
}

/* List what differs, or say that nothing does. */
static void
table_leaks(FILE *out, const struct report *r)
{
	size_t differing = 0;

	fprintf(out, "\ncompared with port %u, by %u samples:\n", r->reference,
		r->samples);
	for (size_t i = 0; i < r->distinguish_count; i++) {
		const struct distinguish *leak = &r->leaks[i].leak;
		char port[DISTINGUISH_TEXT_MAX];
		char reference[DISTINGUISH_TEXT_MAX];
		struct row row;

		if (!leak->differs) {
			continue;
		}
		differing++;
		fill_row(&row, r->findings, r->leaks[i].at);
		distinguish_text(port, leak->what, &leak->port);
		distinguish_text(reference, leak->what, &leak->reference);
		fprintf(out, "%5u  %-8s  %-10s  %s\n%29sport %u: %s", row.port,
			distinguish_scan_name(r, &r->leaks[i]),
			distinguish_name(leak->what), port, "", r->reference,
			reference);
		fprintf(out, r->findings->target_count > 1 ? "  (%s)\n" : "\n",
			row.target->text);
	}
	if (differing == 0) {
		fprintf(out, "       nothing tells them apart\n");
	}
}

/* Count what is not as it should be, by kind. */
static void
table_counts(FILE *out, const struct report *r)
{
	const struct report_counts counts = report_count(r);
	const struct {
		size_t count;
		const char *what;
	} all[] = {
		{ counts.disagree, "not as nmap sees it" },
		{ counts.unexpected, "not as expected" },
		{ counts.changed, "changed" },
		{ counts.leaks, "distinguishable" },
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i].count > 0) {
			fprintf(out, "%s%zu %s", comma, all[i].count,
				all[i].what);
			comma = ", ";
		}
	}
	fprintf(out, "%s", *comma ? "\n" : "");
}

static void
table_end(FILE *out, const struct report *r)
{
	const struct findings *f = r->findings;

	fprintf(out, "\n");
	table_counts(out, r);
	for (size_t target = 0; target < f->target_count; target++) {
		if (f->target_count > 1) {
			fprintf(out, "%s:\n", f->targets[target].text);
		}
		conclusion_write(out, f, target);
	}
}

static void
write_table(FILE *out, const struct report *r)
{
	const struct target_addr *last = NULL;

	for (size_t i = 0; i < r->findings->count; i++) {
		struct row row;

		fill_row(&row, r->findings, i);
		if (row.target != last) {
			fprintf(out, last ? "\n" : "");
			table_head(out, r, row.target);
			last = row.target;
		}
		table_row(out, r, &row);
	}
	if (r->reference) {
		table_leaks(out, r);
	}
	table_end(out, r);
}

/* ---- columns */

static void
write_plain(FILE *out, const struct report *r)
{
	for (size_t i = 0; i < r->findings->count; i++) {
		const struct finding *finding;
		struct row row;

		fill_row(&row, r->findings, i);
		finding = row.finding;
		fprintf(out,
			"state\t%s\t%u\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			row.target->text, row.port, probe_scan_name(row.scan),
			probe_state_name((enum probe_state)finding->state),
			row.reason, nmap_name(finding),
			nmap_tells(finding) ? yes_no(finding_agrees(finding))
					    : "-",
			expected_name(row.expected),
			is_judged(&row) ? yes_no(is_as_expected(&row)) : "-",
			before_name(finding),
			finding->before ? yes_no(is_changed(finding)) : "-");
	}
	for (size_t i = 0; i < r->distinguish_count; i++) {
		const struct distinguish *leak = &r->leaks[i].leak;
		char port[DISTINGUISH_TEXT_MAX];
		char reference[DISTINGUISH_TEXT_MAX];
		struct row row;

		fill_row(&row, r->findings, r->leaks[i].at);
		distinguish_text(port, leak->what, &leak->port);
		distinguish_text(reference, leak->what, &leak->reference);
		fprintf(out, "against\t%s\t%u\t%s\t%u\t%s\t%s\t%s\t%s\n",
			row.target->text, row.port,
			distinguish_scan_name(r, &r->leaks[i]), r->reference,
			distinguish_name(leak->what),
			leak->differs ? "differs" : "same", port, reference);
	}
}

/* ---- JSON */

static void
json_row(FILE *out, const struct report *r, size_t at)
{
	char line[TEXT_MAX * 4];
	struct text t = text_over(line, sizeof line);
	const struct finding *finding;
	struct row row;

	fill_row(&row, r->findings, at);
	finding = row.finding;
	text_put(&t, "{");
	json_member(&t, "address", row.target->text);
	json_number(&t, "port", row.port);
	json_member(&t, "scan", probe_scan_name(row.scan));
	json_member(&t, "state",
		    probe_state_name((enum probe_state)finding->state));
	json_member(&t, "reason", row.reason);
	json_number(&t, "tries", finding->tries);
	if (finding->rtt_us) {
		json_number(&t, "rtt_us", finding->rtt_us);
	}
	if (nmap_tells(finding)) {
		json_member(&t, "nmap", nmap_name(finding));
		json_bool(&t, "agree", finding_agrees(finding));
	}
	if (is_judged(&row)) {
		json_member(&t, "expected", expected_name(row.expected));
		json_bool(&t, "as_expected", is_as_expected(&row));
	}
	if (finding->before != PROBE_UNKNOWN) {
		json_member(&t, "before", before_name(finding));
		json_bool(&t, "changed", is_changed(finding));
	}
	fprintf(out, "%s%s}", at > 0 ? ",\n" : "\n", line);
}

static void
json_leak(FILE *out, const struct report *r, size_t at)
{
	const struct report_leak *l = &r->leaks[at];
	char line[TEXT_MAX * 4];
	struct text t = text_over(line, sizeof line);
	char side[DISTINGUISH_TEXT_MAX];
	struct row row;

	fill_row(&row, r->findings, l->at);
	text_put(&t, "{");
	json_member(&t, "address", row.target->text);
	json_number(&t, "port", row.port);
	json_number(&t, "reference", r->reference);
	json_member(&t, "scan", distinguish_scan_name(r, l));
	json_member(&t, "what", distinguish_name(l->leak.what));
	json_bool(&t, "differs", l->leak.differs);
	distinguish_text(side, l->leak.what, &l->leak.port);
	json_member(&t, "port_value", side);
	distinguish_text(side, l->leak.what, &l->leak.reference);
	json_member(&t, "reference_value", side);
	text_put(&t, ",\"score\":%.2f", l->leak.score);
	fprintf(out, "%s%s}", at > 0 ? ",\n" : "\n", line);
}

static void
write_json(FILE *out, const struct report *r)
{
	struct report_counts counts = report_count(r);
	char line[TEXT_MAX * 4];
	struct text t = text_over(line, sizeof line);

	json_string(&t, r->host);
	fprintf(out,
		"{\"command\":\"scan-check\",\"version\":\"%s\","
		"\"host\":%s,\"raw\":%s,\"authenticated\":%" PRIu64
		",\n\"results\":[",
		tap_version, line, r->raw ? "true" : "false", r->authenticated);
	for (size_t i = 0; i < r->findings->count; i++) {
		json_row(out, r, i);
	}
	fprintf(out, "]");
	if (r->reference) {
		fprintf(out, ",\n\"samples\":%u,\"against\":[", r->samples);
		for (size_t i = 0; i < r->distinguish_count; i++) {
			json_leak(out, r, i);
		}
		fprintf(out, "]");
	}
	fprintf(out,
		",\n\"disagree\":%zu,\"unexpected\":%zu,"
		"\"changed\":%zu,\"distinguishable\":%zu}\n",
		counts.disagree, counts.unexpected, counts.changed,
		counts.leaks);
}

void
report_write(FILE *out, const struct report *r, enum report_form form)
{
	switch (form) {
	case REPORT_TABLE:
		write_table(out, r);
		break;
	case REPORT_PLAIN:
		write_plain(out, r);
		break;
	case REPORT_JSON:
		write_json(out, r);
		break;
	}
}
