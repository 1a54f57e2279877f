#include "base/undumpable.h"

/*
 * No report of a crash, which would hold memory.  Windows lets others of the
 * same user read it all the same.
 */
void
undumpable_refuse(void)
{
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX |
		     SEM_NOOPENFILEERRORBOX);
}
