/*
 * Who came in, by the log of the server; and who is connected now.
 */
#ifndef TAP_SERVER_HISTORY_H
#define TAP_SERVER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/server_files.h"

struct history_options {
	const char *log;  /* a file, "-", or NULL: the journal */
	const char *key;  /* a number or a name; NULL: all */
	uint64_t instant; /* not before; or 0 */
	bool json;
};

/* Print each connection, the latest first.  An exit status: TAP_NO: none. */
int history_last(const struct history_options *o);
/* The same of connections that exist, by the ports of this configuration. */
int history_who(const struct history_options *o,
		const struct server_conf_from *from);

#endif
