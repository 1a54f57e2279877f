#include "server/worker_fastpath.h"

#include <stdio.h>
#include <string.h>

#include "fastpath/bpf.h"
#include "fastpath/bpf_addr.h"
#include "fastpath/ingress_groups.h"
#include "fastpath/ingress_replays.h"
#include "fastpath/ingress_tables.h"

/* Who did not ask for one need not be told that there is none. */
static void
say_state(const struct guard *g)
{
	const enum settings_fastpath wanted = g->conf->settings.fastpath;
	char why[SIEVE_WHY_MAX];

	sieve_reason(&g->sieve, why);
	if (g->sieve.why[0] && wanted != FASTPATH_AUTO &&
	    wanted != FASTPATH_OFF) {
		log_say(LOG_LEVEL_WARNING, "fast path: %s, %s",
			sieve_state(&g->sieve), why);
	}
}

/* Rules that are not ours may queue other packets than those we know of. */
static bool
may_sieve(const struct guard *g)
{
	return g->conf->settings.firewall != FIREWALL_NONE;
}

/* ---- one memory */

static bool
claim(void *context, uint64_t tag, uint64_t instant)
{
	return sieve_remember(context, tag, instant);
}

static void
raise_floor(void *context, uint64_t floor)
{
	sieve_raise_floor(context, floor);
}

static void
forget(void *context, uint64_t tag)
{
	sieve_forget(context, tag);
}

void
guard_sieve_remember(struct guard *g)
{
	const struct replay_twin twin = { &g->sieve, claim, raise_floor,
					  forget };

	sieve_begin(&g->sieve, g->gate->begin_ms);
	replay_join(&g->gate->replay, g->sieve.config ? &twin : NULL);
}

/* The store says so first: we may be killed at any instant. */
static void
accept_if_possible(struct guard *g)
{
	if (!sieve_accepts(&g->sieve) && sieve_can_accept(&g->sieve) &&
	    sieve_plan_accepts(g->conf)) {
		store_set_ahead(&g->store, true);
		sieve_accept(&g->sieve, g->conf->settings.fastpath_mark);
	}
}

void
guard_sieve_open(struct guard *g)
{
	struct sieve_plan plan;

	if (!may_sieve(g)) {
		snprintf(g->sieve.why, sizeof g->sieve.why, "firewall=none");
		return;
	}
	if (sieve_plan_make(&plan, g->conf) < 0) {
		snprintf(g->sieve.why, sizeof g->sieve.why, "out of memory");
		return;
	}
	sieve_open(&g->sieve, &plan.tables, g->conf->settings.fastpath);
	sieve_plan_free(&plan);
	guard_sieve_remember(g);
	if (!g->sieve.pending) {
		say_state(g);
	}
}

void
guard_sieve_tick(struct guard *g)
{
	const bool before = sieve_is_settled(&g->sieve);

	sieve_tick(&g->sieve, g->gate->counters.syns);
	if (!before && sieve_is_settled(&g->sieve)) {
		say_state(g);
	}
	accept_if_possible(g);
}

/* Its ring goes with it, should it not come up again. */
void
guard_sieve_pause(struct guard *g)
{
	if (sieve_accepts(&g->sieve)) {
		sieve_accept_none(&g->sieve);
		bpf_wait();
		guard_drain(g);
	}
}

size_t
guard_sieve_syns(const struct sieve_record *r, struct packet *syns)
{
	size_t count = 0;

	for (size_t i = 0; i < SIEVE_FRAMES; i++) {
		if (r->frame[i] == 0) {
			continue;
		}
		syns[count++] = (struct packet){
			.src = sieve_addr_read(&r->quad.src, r->quad.family),
			.dst = sieve_addr_read(&r->quad.dst, r->quad.family),
			.sport = SIEVE_FRAME_SPORT(r->frame[i]),
			.dport = r->quad.dport,
			.seq = SIEVE_FRAME_SEQ(r->frame[i]),
			.window = r->quad.mark,
			.flags = PACKET_SYN,
		};
	}
	return count;
}

/* A group that the program has begun with. */
static void
inherit(void *context, const struct sieve_record *r)
{
	const struct gate_now now = guard_now();
	struct packet syns[FRAME_MAX];

	guard_witness(context, &now, syns, guard_sieve_syns(r, syns));
}

/* So that none has to wait for another SYN of its connection. */
static void
take_over(struct guard *g)
{
	sieve_detach(&g->sieve);
	if (g->sieve.config && bpf_wait() == 0) {
		guard_drain(g);
		sieve_groups_empty(&g->sieve, inherit, g);
	}
}

void
guard_sieve_change(struct guard *g)
{
	struct sieve_plan plan;

	take_over(g);
	/* What is no longer right must not stay. */
	if (sieve_plan_make(&plan, g->conf) < 0) {
		guard_sieve_close(g);
	} else {
		sieve_change(&g->sieve, &plan.tables);
		sieve_plan_free(&plan);
	}
	if (!g->sieve.config) {
		guard_sieve_remember(g);
	}
}

void
guard_sieve_close(struct guard *g)
{
	sieve_accept_none(&g->sieve);
	if (g->sieve.config && bpf_wait() == 0 && guard_settle(g)) {
		store_set_ahead(&g->store, false);
	}
	sieve_close(&g->sieve);
}

static size_t
unseen_of(const struct sieve_record *r)
{
	size_t count = 0;

	for (size_t i = 0; i < SIEVE_FRAMES; i++) {
		count += r->frame[i] && !(r->frame[i] & SIEVE_FRAME_TOLD);
	}
	return count;
}

size_t
guard_sieve_take(struct guard *g, struct packet *syns,
		 struct gate_accepted *accepted)
{
	const struct sieve_record *r = sieve_record(&g->sieve);
	size_t count;

	*accepted = (struct gate_accepted){ 0 };
	if (!r) {
		return 0;
	}
	count = guard_sieve_syns(r, syns);
	if (r->instant != 0 && count >= FRAME_BASE) {
		*accepted = (struct gate_accepted){
			.frames = syns,
			.count = count,
			.unseen = unseen_of(r),
			.tag = r->tag,
			.instant = r->instant,
			.now = r->now,
		};
	}
	return count;
}

void
guard_sieve_taken(struct guard *g)
{
	sieve_record_done(&g->sieve);
}

void
guard_sieve_charge(struct guard *g, const struct gate_now *now)
{
	const struct sieve_charge *charge;

	while ((charge = sieve_charge(&g->sieve)) != NULL) {
		const struct packet_addr src =
			sieve_addr_read(&charge->src, charge->family);

		gate_charge(g->gate, now, &src);
		sieve_charge_done(&g->sieve);
	}
}

size_t
guard_sieve_stats(struct guard *g, struct stat_item *items)
{
	const struct sieve *s = &g->sieve;
	uint64_t n[SIEVE_COUNTS];
	static char why[SIEVE_WHY_MAX];

	sieve_counts(s, n);
	sieve_reason(s, why);
	const struct stat_item all[] = {
		{ "fastpath", "fast path", sieve_state(s), 0 },
		{ "fastpath_reason", "fast path because", why, 0 },
		{ "sieve_syns", "sieve: SYNs", NULL, n[SIEVE_SEEN] },
		{ "sieve_taken", "sieve: taken", NULL, n[SIEVE_TAKEN] },
		{ "sieve_passed", "sieve: left to the queue", NULL,
		  n[SIEVE_PASSED] },
		{ "sieve_verified", "sieve: groups verified", NULL,
		  n[SIEVE_VERIFIED] },
		{ "sieve_accepted", "sieve: groups accepted", NULL,
		  n[SIEVE_ACCEPTED] },
		{ "sieve_mac", "sieve: groups dropped", NULL, n[SIEVE_MAC] },
		{ "sieve_dropped", "sieve: SYNs dropped", NULL,
		  n[SIEVE_DROPPED] },
		{ "sieve_lost", "sieve: groups lost", NULL, n[SIEVE_LOST] },
	};

	memcpy(items, all, sizeof all);
	return sizeof all / sizeof all[0];
}
