#include "unit/files_support.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "os/ifname.h"
#include "base/spawn.h"

/* ip with these words, in this process's own namespace. */
static void
ip(const char *words)
{
	const char *argv[24] = { "ip" };
	char copy[256], errors[256];
	size_t count = 1;
	char *rest = NULL;
	int status;

	snprintf(copy, sizeof copy, "%s", words);
	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		argv[count++] = word;
	}
	status = run_program(argv, NULL, NULL, 0, errors, sizeof errors);
	if (status != 0) {
		fail_msg("ip %s: %d %s", words, status, errors);
	}
}

static void
await_change(struct ifnames *links)
{
	struct pollfd poll_fd = { .fd = links->nl.fd, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	ifname_update(links);
}

static void
knows_names(void **state)
{
	struct ifnames links;
	size_t fds = count_fds();

	(void)state;
	require_namespace();
	assert_int_equal(ifname_open(&links), 0);
	assert_string_equal(ifname_name(&links, 1), "lo");
	assert_string_equal(ifname_name(&links, 1), "lo");
	assert_null(ifname_name(&links, 0));
	assert_null(ifname_name(&links, 4711));
	assert_null(ifname_name(&links, UINT32_MAX));
	ifname_close(&links);
	assert_int_equal(count_fds(), fds);
}

static void
follows_changes(void **state)
{
	struct ifnames links;

	(void)state;
	require_namespace();
	assert_int_equal(ifname_open(&links), 0);
	assert_null(ifname_name(&links, 70));
	ip("link add tap-a index 70 type veth peer name tap-b index 71");
	await_change(&links);
	assert_string_equal(ifname_name(&links, 70), "tap-a");
	assert_string_equal(ifname_name(&links, 71), "tap-b");
	ip("link set tap-a name tap-c");
	await_change(&links);
	assert_string_equal(ifname_name(&links, 70), "tap-c");
	ip("link del tap-c");
	await_change(&links);
	/* The kernel tells of each end by itself. */
	while (ifname_name(&links, 70) || ifname_name(&links, 71)) {
		await_change(&links);
	}
	ifname_close(&links);
}

/* Two devices that share a place in the cache. */
static void
tells_devices_apart(void **state)
{
	struct ifnames links;

	(void)state;
	require_namespace();
	assert_int_equal(ifname_open(&links), 0);
	ip("link add tap-a index 80 type veth peer name tap-b index 144");
	await_change(&links);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(ifname_name(&links, 80), "tap-a");
		assert_string_equal(ifname_name(&links, 144), "tap-b");
		assert_null(ifname_name(&links, 208));
	}
	ip("link del tap-a");
	ifname_close(&links);
}

/* More news than the socket holds: some are lost, and it does no harm. */
static void
outlives_a_flood_of_changes(void **state)
{
	struct ifnames links;
	int small = 1;

	(void)state;
	require_namespace();
	assert_int_equal(ifname_open(&links), 0);
	setsockopt(links.nl.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; i < 8; i++) {
		ip("link add tap-a index 90 type veth peer name tap-b");
		assert_string_equal(ifname_name(&links, 90), "tap-a");
		ip("link del tap-a");
		ifname_update(&links);
	}
	assert_null(ifname_name(&links, 90));
	assert_string_equal(ifname_name(&links, 1), "lo");
	ifname_close(&links);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(follows_changes),
		cmocka_unit_test(tells_devices_apart),
		cmocka_unit_test(outlives_a_flood_of_changes),
	};

	return cmocka_run_group_tests(tests, namespace_setup, NULL);
}
