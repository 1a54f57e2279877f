/*
 * One attack in all its forms, in batches, each with a look whether the
 * way is open before and after it.
 */
#ifndef TAP_REPLAY_TEST_BATCH_H
#define TAP_REPLAY_TEST_BATCH_H

#include "replay_test/session.h"

void attack_batch(struct attack_ground *s, enum attack_kind kind,
		  struct attack_run_result *result);

#endif
