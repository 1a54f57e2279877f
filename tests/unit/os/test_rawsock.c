/* Over the loopback of a network namespace of its own. */
#include "unit/files_support.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "protocol/packet.h"
#include "os/rawsock.h"

static const struct packet_addr v4_from = { 4, { 127, 0, 0, 1 } };
static const struct packet_addr v4_to = { 4, { 127, 0, 0, 2 } };
static const struct packet_addr v6 = { 6, { [15] = 1 } };

/* A SYN of that number; its length. */
static size_t
make_syn(uint8_t *out, const struct packet_addr *src,
	 const struct packet_addr *dst, uint32_t seq)
{
	bool v4 = src->family == 4;
	size_t at = v4 ? 20 : 40;
	struct packet p;

	memset(out, 0, at + 20);
	out[0] = v4 ? 0x45 : 0x60;
	if (v4) {
		be16_store(out + 2, 40);
		be16_store(out + 4, 0x1234);
		out[6] = 0x40;
		out[8] = 64;
		out[9] = 6;
		memcpy(out + 12, src->bytes, 4);
		memcpy(out + 16, dst->bytes, 4);
	} else {
		be16_store(out + 4, 20);
		out[6] = 6;
		out[7] = 64;
		memcpy(out + 8, src->bytes, 16);
		memcpy(out + 24, dst->bytes, 16);
	}
	be16_store(out + at, 40000);
	be16_store(out + at + 2, 22);
	out[at + 12] = 0x50;
	out[at + 13] = PACKET_SYN;
	assert_int_equal(packet_parse(&p, out, at + 20, at + 20), PACKET_OK);
	packet_rewrite(out, &p, 40000, seq, 0xbeef);
	return at + 20;
}

/* A socket that sees what passes the loopback. */
static int
open_tap(void)
{
	int on = 1;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	/* Once on its way in is enough. */
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	return fd;
}

/* The next SYN from our port on the wire; its length. */
static size_t
next_syn(int fd, uint8_t *out, size_t size)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		struct packet p;
		ssize_t got;

		assert_int_equal(poll(&poll_fd, 1, 20000), 1);
		got = recv(fd, out, size, 0);
		if (got > 0 &&
		    packet_parse(&p, out, (size_t)got, (size_t)got) == 0 &&
		    packet_is_syn(&p) && p.sport == 40000) {
			return (size_t)got;
		}
	}
}

static struct rawsock raw;

static void
sends_a_batch_in_order(const struct packet_addr *src,
		       const struct packet_addr *dst, uint32_t device)
{
	uint8_t bytes[RAWSOCK_BATCH][64], got[128];
	struct packet_view packets[RAWSOCK_BATCH];
	int tap = open_tap();

	for (uint32_t i = 0; i < RAWSOCK_BATCH; i++) {
		packets[i].bytes = bytes[i];
		packets[i].len = make_syn(bytes[i], src, dst, 0xdead0000 + i);
	}
	assert_int_equal(
		rawsock_send(&raw, src, dst, device, 0, packets, RAWSOCK_BATCH),
		0);
	for (uint32_t i = 0; i < RAWSOCK_BATCH; i++) {
		size_t len = next_syn(tap, got, sizeof got);

		assert_int_equal(len, packets[i].len);
		/* The kernel writes the IPv4 header's checksum. */
		if (src->family == 4) {
			be16_store(got + 10, 0);
		}
		assert_memory_equal(got, bytes[i], len);
	}
	close(tap);
}

static void
sends_over_ipv4(void **state)
{
	(void)state;
	require_namespace();
	assert_int_equal(rawsock_open(&raw), 0);
	sends_a_batch_in_order(&v4_from, &v4_to, 0);
	sends_a_batch_in_order(&v4_from, &v4_to, 1);
	rawsock_close(&raw);
}

static void
sends_over_ipv6(void **state)
{
	(void)state;
	require_namespace();
	assert_int_equal(rawsock_open(&raw), 0);
	if (raw.fd6 < 0) {
		rawsock_close(&raw);
		print_message("skipped: there is no IPv6\n");
		skip();
	}
	sends_a_batch_in_order(&v6, &v6, 0);
	sends_a_batch_in_order(&v6, &v6, 1);
	rawsock_close(&raw);
}

static uint32_t
mark_of(int fd)
{
	uint32_t mark = 0;
	socklen_t len = sizeof mark;

	getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len);
	return mark;
}

static void
marks_what_it_sends(void **state)
{
	uint8_t bytes[64];
	struct packet_view packet = { bytes, 0 };

	(void)state;
	require_namespace();
	assert_int_equal(rawsock_open(&raw), 0);
	packet.len = make_syn(bytes, &v4_from, &v4_to, 1);
	assert_int_equal(
		rawsock_send(&raw, &v4_from, &v4_to, 0, 0x400000, &packet, 1),
		0);
	assert_int_equal(mark_of(raw.fd4), 0x400000);
	if (raw.fd6 >= 0) {
		assert_int_equal(mark_of(raw.fd6), 0x400000);
	}
	assert_int_equal(rawsock_send(&raw, &v4_from, &v4_to, 0, 0, &packet, 1),
			 0);
	assert_int_equal(mark_of(raw.fd4), 0);
	rawsock_close(&raw);
}

static void
says_what_cannot_be_sent(void **state)
{
	static const struct packet_addr far = { 4, { 198, 51, 100, 1 } };
	uint8_t bytes[64];
	struct packet_view packet = { bytes, 0 };
	size_t fds = count_fds();

	(void)state;
	require_namespace();
	assert_int_equal(rawsock_open(&raw), 0);
	packet.len = make_syn(bytes, &v4_from, &far, 1);
	assert_int_equal(rawsock_send(&raw, &v4_from, &far, 0, 0, &packet, 1),
			 -ENETUNREACH);
	packet.len = make_syn(bytes, &v4_from, &v4_to, 1);
	assert_true(rawsock_send(&raw, &v4_from, &v4_to, 4711, 0, &packet, 1) <
		    0);
	assert_int_equal(rawsock_send(&raw, &v4_from, &v4_to, 0, 0, &packet, 0),
			 0);
	if (raw.fd6 >= 0) {
		close(raw.fd6);
		raw.fd6 = -1;
	}
	packet.len = make_syn(bytes, &v6, &v6, 1);
	assert_int_equal(rawsock_send(&raw, &v6, &v6, 0, 0, &packet, 1),
			 -EAFNOSUPPORT);
	rawsock_close(&raw);
	assert_int_equal(count_fds(), fds);
}

static int
open_raw(void *context)
{
	(void)context;
	return -rawsock_open(&raw);
}

static void
opens_for_the_privileged_only(void **state)
{
	(void)state;
	require_namespace();
	assert_int_equal(as_user(65534, open_raw, NULL), EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_over_ipv4),
		cmocka_unit_test(sends_over_ipv6),
		cmocka_unit_test(marks_what_it_sends),
		cmocka_unit_test(says_what_cannot_be_sent),
		cmocka_unit_test(opens_for_the_privileged_only),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
