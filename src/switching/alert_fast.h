/*
 * Alerts as alert_fast of Snort and fast.log of Suricata write them:
 *
 *   TIME [**] [GID:SID:REV] TEXT [**] [Priority: N] {TCP} A:PORT -> B:PORT
 */
#ifndef TAP_SWITCHING_ALERT_FAST_H
#define TAP_SWITCHING_ALERT_FAST_H

#include "switching/alert.h"

/* As alert_parse(). */
enum alert_found alert_fast(const char *line, size_t len, struct alert *out);

#endif
