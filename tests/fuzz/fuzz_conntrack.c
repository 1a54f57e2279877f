/* SPDX-License-Identifier: ISC */
/*
 * A connection entered into the kernel's table, asked for, and all of them:
 * what is asked is one whole message that says so, and whatever the kernel
 * answers, it comes to an end.
 */
#include "fuzz.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "fuzz/netlink_fake.h"
#include "os/conntrack.h"

/* The addresses and ports of a tuple are those. */
static void
check_tuple(const struct netlink_attr *tuple, const struct packet_addr *src,
	    uint16_t sport)
{
	struct netlink_attr parts[CTA_TUPLE_PROTO + 1];
	struct netlink_attr ip[CTA_IP_V6_DST + 1];
	struct netlink_attr proto[CTA_PROTO_DST_PORT + 1];
	const struct netlink_attr *addr;

	CHECK(tuple->payload != NULL);
	CHECK(netlink_attrs(tuple->payload, tuple->len, 0, parts,
			    CTA_TUPLE_PROTO) == 0);
	CHECK(netlink_attrs(parts[CTA_TUPLE_IP].payload,
			    parts[CTA_TUPLE_IP].len, 0, ip,
			    CTA_IP_V6_DST) == 0);
	addr = &ip[src->family == 4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
	CHECK(addr->len == (src->family == 4 ? 4 : 16));
	CHECK(memcmp(addr->payload, src->bytes, addr->len) == 0);
	CHECK(netlink_attrs(parts[CTA_TUPLE_PROTO].payload,
			    parts[CTA_TUPLE_PROTO].len, 0, proto,
			    CTA_PROTO_DST_PORT) == 0);
	CHECK(proto[CTA_PROTO_SRC_PORT].len == 2);
	CHECK(be16_load(proto[CTA_PROTO_SRC_PORT].payload) == sport);
}

static void
check_asked(const struct packet *p)
{
	struct netlink_attr attrs[CTA_PROTOINFO + 1];
	struct netlink_reply asked;
	size_t at = 0;

	CHECK(netlink_next(kernel_fake.asked, kernel_fake.asked_len, &at,
			   &asked));
	CHECK(at == kernel_fake.asked_len);
	CHECK(netlink_attrs(asked.payload, asked.len, sizeof(struct nfgenmsg),
			    attrs, CTA_PROTOINFO) == 0);
	check_tuple(&attrs[CTA_TUPLE_ORIG], &p->src, p->sport);
	check_tuple(&attrs[CTA_TUPLE_REPLY], &p->dst, p->dport);
}

static void
read_addr(struct cursor *c, struct packet_addr *addr, bool v4)
{
	const uint8_t *bytes = cursor_bytes(c, v4 ? 4 : 16);

	memset(addr, 0, sizeof *addr);
	addr->family = v4 ? 4 : 6;
	if (bytes) {
		memcpy(addr->bytes, bytes, v4 ? 4 : 16);
	}
}

static void
take(void *context, const struct conntrack_entry *entry)
{
	size_t *count = context;

	++*count;
	CHECK(entry->packet.src.family == entry->packet.dst.family);
	CHECK(entry->packet.src.family == entry->to.family);
	CHECK(entry->to.family == 4 || entry->to.family == 6);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink nl = { .fd = -1, .seq = 1 };
	struct packet p = { 0 };
	size_t count = 0;
	struct cursor c = cursor_over(data, size);
	bool v4 = cursor_u8(&c) % 2 == 0;
	int rc;

	read_addr(&c, &p.dst, v4);
	read_addr(&c, &p.src, v4);
	p.dport = cursor_u16(&c);
	p.sport = cursor_u16(&c);
	kernel_fake.answers = c;
	rc = conntrack_add(&nl, &p, 1);
	CHECK(rc <= 0 && rc >= -4095);
	check_asked(&p);
	kernel_fake.answers = c;
	rc = conntrack_establish(&nl, &p, 1);
	CHECK(rc <= 0 && rc >= -4095);
	check_asked(&p);
	kernel_fake.answers = c;
	rc = conntrack_is_established(&nl, &p);
	CHECK(rc <= 1 && rc >= -4095);
	kernel_fake.answers = c;
	rc = conntrack_each(&nl, take, &count);
	CHECK(rc <= 0 && rc >= -4095);
	return 0;
}
