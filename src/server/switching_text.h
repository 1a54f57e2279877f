/*
 * Alarms and who goes to the decoy, told.
 */
#ifndef TAP_SERVER_SWITCHING_TEXT_H
#define TAP_SERVER_SWITCHING_TEXT_H

#include "base/text.h"
#include "daemon/stats.h"
#include "server/switching.h"

/* CONTROL_ALARMS_TEXT and _JSON. */
void switching_text(const struct switching *s, bool json, struct text *t);
/* Its part of the status. */
void switching_stats(const struct switching *s, struct stats *stats);

#endif
