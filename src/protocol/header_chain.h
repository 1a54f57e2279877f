/*
 * Headers of IPv6 (RFC 8200, 4) as Linux goes through them behind the hook for
 * packets to this host (net/ipv6/exthdrs.c, reassembly.c): more than
 * packet_parse() is content with, and some that never come to TCP.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_HEADER_CHAIN_H
#define TAP_PROTOCOL_HEADER_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

/*
 * Of a packet as connection tracking leaves it, which puts fragments together:
 * where one is left, a second header says so (RFC 6946), or it is a first one
 * without all headers (RFC 7112), and the kernel refuses both.
 *
 * The ports of a packet, and its flags if they are there, as a packet filter
 * finds them; else they stay as they are.  Returns whether the kernel refuses
 * the packet before TCP sees it.  Where it is not sure, it is not refused.
 */
bool header_chain_find(struct packet *p, const uint8_t *bytes, size_t len);

#endif
