#include "os/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define TYPE(message) ((NFNL_SUBSYS_CTNETLINK << 8) | (message))
/* What the kernel itself gives an established connection. */
#define ESTABLISHED_SECONDS 432000

int
conntrack_open(struct netlink *nl)
{
	return netlink_open(nl, NETLINK_NETFILTER);
}

static void
put_tuple(struct netlink_msg *msg, uint16_t type, const struct packet_addr *src,
	  uint16_t sport, const struct packet_addr *dst, uint16_t dport)
{
	bool v4 = src->family == 4;
	size_t len = v4 ? 4 : 16;
	size_t tuple = netlink_nest(msg, type);
	size_t part = netlink_nest(msg, CTA_TUPLE_IP);

	netlink_put(msg, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, src->bytes, len);
	netlink_put(msg, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, dst->bytes, len);
	netlink_unnest(msg, part);
	part = netlink_nest(msg, CTA_TUPLE_PROTO);
	netlink_put_u8(msg, CTA_PROTO_NUM, IPPROTO_TCP);
	netlink_put_be16(msg, CTA_PROTO_SRC_PORT, sport);
	netlink_put_be16(msg, CTA_PROTO_DST_PORT, dport);
	netlink_unnest(msg, part);
	netlink_unnest(msg, tuple);
}

/* Nobody saw its windows, so nobody may judge them: liberal. */
static void
put_tcp(struct netlink_msg *msg)
{
	const struct nf_ct_tcp_flags liberal = {
		.flags = IP_CT_TCP_FLAG_BE_LIBERAL,
		.mask = IP_CT_TCP_FLAG_BE_LIBERAL,
	};
	size_t info = netlink_nest(msg, CTA_PROTOINFO);
	size_t tcp = netlink_nest(msg, CTA_PROTOINFO_TCP);

	netlink_put_u8(msg, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	netlink_put(msg, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &liberal,
		    sizeof liberal);
	netlink_put(msg, CTA_PROTOINFO_TCP_FLAGS_REPLY, &liberal,
		    sizeof liberal);
	netlink_unnest(msg, tcp);
	netlink_unnest(msg, info);
}

int
conntrack_add(struct netlink *nl, const struct sock_diag_connection *c)
{
	struct nfgenmsg header = {
		.nfgen_family = c->local.family == 4 ? AF_INET : AF_INET6,
		.version = NFNETLINK_V0,
	};
	uint32_t bytes[128];
	struct netlink_msg msg = { .bytes = (void *)bytes,
				   .size = sizeof bytes };
	int rc;

	netlink_begin(&msg, TYPE(IPCTNL_MSG_CT_NEW),
		      NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
		      nl->seq++);
	netlink_header(&msg, &header, sizeof header);
	put_tuple(&msg, CTA_TUPLE_ORIG, &c->remote, c->remote_port, &c->local,
		  c->local_port);
	put_tuple(&msg, CTA_TUPLE_REPLY, &c->local, c->local_port, &c->remote,
		  c->remote_port);
	netlink_put_be32(&msg, CTA_STATUS,
			 IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	netlink_put_be32(&msg, CTA_TIMEOUT, ESTABLISHED_SECONDS);
	put_tcp(&msg);
	rc = netlink_call(nl, &msg, NULL, NULL);
	return rc == -EEXIST ? 0 : rc;
}
