#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control.h"
#include "tap.h"

static int
ask(const char *side, uint16_t queue, uint16_t usual,
    enum control_request request)
{
	static char reply[CONTROL_REPLY_MAX];
	char name[32];
	int rc;

	snprintf(name, sizeof name, "tap-%s-%u", side, queue);
	rc = control_ask(name, request, reply);
	if (rc == -ECONNREFUSED && usual != queue) {
		/* Perhaps it was started without this configuration. */
		snprintf(name, sizeof name, "tap-%s-%u", side, usual);
		rc = control_ask(name, request, reply);
	}
	if (rc == -ECONNREFUSED) {
		fprintf(stderr, "tap %s: none runs here with queue %u\n", side,
			queue);
		return TAP_NO;
	}
	if (rc < 0) {
		fprintf(stderr, "tap %s: %s\n", side,
			rc == -ETIMEDOUT ? "it does not answer (are you root?)" :
					   strerror(-rc));
		return TAP_SYSTEM;
	}
	fputs(reply, stdout);
	return TAP_OK;
}

int
ask_status(const char *side, uint16_t queue, uint16_t usual, bool json)
{
	return ask(side, queue, usual, json ? CONTROL_STATUS_JSON :
				       CONTROL_STATUS_TEXT);
}

int
ask_confirm(uint16_t queue, uint16_t usual)
{
	return ask("server", queue, usual, CONTROL_CONFIRM);
}
