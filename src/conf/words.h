/*
 * The words that may stand in a line, as tables: what each is called, what
 * its value may be, where that goes to, and when a change of it applies.
 */
#ifndef TAP_CONF_WORDS_H
#define TAP_CONF_WORDS_H

#include <stddef.h>

#include "conf/grammar.h"

enum conf_type {
	CONF_TYPE_OWN, /* what its own parser makes of it */
	CONF_TYPE_NUMBER,
	CONF_TYPE_BIT,    /* one of 32: 0x400000 */
	CONF_TYPE_CHOICE, /* one of some words: its place among them */
	CONF_TYPE_NET,    /* struct acl_net */
	CONF_TYPE_DEVICE, /* char[ACL_IFNAME_MAX] */
	CONF_TYPE_PORT,   /* uint16_t */
	CONF_TYPE_TIME,   /* an instant */
};

struct conf_word_type {
	const char *name;
	size_t at, size; /* of the member that it sets */
	enum conf_type type;
	unsigned long low, high; /* of a number */
	unsigned long usual;     /* where it is not there; or 0, or empty */
	const char *choices;     /* parted by blanks */
	/* As value.h's parsers do, into the member. */
	int (*take)(void *member, const char *value, char *why);
	bool needed;     /* it is an error where a line has none */
	bool at_restart; /* a reload leaves it as it was */
	bool repeats;    /* it may stand there several times */
};

/* A row is { CONF_WORD("mark", struct settings, mark), CONF_BIT }. */
#define CONF_WORD(n, type, member)                                             \
	.name = (n), .at = offsetof(type, member),                             \
	.size = sizeof(((type *)NULL)->member)
/* Into any unsigned member, from `from` to `to`. */
#define CONF_NUMBER(from, to, otherwise)                                       \
	.type = CONF_TYPE_NUMBER, .low = (from), .high = (to),                 \
	.usual = (otherwise)
#define CONF_BIT .type = CONF_TYPE_BIT
/* Into an enum, or a bool; where it is not there, the first of them. */
#define CONF_CHOICE(words) .type = CONF_TYPE_CHOICE, .choices = (words)
#define CONF_NET .type = CONF_TYPE_NET
#define CONF_DEVICE .type = CONF_TYPE_DEVICE
#define CONF_PORT .type = CONF_TYPE_PORT
#define CONF_TIME .type = CONF_TYPE_TIME
#define CONF_OWN(parser) .type = CONF_TYPE_OWN, .take = (parser)

struct conf_words {
	const struct conf_word_type *types;
	size_t count; /* 64 at the most */
};

#define CONF_WORDS(table)                                                      \
	{                                                                      \
		(table), sizeof(table) / sizeof((table)[0])                    \
	}

/*
 * Set what each word of a line names.  A word that the table does not have
 * is an error, and so is a second one: *seen collects those met, over
 * several lines; or NULL, for a line by itself.
 */
int conf_apply(const struct conf_file *file, const struct conf_line *line,
	       const struct conf_words *words, void *into, uint64_t *seen,
	       char *err);

/* What holds where no line says otherwise. */
void conf_defaults(const struct conf_words *words, void *into);
/* What a reload leaves as it was. */
void conf_keep(const struct conf_words *words, void *into, const void *before);

/* A file of settings, and then of rules. */
struct conf_form {
	struct conf_words settings, rules;
	int (*rule)(void *into, const struct conf_file *file,
		    const struct conf_line *line, char *err);
	/* The same for a GUEST: line; NULL: there are none. */
	int (*guest)(void *into, const struct conf_file *file,
		     const struct conf_line *line, char *err);
};

/* All of it; as conf_next(), a file without a rule being an error. */
int conf_read(struct conf_file *file, const struct conf_form *form, void *into,
	      char *err);

#endif
