/*
 * The client at work: SYNs of this host become groups.
 */
#ifndef TAP_CLIENT_CLIENT_H
#define TAP_CLIENT_CLIENT_H

#include "conf/client_conf.h"
#include "client/backend.h"
#include "client/child.h"

struct client_options {
	const char *path;   /* where a reload reads from, or NULL */
	struct child *task; /* serve this alone, and end with it; or NULL */
	const struct backend *backend;
	const char *metrics; /* a file to write them to, or NULL */
};

/*
 * Authenticate what conf says until told to stop, or until the task has
 * ended.  Takes conf over; options must outlive it.  An exit status, of
 * the task where there is one.
 */
int client_run(struct client_conf *conf, const struct client_options *options);

#endif
