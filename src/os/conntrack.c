#include "os/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE(message) ((NFNL_SUBSYS_CTNETLINK << 8) | (message))

int
conntrack_open(struct netlink *nl)
{
	return netlink_open(nl, NETLINK_NETFILTER);
}

static void
put_tuple(struct netlink_msg *msg, uint16_t type, uint8_t protocol,
	  const struct packet_addr *src, uint16_t sport,
	  const struct packet_addr *dst, uint16_t dport)
{
	bool v4 = src->family == 4;
	size_t len = v4 ? 4 : 16;
	size_t tuple = netlink_nest(msg, type);
	size_t part = netlink_nest(msg, CTA_TUPLE_IP);

	netlink_put(msg, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, src->bytes, len);
	netlink_put(msg, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, dst->bytes, len);
	netlink_unnest(msg, part);
	part = netlink_nest(msg, CTA_TUPLE_PROTO);
	netlink_put_u8(msg, CTA_PROTO_NUM, protocol);
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

/* A message of a family of addresses. */
static void
begin(struct netlink_msg *msg, struct netlink *nl, uint16_t type,
      uint16_t flags, unsigned family)
{
	struct nfgenmsg header = {
		.nfgen_family = family == 4 ? AF_INET : AF_INET6,
		.version = NFNETLINK_V0,
	};

	netlink_begin(msg, TYPE(type), NLM_F_REQUEST | flags, nl->seq++);
	netlink_header(msg, &header, sizeof header);
}

static int
add(struct netlink *nl, const struct packet *p, uint32_t seconds,
    uint16_t flags)
{
	NETLINK_MSG(msg, 128);

	begin(&msg, nl, IPCTNL_MSG_CT_NEW, NLM_F_ACK | NLM_F_CREATE | flags,
	      p->src.family);
	put_tuple(&msg, CTA_TUPLE_ORIG, IPPROTO_TCP, &p->src, p->sport, &p->dst,
		  p->dport);
	put_tuple(&msg, CTA_TUPLE_REPLY, IPPROTO_TCP, &p->dst, p->dport,
		  &p->src, p->sport);
	netlink_put_be32(&msg, CTA_STATUS,
			 IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	netlink_put_be32(&msg, CTA_TIMEOUT, seconds);
	put_tcp(&msg);
	return netlink_call(nl, &msg, NULL, NULL);
}

int
conntrack_add(struct netlink *nl, const struct packet *p, uint32_t seconds)
{
	int rc = add(nl, p, seconds, NLM_F_EXCL);

	return rc == -EEXIST ? 0 : rc;
}

int
conntrack_establish(struct netlink *nl, const struct packet *p,
		    uint32_t seconds)
{
	return add(nl, p, seconds, 0);
}

/* ---- what the kernel knows */

/* The attributes within one; none where it is not there. */
static void
open_nest(const struct netlink_attr *nest, struct netlink_attr *attrs,
	  uint16_t most)
{
	if (!nest->payload ||
	    netlink_attrs(nest->payload, nest->len, 0, attrs, most) < 0) {
		memset(attrs, 0, (most + 1u) * sizeof *attrs);
	}
}

static bool
read_addr(const struct netlink_attr *attr, struct packet_addr *addr,
	  unsigned family)
{
	const size_t len = family == 4 ? 4 : 16;

	*addr = (struct packet_addr){ .family = (uint8_t)family };
	if (!attr->payload || attr->len != len) {
		return false;
	}
	memcpy(addr->bytes, attr->payload, len);
	return true;
}

/* A tuple as the packet that has it; false where it is none of TCP. */
static bool
read_tuple(const struct netlink_attr *tuple, unsigned family, struct packet *p)
{
	struct netlink_attr parts[CTA_TUPLE_MAX + 1];
	struct netlink_attr ip[CTA_IP_MAX + 1], proto[CTA_PROTO_MAX + 1];
	const bool v4 = family == 4;

	*p = (struct packet){ 0 };
	open_nest(tuple, parts, CTA_TUPLE_MAX);
	open_nest(&parts[CTA_TUPLE_IP], ip, CTA_IP_MAX);
	open_nest(&parts[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	if (!read_addr(&ip[v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], &p->src,
		       family) ||
	    !read_addr(&ip[v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST], &p->dst,
		       family) ||
	    proto[CTA_PROTO_NUM].len != 1 ||
	    proto[CTA_PROTO_NUM].payload[0] != IPPROTO_TCP ||
	    proto[CTA_PROTO_SRC_PORT].len != 2 ||
	    proto[CTA_PROTO_DST_PORT].len != 2) {
		return false;
	}
	p->sport = be16_load(proto[CTA_PROTO_SRC_PORT].payload);
	p->dport = be16_load(proto[CTA_PROTO_DST_PORT].payload);
	return true;
}

static bool
is_established(const struct netlink_attr *attrs)
{
	struct netlink_attr info[CTA_PROTOINFO_MAX + 1];
	struct netlink_attr tcp[CTA_PROTOINFO_TCP_MAX + 1];

	open_nest(&attrs[CTA_PROTOINFO], info, CTA_PROTOINFO_MAX);
	open_nest(&info[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX);
	return tcp[CTA_PROTOINFO_TCP_STATE].len == 1 &&
		tcp[CTA_PROTOINFO_TCP_STATE].payload[0] ==
		TCP_CONNTRACK_ESTABLISHED;
}

static bool
read_entry(const struct netlink_reply *reply, struct netlink_attr *attrs,
	   unsigned *family)
{
	if (reply->type != TYPE(IPCTNL_MSG_CT_NEW) ||
	    reply->len < sizeof(struct nfgenmsg) ||
	    netlink_attrs(reply->payload, reply->len, sizeof(struct nfgenmsg),
			  attrs, CTA_MAX) < 0) {
		return false;
	}
	/* The first byte of the header. */
	*family = reply->payload[0] == AF_INET ? 4 : 6;
	return true;
}

static int
take_state(void *context, const struct netlink_reply *reply)
{
	struct netlink_attr attrs[CTA_MAX + 1];
	bool *established = context;
	unsigned family;

	*established =
		read_entry(reply, attrs, &family) && is_established(attrs);
	return 0;
}

int
conntrack_is_established(struct netlink *nl, const struct packet *p)
{
	NETLINK_MSG(msg, 64);
	bool established = false;
	int rc;

	begin(&msg, nl, IPCTNL_MSG_CT_GET, NLM_F_ACK, p->src.family);
	put_tuple(&msg, CTA_TUPLE_ORIG, IPPROTO_TCP, &p->src, p->sport, &p->dst,
		  p->dport);
	rc = netlink_call(nl, &msg, take_state, &established);
	return rc < 0 && rc != -ENOENT ? rc : established;
}

/* An address of this host, and a datagram from it to itself.  0 or -errno. */
static int
send_to_self(int fd, struct packet_addr *addr, uint16_t *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} self = { 0 };
	const bool v4 = addr->family == 4;
	socklen_t len = v4 ? sizeof self.v4 : sizeof self.v6;

	if (v4) {
		self.v4.sin_family = AF_INET;
		self.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(addr->bytes, &self.v4.sin_addr, 4);
	} else {
		self.v6.sin6_family = AF_INET6;
		self.v6.sin6_addr = in6addr_loopback;
		memcpy(addr->bytes, &self.v6.sin6_addr, 16);
	}
	if (bind(fd, &self.any, len) < 0 ||
	    getsockname(fd, &self.any, &len) < 0 ||
	    connect(fd, &self.any, len) < 0 || send(fd, "", 1, 0) < 0) {
		return -errno;
	}
	*port = ntohs(v4 ? self.v4.sin_port : self.v6.sin6_port);
	return 0;
}

/* Whether one of a family that was just sent is known. */
static int
is_on_for(struct netlink *nl, uint8_t family)
{
	const int fd = socket(family == 4 ? AF_INET : AF_INET6,
			      SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct packet_addr addr = { .family = family };
	NETLINK_MSG(msg, 64);
	uint16_t port = 0;
	int rc = fd < 0 ? -errno : send_to_self(fd, &addr, &port);

	if (rc == 0) {
		begin(&msg, nl, IPCTNL_MSG_CT_GET, NLM_F_ACK, family);
		put_tuple(&msg, CTA_TUPLE_ORIG, IPPROTO_UDP, &addr, port, &addr,
			  port);
		rc = netlink_call(nl, &msg, NULL, NULL);
		rc = rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

/* A family that this host has no address of carries nothing. */
static bool
is_away(int rc)
{
	return rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT;
}

int
conntrack_is_on(struct netlink *nl)
{
	int v4, v6;

	/* To ask would have it loaded. */
	if (access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) < 0) {
		return 0;
	}
	v4 = is_on_for(nl, 4);
	v6 = is_on_for(nl, 6);
	if (v4 == 1 || v6 == 1) {
		return 1;
	}
	return is_away(v4) ? v6 : is_away(v6) ? v4 : v4 < 0 ? v4 : v6;
}

struct each {
	void (*take)(void *, const struct conntrack_entry *);
	void *context;
};

static bool
read_whole(const struct netlink_reply *reply, struct netlink_attr *attrs,
	   struct conntrack_entry *entry)
{
	struct packet answer;
	unsigned family;

	if (!read_entry(reply, attrs, &family) ||
	    !read_tuple(&attrs[CTA_TUPLE_ORIG], family, &entry->packet) ||
	    !read_tuple(&attrs[CTA_TUPLE_REPLY], family, &answer)) {
		return false;
	}
	entry->to = answer.src;
	entry->to_port = answer.sport;
	return true;
}

static int
take_entry(void *context, const struct netlink_reply *reply)
{
	const struct each *each = context;
	struct netlink_attr attrs[CTA_MAX + 1];
	struct conntrack_entry entry;
	uint32_t status;

	if (read_whole(reply, attrs, &entry) && is_established(attrs) &&
	    netlink_be32(&attrs[CTA_STATUS], &status) &&
	    status & IPS_SEEN_REPLY) {
		each->take(each->context, &entry);
	}
	return 0;
}

struct found {
	struct conntrack_entry *entry;
	bool is;
};

static int
take_found(void *context, const struct netlink_reply *reply)
{
	struct netlink_attr attrs[CTA_MAX + 1];
	struct found *found = context;

	found->is = found->is || read_whole(reply, attrs, found->entry);
	return 0;
}

int
conntrack_find(struct netlink *nl, const struct packet *p,
	       struct conntrack_entry *out)
{
	struct found found = { out, false };
	NETLINK_MSG(msg, 64);
	int rc;

	/* Both ends' tuples are in the table, and either finds it. */
	begin(&msg, nl, IPCTNL_MSG_CT_GET, NLM_F_ACK, p->src.family);
	put_tuple(&msg, CTA_TUPLE_ORIG, IPPROTO_TCP, &p->src, p->sport, &p->dst,
		  p->dport);
	rc = netlink_call(nl, &msg, take_found, &found);
	return rc < 0 && rc != -ENOENT ? rc : found.is;
}

int
conntrack_remove(struct netlink *nl, const struct packet *p)
{
	NETLINK_MSG(msg, 64);
	int rc;

	begin(&msg, nl, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, p->src.family);
	put_tuple(&msg, CTA_TUPLE_ORIG, IPPROTO_TCP, &p->src, p->sport, &p->dst,
		  p->dport);
	rc = netlink_call(nl, &msg, NULL, NULL);
	return rc == -ENOENT ? 0 : rc;
}

int
conntrack_each(struct netlink *nl,
	       void (*take)(void *, const struct conntrack_entry *),
	       void *context)
{
	struct each each = { take, context };
	int rc = 0;

	for (unsigned family = 4; family <= 6 && rc == 0; family += 2) {
		NETLINK_MSG(msg, 16);

		begin(&msg, nl, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
		rc = netlink_call(nl, &msg, take_entry, &each);
	}
	return rc;
}
