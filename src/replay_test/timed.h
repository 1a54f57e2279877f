/*
 * Attacks that take their time: after other groups, after a while, after
 * a restart; and guessing.
 */
#ifndef TAP_REPLAY_TEST_TIMED_H
#define TAP_REPLAY_TEST_TIMED_H

#include "replay_test/session.h"

void attack_slow_displace(struct attack_ground *s,
			  struct attack_run_result *result);
/* The delays have to be asked for in the order of attacks.h. */
void attack_slow_delay(struct attack_ground *s, enum attack_kind kind,
		       struct attack_run_result *result);
void attack_slow_restart(struct attack_ground *s,
			 struct attack_run_result *result);
void attack_slow_guess(struct attack_ground *s,
		       struct attack_run_result *result);

#endif
