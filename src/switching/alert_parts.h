/*
 * What the readers of alerts share; see alert.h.  Text has a length, and is
 * not ended by NUL.
 */
#ifndef TAP_SWITCHING_ALERT_PARTS_H
#define TAP_SWITCHING_ALERT_PARTS_H

#include "switching/alert.h"

/* Digits alone, up to a number.  0 or -1. */
int alert_number(const char *text, size_t len, uint32_t most, uint32_t *out);
int alert_port(const char *text, size_t len, uint16_t *out);
/* ADDRESS:PORT; the last colon parts them, with brackets or without. */
int alert_endpoint(const char *text, size_t len, struct packet_addr *addr,
		   uint16_t *port);
/* 0 is none. */
uint8_t alert_severity(uint32_t value);

#endif
