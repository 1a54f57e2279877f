#include "server/worker_stats.h"

#include <assert.h>
#include <string.h>

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

size_t
worker_stats(struct worker *g, struct stat_item *items)
{
	/* Wherever a worker was killed: the kernel counts what it lets in. */
	const struct receiver_counters *c = &g->shared->counters;
	uint64_t in_kernel[INGRESS_COUNTS];

	(void)ingress_counts(&g->ingress, in_kernel);
#define REFUSED(REASON, name)                                                  \
	{                                                                      \
		"refused." name, "refused: " name, NULL, c->by_reason[REASON]  \
	}
	const struct stat_item all[] = {
		{ "rules", "rules", NULL, g->conf->acl.rules_count },
		{ "keys", "keys", NULL, g->conf->acl.keys_count },
		{ "syns", "SYNs seen", NULL, c->syns },
		{ "groups", "groups completed", NULL,
		  c->groups + in_kernel[INGRESS_ACCEPTED] },
		{ "authenticators", "authenticators", NULL, c->macs },
		{ "accepted", "accepted", NULL,
		  c->by_reason[VERIFY_ACCEPTED] + in_kernel[INGRESS_ACCEPTED] },
		REFUSED(VERIFY_FLAGS, "flags"),
		REFUSED(VERIFY_TIME, "time"),
		REFUSED(VERIFY_KEY, "key"),
		REFUSED(VERIFY_ACL, "acl"),
		REFUSED(VERIFY_GUESS, "guess"),
		REFUSED(VERIFY_MAC, "mac"),
		REFUSED(VERIFY_REPLAY, "replay"),
		REFUSED(VERIFY_MALFORMED, "malformed"),
		REFUSED(VERIFY_INCOMPLETE, "incomplete"),
		{ "duplicates", "duplicate frames", NULL, c->duplicates },
		{ "evicted", "groups evicted", NULL, c->evicted },
		{ "held_dropped", "held SYNs dropped", NULL, c->held_early },
		{ "held", "held SYNs", NULL, g->shared->held },
		{ "assembling", "groups in assembly", NULL,
		  g->shared->assembling },
		{ "replays", "replays remembered", NULL, g->shared->replays },
		{ "closed", "SYNs to closed ports", NULL, g->shared->closed },
		{ "decoys", "SYNs to decoys", NULL, g->shared->decoys },
		{ "stray_passed", "stray packets passed", NULL,
		  g->shared->rest_passed },
		{ "stray_dropped", "stray packets dropped", NULL,
		  g->shared->rest_dropped },
		{ "queue_drops", "queue drops", NULL, worker_drops(g) },
		{ "unreadable", "unreadable messages", NULL,
		  g->shared->unreadable },
	};
#undef REFUSED

	static_assert(sizeof all == WORKER_STATS * sizeof all[0],
		      "as many items as there is room for");
	memcpy(items, all, sizeof all);
	return sizeof all / sizeof all[0];
}
