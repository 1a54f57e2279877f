/*
 * The one command that a client serves: started in its own scope, waited
 * for, and told of the signals that come.
 */
#ifndef TAP_CLIENT_CHILD_H
#define TAP_CLIENT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/packet.h"
#include "client/cgroup.h"

#define CHILD_ADDRESSES_MAX 16u /* of one host name */

struct child {
	char *const *argv; /* the command; NULL: relay, see below */
	/* Where to: for the relay, in the order to try them. */
	struct packet_addr to[CHILD_ADDRESSES_MAX];
	size_t to_count;
	uint16_t port;
	struct cgroup scope; /* root -1: none, its user has to do */
	pid_t pid;           /* or 0 */
	int status;          /* once it has ended: to exit with */
};

/*
 * Resolve HOST:PORT, [v6]:PORT or NAME:PORT into to and port, as value.h's
 * parsers do.
 */
int child_resolve(struct child *task, const char *to, char *why);

/*
 * Start it.  Without a command it connects, and relays standard input
 * and output, as ssh's ProxyCommand does.  0 or -errno.
 */
int child_start(struct child *task);
/* Whether it has ended; then status is what to exit with. */
bool child_ended(struct child *task);
/* Pass a signal on. */
void child_signal(const struct child *task, int signal_no);

#endif
