#include "server/tracking.h"

#include "daemon/log.h"
#include "os/clock.h"
#include "os/conntrack.h"
#include "server/adopt.h"
#include "server/worker_door.h"

/* By then, what the rules before had the kernel do, it has undone. */
#define SETTLED_MS 1000u
/* How often others are looked for where no rule was changed. */
#define LOOK_EVERY_MS 10000u

static const char *
needed_by_rules(const struct acl *acl)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		if (acl->rules[i].type != ACL_LOCAL) {
			return "a rule is not type=LOCAL";
		}
		if (acl->rules[i].hide == ACL_DECOY) {
			return "a rule has a decoy";
		}
		/* Translated, they would go on to where there is no door. */
		if (acl->rules[i].hide == ACL_CLOSED) {
			return "a rule has hide=closed";
		}
		if (acl->rules[i].switches != ACL_SWITCH_NEVER) {
			return "a rule has switch=";
		}
	}
	return NULL;
}

static const char *
needed_by_door(const struct door *d)
{
	if (!d->on || d->lost) {
		return "there is no door";
	}
	if (!d->is_pinned || !d->outlives) {
		return "the door ends with this server";
	}
	return d->now.without > 0 || d->in_vrf ? "some ports have no door"
					       : NULL;
}

const char *
tracking_needed(const struct server_conf *conf, const struct door *d)
{
	const char *why = NULL;

	if (conf->track_always) {
		return "tracking=on";
	}
	if (conf->settings.firewall == FIREWALL_NONE) {
		return "firewall=none";
	}
	why = needed_by_rules(&conf->acl);
	return why ? why : needed_by_door(d);
}

/* A kernel without it does not track. */
static const char *
look_for_others(void)
{
	struct netlink nl;
	int rc = conntrack_open(&nl);

	if (rc == 0) {
		rc = conntrack_is_on(&nl);
		netlink_close(&nl);
	}
	if (rc == 0) {
		return NULL;
	}
	return rc > 0 ? "others track connections"
		      : "whether others track connections can't be told";
}

static void
set(struct tracking *t, struct worker *g, const char *why)
{
	const bool none = !why;

	t->why = none ? "" : why;
	if (none != worker_is_untracked(g)) {
		t->since_ms = clock_ms();
		worker_set_untracked(g, none);
	}
}

/* The same, with what others have put beside the door. */
static const char *
needed(struct worker *g)
{
	const char *why = g->carries ? "connections may be carried"
				     : tracking_needed(g->conf, &g->door);

	return why || worker_door_trust(g) ? why
					   : "other programs choose sockets";
}

void
tracking_begin(struct tracking *t, struct worker *g)
{
	const char *why = needed(g);

	*t = (struct tracking){ .others = look_for_others() };
	set(t, g, why ? why : t->others);
	t->looked_ms = clock_ms();
}

void
tracking_again(struct tracking *t)
{
	t->others = NULL;
}

/* Whether it is time to, of rules that do without. */
static bool
is_due(struct tracking *t, const struct plan *plan, const struct watchdog *k)
{
	const uint64_t now = clock_ms();

	if (!plan->fw.untracked || now - t->since_ms < SETTLED_MS ||
	    (now - t->looked_ms < LOOK_EVERY_MS &&
	     k->looked_ms == t->changed_ms)) {
		return false;
	}
	t->looked_ms = now;
	t->changed_ms = k->looked_ms;
	return true;
}

void
tracking_follow(struct tracking *t, struct worker *g, const struct plan *plan,
		const struct fw *fw, const struct watchdog *k)
{
	const bool before = worker_is_untracked(g);
	const char *why = needed(g);

	if (!why && fw->no_sockets) {
		why = "the rules can't match sockets";
	}
	/* Somebody answers in the kernel's stead, as IPVS does. */
	if (__atomic_exchange_n(&g->shared->without_socket, 0,
				__ATOMIC_RELAXED) > 0) {
		t->others = "connections have no socket here";
	}
	if (!why && is_due(t, plan, k)) {
		const char *others = look_for_others();

		t->others = others ? others : t->others;
	}
	why = why ? why : t->others;
	set(t, g, why);
	if (why && plan->fw.untracked) {
		adopt_sockets(g);
	}
	if (before != worker_is_untracked(g)) {
		log_say(LOG_LEVEL_INFO, "connection tracking: %s%s",
			why ? "on, " : "none", t->why);
	}
}

void
tracking_stats(const struct tracking *t, const struct plan *plan,
	       struct stats *s)
{
	stat_text(s, "tracking", "connection tracking",
		  plan->fw.untracked ? "none" : "on");
	stat_text(s, "tracking_reason", "tracking reason", t->why);
}
