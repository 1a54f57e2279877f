#include "server/worker_door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "server/worker_mirror.h"

static struct door_conf
conf_of(const struct server_conf *conf)
{
	return (struct door_conf){
		.acl = &conf->acl,
		.loopback_open = !conf->hide_loopback,
		.queue = conf->settings.queue,
	};
}

/* Say what the door cannot protect. */
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
		log_say(LOG_LEVEL_INFO, "door: %s; it ends with this process",
			d->why);
	}
}

void
worker_door_settle(const struct worker *g)
{
	char path[DOOR_PATH_MAX];
	int rc = g->door.is_pinned ? -ENOENT
				   : door_remove(g->conf->settings.queue);

	door_pin_path(path, g->conf->settings.queue);
	if (rc == 0) {
		log_say(LOG_LEVEL_INFO,
			"door: removed that of an earlier server");
	} else if (rc != -ENOENT) {
		log_say(LOG_LEVEL_ERROR,
			"door: cannot remove that of an earlier server: "
			"%s: %s",
			path, strerror(-rc));
	}
}

/* Why there is no door, or NULL. */
static const char *
unwanted(const struct server_conf *conf)
{
	/* With firewall=none, tap does not know which rules there are. */
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
	struct door_conf conf = conf_of(g->conf);
	struct door *d = &g->door;
	const char *why = unwanted(g->conf);

	if (why) {
		snprintf(d->why, sizeof d->why, "%s", why);
		return;
	}
	/* That which stands is pinned. */
	conf.fresh = g->unconfirmed;
	door_open(d, &conf);
	if (d->on && g->unconfirmed) {
		snprintf(d->why, sizeof d->why,
			 "not pinned before it is confirmed");
	} else if (d->on) {
		door_keep(d);
	}
	if (!d->on) {
		log_say(LOG_LEVEL_WARNING,
			"door: off (%s); only the firewall rules hide", d->why);
		return;
	}
	say_pinned(g);
	say_limits(d);
}

bool
worker_door_confirm(struct worker *g)
{
	g->unconfirmed = false;
	__atomic_store_n(&g->shared->confirmed, true, __ATOMIC_RELAXED);
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

int
worker_door_commit(struct worker *g)
{
	int rc;

	if (!g->door.on) {
		door_close(&g->door);
		worker_door_open(g);
		return 0;
	}
	rc = door_commit(&g->door);
	if (rc == 0) {
		say_limits(&g->door);
	}
	return rc;
}

void
worker_door_abandon(struct worker *g)
{
	door_abandon(&g->door);
}

static bool
is_whole(const struct door *d)
{
	char others[128];

	return d->on && !d->lost && !d->in_vrf &&
		door_others(d, others, sizeof others) == 0;
}

bool
worker_door_trust(struct worker *g)
{
	const bool trusted = is_whole(&g->door);

	__atomic_store_n(&g->shared->door_trusted, trusted, __ATOMIC_RELAXED);
	return trusted;
}

bool
worker_door_will_do(const struct worker *g)
{
	return g->door.next.program < 0 || g->door.next.without == 0;
}

void
worker_door_tick(struct worker *g)
{
	const struct door *d = &g->door;

	switch (door_tick(&g->door)) {
	case DOOR_AS_BEFORE:
		break;
	case DOOR_PUT_BACK:
		log_say(LOG_LEVEL_ERROR,
			"door: another program took it away: put back after "
			"%llu ms at the most",
			(unsigned long long)d->gap_ms);
		break;
	case DOOR_TAKEN:
		log_say(LOG_LEVEL_ERROR,
			"door: %s, %llu ms ago at the most; the rules hide "
			"alone",
			d->why, (unsigned long long)(clock_ms() - d->seen_ms));
		break;
	}
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
	if (g->door.taken_over) {
		return;
	}
	if (g->door.is_pinned) {
		worker_door_remove(g);
	} else {
		door_close(&g->door);
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
	/* A forwarded connection has no listener on this host. */
	for (size_t i = 0; i < result->events_count && !in->forwarded; i++) {
		const struct receiver_event *e = &result->events[i];

		const bool accepted = e->reason == VERIFY_ACCEPTED;
		const int carried =
			accepted ? worker_mirror_note(g, result->rule, e) : 0;

		if (carried < 0 ||
		    (accepted &&
		     door_admit(&g->door, &g->conf->acl, &e->src, e->sport,
				e->dport, carried > 0) < 0)) {
			g->shared->door_failed++;
			accept_none(result);
		}
	}
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

static uint64_t
missing(const struct door *d)
{
	return d->missing_ms + (d->lost ? clock_ms() - d->seen_ms : 0);
}

void
worker_door_stats(struct worker *g, struct stats *s)
{
	const struct door *d = &g->door;
	uint64_t counts[DOOR_COUNTS];
	char others[128];

	door_counts(d, counts);
	(void)door_others(d, others, sizeof others);
	stat_text(s, "door", "door", d->lost ? "lost" : d->on ? "on" : "off");
	stat_text(s, "door_reason", "door reason", d->why);
	stat_text(s, "door_pinned", "door pinned",
		  d->is_pinned ? d->path : "no");
	stat_text(s, "door_without", "ports without a door", without(d));
	stat_text(s, "door_others", "other socket lookups",
		  others[0] ? others : "none");
	stat_count(s, "door_restored", "door restored", d->restored,
		   "Times that the door was put back");
	stat_count(s, "door_missing_seconds", "door missing, s",
		   (missing(d) + 999) / 1000,
		   "Time for which the door was away");
	stat_count(s, "door_refused", "door: refused", counts[DOOR_REFUSED],
		   "Lookups of a listener that the door refused");
	stat_count(s, "door_failed", "door: failed", g->shared->door_failed,
		   "Accepted SYNs that the door could not be told of");
}
