/* What a far side tells: packets of the plan, and nobody else's. */
#include "unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "probe_path/filter.h"

static struct trial_probe *probes;
static struct path_filter *filter;

static struct trial
new_trial(void)
{
	struct trial t = { .port = 22, .rounds = 1, .probes = probes };
	struct trial_numbers n = {
		.seq = 0x11111111, .tsval = 0x22222222, .id = 3, .sport = 4000
	};

	t.near = addr4(0x0a000001);
	t.far = addr4(0xc0000202);
	assert_true(trial_add_field(&t, FIELD_SEQ, 0, &n));
	memset(filter, 0, sizeof *filter);
	return t;
}

static struct field_values
from(const struct trial *t, uint32_t addr)
{
	struct field_values v = t->probes[0].sent;

	v.src = addr4(addr);
	return v;
}

static void
takes_the_plan_from_anywhere(void **state)
{
	struct trial t = new_trial();
	struct packet_addr peer = addr4(0xcb007101);

	(void)state;
	for (uint32_t addr = 1; addr <= PATH_FILTER_COPIES + 2; addr++) {
		struct field_values v = from(&t, addr);

		assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
				 addr <= PATH_FILTER_COPIES
					 ? PATH_FILTER_WHOLE
					 : PATH_FILTER_NOTHING);
	}
	assert_int_equal(filter->arrived, 1);
}

/* A source port and an IP ID are soon guessed. */
static void
takes_no_strangers(void **state)
{
	struct trial t = new_trial();
	struct packet_addr peer = addr4(0xcb007101);
	struct field_values v = from(&t, 7);

	(void)state;
	v.value[FIELD_SEQ]++;
	v.value[FIELD_TIMESTAMP]++;
	assert_false(path_filter_wants(filter, &t, &peer, &v));
	assert_false(path_filter_wants(filter, &t, NULL, &v));
	v.src = peer;
	assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
			 PATH_FILTER_WHOLE);
	/* Nothing fits: of the near side's own address, some. */
	v.value[FIELD_SPORT]++;
	v.value[FIELD_ID]++;
	for (unsigned i = 0; i < PATH_FILTER_STRANGERS + 2; i++) {
		assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
				 i < PATH_FILTER_STRANGERS
					 ? PATH_FILTER_HEADER
					 : PATH_FILTER_NOTHING);
	}
}

static void
takes_answers_to_what_came(void **state)
{
	struct trial t = new_trial();
	struct field_values v = from(&t, 7);
	struct field_values back = { .src = t.far, .dst = addr4(7) };

	(void)state;
	back.value[FIELD_SPORT] = 22;
	back.value[FIELD_DPORT] = 4000;
	back.flags = PACKET_SYN | PACKET_ACK;
	assert_false(path_filter_wants(filter, &t, NULL, &back));
	assert_true(path_filter_wants(filter, &t, NULL, &v));
	back.dst = addr4(8);
	assert_false(path_filter_wants(filter, &t, NULL, &back));
	back.dst = addr4(7);
	back.flags = PACKET_ACK;
	assert_false(path_filter_wants(filter, &t, NULL, &back));
	back.flags = PACKET_RST;
	for (unsigned i = 0; i < PATH_FILTER_COPIES + 2; i++) {
		assert_int_equal(path_filter_wants(filter, &t, NULL, &back),
				 i < PATH_FILTER_COPIES ? PATH_FILTER_WHOLE
							: PATH_FILTER_NOTHING);
	}
}

/* Another host's time stamp is guessed: its own number stays its own. */
static void
tells_no_number_of_others(void **state)
{
	struct trial t = new_trial();
	struct packet_addr peer = addr4(0xcb007101);
	struct field_values v = from(&t, 7);

	(void)state;
	v.value[FIELD_SEQ]++;
	assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
			 PATH_FILTER_NOTHING);
	/* Who has captured it himself has seen it. */
	assert_int_equal(path_filter_wants(filter, &t, NULL, &v),
			 PATH_FILTER_WHOLE);
	v.src = peer;
	assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
			 PATH_FILTER_WHOLE);
}

/* A SYN with another's address as its source: the answer is his alone. */
static void
tells_answers_to_the_peer_alone(void **state)
{
	const enum packet_flag answers[] = { PACKET_SYN | PACKET_ACK,
					     PACKET_RST };
	struct packet_addr peer = addr4(0xcb007101);

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct trial t = new_trial();
		struct field_values v = from(&t, 7);
		struct field_values back = { .src = t.far,
					     .dst = addr4(7),
					     .flags = (uint8_t)answers[i] };

		back.value[FIELD_SPORT] = 22;
		back.value[FIELD_DPORT] = 4000;
		assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
				 PATH_FILTER_WHOLE);
		assert_int_equal(path_filter_wants(filter, &t, &peer, &back),
				 PATH_FILTER_NOTHING);
		/* Its own are told. */
		t = new_trial();
		v.src = peer;
		back.dst = peer;
		assert_int_equal(path_filter_wants(filter, &t, &peer, &v),
				 PATH_FILTER_WHOLE);
		assert_int_equal(path_filter_wants(filter, &t, &peer, &back),
				 PATH_FILTER_WHOLE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_plan_from_anywhere),
		cmocka_unit_test(takes_no_strangers),
		cmocka_unit_test(takes_answers_to_what_came),
		cmocka_unit_test(tells_no_number_of_others),
		cmocka_unit_test(tells_answers_to_the_peer_alone),
	};
	int status;

	probes = calloc(TRIAL_PROBES_MAX, sizeof *probes);
	filter = calloc(1, sizeof *filter);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(probes);
	free(filter);
	return status;
}
