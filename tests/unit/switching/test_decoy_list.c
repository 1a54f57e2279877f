/* SPDX-License-Identifier: ISC */
/* Who goes to the decoy: put in, taken out, over in time, and full. */
#include "unit/support.h"

#include <string.h>

#include "switching/decoy_list.h"

static struct decoy_list list;
static struct decoy_view view;

static int
setup(void **state)
{
	(void)state;
	memset(&list, 0, sizeof list);
	memset(&view, 0, sizeof view);
	return 0;
}

static struct packet_addr
number(uint32_t n)
{
	struct packet_addr addr = { .family = 6 };

	memcpy(addr.bytes, &n, sizeof n);
	return addr;
}

static void
add(struct decoy_entry e, uint64_t since, uint64_t until)
{
	e.since = since;
	e.until = until;
	decoy_list_add(&list, &e, NULL);
}

static bool
has(int32_t key_no, uint32_t addr)
{
	const struct packet_addr a = number(addr);

	decoy_view_write(&view, &list);
	return decoy_view_has(&view, key_no, &a);
}

static void
keys_and_addresses(void **state)
{
	const struct packet_addr one = number(1);
	const struct decoy_entry addr = decoy_addr(&one), ten = decoy_key(10);

	(void)state;
	assert_false(has(10, 1));
	add(ten, 100, 0);
	assert_true(has(10, 1));
	assert_false(has(11, 1));
	assert_false(has(-1, 1));
	assert_false(has(65536 + 10, 1));
	add(addr, 100, 0);
	assert_true(has(11, 1));
	assert_false(has(11, 2));
	assert_int_equal(decoy_list_count(&list), 2);
	assert_true(decoy_list_remove(&list, &ten));
	assert_false(decoy_list_remove(&list, &ten));
	assert_false(has(10, 2));
	assert_true(has(10, 1));
	assert_true(decoy_list_remove(&list, &addr));
	assert_false(has(10, 1));
	add(decoy_key(0), 1, 0);
	add(decoy_key(65535), 1, 0);
	assert_true(has(0, 9) && has(65535, 9));
}

static void
the_later_end_holds(void **state)
{
	const struct decoy_entry ten = decoy_key(10);

	(void)state;
	add(ten, 100, 200);
	add(ten, 150, 180);
	assert_int_equal(decoy_list_find(&list, &ten)->until, 200);
	add(ten, 150, 300);
	assert_int_equal(decoy_list_find(&list, &ten)->until, 300);
	assert_int_equal(decoy_list_find(&list, &ten)->since, 100);
	assert_int_equal(decoy_list_expire(&list, 299), 0);
	assert_int_equal(decoy_list_expire(&list, 300), 1);
	assert_null(decoy_list_find(&list, &ten));
	add(ten, 100, 200);
	add(ten, 100, 0);
	add(ten, 100, 400);
	assert_int_equal(decoy_list_expire(&list, UINT64_MAX), 0);
}

static void
who_is_at_his_end_first_makes_room(void **state)
{
	struct decoy_entry next = decoy_key(1);
	const struct packet_addr seven = number(7), five = number(5);
	struct decoy_entry gone;

	(void)state;
	for (uint32_t i = 0; i < DECOY_LIST_MAX; i++) {
		const struct packet_addr a = number(i);

		add(decoy_addr(&a), i == 5 ? 1 : 2, i == 7 ? 1000 : 0);
	}
	assert_int_equal(decoy_list_count(&list), DECOY_LIST_MAX);
	assert_true(decoy_list_add(&list, &next, &gone));
	assert_true(packet_addr_equal(&gone.addr, &seven));
	next.since = 5;
	next = decoy_key(2);
	next.since = 5;
	assert_true(decoy_list_add(&list, &next, &gone));
	/* The key that was put in has no beginning: it goes. */
	assert_true(gone.by_key && gone.key_no == 1);
	next.key_no = 3;
	assert_true(decoy_list_add(&list, &next, &gone));
	assert_true(packet_addr_equal(&gone.addr, &five));
	assert_true(has(-1, DECOY_LIST_MAX - 1));
	assert_false(has(-1, 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keys_and_addresses, setup),
		cmocka_unit_test_setup(the_later_end_holds, setup),
		cmocka_unit_test_setup(who_is_at_his_end_first_makes_room,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
