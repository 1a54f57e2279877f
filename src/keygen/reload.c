#include "keygen/reload.h"

#include <stdio.h>

#include "conf/server_conf.h"
#include "daemon/control_client.h"
#include "tap.h"

int
keygen_reload(const char *path)
{
	const struct ask_daemon daemon = {
		"server",
		-1,
		SERVER_CONF_FILE,
		SERVER_CONF_QUEUE,
	};
	int pid, status = ask_reload_for(&daemon, "keygen", &pid);

	if (status == TAP_OK) {
		fprintf(stderr, "%s: tap server, process %d, has reloaded\n",
			path, pid);
	}
	return status;
}
