/*
 * systemd units for the daemons.
 */
#ifndef TAP_DAEMON_SYSTEMD_UNIT_H
#define TAP_DAEMON_SYSTEMD_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#define SYSTEMD_UNIT_WORDS_MAX 16u

/* An option that a unit's daemon is to have. */
struct systemd_unit_word {
	const char *option; /* "--conf" */
	const char *value;  /* or NULL */
	bool flag;          /* it was given, and has no value */
	bool path;          /* made absolute */
	bool written;       /* so that its directory has to be writable */
	bool finds;         /* whoever reloads or stops it needs it, too */
};

struct systemd_unit {
	const char *side; /* "server" or "client" */
	size_t count;
	struct systemd_unit_word words[SYSTEMD_UNIT_WORDS_MAX];
};

/* One more option, where it was given: it has a value, or flag is set. */
void systemd_unit_add(struct systemd_unit *unit,
		      const struct systemd_unit_word *word);

/* Print it to standard output.  An exit status. */
int systemd_unit_print(const struct systemd_unit *unit);

/*
 * Whether systemd is about to start a unit again that it stops: there is
 * a job for it that says so.  False also where systemd can't be asked.
 */
bool systemd_unit_restarts(const char *name);

#endif
