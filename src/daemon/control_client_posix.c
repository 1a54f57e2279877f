#include "daemon/control_client.h"

#include <stdio.h>

#include "tap.h"

/* No server runs on such a system. */
int
ask_reload_for(const struct ask_daemon *daemon, const char *command,
	       int *process)
{
	(void)process;
	fprintf(stderr, "tap %s: no tap %s runs on this system\n", command,
		daemon->side);
	return TAP_NO;
}
