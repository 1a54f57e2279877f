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

#define BACKEND_PCAP_FDS WIRE_DEVICES_MAX
#define BACKEND_PCAP_WAIT_MS 2000 /* wait no longer for them */

struct backend_pcap {
	struct wire wire;
	struct wire_syn *syn; /* that is being dealt with */
	struct outbound *outbound;
};

/*
 * Listen where the rules want it, and let the outbound send by libpcap: on all
 * devices that they name, or (`later`: it is done again when others come) on
 * those that are there.  An exit status; what is wrong is in the log.
 */
int backend_pcap_open(struct backend_pcap *f, struct outbound *outbound,
		      const struct client_conf *conf, bool later);
void backend_pcap_close(struct backend_pcap *f);

/* Fill in the descriptors to wait for.  Their number. */
size_t backend_pcap_fds(const struct backend_pcap *f, struct pollfd *fds);
/*
 * Deal with the SYNs that have gone out.  The name of a device that has
 * failed just now, or NULL: it is let alone from then on.  Not every device
 * that is removed wakes poll(2): call it after BACKEND_PCAP_WAIT_MS, too.
 */
const char *backend_pcap_serve(struct backend_pcap *f);
/* Those of one device, which has not failed.  False: it has, just now. */
bool backend_pcap_serve_device(struct backend_pcap *f,
			       struct wire_device *device);

#endif
