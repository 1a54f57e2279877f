#include "unit/files_support.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "os/netlink.c"

/* The numbers of netlink are in the order of the host. */
struct datagram {
	uint8_t bytes[1024];
	size_t len;
};

static void
add_message(struct datagram *d, uint16_t type, uint32_t seq, const void *body,
	    size_t len)
{
	struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(sizeof header + len),
		.nlmsg_type = type,
		.nlmsg_seq = seq,
	};

	memset(d->bytes + d->len, 0, sizeof header + ALIGN(len));
	memcpy(d->bytes + d->len, &header, sizeof header);
	if (len > 0) {
		memcpy(d->bytes + d->len + sizeof header, body, len);
	}
	d->len += sizeof header + ALIGN(len);
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define U16(n) (n) >> 8 & 255, (n)&255
#define U32(n) U16((n) >> 16), U16(n)
#else
#define U16(n) (n) & 255, (n) >> 8 & 255
#define U32(n) U16(n), U16((n) >> 16)
#endif

static void
builds_messages(void **state)
{
	static const uint8_t wanted[] = {
		/* length, type, flags, seq, port */
		U32(40), U16(0x203), U16(1), U32(0x01020304), U32(0), 'h', 'e',
		0, 0,
		/* length, type, payload, padding */
		U16(5), U16(1), 7, 0, 0, 0, U16(6), U16(2), 0x12, 0x34, 0, 0,
		U16(4), U16(3)
	};
	uint32_t room[64];
	struct netlink_msg msg = { .bytes = (void *)room, .size = sizeof room };

	(void)state;
	memset(room, 0x55, sizeof room);
	netlink_begin(&msg, 0x203, 1, 0x01020304);
	netlink_header(&msg, "he", 2);
	netlink_put_u8(&msg, 1, 7);
	netlink_put_be16(&msg, 2, 0x1234);
	netlink_put(&msg, 3, NULL, 0);
	assert_int_equal(msg.len, sizeof wanted);
	assert_memory_equal(room, wanted, sizeof wanted);
	assert_false(msg.full);
}

static void
builds_nested_attributes_and_more_messages(void **state)
{
	uint32_t room[64];
	struct netlink_msg msg = { .bytes = (void *)room, .size = sizeof room };
	struct netlink_attr attrs[2], inner[3];
	struct netlink_reply reply = { 0 };
	size_t at = 0;
	size_t nest;
	uint32_t value;

	(void)state;
	netlink_begin(&msg, 1, 0, 1);
	netlink_begin(&msg, 2, 0, 2);
	nest = netlink_nest(&msg, 1);
	netlink_put_be32(&msg, 2, 0xdeadbeef);
	netlink_put_u8(&msg, 1, 1);
	netlink_unnest(&msg, nest);
	assert_true(netlink_next(msg.bytes, msg.len, &at, &reply));
	assert_int_equal(reply.type, 1);
	assert_int_equal(reply.len, 0);
	assert_true(netlink_next(msg.bytes, msg.len, &at, &reply));
	assert_int_equal(reply.seq, 2);
	assert_int_equal(netlink_attrs(reply.payload, reply.len, 0, attrs, 1),
			 0);
	assert_int_equal(attrs[1].len, 16);
	assert_int_equal(
		netlink_attrs(attrs[1].payload, attrs[1].len, 0, inner, 2), 0);
	assert_true(netlink_be32(&inner[2], &value));
	assert_int_equal(value, 0xdeadbeef);
	assert_int_equal(inner[1].len, 1);
	assert_false(netlink_next(msg.bytes, msg.len, &at, &reply));
}

static void
notes_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t size = 0; size < 64; size += 4) {
		uint32_t room[17];
		struct netlink_msg msg = { .bytes = (void *)room,
					   .size = size };
		struct netlink nl = { .fd = -1 };

		memset(room, 0x55, sizeof room);
		netlink_begin(&msg, 1, 0, 1);
		netlink_header(&msg, "header..", 8);
		netlink_unnest(&msg, netlink_nest(&msg, 9));
		netlink_put(&msg, 1, room, 32);
		assert_true(msg.full);
		assert_true(msg.len <= size);
		assert_int_equal(room[size / 4], 0x55555555);
		assert_int_equal(netlink_send(&nl, &msg), -EMSGSIZE);
	}
}

/* Cut anywhere, or with any length, it stays within its bytes. */
static void
takes_no_broken_message(void **state)
{
	struct datagram d = { .len = 0 };
	struct netlink_reply reply = { 0 };

	(void)state;
	add_message(&d, 7, 9, "payload", 7);
	for (size_t len = 0; len < 23; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		size_t at = 0;

		memcpy(exact, d.bytes, len);
		assert_false(netlink_next(exact, len, &at, &reply));
		assert_int_equal(at, 0);
		free(exact);
	}
	for (uint32_t claimed = 0; claimed < 64; claimed++) {
		size_t at = 0;

		memcpy(d.bytes, &claimed, 4);
		if (netlink_next(d.bytes, d.len, &at, &reply)) {
			assert_in_range(claimed, 16, d.len);
			assert_int_equal(reply.len, claimed - 16);
			assert_true(at <= d.len);
		} else {
			assert_true(claimed < 16 || claimed > d.len);
		}
	}
	for (uint32_t claimed = UINT32_MAX; claimed > UINT32_MAX - 9;
	     claimed--) {
		size_t at = 0;

		memcpy(d.bytes, &claimed, 4);
		assert_false(netlink_next(d.bytes, d.len, &at, &reply));
	}
}

/* A last message may lack its padding. */
static void
takes_a_message_without_padding(void **state)
{
	struct datagram d = { .len = 0 };
	struct netlink_reply reply = { 0 };
	size_t at = 0;

	(void)state;
	add_message(&d, 7, 9, "payload", 7);
	assert_true(netlink_next(d.bytes, 23, &at, &reply));
	assert_int_equal(reply.len, 7);
	assert_int_equal(at, 23);
	assert_false(netlink_next(d.bytes, 23, &at, &reply));
}

static void
reads_errors(void **state)
{
	static const struct {
		int32_t value;
		int error;
	} values[] = {
		{ 0, 0 },
		{ -EPERM, EPERM },
		{ -4095, 4095 },
		{ -4096, EBADMSG },
		{ 1, EBADMSG },
		{ INT32_MIN, EBADMSG },
		{ INT32_MAX, EBADMSG },
	};
	int32_t value;
	struct netlink_reply reply = { .type = NLMSG_ERROR,
				       .len = 4,
				       .payload = (const void *)&value };

	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++) {
		value = values[i].value;
		assert_int_equal(netlink_error(&reply), values[i].error);
	}
	value = 0;
	reply.len = 3;
	assert_int_equal(netlink_error(&reply), EBADMSG);
	reply.len = 4;
	reply.type = NLMSG_DONE;
	assert_int_equal(netlink_error(&reply), EBADMSG);
}

#define MOST 3

static int
attrs_of(const uint8_t *bytes, size_t len, size_t header,
	 struct netlink_attr *attrs)
{
	/* What is read past the end is seen by the sanitizers. */
	uint8_t *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, bytes, len);
	memset(attrs, 0x55, (MOST + 1) * sizeof *attrs);
	rc = netlink_attrs(exact, len, header, attrs, MOST);
	for (size_t i = 0; rc == 0 && i <= MOST; i++) {
		if (attrs[i].payload) {
			assert_true(attrs[i].payload >= exact);
			assert_true(attrs[i].payload + attrs[i].len <=
				    exact + len);
		}
	}
	free(exact);
	return rc;
}

static void
sorts_attributes(void **state)
{
	static const uint8_t good[] = { 'h', 0, 0, 0, U16(8), U16(1), 'a', 'b',
					'c', 'd',
					/* with the flag of a nest */
					U16(5), U16(0x8002), 'x', 0, 0, 0,
					/* above what is asked for */
					U16(4), U16(9),
					/* again, and unpadded */
					U16(6), U16(0x4001), 'n', 'm' };
	struct netlink_attr attrs[MOST + 1];

	(void)state;
	assert_int_equal(attrs_of(good, sizeof good, 1, attrs), 0);
	assert_null(attrs[0].payload);
	assert_int_equal(attrs[1].len, 2);
	assert_int_equal(attrs[2].len, 1);
	assert_null(attrs[3].payload);
	assert_int_equal(attrs_of(good, 4, 4, attrs), 0);
	assert_null(attrs[1].payload);
	/* A header longer than all there is. */
	assert_int_equal(attrs_of(good, 3, 4, attrs), 0);
	assert_int_equal(attrs_of(good, 0, 100, attrs), 0);
}

static void
refuses_broken_attributes(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t len;
	} bad[] = {
		{ { 0 }, 4 },
		{ { 3, 0, 1, 0 }, 4 },
		{ { 5, 0, 1, 0 }, 4 },
		{ { 0xff, 0xff, 1, 0 }, 12 },
		{ { 4 }, 1 },
		{ { 4, 0 }, 2 },
		{ { 4, 0, 1 }, 3 },
		{ { 4, 0, 1, 0, 0, 0, 0, 0 }, 8 },
		{ { 4, 0, 1, 0, 8, 0, 1, 0, 1, 2, 3 }, 11 },
		{ { 5, 0, 1, 0, 9, 0, 0, 0, 4 }, 9 },
	};
	struct netlink_attr attrs[MOST + 1];

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		assert_int_equal(attrs_of(bad[i].bytes, bad[i].len, 0, attrs),
				 -1);
	}
}

static void
reads_numbers_of_their_length_only(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct netlink_attr attr = { bytes, 4 };
	uint32_t value = 77;

	(void)state;
	assert_true(netlink_be32(&attr, &value));
	assert_int_equal(value, 0x01020304);
	for (size_t len = 0; len <= 8; len++) {
		attr.len = len;
		assert_int_equal(netlink_be32(&attr, &value), len == 4);
	}
	attr = (struct netlink_attr){ NULL, 4 };
	assert_false(netlink_be32(&attr, &value));
}

static int
count_and(void *context, const struct netlink_reply *reply)
{
	int *left = context;

	assert_int_equal(reply->seq, 5);
	return --*left == 0 ? -ECANCELED : 0;
}

static void
finds_the_end_of_an_answer(void **state)
{
	static const int32_t zero = 0, denied = -EACCES;
	struct datagram d = { .len = 0 };
	int left = 100;

	(void)state;
	add_message(&d, 20, 4, NULL, 0); /* another's */
	add_message(&d, NLMSG_ERROR, 4, &denied, 4);
	add_message(&d, 20, 5, "x", 1);
	add_message(&d, 20, 5, NULL, 0);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, count_and, &left), 0);
	assert_int_equal(left, 98);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), 0);
	left = 2;
	assert_int_equal(take_datagram(d.bytes, d.len, 5, count_and, &left),
			 -ECANCELED);
	d.len = 0;
	add_message(&d, NLMSG_DONE, 5, &zero, 4);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), 1);
	d.len = 0;
	add_message(&d, NLMSG_DONE, 5, NULL, 0);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), 1);
	d.len = 0;
	add_message(&d, NLMSG_ERROR, 5, &zero, 4);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), 1);
	d.len = 0;
	add_message(&d, NLMSG_ERROR, 5, &denied, 4);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), -EACCES);
	d.len = 0;
	add_message(&d, NLMSG_ERROR, 5, NULL, 0);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL),
			 -EBADMSG);
}

/* A dump that fails on the way says so in its last message. */
static void
finds_the_error_of_a_dump(void **state)
{
	static const int32_t errors[] = { -ENOENT, 7, INT32_MIN };
	struct datagram d = { .len = 0 };

	(void)state;
	add_message(&d, NLMSG_DONE, 5, &errors[0], 4);
	assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL), -ENOENT);
	for (size_t i = 1; i < LENGTH(errors); i++) {
		d.len = 0;
		add_message(&d, NLMSG_DONE, 5, &errors[i], 4);
		assert_int_equal(take_datagram(d.bytes, d.len, 5, NULL, NULL),
				 1);
	}
}

static int
count_links(void *context, const struct netlink_reply *reply)
{
	*(int *)context += reply->type == RTM_NEWLINK;
	return 0;
}

/* The kernel itself: the loopback device is always there. */
static void
seccomp_the_kernel(void **state)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	size_t fds = count_fds();
	struct netlink nl;
	int links = 0;

	(void)state;
	assert_int_equal(netlink_open(&nl, NETLINK_ROUTE), 0);
	assert_int_not_equal(nl.port, 0);
	for (int i = 0; i < 3; i++) {
		uint32_t room[32];
		struct netlink_msg msg = { .bytes = (void *)room,
					   .size = sizeof room };
		static const uint16_t flags[] = { NLM_F_DUMP, NLM_F_ACK,
						  NLM_F_ACK };

		link.ifi_index = i == 2 ? INT32_MAX : i;
		netlink_begin(&msg, RTM_GETLINK,
			      (uint16_t)(NLM_F_REQUEST | flags[i]), nl.seq++);
		netlink_header(&msg, &link, sizeof link);
		assert_int_equal(netlink_call(&nl, &msg, count_links, &links),
				 i == 2 ? -ENODEV : 0);
	}
	assert_true(links >= 2);
	netlink_close(&nl);
	netlink_close(&nl);
	assert_int_equal(netlink_open(&nl, 4711), -EPROTONOSUPPORT);
	assert_int_equal(count_fds(), fds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_messages),
		cmocka_unit_test(builds_nested_attributes_and_more_messages),
		cmocka_unit_test(notes_what_does_not_fit),
		cmocka_unit_test(takes_no_broken_message),
		cmocka_unit_test(takes_a_message_without_padding),
		cmocka_unit_test(reads_errors),
		cmocka_unit_test(sorts_attributes),
		cmocka_unit_test(refuses_broken_attributes),
		cmocka_unit_test(reads_numbers_of_their_length_only),
		cmocka_unit_test(finds_the_end_of_an_answer),
		cmocka_unit_test(finds_the_error_of_a_dump),
		cmocka_unit_test(seccomp_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
