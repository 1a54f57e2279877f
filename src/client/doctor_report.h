/*
 * What `tap client --doctor` has found: a line for each check, what to send
 * to the server's administrator, and the verdict.
 */
#ifndef TAP_CLIENT_DOCTOR_REPORT_H
#define TAP_CLIENT_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_TEXT_MAX 384u
#define DOCTOR_CHECKS_MAX 8u

enum doctor_state { CHECK_OK, CHECK_WRONG, CHECK_UNKNOWN };

struct doctor_check {
	const char *name;
	enum doctor_state state;
	char text[DOCTOR_TEXT_MAX];
};

struct doctor_report {
	bool json;
	struct doctor_check checks[DOCTOR_CHECKS_MAX];
	size_t count;
	char line[DOCTOR_TEXT_MAX]; /* to send, or empty */
	const char *verdict;        /* a word */
	char text[DOCTOR_TEXT_MAX]; /* and a sentence */
};

void doctor_begin(struct doctor_report *r, bool json);
/* Add a check, and print it at once, unless that is JSON. */
void doctor_add(struct doctor_report *r, const char *name,
		enum doctor_state state, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The first check that found something wrong, or NULL. */
const struct doctor_check *doctor_wrong(const struct doctor_report *r);
void doctor_conclude(struct doctor_report *r, const char *verdict,
		     const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Print the rest. */
void doctor_end(const struct doctor_report *r);

#endif
