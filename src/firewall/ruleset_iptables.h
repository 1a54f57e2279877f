/*
 * The rules of ruleset.h as text for iptables-restore(8).
 */
#ifndef TAP_FIREWALL_RULESET_IPTABLES_H
#define TAP_FIREWALL_RULESET_IPTABLES_H

#include "base/text.h"
#include "firewall/ruleset.h"

/*
 * One hook's section for iptables-restore --noflush.  stale has lines
 * ("-D ...") that remove earlier jumps, or is empty.
 */
void ruleset_iptables(struct text *t, const struct fw_plan *plan,
		      const struct ruleset_hook *hook, unsigned family,
		      const char *stale);

#endif
