/*
 * The values of configuration words, of command lines and of whatever
 * else a person writes.  Each parser returns 0, or -1 with the reason in
 * why (VALUE_WHY_MAX bytes), which quotes the text but never a secret; or
 * -ENOMEM, with that as the reason.
 */
#ifndef TAP_CONF_VALUE_H
#define TAP_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "protocol/acl.h"

#define VALUE_WHY_MAX WHY_MAX
#define VALUE_TIME_MAX 32u
#define VALUE_HOST_MAX 256u /* a name has up to 253 characters (RFC 1035) */
#define VALUE_PORTS_MAX 256u

#define value_fail(why, ...) why_set(why, -1, __VA_ARGS__)
/* That there is no memory; returns -ENOMEM. */
int value_no_memory(char *why);

int value_number(const char *text, unsigned long low, unsigned long high,
		 unsigned long *out, char *why);
/* A number or the name of a TCP service. */
int value_port(const char *text, uint16_t *out, char *why);
/*
 * Whether it may be the name of a host (RFC 1123, 2.1, and _): labels of at
 * most 63 characters, 253 in all, the last of which is no number.  What looks
 * like a secret in the wrong place is none: DNS would tell it to everybody.
 */
bool value_is_name(const char *text);
/*
 * HOST:PORT, [HOST]:PORT, or HOST:PORT/N, where N is the port as the server
 * sees it: the text of each, still to be read.
 */
struct value_endpoint {
	char host[VALUE_HOST_MAX]; /* without its brackets */
	bool bracketed;
	char port[VALUE_PORTS_MAX];
	uint16_t service_port; /* or 0 */
};
int value_endpoint(const char *text, struct value_endpoint *out, char *why);
/* 80, www or 8000-8010. */
int value_port_range(const char *text, struct acl_range *out, char *why);
/*
 * A list of such, or of plain numbers up to 65535 where `ports` is
 * false, parted by commas; *out is allocated.
 */
int value_ranges(const char *text, bool ports, struct acl_range **out,
		 size_t *count, char *why);
/*
 * ANY, 192.0.2.1, 192.0.2.0/24, 192.0.2.0:255.255.255.0, 2001:db8::/32,
 * [2001:db8::1].
 */
int value_net(const char *text, struct acl_net *out, char *why);
/*
 * Whether the kernel takes no packet of a network for it: loopback addresses,
 * and what is none of a host: no network, many hosts, reserved ones, and those
 * of IPv4 within IPv6.
 */
bool value_is_unreachable(const struct packet_addr *addr);
/* A name as the kernel allows them, or ANY (the empty name). */
int value_device(const char *text, char out[ACL_IFNAME_MAX], char *why);
/* 2027-01-01, 2027-01-01T00:00:00Z, or seconds since the epoch. */
int value_time(const char *text, uint64_t *instant, char *why);
/* An instant as value_time() reads it, with the whole second. */
void value_time_text(char out[VALUE_TIME_MAX], uint64_t instant);
/* 90d, also s, m, h, w; *out is in instants' units, and not 0. */
int value_duration(const char *text, uint64_t *out, char *why);
/* Seconds: a number of them, or a span as value_duration() reads it. */
int value_seconds(const char *text, unsigned long low, unsigned long high,
		  unsigned long *out, char *why);
/* The name of the TCP service at a port, or NULL; till the next call. */
const char *value_service(uint16_t port);
/* One of `words`, which blanks part; *out is its place. */
int value_choice(const char *text, const char *words, unsigned long *out,
		 char *why);

#endif
