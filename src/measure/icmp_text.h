/*
 * ICMP errors in words (RFC 792, 1812, 4443).
 */
#ifndef TAP_MEASURE_ICMP_TEXT_H
#define TAP_MEASURE_ICMP_TEXT_H

#include <stdint.h>

#include "base/text.h"

/* Append what an error of ICMP (family 4) or ICMPv6 (family 6) says. */
void icmp_text(struct text *t, uint8_t family, uint8_t type, uint8_t code);

#endif
