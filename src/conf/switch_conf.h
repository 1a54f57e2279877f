/*
 * Switching: connections that go on with a decoy when there is an alarm.
 */
#ifndef TAP_CONF_SWITCH_CONF_H
#define TAP_CONF_SWITCH_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/acl.h"

#define SWITCH_CONF_PATH_MAX 256u
#define SWITCH_CONF_BUFFER_MIN 4096u
#define SWITCH_CONF_BUFFER_MAX (64u << 20)
#define SWITCH_CONF_BUFFER (1u << 20)
#define SWITCH_CONF_WAIT_MAX 60000u /* ms */
#define SWITCH_CONF_WAIT 500u

struct switch_conf {
	uint32_t buffer;  /* bytes that a decoy may be behind */
	uint16_t wait_ms; /* for a decoy that is behind, at the switch */
	bool own_source;  /* decoys see this host's address */
	char record[SWITCH_CONF_PATH_MAX]; /* a folder, or empty */
};

/* Parsers as value.h's.  Of a rule's decoy=, into a struct acl_rule: */
int switch_conf_decoy(void *rule, const char *value, char *why);
/* 1MiB, 64KiB, 65536; into a uint32_t. */
int switch_conf_buffer(void *bytes, const char *value, char *why);
/* 500ms, 2s, 500; into a uint16_t, in ms. */
int switch_conf_wait(void *ms, const char *value, char *why);
/* Kept for later: refuses whatever it is given. */
int switch_conf_record(void *path, const char *value, char *why);

/* What is wrong with a rule's words, taken together; or NULL. */
const char *switch_conf_rule_error(const struct acl_rule *rule,
				   bool hides_loopback);

#endif
