#include "probe_path/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "conf/client_conf.h"
#include "probe_path/icmp_quote.h"

#define TRIES 3u
/* Between two hops: routers let few ICMP errors go in a row. */
#define TIMING_MS 10
/* How long to wait for all quotations before trying the silent hops again. */
#define WAIT_MS 1100
#define STEP_MS 20
/* After so many silent hops in a row, give up. */
#define SILENT_MAX 5u

struct sent {
	uint16_t sport;
	struct field_values values;
};

struct trace {
	struct path_near *near;
	struct path_trail *trail;
	struct sent sent[PATH_HOPS_MAX][FIELD_TRACES];
	unsigned reached; /* the first hop that is the far host, or 0 */
};

static int
send_one(struct trace *t, unsigned hop, enum field_trace kind)
{
	struct path_near *n = t->near;
	struct sent *sent = &t->sent[hop - 1][kind];
	struct trial_numbers numbers = path_near_numbers();
	uint8_t bytes[TRIAL_PROBE_MAX];
	struct packet_view packet = { .bytes = bytes };

	/* Use the same source port for every try. */
	if (sent->sport == 0) {
		int rc = path_near_port(n, &sent->sport);

		if (rc < 0) {
			return rc;
		}
	}
	numbers.sport = sent->sport;
	packet.len = trial_build(bytes, &n->trial,
				 path_trail_marks(kind, n->trial.far.family), 0,
				 &numbers, (uint8_t)hop);
	field_read(&sent->values, bytes, packet.len);
	return rawsock_send(&n->raw, &n->trial.near, &n->trial.far,
			    n->options->device, CLIENT_CONF_MARK, &packet, 1);
}

static void
take_quote(struct trace *t, const struct quote *q)
{
	for (unsigned hop = 1; hop <= PATH_HOPS_MAX; hop++) {
		for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
			const struct sent *sent = &t->sent[hop - 1][k];

			if (sent->sport != 0 &&
			    sent->sport == q->seen.value[FIELD_SPORT] &&
			    packet_addr_equal(&q->seen.dst,
					      &t->near->trial.far)) {
				path_trail_take(t->trail, hop, k, &q->router,
						&sent->values, &q->seen);
			}
		}
	}
}

static void
take_answer(struct trace *t, const struct field_values *v)
{
	for (unsigned hop = 1; hop <= PATH_HOPS_MAX; hop++) {
		const struct sent *sent = t->sent[hop - 1];

		if (sent[FIELD_TRACE_PLAIN].sport != 0 &&
		    sent[FIELD_TRACE_PLAIN].sport == v->value[FIELD_DPORT] &&
		    (t->reached == 0 || hop < t->reached)) {
			t->reached = hop;
		}
	}
}

static void
take_packet(void *context, const struct cap_packet *packet)
{
	struct trace *t = context;
	struct field_values v;
	struct quote q;

	if (quote_parse(&q, packet->ip, packet->len) == 0) {
		take_quote(t, &q);
	} else if (field_read(&v, packet->ip, packet->len) == 0 &&
		   packet_addr_equal(&v.src, &t->near->trial.far) &&
		   v.flags & (PACKET_SYN | PACKET_RST)) {
		take_answer(t, &v);
	}
}

static bool
has_all(const struct path_hop *h)
{
	for (enum field_trace k = 0; k < FIELD_TRACES; k++) {
		if (!h->answered[k]) {
			return false;
		}
	}
	return true;
}

static bool
is_complete(const struct trace *t, unsigned hops)
{
	for (unsigned hop = 1; hop <= hops; hop++) {
		if (!has_all(&t->trail->hops[hop - 1])) {
			return false;
		}
	}
	return true;
}

/* How many of the last hops said nothing. */
static unsigned
silent(const struct trace *t, unsigned hop)
{
	unsigned count = 0;

	while (count < hop &&
	       t->trail->hops[hop - count - 1].addr.family == 0) {
		count++;
	}
	return count;
}

static int
send_missing(struct trace *t, unsigned *hops, bool known)
{
	int rc = 0;

	for (unsigned hop = 1; hop <= *hops && rc == 0; hop++) {
		const struct path_hop *h = &t->trail->hops[hop - 1];

		for (enum field_trace k = 0; k < FIELD_TRACES && rc == 0; k++) {
			rc = h->answered[k] ? 0 : send_one(t, hop, k);
		}
		rc = rc < 0
			? rc
			: path_near_wait(t->near, TIMING_MS, take_packet, t);
		if (!known && (t->reached > 0 || silent(t, hop) > SILENT_MAX)) {
			*hops = t->reached > 0 ? t->reached - 1 : hop;
		}
	}
	return rc;
}

int
path_trace_run(struct path_near *n, struct path_trail *trail, unsigned hops,
	       char *why)
{
	struct trace t = { .near = n, .trail = trail };
	bool known = hops > 0;
	int rc = 0;

	memset(trail, 0, sizeof *trail);
	hops = !known || hops > PATH_HOPS_MAX ? PATH_HOPS_MAX : hops;
	for (unsigned try = 0; try < TRIES && rc == 0; try++) {
		rc = send_missing(&t, &hops, known);
		for (int ms = 0;
		     ms < WAIT_MS && rc == 0 && !is_complete(&t, hops);
		     ms += STEP_MS) {
			rc = path_near_wait(n, STEP_MS, take_packet, &t);
			if (!known && t.reached > 0 && t.reached <= hops) {
				hops = t.reached - 1;
			}
		}
	}
	if (rc < 0 && !n->stopped) {
		return why_set(why, rc, "trace: %s", strerror(-rc));
	}
	while (!known && hops > 0 && trail->hops[hops - 1].addr.family == 0) {
		hops--;
	}
	trail->count = hops;
	trail->traced = true;
	return 0;
}
