#include "conf/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hints.h"

/* Digits in a row that nothing but a key has. */
#define SECRET_DIGITS 16u

/* A number into an unsigned member, an enum or a bool. */
static void
store(void *member, size_t size, uint64_t number)
{
	const uint32_t four = (uint32_t)number;
	const uint16_t two = (uint16_t)number;
	const uint8_t one = (uint8_t)number;

	memcpy(member,
	       size == sizeof one            ? (const void *)&one
		       : size == sizeof two  ? (const void *)&two
		       : size == sizeof four ? (const void *)&four
					     : (const void *)&number,
	       size);
}

static int
read_bit(const char *value, unsigned long *bit, char *why)
{
	char *end;

	errno = 0;
	*bit = strtoul(value, &end, 0);
	if (errno || *end || value[0] < '0' || value[0] > '9' || *bit == 0 ||
	    *bit > UINT32_MAX || (*bit & (*bit - 1)) != 0) {
		return value_fail(why,
				  "'%.64s' is not a single bit, like "
				  "0x40000000",
				  value);
	}
	return 0;
}

static int
set(const struct conf_word_type *type, void *member, const char *value,
    char *why)
{
	unsigned long number = 0;
	int rc = 0;

	switch (type->type) {
	case CONF_TYPE_OWN:
		return type->take(member, value, why);
	case CONF_TYPE_NET:
		return value_net(value, member, why);
	case CONF_TYPE_DEVICE:
		return value_device(value, member, why);
	case CONF_TYPE_PORT:
		return value_port(value, member, why);
	case CONF_TYPE_TIME:
		return value_time(value, member, why);
	case CONF_TYPE_NUMBER:
		rc = value_number(value, type->low, type->high, &number, why);
		break;
	case CONF_TYPE_BIT:
		rc = read_bit(value, &number, why);
		break;
	case CONF_TYPE_CHOICE:
		rc = value_choice(value, type->choices, &number, why);
		break;
	}
	if (rc == 0) {
		store(member, type->size, number);
	}
	return rc;
}

/* Whether a reason shows part of a value that has a key in it. */
static bool
shows_secret(const char *why, const char *value)
{
	size_t len = strlen(value);
	size_t digits = 0;

	for (size_t i = 0; i < len && digits < SECRET_DIGITS; i++) {
		digits = strchr("0123456789abcdefABCDEF", value[i]) ? digits + 1
								    : 0;
	}
	for (size_t i = 0; digits == SECRET_DIGITS && i + 4 <= strlen(why);
	     i++) {
		const char part[] = { why[i], why[i + 1], why[i + 2],
				      why[i + 3], '\0' };

		if (strstr(value, part)) {
			return true;
		}
	}
	return false;
}

/* The place of a word in a table, or its length: it has none. */
static size_t
find(const struct conf_words *words, const char *name)
{
	size_t at = 0;

	while (at < words->count && strcmp(words->types[at].name, name) != 0) {
		at++;
	}
	return at;
}

/* What is wrong with a value, unless that is as secret as a key. */
static int
refuse(const struct conf_file *file, unsigned line,
       const struct conf_word *word, char *why, char *err)
{
	if (shows_secret(why, word->value)) {
		value_fail(why, "not %s (value withheld); is a comma missing?",
			   strstr(why, "is not a number") ? "a number"
							  : "such a value");
	}
	return conf_fail(err, file, line, "%s: %s", word->name, why);
}

static int
apply_word(const struct conf_file *file, unsigned line,
	   const struct conf_word *word, const struct conf_words *words,
	   void *into, uint64_t *seen, char *err)
{
	const size_t at = find(words, word->name);
	const struct conf_word_type *type = &words->types[at];
	char why[VALUE_WHY_MAX];
	int rc;

	if (at == words->count) {
		return conf_fail(err, file, line, "unknown word '%s'",
				 word->name);
	}
	if (*seen & (uint64_t)1 << at && !type->repeats) {
		return conf_fail(err, file, line, "duplicate option '%s'",
				 word->name);
	}
	*seen |= (uint64_t)1 << at;
	if (hint_comma(why, word, words)) {
		return conf_fail(err, file, line,
				 "%s: comma expected before '%s'", word->name,
				 why);
	}
	rc = set(type, (char *)into + type->at, word->value, why);
	if (rc == -ENOMEM) {
		return conf_no_memory(err, file, line);
	}
	return rc < 0 ? refuse(file, line, word, why, err) : 0;
}

int
conf_apply(const struct conf_file *file, const struct conf_line *line,
	   const struct conf_words *words, void *into, uint64_t *seen,
	   char *err)
{
	uint64_t here = 0;

	seen = seen ? seen : &here;
	for (size_t i = 0; i < line->count; i++) {
		int rc = apply_word(file, line->line, &line->words[i], words,
				    into, seen, err);

		if (rc < 0) {
			return rc;
		}
	}
	for (size_t i = 0; i < words->count; i++) {
		if (words->types[i].needed && !(*seen & (uint64_t)1 << i)) {
			return conf_fail(err, file, line->line, "%s is missing",
					 words->types[i].name);
		}
	}
	return 0;
}

void
conf_defaults(const struct conf_words *words, void *into)
{
	for (size_t i = 0; i < words->count; i++) {
		const struct conf_word_type *type = &words->types[i];

		if (type->usual) {
			store((char *)into + type->at, type->size, type->usual);
		}
	}
}

void
conf_keep(const struct conf_words *words, void *into, const void *before)
{
	for (size_t i = 0; i < words->count; i++) {
		const struct conf_word_type *type = &words->types[i];

		if (type->at_restart) {
			memcpy((char *)into + type->at,
			       (const char *)before + type->at, type->size);
		}
	}
}

/* Say of a word that it stands where only words of the other table do. */
static bool
is_misplaced(const struct conf_file *file, const struct conf_line *line,
	     const struct conf_form *form, char *err)
{
	const struct conf_words *mine =
		line->is_rule ? &form->rules : &form->settings;
	const struct conf_words *theirs =
		line->is_rule ? &form->settings : &form->rules;

	for (size_t i = 0; i < line->count; i++) {
		const char *name = line->words[i].name;

		if (find(mine, name) == mine->count &&
		    find(theirs, name) < theirs->count) {
			hint_place(err, file, line, &line->words[i]);
			return true;
		}
	}
	return false;
}

int
conf_read(struct conf_file *file, const struct conf_form *form, void *into,
	  char *err)
{
	struct conf_line line;
	uint64_t seen = 0;
	bool rules = false;
	int rc;

	while ((rc = conf_next(file, &line, err)) > 0) {
		if (rules && !line.is_rule) {
			rc = conf_fail(err, file, line.line,
				       "settings stand before the rules; a "
				       "rule begins with RULE:");
		} else if (line.is_guest) {
			rc = form->guest
				? form->guest(into, file, &line, err)
				: conf_fail(err, file, line.line,
					    "a guest has no place here");
		} else if (is_misplaced(file, &line, form, err)) {
			rc = -1;
		} else if (line.is_rule) {
			rc = form->rule(into, file, &line, err);
		} else {
			rc = conf_apply(file, &line, &form->settings, into,
					&seen, err);
		}
		if (rc < 0) {
			return rc;
		}
		rules |= line.is_rule && !line.is_guest;
	}
	if (rc == 0 && !rules) {
		return conf_fail(err, file, 0, "no rule in it");
	}
	return rc;
}
