#include "daemon/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"
#include "conf/settings.h"
#include "tap.h"

static int
ask_queue(const struct ask_daemon *daemon, uint16_t queue,
	  enum control_request request, char reply[CONTROL_REPLY_MAX])
{
	char name[32];

	snprintf(name, sizeof name, "tap-%s-%u", daemon->side, queue);
	return control_ask(name, request, reply);
}

static int
ask(const struct ask_daemon *daemon, enum control_request request)
{
	static char reply[CONTROL_REPLY_MAX];
	uint16_t queue = daemon->queue >= 0
		? (uint16_t)daemon->queue
		: settings_peek_queue(daemon->conf, daemon->usual);
	int rc = ask_queue(daemon, queue, request, reply);

	if (rc == -ECONNREFUSED && daemon->queue < 0 &&
	    queue != daemon->usual) {
		/* Perhaps it was started without this configuration. */
		rc = ask_queue(daemon, daemon->usual, request, reply);
	}
	if (rc == -ECONNREFUSED) {
		fprintf(stderr, "tap %s: none runs here with queue %u\n",
			daemon->side, queue);
		return TAP_NO;
	}
	if (rc < 0) {
		fprintf(stderr, "tap %s: %s\n", daemon->side,
			rc == -ETIMEDOUT ? "it does not answer (are you root?)"
					 : strerror(-rc));
		return TAP_SYSTEM;
	}
	fputs(reply, stdout);
	return TAP_OK;
}

int
ask_status(const struct ask_daemon *daemon, bool json)
{
	return ask(daemon, json ? CONTROL_STATUS_JSON : CONTROL_STATUS_TEXT);
}

int
ask_confirm(const struct ask_daemon *daemon)
{
	return ask(daemon, CONTROL_CONFIRM);
}
