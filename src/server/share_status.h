/*
 * In the monitor: what there is to say of a memory of replays that several
 * servers share, by the numbers that the worker leaves.
 */
#ifndef TAP_SERVER_SHARE_STATUS_H
#define TAP_SERVER_SHARE_STATUS_H

#include "daemon/stats.h"
#include "server/worker.h"

#define SHARE_ALARM_MAX 512u

/* What it means that there is none. */
const char *share_without(const struct worker *g);
/* Why nobody new gets in, or each server is for itself; or "". */
void share_alarm(const struct worker *g, char out[SHARE_ALARM_MAX]);
void share_stats(const struct worker *g, struct stats *s);

#endif
