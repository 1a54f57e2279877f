#include "server/worker_door.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct door_conf
conf_of(const struct server_conf *conf)
{
	return (struct door_conf){
		.acl = &conf->acl,
		.loopback_open = !conf->hide_loopback,
		.queue = conf->settings.queue,
	};
}

/* What it can't protect. */
static void
say_limits(const struct door *d)
{
	const struct door_version *v = &d->now;
	char others[128];

	if (v->without > 0) {
		log_say(LOG_LEVEL_WARNING,
			"door: none for %zu ports, as %u: %s", v->without,
			v->without_port, v->without_why);
	}
	if (d->in_vrf) {
		log_say(LOG_LEVEL_WARNING,
			"door: none for rules with indev=%s, which is in a VRF",
			d->in_vrf);
	}
	if (door_others(d, others, sizeof others) > 0) {
		log_say(LOG_LEVEL_WARNING,
			"door: other programs may choose sockets in spite of "
			"it: %s",
			others);
	}
}

static void
say_pinned(const struct worker *g)
{
	const struct door *d = &g->door;

	if (!d->is_pinned && !g->unconfirmed) {
		log_say(LOG_LEVEL_INFO, "door: %s; it goes with this process",
			d->why);
	}
}

/* One that an earlier server left, where this one has none. */
static void
remove_old(const struct worker *g)
{
	char path[DOOR_PATH_MAX];
	int rc = door_remove(g->conf->settings.queue);

	door_pin_path(path, g->conf->settings.queue);
	if (rc == 0) {
		log_say(LOG_LEVEL_INFO,
			"door: that of an earlier server is taken away");
	} else if (rc != -ENOENT) {
		log_say(LOG_LEVEL_ERROR,
			"door: that of an earlier server can't be taken away: "
			"%s: %s",
			path, strerror(-rc));
	}
}

/* Why there is none to be; or NULL. */
static const char *
unwanted(const struct server_conf *conf)
{
	/* Who makes the rules knows what else may come to a listener. */
	if (conf->settings.firewall == FIREWALL_NONE) {
		return "firewall=none";
	}
	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		if (conf->acl.rules[i].type == ACL_LOCAL) {
			return NULL;
		}
	}
	return "no rule is type=LOCAL";
}

void
worker_door_open(struct worker *g)
{
	const struct door_conf conf = conf_of(g->conf);
	struct door *d = &g->door;
	const char *why = unwanted(g->conf);

	if (why) {
		snprintf(d->why, sizeof d->why, "%s", why);
		remove_old(g);
		return;
	}
	if (g->unconfirmed) {
		/* It would be pinned. */
		remove_old(g);
	}
	door_open(d, &conf);
	if (d->on && g->unconfirmed) {
		snprintf(d->why, sizeof d->why,
			 "not pinned before it is confirmed");
	} else if (d->on) {
		door_keep(d);
	}
	if (!d->on) {
		log_say(LOG_LEVEL_WARNING,
			"door: off (%s); the rules hide alone", d->why);
		remove_old(g);
		return;
	}
	say_pinned(g);
	say_limits(d);
}

bool
worker_door_confirm(struct worker *g)
{
	g->unconfirmed = false;
	if (g->door.on) {
		door_keep(&g->door);
		say_pinned(g);
	}
	return g->door.is_pinned;
}

int
worker_door_prepare(struct worker *g, const struct server_conf *conf)
{
	const struct door_conf wanted = conf_of(conf);

	return door_prepare(&g->door, &wanted);
}

void
worker_door_commit(struct worker *g)
{
	int rc;

	if (!g->door.on) {
		door_close(&g->door);
		worker_door_open(g);
		return;
	}
	rc = door_commit(&g->door);
	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR,
			"door: %s; it goes by the old configuration",
			strerror(-rc));
	}
	say_limits(&g->door);
}

void
worker_door_abandon(struct worker *g)
{
	door_abandon(&g->door);
}

/* Whether no stranger finds a listener of a protected port. */
static bool
is_whole(const struct door *d)
{
	char others[128];

	return d->on && d->now.without == 0 && !d->in_vrf &&
		door_others(d, others, sizeof others) == 0;
}

const char *
worker_door_choose(const struct worker *g, struct server_conf *conf)
{
	const bool can = is_whole(&g->door);
	bool wanted = false;

	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		struct acl_rule *rule = &conf->acl.rules[i];

		if (rule->hide == ACL_CLOSED) {
			wanted = true;
			rule->hide = can ? ACL_CLOSED : ACL_FILTERED;
		}
	}
	if (!wanted) {
		return "none";
	}
	if (!can) {
		log_say(LOG_LEVEL_WARNING,
			"hide=closed: there is no door to count on; these "
			"ports don't answer, as with hide=filtered");
	}
	return can ? "closed" : "filtered, no door";
}

void
worker_door_tick(struct worker *g)
{
	door_tick(&g->door);
}

void
worker_door_remove(struct worker *g)
{
	const uint16_t queue = g->conf->settings.queue;
	char path[DOOR_PATH_MAX];
	int rc = g->door.on ? door_end(&g->door, queue) : 0;

	door_pin_path(path, queue);
	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "door: %s: %s", path, strerror(-rc));
	}
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

	(void)door_others(d, names, sizeof names);
	return names[0] ? names : "none";
}

static const char *
without(const struct door *d)
{
	const struct door_version *v = &d->now;
	static char text[DOOR_WHY_MAX];

	if (v->without > 0) {
		snprintf(text, sizeof text, "%zu, as %u: %s", v->without,
			 v->without_port, v->without_why);
	} else if (d->in_vrf) {
		snprintf(text, sizeof text, "indev=%s: it is in a VRF",
			 d->in_vrf);
	} else {
		snprintf(text, sizeof text, "none");
	}
	return text;
}

size_t
worker_door_stats(struct worker *g, struct stat_item *items)
{
	const struct door *d = &g->door;
	uint64_t counts[DOOR_COUNTS];

	door_counts(d, counts);
	const struct stat_item all[] = {
		{ "door", "door", d->on ? "on" : "off", 0 },
		{ "door_reason", "door because", d->why, 0 },
		{ "door_pinned", "door pinned", d->is_pinned ? d->path : "no",
		  0 },
		{ "door_without", "ports without a door", without(d), 0 },
		{ "door_others", "other socket lookups", others(d), 0 },
		{ "door_refused", "door: refused", NULL, counts[DOOR_REFUSED] },
		{ "door_failed", "door: not told", NULL,
		  g->shared->door_failed },
	};

	static_assert(sizeof all <= WORKER_DOOR_STATS * sizeof all[0],
		      "as many items as there is room for");
	memcpy(items, all, sizeof all);
	return sizeof all / sizeof all[0];
}
