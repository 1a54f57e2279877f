/*
 * Keys written: the line of server.key and the rule of TAPclientd.conf
 * that have the words of a key (papers: 000, 7.1 and 7.2).
 */
#ifndef TAP_CONF_KEY_LINE_H
#define TAP_CONF_KEY_LINE_H

#include "conf/keyfile.h"
#include "base/text.h"

#define KEY_LINE_MAX                                                           \
	1024u /* bytes; a key's words have 500 at the most, and a host 255 */

/*
 * "key_no=10, key=0x...", and the words that differ from a key of the
 * papers; without newline.
 */
void key_line_write(struct text *t, const struct key_spec *spec);

/*
 * The rule for a server: "RULE:dst_host=..., dst_port=..., key_no=...,
 * type=LOCAL", host and port as they are written there; service_port 0: none.
 */
void key_line_rule(struct text *t, const struct key_spec *spec,
		   const char *host, const char *port, unsigned service_port);

/*
 * Members of a JSON object, without its braces: what a key is, but for
 * its secret.
 */
void key_line_json(struct text *t, const struct key_spec *spec);
/* A member: a time, or null where it is `none`. */
void key_line_json_time(struct text *t, const char *name, uint64_t instant,
			uint64_t none);

/* The bits of authenticator that a key has, also where it names none. */
unsigned key_line_bits(const struct key_spec *spec);

#endif
