/*
 * What a path's verdict is in words, with the setting that helps; and
 * what else is worth telling.
 */
#ifndef TAP_PROBE_PATH_WORDING_H
#define TAP_PROBE_PATH_WORDING_H

#include <stddef.h>

#include "probe_path/report.h"
#include "base/text.h"

#define PATH_WORDS_MAX 1024u

/* Names as JSON has them. */
const char *path_verdict_name(enum path_verdict verdict);
const char *path_reason_name(enum path_reason reason);
const char *path_state_name(enum path_state state);
const char *path_need_name(enum field_need need);

/* An address as text. */
void path_put_addr(struct text *t, const struct packet_addr *addr);

/* "TAP passes", "does not pass: ..."; and what helps, or nothing. */
void path_words_verdict(struct text *t, const struct path_result *r);
void path_words_hint(struct text *t, const struct path_result *r);

/* How far the clocks are apart; false where that is not known. */
bool path_words_clock(struct text *t, const struct path_result *r);
/*
 * The nth remark that holds, from 0 on; false after the last.  None of
 * them stands against TAP by itself.
 */
bool path_words_note(struct text *t, const struct path_result *r, size_t n);

/* Where on the way a field changes: "between ... and ..."; or false. */
bool path_words_place(struct text *t, const struct path_result *r,
		      enum field field);

#endif
