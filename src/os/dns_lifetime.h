/*
 * How long an answer of DNS is good for (RFC 1035, 4.1).
 *
 *   | header: 12 bytes | questions | answers | ...
 *   question: name, type:16 class:16
 *   answer:   name, type:16 class:16 ttl:32 len:16, len bytes
 *
 * Pure.
 */
#ifndef TAP_OS_DNS_LIFETIME_H
#define TAP_OS_DNS_LIFETIME_H

#include <stddef.h>
#include <stdint.h>

#define DNS_LIFETIME_NONE UINT32_MAX

/*
 * The shortest lifetime in seconds of its answers, aliases on the way
 * included; DNS_LIFETIME_NONE where there is none, or it is no message.
 */
uint32_t dns_lifetime(const uint8_t *message, size_t len);

#endif
