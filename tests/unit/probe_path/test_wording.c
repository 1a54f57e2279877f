/* What is said of a path, for each reason and each remark. */
#include "unit/support.h"

#include <string.h>

#include "probe_path/wording.h"

static struct trial trial;
static struct path path;
static struct path_trail trail;
static struct path_result result;
static char words[PATH_WORDS_MAX];

static int
setup(void **state)
{
	(void)state;
	memset(&trial, 0, sizeof trial);
	memset(&path, 0, sizeof path);
	memset(&trail, 0, sizeof trail);
	trial.near = addr4(0xc0000201);
	result = (struct path_result){
		.trial = &trial, .path = &path, .trail = &trail, .trouble = ""
	};
	return 0;
}

static const char *
verdict(enum path_verdict is, enum path_reason reason)
{
	struct text t = text_over(words, sizeof words);

	path.verdict = is;
	path.reason = reason;
	path_words_verdict(&t, &result);
	return words;
}

static void
says_why_it_does_not_pass(void **state)
{
	(void)state;
	path.offset = 0x10;
	path.elsewhere = 3;
	path.resets = 2;
	path.source_count = 2;
	path.sources[0] = addr4(0xc0000202);
	path.sources[1] = addr4(0xc0000203);
	path.groups[0].frames_sent = 9;
	path.groups[1].frames_sent = 1;
	path.groups[1].frames_arrived = 1;
	trial.skew_ns = -1500000000;
	assert_string_equal(verdict(PATH_FAILS, PATH_SEQUENCE),
			    "does not pass: the path translates sequence "
			    "numbers (seen at the far side: offset "
			    "0x00000010)");
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_SYN_PROXY),
			       " (3 SYNs answered that the far side never "
			       "saw)"));
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_SOURCES),
			       " (192.0.2.2, 192.0.2.3)"));
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_RESETS),
			       " (2 resets that the far side did not send)"));
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_FRAMES),
			       " (1 of 10 frames do)"));
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_CLOCK),
			       " (the far one is 1.5 s behind)"));
	trial.skew_ns = 2500000000;
	assert_non_null(strstr(verdict(PATH_FAILS, PATH_CLOCK),
			       " (the far one is 2.5 s ahead)"));
}

static void
says_why_nothing_is_known(void **state)
{
	(void)state;
	assert_string_equal(verdict(PATH_NOT_KNOWN, PATH_NO_FAR_SIDE),
			    "not known: no far side to tell what arrives");
	result.trouble = "Connection refused";
	assert_string_equal(verdict(PATH_NOT_KNOWN, PATH_NO_FAR_SIDE),
			    "not known: no far side to tell what arrives "
			    "(Connection refused)");
}

/* Nothing is wrong without a reason, and no reason is without a hint. */
static void
has_a_hint_for_each_reason(void **state)
{
	(void)state;
	for (enum path_reason r = PATH_NO_REASON; r <= PATH_WINDOW; r++) {
		struct text t = text_over(words, sizeof words);

		path.reason = r;
		path_words_hint(&t, &result);
		assert_int_equal(words[0] == '\0', r == PATH_NO_REASON);
		assert_true(path_reason_name(r)[0] != '\0');
	}
	assert_string_equal(verdict(PATH_PASSES, PATH_NO_REASON), "TAP passes");
	assert_string_equal(verdict(PATH_PASSES_LOOSE, PATH_WINDOW),
			    "passes with window=loose");
}

/* The nth remark, or NULL. */
static const char *
note(size_t n)
{
	struct text t = text_over(words, sizeof words);

	return path_words_note(&t, &result, n) ? words : NULL;
}

static void
remarks_one_thing(const char *what)
{
	assert_non_null(note(0));
	assert_string_equal(words, what);
	assert_null(note(1));
	setup(NULL);
}

static void
remarks_what_is_worth_it(void **state)
{
	(void)state;
	assert_null(note(0));
	path.has_nat = true;
	path.source_count = 1;
	path.sources[0] = addr4(0xc6336401);
	remarks_one_thing("a NAT on the way: the far side sees 198.51.100.1, "
			  "this side sends from 192.0.2.1");
	trial.has_seen = trial.connected = true;
	path.sent = 10;
	path.arrived = 8;
	remarks_one_thing("2 of 10 SYNs did not arrive");
	path.groups[0].whole = 4;
	path.groups[0].ordered = 1;
	remarks_one_thing("3 of 4 groups arrived in another order: no harm");
	path.duplicates = 5;
	remarks_one_thing("5 SYNs arrived more than once: no harm");
	path.best_frames = 4;
	remarks_one_thing("only groups of four arrived whole: use keys with "
			  "auth=30");
	path.answers_changed = 2;
	remarks_one_thing("the numbers of 2 of the server's answers are "
			  "translated");
	path.elsewhere = 1;
	remarks_one_thing("the far side never saw 1 SYN with an answer");
	path.strangers = 6;
	trial.connected = true;
	remarks_one_thing("6 SYNs from this side without a probe");
	trial.cut = true;
	remarks_one_thing(
		"the far side's report is incomplete: this is what is known so far");
	trial.far_lost = 7;
	remarks_one_thing("7 packets came too fast for the far side's "
			  "capture");
	result.no_key_wanted = true;
	remarks_one_thing("the far side asks for no key: anybody can use it");
	result.unsent = 9;
	remarks_one_thing("9 SYNs could not be sent");
	trial.has_seen = true;
	remarks_one_thing("the capture has none of these SYNs: is it of that "
			  "host, port and time?");
}

/* Those that don't hold are left out, whatever their order. */
static void
numbers_what_it_remarks(void **state)
{
	(void)state;
	path.duplicates = 1;
	result.unsent = 1;
	assert_string_equal(note(0), "1 SYN arrived more than once: no harm");
	assert_string_equal(note(1), "1 SYN could not be sent");
	assert_null(note(2));
	assert_string_equal(words, "");
}

static const char *
place(enum field field)
{
	struct text t = text_over(words, sizeof words);

	return path_words_place(&t, &result, field) ? words : NULL;
}

/* Between which two hops, as far as routers quote what they got. */
static void
names_the_place(void **state)
{
	(void)state;
	path.fields[FIELD_MSS].state = PATH_REWRITTEN;
	path.fields[FIELD_UNKNOWN].state = PATH_LOST;
	assert_null(place(FIELD_MSS));
	trail.traced = true;
	trail.count = 3;
	trail.hops[0].addr = addr4(0x0a000001);
	trail.hops[2].addr = addr4(0x0a000003);
	assert_null(place(FIELD_MSS));
	trail.hops[0].changed = 1u << FIELD_MSS;
	assert_string_equal(place(FIELD_MSS),
			    "changes between this host and "
			    "hop 1 (10.0.0.1)");
	trail.hops[0].changed = 0;
	trail.hops[0].same = 1u << FIELD_MSS;
	assert_string_equal(place(FIELD_MSS),
			    "changes between hop 1 "
			    "(10.0.0.1) and the far side");
	trail.hops[2].changed = 1u << FIELD_MSS;
	trail.hops[1].same = 1u << FIELD_MSS;
	assert_string_equal(place(FIELD_MSS),
			    "changes between hop 2 (silent) "
			    "and hop 3 (10.0.0.3)");
	trail.hops[0].answered[FIELD_TRACE_ODD] = true;
	trail.hops[2].answered[FIELD_TRACE_PLAIN] = true;
	assert_string_equal(place(FIELD_UNKNOWN),
			    "lost between hop 1 (10.0.0.1) and hop 3 "
			    "(10.0.0.3)");
	/* No probe has another port, so no hop can tell of it. */
	path.fields[FIELD_DPORT].state = PATH_LOST;
	assert_null(place(FIELD_DPORT));
}

/* Also when all is well. */
static void
tells_of_clocks(void **state)
{
	struct text t = text_over(words, sizeof words);
	struct path_result r = { .path = &path, .trial = &trial };

	(void)state;
	trial.has_skew = false;
	assert_false(path_words_clock(&t, &r));
	trial.has_skew = true;
	trial.skew_ns = -6000000;
	assert_true(path_words_clock(&t, &r));
	assert_string_equal(words,
			    "the far one is 0.006 s behind; 30 s are allowed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(says_why_it_does_not_pass, setup),
		cmocka_unit_test_setup(says_why_nothing_is_known, setup),
		cmocka_unit_test_setup(has_a_hint_for_each_reason, setup),
		cmocka_unit_test_setup(remarks_what_is_worth_it, setup),
		cmocka_unit_test_setup(numbers_what_it_remarks, setup),
		cmocka_unit_test_setup(names_the_place, setup),
		cmocka_unit_test(tells_of_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
