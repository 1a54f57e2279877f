/*
 * Rules by iptables-restore: one variant of the tools, both families.
 */
#ifndef TAP_FIREWALL_IPTABLES_H
#define TAP_FIREWALL_IPTABLES_H

#include <stdbool.h>

#include "base/text.h"
#include "firewall/firewall.h"

/*
 * Put the plan in place of what stands under its name, with the tools of
 * fw->variant.  0, or -1 with err; then one family may have changed.
 */
int iptables_install(struct fw *fw, const struct fw_plan *plan, char *err);
/* Remove what a variant's tools find under this name.  0, or -1 with err. */
int iptables_remove(struct fw *fw, unsigned variant, char *err);
/* Whether a variant's tools find rules of this name already. */
bool iptables_left(const struct fw *fw, unsigned variant);
/*
 * The installed rules of the plan, and what others have put before them in the
 * same hooks, as text to compare. 0; 1 where a hook has none, or -1 where the
 * tool fails.
 */
int iptables_standing(struct fw *fw, const struct fw_plan *plan,
		      struct text *t);

#endif
