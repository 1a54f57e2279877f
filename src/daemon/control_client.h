/*
 * Ask a running daemon how it is, and tell it what to do.  Each prints
 * what came of it and returns an exit status: TAP_NO where none runs.
 * It is that with the queue, and no other: one of another configuration is
 * not to be ended, changed or confirmed in its place.
 */
#ifndef TAP_DAEMON_CONTROL_CLIENT_H
#define TAP_DAEMON_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct ask_daemon {
	const char *side; /* "server" or "client" */
	long queue; /* its own; -1: as conf has it, or else the usual one */
	const char *conf; /* a path */
	uint16_t usual;
};

#define ASK_NAME_MAX 32u

/*
 * Its answer to CONTROL_WATCH, in CONTROL_REPLY_MAX bytes, and its name for
 * control.h.  An exit status: where there is none, that is said.
 */
int ask_watch(const struct ask_daemon *daemon, char name[ASK_NAME_MAX],
	      char *answer);

/* Print its status. */
int ask_status(const struct ask_daemon *daemon, bool json);

/*
 * A number of its status, for another command: nothing is printed.  Its
 * process, or -errno as control_ask(): -ENOENT where it has no such number.
 */
int ask_number(const struct ask_daemon *daemon, const char *name,
	       uint64_t *number);

/* Raise an alarm, or take one back, with the text that says of whom. */
int ask_alarm(const struct ask_daemon *daemon, bool calm, const char *whom);
/* Print who goes to the decoy, and why. */
int ask_alarms(const struct ask_daemon *daemon, bool json);

/* Confirm the rules of a server that was started with --confirm. */
int ask_confirm(const struct ask_daemon *daemon);

/*
 * Have it read its files again.  TAP_USAGE where it refuses them, and
 * goes on with the old ones.
 */
int ask_reload(const struct ask_daemon *daemon);
/*
 * The same for another command, of that name: nothing is printed but
 * what is wrong, and *process is the one that has reloaded.
 */
int ask_reload_for(const struct ask_daemon *daemon, const char *command,
		   int *process);

/*
 * End it, and wait until it has ended; with keep_rules its firewall
 * rules stay, for the next one.
 */
int ask_stop(const struct ask_daemon *daemon, bool keep_rules);

/*
 * The process of the daemon of a side with this queue, or -errno as
 * control_ask(): -ECONNREFUSED where there is none.
 */
int ask_process(const char *side, uint16_t queue);

#endif
