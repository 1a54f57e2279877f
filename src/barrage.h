/*
 * One attack in all its forms, in batches, each with a look whether the
 * way is open before and after it.
 */
#ifndef TAP_BARRAGE_H
#define TAP_BARRAGE_H

#include "siege.h"

void barrage_run(struct siege *s, enum attack_kind kind,
		 struct assault_result *result);

#endif
