#include "server/worker_fastpath.h"

#include <stdio.h>
#include <string.h>

#include "fastpath/bpf.h"
#include "server/worker_state.h"
#include "fastpath/bpf_addr.h"
#include "fastpath/ingress_locals.h"
#include "fastpath/ingress_status.h"
#include "fastpath/ingress_replays.h"
#include "fastpath/ingress_tables.h"

/*
 * Say why it is not as it might be: a warning where it was asked for, and
 * else a word where there is none at all.
 */
static void
say_state(const struct worker *g)
{
	const enum settings_fastpath wanted = g->conf->settings.fastpath;
	const char *state = ingress_state(&g->ingress);
	char why[INGRESS_WHY_MAX];

	ingress_reason(&g->ingress, why);
	if (!g->ingress.why[0] || wanted == FASTPATH_OFF ||
	    (wanted == FASTPATH_AUTO && strcmp(state, "off") != 0)) {
		return;
	}
	log_say(wanted == FASTPATH_AUTO ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		"fast path: %s, %s", state, why);
}

/* Rules that are not ours may queue other packets than those we know of. */
static bool
may_filter(const struct worker *g)
{
	return g->conf->settings.firewall != FIREWALL_NONE;
}

/* ---- one memory */

static bool
claim(void *context, uint64_t tag, uint64_t instant)
{
	return ingress_remember(context, tag, instant);
}

static void
raise_floor(void *context, uint64_t floor)
{
	ingress_raise_floor(context, floor);
}

static void
forget(void *context, uint64_t tag)
{
	ingress_forget(context, tag);
}

static void
fill(void *context, const uint64_t *tags, const uint64_t *instants,
     size_t count)
{
	ingress_remember_many(context, tags, instants, count);
}

void
worker_fastpath_remember(struct worker *g)
{
	const struct replay_twin twin = { &g->ingress, claim, raise_floor,
					  forget, fill };

	ingress_begin(&g->ingress, g->receiver->begin_ms);
	replay_join(&g->receiver->replay, g->ingress.config ? &twin : NULL);
}

/* The file says so first, since we may be killed at any time. */
static void
accept_if_possible(struct worker *g)
{
	if (!ingress_accepts(&g->ingress) && ingress_can_accept(&g->ingress) &&
	    ingress_tables_accepts(g->conf)) {
		replay_file_set_ahead(&g->store, true);
		ingress_accept(&g->ingress, g->conf->fastpath_mark);
	}
}

void
worker_fastpath_open(struct worker *g)
{
	struct ingress_plan plan;

	if (!may_filter(g)) {
		snprintf(g->ingress.why, sizeof g->ingress.why,
			 "firewall=none");
		return;
	}
	if (ingress_tables_make(&plan, g->conf) < 0) {
		snprintf(g->ingress.why, sizeof g->ingress.why,
			 "out of memory");
		return;
	}
	plan.tables.admitted = g->door.maps.accepted;
	ingress_open(&g->ingress, &plan.tables, g->conf->settings.fastpath);
	ingress_tables_free(&plan);
	if (!g->ingress.pending) {
		say_state(g);
	}
}

void
worker_fastpath_tick(struct worker *g)
{
	const bool before = ingress_is_settled(&g->ingress);

	ingress_tick(&g->ingress, g->shared->counters.syns);
	if (!before && ingress_is_settled(&g->ingress)) {
		say_state(g);
	}
	accept_if_possible(g);
}

struct awaiting {
	struct worker *worker;
	const struct monitor *monitor;
};

/* A worker that is not ready yet has not told the program what it remembers. */
static bool
is_settled(void *context)
{
	const struct awaiting *a = context;

	if (!a->monitor->ready) {
		return false;
	}
	worker_fastpath_tick(a->worker);
	return ingress_is_settled(&a->worker->ingress);
}

void
worker_fastpath_await(struct worker *g, struct monitor *m)
{
	struct awaiting a = { g, m };

	monitor_await(m, is_settled, &a, FASTPATH_READY_MS);
}

void
worker_fastpath_pause(struct worker *g)
{
	ingress_accept_none(&g->ingress);
	if (g->ingress.config) {
		bpf_wait();
	}
}

void
worker_fastpath_recover(struct worker *g)
{
	worker_fastpath_pause(g);
	ingress_restore(&g->ingress);
}

bool
worker_fastpath_forwarded(const struct ingress_record *r)
{
	return r->group_key.family & INGRESS_FAMILY_ROUTED;
}

size_t
worker_fastpath_syns(const struct ingress_record *r, struct packet *syns)
{
	const uint32_t family = INGRESS_FAMILY(r->group_key.family);
	size_t count = 0;

	for (size_t i = 0; i < INGRESS_FRAMES; i++) {
		if (r->frame[i] == 0) {
			continue;
		}
		syns[count++] = (struct packet){
			.src = ingress_addr_read(&r->group_key.src, family),
			.dst = ingress_addr_read(&r->group_key.dst, family),
			.sport = INGRESS_FRAME_SPORT(r->frame[i]),
			.dport = r->group_key.dport,
			.seq = INGRESS_FRAME_SEQ(r->frame[i]),
			.window = r->group_key.tag,
			.flags = PACKET_SYN,
			.data_len = r->instant == 0 ? (size_t)r->tag : 0,
		};
	}
	return count;
}

void
worker_fastpath_inherit(struct worker *g, ingress_groups_take *take)
{
	int rc = g->inherits ? ingress_groups_empty(&g->ingress, take, g) : 0;

	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "fast path: groups begun there: %s",
			strerror(-rc));
	}
}

static void
put_to_work(struct worker *g, const struct ingress_tables *tables)
{
	if (!g->ingress.config || ingress_rewrite(&g->ingress, tables)) {
		return;
	}
	ingress_detach(&g->ingress);
	g->inherits = bpf_wait() == 0;
	ingress_change(&g->ingress, tables);
}

void
worker_fastpath_change(struct worker *g)
{
	const bool was_open = g->ingress.config != NULL;
	struct ingress_plan plan;

	g->inherits = false;
	/* Remove what the new configuration does not allow. */
	if (ingress_tables_make(&plan, g->conf) < 0) {
		ingress_close(&g->ingress);
	} else {
		plan.tables.admitted = g->door.maps.accepted;
		put_to_work(g, &plan.tables);
		ingress_tables_free(&plan);
	}
	/* The ring buffer may have accepted groups that were not read yet. */
	if (was_open && !g->ingress.config && !g->hands_over) {
		worker_state_recover(g, false);
	}
}

void
worker_fastpath_close(struct worker *g, bool settled)
{
	if (g->ingress.config && settled && ingress_records_end(&g->ingress)) {
		replay_file_set_ahead(&g->store, false);
	}
	ingress_close(&g->ingress);
}

static size_t
unseen_of(const struct ingress_record *r)
{
	size_t count = 0;

	for (size_t i = 0; i < INGRESS_FRAMES; i++) {
		count += r->frame[i] && !(r->frame[i] & INGRESS_FRAME_TOLD);
	}
	return count;
}

size_t
worker_fastpath_take(struct worker *g, struct packet *syns,
		     struct receiver_accepted *accepted)
{
	const struct ingress_record *r = ingress_record(&g->ingress);
	size_t count;

	*accepted = (struct receiver_accepted){ 0 };
	if (!r) {
		return 0;
	}
	accepted->indev = ingress_locals_device(&g->ingress, r);
	accepted->forwarded = worker_fastpath_forwarded(r);
	count = worker_fastpath_syns(r, syns);
	if (r->instant != 0 && count >= FRAME_BASE) {
		*accepted = (struct receiver_accepted){
			.frames = syns,
			.count = count,
			.unseen = unseen_of(r),
			.forwarded = accepted->forwarded,
			.indev = accepted->indev,
			.tag = r->tag,
			.instant = r->instant,
			.now = r->now,
		};
	}
	return count;
}

void
worker_fastpath_taken(struct worker *g)
{
	ingress_record_done(&g->ingress);
}

void
worker_fastpath_charge(struct worker *g, const struct receiver_now *now)
{
	const struct ingress_charge *charge;

	while ((charge = ingress_charge(&g->ingress)) != NULL) {
		const struct packet_addr src =
			ingress_addr_read(&charge->src, charge->family);

		receiver_note_bad_guess(g->receiver, now, &src,
					charge->guesses);
		ingress_charge_done(&g->ingress);
	}
}

void
worker_fastpath_stats(struct worker *g, struct stats *s)
{
	uint64_t n[INGRESS_COUNTS];
	char why[INGRESS_WHY_MAX];

	ingress_counts(&g->ingress, n);
	ingress_reason(&g->ingress, why);
	stat_text(s, "fastpath", "fast path", ingress_state(&g->ingress));
	stat_text(s, "fastpath_reason", "fast path reason", why);
	stat_count(s, "ingress_syns", "ingress: SYNs", n[INGRESS_SEEN],
		   "SYNs that the program in the kernel checked");
	stat_count(s, "ingress_taken", "ingress: taken", n[INGRESS_TAKEN],
		   "Frames that the kernel's program kept for groups");
	stat_count(s, "ingress_passed", "ingress: to the queue",
		   n[INGRESS_PASSED],
		   "SYNs that the kernel's program left to the queue");
	stat_count(s, "ingress_verified", "ingress: groups verified",
		   n[INGRESS_VERIFIED],
		   "Groups that the kernel's program found valid");
	stat_count(s, "ingress_accepted", "ingress: groups accepted",
		   n[INGRESS_ACCEPTED],
		   "Groups that the program in the kernel let in");
	stat_count(s, "ingress_mac", "ingress: groups dropped", n[INGRESS_MAC],
		   "Groups that the kernel's program found wrong");
	stat_count(s, "ingress_dropped", "ingress: SYNs dropped",
		   n[INGRESS_DROPPED],
		   "SYNs of no group in floods, and SYNs with data");
	stat_count(s, "ingress_lost", "ingress: groups lost", n[INGRESS_LOST],
		   "Groups that came faster than the server read them");
}
