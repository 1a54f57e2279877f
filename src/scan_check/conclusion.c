#include "scan_check/conclusion.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define WIDTH 80u
#define PART_MAX 64u /* "65534-65535 hidden (as dropped)", and a comma */
/* Name so many runs of ports at most; of the rest give the number of ports. */
#define RUNS_MAX 20u

/* What all scans of a port say together, in the order of the sentence. */
enum outcome {
	OUTCOME_DROPPED,
	OUTCOME_REJECTED,
	OUTCOME_CLOSED,
	OUTCOME_MIXED,
	OUTCOME_OPEN,
	OUTCOMES,
};

static const char *const names[OUTCOMES] = {
	[OUTCOME_OPEN] = "open",
	[OUTCOME_DROPPED] = "hidden (as dropped)",
	[OUTCOME_REJECTED] = "rejected by ICMP",
	[OUTCOME_CLOSED] = "closed",
	[OUTCOME_MIXED] = "not the same in all scans",
};

/* What one scan says. A reset with a window still counts as closed. */
static enum outcome
outcome_of_one(const struct finding *finding)
{
	switch ((enum finding_reason)finding->reason) {
	case FINDING_SILENCE:
		return OUTCOME_DROPPED;
	case FINDING_ICMP:
		return finding->state == PROBE_CLOSED ? OUTCOME_CLOSED
						      : OUTCOME_REJECTED;
	case FINDING_TCP:
		return finding->detail & PACKET_RST ? OUTCOME_CLOSED
						    : OUTCOME_OPEN;
	case FINDING_UDP:
		return OUTCOME_OPEN;
	case FINDING_ERRNO:
		return finding->detail == 0               ? OUTCOME_OPEN
			: finding->detail == ECONNREFUSED ? OUTCOME_CLOSED
			: finding->detail == ETIMEDOUT    ? OUTCOME_DROPPED
							  : OUTCOME_REJECTED;
	case FINDING_UNSENT:
		break;
	}
	return OUTCOME_MIXED;
}

/*
 * A port that a SYN opens is open, whatever the other scans see. UDP counts
 * only where nothing else was scanned.
 */
static enum outcome
outcome_of(const struct findings *f, size_t target, size_t port)
{
	struct finding_place place = { .target = target, .port = port };
	enum outcome all = OUTCOMES;

	for (; place.scan < f->scan_count; place.scan++) {
		enum probe_scan scan = f->scans[place.scan];
		enum outcome one =
			outcome_of_one(&f->at[finding_at(f, &place)]);

		if (scan == PROBE_UDP && f->scan_count > 1) {
			continue;
		}
		if (one == OUTCOME_OPEN) {
			return OUTCOME_OPEN;
		}
		all = all == OUTCOMES || all == one ? one : OUTCOME_MIXED;
	}
	return all;
}

/* A line of output that wraps before it gets too long. */
struct sentence {
	FILE *out;
	size_t column;
	bool begun;
};

static void
say(struct sentence *s, const char *part)
{
	size_t len = strlen(part);

	if (s->column > 0 && s->column + len + 3 > WIDTH) {
		fprintf(s->out, "%s\n", s->begun ? "," : "");
		s->column = 0;
	} else if (s->begun) {
		fprintf(s->out, ", ");
		s->column += 2;
	}
	fprintf(s->out, "%s", part);
	s->column += len;
	s->begun = true;
}

/* The last port of the run that begins with one. */
static size_t
run_end(const struct findings *f, size_t target, size_t port,
	enum outcome outcome)
{
	while (port + 1 < f->port_count &&
	       f->ports[port + 1] == f->ports[port] + 1 &&
	       outcome_of(f, target, port + 1) == outcome) {
		port++;
	}
	return port;
}

static void
say_run(struct sentence *s, const struct findings *f, size_t first, size_t last,
	const char *name)
{
	char part[PART_MAX];
	struct text t = text_over(part, sizeof part);

	text_put(&t, "%u", f->ports[first]);
	if (last > first) {
		text_put(&t, "-%u", f->ports[last]);
	}
	text_put(&t, "%s%s", *name ? " " : "", name);
	say(s, part);
}

/* The ports of one outcome; the last of them with its name. */
static void
say_outcome(struct sentence *s, const struct findings *f, size_t target,
	    enum outcome outcome)
{
	size_t runs = 0, more = 0;
	size_t first = 0, last = 0; /* of the run that is to be told */

	for (size_t port = 0; port < f->port_count; port++) {
		if (outcome_of(f, target, port) != outcome) {
			continue;
		}
		if (runs >= RUNS_MAX) {
			more++;
			continue;
		}
		if (runs++ > 0) {
			say_run(s, f, first, last, "");
		}
		first = port;
		last = run_end(f, target, port, outcome);
		port = last;
	}
	if (runs > 0) {
		say_run(s, f, first, last, more > 0 ? "" : names[outcome]);
	}
	if (more > 0) {
		char part[PART_MAX];
		struct text t = text_over(part, sizeof part);

		text_put(&t, "and %zu more %s", more, names[outcome]);
		say(s, part);
	}
}

void
conclusion_write(FILE *out, const struct findings *f, size_t target)
{
	struct sentence s = { .out = out };

	for (enum outcome outcome = 0; outcome < OUTCOMES; outcome++) {
		say_outcome(&s, f, target, outcome);
	}
	fprintf(out, "\n");
}
