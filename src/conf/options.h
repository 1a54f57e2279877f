/*
 * The words of a command line, as a table that both the parser and the
 * usage are made from.
 */
#ifndef TAP_CONF_OPTIONS_H
#define TAP_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTION_WORDS_MAX 40u /* of a command; the longest table has 25 */

/* What option_parse() returns instead of a place in argv. */
#define OPTION_WRONG (-1)     /* it was said what is wrong: exit TAP_USAGE */
#define OPTION_HELP (-2)      /* the usage was printed: exit TAP_OK */
#define OPTION_NO_MEMORY (-3) /* it was said: exit TAP_SYSTEM */

struct option_word {
	int letter;        /* or 0 */
	const char *name;  /* or NULL; without both, help is a heading */
	const char *value; /* how the usage calls its value; NULL: has none */
	const char *help;  /* its lines, parted by newlines */

	/* What it sets, one of: */
	bool *flag;
	long *number; /* from low to high */
	unsigned long low, high;
	bool seconds; /* a span may stand for it, as 5m */
	/* As value.h's parsers do. */
	int (*take)(void *into, const char *value, char *why);
	void *into;

	bool *seen; /* set where it stood there; or NULL */
	/* For completions: what value may be, or be a list of; or NULL. */
	const char *const *choices; /* ends with NULL */
	unsigned verbs;             /* those that it is for, as bits; 0: all */
};

#define OPTION_FLAG(l, n, h, f)                                                \
	.letter = (l), .name = (n), .help = (h), .flag = (f)
#define OPTION_NUMBER(l, n, v, h, i, from, to)                                 \
	.letter = (l), .name = (n), .value = (v), .help = (h), .number = (i),  \
	.low = (from), .high = (to)
#define OPTION_SECONDS(l, n, h, i, from, to)                                   \
	.letter = (l), .name = (n), .value = "SPAN", .help = (h),              \
	.number = (i), .low = (from), .high = (to), .seconds = true
#define OPTION(l, n, v, h, t, i)                                               \
	.letter = (l), .name = (n), .value = (v), .help = (h), .take = (t),    \
	.into = (i)

/* For .take: into a const char *, which points into argv. */
int option_text(void *into, const char *value, char *why);
/* Into a uint16_t, as value_port() gives it. */
int option_port(void *into, const char *value, char *why);
/* Into a uint64_t, as value_duration() and value_time() give it. */
int option_duration(void *into, const char *value, char *why);
int option_time(void *into, const char *value, char *why);

struct option_list {
	const char *usage; /* what stands above the table */
	const struct option_word *words;
	size_t count;
	bool command;  /* what is no option ends them, and is a command */
	unsigned verb; /* the bit of the one that argv is for, or 0 */
	const char *const *verbs; /* for completions, ends with NULL; or NULL */
};

/* What every list begins with: the usage, and an array of words. */
#define OPTION_LIST(u, w)                                                      \
	.usage = (u), .words = (w), .count = sizeof(w) / sizeof(w)[0]

/*
 * Take the options of argv, whose first word names the command in
 * complaints.  -h and --help are added.  Returns the place of the first
 * word that is no option, or one of those above.
 */
int option_parse(const struct option_list *list, int argc, char **argv);

/* Complain of a word behind those that are wanted.  0 or OPTION_WRONG. */
int option_end(int at, int argc, char **argv);

/*
 * Options that mean nothing together: complain of the first that is wrong.  0
 * or OPTION_WRONG.
 */
struct option_rule {
	bool wrong;
	const char *what;
};
int option_check(const char *command, const struct option_rule *rules,
		 size_t count);
#define OPTION_CHECK(command, rules)                                           \
	option_check(command, rules, sizeof(rules) / sizeof(rules)[0])

/* The exit status where one of those above was returned. */
int option_status(int result);

/*
 * From now on, print the options as a table for programs in place of the
 * usage: letter, name, value, choices (parted by blanks) and the first line
 * of the help, parted by tabs; what there is none of is empty.  A row
 * without letter and name has the verbs as its choices.
 */
void option_usage_as_table(void);

#endif
