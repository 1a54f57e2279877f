/*
 * The one command that a client serves: started in its own scope, waited
 * for, and told of the signals that come.
 */
#ifndef TAP_CLIENT_CHILD_H
#define TAP_CLIENT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/cgroup.h"
#include "conf/value.h"
#include "os/resolve.h"

#define CHILD_ADDRESSES_MAX 64u /* of one host name */

struct child {
	char host[VALUE_HOST_MAX]; /* where to, as it was written */
	char *const *argv;         /* the command; NULL: relay, see below */
	/* Where to: for the relay, in the order to try them. */
	struct host_addr to[CHILD_ADDRESSES_MAX];
	size_t to_count;
	uint16_t port;
	uint16_t service_port; /* as the server sees it; 0: the same */
	struct cgroup scope;   /* root -1: none, its user has to do */
	uint32_t user;
	int ends[2]; /* its standard input and output, once parted; or -1 */
	int relayed; /* of the relay: its end is here once it is connected */
	pid_t pid;   /* or 0 */
	int status;  /* once it has ended: to exit with */
};

/*
 * Resolve HOST:PORT, as value_endpoint() has it, into to and the ports, as
 * value.h's parsers do.  A name is looked up by a process that has no right; it
 * has what is in memory now.
 */
int child_resolve(struct child *task, const char *to, char *why);

/*
 * Have standard input and output kept for it alone: whoever reads or writes
 * there is to see it end, though others of us live on.
 */
void child_part(struct child *task);
/* In a process that is not to hold them either. */
void child_leave(struct child *task);

/*
 * Do it in this very process, which has no scope and keeps no rules: it does
 * not return where there is a command.  An exit status.
 */
int child_run(struct child *task);

/*
 * Start it.  Without a command it connects, and relays standard input
 * and output, as ssh's ProxyCommand does.  0 or -errno.
 */
int child_start(struct child *task);
/* Whether the relay has its connection, and so needs no other: told once. */
bool child_is_connected(struct child *task);
/* Whether it has ended; then status is what to exit with. */
bool child_ended(struct child *task);
/* Pass a signal on. */
void child_signal(const struct child *task, int signal_no);

#endif
