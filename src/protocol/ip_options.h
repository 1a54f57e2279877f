/*
 * Options of IPv4 (RFC 791, 3.1), as Linux looks through them
 * (net/ipv4/ip_options.c): of what it refuses it tells the sender by ICMP,
 * before any hook for packets to this host or through it.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_IP_OPTIONS_H
#define TAP_PROTOCOL_IP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether the kernel refuses options of this length.  Source routes count as
 * refused: hosts let none through.  Where it is not sure, it is not refused.
 */
bool ip_options_are_refused(const uint8_t *options, size_t len);

#endif
