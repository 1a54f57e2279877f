/* Fields of a SYN, read from packets that are whole, cut, or nonsense. */
#include "unit/support.h"

#include <string.h>

#include "base/bytes.h"
#include "probe_path/syn_fields.h"

/* A SYN with a mark in each field: MSS, SACK, time stamps, WS, 253. */
static const uint8_t syn4[] = {
	0x45, 0xb9, 0,    72,   0x12, 0x34, 0x40, 0,    63,   6,    0,    0,
	192,  0,    2,    1,    192,  0,    2,    2,    0x9c, 0x40, 0x1f, 0x90,
	0xde, 0xad, 0xbe, 0xef, 1,    2,    3,    4,    0xba, 0xc2, 0xfa, 0xf0,
	0,    0,    0x55, 0xaa, 2,    4,    5,    0xb4, 4,    2,    8,    10,
	9,    8,    7,    6,    0,    0,    0,    0,    253,  8,    0x54, 0x41,
	0xa,  0xb,  0xc,  0xd,  'd',  'a',  't',  'a',  'd',  'a',  't',  'a',
};

static const uint8_t syn6[] = {
	0x69, 0x71, 2,    3,    0,    40,   0,    62,   0x20, 1,  0xd,
	0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0,  0,
	0,    1,    0x20, 1,    0xd,  0xb8, 0,    0,    0,    0,  0,
	0,    0,    0,    0,    0,    0,    2,    6,    0,    1,  4,
	0,    0,    0,    0, /* hop-by-hop */
	0x9c, 0x40, 0x1f, 0x90, 0xde, 0xad, 0xbe, 0xef, 0,    0,  0,
	0,    0x80, 0x02, 0xfa, 0xf0, 0,    0,    0,    0,    34, 10,
	1,    2,    3,    4,    5,    6,    7,    8,    1,    1,
};

static void
names_are_their_own(void **state)
{
	(void)state;
	for (enum field f = 0; f < FIELDS; f++) {
		assert_int_equal(field_find(field_kind(f)->name), f);
		assert_true(field_exists(f, 4) || field_exists(f, 6));
	}
	assert_int_equal(field_find("no-such"), FIELDS);
	assert_false(field_exists(FIELD_ID, 6));
	assert_false(field_exists(FIELD_LABEL, 4));
}

static void
reads_ipv4(void **state)
{
	static const struct {
		enum field field;
		uint64_t value;
	} wanted[] = {
		{ FIELD_SPORT, 0x9c40 },
		{ FIELD_DPORT, 8080 },
		{ FIELD_SEQ, 0xdeadbeef },
		{ FIELD_ACK, 0x01020304 },
		{ FIELD_WINDOW, 0xfaf0 },
		{ FIELD_DATA, 8 },
		{ FIELD_ID, 0x1234 },
		{ FIELD_DSCP, 46 },
		{ FIELD_ECN_IP, 1 },
		{ FIELD_ECN_TCP, 3 },
		{ FIELD_TTL, 63 },
		{ FIELD_RESERVED, 10 },
		{ FIELD_URGENT, 0x55aa },
		{ FIELD_MSS, 1460 },
		{ FIELD_SACK, 1 },
		{ FIELD_TIMESTAMP, 0x09080706 },
		{ FIELD_UNKNOWN, 0x0a0b0c0d },
	};
	struct field_values v;

	(void)state;
	assert_int_equal(field_read(&v, syn4, sizeof syn4), 0);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_true(v.present & 1u << wanted[i].field);
		assert_true(v.value[wanted[i].field] == wanted[i].value);
	}
	assert_false(v.present & 1u << FIELD_WSCALE);
	assert_true(v.known & 1u << FIELD_WSCALE);
	assert_false(v.known & 1u << FIELD_LABEL);
	assert_int_equal(v.flags, PACKET_SYN | PACKET_ECE | PACKET_CWR);
}

static void
reads_ipv6(void **state)
{
	struct field_values v;

	(void)state;
	assert_int_equal(field_read(&v, syn6, sizeof syn6), 0);
	assert_int_equal(v.value[FIELD_LABEL], 0x10203);
	assert_int_equal(v.value[FIELD_DSCP], 0x97 >> 2);
	assert_int_equal(v.value[FIELD_ECN_IP], 3);
	assert_true(v.value[FIELD_FASTOPEN] == 0x0102030405060708);
	assert_int_equal(v.data_len, 0);
	assert_false(v.known & 1u << FIELD_ID);
}

/* What is cut off is not known, and never taken as changed. */
static void
knows_what_is_there(void **state)
{
	struct field_values sent;
	struct field_values seen;

	(void)state;
	assert_int_equal(field_read(&sent, syn4, sizeof syn4), 0);
	for (size_t len = 0; len <= sizeof syn4; len++) {
		if (field_read(&seen, syn4, len) < 0) {
			assert_true(len < 24);
			continue;
		}
		for (enum field f = 0; f < FIELDS; f++) {
			enum field_change change =
				field_compare(f, &sent, &seen);

			assert_true(change == FIELD_SAME ||
				    change == FIELD_HIDDEN);
			assert_true(len < sizeof syn4 || f == FIELD_LABEL ||
				    change == FIELD_SAME);
		}
		assert_int_equal(field_compare(FIELD_SEQ, &sent, &seen),
				 len < 28 ? FIELD_HIDDEN : FIELD_SAME);
		assert_int_equal(field_compare(FIELD_WINDOW, &sent, &seen),
				 len < 40 ? FIELD_HIDDEN : FIELD_SAME);
		assert_int_equal(field_compare(FIELD_UNKNOWN, &sent, &seen),
				 len < 64 ? FIELD_HIDDEN : FIELD_SAME);
	}
}

/* One bit changed anywhere changes one field, or none, or makes no SYN. */
static void
tells_a_change_of_any_bit(void **state)
{
	struct field_values sent;
	struct field_values seen;
	uint8_t bytes[sizeof syn4];
	size_t found = 0;

	(void)state;
	field_read(&sent, syn4, sizeof syn4);
	for (size_t bit = 0; bit < sizeof syn4 * 8; bit++) {
		size_t changed = 0;

		memcpy(bytes, syn4, sizeof syn4);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (field_read(&seen, bytes, sizeof bytes) < 0) {
			continue;
		}
		for (enum field f = 0; f < FIELDS; f++) {
			enum field_change c = field_compare(f, &sent, &seen);

			changed += c == FIELD_CHANGED || c == FIELD_REMOVED;
		}
		/* Lengths and kinds of options change what follows. */
		assert_true(changed <= 1 || bit / 8 < 4 ||
			    (bit / 8 >= 32 && bit / 8 < 64));
		found += changed > 0;
	}
	assert_true(found > 300);
}

static void
tells_removed_from_changed(void **state)
{
	struct field_values sent;
	struct field_values seen;
	uint8_t bytes[sizeof syn4];

	(void)state;
	field_read(&sent, syn4, sizeof syn4);
	memcpy(bytes, syn4, sizeof syn4);
	memset(bytes + 40, 1, 4); /* the MSS, by NOPs */
	be16_store(bytes + 2, 64);
	assert_int_equal(field_read(&seen, bytes, 64), 0);
	assert_int_equal(field_compare(FIELD_MSS, &sent, &seen), FIELD_REMOVED);
	assert_int_equal(field_compare(FIELD_DATA, &sent, &seen),
			 FIELD_REMOVED);
	memcpy(bytes, syn4, sizeof syn4);
	bytes[sizeof bytes - 1] ^= 1;
	assert_int_equal(field_read(&seen, bytes, sizeof bytes), 0);
	assert_int_equal(field_compare(FIELD_DATA, &sent, &seen),
			 FIELD_CHANGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_their_own),
		cmocka_unit_test(reads_ipv4),
		cmocka_unit_test(reads_ipv6),
		cmocka_unit_test(knows_what_is_there),
		cmocka_unit_test(tells_a_change_of_any_bit),
		cmocka_unit_test(tells_removed_from_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
