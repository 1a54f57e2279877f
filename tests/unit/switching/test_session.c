/* SPDX-License-Identifier: ISC */
/* A carried connection, with real sockets, and a switch at each point. */
#include "switching/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switching/dial.h"
#include "unit/files_support.h"
#include "unit/support.h"

#define PATIENCE_MS 10000

static uint8_t buffer[SESSION_CHUNK];
static struct carrier_counts counts;
static struct session_host host;
static int sockets_left;    /* of the monitor's */
static int service, decoys; /* listeners */
static int client, real, decoy;
static struct session *s;

static int
take_socket(void *context, unsigned family)
{
	(void)context;
	(void)family;
	return sockets_left-- > 0
		? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
		: -EAGAIN;
}

static bool
port_is_used(void *context, const struct packet_addr *addr, uint16_t port)
{
	(void)context;
	(void)addr;
	(void)port;
	return false;
}

static uint32_t
next_random(void *context)
{
	(void)context;
	return 4;
}

static int
listen_somewhere(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof at;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* A turn of the carrier's loop; false: nothing came within so long. */
static bool
turn_loop(int wait_ms)
{
	struct epoll_event e[8];
	const int count = epoll_wait(host.epoll, e, 8, wait_ms);

	for (int i = 0; i < count; i++) {
		session_event(&host, e[i].data.ptr, e[i].events);
	}
	return count > 0;
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Until there is something to read of a socket, or its end. */
static void
turn_until_readable(int fd)
{
	for (int waited = 0; !is_readable(fd); waited++) {
		assert_true(waited < PATIENCE_MS);
		(void)turn_loop(1);
	}
}

/* It hears just that. */
static void
hears(int fd, const char *words)
{
	char got[64] = "";
	size_t len = 0;

	while (len < strlen(words)) {
		ssize_t n;

		turn_until_readable(fd);
		n = read(fd, got + len, strlen(words) - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(got, words);
}

static void
hears_end(int fd)
{
	char byte;

	turn_until_readable(fd);
	assert_int_equal(read(fd, &byte, 1), 0);
}

static void
hears_reset(int fd)
{
	char byte;

	turn_until_readable(fd);
	assert_int_equal(read(fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void
say(int fd, const char *words)
{
	assert_int_equal(write(fd, words, strlen(words)),
			 (ssize_t)strlen(words));
}

/* Until the decoy is where it is to be in its answer. */
static void
turn_until_dropped(uint64_t bytes)
{
	for (int waited = 0; s->turn.decoy < bytes; waited++) {
		assert_true(waited < PATIENCE_MS);
		(void)turn_loop(1);
	}
}

static int
call_in(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof at;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(getsockname(service, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static struct carrier_note
a_note(uint16_t decoy_port)
{
	return (struct carrier_note){
		.src = addr4(0x7f000001),
		.dst = addr4(0x7f000001),
		.decoy = addr4(0x7f000001),
		.decoy_port = decoy_port,
		.buffer = 4096,
		.wait_ms = 60000,
		.own_source = 1,
		.service_own = 1,
	};
}

static void
begin_with(const struct carrier_note *note)
{
	const int one = 1;
	int fd;

	counts = (struct carrier_counts){ 0 };
	host = (struct session_host){
		.epoll = epoll_create1(0),
		.counts = &counts,
		.buffer = buffer,
		.socket = take_socket,
		.port_is_used = port_is_used,
		.random = next_random,
	};
	client = call_in();
	setsockopt(client, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one);
	fd = accept4(service, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd >= 0);
	s = session_new(&host, fd, note);
	assert_non_null(s);
	session_begin(&host, s);
}

static int
setup(void **state)
{
	struct carrier_note note;
	uint16_t port;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sockets_left = 2;
	service = listen_somewhere(&port);
	decoys = listen_somewhere(&port);
	note = a_note(port);
	begin_with(&note);
	real = accept(service, NULL, NULL);
	decoy = accept(decoys, NULL, NULL);
	while (!s->real.connected || !s->decoy.connected) {
		turn_loop(PATIENCE_MS);
	}
	assert_int_equal(counts.carried, 1);
	assert_int_equal(counts.mirrored, 1);
	return 0;
}

static int
teardown(void **state)
{
	const int fds[] = { client, real, decoy, service, decoys, host.epoll };

	(void)state;
	session_cut(&host, s);
	session_free(s);
	assert_int_equal(counts.carried, 0);
	assert_int_equal(counts.mirrored, 0);
	while (host.pipes.count > 0) {
		struct pipe_ends *p = &host.pipes.spare[--host.pipes.count];

		close(p->out);
		close(p->in);
	}
	for (size_t i = 0; i < LENGTH(fds); i++) {
		close(fds[i]);
	}
	return 0;
}

/* Both hear, one is heard. */
static void
a_question(const char *words)
{
	say(client, words);
	hears(real, words);
	hears(decoy, words);
}

static void
switch_it(void)
{
	assert_int_equal(session_switch(&host, s, "test"),
			 SESSION_WAS_SWITCHED);
	assert_int_equal(counts.switched, 1);
	hears_reset(real);
	assert_int_equal(session_switch(&host, s, "again"), SESSION_WAS_NOT);
}

static void
the_decoy_goes_on_from_there(void **state)
{
	(void)state;
	a_question("one");
	say(decoy, "DECOYS");
	say(real, "real");
	hears(client, "real");
	turn_until_dropped(4);
	switch_it();
	hears(client, "YS");
	say(client, "two");
	hears(decoy, "two");
	say(decoy, "more");
	hears(client, "more");
	assert_int_equal(counts.mirrored, 0);
}

/* Before anybody has said a word. */
static void
at_once(void **state)
{
	(void)state;
	switch_it();
	say(decoy, "220 hello");
	hears(client, "220 hello");
}

static void
who_is_behind_is_waited_for(void **state)
{
	(void)state;
	a_question("one");
	say(real, "real");
	hears(client, "real");
	say(decoy, "DE");
	turn_until_dropped(2);
	switch_it();
	assert_int_equal(s->mode, SESSION_WAITING);
	say(decoy, "COYS");
	hears(client, "YS");
	assert_int_equal(s->mode, SESSION_SWITCHED);
}

static void
but_not_for_ever(void **state)
{
	(void)state;
	a_question("one");
	say(real, "real");
	hears(client, "real");
	say(decoy, "DE");
	turn_until_dropped(2);
	switch_it();
	host.now_ms = s->until_ms;
	session_tick(&host, s);
	assert_int_equal(s->mode, SESSION_SWITCHED);
	say(decoy, "COYS");
	hears(client, "COYS");
}

static void
who_said_nothing_is_taken_from_its_next_byte(void **state)
{
	(void)state;
	a_question("one");
	say(real, "real");
	hears(client, "real");
	switch_it();
	say(decoy, "DECOYS");
	hears(client, "DECOYS");
}

/* An answer that was longer is of the turn before. */
static void
a_new_turn_is_level_again(void **state)
{
	(void)state;
	a_question("one");
	say(decoy, "A LONGER ANSWER");
	say(real, "real");
	hears(client, "real");
	turn_until_dropped(4);
	a_question("two");
	assert_int_equal(s->turn.number, 1);
	say(decoy, "DECOYS");
	say(real, "re");
	hears(client, "re");
	turn_until_dropped(2);
	switch_it();
	hears(client, "COYS");
}

static void
without_a_decoy_it_is_cut(void **state)
{
	(void)state;
	a_question("one");
	close(decoy);
	decoy = -1;
	/* What is told to it comes back as a reset. */
	for (int i = 0; counts.gone == 0; i++) {
		assert_true(i < PATIENCE_MS);
		say(client, "x");
		hears(real, "x");
		(void)turn_loop(1);
	}
	say(real, "on");
	hears(client, "on");
	assert_int_equal(counts.mirrored, 0);
	assert_int_equal(session_switch(&host, s, "test"), SESSION_WAS_CUT);
	assert_int_equal(counts.cut, 1);
	hears_reset(client);
	hears_reset(real);
}

/* It reads nothing: at most so much waits for it, and the others go on. */
static void
fall_behind(size_t most)
{
	static char block[4096];
	const int small = 1;

	setsockopt(s->decoy.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	setsockopt(decoy, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; counts.behind == 0; i++) {
		static char got[sizeof block];
		size_t len = 0;

		assert_true(i < 10000);
		memset(block, i, sizeof block);
		assert_int_equal(write(client, block, sizeof block),
				 sizeof block);
		while (len < sizeof got) {
			ssize_t n;

			turn_until_readable(real);
			n = read(real, got + len, sizeof got - len);
			assert_true(n > 0);
			len += (size_t)n;
			assert_true(s->decoy.out.room <= most);
		}
		assert_memory_equal(got, block, sizeof got);
	}
	assert_int_equal(counts.mirrored, 0);
	assert_true(s->decoy.fd < 0);
}

static void
who_is_too_far_behind_is_given_up(void **state)
{
	(void)state;
	fall_behind(s->note.buffer);
	assert_int_equal(backlog_all(), 0);
}

/* Others have all that there is for those who are. */
static void
all_together_are_not_too_far_behind(void **state)
{
	const size_t each = BACKLOG_ALL_MAX / 4;
	struct backlog others[4] = { { .bytes = NULL } };
	uint8_t *bytes = calloc(1, each);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < LENGTH(others); i++) {
		assert_int_equal(backlog_add(&others[i], bytes, each, each), 0);
	}
	free(bytes);
	fall_behind(0);
	for (size_t i = 0; i < LENGTH(others); i++) {
		backlog_free(&others[i]);
	}
	assert_int_equal(backlog_all(), 0);
}

static void
reset_by(int *fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(*fd);
	*fd = -1;
}

/* Though there is nothing to ask of it. */
static void
a_decoy_that_resets_is_given_up_at_once(void **state)
{
	(void)state;
	reset_by(&decoy);
	for (int i = 0; counts.gone == 0; i++) {
		assert_true(i < PATIENCE_MS);
		(void)turn_loop(1);
	}
	assert_int_equal(counts.mirrored, 0);
	say(client, "one");
	hears(real, "one");
}

/* What it said before keeps its place, and it is not heard for that. */
static void
a_client_that_resets_is_heard_by_who_reads_nothing(void **state)
{
	static char block[65536];
	const int small = 1;

	(void)state;
	setsockopt(s->real.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	setsockopt(real, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	fcntl(client, F_SETFL, O_NONBLOCK);
	for (int i = 0; s->real.out.len == 0; i++) {
		assert_true(i < PATIENCE_MS);
		(void)!write(client, block, sizeof block);
		(void)turn_loop(1);
	}
	reset_by(&client);
	for (int i = 0; s->mode != SESSION_OVER; i++) {
		assert_true(i < PATIENCE_MS);
		(void)turn_loop(1);
	}
}

/* There is no descriptor for a pipe: not a reason to cut anybody. */
static void
without_a_pipe_it_is_copied(void **state)
{
	struct rlimit before, none;
	const int next = dup(client); /* the lowest that is free */

	(void)state;
	assert_true(next > 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	say(real, "hello");
	hears(client, "hello");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(host.pipes.count, 0);
	say(real, "again");
	hears(client, "again");
}

/* A service may listen where one of the carrier's sockets is. */
static void
ports_are_no_services(void **state)
{
	const int one = 1;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int other = socket(AF_INET, SOCK_STREAM, 0);
	const int twice = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sockaddr_storage from = { 0 }, to = { 0 };
	socklen_t len = sizeof to;

	(void)state;
	/* One that is free. */
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
	len = sizeof any;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	close(fd);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&from, &any, sizeof any);
	len = sizeof to;
	assert_int_equal(getsockname(decoys, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(dial(other, &from, &to), 0);
	/* Another of the carrier's takes another port, as before. */
	assert_int_equal(dial(twice, &from, &to), -EADDRINUSE);
	close(twice);
	any.sin_addr.s_addr = htonl(INADDR_ANY);
	{
		const int listener = socket(AF_INET, SOCK_STREAM, 0);

		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one,
			   sizeof one);
		assert_int_equal(
			bind(listener, (struct sockaddr *)&any, sizeof any), 0);
		assert_int_equal(listen(listener, 1), 0);
		close(listener);
	}
	close(other);
}

/* One that reads nothing keeps the service waiting, and holds no more. */
static void
a_client_that_stops_reading_is_bounded(void **state)
{
	static char block[65536];
	size_t said = 0, heard = 0;

	(void)state;
	fcntl(real, F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 20;) {
		const ssize_t n = write(real, block, sizeof block);

		said += n > 0 ? (size_t)n : 0;
		idle = n < 0 && !turn_loop(5) ? idle + 1 : 0;
		assert_true(s->in_pipe <= PIPES_BYTES);
		assert_true(said < 256u << 20);
	}
	assert_true(said > 0);
	while (heard < said) {
		static char got[65536];
		ssize_t n;

		turn_until_readable(client);
		n = read(client, got, sizeof got);
		assert_true(n > 0);
		heard += (size_t)n;
	}
}

/* splice(2) leaves them, and says that nothing is left. */
static void
urgent_bytes_go_in_line(void **state)
{
	(void)state;
	a_question("one");
	say(real, "a");
	assert_int_equal(send(real, "!", 1, MSG_OOB), 1);
	say(real, "b");
	hears(client, "a!b");
	assert_int_equal(send(client, "?", 1, MSG_OOB), 1);
	say(client, "two");
	hears(real, "?two");
	hears(decoy, "?two");
	assert_int_equal(s->mode, SESSION_MIRRORED);
}

static void
ends_are_passed_on(void **state)
{
	(void)state;
	say(client, "last");
	shutdown(client, SHUT_WR);
	hears(real, "last");
	hears_end(real);
	hears(decoy, "last");
	hears_end(decoy);
	say(real, "bye");
	shutdown(real, SHUT_WR);
	hears(client, "bye");
	hears_end(client);
	assert_int_equal(s->mode, SESSION_OVER);
	assert_int_equal(counts.carried, 0);
}

static void
resets_are_passed_on(void **state)
{
	(void)state;
	reset_by(&client);
	hears_reset(real);
	hears_reset(decoy);
	assert_int_equal(s->mode, SESSION_OVER);
}

/* Its end is the client's, too, once it answers. */
static void
the_decoys_end_is_the_clients(void **state)
{
	(void)state;
	a_question("one");
	say(decoy, "DECOY");
	shutdown(decoy, SHUT_WR);
	switch_it();
	hears(client, "DECOY");
	hears_end(client);
}

static void
half_closed_ones_do_not_stay(void **state)
{
	(void)state;
	shutdown(real, SHUT_WR);
	hears_end(client);
	host.now_ms = s->active_ms + SESSION_HALF_CLOSED_MS - 1;
	session_tick(&host, s);
	assert_int_equal(s->mode, SESSION_MIRRORED);
	host.now_ms++;
	session_tick(&host, s);
	assert_int_equal(s->mode, SESSION_OVER);
}

/* Who has no more to say may wait for an answer. */
static void
but_an_answer_may_take_its_time(void **state)
{
	(void)state;
	shutdown(client, SHUT_WR);
	hears_end(real);
	host.now_ms = s->active_ms + 100 * SESSION_HALF_CLOSED_MS;
	session_tick(&host, s);
	say(real, "at last");
	hears(client, "at last");
}

/* There are only so many sockets for the next one. */
static void
begin_anew(int sockets)
{
	struct sockaddr_in at;
	socklen_t len = sizeof at;
	struct carrier_note note;

	session_cut(&host, s);
	session_free(s);
	close(host.epoll);
	close(client);
	close(real);
	close(decoy);
	assert_int_equal(getsockname(decoys, (struct sockaddr *)&at, &len), 0);
	note = a_note(ntohs(at.sin_port));
	real = decoy = -1;
	sockets_left = sockets;
	begin_with(&note);
	assert_int_equal(s->mode, SESSION_NEW);
}

/* They come later, and an alarm in between: after none of them, or one. */
static void
switch_before(int sockets)
{
	begin_anew(sockets);
	assert_int_equal(session_switch(&host, s, "test"),
			 SESSION_WAS_SWITCHED);
	assert_int_equal(session_switch(&host, s, "test"), SESSION_WAS_NOT);
	sockets_left = 2;
	session_begin(&host, s);
	assert_int_equal(s->mode, SESSION_SWITCHED);
	say(client, "one");
	decoy = accept(decoys, NULL, NULL);
	hears(decoy, "one");
	say(decoy, "DECOY");
	hears(client, "DECOY");
	/* Nobody has called the service. */
	assert_false(is_readable(service));
}

static void
it_waits_for_its_sockets(void **state)
{
	(void)state;
	switch_before(0);
	switch_before(1);
}

static void
but_not_if_none_come(void **state)
{
	(void)state;
	begin_anew(1);
	host.now_ms = s->active_ms + SESSION_SOCKETS_MS - 1;
	session_tick(&host, s);
	assert_int_equal(s->mode, SESSION_NEW);
	host.now_ms++;
	session_tick(&host, s);
	assert_int_equal(s->mode, SESSION_OVER);
	hears_reset(client);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_decoy_goes_on_from_there),
		CASE(at_once),
		CASE(who_is_behind_is_waited_for),
		CASE(but_not_for_ever),
		CASE(who_said_nothing_is_taken_from_its_next_byte),
		CASE(a_new_turn_is_level_again),
		CASE(without_a_decoy_it_is_cut),
		CASE(who_is_too_far_behind_is_given_up),
		CASE(all_together_are_not_too_far_behind),
		CASE(a_decoy_that_resets_is_given_up_at_once),
		CASE(a_client_that_resets_is_heard_by_who_reads_nothing),
		CASE(without_a_pipe_it_is_copied),
		CASE(ports_are_no_services),
		CASE(a_client_that_stops_reading_is_bounded),
		CASE(urgent_bytes_go_in_line),
		CASE(ends_are_passed_on),
		CASE(resets_are_passed_on),
		CASE(the_decoys_end_is_the_clients),
		CASE(half_closed_ones_do_not_stay),
		CASE(but_an_answer_may_take_its_time),
		CASE(it_waits_for_its_sockets),
		CASE(but_not_if_none_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
