/* Plans as text: written, read again, and refused with the line. */
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "probe_path/plan.h"

#define HEAD                                                                   \
	"tap path plan 1\nnear 192.0.2.1\nfar 192.0.2.2\nport 22\n"            \
	"rounds 1\n"
/* A SYN from 192.0.2.1 to 192.0.2.2. */
#define SYN                                                                    \
	"4500002800014000400600000A0000010A0000020001001600000005"             \
	"00000000500220000000"                                                 \
	"0000"
#define PROBE "probe field sequence 0 " SYN "\n"

static struct trial_probe *probes;
static struct trial_packet *heard;
static char *text;

static struct trial
new_trial(void)
{
	return (struct trial){
		.probes = probes,
		.heard = { .at = heard, .room = TRIAL_PACKETS_MAX },
	};
}

static void
reads_what_it_writes(void **state)
{
	struct trial_probe like = { .kind = TRIAL_FIELD };
	struct trial t = new_trial();
	struct text out = text_over(text, PATH_PLAN_MAX);
	char why[WHY_MAX];
	struct trial_numbers n = { .seq = 1, .sport = 9, .value = 3 };
	uint8_t bytes[TRIAL_PROBE_MAX];
	size_t len;

	(void)state;
	t.near = addr6(1, 1);
	t.far = addr6(1, 2);
	t.port = 65535;
	t.rounds = TRIAL_COUNT_MAX;
	for (enum field f = 0; f < FIELDS; f++) {
		assert_true(trial_add_field(&t, f, f % 2, &n));
	}
	/* As long as any can be. */
	len = trial_build(bytes, &t, 1u << FIELD_FASTOPEN | 1u << FIELD_DATA, 0,
			  &n, 1);
	while (t.count < TRIAL_PROBES_MAX) {
		assert_true(trial_add(&t, &like, bytes, len));
	}
	while (t.heard.count < t.heard.room) {
		memset(heard[t.heard.count].bytes, 0x41, TRIAL_PACKET_MAX);
		heard[t.heard.count].ns = UINT64_MAX / 2;
		heard[t.heard.count++].len = 100;
	}
	path_plan_write(&out, &t, true);
	assert_false(out.full);
	t = new_trial();
	assert_int_equal(path_plan_read(&t, text, out.len, why), 0);
	assert_int_equal(t.count, TRIAL_PROBES_MAX);
	assert_int_equal(t.heard.count, TRIAL_PACKETS_MAX);
	assert_int_equal(t.port, 65535);
	assert_int_equal(t.far.family, 6);
	for (enum field f = 0; f < FIELDS; f++) {
		assert_int_equal(t.probes[f].field, f);
		assert_int_equal(t.probes[f].round, f % 2);
	}
	/* What the far side is told fits into its message. */
	out = text_over(text, PATH_PLAN_MAX);
	path_plan_write(&out, &t, false);
	assert_true(out.len <= 512u * 1024);
}

static void
refuses(void **state)
{
	static const struct {
		const char *plan;
		unsigned line;
	} bad[] = {
		{ "", 1 },
		{ "\n", 1 },
		{ "tap path plan 1", 1 },
		{ "tap path plan 1\n", 2 },
		{ "tap path plan 2\n", 1 },
		{ HEAD, 6 },
		{ HEAD "end\n", 7 },
		{ HEAD PROBE, 7 },
		{ HEAD PROBE "end", 7 },
		{ HEAD PROBE "end\n\n", 8 },
		{ HEAD PROBE "\nend\n", 7 },
		{ HEAD PROBE "end \n", 7 },
		{ HEAD "probe\nend\n", 6 },
		{ HEAD "probe field sequence " SYN "\nend\n", 6 },
		{ HEAD "probe field sequence 20 " SYN "\nend\n", 6 },
		{ HEAD "probe field sequence -1 " SYN "\nend\n", 6 },
		{ HEAD "probe field sequence 0x1 " SYN "\nend\n", 6 },
		{ HEAD "probe field sequence  0 " SYN "\nend\n", 6 },
		{ HEAD "probe field sequence 0 " SYN "0\nend\n", 6 },
		{ HEAD "probe field sequence 0 \nend\n", 6 },
		{ HEAD "probe field none 0 " SYN "\nend\n", 6 },
		{ HEAD "probe frame 7 4 1 0 " SYN "\nend\n", 6 },
		{ HEAD "probe frame 0 8 1 0 " SYN "\nend\n", 6 },
		{ HEAD "probe frame 0 4 0 0 " SYN "\nend\n", 6 },
		{ HEAD "probe frame 0 4 81 0 " SYN "\nend\n", 6 },
		{ HEAD "probe connection 45\nend\n", 6 },
		{ HEAD PROBE "heard x " SYN "\nend\n", 7 },
		{ HEAD PROBE "heard 99999999999999999999 " SYN "\nend\n", 7 },
		{ HEAD PROBE "heard 1\nend\n", 7 },
		{ HEAD PROBE "end\n" PROBE, 8 },
		{ "tap path plan 1\nnear 192.0.2.1\nfar fd00::1\n", 3 },
		{ "tap path plan 1\nnear 192.0.2.256\n", 2 },
		{ "tap path plan 1\nnear 192.0.2.1\nnear 192.0.2.1\n", 3 },
	};
	char why[WHY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct trial t = new_trial();
		unsigned line;

		why[0] = '\0';
		line = path_plan_read(&t, bad[i].plan, strlen(bad[i].plan),
				      why);
		if (line != bad[i].line) {
			print_error("plan %zu: line %u: %s\n", i, line, why);
		}
		assert_int_equal(line, bad[i].line);
		assert_true(why[0] != '\0');
	}
}

static void
is_bounded(void **state)
{
	char why[WHY_MAX];
	struct text out = text_over(text, PATH_PLAN_MAX);
	struct trial t = new_trial();
	char *at;

	(void)state;
	text_put(&out, HEAD);
	for (unsigned i = 0; i <= TRIAL_PROBES_MAX; i++) {
		text_put(&out, PROBE);
	}
	assert_int_equal(path_plan_read(&t, text, out.len, why),
			 6 + TRIAL_PROBES_MAX);
	assert_int_equal(t.count, TRIAL_PROBES_MAX);
	/* A line without end, and a NUL. */
	memset(text, 'a', PATH_PLAN_MAX);
	assert_int_equal(path_plan_read(&t, text, PATH_PLAN_MAX, why), 1);
	text[PATH_PLAN_MAX - 1] = '\n';
	assert_int_equal(path_plan_read(&t, text, PATH_PLAN_MAX, why), 1);
	out = text_over(text, PATH_PLAN_MAX);
	text_put(&out, HEAD PROBE "end\n");
	assert_int_equal(path_plan_read(&t, text, out.len, why), 0);
	at = strstr(text, "field");
	*at = '\0';
	assert_int_equal(path_plan_read(&t, text, out.len, why), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(is_bounded),
	};
	int status;

	probes = calloc(TRIAL_PROBES_MAX, sizeof *probes);
	heard = calloc(TRIAL_PACKETS_MAX, sizeof *heard);
	text = malloc(PATH_PLAN_MAX);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(probes);
	free(heard);
	free(text);
	return status;
}
