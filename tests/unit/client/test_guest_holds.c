/* SPDX-License-Identifier: ISC */
/* SYNs of guests, held until a reader, which is this test, has answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/guest_holds.h"
#include "guests/reader.h"
#include "os/clock.h"

#define NOW 1000u

static struct guest_holds holds;
#define GUESTS 6u

static int theirs[GUESTS]; /* the readers' ends, by guest, or below 0 */
static unsigned opened;

static int
reader(void *context, unsigned guest)
{
	int fds[2];

	(void)context;
	opened++;
	if (guest >= GUESTS || theirs[guest] == -2) {
		return -1;
	}
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), errno);
	theirs[guest] = fds[0];
	return fds[1];
}

static int
setup(void **state)
{
	(void)state;
	memset(&holds, 0, sizeof holds);
	holds.reader = reader;
	for (unsigned i = 1; i < GUESTS; i++) {
		theirs[i] = -1;
	}
	opened = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 1; i < GUESTS; i++) {
		if (theirs[i] >= 0) {
			close(theirs[i]);
		}
		if (holds.guests[i].is_open) {
			close(holds.guests[i].fd);
		}
	}
	return 0;
}

static const struct packet_addr here = { 4, { 192, 0, 2, 7 } };
static const struct packet_addr there = { 4, { 192, 0, 2, 1 } };

static struct packet
syn_from(uint16_t sport)
{
	return (struct packet){ .src = here,
				.dst = there,
				.sport = sport,
				.dport = 22,
				.seq = 7,
				.flags = PACKET_SYN };
}

static enum guest_unknown
take(unsigned guest, uint16_t sport)
{
	const uint8_t bytes[] = { 1, 2, 3, (uint8_t)sport };
	const struct nfq_packet packet = { .id = sport,
					   .bytes = bytes,
					   .len = sizeof bytes,
					   .wire_len = sizeof bytes };
	const struct packet syn = syn_from(sport);

	return guest_holds_take(&holds, guest, &packet, &syn, NOW);
}

/* What a guest's reader is asked. */
static struct reader_question
question(unsigned guest)
{
	struct reader_question asked;

	assert_int_equal(
		recv(theirs[guest], &asked, sizeof asked, MSG_DONTWAIT),
		sizeof asked);
	return asked;
}

static void
answer(unsigned guest, uint64_t id, enum guest_unknown unknown, uint32_t uid)
{
	struct reader_answer a = { .id = id, .kind = READER_WHO };

	a.is.owner.unknown = unknown;
	a.is.owner.has_uid = unknown == GUEST_KNOWN;
	a.is.owner.uid = uid;
	assert_int_equal(send(theirs[guest], &a, sizeof a, MSG_NOSIGNAL),
			 sizeof a);
}

static void
a_syn_waits_for_its_owner(void **state)
{
	const struct packet syn = syn_from(5), other = syn_from(6);
	struct packet again = syn;
	struct guest_judged judged;
	struct pollfd fds[GUEST_CONF_MAX];
	struct reader_question asked;

	(void)state;
	assert_int_equal(guest_holds_poll(&holds, fds, 0, 0), 0);
	assert_int_equal(take(1, 5), GUEST_KNOWN);
	assert_false(guest_holds_next(&holds, NOW, &judged));
	assert_null(guest_holds_find(&holds, 1, &syn, NOW));
	asked = question(1);
	assert_int_equal(asked.kind, READER_WHO);
	assert_true(asked.connection.opening);
	assert_int_equal(asked.connection.sport, 5);
	answer(1, asked.id, GUEST_KNOWN, 33);
	assert_int_equal(guest_holds_poll(&holds, fds, 0, 10000), 1);
	assert_true(guest_holds_next(&holds, NOW, &judged));
	assert_int_equal(judged.guest, 1);
	assert_int_equal(judged.packet.id, 5);
	assert_int_equal(judged.packet.bytes[3], 5);
	assert_int_equal(judged.owner.uid, 33);
	/* And is known, when it is sent again; no other SYN is. */
	assert_int_equal(guest_holds_find(&holds, 1, &syn, NOW)->uid, 33);
	assert_null(guest_holds_find(&holds, 2, &syn, NOW));
	assert_null(guest_holds_find(&holds, 1, &other, NOW));
	assert_null(
		guest_holds_find(&holds, 1, &syn, NOW + GUEST_HOLDS_KNOWN_MS));
	again.seq++;
	assert_null(guest_holds_find(&holds, 1, &again, NOW));
}

/* A slow reader delays nobody else, and nobody for long. */
static void
guests_wait_for_themselves(void **state)
{
	struct guest_judged judged;
	struct pollfd fds[GUEST_CONF_MAX];

	(void)state;
	assert_int_equal(take(1, 5), GUEST_KNOWN);
	assert_int_equal(take(2, 6), GUEST_KNOWN);
	answer(2, question(2).id, GUEST_NO_SOCKET, 0);
	assert_true(guest_holds_next(&holds, NOW, &judged));
	assert_int_equal(judged.packet.id, 6);
	assert_int_equal(judged.owner.unknown, GUEST_NO_SOCKET);
	/* NOW is long past for poll(2): it does not wait. */
	assert_int_equal(guest_holds_poll(&holds, fds, 0, 60000), 0);
	assert_false(
		guest_holds_next(&holds, NOW + GUEST_HOLDS_MS - 1, &judged));
	assert_true(guest_holds_next(&holds, NOW + GUEST_HOLDS_MS, &judged));
	assert_int_equal(judged.packet.id, 5);
	assert_int_equal(judged.owner.unknown, GUEST_LATE);
	/* What is not known is asked anew; its late answer is of nobody. */
	assert_int_equal(take(1, 5), GUEST_KNOWN);
	answer(1, question(1).id, GUEST_KNOWN, 1);
	assert_false(guest_holds_next(&holds, NOW, &judged));
	answer(1, question(1).id, GUEST_KNOWN, 33);
	assert_true(guest_holds_next(&holds, NOW, &judged));
	assert_int_equal(judged.owner.uid, 33);
}

static void
each_guest_has_its_places(void **state)
{
	struct guest_judged judged;

	(void)state;
	for (unsigned i = 0; i < GUEST_HOLDS_EACH; i++) {
		assert_int_equal(take(1, (uint16_t)(100 + i)), GUEST_KNOWN);
	}
	assert_int_equal(take(1, 99), GUEST_TOO_MANY);
	assert_int_equal(take(2, 99), GUEST_KNOWN);
	for (unsigned i = 0; i < GUEST_HOLDS_EACH + 1; i++) {
		assert_true(guest_holds_next(&holds, NOW + GUEST_HOLDS_MS,
					     &judged));
	}
	assert_false(guest_holds_next(&holds, NOW + GUEST_HOLDS_MS, &judged));
	assert_int_equal(take(1, 99), GUEST_KNOWN);
}

/* However many flood. */
static void
others_have_places_left(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned guest = 1; guest < GUESTS - 1; guest++) {
		while (take(guest, 99) == GUEST_KNOWN) {
			count++;
		}
	}
	assert_true(count > 3 * GUEST_HOLDS_EACH);
	assert_int_equal(take(GUESTS - 1, 99), GUEST_KNOWN);
}

/* A worker ended, with questions that its successor did not ask. */
static void
answers_to_another_worker_are_none(void **state)
{
	struct guest_judged judged;
	struct reader_question before;

	(void)state;
	guest_holds_open(&holds, 1);
	assert_int_equal(take(1, 5), GUEST_KNOWN);
	before = question(1);
	assert_true(guest_holds_end(&holds, &judged));
	assert_int_equal(judged.packet.id, 5);
	assert_false(guest_holds_end(&holds, &judged));
	/* As it is in the next one's memory. */
	memset(holds.held, 0, sizeof holds.held);
	holds.serial = 0;
	while (clock_us() <= before.id) {
		continue;
	}
	guest_holds_open(&holds, 1);
	assert_int_equal(take(1, 6), GUEST_KNOWN);
	answer(1, before.id, GUEST_KNOWN, 33);
	assert_false(guest_holds_next(&holds, NOW, &judged));
	answer(1, question(1).id, GUEST_KNOWN, 34);
	assert_true(guest_holds_next(&holds, NOW, &judged));
	assert_int_equal(judged.owner.uid, 34);
}

/* Who answers to no question, or not at all, is given up. */
static void
a_reader_ends(void **state)
{
	struct guest_judged judged;

	(void)state;
	guest_holds_open(&holds, 2);
	assert_int_equal(opened, 2);
	assert_int_equal(take(1, 5), GUEST_KNOWN);
	close(theirs[1]);
	theirs[1] = -2;
	assert_true(guest_holds_next(&holds, NOW, &judged));
	assert_int_equal(judged.owner.unknown, GUEST_GONE);
	assert_int_equal(take(1, 5), GUEST_GONE);
	assert_int_equal(opened, 3);
	/* Not asked for at each SYN. */
	assert_int_equal(take(1, 6), GUEST_GONE);
	assert_int_equal(opened, 3);
	assert_int_equal(take(2, 6), GUEST_KNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_syn_waits_for_its_owner,
						setup, teardown),
		cmocka_unit_test_setup_teardown(guests_wait_for_themselves,
						setup, teardown),
		cmocka_unit_test_setup_teardown(each_guest_has_its_places,
						setup, teardown),
		cmocka_unit_test_setup_teardown(others_have_places_left, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			answers_to_another_worker_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
