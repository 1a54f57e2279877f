#include "base/fault.h"

#ifdef TAP_FAULTS

#include <stddef.h>
#include <string.h>

static enum fault chosen;

bool
fault_choose(const char *name)
{
	static const char *const names[] = {
		[FAULT_NO_MEMORY] = "no-memory",
		[FAULT_MEMORY_OF_TEN] = "memory-of-ten",
		[FAULT_MEMORY_LOST] = "memory-lost",
		[FAULT_FUTURE_ACCEPTED] = "future-accepted",
		[FAULT_FLAGS_IGNORED] = "flags-ignored",
		[FAULT_PORT_UNCHECKED] = "port-unchecked",
		[FAULT_SOURCE_UNCHECKED] = "source-unchecked",
	};

	for (size_t i = 1; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i], name) == 0) {
			chosen = (enum fault)i;
			return true;
		}
	}
	return false;
}

bool
fault(enum fault which)
{
	return chosen == which;
}

#endif
