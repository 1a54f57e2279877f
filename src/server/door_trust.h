/*
 * hide=closed lets strangers go on to the stack, where the door has no
 * listener for them.  So rules, and the worker, count on the door no further
 * than it stands: without a whole one such ports look filtered, at the start
 * and a reload, and as soon as that is seen.
 */
#ifndef TAP_SERVER_DOOR_TRUST_H
#define TAP_SERVER_DOOR_TRUST_H

#include <stdbool.h>

#include "firewall/plan.h"
#include "server/worker.h"

struct door_trust {
	bool wanted;     /* a rule has hide=closed */
	bool partly;     /* some have ports without a door, and are filtered */
	bool given;      /* its strangers go on */
	bool complained; /* rules can't be changed, and the log says so */
};

/*
 * The door was put up for this configuration: its rules become hide=filtered
 * where it is of no use.
 */
void door_trust_choose(struct door_trust *t, struct worker *g,
		       struct server_conf *conf);
/* The plan of the rules.  0, or -1 where memory is out. */
int door_trust_plan(const struct door_trust *t, const struct worker *g,
		    const struct server_conf *conf, struct plan *plan);
/*
 * Every second or so, after worker_door_tick(): other rules in the place of
 * those of the plan, where the door has become more or less than it was, or the
 * fast path is given up.
 */
void door_trust_follow(struct door_trust *t, struct worker *g,
		       struct plan *plan, struct fw *fw);
/*
 * Worker and door for another configuration, before its rules: these may let
 * go on whom the door alone finds no listener for.  But where that is to
 * become less than it is, the old rules do without it first.  0; or -1, with
 * the error in err (CONF_ERROR_MAX), and all is as it was.
 */
int door_trust_change(struct door_trust *t, struct worker *g,
		      const struct server_conf *conf, struct plan *plan,
		      struct fw *fw, char *err);
/* Back to the old one, whose rules still stand; or to rules without a door. */
void door_trust_change_back(struct door_trust *t, struct worker *g,
			    const struct server_conf *old, struct plan *plan,
			    struct fw *fw);

/* How ports with hide=closed look, for the status. */
const char *door_trust_words(const struct door_trust *t);

#endif
