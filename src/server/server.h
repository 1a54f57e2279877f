/*
 * The server at work: rules, the worker at its queues, signals.
 */
#ifndef TAP_SERVER_SERVER_H
#define TAP_SERVER_SERVER_H

#include "conf/server_files.h"

struct bundle_source; /* bundle_source.h */

struct server_options {
	struct server_conf_from from; /* where a reload reads from */
	unsigned confirm_seconds;     /* 0: nothing has to be confirmed */
	const char *metrics;          /* a file to write them to, or NULL */
	const char *fallback; /* a folder for what worked last, or NULL */
	struct bundle_source *bundle; /* in place of `from`, or NULL */
	const char *unit;             /* of systemd, that it runs as; or NULL */
	const char *refused;          /* why it is from there now, or NULL */
	char *no_rules; /* CONF_ERROR_MAX: why the firewall took none; or NULL
			 */
};

/*
 * Protect what conf says until told to stop.  Takes conf over; options
 * must outlive it.  An exit status; TAP_NO where nobody confirmed.
 */
int server_run(struct server_conf *conf, const struct server_options *options);

#endif
