/*
 * The client without netfilter at work (papers: 000, 4.2): a group
 * follows its SYN, which is out already.
 */
#ifndef TAP_CLIENT_BACKEND_PCAP_H
#define TAP_CLIENT_BACKEND_PCAP_H

#include <poll.h>

#include "conf/client_conf.h"
#include "client/outbound.h"
#include "client/pcap_io.h"

#define FOLLOWER_FDS WIRE_DEVICES_MAX
#define FOLLOWER_WAIT_MS 2000 /* wait no longer for them */

struct follower {
	struct wire wire;
	struct wire_syn *syn; /* that is being dealt with */
	struct escort *escort;
};

/*
 * Listen where the rules want it, and let the escort send by libpcap.
 * An exit status; what is wrong is in the log.
 */
int follower_open(struct follower *f, struct escort *escort,
		  const struct conf_client *conf);
void follower_close(struct follower *f);

/* Fill in the descriptors to wait for.  Their number. */
size_t follower_fds(const struct follower *f, struct pollfd *fds);
/*
 * Deal with the SYNs that have gone out.  The name of a device that has
 * failed, or NULL.  Not every device that is removed wakes poll(2): call it
 * after FOLLOWER_WAIT_MS, too.
 */
const char *follower_serve(struct follower *f);

#endif
