#include "base/undumpable.h"

/* POSIX has no word for it; who was another user's once is refused anyway. */
void
undumpable_refuse(void)
{
}
