#include "probe_path/report.h"

#include <string.h>

#include "base/json.h"
#include "probe_path/wording.h"
#include "tap.h"

#define LINE_MAX_LEN 4096u /* a row of JSON, with all it quotes */
#define NS_A_MS 1e6
#define VALUE_MAX 24u

enum path_verdict
path_report_worse(enum path_verdict a, enum path_verdict b)
{
	static const unsigned rank[] = {
		[PATH_PASSES] = 0,
		[PATH_PASSES_LOOSE] = 1,
		[PATH_NOT_KNOWN] = 2,
		[PATH_FAILS] = 3,
	};

	return rank[a] > rank[b] ? a : b;
}

static bool
is_reported(const struct path_result *r, enum field field)
{
	return field_exists(field, r->trial->far.family);
}

/* A value in as many digits as the field has. */
static const char *
value_text(char out[VALUE_MAX], enum field field, uint64_t value)
{
	struct text t = text_over(out, VALUE_MAX);

	if (field == FIELD_DATA) {
		text_put(&t, "%llu bytes", (unsigned long long)value);
	} else if (field_kind(field)->decimal) {
		text_put(&t, "%llu", (unsigned long long)value);
	} else {
		text_put(&t, "0x%0*llx", (field_kind(field)->bits + 3) / 4,
			 (unsigned long long)value);
	}
	return out;
}

static const char *
seen_text(char out[VALUE_MAX], enum field field, const struct path_field *f)
{
	if (!f->has_seen) {
		return "-";
	}
	return f->is_removed ? "removed"
			     : value_text(out, field, f->seen_value);
}

/* ---- a table */

static const char *
need_word(enum field_need need)
{
	static const char *const words[] = {
		[FIELD_UNUSED] = "",
		[FIELD_DISTINCT] = "distinct",
		[FIELD_HELPFUL] = "helps",
		[FIELD_NEEDED] = "yes",
	};

	return words[need];
}

static void
put_survival(struct text *t, const struct path_result *r, enum field field)
{
	const struct path_field *f = &r->path->fields[field];
	char sent[VALUE_MAX];
	char seen[VALUE_MAX];

	text_put(t, "%s", path_state_name(f->state));
	if (field == FIELD_TTL && f->state == PATH_ARRIVED) {
		text_put(t, ", %u hops", r->path->hops);
	}
	if (f->state == PATH_UNKNOWN) {
		text_put(t, ", %u answered", f->answered);
	}
	if (f->state == PATH_REWRITTEN) {
		text_put(t, " (%s to %s)",
			 value_text(sent, field, f->sent_value),
			 seen_text(seen, field, f));
	}
}

static void
table_fields(FILE *out, const struct path_result *r)
{
	fprintf(out, "%-25s  %7s  %10s  %-8s  %s\n", "field", "arrived", "bits",
		"for TAP", "what survives");
	for (enum field f = 0; f < FIELDS; f++) {
		const struct path_field *field = &r->path->fields[f];
		char words[PATH_WORDS_MAX];
		struct text t = text_over(words, sizeof words);
		char arrived[24];
		char bits[24];

		if (!is_reported(r, f)) {
			continue;
		}
		snprintf(arrived, sizeof arrived, "%u/%u", field->arrived,
			 field->sent);
		snprintf(bits, sizeof bits, "%u of %u", field->usable,
			 field_kind(f)->bits);
		put_survival(&t, r, f);
		fprintf(out, "%-25s  %7s  %10s  %-8s  %s\n",
			field_kind(f)->title,
			field->state == PATH_UNKNOWN ? "-" : arrived,
			f == FIELD_TTL || field->state == PATH_UNKNOWN ? "-"
								       : bits,
			need_word(field_kind(f)->need), words);
	}
}

static void
table_groups(FILE *out, const struct path_result *r)
{
	fprintf(out, "\n%-25s  %7s  %10s  %8s  %s\n", "groups of TAP", "whole",
		"frames", "in order", "spread");
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		const struct path_group *g = &r->path->groups[i];
		char whole[24];
		char frames[24];

		snprintf(whole, sizeof whole, "%u/%u", g->whole, g->sent);
		snprintf(frames, sizeof frames, "%u/%u", g->frames_arrived,
			 g->frames_sent);
		fprintf(out,
			"of %u frames               %7s  %10s  %8u  "
			"%.3f ms\n",
			g->frames, whole, frames, g->ordered,
			(double)g->spread_ns / NS_A_MS);
	}
}

static void
table_trail(FILE *out, const struct path_result *r)
{
	if (r->trail->count > 0) {
		fprintf(out, "\nhops\n");
	} else {
		fprintf(out, "\nhops: none%s\n",
			r->path->has_hops && r->path->hops == 0
				? ", the far side is next to this host"
				: " that answers");
	}
	for (size_t i = 0; i < r->trail->count; i++) {
		char words[PATH_WORDS_MAX];
		struct text t = text_over(words, sizeof words);
		const struct path_hop *h = &r->trail->hops[i];

		if (h->addr.family == 0) {
			text_put(&t, "silent");
		} else {
			path_put_addr(&t, &h->addr);
		}
		fprintf(out, "%4zu  %s\n", i + 1, words);
	}
	for (enum field f = 0; f < FIELDS; f++) {
		char words[PATH_WORDS_MAX];
		struct text t = text_over(words, sizeof words);

		if (is_reported(r, f) && path_words_place(&t, r, f)) {
			fprintf(out, "%s: %s\n", field_kind(f)->title, words);
		}
	}
}

static void
table_words(FILE *out, const struct path_result *r)
{
	char words[PATH_WORDS_MAX];
	struct text t = text_over(words, sizeof words);

	fprintf(out, "\n");
	for (size_t n = 0; path_words_note(&t, r, n); n++) {
		fprintf(out, "note: %s\n", words);
		t = text_over(words, sizeof words);
	}
	t = text_over(words, sizeof words);
	if (path_words_clock(&t, r)) {
		fprintf(out, "clock: %s\n", words);
	}
	t = text_over(words, sizeof words);
	path_words_verdict(&t, r);
	fprintf(out, "%s: %s\n", r->address, words);
	t = text_over(words, sizeof words);
	path_words_hint(&t, r);
	if (words[0]) {
		fprintf(out, "what helps: %s\n", words);
	}
}

static void
write_table(FILE *out, const struct path_result *r)
{
	table_fields(out, r);
	if (r->trial->has_seen) {
		table_groups(out, r);
	}
	if (r->trail->traced) {
		table_trail(out, r);
	}
	table_words(out, r);
}

/* ---- columns */

static void
plain_line(FILE *out, const char *what, const struct path_result *r,
	   const char *name, const char *words)
{
	fprintf(out, "%s\t%s\t%s\t%s\n", what, r->address, name, words);
}

static void
plain_fields(FILE *out, const struct path_result *r)
{
	for (enum field f = 0; f < FIELDS; f++) {
		const struct path_field *field = &r->path->fields[f];
		char sent[VALUE_MAX];
		char seen[VALUE_MAX];

		if (!is_reported(r, f)) {
			continue;
		}
		fprintf(out, "field\t%s\t%s\t%s\t%u\t%u\t%u\t%s\t%s\t%s\n",
			r->address, field_kind(f)->name,
			path_state_name(field->state), field->sent,
			field->arrived, field->usable,
			path_need_name(field_kind(f)->need),
			value_text(sent, f, field->sent_value),
			seen_text(seen, f, field));
	}
}

static void
write_plain(FILE *out, const struct path_result *r)
{
	char words[PATH_WORDS_MAX];
	struct text t = text_over(words, sizeof words);

	plain_fields(out, r);
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		const struct path_group *g = &r->path->groups[i];

		fprintf(out, "group\t%s\t%u\t%u\t%u\t%u\t%u\t%u\t%.3f\n",
			r->address, g->frames, g->sent, g->whole,
			g->frames_sent, g->frames_arrived, g->ordered,
			(double)g->spread_ns / NS_A_MS);
	}
	for (enum field f = 0; f < FIELDS; f++) {
		if (is_reported(r, f) && path_words_place(&t, r, f)) {
			plain_line(out, "change", r, field_kind(f)->name,
				   words);
			t = text_over(words, sizeof words);
		}
	}
	for (size_t n = 0; path_words_note(&t, r, n); n++) {
		plain_line(out, "note", r, "-", words);
		t = text_over(words, sizeof words);
	}
	if (path_words_clock(&t, r)) {
		plain_line(out, "clock", r, "-", words);
		t = text_over(words, sizeof words);
	}
	path_words_verdict(&t, r);
	plain_line(out, "verdict", r, path_verdict_name(r->path->verdict),
		   words);
	t = text_over(words, sizeof words);
	path_words_hint(&t, r);
	plain_line(out, "helps", r, path_reason_name(r->path->reason), words);
}

/* ---- JSON */

static void
put_words(struct text *t, const char *name, const struct path_result *r,
	  void (*words)(struct text *, const struct path_result *))
{
	char value[PATH_WORDS_MAX];
	struct text v = text_over(value, sizeof value);

	words(&v, r);
	json_member(t, name, value);
}

static void
json_counts(struct text *t, const struct path_result *r)
{
	const struct path *path = r->path;

	json_number(t, "count", r->trial->rounds);
	json_number(t, "sent", path->sent);
	json_number(t, "arrived", path->arrived);
	json_number(t, "duplicates", path->duplicates);
	json_number(t, "answered_elsewhere", path->elsewhere);
	json_number(t, "resets", path->resets);
	json_number(t, "answers_translated", path->answers_changed);
	json_number(t, "translated", path->translated);
	json_bool(t, "connection_translated", path->control_translated);
	if (path->translated > 0 || path->control_translated) {
		text_put(t, ",\"offset\":\"0x%08x\"", path->offset);
	}
	if (path->forwarded_to != 0) {
		json_number(t, "service_port", path->forwarded_to);
	}
	json_bool(t, "nat", path->has_nat);
}

static void
json_head(FILE *out, const struct path_result *r)
{
	const struct path *path = r->path;
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{");
	json_member(&t, "address", r->address);
	json_member(&t, "verdict", path_verdict_name(path->verdict));
	json_member(&t, "reason", path_reason_name(path->reason));
	put_words(&t, "text", r, path_words_verdict);
	put_words(&t, "helps", r, path_words_hint);
	json_bool(&t, "far_side", r->trial->has_seen);
	json_bool(&t, "complete", r->trial->has_seen && !r->trial->cut);
	if (r->trouble[0]) {
		json_member(&t, "trouble", r->trouble);
	}
	json_counts(&t, r);
	json_name(&t, "sources");
	text_put(&t, "[");
	for (size_t i = 0; i < path->source_count; i++) {
		text_put(&t, i > 0 ? ",\"" : "\"");
		path_put_addr(&t, &path->sources[i]);
		text_put(&t, "\"");
	}
	text_put(&t, "]");
	if (path->has_hops) {
		json_number(&t, "hops", path->hops);
	}
	if (r->trial->has_skew) {
		text_put(&t, ",\"skew\":%.6f", (double)r->trial->skew_ns / 1e9);
	}
	fprintf(out, "%s", line);
}

static void
json_notes(FILE *out, const struct path_result *r)
{
	char words[PATH_WORDS_MAX];
	char line[LINE_MAX_LEN];
	struct text w = text_over(words, sizeof words);

	fprintf(out, ",\n\"notes\":[");
	for (size_t n = 0; path_words_note(&w, r, n); n++) {
		struct text t = text_over(line, sizeof line);

		json_string(&t, words);
		fprintf(out, "%s%s", n > 0 ? "," : "", line);
		w = text_over(words, sizeof words);
	}
	fprintf(out, "]");
}

static void
json_field(FILE *out, const struct path_result *r, enum field field)
{
	const struct path_field *f = &r->path->fields[field];
	char value[VALUE_MAX];
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{");
	json_member(&t, "field", field_kind(field)->name);
	json_member(&t, "state", path_state_name(f->state));
	json_member(&t, "needed", path_need_name(field_kind(field)->need));
	json_number(&t, "probes", f->sent);
	json_number(&t, "arrived", f->arrived);
	json_number(&t, "changed", f->changed);
	json_number(&t, "removed", f->removed);
	json_number(&t, "answered", f->answered);
	json_number(&t, "bits", field_kind(field)->bits);
	json_number(&t, "usable", f->usable);
	if (field != FIELD_DATA && field != FIELD_TTL) {
		text_put(&t, ",\"survive\":\"0x%llx\"",
			 (unsigned long long)f->survive);
	}
	json_member(&t, "sent", value_text(value, field, f->sent_value));
	json_member(&t, "seen",
		    f->has_seen && !f->is_removed
			    ? value_text(value, field, f->seen_value)
			    : NULL);
	fprintf(out, "%s}", line);
}

static void
json_fields(FILE *out, const struct path_result *r)
{
	const char *comma = "";

	fprintf(out, ",\n\"fields\":[");
	for (enum field f = 0; f < FIELDS; f++) {
		if (is_reported(r, f)) {
			fprintf(out, "%s\n", comma);
			json_field(out, r, f);
			comma = ",";
		}
	}
	fprintf(out, "]");
}

static void
json_groups(FILE *out, const struct path_result *r)
{
	fprintf(out, ",\n\"groups\":[");
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		const struct path_group *g = &r->path->groups[i];

		fprintf(out,
			"%s\n{\"frames\":%u,\"sent\":%u,\"whole\":%u,"
			"\"frames_sent\":%u,\"frames_arrived\":%u,"
			"\"in_order\":%u,\"late\":%u,\"split\":%u,"
			"\"windows_changed\":%u,\"spread_ms\":%.3f}",
			i > 0 ? "," : "", g->frames, g->sent, g->whole,
			g->frames_sent, g->frames_arrived, g->ordered, g->late,
			g->split, g->windows, (double)g->spread_ns / NS_A_MS);
	}
	fprintf(out, "]");
}

static void
put_end(struct text *t, const struct path_result *r, const char *name,
	unsigned hop)
{
	text_put(t, ",\"%s\":%u", name, hop);
	if (hop > 0 && r->trail->hops[hop - 1].addr.family != 0) {
		text_put(t, ",\"%s_address\":\"", name);
		path_put_addr(t, &r->trail->hops[hop - 1].addr);
		text_put(t, "\"");
	}
}

static void
json_change(struct text *t, const struct path_result *r, enum field field,
	    const struct path_change *c)
{
	text_put(t, "{");
	json_member(t, "field", field_kind(field)->name);
	json_member(t, "what", c->lost ? "lost" : "rewritten");
	put_end(t, r, "after", c->after);
	put_end(t, r, "before", c->before);
	text_put(t, "}");
}

static void
json_trail(FILE *out, const struct path_result *r)
{
	const char *comma = "";

	fprintf(out, ",\n\"trace\":[");
	for (size_t i = 0; i < r->trail->count; i++) {
		char line[LINE_MAX_LEN];
		struct text t = text_over(line, sizeof line);

		text_put(&t, "{\"hop\":%zu", i + 1);
		if (r->trail->hops[i].addr.family != 0) {
			text_put(&t, ",\"address\":\"");
			path_put_addr(&t, &r->trail->hops[i].addr);
			text_put(&t, "\"");
		}
		fprintf(out, "%s\n%s}", i > 0 ? "," : "", line);
	}
	fprintf(out, "],\n\"changes\":[");
	for (enum field f = 0; f < FIELDS; f++) {
		char line[LINE_MAX_LEN];
		struct text t = text_over(line, sizeof line);
		struct path_change c = path_trail_change(
			r->trail, f, r->path->fields[f].state);

		if (is_reported(r, f) && c.found) {
			json_change(&t, r, f, &c);
			fprintf(out, "%s\n%s", comma, line);
			comma = ",";
		}
	}
	fprintf(out, "]");
}

static void
write_json(FILE *out, const struct path_result *r)
{
	json_head(out, r);
	json_notes(out, r);
	json_fields(out, r);
	json_groups(out, r);
	if (r->trail->traced) {
		json_trail(out, r);
	}
	fprintf(out, "}");
}

/* ---- all forms */

void
path_report_begin(FILE *out, enum report_form form, const char *host,
		  uint16_t port)
{
	char line[LINE_MAX_LEN];
	struct text t = text_over(line, sizeof line);

	if (form == REPORT_JSON) {
		json_string(&t, host);
		fprintf(out,
			"{\"command\":\"probe-path\",\"version\":\"%s\","
			"\"host\":%s,\"port\":%u,\n\"paths\":[\n",
			tap_version, line, port);
	}
}

void
path_report_next(FILE *out, enum report_form form)
{
	fputs(form == REPORT_JSON            ? ",\n"
		      : form == REPORT_TABLE ? "\n"
					     : "",
	      out);
}

void
path_report_end(FILE *out, enum report_form form, enum path_verdict verdict)
{
	if (form == REPORT_JSON) {
		fprintf(out, "],\n\"verdict\":\"%s\"}\n",
			path_verdict_name(verdict));
	}
}

void
path_report_write(FILE *out, enum report_form form, const struct path_result *r)
{
	switch (form) {
	case REPORT_TABLE:
		write_table(out, r);
		break;
	case REPORT_PLAIN:
		write_plain(out, r);
		break;
	case REPORT_JSON:
		write_json(out, r);
		break;
	}
}
