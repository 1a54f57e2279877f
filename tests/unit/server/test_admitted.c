/* SPDX-License-Identifier: ISC */
/* Which SYNs were accepted a moment ago. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/admitted.h"

static struct admitted a;
static const struct packet_addr addr = { 4, { 192, 0, 2, 2 } };

static void
test_again(void **state)
{
	const struct hash_key key = { 1, 2 };

	(void)state;
	admitted_init(&a, &key);
	assert_false(admitted_again(&a, &addr, 4000, 77, 1000));
	/* Another one is not the same. */
	assert_false(admitted_again(&a, &addr, 4001, 77, 2000));
	assert_false(admitted_again(&a, &addr, 4000, 78, 2000));
	/* Each retransmission is, until they come too seldom. */
	assert_true(admitted_again(&a, &addr, 4000, 77, 2000));
	assert_true(
		admitted_again(&a, &addr, 4000, 77, 2000 + ADMITTED_AGAIN_MS));
	assert_false(admitted_again(&a, &addr, 4000, 77,
				    2001 + 2 * ADMITTED_AGAIN_MS));
}

/* It is no leave to come in. */
static void
test_apart(void **state)
{
	const struct hash_key key = { 1, 2 };
	const struct packet syn = { .src = addr, .sport = 4000, .seq = 77 };

	(void)state;
	admitted_init(&a, &key);
	admitted_again(&a, &addr, 4000, 77, 1000);
	assert_false(admitted_take(&a, &syn, 1000));
	admitted_note(&a, &syn, false, 1000);
	assert_true(admitted_take(&a, &syn, 1000));
	assert_false(admitted_take(&a, &syn, 1000));
}

/* On its way through this host, it goes to the port that it went to. */
static void
test_routed(void **state)
{
	const struct hash_key key = { 1, 2 };
	const struct packet syn = {
		.src = addr,
		.dst = { 4, { 198, 51, 100, 1 } },
		.sport = 4000,
		.dport = 22,
		.seq = 77,
	};
	struct packet other = syn;

	(void)state;
	admitted_init(&a, &key);
	admitted_note(&a, &syn, true, 1000);
	other.dport = 23;
	assert_false(admitted_take(&a, &other, 1000));
	other.dport = syn.dport;
	other.dst.bytes[3] = 2;
	assert_true(admitted_take(&a, &other, 1000));
	assert_false(admitted_take(&a, &syn, 1000));
	/* What came to this host goes where NAT leads it. */
	admitted_note(&a, &syn, false, 1000);
	other.dport = 23;
	assert_true(admitted_take(&a, &other, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_routed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
