#include "client/doctor_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

/* All texts, each byte written as \u0000. */
#define JSON_MAX ((DOCTOR_CHECKS_MAX + 2) * (DOCTOR_TEXT_MAX + 16) * 6)

static const char *const states[] = { "ok", "wrong", "unknown" };

void
doctor_begin(struct doctor_report *r, bool json)
{
	*r = (struct doctor_report){ .json = json };
}

void
doctor_add(struct doctor_report *r, const char *name, enum doctor_state state,
	   const char *format, ...)
{
	struct doctor_check *check;
	va_list args;

	if (r->count == DOCTOR_CHECKS_MAX) {
		return;
	}
	check = &r->checks[r->count++];
	check->name = name;
	check->state = state;
	va_start(args, format);
	vsnprintf(check->text, sizeof check->text, format, args);
	va_end(args);
	if (!r->json) {
		printf("%-7s  %-6s  %s\n", states[state], name, check->text);
		/* The next one may take seconds. */
		fflush(stdout);
	}
}

const struct doctor_check *
doctor_wrong(const struct doctor_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->checks[i].state == CHECK_WRONG) {
			return &r->checks[i];
		}
	}
	return NULL;
}

void
doctor_conclude(struct doctor_report *r, const char *verdict,
		const char *format, ...)
{
	va_list args;

	r->verdict = verdict;
	va_start(args, format);
	vsnprintf(r->text, sizeof r->text, format, args);
	va_end(args);
}

static void
write_json(const struct doctor_report *r)
{
	static char out[JSON_MAX];
	struct text t = text_over(out, sizeof out);

	text_put(&t, "{\"checks\":[");
	for (size_t i = 0; i < r->count; i++) {
		text_put(&t, i > 0 ? ",{" : "{");
		json_member(&t, "check", r->checks[i].name);
		json_member(&t, "state", states[r->checks[i].state]);
		json_member(&t, "text", r->checks[i].text);
		text_put(&t, "}");
	}
	text_put(&t, "]");
	json_member(&t, "send", r->line[0] ? r->line : NULL);
	json_member(&t, "verdict", r->verdict);
	json_member(&t, "text", r->text);
	printf("%s}\n", out);
}

void
doctor_end(const struct doctor_report *r)
{
	if (!r->verdict) {
		return;
	}
	if (r->json) {
		write_json(r);
		return;
	}
	if (r->line[0]) {
		printf("for the server's administrator: %s\n", r->line);
	}
	printf("verdict: %s\n", r->text);
}
