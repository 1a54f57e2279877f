/* What is made of the kernel's answer, of which one message is read. */
#include "unit/files_support.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "os/route.h"

#define SEQ 7u
#define DEVICE 3u

static const struct packet_addr there = { .family = 4,
					  .bytes = { 192, 0, 2, 1 } };

/* In the kernel's place: it has answered already. */
struct kernel {
	int fd[2];
	struct netlink nl;
};

static void
begin(struct kernel *k)
{
	/* In place of waiting for ever. */
	const struct timeval patience = { .tv_usec = 100000 };

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, k->fd), 0);
	assert_int_equal(setsockopt(k->fd[0], SOL_SOCKET, SO_RCVTIMEO,
				    &patience, sizeof patience),
			 0);
	k->nl = (struct netlink){ .fd = k->fd[0], .seq = SEQ };
}

static void
answer(const struct kernel *k, uint16_t type, uint32_t seq, uint8_t of_type)
{
	const struct rtmsg route = { .rtm_family = AF_INET,
				     .rtm_type = of_type };
	const uint32_t device = DEVICE;
	NETLINK_MSG(msg, 64);

	netlink_begin(&msg, type, 0, seq);
	netlink_header(&msg, &route, sizeof route);
	netlink_put(&msg, RTA_OIF, &device, sizeof device);
	assert_int_equal(send(k->fd[1], msg.bytes, msg.len, 0),
			 (ssize_t)msg.len);
}

static void
refuse(const struct kernel *k, uint32_t seq, int32_t error)
{
	const struct nlmsgerr refusal = { .error = error };
	NETLINK_MSG(msg, 64);

	netlink_begin(&msg, NLMSG_ERROR, 0, seq);
	netlink_header(&msg, &refusal, sizeof refusal);
	assert_int_equal(send(k->fd[1], msg.bytes, msg.len, 0),
			 (ssize_t)msg.len);
}

/* The way there; nothing that was sent may be left unread. */
static int
ask(struct kernel *k, uint32_t *device)
{
	const struct route_flow flow = { .dst = there };
	struct route route;
	uint8_t left[64];
	int rc = route_of_flow(&k->nl, &flow, false, &route);

	*device = route.device;
	assert_int_equal(recv(k->fd[0], left, sizeof left, MSG_DONTWAIT), -1);
	close(k->fd[0]);
	close(k->fd[1]);
	return rc;
}

static void
one_message_answers(void **state)
{
	struct kernel k;
	uint32_t device;

	(void)state;
	begin(&k);
	/* Of one that was asked before. */
	refuse(&k, SEQ - 1, -EPERM);
	answer(&k, RTM_NEWROUTE, SEQ - 1, RTN_BLACKHOLE);
	answer(&k, RTM_NEWROUTE, SEQ, RTN_UNICAST);
	assert_int_equal(ask(&k, &device), 0);
	assert_int_equal(device, DEVICE);
}

static void
there_may_be_no_way(void **state)
{
	struct kernel k;
	uint32_t device;

	(void)state;
	begin(&k);
	refuse(&k, SEQ, -EHOSTUNREACH);
	assert_int_equal(ask(&k, &device), -EHOSTUNREACH);
	begin(&k);
	answer(&k, RTM_NEWROUTE, SEQ, RTN_PROHIBIT);
	assert_int_equal(ask(&k, &device), -ENETUNREACH);
	assert_int_equal(device, 0);
}

/* Nothing comes behind it that would be worth the wait. */
static void
another_answer_is_none(void **state)
{
	struct kernel k;
	uint32_t device;

	(void)state;
	begin(&k);
	answer(&k, RTM_NEWLINK, SEQ, RTN_UNICAST);
	assert_int_equal(ask(&k, &device), -EBADMSG);
	assert_int_equal(device, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_answers),
		cmocka_unit_test(there_may_be_no_way),
		cmocka_unit_test(another_answer_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
