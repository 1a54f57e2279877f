#include "server/worker_stats.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "os/clock.h"

uint64_t
worker_drops(const struct worker *g)
{
	uint64_t sum = 0;

	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		struct nfq_drops drops;

		if (g->queues[queue].nl.fd >= 0 &&
		    nfq_read_drops(g->drops, g->queues[queue].queue, &drops) ==
			    0) {
			sum += drops.queue_full + drops.socket_full;
		}
	}
	return sum;
}

/* In the order of the checks; what was not even complete comes last. */
static size_t
put_refused(struct stat_item *items, const struct receiver_counters *c)
{
	static const struct stat_item names[VERIFY_ACCEPTED] = {
#define X(reason, word)                                                        \
	[VERIFY_##reason] = { "refused." word, "refused: " word, NULL, 0 },
		REASONS(X)
#undef X
	};

	for (size_t i = 0; i < VERIFY_ACCEPTED; i++) {
		const size_t reason = (i + 1) % VERIFY_ACCEPTED;

		items[i] = names[reason];
		items[i].number = c->by_reason[reason];
	}
	return VERIFY_ACCEPTED;
}

size_t
worker_stats(struct worker *g, struct stat_item *items)
{
	/* Wherever a worker was killed: the kernel counts what it lets in. */
	const struct receiver_counters *c = &g->shared->counters;
	uint64_t in_kernel[INGRESS_COUNTS];
	size_t count;

	(void)ingress_counts(&g->ingress, in_kernel);
	const struct stat_item first[] = {
		{ "rules", "rules", NULL, g->conf->acl.rules_count },
		{ "keys", "keys", NULL, g->conf->acl.keys_count },
		{ "syns", "SYNs seen", NULL, c->syns },
		{ "groups", "groups completed", NULL,
		  c->groups + in_kernel[INGRESS_ACCEPTED] },
		{ "authenticators", "authenticators", NULL, c->macs },
		{ "accepted", "accepted", NULL,
		  c->by_reason[VERIFY_ACCEPTED] + in_kernel[INGRESS_ACCEPTED] },
	};
	const struct stat_item last[] = {
		{ "duplicates", "duplicate frames", NULL, c->duplicates },
		{ "evicted", "groups evicted", NULL, c->evicted },
		{ "held_dropped", "held SYNs dropped", NULL, c->held_early },
		{ "held", "held SYNs", NULL, g->shared->held },
		{ "assembling", "groups in assembly", NULL,
		  g->shared->assembling },
		{ "replays", "replays remembered", NULL, g->shared->replays },
		{ "closed", "SYNs to closed ports", NULL, g->shared->closed },
		{ "decoys", "SYNs to decoys", NULL, g->shared->decoys },
		{ "untracked_passed", "untracked: passed", NULL,
		  g->shared->untracked_passed },
		{ "untracked_dropped", "untracked: dropped", NULL,
		  g->shared->untracked_dropped },
		{ "queue_drops", "queue drops", NULL, worker_drops(g) },
		{ "unreadable", "unreadable messages", NULL,
		  g->shared->unreadable },
		{ "unanswered", "accepted, no SYN/ACK", NULL,
		  g->shared->unanswered },
	};

	static_assert(sizeof first + sizeof last ==
			      (WORKER_STATS - VERIFY_ACCEPTED) *
				      sizeof first[0],
		      "as many items as there is room for");
	memcpy(items, first, sizeof first);
	count = sizeof first / sizeof first[0];
	count += put_refused(items + count, c);
	memcpy(items + count, last, sizeof last);
	return count + sizeof last / sizeof last[0];
}

void
worker_stats_accept(struct worker *g, const struct receiver_event *e)
{
	struct worker_shared *shared = g->shared;
	const uint16_t key_no = (uint16_t)e->key_no;

	if (e->key_no < 0 || e->key_no > UINT16_MAX) {
		return;
	}
	shared->keys[key_no].accepted++;
	shared->keys[key_no].last = (uint64_t)time(NULL);
	shared->recent[shared->recent_count++ % WORKER_RECENT] =
		(struct worker_accepted){
			.src = e->src,
			.sport = e->sport,
			.dport = e->dport,
			.key_no = key_no,
			.skew = e->skew,
			.instant = clock_instant(),
		};
}

static void
put_keys(const struct worker *g, const struct metrics *m, const char *name,
	 bool when)
{
	for (size_t i = 0; i < g->conf->acl.keys_count; i++) {
		const struct acl_key *key = &g->conf->acl.keys[i];
		const struct worker_key *use = &g->shared->keys[key->no];

		fprintf(m->file, "%s_%s{key=\"%u\",name=", m->prefix, name,
			key->no);
		metrics_put_value(m, key->name);
		fprintf(m->file, "} %" PRIu64 "\n",
			when ? use->last : use->accepted);
	}
}

void
worker_stats_keys(const struct worker *g, const struct metrics *m)
{
	static const char accepted[] = "key_accepted_total";
	static const char last[] = "key_last_accepted_timestamp_seconds";

	metrics_put_head(m, accepted, "counter",
			 "Connections that were let in, by key");
	put_keys(g, m, accepted, false);
	metrics_put_head(
		m, last, "gauge",
		"When a key was let in last, or 0: not since the start");
	put_keys(g, m, last, true);
}
