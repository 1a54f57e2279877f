/*
 * Choose and open a queue, and say what is wrong where that fails.
 */
#ifndef TAP_DAEMON_OPEN_QUEUE_H
#define TAP_DAEMON_OPEN_QUEUE_H

#include "os/nfqueue.h"

/*
 * nfq_open(), with the reason in the log, and what a client, which alone
 * asks for users, can do without.  An exit status.
 */
int queue_open(struct nfq *nfq, uint16_t queue, uint32_t length, bool with_uid);

/*
 * Open the first queue from this number on that nobody has.  An exit
 * status.
 */
int queue_open_free(struct nfq *nfq, uint16_t from, uint32_t length,
		    bool with_uid);

#endif
