/* SPDX-License-Identifier: ISC */
/*
 * A datagram of netlink, as the kernel's or as another process's: it is
 * taken apart, as a packet of a queue, as links and connections are, and
 * as the answer to a request.
 */
#include "fuzz.h"

#include <string.h>

#include "os/sock_diag.c"
#include "os/netlink.c"
#include "os/nfqueue.h"

static void
check_attrs(const struct netlink_reply *reply)
{
	struct netlink_attr attrs[8];

	for (size_t header = 0; header < 24; header += 4) {
		if (netlink_attrs(reply->payload, reply->len, header, attrs,
				  7) < 0) {
			continue;
		}
		for (size_t i = 0; i < 8; i++) {
			uint32_t value;

			if (attrs[i].payload) {
				CHECK(attrs[i].payload >= reply->payload);
				CHECK(attrs[i].payload + attrs[i].len <=
				      reply->payload + reply->len);
			}
			netlink_be32(&attrs[i], &value);
		}
	}
}

static void
check_packet(const struct netlink_reply *reply)
{
	struct nfq_packet q;
	struct packet p;

	if (nfq_parse(reply, &q) < 0) {
		return;
	}
	if (q.len > 0) {
		CHECK(q.bytes >= reply->payload);
		CHECK(q.bytes + q.len <= reply->payload + reply->len);
	}
	if (packet_parse(&p, q.bytes, q.len, q.wire_len) == PACKET_OK) {
		CHECK(p.data_at <= q.len);
	}
}

static void
take_none(void *context, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;

	(void)context;
	CHECK(c->local.family == 4 || c->local.family == 6);
	CHECK(c->remote.family == 4 || c->remote.family == 6);
}

static int
take(void *context, const struct netlink_reply *reply)
{
	struct each each = { take_none, NULL };

	CHECK(reply->type != NLMSG_DONE && reply->type != NLMSG_ERROR);
	take_one(context, reply);
	return take_connection(&each, reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink_reply reply;
	size_t at = 0;
	size_t before = 0;
	struct inet_diag_msg found;
	int rc;

	while (netlink_next(data, size, &at, &reply)) {
		CHECK(at > before && at <= size);
		CHECK(reply.payload + reply.len <= data + size);
		before = at;
		check_attrs(&reply);
		check_packet(&reply);
		CHECK(netlink_error(&reply) >= 0);
	}
	CHECK(at == before);
	for (uint32_t seq = 0; seq < 2; seq++) {
		rc = take_datagram(data, size, seq, take, &found);
		CHECK(rc <= 1 && rc >= -4095);
	}
	return 0;
}
