/*
 * systemd units for the daemons.
 */
#ifndef TAP_DAEMON_SYSTEMD_UNIT_H
#define TAP_DAEMON_SYSTEMD_UNIT_H

#include <stdbool.h>
#include <stddef.h>

/* An option that a unit's daemon is to have. */
struct systemd_unit_word {
	const char *option; /* "--conf" */
	const char *value;  /* or NULL */
	bool flag;          /* it was given, and has no value */
	bool path;          /* made absolute */
	bool written;       /* so that its directory has to be writable */
	bool finds;         /* whoever reloads or stops it needs it, too */
};

/*
 * Print the unit of a side, "server" or "client", with the options of these
 * that were given: they have a value, or flag is set.  An exit status.
 */
int systemd_unit_print(const char *side, const struct systemd_unit_word *words,
		       size_t count);

/*
 * Whether systemd is about to start a unit again that it stops: there is
 * a job for it that says so.  False also where systemd can't be asked.
 */
bool systemd_unit_restarts(const char *name);

#endif
