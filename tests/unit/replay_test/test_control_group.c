/* Fresh groups for attacks: what each has for itself. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "replay_test/control_group.h"

#define PORT 22
/* Of 4 marks each: by chance, two of so many would hardly ever differ. */
#define SHOTS 500u

static void
no_mark_comes_twice(void **state)
{
	static const uint8_t secret[16] = { 1 };
	static bool seen[UINT16_MAX + 1];
	struct attack_wire *wire = calloc(1, sizeof *wire);
	struct acl_key key = { .no = 10 };
	struct attack_fresh fresh = { .wire = wire, .key = &key };

	(void)state;
	assert_non_null(wire);
	ports_init(&wire->ports);
	mac_key_init(&key.mac, MAC_HMAC_SHA256, 1, secret, sizeof secret, NULL,
		     0);
	for (unsigned shot = 0; shot < SHOTS; shot++) {
		struct sender_group first, second;
		struct attack_scene scene = { .group = &first };
		uint16_t marks[4];

		assert_int_equal(attack_fresh_sign(&fresh, PORT, 0, &first), 0);
		assert_int_equal(attack_fresh_sign(&fresh, PORT, 0, &second),
				 0);
		assert_int_equal(attack_fresh_scene(&fresh, &scene), 0);
		marks[0] = first.mark;
		marks[1] = second.mark;
		marks[2] = scene.mark;
		marks[3] = scene.second_mark;
		for (size_t i = 0; i < COUNT(marks); i++) {
			assert_false(seen[marks[i]]);
			seen[marks[i]] = true;
		}
	}
	ports_close(&wire->ports);
	free(wire);
}

/* Nor does a scene have the mark of a group that was recorded. */
static void
a_recorded_mark_is_left_out(void **state)
{
	struct attack_wire *wire = calloc(1, sizeof *wire);
	struct attack_fresh fresh = { .wire = wire };
	struct attack_scene scene = { 0 };
	struct sender_group recorded = { 0 };

	(void)state;
	assert_non_null(wire);
	ports_init(&wire->ports);
	assert_int_equal(attack_fresh_scene(&fresh, &scene), 0);
	scene.group = &recorded;
	for (uint16_t ahead = 1; ahead <= 2; ahead++) {
		recorded.mark = (uint16_t)(scene.second_mark + ahead);
		assert_int_equal(attack_fresh_scene(&fresh, &scene), 0);
		assert_int_not_equal(scene.mark, recorded.mark);
		assert_int_not_equal(scene.second_mark, recorded.mark);
		assert_int_not_equal(scene.second_mark, scene.mark);
	}
	ports_close(&wire->ports);
	free(wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_mark_comes_twice),
		cmocka_unit_test(a_recorded_mark_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
