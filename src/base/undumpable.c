#include "base/undumpable.h"

#include <sys/prctl.h>

void
undumpable_refuse(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
