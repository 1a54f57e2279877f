/*
 * The client as a service of Windows, by the name of tap-client.  It runs as
 * the system, from where tap.exe lies, with one file: both have to be such as
 * nobody else can change.  Its lines are among the events of applications.
 */
#ifndef TAP_CLIENT_SERVICE_H
#define TAP_CLIENT_SERVICE_H

#include <stdbool.h>

struct service_options {
	const char *path; /* of the configuration, for install and run */
	int passphrase_fd;
	bool verbose;
};

/*
 * Takes the value of --service, into an int: what service_do() is to do.  "run"
 * is the system's alone to say.
 */
int service_option(void *into, const char *value, char *why);

/*
 * Do it.  One of a sealed file is started by hand, and its passphrase asked for
 * then.  An exit status: TAP_NO where there is nothing to do.
 */
int service_do(int what, const struct service_options *options);

#endif
