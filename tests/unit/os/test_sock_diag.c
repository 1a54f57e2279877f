#include "unit/files_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/sock_diag.h"

/* A connection over loopback, with both its ends. */
struct pair {
	int listener, client, server;
	struct sock_diag_connection c; /* as the server sees it */
};

static struct packet_addr
loopback(int family)
{
	struct packet_addr addr = { .family = family == AF_INET ? 4 : 6 };

	if (family == AF_INET) {
		memcpy(addr.bytes, "\x7f\0\0\1", 4);
	} else {
		addr.bytes[15] = 1;
	}
	return addr;
}

/* Listen with one family, connect with one. */
static void
pair_open(struct pair *p, int listen_family, int family)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 bound = { 0 };
	socklen_t len = sizeof bound;
	int off = 0;
	uint16_t port;

	p->listener = socket(listen_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->listener >= 0 && p->client >= 0);
	if (listen_family == AF_INET6) {
		setsockopt(p->listener, IPPROTO_IPV6, IPV6_V6ONLY, &off,
			   sizeof off);
	}
	assert_int_equal(listen(p->listener, 8), 0);
	getsockname(p->listener, (struct sockaddr *)&bound, &len);
	port = ntohs(bound.sin6_port); /* at the same place for both */
	v4.sin_port = v6.sin6_port = bound.sin6_port;
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr.s6_addr[15] = 1;
	assert_int_equal(connect(p->client,
				 family == AF_INET ? (struct sockaddr *)&v4
						   : (struct sockaddr *)&v6,
				 family == AF_INET ? sizeof v4 : sizeof v6),
			 0);
	p->server = accept(p->listener, NULL, NULL);
	assert_true(p->server >= 0);
	len = sizeof bound;
	getsockname(p->client, (struct sockaddr *)&bound, &len);
	p->c = (struct sock_diag_connection){
		.local = loopback(family),
		.remote = loopback(family),
		.local_port = port,
		.remote_port = ntohs(bound.sin6_port),
	};
}

static void
pair_close(struct pair *p)
{
	close(p->listener);
	close(p->client);
	close(p->server);
}

static struct sock_diag_connection
other_end(const struct sock_diag_connection *c)
{
	return (struct sock_diag_connection){
		.local = c->remote,
		.remote = c->local,
		.local_port = c->remote_port,
		.remote_port = c->local_port,
	};
}

static const int families[][2] = {
	{ AF_INET, AF_INET },
	{ AF_INET6, AF_INET6 },
	{ AF_INET6, AF_INET },
};

static struct netlink nl;

static int
setup(void **state)
{
	namespace_setup(state);
	return sock_diag_open(&nl);
}

static int
teardown(void **state)
{
	(void)state;
	netlink_close(&nl);
	return 0;
}

/* The connection alone goes, and never the listener that is behind it. */
static void
destroys_one_connection(void **state)
{
	(void)state;
	require_namespace();
	for (size_t i = 0; i < LENGTH(families); i++) {
		struct pair p;
		int listens = 0;
		socklen_t len = sizeof listens;
		char byte;

		pair_open(&p, families[i][0], families[i][1]);
		assert_int_equal(sock_diag_destroy(&p.c), 0);
		assert_int_equal(recv(p.client, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		assert_int_equal(sock_diag_destroy(&p.c), -ENOENT);
		assert_int_equal(getsockopt(p.listener, SOL_SOCKET,
					    SO_ACCEPTCONN, &listens, &len),
				 0);
		assert_int_equal(listens, 1);
		pair_close(&p);
	}
}

static void
finds_connections(void **state)
{
	(void)state;
	require_namespace();
	for (size_t i = 0; i < LENGTH(families); i++) {
		struct sock_diag_connection c;
		struct pair p;

		pair_open(&p, families[i][0], families[i][1]);
		assert_int_equal(sock_diag_exists(&nl, &p.c), 1);
		c = other_end(&p.c);
		assert_int_equal(sock_diag_exists(&nl, &c), 1);
		c = p.c;
		c.remote_port ^= 1;
		assert_int_equal(sock_diag_exists(&nl, &c), 0);
		c = p.c;
		c.local_port ^= 1;
		assert_int_equal(sock_diag_exists(&nl, &c), 0);
		c = p.c;
		c.remote.bytes[families[i][1] == AF_INET ? 3 : 15] = 2;
		assert_int_equal(sock_diag_exists(&nl, &c), 0);
		pair_close(&p);
	}
}

/* While one side has closed, and when it lingers: still a connection. */
static void
finds_connections_that_end(void **state)
{
	struct sock_diag_connection c;
	struct pair p;

	(void)state;
	require_namespace();
	pair_open(&p, AF_INET, AF_INET);
	c = other_end(&p.c);
	shutdown(p.client, SHUT_WR);
	assert_int_equal(sock_diag_exists(&nl, &p.c), 1);
	assert_int_equal(sock_diag_exists(&nl, &c), 1);
	close(p.client);
	close(p.server);
	close(p.listener);
	assert_int_equal(sock_diag_exists(&nl, &c), 1); /* TIME_WAIT */
}

/* A socket that listens has no connection yet, whoever may come. */
static void
finds_no_listener(void **state)
{
	struct pair p;

	(void)state;
	require_namespace();
	for (size_t i = 0; i < LENGTH(families); i++) {
		pair_open(&p, families[i][0], families[i][1]);
		p.c.remote_port = 1;
		assert_int_equal(sock_diag_exists(&nl, &p.c), 0);
		pair_close(&p);
	}
}

struct search {
	struct sock_diag_connection wanted;
	unsigned found, all;
};

static void
take(void *context, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;
	struct search *s = context;

	s->all++;
	s->found += c->local_port == s->wanted.local_port &&
		c->remote_port == s->wanted.remote_port &&
		packet_addr_equal(&c->local, &s->wanted.local) &&
		packet_addr_equal(&c->remote, &s->wanted.remote);
}

static void
lists_connections(void **state)
{
	(void)state;
	require_namespace();
	for (size_t i = 0; i < LENGTH(families); i++) {
		struct search near, far;
		struct pair p;

		pair_open(&p, families[i][0], families[i][1]);
		near = (struct search){ .wanted = p.c };
		far = (struct search){ .wanted = other_end(&p.c) };
		assert_int_equal(sock_diag_each(&nl, take, &near), 0);
		assert_int_equal(sock_diag_each(&nl, take, &far), 0);
		assert_int_equal(near.found, 1);
		assert_int_equal(far.found, 1);
		/* A listener has no remote port. */
		near = (struct search){ .wanted = p.c };
		near.wanted.remote_port = 0;
		sock_diag_each(&nl, take, &near);
		assert_int_equal(near.found, 0);
		pair_close(&p);
	}
}

/* More than one datagram of the dump holds. */
static void
lists_many_connections(void **state)
{
	static struct pair pairs[200];
	struct search s = { .all = 0 };

	(void)state;
	require_namespace();
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		pair_open(&pairs[i], AF_INET, AF_INET);
	}
	assert_int_equal(sock_diag_each(&nl, take, &s), 0);
	assert_true(s.all >= 2 * LENGTH(pairs));
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		pair_close(&pairs[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destroys_one_connection),
		cmocka_unit_test(finds_connections),
		cmocka_unit_test(finds_connections_that_end),
		cmocka_unit_test(finds_no_listener),
		cmocka_unit_test(lists_connections),
		cmocka_unit_test(lists_many_connections),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
