/*
 * Why there is no connection: each thing that it takes, looked at in turn.
 */
#ifndef TAP_CLIENT_DOCTOR_H
#define TAP_CLIENT_DOCTOR_H

#include <stdbool.h>

struct doctor_options {
	const char *to;    /* HOST:PORT */
	const char *conf;  /* the client's file, or NULL: the usual one */
	const char *ntp;   /* whose time to compare with, or NULL */
	long queue;        /* of the running client; -1: as conf has it */
	int passphrase_fd; /* of a sealed file; below 0: the terminal is asked
			    */
	bool json;
};

/* Print it.  An exit status: TAP_OK where there is a connection. */
int client_doctor(const struct doctor_options *o);

#endif
