/*
 * Switching: connections that go on with a decoy when there is an alarm.
 */
#ifndef TAP_CONF_SWITCH_CONF_H
#define TAP_CONF_SWITCH_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"

#define SWITCH_CONF_PATH_MAX 256u
#define SWITCH_CONF_BUFFER_MIN 4096u
#define SWITCH_CONF_BUFFER_MAX (64u << 20)
#define SWITCH_CONF_BUFFER (1u << 20)
#define SWITCH_CONF_WAIT_MAX 60000u /* ms */
#define SWITCH_CONF_WAIT 500u

#define SWITCH_CONF_FILES_MAX 8u
#define SWITCH_CONF_SIDS_MAX 64u
#define SWITCH_CONF_SCORE 4u /* what one alert of the worst severity has */
#define SWITCH_CONF_SCORE_MAX 10000u

/* Who writes alerts: see switching/alert.h. */
enum alert_format { ALERT_EVE, ALERT_SNORT_FAST, ALERT_SNORT_JSON };

struct switch_conf_file {
	enum alert_format format;
	char path[SWITCH_CONF_PATH_MAX];
};

/* Which alerts count; none named: all. */
struct switch_conf_alerts {
	uint8_t severities[32]; /* a bit each */
	bool by_severity;
	size_t sids_count;
	struct {
		uint32_t low, high;
	} sids[SWITCH_CONF_SIDS_MAX];
};

struct switch_conf {
	uint32_t buffer;  /* bytes that a decoy may be behind */
	uint16_t wait_ms; /* for a decoy that is behind, at the switch */
	bool own_source;  /* decoys see this host's address */
	char record[SWITCH_CONF_PATH_MAX]; /* a folder, or empty */
	uint16_t score;                    /* at which an alert switches */
	struct switch_conf_alerts alerts;
	size_t files_count;
	struct switch_conf_file files[SWITCH_CONF_FILES_MAX];
};

/* Parsers as value.h's.  Of a rule's decoy=, into a struct acl_rule: */
int switch_conf_decoy(void *rule, const char *value, char *why);
/* 1MiB, 64KiB, 65536; into a uint32_t. */
int switch_conf_buffer(void *bytes, const char *value, char *why);
/* 500ms, 2s, 500; into a uint16_t, in ms. */
int switch_conf_wait(void *ms, const char *value, char *why);
/* Kept for later: refuses whatever it is given. */
int switch_conf_record(void *path, const char *value, char *why);
/* eve:/PATH, snort-fast:/PATH or snort-json:/PATH; into a struct switch_conf.
 */
int switch_conf_file(void *conf, const char *value, char *why);
/* 1,2 or 1-3; and numbers up to 2^32; into a struct switch_conf_alerts. */
int switch_conf_severities(void *alerts, const char *value, char *why);
int switch_conf_sids(void *alerts, const char *value, char *why);

/* What is wrong with a rule's words, taken together; or NULL. */
const char *switch_conf_rule_error(const struct acl_rule *rule,
				   bool hides_loopback);

#endif
