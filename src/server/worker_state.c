#include "server/worker_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fastpath/ingress_map.h"
#include "base/why.h"
#include "fastpath/ingress_replays.h"
#include "os/clock.h"
#include "tap.h"

/* Open the memory of replays, and say what became of it. */
static int
open_store(struct worker *g)
{
	const char *path = g->conf->replay_file;
	char usual[64], why[WHY_MAX];

	if (path[0] == '\0') {
		mkdir("/var/lib/tap", 0700);
		snprintf(usual, sizeof usual, SERVER_CONF_REPLAYS,
			 g->conf->settings.queue);
		path = usual;
	} else if (strcmp(path, "none") == 0) {
		path = NULL;
	}
	if (replay_file_open(&g->store, path, g->conf->limits.replays,
			     clock_ms(), why) < 0) {
		return log_fail("replay memory", -ENOMEM);
	}
	if (why[0]) {
		log_say(LOG_LEVEL_WARNING, "%s", why);
	} else if (g->store.state == REPLAY_FILE_LOST) {
		log_say(LOG_LEVEL_WARNING,
			"%s: no replay memory of this host and size; groups "
			"sent before now are refused",
			path);
	}
	return TAP_OK;
}

int
worker_state_open(struct worker *g)
{
	const struct receiver_limits *limits = &g->conf->limits;

	g->shared = monitor_memory(sizeof *g->shared);
	g->handed =
		monitor_memory(sizeof *g->handed * limits->reassembly.frames);
	g->receiver = monitor_worker_memory(sizeof *g->receiver);
	g->receiver_memory = monitor_worker_memory(receiver_size(limits));
	g->guesses = monitor_memory(guess_size(limits->guesses));
	if (!g->guesses || !g->shared || !g->handed || !g->receiver ||
	    !g->receiver_memory) {
		return log_fail("memory", -ENOMEM);
	}
	/*
	 * One key for all workers, because handed-over frames have its hashes.
	 */
	if (getrandom(&g->hash, sizeof g->hash, 0) != sizeof g->hash) {
		return log_fail("getrandom", -errno);
	}
	if (open_store(g) != TAP_OK) {
		return TAP_SYSTEM;
	}
	g->begin_ms = g->store.begin_ms;
	return TAP_OK;
}

/* Later than all that the kernel's program may have accepted. */
static uint64_t
begin_anew(void)
{
	return clock_ms() + INGRESS_AHEAD_MS;
}

void
worker_state_prepare(struct worker *g)
{
	/* If all are killed before the worker is ready, nothing is known. */
	replay_file_begin(&g->store, begin_anew());
}

void
worker_state_ready(struct worker *g, uint32_t damaged)
{
	if (damaged > 0) {
		log_say(LOG_LEVEL_WARNING,
			"replay memory: %u places damaged; groups sent before "
			"now are refused",
			damaged);
		g->begin_ms = g->store.begin_ms;
	} else {
		replay_file_begin(&g->store, g->begin_ms);
	}
	g->hands_over = true;
}

void
worker_state_recover(struct worker *g, bool sound)
{
	g->hands_over = false;
	if (!sound) {
		log_say(LOG_LEVEL_WARNING,
			"replay memory: no longer trusted; groups sent before "
			"now are refused");
		g->begin_ms = begin_anew();
	}
}

/* ---- in the worker */

/* Release what only the monitor needs. */
static void
let_go(struct worker *g)
{
	replay_file_leave(&g->store);
}

static void
take_handed(struct worker *g)
{
	const uint64_t most = g->conf->limits.reassembly.frames;
	const struct receiver_now now = worker_now();
	uint64_t count = g->shared->handed;

	for (uint64_t i = 0; g->hands_over && i < count && i < most; i++) {
		const struct handed_frame frame = g->handed[i];

		if ((frame.held && !worker_may_hold(g, frame.id)) ||
		    (!hand_over_take(g->receiver, &now, &frame) &&
		     frame.held)) {
			worker_drop(g, frame.id);
		}
	}
	g->shared->handed = 0;
}

uint32_t
worker_state_begin(struct worker *g)
{
	struct receiver_now begin = { .ms = g->begin_ms };
	const struct receiver_counters counters = g->shared->counters;
	uint32_t damaged;

	let_go(g);
	damaged =
		receiver_init(g->receiver, g->receiver_memory, g->store.replay,
			      &g->conf->limits, &g->conf->acl, &g->hash);
	/* Whoever makes workers end gains no guess by that. */
	guess_init(&g->receiver->guess, g->guesses, g->conf->limits.guesses,
		   &g->hash);
	g->receiver->counters = counters;
	damaged += !ingress_resume(&g->ingress);
	if (damaged > 0) {
		begin.ms = g->store.begin_ms;
	}
	receiver_begin_unknown(g->receiver, &begin);
	take_handed(g);
	return damaged;
}

void
worker_state_publish(struct worker *g)
{
	struct worker_shared *s = g->shared;

	s->counters = g->receiver->counters;
	s->held = g->receiver->reassembly.held_used;
	s->assembling = g->receiver->reassembly.groups_used;
	s->replays = g->receiver->replay.count;
	s->unreadable = 0;
	for (size_t queue = 0; queue < FW_QUEUES; queue++) {
		s->unreadable += g->queues[queue].unreadable;
	}
}

void
worker_state_leave(struct worker *g)
{
	g->shared->handed = hand_over(g->receiver, g->handed,
				      g->conf->limits.reassembly.frames);
}
