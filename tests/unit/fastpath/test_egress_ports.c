#include "unit/files_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fastpath/egress_ports.h"

static struct port_pool pool;
static struct egress_ports ports;

static bool
is_held(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	assert_true(fd >= 0);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
	assert_true(rc == 0 || errno == EADDRINUSE);
	close(fd);
	return rc < 0;
}

static int
setup(void **state)
{
	(void)state;
	memset(&ports, 0, sizeof ports);
	egress_ports_init(&pool);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	egress_ports_close(&pool);
	return 0;
}

static void
check_distinct(void)
{
	static bool seen[65536];

	memset(seen, 0, sizeof seen);
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		assert_int_not_equal(ports.port[i], 0);
		assert_false(seen[ports.port[i]]);
		seen[ports.port[i]] = true;
		assert_true(is_held(ports.port[i]));
	}
}

static void
all_places_have_a_port_of_their_own(void **state)
{
	const size_t fds = count_fds();

	(void)state;
	require_namespace();
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	check_distinct();
	assert_int_equal(count_fds(), fds + EGRESS_PORTS);
	egress_ports_close(&pool);
	assert_int_equal(count_fds(), fds);
	assert_false(is_held(ports.port[0]));
}

/* Those alone, and they are held until the next time. */
static void
what_was_used_is_replaced(void **state)
{
	struct egress_ports before;

	(void)state;
	require_namespace();
	ports.next = UINT32_MAX - 2; /* it wraps */
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	before = ports;
	ports.next += 10;
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	check_distinct();
	for (uint32_t i = 0; i < EGRESS_PORTS; i++) {
		const uint32_t at = (before.next + i) % EGRESS_PORTS;

		assert_true((ports.port[at] == before.port[at]) == (i >= 10));
		assert_true(is_held(before.port[at]));
	}
	before = ports;
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	assert_memory_equal(&ports, &before, sizeof ports);
	/* However many: each place once. */
	ports.next += 10 * EGRESS_PORTS;
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	check_distinct();
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		assert_int_not_equal(ports.port[i], before.port[i]);
	}
}

static void
what_can_not_be_replaced_stays(void **state)
{
	struct egress_ports before;

	(void)state;
	require_namespace();
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	before = ports;
	set_port_range(40000, 40099);
	ports.next += 2 * EGRESS_PORTS;
	assert_int_equal(egress_ports_refill(&pool, &ports), 0);
	check_distinct();
	assert_memory_not_equal(&ports.port, &before.port, sizeof ports.port);
	egress_ports_close(&pool);
	egress_ports_init(&pool);
	memset(&ports, 0, sizeof ports);
	assert_int_equal(egress_ports_refill(&pool, &ports), -EADDRINUSE);
	set_port_range(32768, 60999);
}

static void
it_leaves_ports_to_others(void **state)
{
	const unsigned low = 40000;
	const unsigned few = EGRESS_PORTS_SHARE * EGRESS_PORTS;

	(void)state;
	require_namespace();
	set_port_range(low, low + few - 1);
	assert_false(egress_ports_fits());
	set_port_range(low, low + few);
	assert_true(egress_ports_fits());
	set_port_range(32768, 60999);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_places_have_a_port_of_their_own),
		TEST(what_was_used_is_replaced),
		TEST(what_can_not_be_replaced_stays),
		TEST(it_leaves_ports_to_others),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
