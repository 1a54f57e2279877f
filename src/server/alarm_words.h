/*
 * Whom --alarm and --calm name, as they are written on the command line and as
 * they are sent to the server: a line of words (CONTROL_ALARM, CONTROL_CALM).
 */
#ifndef TAP_SERVER_ALARM_WORDS_H
#define TAP_SERVER_ALARM_WORDS_H

#include "base/text.h"
#include "conf/grammar.h"
#include "protocol/acl.h"
#include "switching/alarm.h"

/* What the command line says. */
struct alarm_words {
	bool given;
	bool all; /* --calm all */
	struct alarm alarm;
	char key[ACL_NAME_MAX + 1]; /* its number or name, or empty */
	uint64_t seconds;           /* --for; or 0: until it is taken back */
};

/*
 * For option tables: SRC, SRC:PORT, 'SRC:PORT -> DST:PORT' or key=N|NAME, into
 * a struct alarm_words; and for --calm alone, all.
 */
int alarm_words_whom(void *words, const char *value, char *why);
int alarm_words_calm(void *words, const char *value, char *why);
/* --for and --reason, likewise. */
int alarm_words_for(void *words, const char *value, char *why);
int alarm_words_reason(void *words, const char *value, char *why);

/* Text that is kept and shown: printable, and with nothing that ends it. */
void alarm_words_clean(char out[ALARM_REASON_MAX], const char *text);

/* As a line of text, and back.  0, or -1 with the reason in err. */
void alarm_words_put(struct text *t, const struct alarm_words *words);
int alarm_words_read(struct alarm_words *words, const char *line, char *err);

#endif
