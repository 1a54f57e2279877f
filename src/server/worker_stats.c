#include "server/worker_stats.h"

#include <inttypes.h>
#include <time.h>

#include "fastpath/ingress_status.h"
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
static void
put_refused(struct stats *s, const struct receiver_counters *c)
{
	static const struct {
		const char *name, *label;
	} words[VERIFY_ACCEPTED] = {
#define X(reason, word)                                                        \
	[VERIFY_##reason] = { "refused." word, "refused: " word },
		REASONS(X)
#undef X
	};

	for (size_t i = 0; i < VERIFY_ACCEPTED; i++) {
		const size_t reason = (i + 1) % VERIFY_ACCEPTED;

		stat_count(s, words[reason].name, words[reason].label,
			   c->by_reason[reason],
			   "Groups and SYNs that were refused, by reason");
	}
}

void
worker_stats(struct worker *g, struct stats *s)
{
	const struct worker_shared *shared = g->shared;
	/* Wherever a worker was killed: the kernel counts what it lets in. */
	const struct receiver_counters *c = &shared->counters;
	uint64_t in_kernel[INGRESS_COUNTS];

	(void)ingress_counts(&g->ingress, in_kernel);
	stat_level(s, "rules", "rules", g->conf->acl.rules_count,
		   "Rules in the configuration");
	stat_level(s, "keys", "keys", g->conf->acl.keys_count,
		   "Keys that are loaded");
	stat_count(s, "syns", "SYNs seen", c->syns,
		   "SYNs to addresses and ports of a rule");
	stat_count(s, "groups", "groups completed",
		   c->groups + in_kernel[INGRESS_ACCEPTED],
		   "Groups that became complete");
	stat_count(s, "authenticators", "authenticators", c->macs,
		   "Authenticators that were computed");
	stat_count(s, "accepted", "accepted",
		   c->by_reason[VERIFY_ACCEPTED] + in_kernel[INGRESS_ACCEPTED],
		   "Connections that were let in");
	put_refused(s, c);
	stat_count(s, "duplicates", "duplicate frames", c->duplicates,
		   "Frames that had arrived before");
	stat_count(s, "evicted", "groups evicted", c->evicted,
		   "Groups dropped to make room for newer ones");
	stat_count(s, "held_dropped", "held SYNs dropped", c->held_early,
		   "Held SYNs dropped to make room for newer ones");
	stat_level(s, "held", "held SYNs", shared->held,
		   "SYNs that wait for the rest of their group");
	stat_level(s, "assembling", "groups in assembly", shared->assembling,
		   "Groups that wait for further frames");
	stat_level(s, "replays", "replays remembered", shared->replays,
		   "Accepted groups that are remembered");
	stat_count(s, "closed", "SYNs to closed ports", shared->closed,
		   "SYNs of strangers to ports with hide=closed");
	stat_count(s, "decoys", "SYNs to decoys", shared->decoys,
		   "SYNs of strangers to ports with hide=decoy");
	stat_count(s, "untracked_passed", "untracked: passed",
		   shared->untracked_passed,
		   "Untracked packets of a connection that passed");
	stat_count(s, "untracked_dropped", "untracked: dropped",
		   shared->untracked_dropped,
		   "Packets of no connection that were dropped");
	stat_count(s, "queue_drops", "queue drops", worker_drops(g),
		   "Packets dropped because a queue was full");
	stat_count(s, "unreadable", "unreadable messages", shared->unreadable,
		   "Messages from the kernel that made no sense");
	stat_count(s, "unanswered", "accepted, no SYN/ACK", shared->unanswered,
		   "Accepted SYNs that this host did not answer");
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
worker_stats_keys(const struct metrics *m, const void *worker)
{
	const struct worker *g = worker;
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
