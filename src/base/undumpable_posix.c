#include "base/undumpable.h"

/* POSIX has no call for it; processes that changed user are protected. */
void
undumpable_refuse(void)
{
}
