#include "server/door_trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/tracking.h"
#include "server/worker_door.h"
#include "tap.h"

static bool
has_closed(const struct acl *acl)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		if (acl->rules[i].hide == ACL_CLOSED) {
			return true;
		}
	}
	return false;
}

/* Whether the door stands without any process of ours. */
static bool
door_stays(const struct worker *g)
{
	const struct door *d = &g->door;

	return d->on && d->is_pinned && d->outlives;
}

int
door_trust_plan(const struct door_trust *t, const struct worker *g,
		const struct server_conf *conf, struct plan *plan)
{
	if (plan_server(plan, conf) < 0) {
		return -1;
	}
	for (size_t i = 0; i < plan->fw.count; i++) {
		plan->matches[i].closed &= t->given;
		/* Without a program, a mark is anybody's. */
		plan->matches[i].by_ingress &= g->ingress.config != NULL;
	}
	if (g->carries) {
		/* Connections of rules that are gone go on. */
		plan->fw.switch_mark = conf->switch_mark;
	}
	plan->fw.door_stays = door_stays(g);
	plan->fw.untracked = worker_is_untracked(g) && !g->carries &&
		!tracking_needed(conf, &g->door);
	return 0;
}

static bool
has_door(const struct door *d, const struct acl_rule *rule)
{
	const struct acl_range all = { 0, UINT16_MAX };
	const struct acl_range *ports = rule->ports_count ? rule->ports : &all;
	const size_t count = rule->ports_count ? rule->ports_count : 1;

	for (size_t i = 0; i < count; i++) {
		for (uint32_t port = ports[i].low; port <= ports[i].high;
		     port++) {
			if (!door_covers(d, (uint16_t)port)) {
				return false;
			}
		}
	}
	return true;
}

void
door_trust_choose(struct door_trust *t, struct worker *g,
		  struct server_conf *conf)
{
	size_t filtered = 0;

	*t = (struct door_trust){ .wanted = has_closed(&conf->acl),
				  .given = worker_door_trust(g) };
	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		struct acl_rule *rule = &conf->acl.rules[i];

		if (rule->hide == ACL_CLOSED &&
		    !(t->given && has_door(&g->door, rule))) {
			rule->hide = ACL_FILTERED;
			filtered++;
		}
	}
	t->partly = filtered > 0;
	t->given &= has_closed(&conf->acl);
	if (t->partly) {
		log_say(LOG_LEVEL_WARNING,
			"hide=closed: there is no door to count on%s; these "
			"ports don't answer, as with hide=filtered",
			t->given ? " for all of its ports" : "");
	}
}

/* With the plan's rules in the place of the others.  0 or -1. */
static int
replace(struct door_trust *t, const struct worker *g, struct plan *plan,
	struct fw *fw)
{
	struct plan next = { 0 };
	char err[FW_ERROR_MAX] = "out of memory";

	int rc = door_trust_plan(t, g, g->conf, &next);

	next.fw.unconfirmed = plan->fw.unconfirmed;
	if (rc < 0 || fw_replace(fw, &plan->fw, &next.fw, err) < 0) {
		plan_free(&next);
		if (!t->complained) {
			log_say(LOG_LEVEL_ERROR,
				"rules that count on less than the door and "
				"the fast path: %s",
				err);
		}
		t->complained = true;
		return -1;
	}
	t->complained = false;
	plan_free(plan);
	*plan = next;
	return 0;
}

/* Whether its rules go by the mark of a program that is no more. */
static bool
is_outdated(const struct plan *plan, const struct worker *g)
{
	size_t i = 0;

	while (i < plan->fw.count && !plan->matches[i].by_ingress) {
		i++;
	}
	return i < plan->fw.count && !g->ingress.config;
}

void
door_trust_follow(struct door_trust *t, struct worker *g, struct plan *plan,
		  struct fw *fw)
{
	const bool before = t->given;
	const bool stays = door_stays(g);

	/* At the start there was none: a reload looks again. */
	t->given = worker_door_trust(g) && has_closed(&g->conf->acl);
	if (t->given == before && stays == plan->fw.door_stays &&
	    worker_is_untracked(g) == plan->fw.untracked &&
	    !is_outdated(plan, g)) {
		return;
	}
	if (replace(t, g, plan, fw) < 0) {
		t->given = before;
	} else if (t->given != before) {
		log_say(LOG_LEVEL_WARNING, "hide=closed: %s",
			t->given ? "the door is whole again: closed"
				 : "there is no door to count on; these ports "
				   "don't answer, as with hide=filtered");
	}
}

/* Other rules, which do without the door.  0 or -1. */
static int
withdraw(struct door_trust *t, struct worker *g, struct plan *plan,
	 struct fw *fw)
{
	const bool given = t->given, untracked = worker_is_untracked(g);
	int rc = 0;

	if (given || untracked) {
		t->given = false;
		worker_set_untracked(g, false);
		rc = replace(t, g, plan, fw);
	}
	if (rc < 0) {
		t->given = given;
		worker_set_untracked(g, untracked);
	}
	return rc;
}

int
door_trust_change(struct door_trust *t, struct worker *g,
		  const struct server_conf *conf, struct plan *plan,
		  struct fw *fw, char *err)
{
	const struct server_conf *old = g->conf;
	int rc = worker_door_prepare(g, conf);

	if (rc == 0 && !worker_door_will_do(g) &&
	    withdraw(t, g, plan, fw) < 0) {
		rc = -EBUSY;
	}
	if (rc == 0 && worker_configure(g, conf) != TAP_OK) {
		snprintf(err, CONF_ERROR_MAX, "no queue for forwarded packets");
	} else {
		rc = rc < 0 ? rc : worker_door_commit(g);
		if (rc == 0) {
			return 0;
		}
		snprintf(err, CONF_ERROR_MAX, "door: %s", strerror(-rc));
	}
	worker_door_abandon(g);
	worker_configure(g, old);
	return -1;
}

void
door_trust_change_back(struct door_trust *t, struct worker *g,
		       const struct server_conf *old, struct plan *plan,
		       struct fw *fw)
{
	worker_configure(g, old);
	if (worker_door_prepare(g, old) < 0 || worker_door_commit(g) < 0) {
		(void)withdraw(t, g, plan, fw);
		worker_door_remove(g);
	}
	door_trust_follow(t, g, plan, fw);
}

const char *
door_trust_words(const struct door_trust *t)
{
	if (!t->wanted) {
		return "none";
	}
	if (!t->given) {
		return "filtered, no door";
	}
	return t->partly ? "closed, but for ports without a door" : "closed";
}
