/* What nfq makes of the kernel's messages, and of what only looks so. */
#include "unit/files_support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/nfqueue.c"

#define SIZE 1024

struct message {
	uint32_t room[SIZE / 4];
	struct netlink_msg msg;
};

static void
begin_packet(struct message *m)
{
	static const struct nfgenmsg header = { .version = NFNETLINK_V0 };

	m->msg = (struct netlink_msg){ .bytes = (void *)m->room,
				       .size = sizeof m->room };
	netlink_begin(&m->msg, TYPE(NFQNL_MSG_PACKET), 0, 0);
	netlink_header(&m->msg, &header, sizeof header);
}

static void
put_header(struct message *m, uint32_t id)
{
	struct nfqnl_msg_packet_hdr header = { .hook = 1 };

	be32_store((uint8_t *)&header.packet_id, id);
	netlink_put(&m->msg, NFQA_PACKET_HDR, &header, sizeof header);
}

static int
parse(struct message *m, struct nfq_packet *packet)
{
	struct netlink_reply reply;
	size_t at = 0;

	assert_false(m->msg.full);
	assert_true(netlink_next(m->msg.bytes, m->msg.len, &at, &reply));
	return nfq_parse(&reply, packet);
}

static void
reads_a_packet(void **state)
{
	struct nfq_packet packet;
	struct message m;

	(void)state;
	begin_packet(&m);
	put_header(&m, 0x01020304);
	netlink_put_be32(&m.msg, NFQA_IFINDEX_INDEV, 3);
	netlink_put_be32(&m.msg, NFQA_IFINDEX_OUTDEV, 4);
	netlink_put_be32(&m.msg, NFQA_MARK, 0x80000001);
	netlink_put_be32(&m.msg, NFQA_UID, 1000);
	netlink_put_be32(&m.msg, NFQA_GID, 1001);
	netlink_put_be32(&m.msg, NFQA_CAP_LEN, 1500);
	netlink_put(&m.msg, NFQA_PAYLOAD, "bytes", 5);
	assert_int_equal(parse(&m, &packet), 0);
	assert_int_equal(packet.id, 0x01020304);
	assert_int_equal(packet.indev, 3);
	assert_int_equal(packet.outdev, 4);
	assert_int_equal(packet.mark, 0x80000001);
	assert_true(packet.has_uid);
	assert_int_equal(packet.uid, 1000);
	assert_int_equal(packet.gid, 1001);
	assert_int_equal(packet.len, 5);
	assert_int_equal(packet.wire_len, 1500);
	assert_memory_equal(packet.bytes, "bytes", 5);
}

static void
reads_a_packet_with_the_least(void **state)
{
	struct nfq_packet packet;
	struct message m;

	(void)state;
	memset(&packet, 0x55, sizeof packet);
	begin_packet(&m);
	put_header(&m, UINT32_MAX);
	assert_int_equal(parse(&m, &packet), 0);
	assert_int_equal(packet.id, UINT32_MAX);
	assert_int_equal(packet.len, 0);
	assert_int_equal(packet.wire_len, 0);
	assert_int_equal(packet.indev, 0);
	assert_int_equal(packet.mark, 0);
	assert_false(packet.has_uid);
	netlink_put(&m.msg, NFQA_PAYLOAD, "bytes", 5);
	assert_int_equal(parse(&m, &packet), 0);
	assert_int_equal(packet.wire_len, 5);
}

/* Numbers of another length are as good as none. */
static void
passes_over_numbers_of_a_wrong_length(void **state)
{
	struct nfq_packet packet;
	struct message m;

	(void)state;
	begin_packet(&m);
	put_header(&m, 1);
	netlink_put(&m.msg, NFQA_MARK, "12345678", 8);
	netlink_put(&m.msg, NFQA_UID, "1", 1);
	netlink_put(&m.msg, NFQA_IFINDEX_INDEV, NULL, 0);
	netlink_put(&m.msg, NFQA_PAYLOAD, "bytes", 5);
	netlink_put(&m.msg, NFQA_CAP_LEN, "12", 2);
	assert_int_equal(parse(&m, &packet), 0);
	assert_int_equal(packet.mark, 0);
	assert_int_equal(packet.indev, 0);
	assert_false(packet.has_uid);
	/* Shorter on the wire than here: packet_parse() refuses that. */
	assert_int_equal(packet.wire_len, 0);
}

static void
refuses_what_is_no_packet(void **state)
{
	struct nfq_packet packet;
	struct message m;

	(void)state;
	begin_packet(&m);
	assert_int_equal(parse(&m, &packet), -1);
	netlink_put(&m.msg, NFQA_PAYLOAD, "bytes", 5);
	assert_int_equal(parse(&m, &packet), -1);
	for (size_t len = 0; len <= 16; len++) {
		begin_packet(&m);
		netlink_put(&m.msg, NFQA_PACKET_HDR, "0123456789abcdef", len);
		assert_int_equal(
			parse(&m, &packet),
			len == sizeof(struct nfqnl_msg_packet_hdr) ? 0 : -1);
	}
	begin_packet(&m);
	put_header(&m, 1);
	m.msg.bytes[4]++; /* another type */
	assert_int_equal(parse(&m, &packet), -1);
}

/* Whole, cut anywhere and with any byte changed: only its bytes are read. */
static void
stays_within_hostile_messages(void **state)
{
	struct message m;

	(void)state;
	begin_packet(&m);
	put_header(&m, 7);
	netlink_put_be32(&m.msg, NFQA_MARK, 1);
	netlink_put(&m.msg, NFQA_PAYLOAD, "0123456789", 10);
	for (size_t len = 0; len <= m.msg.len; len++) {
		for (size_t at = 0; at < len; at++) {
			uint8_t *exact = malloc(len);
			struct nfq_packet packet;
			struct netlink_reply reply;
			size_t pos = 0;

			memcpy(exact, m.room, len);
			exact[at] = (uint8_t)(exact[at] + 1 + at * 7);
			while (netlink_next(exact, len, &pos, &reply)) {
				if (nfq_parse(&reply, &packet) == 0 &&
				    packet.len > 0) {
					assert_true(packet.bytes >= exact);
					assert_true(packet.bytes + packet.len <=
						    exact + len);
				}
			}
			free(exact);
		}
	}
}

/* Verdicts wait until they are sent; their form is the kernel's. */
static void
gathers_verdicts(void **state)
{
	static struct nfq nfq;
	struct netlink_attr attrs[NFQA_MAX + 1];
	struct nfqnl_msg_verdict_hdr header;
	struct netlink_reply reply;
	size_t at = 0;

	(void)state;
	nfq.nl.fd = -1;
	nfq.queue = 5040;
	nfq.verdicts.bytes = (void *)nfq.verdict_bytes;
	nfq.verdicts.size = sizeof nfq.verdict_bytes;
	nfq_decide(&nfq, 1, NFQ_DROP, NULL, 0);
	nfq_decide(&nfq, 0x01020304, NFQ_ACCEPT, (const void *)"new", 3);
	assert_true(netlink_next(nfq.verdicts.bytes, nfq.verdicts.len, &at,
				 &reply));
	assert_int_equal(netlink_attrs(reply.payload, reply.len,
				       sizeof(struct nfgenmsg), attrs,
				       NFQA_MAX),
			 0);
	assert_int_equal(attrs[NFQA_VERDICT_HDR].len, sizeof header);
	assert_memory_equal(attrs[NFQA_VERDICT_HDR].payload, "\0\0\0\0\0\0\0\1",
			    8);
	assert_null(attrs[NFQA_PAYLOAD].payload);
	assert_true(netlink_next(nfq.verdicts.bytes, nfq.verdicts.len, &at,
				 &reply));
	assert_int_equal(reply.type, TYPE(NFQNL_MSG_VERDICT));
	assert_memory_equal(reply.payload, "\0\0\x13\xb0", 4);
	netlink_attrs(reply.payload, reply.len, sizeof(struct nfgenmsg), attrs,
		      NFQA_MAX);
	assert_memory_equal(attrs[NFQA_VERDICT_HDR].payload, "\0\0\0\1\1\2\3\4",
			    8);
	assert_int_equal(attrs[NFQA_PAYLOAD].len, 3);
	/* However many, none is left out and the room suffices. */
	for (uint32_t i = 0; i < 100000; i++) {
		nfq_decide(&nfq, i, NFQ_DROP, NULL, 0);
		assert_false(nfq.verdicts.full);
	}
	assert_true(nfq_flush(&nfq) < 0); /* no socket */
	assert_int_equal(nfq.verdicts.len, 0);
	assert_int_equal(nfq_flush(&nfq), 0);
}

static void
has_a_queue_to_itself(void **state)
{
	static struct nfq one, two;
	struct nfq_drops drops;
	int fd;

	(void)state;
	require_namespace();
	fd = nfq_open_drops();
	assert_int_equal(nfq_owner(5040), 0);
	assert_true(fd >= 0);
	assert_int_equal(nfq_read_drops(fd, 5040, &drops), -ENOENT);
	if (nfq_open(&one, 5040, 100, true) == -ENOSYS) {
		print_message("skipped: this kernel has no NFQUEUE\n");
		skip();
	}
	assert_int_equal(nfq_owner(5040), one.nl.port);
	assert_int_equal(nfq_read_drops(fd, 5040, &drops), 0);
	assert_int_equal(drops.queue_full, 0);
	assert_int_equal(nfq_open(&two, 5040, 100, false), -EBUSY);
	assert_int_equal(two.nl.fd, -1);
	assert_int_equal(nfq_open(&two, 5041, 100, false), 0);
	assert_int_equal(nfq_receive(&one), 0);
	nfq_close(&two);
	nfq_close(&one);
	assert_int_equal(nfq_owner(5040), 0);
	assert_int_equal(nfq_open(&two, 5040, 100, false), 0);
	nfq_close(&two);
	close(fd);
}

/* Whatever its owner did with it; what waits there is not read. */
static void
makes_a_queue_what_it_was(void **state)
{
	static struct nfq one;
	struct nfqnl_msg_config_cmd cmd = { .command = NFQNL_CFG_CMD_UNBIND };
	NETLINK_MSG(msg, 64);

	(void)state;
	require_namespace();
	if (nfq_open(&one, 5040, 100, false) == -ENOSYS) {
		print_message("skipped: this kernel has no NFQUEUE\n");
		skip();
	}
	begin(&msg, TYPE(NFQNL_MSG_CONFIG), NLM_F_REQUEST | NLM_F_ACK,
	      one.nl.seq++, one.queue);
	netlink_put(&msg, NFQA_CFG_CMD, &cmd, sizeof cmd);
	assert_int_equal(netlink_call(&one.nl, &msg, NULL, NULL), 0);
	assert_int_equal(nfq_owner(5040), 0);
	assert_int_equal(nfq_renew(&one), 0);
	assert_int_equal(nfq_owner(5040), one.nl.port);
	/* Of one that is as it was, an error tells, and is passed over. */
	assert_int_equal(nfq_receive(&one), 0);
	assert_int_equal(nfq_renew(&one), 0);
	assert_int_equal(nfq_receive(&one), 0);
	assert_int_equal(one.unreadable, 0);
	assert_int_equal(nfq_owner(5040), one.nl.port);
	nfq_close(&one);
}

static void
finds_its_queue_among_many(void **state)
{
	enum { FIRST = 7000, QUEUES = 200 }; /* some pages of /proc */
	static struct nfq nfq;

	(void)state;
	require_namespace();
	if (nfq_open(&nfq, FIRST, 100, false) == -ENOSYS) {
		print_message("skipped: this kernel has no NFQUEUE\n");
		skip();
	}
	for (uint16_t i = 1; i < QUEUES; i++) {
		nfq.queue = (uint16_t)(FIRST + i);
		assert_int_equal(bind_queue(&nfq), 0);
	}
	for (uint16_t i = 0; i < QUEUES; i++) {
		assert_int_equal(nfq_owner((uint16_t)(FIRST + i)), nfq.nl.port);
	}
	assert_int_equal(nfq_owner(FIRST + QUEUES), 0);
	nfq_close(&nfq);
}

static int
open_queue(void *context)
{
	static struct nfq nfq;

	return -nfq_open(&nfq, *(uint16_t *)context, 100, false);
}

static void
opens_for_the_privileged_only(void **state)
{
	uint16_t queue = 5042;

	(void)state;
	require_namespace();
	assert_int_equal(as_user(65534, open_queue, &queue), EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_packet),
		cmocka_unit_test(reads_a_packet_with_the_least),
		cmocka_unit_test(passes_over_numbers_of_a_wrong_length),
		cmocka_unit_test(refuses_what_is_no_packet),
		cmocka_unit_test(stays_within_hostile_messages),
		cmocka_unit_test(gathers_verdicts),
		cmocka_unit_test(has_a_queue_to_itself),
		cmocka_unit_test(makes_a_queue_what_it_was),
		cmocka_unit_test(finds_its_queue_among_many),
		cmocka_unit_test(opens_for_the_privileged_only),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
