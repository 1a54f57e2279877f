/*
 * Take away the rules of a tap that is not there, so that whoever it has
 * locked out gets in again.
 */
#ifndef TAP_FIREWALL_REMOVE_RULES_H
#define TAP_FIREWALL_REMOVE_RULES_H

#include "firewall/firewall.h"

/*
 * Of one queue, or (below 0) of all that rules are named for; what goes
 * is printed.  A tap that runs would put its rules back: they are left,
 * and it is named.  An exit status: TAP_NO where one runs, and otherwise
 * TAP_SYSTEM where a tool fails, so that some may be left.
 */
int remove_rules(enum fw_side side, long queue);

/*
 * In a server whose rules stand: those of other servers that are not there any
 * more, such as this one when it was killed and had another queue.  Where they
 * hide a port that this one hides, too, nobody would get in: they go, and their
 * doors.  The others are named in the log.
 */
void remove_rules_of_the_dead(const struct fw_plan *plan);

#endif
