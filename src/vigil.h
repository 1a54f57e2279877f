/*
 * Attacks that take their time: after other groups, after a while, after
 * a restart; and guessing.
 */
#ifndef TAP_VIGIL_H
#define TAP_VIGIL_H

#include "siege.h"

void vigil_displace(struct siege *s, struct assault_result *result);
/* The delays have to be asked for in the order of attack.h. */
void vigil_delay(struct siege *s, enum attack_kind kind,
		 struct assault_result *result);
void vigil_restart(struct siege *s, struct assault_result *result);
void vigil_guess(struct siege *s, struct assault_result *result);

#endif
