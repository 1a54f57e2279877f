/*
 * What a line that can't be read was probably meant to be.  Nothing is
 * shown that may be a key.
 */
#ifndef TAP_CONF_HINTS_H
#define TAP_CONF_HINTS_H

#include "conf/words.h"

#define HINTS_TEXT_MAX 128u

/*
 * Whether a word's value and what follows it up to the end of the line,
 * at `rest`, are a list without its quotes; then text is what to write,
 * dst_port="22,80".
 */
bool hint_list(char text[HINTS_TEXT_MAX], const struct conf_word *word,
	       const char *rest);

/*
 * Whether a value without quotes goes on with another word of the table,
 * which a comma should stand before; then text is that word, key_no=1.
 */
bool hint_comma(char text[HINTS_TEXT_MAX], const struct conf_word *word,
		const struct conf_words *words);

/*
 * Say where a word belongs that this line can't have: settings have none of
 * the rules' words, and the other way round.  Returns -1.
 */
int hint_place(char *err, const struct conf_file *file,
	       const struct conf_line *line, const struct conf_word *word);

#endif
