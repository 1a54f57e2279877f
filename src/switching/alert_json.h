/*
 * Alerts as objects of JSON: EVE of Suricata, alert_json of Snort 3.
 */
#ifndef TAP_SWITCHING_ALERT_JSON_H
#define TAP_SWITCHING_ALERT_JSON_H

#include "switching/alert.h"

/* As alert_parse(). */
enum alert_found alert_eve(const char *line, size_t len, struct alert *out);
enum alert_found alert_snort_json(const char *line, size_t len,
				  struct alert *out);

#endif
