#include "daemon/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"
#include "conf/settings.h"
#include "tap.h"

#define ANSWER_MS 3000u
/* The firewall's tools may take their time, and their locks. */
#define RELOAD_MS 60000u
#define STOP_MS 60000u
#define OTHERS_MAX 8u /* that are named */

static char reply[CONTROL_REPLY_MAX];
static const char *asking;      /* the command that does */
static const char *saying = ""; /* what goes with the request */

static void
put_name(char name[ASK_NAME_MAX], const char *side, uint16_t queue)
{
	snprintf(name, ASK_NAME_MAX, "tap-%s-%u", side, queue);
}

static int
ask_queue(const struct ask_daemon *daemon, uint16_t queue,
	  enum control_request request)
{
	char name[ASK_NAME_MAX];

	put_name(name, daemon->side, queue);
	switch (request) {
	case CONTROL_STOP:
	case CONTROL_LEAVE:
		return control_stop(name, request, STOP_MS, reply);
	case CONTROL_RELOAD:
	case CONTROL_CONFIRM:
		return control_ask(name, request, RELOAD_MS, reply);
	default:
		return control_say(name, request, saying, ANSWER_MS, reply);
	}
}

/* Who has changed the file since its start may look for it in vain. */
static void
complain_of_none(const char *side, uint16_t queue)
{
	uint16_t others[OTHERS_MAX];
	const size_t count = control_queues(side, others, OTHERS_MAX);

	fprintf(stderr, "tap %s: no tap %s is running with queue %u", asking,
		side, queue);
	for (size_t i = 0; i < count; i++) {
		fprintf(stderr, "%s%u", i ? ", " : "; but with ", others[i]);
	}
	fputc('\n', stderr);
}

static int
complain(const struct ask_daemon *daemon, uint16_t queue, int rc)
{
	switch (-rc) {
	case ECONNREFUSED:
		complain_of_none(daemon->side, queue);
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

static uint16_t
queue_of(const struct ask_daemon *daemon)
{
	return daemon->queue >= 0
		? (uint16_t)daemon->queue
		: settings_peek_queue(daemon->conf, daemon->usual);
}

/* The answer is in reply; its process, or an exit status in *status. */
static int
ask(const struct ask_daemon *daemon, enum control_request request, int *status)
{
	uint16_t queue = queue_of(daemon);
	int rc;

	asking = asking ? asking : daemon->side;
	rc = ask_queue(daemon, queue, request);
	*status = rc < 0 ? complain(daemon, queue, rc) : TAP_OK;
	return rc;
}

int
ask_watch(const struct ask_daemon *daemon, char name[ASK_NAME_MAX],
	  char *answer)
{
	int status;

	put_name(name, daemon->side, queue_of(daemon));
	if (ask(daemon, CONTROL_WATCH, &status) < 0) {
		return status;
	}
	if (reply[0] == '\0') {
		fprintf(stderr,
			"tap %s: it is of another version, which knows no "
			"--watch\n",
			asking);
		return TAP_SYSTEM;
	}
	memcpy(answer, reply, sizeof reply);
	return TAP_OK;
}

static int
show(const struct ask_daemon *daemon, enum control_request request)
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
	return show(daemon, json ? CONTROL_STATUS_JSON : CONTROL_STATUS_TEXT);
}

int
ask_number(const struct ask_daemon *daemon, const char *name, uint64_t *number)
{
	char wanted[64];
	const char *found;
	int rc = ask_queue(daemon, queue_of(daemon), CONTROL_STATUS_JSON);

	if (rc < 0) {
		return rc;
	}
	snprintf(wanted, sizeof wanted, "\"%s\":", name);
	found = strstr(reply, wanted);
	if (!found) {
		return -ENOENT;
	}
	*number = strtoull(found + strlen(wanted), NULL, 10);
	return rc;
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

/* Ask, and print what it says that it has done. */
static int
have_done(const struct ask_daemon *daemon, enum control_request request)
{
	int status;

	if (ask(daemon, request, &status) >= 0 && judge(&status) == TAP_OK) {
		fputs(reply + 1, stdout);
	}
	return status;
}

int
ask_alarm(const struct ask_daemon *daemon, bool calm, const char *whom)
{
	int status;

	saying = whom;
	status = have_done(daemon, calm ? CONTROL_CALM : CONTROL_ALARM);
	saying = "";
	return status;
}

int
ask_alarms(const struct ask_daemon *daemon, bool json)
{
	return show(daemon, json ? CONTROL_ALARMS_JSON : CONTROL_ALARMS_TEXT);
}

int
ask_confirm(const struct ask_daemon *daemon)
{
	return have_done(daemon, CONTROL_CONFIRM);
}

int
ask_reload(const struct ask_daemon *daemon)
{
	return have_done(daemon, CONTROL_RELOAD);
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
