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
 * and it is named.  An exit status: TAP_NO where one runs.
 */
int remove_rules(enum fw_side side, long queue);

#endif
