/* Accepted connections: known again, and nobody pushes out another's. */
#include "unit/support.h"

#include <string.h>

#include "server/connections.h"

static struct connections table;

static int
setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof table);
	return 0;
}

static struct packet
packet_of(struct packet_addr src, uint16_t sport, struct packet_addr dst,
	  uint16_t dport)
{
	return (struct packet){
		.src = src, .dst = dst, .sport = sport, .dport = dport
	};
}

static void
note(const struct packet *p, int32_t key_no, uint32_t second)
{
	connections_note(&table, p, key_no, second, NULL, NULL);
}

static void
known_by_all_of_it(void **state)
{
	const struct packet_addr ends[2][2] = { { addr4(1), addr4(2) },
						{ addr6(1, 1), addr6(1, 2) } };

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const struct packet p =
			packet_of(ends[i][0], 1000, ends[i][1], 22);
		struct packet other = p;
		struct connection *c;

		assert_null(connections_find(&table, &p, false));
		note(&p, 10, 1);
		c = connections_find(&table, &p, false);
		assert_non_null(c);
		other = connections_packet(c);
		assert_memory_equal(&other, &p, sizeof p);
		other.dport++;
		assert_null(connections_find(&table, &other, false));
		assert_ptr_equal(connections_find(&table, &other, true), c);
		other = p;
		other.sport++;
		assert_null(connections_find(&table, &other, true));
		other = p;
		other.src.bytes[3] ^= 1;
		assert_null(connections_find(&table, &other, true));
		other = p;
		other.dst.bytes[3] ^= 1;
		assert_null(connections_find(&table, &other, false));
		/* The other way it is another. */
		other = packet_of(p.dst, p.dport, p.src, p.sport);
		assert_null(connections_find(&table, &other, true));
		/* Once is enough. */
		note(&p, 11, 2);
		assert_ptr_equal(connections_find(&table, &p, false), c);
		assert_int_equal(c->key_no, 11);
	}
}

/* The next server finds its connections in the kernel, too. */
static void
keeps_its_key(void **state)
{
	const struct packet p = packet_of(addr4(1), 1000, addr4(2), 22);
	struct connection *c;

	(void)state;
	note(&p, CONNECTION_TRACKED, 1);
	c = connections_find(&table, &p, false);
	assert_non_null(c);
	assert_int_equal(c->key_no, CONNECTION_TRACKED);
	note(&p, 0, 2);
	assert_int_equal(c->key_no, 0);
	note(&p, CONNECTION_TRACKED, 3);
	assert_int_equal(c->key_no, 0);
	assert_int_equal(c->used, 3);
	note(&p, 10, 4);
	assert_int_equal(c->key_no, 10);
}

static void
nobody_pushes_out_another(void **state)
{
	const struct packet mine = packet_of(addr4(1), 1000, addr4(2), 22);

	(void)state;
	note(&mine, 10, 1);
	for (uint32_t i = 0; i < 40 * CONNECTIONS_MAX; i++) {
		const struct packet his =
			packet_of(addr4(1 + i / 65536), (uint16_t)i, addr4(2),
				  (uint16_t)(23 + i / 65536));

		note(&his, i % 2 ? 11 : CONNECTION_SEEN, 2 + i);
		assert_non_null(connections_find(&table, &his, false));
	}
	assert_non_null(connections_find(&table, &mine, false));
}

/* The same source, and so the same bucket. */
static struct packet
to_port(uint16_t port)
{
	return packet_of(addr4(1), 1000, addr4(2), port);
}

static bool
even_port(void *context, const struct packet *p)
{
	size_t *asked = context;

	++*asked;
	return p->dport % 2 == 0;
}

static void
those_alive_go_last(void **state)
{
	struct packet p;
	size_t asked = 0;

	(void)state;
	for (uint16_t i = 0; i < CONNECTIONS_WAYS; i++) {
		p = to_port(i);
		note(&p, 10, i);
	}
	/* The oldest is alive, the next one is not. */
	p = to_port(100);
	connections_note(&table, &p, 10, 100, even_port, &asked);
	assert_int_equal(asked, 2);
	p = to_port(0);
	assert_non_null(connections_find(&table, &p, false));
	p = to_port(1);
	assert_null(connections_find(&table, &p, false));
	/* All are: one goes all the same, after so many questions. */
	for (uint16_t i = 102; i < 200; i += 2) {
		p = to_port(i);
		asked = 0;
		connections_note(&table, &p, 10, i, even_port, &asked);
		assert_in_range(asked, 1, CONNECTIONS_WAYS);
		assert_non_null(connections_find(&table, &p, false));
	}
}

static void
anything_may_be_in_it(void **state)
{
	uint64_t seed = property_seed();
	uint64_t word;

	(void)state;
	for (size_t i = 0; i + sizeof word <= sizeof table; i += sizeof word) {
		word = random_u64(&seed);
		memcpy((uint8_t *)&table + i, &word, sizeof word);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		const struct packet p = packet_of(addr4(random_u32(&seed)),
						  (uint16_t)i, addr4(2), 22);

		assert_null(connections_find(&table, &p, false));
		note(&p, 10, random_u32(&seed));
		assert_non_null(connections_find(&table, &p, false));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(known_by_all_of_it, setup),
		cmocka_unit_test_setup(keeps_its_key, setup),
		cmocka_unit_test_setup(nobody_pushes_out_another, setup),
		cmocka_unit_test_setup(those_alive_go_last, setup),
		cmocka_unit_test_setup(anything_may_be_in_it, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
