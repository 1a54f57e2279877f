#include "server/worker_door.h"

#include <stdio.h>
#include <string.h>

static struct door_conf
conf_of(const struct worker *g)
{
	return (struct door_conf){
		.acl = &g->conf->acl,
		.loopback_open = !g->conf->hide_loopback,
		.queue = g->conf->settings.queue,
	};
}

static void
say_state(const struct worker *g)
{
	const struct door *d = &g->door;
	char others[128];

	if (!d->on) {
		log_say(LOG_LEVEL_WARNING,
			"door: off (%s); the rules hide alone", d->why);
		return;
	}
	if (!d->is_pinned) {
		log_say(LOG_LEVEL_INFO, "door: %s; it goes with this process",
			d->why);
	}
	if (d->without > 0) {
		log_say(LOG_LEVEL_WARNING,
			"door: none for %zu ports, as %u: %s", d->without,
			d->without_port, d->without_why);
	}
	if (door_others(d, others, sizeof others) > 0) {
		log_say(LOG_LEVEL_WARNING,
			"door: other programs may choose sockets in spite of "
			"it: %s",
			others);
	}
}

/* Why there is none to be; or NULL. */
static const char *
unwanted(const struct worker *g)
{
	/* Who makes the rules knows what else may come to a listener. */
	if (g->conf->settings.firewall == FIREWALL_NONE) {
		return "firewall=none";
	}
	for (size_t i = 0; i < g->conf->acl.rules_count; i++) {
		if (g->conf->acl.rules[i].type == ACL_LOCAL) {
			return NULL;
		}
	}
	return "no rule is type=LOCAL";
}

void
worker_door_open(struct worker *g)
{
	const struct door_conf conf = conf_of(g);
	const char *why = unwanted(g);

	if (why) {
		snprintf(g->door.why, sizeof g->door.why, "%s", why);
		return;
	}
	door_open(&g->door, &conf);
	say_state(g);
}

void
worker_door_change(struct worker *g)
{
	const struct door_conf conf = conf_of(g);

	if (g->door.on) {
		(void)door_change(&g->door, &conf);
		say_state(g);
	} else {
		door_close(&g->door);
		worker_door_open(g);
	}
}

void
worker_door_tick(struct worker *g)
{
	door_tick(&g->door);
}

void
worker_door_remove(struct worker *g)
{
	if (g->door.on) {
		(void)door_remove(g->conf->settings.queue);
	}
	door_close(&g->door);
}

void
worker_door_undo(struct worker *g)
{
	if (!g->door.taken_over) {
		worker_door_remove(g);
	}
}

static void
accept_none(struct receiver_result *result)
{
	if (result->verdict == RECEIVER_ACCEPT) {
		result->verdict = RECEIVER_DROP;
	}
	for (size_t i = 0; i < result->releases_count; i++) {
		result->releases[i].verdict = RECEIVER_DROP;
	}
}

void
worker_door_admit(struct worker *g, const struct receiver_packet *in,
		  struct receiver_result *result)
{
	/* Through this host, there is no listener here. */
	for (size_t i = 0; i < result->events_count && !in->forwarded; i++) {
		const struct receiver_event *e = &result->events[i];

		if (e->reason == VERIFY_ACCEPTED &&
		    door_admit(&g->door, &g->conf->acl, &e->src, e->sport,
			       e->dport) < 0) {
			g->shared->door_failed++;
			accept_none(result);
		}
	}
}

static const char *
others(const struct door *d)
{
	static char names[128];

	return door_others(d, names, sizeof names) > 0 ? names : "none";
}

size_t
worker_door_stats(struct worker *g, struct stat_item *items)
{
	static char without[DOOR_WHY_MAX];
	const struct door *d = &g->door;
	uint64_t counts[DOOR_COUNTS];

	door_counts(d, counts);
	if (d->without > 0) {
		snprintf(without, sizeof without, "%zu, as %u: %s", d->without,
			 d->without_port, d->without_why);
	} else {
		snprintf(without, sizeof without, "none");
	}
	const struct stat_item all[] = {
		{ "door", "door", d->on ? "on" : "off", 0 },
		{ "door_reason", "door because", d->why, 0 },
		{ "door_pinned", "door pinned", d->is_pinned ? d->path : "no",
		  0 },
		{ "door_without", "ports without a door", without, 0 },
		{ "door_others", "other socket lookups", others(d), 0 },
		{ "door_refused", "door: refused", NULL, counts[DOOR_REFUSED] },
		{ "door_failed", "door: not told", NULL,
		  g->shared->door_failed },
	};

	memcpy(items, all, sizeof all);
	return sizeof all / sizeof all[0];
}
