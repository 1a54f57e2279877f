/* SPDX-License-Identifier: ISC */
/* What the doctor makes of what left, and of probe-path's word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/doctor_path.h"
#include "client/doctor_trial.h"
#include "protocol/frame.h"

#define SPORT 40000u

static struct doctor_trial trial;

static void
left(uint16_t sport, uint32_t seq, uint16_t window)
{
	trial.syns[trial.syns_count].sport = sport;
	trial.syns[trial.syns_count].seq = seq;
	trial.syns[trial.syns_count++].window = window;
}

static int
setup(void **state)
{
	(void)state;
	memset(&trial, 0, sizeof trial);
	trial.sport = SPORT;
	return 0;
}

static void
test_group(void **state)
{
	const struct frame_head head = { .flags = 1, .key_no = 10 };
	long key_no;

	(void)state;
	assert_int_equal(doctor_trial_group(&trial, &key_no), 0);
	/* Somebody else's, to the same port. */
	left(50000, frame_prefix(FRAME_SYN1), 999);
	assert_int_equal(doctor_trial_group(&trial, &key_no), 0);
	/* It went out as it was first, as with libpcap. */
	left(SPORT, 7, 64240);
	assert_int_equal(doctor_trial_group(&trial, &key_no), 1);
	assert_int_equal(key_no, -1);
	left(50001, frame_prefix(FRAME_SYN2), 1234);
	left(50002, frame_syn1(&head), 1234);
	left(50003, frame_prefix(FRAME_SYN3), 1234);
	left(SPORT, 7, 1234);
	assert_int_equal(doctor_trial_group(&trial, &key_no), 4);
	assert_int_equal(key_no, 10);
}

static struct doctor_path
path_of(const char *json)
{
	struct doctor_path path = { .passes = false };

	doctor_path_read(&path, json, strlen(json));
	return path;
}

static void
test_path(void **state)
{
	struct doctor_path path;

	(void)state;
	path = path_of("{\"paths\":[{\"verdict\":\"passes\","
		       "\"text\":\"TAP passes\",\"service_port\":22,"
		       "\"notes\":[{\"text\":\"other\"}]}]}");
	assert_true(path.passes);
	assert_int_equal(path.service_port, 22);
	assert_string_equal(path.text, "TAP passes");
	path = path_of("{\"paths\":[{\"verdict\":\"passes-loose\"}]}");
	assert_false(path.passes);
	/* No program, and anything else. */
	path = path_of("");
	assert_false(path.passes);
	assert_string_equal(path.text, "");
	path = path_of("{\"service_port\":70000,\"text\":7,\"verdict\":[\"");
	assert_false(path.passes);
	assert_int_equal(path.service_port, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_group, setup),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
