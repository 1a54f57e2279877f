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

/* ---- a table */

static int
print_results(const struct replay_report *r, bool aligned)
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
		table_print(&table, aligned);
	}
	table_free(&table);
	return rc;
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
print_summary(const struct replay_report *r)
{
	const struct attack_run_report *a = r->run;

	printf("\n%zu refused, %zu accepted, %zu inconclusive",
	       replay_report_count(r, ATTACK_RUN_REFUSED),
	       replay_report_count(r, ATTACK_RUN_ACCEPTED),
	       replay_report_count(r, ATTACK_RUN_INCONCLUSIVE));
	if (a->trials > 0) {
		printf("; %u of %u fresh groups between them got in",
		       a->trials_accepted, a->trials);
	}
	printf("\n");
}

static int
print_table(const struct replay_report *r)
{
	int rc;

	printf("%s", r->host);
	if (strcmp(r->host, r->address) != 0) {
		printf(" (%s)", r->address);
	}
	printf(", port %u\n", r->port);
	rc = print_results(r, true);
	if (r->run->has_odds) {
		print_odds(&r->run->odds);
	}
	print_summary(r);
	return rc;
}

/* ---- JSON */

static void
member(struct text *t, const char *name, const char *value)
{
	text_put(t, ",\"%s\":", name);
	json_string(t, value);
}

static void
json_result(const struct attack_run_result *result, bool first)
{
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{\"attack\":");
	json_string(&t, attacks[result->kind].name);
	member(&t, "what", attacks[result->kind].what);
	member(&t, "verdict", verdict_name(result->verdict));
	member(&t, "reason", result->reason);
	text_put(&t, ",\"groups\":%u,\"accepted\":%u,\"resets\":%u",
		 result->groups, result->accepted, result->resets);
	if (result->hole) {
		member(&t, "hole", result->hole);
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

	text_put(&t, "{\"command\":\"replay-test\",\"version\":\"%s\"",
		 TAP_VERSION);
	member(&t, "host", r->host);
	member(&t, "address", r->address);
	text_put(&t, ",\"port\":%u", r->port);
	member(&t, "material", r->material);
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
replay_report_write(const struct replay_report *r, enum replay_report_form form)
{
	switch (form) {
	case REPLAY_REPORT_TABLE:
		return print_table(r);
	case REPLAY_REPORT_PLAIN:
		return print_results(r, false);
	default:
		print_json(r);
		return 0;
	}
}
