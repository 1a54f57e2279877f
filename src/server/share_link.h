/*
 * In the monitor: connections to the engine of a shared memory of replays,
 * begun without waiting and handed to the worker, which may not connect.
 */
#ifndef TAP_SERVER_SHARE_LINK_H
#define TAP_SERVER_SHARE_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/server_conf.h"

#define SHARE_LINK_ADDRESSES_MAX 8u

struct share_link_answer; /* of the process that looks a name up */

struct share_link {
	struct share_link_answer *answer; /* shared with it, or NULL */
	pid_t process;                    /* or 0 */
	uint64_t begun_ms, looked_ms;     /* it; the last that had an answer */
	uint64_t asked_ms;                /* for a connection */
	size_t count, next;               /* addresses, in `answer` */
	int error;                        /* that was told of last */
};

/*
 * A socket that connects, to the next address of the engine, or -errno:
 * -EAGAIN where its name is being looked up, or it is too early to ask again.
 */
int share_link_connect(struct share_link *l, struct server_conf *conf);

#endif
