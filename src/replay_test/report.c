#include "replay_test/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/table.h"
#include "tap.h"
#include "base/text.h"

#define LINE_MAX_LEN 1024u /* an attack's, with its reason escaped */
#define SPAN_MAX 32u
/* A terminal's columns, and where the table's begin. */
#define WIDTH 80u
#define VERDICT_AT 15
#define WHY_AT 29
#define TEXT_LEN 1024u /* a sentence, with all it lists */

static const char *
verdict_name(enum attack_run_verdict verdict)
{
	static const char *const names[] = {
		[ATTACK_RUN_REFUSED] = "refused",
		[ATTACK_RUN_ACCEPTED] = "accepted",
		[ATTACK_RUN_INCONCLUSIVE] = "inconclusive",
	};

	return names[verdict];
}

size_t
replay_report_count(const struct replay_report *r,
		    enum attack_run_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < r->run->count; i++) {
		count += r->run->results[i].verdict == verdict;
	}
	return count;
}

/* Seconds as a person says them. */
static void
span_text(char out[SPAN_MAX], double seconds)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {
		{ 86400.0 * 365, "years" }, { 86400, "days" },
		{ 3600, "hours" },          { 60, "minutes" },
		{ 0, "seconds" },
	};
	size_t i = 0;

	while (seconds < 2 * units[i].seconds) {
		i++;
	}
	snprintf(out, SPAN_MAX, "%.3g %s",
		 units[i].seconds > 0 ? seconds / units[i].seconds : seconds,
		 units[i].name);
}

/* ---- columns */

static int
print_columns(const struct replay_report *r)
{
	static const char *const heads[] = { "attack",  "verdict", "groups",
					     "because", "what",    "hole" };
	struct table table;
	int rc = 0;

	table_init(&table, heads, sizeof heads / sizeof heads[0]);
	for (size_t i = 0; i < r->run->count && rc == 0; i++) {
		const struct attack_run_result *result = &r->run->results[i];
		char groups[16];
		const char *const cells[] = {
			attacks[result->kind].name,
			verdict_name(result->verdict),
			groups,
			result->reason,
			attacks[result->kind].what,
			result->hole ? result->hole : "-",
		};

		snprintf(groups, sizeof groups, "%u", result->groups);
		rc = table_add(&table, cells);
	}
	if (rc == 0) {
		table_print(&table, false);
	}
	table_free(&table);
	return rc;
}

/* ---- a table */

/* The words that go on a line from `at` on, within so many columns. */
static size_t
line_of(const char *text, size_t width)
{
	size_t len = strlen(text);
	size_t last = 0;

	for (size_t i = 0; i < len && i <= width; i++) {
		last = text[i] == ' ' ? i : last;
	}
	return len <= width ? len : last > 0 ? last : width;
}

/* Text that begins in a column, and goes on there. */
static void
print_wrapped(const char *text, size_t column)
{
	for (;;) {
		size_t len = line_of(text, WIDTH - column);

		printf("%.*s\n", (int)len, text);
		text += len + strspn(text + len, " ");
		if (*text == '\0') {
			return;
		}
		printf("%*s", (int)column, "");
	}
}

/* An attack that has sent nothing was not tried. */
static bool
is_tried(const struct attack_run_result *result)
{
	return result->verdict != ATTACK_RUN_INCONCLUSIVE || result->groups > 0;
}

static void
print_results(const struct replay_report *r)
{
	printf("%-*s%-*s%s\n", VERDICT_AT, "attack", WHY_AT - VERDICT_AT,
	       "verdict", "what, and because");
	for (size_t i = 0; i < r->run->count; i++) {
		const struct attack_run_result *result = &r->run->results[i];
		char line[TEXT_LEN];

		printf("%-*s%-*s", VERDICT_AT, attacks[result->kind].name,
		       WHY_AT - VERDICT_AT,
		       is_tried(result) ? verdict_name(result->verdict)
					: "not tried");
		snprintf(line, sizeof line, "%s: %s%s%s",
			 attacks[result->kind].what, result->reason,
			 result->hole ? "; the hole is " : "",
			 result->hole ? result->hole : "");
		print_wrapped(line, WHY_AT);
	}
}

static void
print_odds(const struct odds *odds)
{
	char mean[SPAN_MAX], half[SPAN_MAX];

	if (odds->let_through <= 0) {
		return;
	}
	span_text(mean, odds->mean);
	span_text(half, odds->half);
	printf("\n%.3g guesses a second were sent, and %s%.3g looked at: of %u "
	       "bits, one\nfits after %s, on average; as likely as not within "
	       "%s.\n",
	       odds->sent, odds->is_bound ? "at most " : "", odds->let_through,
	       odds->bits, mean, half);
}

static void
put_comma(struct text *t, size_t before)
{
	text_put(t, "%s", t->len > before ? ", " : "");
}

/* The names of attacks that got in. */
static void
put_accepted(struct text *t, const struct replay_report *r)
{
	size_t before = t->len;

	for (size_t i = 0; i < r->run->count; i++) {
		const struct attack_run_result *result = &r->run->results[i];

		if (result->verdict == ATTACK_RUN_ACCEPTED) {
			put_comma(t, before);
			text_put(t, "%s", attacks[result->kind].name);
		}
	}
}

/* The missing option, which the reason ends with; else the whole reason. */
static const char *
missing_of(const struct attack_run_result *result)
{
	const char *option = strstr(result->reason, ": -");

	return option ? option + 2 : result->reason;
}

/* List what was missing, each once. */
static void
put_missing(struct text *t, const struct replay_report *r)
{
	size_t before = t->len;

	for (size_t i = 0; i < r->run->count; i++) {
		const struct attack_run_result *result = &r->run->results[i];
		bool known = is_tried(result);

		for (size_t j = 0; j < i && !known; j++) {
			known = !is_tried(&r->run->results[j]) &&
				strcmp(missing_of(&r->run->results[j]),
				       missing_of(result)) == 0;
		}
		if (!known) {
			put_comma(t, before);
			text_put(t, "%s", missing_of(result));
		}
	}
}

/* One sentence: whether anything got in, and what is not known. */
static void
print_conclusion(const struct replay_report *r)
{
	size_t accepted = replay_report_count(r, ATTACK_RUN_ACCEPTED);
	size_t refused = replay_report_count(r, ATTACK_RUN_REFUSED);
	size_t untried = 0;
	char line[TEXT_LEN];
	struct text t = text_over(line, sizeof line);

	for (size_t i = 0; i < r->run->count; i++) {
		untried += !is_tried(&r->run->results[i]);
	}
	if (accepted > 0) {
		text_put(&t, "%zu got in (", accepted);
		put_accepted(&t, r);
		text_put(&t, "): ");
	} else {
		text_put(&t, "nothing got in: ");
	}
	text_put(&t, "%zu refused", refused);
	if (r->run->count > accepted + refused + untried) {
		text_put(&t, ", %zu inconclusive",
			 r->run->count - accepted - refused - untried);
	}
	if (untried > 0) {
		text_put(&t, ", %zu not tried (", untried);
		put_missing(&t, r);
		text_put(&t, ")");
	}
	print_wrapped(line, 0);
}

static void
print_summary(const struct replay_report *r)
{
	const struct attack_run_report *a = r->run;

	printf("\n");
	if (a->trials > 0) {
		printf("%u of %u fresh groups between them got in\n",
		       a->trials_accepted, a->trials);
	}
	print_conclusion(r);
}

static void
print_table(const struct replay_report *r)
{
	printf("%s", r->host);
	if (strcmp(r->host, r->address) != 0) {
		printf(" (%s)", r->address);
	}
	printf(", port %u\n", r->port);
	print_results(r);
	if (r->run->has_odds) {
		print_odds(&r->run->odds);
	}
	print_summary(r);
}

/* ---- JSON */

static void
json_result(const struct attack_run_result *result, bool first)
{
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{");
	json_member(&t, "attack", attacks[result->kind].name);
	json_member(&t, "what", attacks[result->kind].what);
	json_member(&t, "verdict", verdict_name(result->verdict));
	json_member(&t, "reason", result->reason);
	json_number(&t, "groups", result->groups);
	json_number(&t, "accepted", result->accepted);
	json_number(&t, "resets", result->resets);
	if (result->hole) {
		json_member(&t, "hole", result->hole);
	}
	printf("%s%s}", first ? "\n" : ",\n", line);
}

static void
json_odds(const struct odds *odds)
{
	printf(",\n\"odds\":{\"bits\":%u,\"sent_per_second\":%.6g,"
	       "\"checked_per_second\":%.6g,\"bound\":%s,"
	       "\"mean_seconds\":%.6g,\"half_seconds\":%.6g}",
	       odds->bits, odds->sent, odds->let_through,
	       odds->is_bound ? "true" : "false", odds->mean, odds->half);
}

static void
print_json(const struct replay_report *r)
{
	const struct attack_run_report *a = r->run;
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{");
	json_member(&t, "command", "replay-test");
	json_member(&t, "version", tap_version);
	json_member(&t, "host", r->host);
	json_member(&t, "address", r->address);
	json_number(&t, "port", r->port);
	json_member(&t, "material", r->material);
	printf("%s,\"recorded\":%zu,\n\"results\":[", line, r->groups);
	for (size_t i = 0; i < a->count; i++) {
		json_result(&a->results[i], i == 0);
	}
	printf("]");
	if (a->has_odds) {
		json_odds(&a->odds);
	}
	printf(",\n\"trials\":%u,\"trials_accepted\":%u,\"unseen\":%u,"
	       "\"refused\":%zu,\"accepted\":%zu,\"inconclusive\":%zu}\n",
	       a->trials, a->trials_accepted, a->lost,
	       replay_report_count(r, ATTACK_RUN_REFUSED),
	       replay_report_count(r, ATTACK_RUN_ACCEPTED),
	       replay_report_count(r, ATTACK_RUN_INCONCLUSIVE));
}

int
replay_report_write(const struct replay_report *r, enum report_form form)
{
	switch (form) {
	case REPORT_TABLE:
		print_table(r);
		return 0;
	case REPORT_PLAIN:
		return print_columns(r);
	default:
		print_json(r);
		return 0;
	}
}
