#include "daemon/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control.h"
#include "conf/settings.h"
#include "tap.h"

#define ANSWER_MS 3000u
/* The firewall's tools may take their time, and their locks. */
#define RELOAD_MS 60000u
#define STOP_MS 60000u

static char reply[CONTROL_REPLY_MAX];
static const char *asking; /* the command that does */

static int
ask_queue(const struct ask_daemon *daemon, uint16_t queue,
	  enum control_request request)
{
	char name[32];

	snprintf(name, sizeof name, "tap-%s-%u", daemon->side, queue);
	switch (request) {
	case CONTROL_STOP:
	case CONTROL_LEAVE:
		return control_stop(name, request, STOP_MS, reply);
	case CONTROL_RELOAD:
		return control_ask(name, request, RELOAD_MS, reply);
	default:
		return control_ask(name, request, ANSWER_MS, reply);
	}
}

static int
complain(const struct ask_daemon *daemon, uint16_t queue, int rc)
{
	switch (-rc) {
	case ECONNREFUSED:
		fprintf(stderr, "tap %s: no %s runs here with queue %u\n",
			asking, daemon->side, queue);
		return TAP_NO;
	case EACCES:
		fprintf(stderr, "tap %s: only root may ask the %s\n", asking,
			daemon->side);
		return TAP_SYSTEM;
	case ETIMEDOUT:
		fprintf(stderr,
			"tap %s: the %s with queue %u does not answer\n",
			asking, daemon->side, queue);
		return TAP_SYSTEM;
	default:
		fprintf(stderr, "tap %s: the %s with queue %u: %s\n", asking,
			daemon->side, queue, strerror(-rc));
		return TAP_SYSTEM;
	}
}

/*
 * Perhaps it was started without this configuration.  But one of another
 * configuration is not to be ended in its place: its services would be
 * visible, or nobody's.
 */
static bool
may_be_the_usual(const struct ask_daemon *daemon, uint16_t queue,
		 enum control_request request)
{
	return daemon->queue < 0 && queue != daemon->usual &&
		request != CONTROL_STOP && request != CONTROL_LEAVE;
}

/* The answer is in reply; its process, or an exit status in *status. */
static int
ask(const struct ask_daemon *daemon, enum control_request request, int *status)
{
	uint16_t queue = daemon->queue >= 0
		? (uint16_t)daemon->queue
		: settings_peek_queue(daemon->conf, daemon->usual);
	int rc;

	asking = asking ? asking : daemon->side;
	rc = ask_queue(daemon, queue, request);
	if (rc == -ECONNREFUSED && may_be_the_usual(daemon, queue, request)) {
		rc = ask_queue(daemon, daemon->usual, request);
	}
	*status = rc < 0 ? complain(daemon, queue, rc) : TAP_OK;
	return rc;
}

static int
ask_and_print(const struct ask_daemon *daemon, enum control_request request)
{
	int status;

	if (ask(daemon, request, &status) >= 0) {
		fputs(reply, stdout);
	}
	return status;
}

int
ask_status(const struct ask_daemon *daemon, bool json)
{
	return ask_and_print(daemon,
			     json ? CONTROL_STATUS_JSON : CONTROL_STATUS_TEXT);
}

int
ask_confirm(const struct ask_daemon *daemon)
{
	return ask_and_print(daemon, CONTROL_CONFIRM);
}

/* An answer that begins with an exit status. */
static int
judge(int *status)
{
	if (reply[0] >= '0' && reply[0] <= '9') {
		*status = reply[0] - '0';
	} else {
		/* One of another version, which knows no such request. */
		snprintf(reply, sizeof reply, " it does not know how to\n");
		*status = TAP_SYSTEM;
	}
	if (*status != TAP_OK) {
		fprintf(stderr, "tap %s: %s", asking, reply + 1);
	}
	return *status;
}

int
ask_reload(const struct ask_daemon *daemon)
{
	int status;

	if (ask(daemon, CONTROL_RELOAD, &status) >= 0 &&
	    judge(&status) == TAP_OK) {
		fputs(reply + 1, stdout);
	}
	return status;
}

int
ask_reload_for(const struct ask_daemon *daemon, const char *command,
	       int *process)
{
	int status;

	asking = command;
	*process = ask(daemon, CONTROL_RELOAD, &status);
	if (*process >= 0) {
		judge(&status);
	}
	return status;
}

int
ask_stop(const struct ask_daemon *daemon, bool keep_rules)
{
	int status;
	int pid =
		ask(daemon, keep_rules ? CONTROL_LEAVE : CONTROL_STOP, &status);

	if (pid >= 0 && judge(&status) == TAP_OK) {
		printf("stopped: process %d%s\n", pid,
		       keep_rules ? "; its rules stay" : "");
	}
	return status;
}

int
ask_process(const char *side, uint16_t queue)
{
	const struct ask_daemon daemon = { .side = side };

	return ask_queue(&daemon, queue, CONTROL_STATUS_TEXT);
}
