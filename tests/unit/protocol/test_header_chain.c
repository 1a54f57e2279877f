/* Headers of IPv6: which the kernel refuses, and the ports behind them. */
#include "unit/files_support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/header_chain.h"

#define SPORT 1234
#define DPORT 80
#define FLAGS 0x12

static uint8_t bytes[2048];
static size_t used;

/* An IPv6 header, and what follows of it: hexadecimal, with blanks. */
static void
begin(uint8_t next)
{
	memset(bytes, 0, sizeof bytes);
	bytes[0] = 0x60;
	bytes[6] = next;
	used = PACKET_IP6_HEADER;
}

static void
header(const uint8_t *at, size_t len)
{
	memcpy(bytes + used, at, len);
	used += len;
}

#define HEADER(...)                                                            \
	do {                                                                   \
		const uint8_t h_[] = { __VA_ARGS__ };                          \
		header(h_, sizeof h_);                                         \
	} while (0)

static void
tcp(void)
{
	HEADER(SPORT >> 8, SPORT & 255, 0, DPORT, 0, 0, 0, 1, 0, 0, 0, 2, 0x50,
	       FLAGS, 1, 0, 0, 0, 0, 0);
}

static bool
finds(bool refused)
{
	struct packet p = { 0 };

	assert_int_equal(header_chain_find(&p, bytes, used), refused);
	return p.sport == SPORT && p.dport == DPORT && p.flags == FLAGS;
}

static void
ports_stand_behind_all_headers(void **state)
{
	(void)state;
	begin(6);
	tcp();
	assert_true(finds(false));
	begin(60);
	for (int i = 0; i < 9; i++) {
		HEADER(i < 8 ? 60 : 6, 0, 1, 4, 0, 0, 0, 0);
	}
	tcp();
	assert_true(finds(false));
	begin(51); /* 8 bytes, and twice four */
	HEADER(6, 2, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8);
	tcp();
	assert_true(finds(false));
	begin(17);
	tcp();
	assert_false(finds(false));
}

static void
what_the_kernel_refuses(void **state)
{
	static const uint8_t options[][2] = {
		{ 0x1e, 0 }, { 0x5e, 0 }, { 0x9e, 1 }, { 0xde, 1 }, { 0xc9, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(options); i++) {
		begin(60);
		HEADER(6, 0, options[i][0], 4, 0, 0, 0, 0);
		tcp();
		assert_true(finds(options[i][1]));
	}
	begin(60); /* behind padding */
	HEADER(6, 1, 0, 0, 1, 2, 0, 0, 0x9e, 6, 0, 0, 0, 0, 0, 0);
	tcp();
	assert_true(finds(true));
	for (uint8_t left = 0; left < 2; left++) {
		begin(43);
		HEADER(6, 0, 253, left, 0, 0, 0, 0);
		tcp();
		assert_true(finds(left));
	}
	begin(0);
	HEADER(6, 0, 1, 4, 0, 0, 0, 0);
	tcp();
	assert_true(finds(false));
	begin(60); /* hop-by-hop, and not the first */
	HEADER(0, 0, 1, 4, 0, 0, 0, 0);
	HEADER(6, 0, 1, 4, 0, 0, 0, 0);
	tcp();
	assert_true(finds(true));
	begin(44); /* a fragment that is left */
	HEADER(6, 0, 0, 1, 0, 0, 0, 7);
	tcp();
	assert_true(finds(true));
	begin(44); /* a later one has no ports */
	HEADER(6, 0, 0, 9, 0, 0, 0, 7);
	tcp();
	assert_false(finds(true));
}

/* Wherever the bytes end, nothing behind them is read. */
static void
it_may_end_anywhere(void **state)
{
	(void)state;
	begin(0);
	HEADER(60, 0, 1, 4, 0, 0, 0, 0);
	HEADER(6, 1, 0, 0, 1, 2, 0, 0, 0x9e, 6, 0, 0, 0, 0, 0, 0);
	tcp();
	for (size_t len = 0; len <= used; len++) {
		uint8_t *copy = malloc(len + !len);
		struct packet p = { 0 };

		memcpy(copy, bytes, len);
		header_chain_find(&p, copy, len);
		assert_int_equal(p.dport, len >= used - 16 ? DPORT : 0);
		assert_int_equal(p.flags, len >= used - 6 ? FLAGS : 0);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_stand_behind_all_headers),
		cmocka_unit_test(what_the_kernel_refuses),
		cmocka_unit_test(it_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
