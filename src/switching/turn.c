#include "switching/turn.h"

bool
turn_client(struct turn *t, bool heard_all)
{
	if (t->real == 0 || !heard_all) {
		return false;
	}
	*t = (struct turn){ .number = t->number + 1 };
	return true;
}

uint64_t
turn_to_drop(const struct turn *t)
{
	return t->real > t->decoy ? t->real - t->decoy : 0;
}

enum turn_place
turn_place(const struct turn *t)
{
	if (t->decoy >= t->real) {
		return TURN_LEVEL;
	}
	return t->decoy == 0 ? TURN_SILENT : TURN_BEHIND;
}
