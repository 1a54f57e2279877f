#include "os/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel's NUD_VALID: it sends to these at once. */
#define VALID                                                                  \
	(NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY | NUD_PERMANENT |   \
	 NUD_NOARP)

static int
take(void *context, const struct netlink_reply *reply)
{
	struct netlink_attr attrs[NDA_LLADDR + 1];
	struct neighbour *neighbour = context;
	struct ndmsg found;

	if (reply->type != RTM_NEWNEIGH || reply->len < sizeof found) {
		return 0;
	}
	memcpy(&found, reply->payload, sizeof found);
	if (netlink_attrs(reply->payload, reply->len, sizeof found, attrs,
			  NDA_LLADDR) < 0) {
		return -EBADMSG;
	}
	if (found.ndm_state & VALID && attrs[NDA_LLADDR].len > 0 &&
	    attrs[NDA_LLADDR].len <= NEIGHBOUR_MAX) {
		neighbour->len = attrs[NDA_LLADDR].len;
		memcpy(neighbour->bytes, attrs[NDA_LLADDR].payload,
		       neighbour->len);
	}
	return 0;
}

int
neighbour_find(struct netlink *nl, const struct packet_addr *addr,
	       uint32_t device, struct neighbour *neighbour)
{
	const struct ndmsg request = {
		.ndm_family = addr->family == 4 ? AF_INET : AF_INET6,
		.ndm_ifindex = (int)device,
	};
	uint32_t bytes[64];
	struct netlink_msg msg = { .bytes = (void *)bytes,
				   .size = sizeof bytes };
	int rc;

	memset(neighbour, 0, sizeof *neighbour);
	netlink_begin(&msg, RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_ACK, nl->seq++);
	netlink_header(&msg, &request, sizeof request);
	netlink_put(&msg, NDA_DST, addr->bytes, addr->family == 4 ? 4 : 16);
	rc = netlink_call(nl, &msg, take, neighbour);
	return rc == 0 && neighbour->len == 0 ? -ENOENT : rc;
}
