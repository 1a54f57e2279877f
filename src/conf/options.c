#include "conf/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"
#include "conf/value.h"

/* A word without a letter is known to getopt by its place from here on. */
#define PLACES 256
/* Where the usage's second column begins, at the most. */
#define COLUMN_MAX 24

int
option_text(void *into, const char *value, char *why)
{
	const char **text = into;

	(void)why;
	*text = value;
	return 0;
}

int
option_port(void *into, const char *value, char *why)
{
	uint16_t *port = into;

	return value_port(value, port, why);
}

int
option_duration(void *into, const char *value, char *why)
{
	uint64_t *span = into;

	return value_duration(value, span, why);
}

int
option_time(void *into, const char *value, char *why)
{
	uint64_t *instant = into;

	return value_time(value, instant, why);
}

/* ---- the usage */

static const struct option_word help_word = {
	.letter = 'h',
	.name = "help",
	.help = "print the usage",
};

static bool
is_heading(const struct option_word *word)
{
	return !word->name && !word->letter;
}

/* "  -c, --conf FILE" */
static int
left_side(char *out, size_t size, const struct option_word *word)
{
	char letter[] = "  -x,";

	letter[3] = (char)word->letter;
	letter[4] = word->name ? ',' : '\0';
	return snprintf(out, size, "%s%s%s%s%s",
			word->letter ? letter : "     ",
			word->name ? " --" : "", word->name ? word->name : "",
			word->value ? " " : "", word->value ? word->value : "");
}

static int
column_of(const struct option_list *list)
{
	int column = 0;
	char left[80];

	for (size_t i = 0; i < list->count; i++) {
		int len = is_heading(&list->words[i])
			? 0
			: left_side(left, sizeof left, &list->words[i]) + 2;

		if (len > column && len <= COLUMN_MAX) {
			column = len;
		}
	}
	return column;
}

static void
print_word(const struct option_word *word, int column)
{
	const char *line = word->help;
	char left[80];

	if (is_heading(word)) {
		printf("%s%s\n", *word->help ? "  " : "", word->help);
		return;
	}
	if (left_side(left, sizeof left, word) + 2 > column) {
		printf("%s\n", left);
		left[0] = '\0';
	}
	for (;;) {
		int len = (int)strcspn(line, "\n");

		printf("%-*s%.*s\n", column, left, len, line);
		if (!line[len]) {
			return;
		}
		line += len + 1;
		left[0] = '\0';
	}
}

static bool as_table;

void
option_usage_as_table(void)
{
	as_table = true;
}

static void
print_row(const struct option_word *word)
{
	const char letter[] = { (char)word->letter, '\0' };

	printf("%s\t%s\t%s\t", letter, word->name ? word->name : "",
	       word->value ? word->value : "");
	for (size_t i = 0; word->choices && word->choices[i]; i++) {
		printf(i ? " %s" : "%s", word->choices[i]);
	}
	printf("\t%.*s\n", (int)strcspn(word->help, "\n"), word->help);
}

static void
print_table(const struct option_list *list)
{
	const struct option_word verbs = { .help = "", .choices = list->verbs };

	if (list->verbs) {
		print_row(&verbs);
	}
	for (size_t i = 0; i < list->count; i++) {
		if (!is_heading(&list->words[i])) {
			print_row(&list->words[i]);
		}
	}
	print_row(&help_word);
}

static void
print_usage(const struct option_list *list)
{
	int column = column_of(list);

	if (as_table) {
		print_table(list);
		return;
	}
	printf("%s\n", list->usage);
	for (size_t i = 0; i < list->count; i++) {
		print_word(&list->words[i], column);
	}
	print_word(&help_word, column);
}

/* ---- the command line */

/* The table as getopt wants it. */
struct table {
	struct option longs[OPTION_WORDS_MAX + 2];
	char letters[2 * OPTION_WORDS_MAX + 4];
};

static void
make_table(struct table *t, const struct option_list *list)
{
	size_t count = 0, len = 0;

	if (list->command) {
		t->letters[len++] = '+';
	}
	t->letters[len++] = ':';
	t->letters[len++] = 'h';
	t->longs[count++] = (struct option){ "help", no_argument, NULL, 'h' };
	for (size_t i = 0; i < list->count && i < OPTION_WORDS_MAX; i++) {
		const struct option_word *word = &list->words[i];

		if (word->name) {
			t->longs[count++] = (struct option){
				word->name,
				word->value ? required_argument : no_argument,
				NULL,
				word->letter ? word->letter : PLACES + (int)i,
			};
		}
		if (word->letter) {
			t->letters[len++] = (char)word->letter;
		}
		if (word->letter && word->value) {
			t->letters[len++] = ':';
		}
	}
}

static const struct option_word *
find(const struct option_list *list, int option)
{
	if (option >= PLACES) {
		return &list->words[option - PLACES];
	}
	for (size_t i = 0; i < list->count; i++) {
		if (option && list->words[i].letter == option) {
			return &list->words[i];
		}
	}
	return NULL;
}

static int
complain(const char *command, const struct option_word *word, const char *why)
{
	const char letter[] = { '-', (char)word->letter, '\0' };

	fprintf(stderr, "%s: %s%s: %s\n", command, word->name ? "--" : "",
		word->name ? word->name : letter, why);
	return OPTION_WRONG;
}

/* Report getopt's error; `last` is the word that it stopped at. */
static int
refuse(const struct option_list *list, int option, char **argv,
       const char *last)
{
	const struct option_word *word = find(list, optopt);

	if (word && option == ':') {
		return complain(argv[0], word, "requires an argument");
	}
	if (word) {
		return complain(argv[0], word, "takes no argument");
	}
	if (optopt) {
		fprintf(stderr, "%s: no option '-%c'; '%s -h' lists them\n",
			argv[0], optopt, argv[0]);
	} else {
		fprintf(stderr, "%s: no option '%.64s'; '%s -h' lists them\n",
			argv[0], last, argv[0]);
	}
	return OPTION_WRONG;
}

static int
take_number(const struct option_word *word, const char *value, char *why)
{
	unsigned long number;

	int rc = word->seconds
		? value_seconds(value, word->low, word->high, &number, why)
		: value_number(value, word->low, word->high, &number, why);

	if (rc < 0) {
		return -1;
	}
	*word->number = (long)number;
	return 0;
}

static int
take(const struct option_list *list, const struct option_word *word,
     char **argv)
{
	char why[VALUE_WHY_MAX];
	int rc;

	if (word->verbs && !(word->verbs & list->verb)) {
		return complain(argv[0], word, "not for this verb");
	}
	if (word->seen) {
		*word->seen = true;
	}
	if (word->flag) {
		*word->flag = true;
		return 0;
	}
	rc = word->number ? take_number(word, optarg, why)
			  : word->take(word->into, optarg, why);
	if (rc < 0) {
		complain(argv[0], word, why);
		return rc == -ENOMEM ? OPTION_NO_MEMORY : OPTION_WRONG;
	}
	return 0;
}

int
option_parse(const struct option_list *list, int argc, char **argv)
{
	struct table table = { 0 };
	int option;
	int rc;

	make_table(&table, list);
	opterr = 0;
	optind = 0; /* restart getopt, for glibc and musl */
	while ((option = getopt_long(argc, argv, table.letters, table.longs,
				     NULL)) != -1) {
		if (option == '?' || option == ':') {
			return refuse(list, option, argv, argv[optind - 1]);
		}
		if (option == 'h') {
			print_usage(list);
			return OPTION_HELP;
		}
		rc = take(list, find(list, option), argv);
		if (rc < 0) {
			return rc;
		}
	}
	return optind;
}

int
option_end(int at, int argc, char **argv)
{
	if (at >= argc) {
		return 0;
	}
	fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[at]);
	return OPTION_WRONG;
}

int
option_check(const char *command, const struct option_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rules[i].wrong) {
			fprintf(stderr, "%s: %s\n", command, rules[i].what);
			return OPTION_WRONG;
		}
	}
	return 0;
}

int
option_status(int result)
{
	switch (result) {
	case OPTION_HELP:
		return TAP_OK;
	case OPTION_NO_MEMORY:
		return TAP_SYSTEM;
	default:
		return TAP_USAGE;
	}
}
