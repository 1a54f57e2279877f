/*
 * What goes to the engine of a shared memory by TLS, when the socket takes no
 * more for a while: it waits for the socket, and then goes out, though there
 * is nothing else to send.
 */
#include "unit/support.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/worker_share.h"

static struct server_conf conf = { .share.tls = true };
static struct worker g = { .conf = &conf, .to_monitor = -1 };

static short
asked_for(void)
{
	struct pollfd fds[2];

	worker_share_fds(&g, fds);
	return fds[1].events;
}

static size_t
drain(int fd)
{
	uint8_t bytes[4096];
	ssize_t got;
	size_t all = 0;

	while ((got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		all += (size_t)got;
	}
	return all;
}

static void
test_full_socket(void **state)
{
	static const uint8_t seed[TLS_SEED_BYTES] = { 1 };
	const char junk[512] = "";
	int ends[2];

	(void)state;
	g.share = calloc(1, sizeof *g.share);
	assert_non_null(g.share);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	while (send(ends[0], junk, sizeof junk, MSG_DONTWAIT) > 0) {
	}
	g.share->fd = ends[0];
	g.share->share.state = SHARE_GREETING;
	tls_begin(&g.share->tls, &g.share->ca, "engine", seed, 1800000000);
	worker_share_flush(&g);
	assert_int_equal(asked_for(), POLLIN | POLLOUT);
	assert_true(drain(ends[1]) > 0);
	/* The beginning of TLS. */
	worker_share_flush(&g);
	assert_true(drain(ends[1]) > 0);
	assert_int_equal(asked_for(), POLLIN);
	worker_share_flush(&g);
	assert_int_equal(drain(ends[1]), 0);
	/* Nothing goes to one that is of no use any more. */
	g.share->share.state = SHARE_GONE;
	close(ends[1]);
	worker_share_flush(&g);
	assert_int_equal(g.share->share.state, SHARE_GONE);
	close(ends[0]);
	free(g.share);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
