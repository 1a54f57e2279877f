#include "unit/files_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/source_ports.h"

static struct ports ports;

/* Bind as another program would that tries hard; 0 or an errno. */
static int
bind_error(int family, uint16_t port, bool reuse)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	assert_true(fd >= 0);
	v6.sin6_addr.s6_addr[15] = 1;
	if (reuse) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	}
	if (bind(fd,
		 family == AF_INET ? (struct sockaddr *)&v4
				   : (struct sockaddr *)&v6,
		 family == AF_INET ? sizeof v4 : sizeof v6) < 0) {
		error = errno;
	}
	close(fd);
	return error;
}

static bool
is_held(uint16_t port)
{
	int errors[] = {
		bind_error(AF_INET, port, false),
		bind_error(AF_INET, port, true),
		bind_error(AF_INET6, port, false),
		bind_error(AF_INET6, port, true),
	};

	for (size_t i = 1; i < LENGTH(errors); i++) {
		assert_int_equal(errors[i], errors[0]);
	}
	assert_true(errors[0] == 0 || errors[0] == EADDRINUSE);
	return errors[0] == EADDRINUSE;
}

static int
setup(void **state)
{
	(void)state;
	ports_init(&ports);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ports_close(&ports);
	return 0;
}

static void
reserves_distinct_ports(void **state)
{
	bool seen[65536] = { false };

	(void)state;
	require_namespace();
	assert_int_equal(ports.count, 0);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports.count, PORTS_AHEAD);
	for (size_t i = 0; i < ports.count; i++) {
		assert_int_not_equal(ports.ready[i].port, 0);
		assert_false(seen[ports.ready[i].port]);
		seen[ports.ready[i].port] = true;
		assert_true(is_held(ports.ready[i].port));
	}
}

static void
keeps_taken_ports_until_the_next_refill(void **state)
{
	uint16_t taken[10];

	(void)state;
	require_namespace();
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports_take(&ports, taken, 3), 0);
	assert_int_equal(ports_take(&ports, taken + 3, 7), 0);
	assert_int_equal(ports.count, PORTS_AHEAD - 10);
	for (size_t i = 0; i < 10; i++) {
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(taken[i], taken[k]);
		}
		for (size_t k = 0; k < ports.count; k++) {
			assert_int_not_equal(taken[i], ports.ready[k].port);
		}
		assert_true(is_held(taken[i]));
	}
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports.count, PORTS_AHEAD);
	for (size_t i = 0; i < 10; i++) {
		for (size_t k = 0; k < ports.count; k++) {
			assert_int_not_equal(taken[i], ports.ready[k].port);
		}
		assert_false(is_held(taken[i]));
	}
}

/* Nothing was refilled in between: it sees to that itself. */
static void
takes_any_number_in_a_row(void **state)
{
	size_t fds = count_fds();

	(void)state;
	require_namespace();
	for (int round = 0; round < 200; round++) {
		uint16_t taken[6];

		assert_int_equal(ports_take(&ports, taken, 6), 0);
		for (size_t i = 0; i < 6; i++) {
			assert_true(is_held(taken[i]));
			for (size_t k = 0; k < i; k++) {
				assert_int_not_equal(taken[i], taken[k]);
			}
		}
		assert_true(count_fds() <= fds + 2 * PORTS_AHEAD);
	}
	ports_close(&ports);
	assert_int_equal(count_fds(), fds);
	ports_close(&ports);
}

/* What was used is used again, after all that was not. */
static void
keeps_what_was_used_beyond_a_rate(void **state)
{
	uint16_t first[6], second[6], again[6];
	uint16_t others[PORTS_AHEAD - 6];

	(void)state;
	require_namespace();
	ports.fresh_max = PORTS_AHEAD + 6;
	/* A second that does not end, however slow the machine is. */
	ports.since_ms = clock_ms() + 1000000;
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports_take(&ports, first, 6), 0);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports_take(&ports, second, 6), 0);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports.count, PORTS_AHEAD);
	assert_int_equal(ports_take(&ports, others, PORTS_AHEAD - 6), 0);
	assert_int_equal(ports_take(&ports, again, 6), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_false(is_held(first[i]));
		assert_true(is_held(second[i]));
		assert_int_equal(again[i], second[i]);
	}
	ports.since_ms = clock_ms() - 1000;
	assert_int_equal(ports_refill(&ports), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_false(is_held(second[i]));
	}
}

static void
takes_as_many_as_there_can_be(void **state)
{
	uint16_t taken[PORTS_AHEAD + 1];

	(void)state;
	require_namespace();
	assert_int_equal(ports_take(&ports, taken, PORTS_AHEAD), 0);
	assert_int_equal(ports_take(&ports, taken, PORTS_AHEAD), 0);
	assert_true(ports_take(&ports, taken, PORTS_AHEAD + 1) < 0);
	assert_int_equal(ports_take(&ports, taken, 0), 0);
}

/* Connections get what is left, and none that is reserved. */
static void
is_passed_over_by_connect(void **state)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(22),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fds[16], one_more;
	uint16_t taken[6];

	(void)state;
	require_namespace();
	set_port_range(40000, 40000 + PORTS_AHEAD + LENGTH(fds) - 1);
	assert_int_equal(
		bind(listener, (const struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports_take(&ports, taken, 6), 0);
	for (size_t i = 0; i < LENGTH(fds); i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof from;

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (const struct sockaddr *)&to,
					 sizeof to),
				 0);
		assert_int_equal(
			getsockname(fds[i], (struct sockaddr *)&from, &len), 0);
		for (size_t k = 0; k < 6; k++) {
			assert_int_not_equal(ntohs(from.sin_port), taken[k]);
		}
		for (size_t k = 0; k < ports.count; k++) {
			assert_int_not_equal(ntohs(from.sin_port),
					     ports.ready[k].port);
		}
	}
	one_more = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		connect(one_more, (const struct sockaddr *)&to, sizeof to), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	close(one_more);
	for (size_t i = 0; i < LENGTH(fds); i++) {
		close(fds[i]);
	}
	close(listener);
	set_port_range(32768, 60999);
}

static void
runs_out_of_ports(void **state)
{
	uint16_t taken[PORTS_AHEAD];
	size_t fds = count_fds();

	(void)state;
	require_namespace();
	set_port_range(50000, 50009);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports.count, 10);
	assert_true(ports_take(&ports, taken, 11) < 0);
	assert_int_equal(ports_take(&ports, taken, 6), 0);
	/* Those in use are given back only when others are there. */
	assert_true(ports_take(&ports, taken, 6) < 0);
	assert_int_equal(ports_take(&ports, taken, 6), 0);
	ports_close(&ports);
	assert_int_equal(count_fds(), fds);
	set_port_range(32768, 60999);
}

static void
runs_out_of_descriptors(void **state)
{
	struct rlimit limit, tight;
	size_t fds = count_fds();
	uint16_t taken[6];
	int lowest;

	(void)state;
	require_namespace();
	lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	tight = limit;
	tight.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(ports_refill(&ports), -EMFILE);
	assert_int_equal(ports_take(&ports, taken, 1), -EMFILE);
	tight.rlim_cur = (rlim_t)lowest + 1;
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_int_equal(ports_refill(&ports), 0);
	assert_int_equal(ports.count, 1);
	assert_int_equal(ports_take(&ports, taken, 1), 0);
	assert_true(ports_take(&ports, taken, 2) < 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(ports_take(&ports, taken, 6), 0);
	ports_close(&ports);
	assert_int_equal(count_fds(), fds);
}

#define PORTS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PORTS_TEST(reserves_distinct_ports),
		PORTS_TEST(keeps_taken_ports_until_the_next_refill),
		PORTS_TEST(takes_any_number_in_a_row),
		PORTS_TEST(keeps_what_was_used_beyond_a_rate),
		PORTS_TEST(takes_as_many_as_there_can_be),
		PORTS_TEST(is_passed_over_by_connect),
		PORTS_TEST(runs_out_of_ports),
		PORTS_TEST(runs_out_of_descriptors),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
