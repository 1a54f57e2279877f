/*
 * How SYNs come to the client, and what it sends instead or after them: by
 * netfilter, which holds a SYN while its group is sent, or by libpcap, which
 * only sees it go out.
 */
#ifndef TAP_CLIENT_BACKEND_H
#define TAP_CLIENT_BACKEND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/backend_pcap.h"
#include "firewall/plan.h"

#define BACKEND_FDS                                                            \
	BACKEND_PCAP_FDS /* the most of them; netfilter's are two              \
			  */

struct client;

struct backend {
	const char *name;
	const char *no_fastpath; /* why it has none; NULL: it has */
	bool has_rules;          /* of the firewall */
	/* An exit status; what is wrong is in the log. */
	int (*open)(struct client *c);
	/* Fill in the descriptors to wait for.  Their number. */
	size_t (*fds)(const struct client *c, struct pollfd *fds);
	/* Deal with what came.  False where it can't go on: it is logged. */
	bool (*serve)(struct client *c, const struct pollfd *fds);
	/* The worker was told to end.  NULL: nothing to do. */
	void (*leave)(struct client *c);
	/* No worker is at work.  One has ended otherwise than told: */
	void (*recover)(struct client *c);
	/* Another configuration, of such rules.  0, or -1 with the reason. */
	int (*replace)(struct client *c, const struct client_conf *conf,
		       const struct fw_plan *rules, char *err);
	/* Whether replace() would find more, or less.  NULL: it never does. */
	bool (*stale)(struct client *c);
	/* There is none after all; NULL: nothing to do. */
	void (*stay)(struct client *c);
};

extern const struct backend by_netfilter, by_pcap;

/*
 * In the monitor, answer a worker of by_pcap's.  False: it is none of its
 * questions.
 */
bool backend_answer(struct client *c, const void *question, size_t len,
		    void *answer, size_t *answered);

#endif
