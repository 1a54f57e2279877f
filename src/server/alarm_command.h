/*
 * Alarms by hand, and by any program: CONTROL_ALARM and CONTROL_CALM.
 */
#ifndef TAP_SERVER_ALARM_COMMAND_H
#define TAP_SERVER_ALARM_COMMAND_H

#include "base/text.h"
#include "server/switching.h"

/*
 * One came with this text (alarm_words.h): do it, and answer with an exit
 * status and a line.
 */
void alarm_command(struct switching *s, const char *said, struct text *t);
void alarm_command_calm(struct switching *s, const char *said, struct text *t);

#endif
