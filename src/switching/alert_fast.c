#include "switching/alert_fast.h"

#include <string.h>

#include "switching/alert_parts.h"

static const char proto[] = "{TCP} ";
static const char stars[] = "[**] [";
static const char priority[] = "[Priority: ";
static const char arrow[] = " -> ";

struct span {
	const char *at;
	size_t len;
};

/* What follows the first of these, to the end; at NULL: there is none. */
static struct span
after(struct span in, const char *what)
{
	const size_t len = strlen(what);

	for (size_t i = 0; in.at && len <= in.len && i <= in.len - len; i++) {
		if (memcmp(in.at + i, what, len) == 0) {
			return (struct span){ in.at + i + len,
					      in.len - i - len };
		}
	}
	return (struct span){ NULL, 0 };
}

/* The same of the last one: a message may quote anything. */
static struct span
after_last(struct span in, const char *what)
{
	struct span found = { NULL, 0 };
	struct span next = in;

	while ((next = after(next, what)).at) {
		found = next;
	}
	return found;
}

/* Up to a character, or to the end. */
static struct span
until(struct span in, char c)
{
	const char *end = in.at ? memchr(in.at, c, in.len) : NULL;

	return end ? (struct span){ in.at, (size_t)(end - in.at) } : in;
}

/* gid:sid:rev] text [**] ... */
static int
read_rule(struct span rule, struct alert *out)
{
	const struct span sid = after(until(rule, ']'), ":");
	const struct span text = after(rule, "] ");
	const struct span behind = after(text, " [**]");
	const struct span number = until(sid, ':');

	if (!number.at || !text.at ||
	    alert_number(number.at, number.len, UINT32_MAX, &out->sid) < 0) {
		return -1;
	}
	alert_text(out->text, text.at,
		   behind.at ? text.len - behind.len - strlen(" [**]")
			     : until(text, '[').len);
	return 0;
}

enum alert_found
alert_fast(const char *line, size_t len, struct alert *out)
{
	const struct span all = { line, len };
	const struct span rule = after(all, stars);
	const struct span ends = after_last(all, proto);
	const struct span to = after(ends, arrow);
	const struct span worth = until(after_last(all, priority), ']');
	uint32_t severity = 0;

	*out = (struct alert){ 0 };
	if (!rule.at) {
		return len == 0 ? ALERT_NONE : ALERT_TORN;
	}
	if (!ends.at) {
		/* Another protocol, if it came that far. */
		return after(rule, " -> ").at ? ALERT_NONE : ALERT_TORN;
	}
	if (!to.at || read_rule(rule, out) < 0 ||
	    alert_endpoint(ends.at, ends.len - to.len - strlen(arrow),
			   &out->src, &out->sport) < 0 ||
	    alert_endpoint(to.at, until(to, ' ').len, &out->dst, &out->dport) <
		    0 ||
	    out->src.family != out->dst.family) {
		return ALERT_TORN;
	}
	if (worth.at &&
	    alert_number(worth.at, worth.len, UINT32_MAX, &severity) < 0) {
		return ALERT_TORN;
	}
	out->severity = alert_severity(severity);
	return ALERT_FOUND;
}
