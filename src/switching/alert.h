/*
 * Alerts of intrusion detection, a line each:
 *
 * - eve: Suricata 7, EVE JSON, event_type "alert",
 * - snort-json: Snort 3, alert_json, with whatever fields it was told to
 *   write,
 * - snort-fast: alert_fast of Snort 2 and 3, and fast.log of Suricata.
 *
 * What stands in a line may be anybody's.  Its time is not looked at: clocks
 * differ.
 */
#ifndef TAP_SWITCHING_ALERT_H
#define TAP_SWITCHING_ALERT_H

#include <stddef.h>
#include <stdint.h>

#include "conf/switch_conf.h"
#include "protocol/packet.h"

#define ALERT_TEXT_MAX 96u
/* The worst; and what a line counts as that names none. */
#define ALERT_SEVERITY_WORST 1u

/* Of a packet of TCP, whichever way it went. */
struct alert {
	struct packet_addr src, dst; /* IPv4 within IPv6 is IPv4 */
	uint16_t sport, dport;
	uint32_t sid;
	uint8_t severity;          /* from 1, the worst; 255: that or more */
	char text[ALERT_TEXT_MAX]; /* printable ASCII, ended by NUL */
};

enum alert_found {
	ALERT_FOUND,
	ALERT_NONE, /* a line of something else, or of no TCP connection */
	ALERT_TORN, /* it can't be read */
};

/* Of a line without its end. */
enum alert_found alert_parse(enum alert_format format, const char *line,
			     size_t len, struct alert *out);

/*
 * An address in any spelling, also in brackets and with a zone (RFC 4291, 2.2;
 * RFC 4007, 11).  0 or -1.
 */
int alert_addr(const char *text, size_t len, struct packet_addr *out);
/* Printable ASCII of anything: what else there is becomes '?'. */
void alert_text(char out[ALERT_TEXT_MAX], const char *text, size_t len);

#endif
