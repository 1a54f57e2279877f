#include "probe_path/wording.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define NS_A_SECOND 1e9
#define NS_A_MS 1e6
/* Frames of a group with a new key: 60 bits of authenticator. */
#define FRAMES_BY_DEFAULT 5u

static const char *const verdicts[] = {
	[PATH_NOT_KNOWN] = "unknown",
	[PATH_PASSES] = "passes",
	[PATH_PASSES_LOOSE] = "passes-loose",
	[PATH_FAILS] = "fails",
};

static const struct {
	const char *name, *words, *hint;
} reasons[] = {
	[PATH_NO_REASON] = { "none", "", "" },
	[PATH_NO_FAR_SIDE] = { "no-far-side",
			       "no far side to tell what arrives",
			       "run 'tap probe-path --listen' there, on a port that no tap "
			       "server guards and no firewall closes; or use --offline" },
	[PATH_BLIND] = { "blind",
			 "the far side captures nothing, not even its own "
			 "connection",
			 "name the device there: --listen -i" },
	[PATH_CUT] = { "cut", "the far side's report is incomplete",
		       "try again, with a smaller --count" },
	[PATH_PROXY] = { "proxy",
			 "a proxy answers for the server, and makes "
			 "connections of its own",
			 "exempt the service's port from the proxy, or choose one that "
			 "it does not take" },
	[PATH_SYN_PROXY] = { "syn-proxy", "a SYN proxy answers for the server",
			     "exempt the service's port from the SYN proxy" },
	[PATH_ANSWERED] = { "answered",
			    "something on the path answers for the server: a "
			    "proxy or a SYN proxy",
			    "exempt the service's port from it" },
	[PATH_NOTHING] = { "nothing", "no SYN arrives",
			   "let SYNs to the service's port through, without a "
			   "connection that was seen to begin" },
	[PATH_SEQUENCE] = { "sequence", "the path translates sequence numbers",
			    "switch it off for the service's port, where it is done (to "
			    "\"randomize sequence numbers\", it is often called)" },
	[PATH_SOURCES] = { "sources",
			   "the path spreads one host over several addresses",
			   "have the NAT give a host one address (paired pooling, RFC "
			   "4787; of iptables: SNAT --persistent); or use IPv6" },
	[PATH_RESETS] = { "resets", "something on the path resets frames",
			  "let several SYNs a moment through, from one host to the "
			  "service's port" },
	[PATH_FRAMES] = { "frames", "no group arrives whole",
			  "let several SYNs a moment through, from one host to the "
			  "service's port; auth=30 makes do with four" },
	[PATH_SLOW] = { "slow", "no group arrives within a second",
			"take away what delays or paces SYNs" },
	[PATH_CLOCK] = { "clock",
			 "the clocks differ by more than the tolerance",
			 "set both by NTP; or set tolerance= in TAPservd.conf" },
	[PATH_WINDOW] = { "window", "the path rewrites windows",
			  "set window=loose for the service, in TAPservd.conf" },
};

static const char *const states[] = {
	[PATH_UNKNOWN] = "unknown",
	[PATH_ARRIVED] = "arrived",
	[PATH_REWRITTEN] = "rewritten",
	[PATH_LOST] = "lost",
};

const char *
path_verdict_name(enum path_verdict verdict)
{
	return verdicts[verdict];
}

const char *
path_reason_name(enum path_reason reason)
{
	return reasons[reason].name;
}

const char *
path_state_name(enum path_state state)
{
	return states[state];
}

const char *
path_need_name(enum field_need need)
{
	static const char *const names[] = {
		[FIELD_UNUSED] = "no",
		[FIELD_DISTINCT] = "distinct",
		[FIELD_HELPFUL] = "helpful",
		[FIELD_NEEDED] = "yes",
	};

	return names[need];
}

void
path_put_addr(struct text *t, const struct packet_addr *addr)
{
	char out[INET6_ADDRSTRLEN] = "?";

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  sizeof out);
	text_put(t, "%s", out);
}

static void
put_sources(struct text *t, const struct path *path)
{
	for (size_t i = 0; i < path->source_count; i++) {
		text_put(t, "%s", i > 0 ? ", " : "");
		path_put_addr(t, &path->sources[i]);
	}
}

/* The numbers that belong to a reason, in brackets. */
static void
put_details(struct text *t, const struct path_result *r)
{
	const struct path *path = r->path;
	unsigned sent = 0;
	unsigned arrived = 0;

	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		sent += path->groups[i].frames_sent;
		arrived += path->groups[i].frames_arrived;
	}
	switch (path->reason) {
	case PATH_SEQUENCE:
		text_put(t, " (seen at the far side: offset 0x%08x)",
			 path->offset);
		break;
	case PATH_PROXY:
	case PATH_SYN_PROXY:
	case PATH_ANSWERED:
		text_put(t, " (%u SYN%s answered that the far side never saw)",
			 path->elsewhere, text_s(path->elsewhere));
		break;
	case PATH_SOURCES:
		text_put(t, " (");
		put_sources(t, path);
		text_put(t, ")");
		break;
	case PATH_RESETS:
		text_put(t, " (%u resets that the far side did not send)",
			 path->resets);
		break;
	case PATH_FRAMES:
		text_put(t, " (%u of %u frames do)", arrived, sent);
		break;
	case PATH_CLOCK:
		text_put(t, " (the far one is %.1f s %s)",
			 (double)llabs(r->trial->skew_ns) / NS_A_SECOND,
			 r->trial->skew_ns < 0 ? "behind" : "ahead");
		break;
	case PATH_NO_FAR_SIDE:
		if (r->trouble[0]) {
			text_put(t, " (%s)", r->trouble);
		}
		break;
	default:
		break;
	}
}

void
path_words_verdict(struct text *t, const struct path_result *r)
{
	const struct path *path = r->path;

	switch (path->verdict) {
	case PATH_PASSES:
		text_put(t, "TAP passes");
		return;
	case PATH_PASSES_LOOSE:
		text_put(t, "passes with window=loose");
		return;
	case PATH_FAILS:
		text_put(t, "does not pass: %s", reasons[path->reason].words);
		break;
	case PATH_NOT_KNOWN:
		text_put(t, "not known: %s", reasons[path->reason].words);
		break;
	}
	put_details(t, r);
}

void
path_words_hint(struct text *t, const struct path_result *r)
{
	text_put(t, "%s", reasons[r->path->reason].hint);
}

bool
path_words_clock(struct text *t, const struct path_result *r)
{
	if (r->trial->has_skew) {
		text_put(t, "the far one is %.3f s %s; %u s are allowed",
			 (double)llabs(r->trial->skew_ns) / NS_A_SECOND,
			 r->trial->skew_ns < 0 ? "behind" : "ahead",
			 PATH_TOLERANCE);
	}
	return r->trial->has_skew;
}

/* ---- remarks */

static bool
is_next(size_t *n, bool holds)
{
	return holds && (*n)-- == 0;
}

/* Groups that arrived whole, but not in the order of sending. */
static unsigned
count_disordered(const struct path *path, unsigned *whole)
{
	unsigned ordered = 0;

	*whole = 0;
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		*whole += path->groups[i].whole;
		ordered += path->groups[i].ordered;
	}
	return *whole - ordered;
}

/* What the path does to SYNs and groups. */
static bool
note_path(struct text *t, const struct path_result *r, size_t *n)
{
	const struct path *path = r->path;
	unsigned lost = path->sent - path->arrived;
	unsigned whole;
	unsigned disordered = count_disordered(path, &whole);

	if (is_next(n, path->has_nat)) {
		text_put(t, "a NAT on the way: the far side sees ");
		put_sources(t, path);
		text_put(t, ", this side sends from ");
		path_put_addr(t, &r->trial->near);
	} else if (is_next(n, path->forwarded_to != 0)) {
		text_put(t,
			 "a port forward on the way: what goes to port %u "
			 "comes to port %u; where the service's port is "
			 "forwarded, too, a client's rule names the server's "
			 "own port: service_port=, or HOST:PORT/N with --to "
			 "and --proxy",
			 r->trial->port, path->forwarded_to);
	} else if (is_next(n,
			   r->trial->has_seen && lost > 0 &&
				   path->arrived > 0)) {
		text_put(t, "%u of %u SYNs did not arrive", lost, path->sent);
	} else if (is_next(n, disordered > 0)) {
		text_put(t, "%u of %u groups arrived in another order: no harm",
			 disordered, whole);
	} else if (is_next(n, path->duplicates > 0)) {
		text_put(t, "%u SYN%s arrived more than once: no harm",
			 path->duplicates, text_s(path->duplicates));
	} else if (is_next(n,
			   path->best_frames >= FRAME_BASE &&
				   path->best_frames < FRAMES_BY_DEFAULT)) {
		text_put(t,
			 "only groups of four arrived whole: use keys with "
			 "auth=30");
	} else {
		return false;
	}
	return true;
}

/* Answers, and packets that belong to no probe. */
static bool
note_answers(struct text *t, const struct path_result *r, size_t *n)
{
	const struct path *path = r->path;

	if (is_next(n, path->answers_changed > 0)) {
		text_put(t,
			 "the numbers of %u of the server's answers are "
			 "translated",
			 path->answers_changed);
	} else if (is_next(n,
			   path->elsewhere > 0 &&
				   path->verdict != PATH_FAILS)) {
		text_put(t, "the far side never saw %u SYN%s with an answer",
			 path->elsewhere, text_s(path->elsewhere));
	} else if (is_next(n, path->strangers > 0 && r->trial->connected)) {
		/* Without a connection, the capture may be any file. */
		text_put(t, "%u SYN%s from this side without a probe",
			 path->strangers, text_s(path->strangers));
	} else {
		return false;
	}
	return true;
}

/* What limits this measurement. */
static bool
note_limits(struct text *t, const struct path_result *r, size_t *n)
{
	const struct trial *trial = r->trial;

	if (is_next(n, trial->cut)) {
		text_put(t,
			 "the far side's report is incomplete: this is what "
			 "is known so far");
	} else if (is_next(n, trial->far_lost > 0)) {
		text_put(t,
			 "%u packets came too fast for the far side's capture",
			 trial->far_lost);
	} else if (is_next(n, r->no_key_wanted)) {
		text_put(t, "the far side asks for no key: anybody can use it");
	} else if (is_next(n, r->unsent > 0)) {
		text_put(t, "%u SYN%s could not be sent", r->unsent,
			 text_s(r->unsent));
	} else if (is_next(n,
			   trial->has_seen && !trial->connected &&
				   trial->seen.count == 0)) {
		text_put(t,
			 "the capture has none of these SYNs: is it of that "
			 "host, port and time?");
	} else {
		return false;
	}
	return true;
}

bool
path_words_note(struct text *t, const struct path_result *r, size_t n)
{
	return note_path(t, r, &n) || note_answers(t, r, &n) ||
		note_limits(t, r, &n);
}

static void
put_hop(struct text *t, const struct path_result *r, unsigned hop)
{
	text_put(t, "hop %u (", hop);
	if (r->trail->hops[hop - 1].addr.family == 0) {
		text_put(t, "silent");
	} else {
		path_put_addr(t, &r->trail->hops[hop - 1].addr);
	}
	text_put(t, ")");
}

bool
path_words_place(struct text *t, const struct path_result *r, enum field field)
{
	struct path_change c = path_trail_change(r->trail, field,
						 r->path->fields[field].state);

	if (!c.found) {
		return false;
	}
	text_put(t, "%s between ", c.lost ? "lost" : "changes");
	if (c.after == 0) {
		text_put(t, "this host");
	} else {
		put_hop(t, r, c.after);
	}
	text_put(t, " and ");
	if (c.before == 0) {
		text_put(t, "the far side");
	} else {
		put_hop(t, r, c.before);
	}
	return true;
}
