#include "conf/switch_conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/value.h"

struct unit {
	const char *name;
	unsigned long times;
};

/* A number with one of the units behind it; the last of them has no name. */
static int
read_with_unit(const char *value, const struct unit *units, unsigned long low,
	       unsigned long high, unsigned long *out, char *why)
{
	const size_t digits = strspn(value, "0123456789");
	char number[16];

	while (units->name && strcmp(value + digits, units->name) != 0) {
		units++;
	}
	if (!units->name || digits == 0 || digits >= sizeof number) {
		return value_number(value, low, high, out, why);
	}
	memcpy(number, value, digits);
	number[digits] = '\0';
	*out = strtoul(number, NULL, 10);
	if (*out > high / units->times || *out * units->times < low) {
		return value_fail(why, "%.64s out of range", value);
	}
	*out *= units->times;
	return 0;
}

int
switch_conf_buffer(void *into, const char *value, char *why)
{
	static const struct unit units[] = { { "KiB", 1u << 10 },
					     { "MiB", 1u << 20 },
					     { NULL, 0 } };
	unsigned long bytes;
	uint32_t *out = into;

	if (read_with_unit(value, units, SWITCH_CONF_BUFFER_MIN,
			   SWITCH_CONF_BUFFER_MAX, &bytes, why) < 0) {
		return -1;
	}
	*out = (uint32_t)bytes;
	return 0;
}

int
switch_conf_wait(void *into, const char *value, char *why)
{
	static const struct unit units[] = { { "ms", 1 },
					     { "s", 1000 },
					     { NULL, 0 } };
	unsigned long ms;
	uint16_t *out = into;

	if (read_with_unit(value, units, 0, SWITCH_CONF_WAIT_MAX, &ms, why) <
	    0) {
		return -1;
	}
	*out = (uint16_t)ms;
	return 0;
}

int
switch_conf_record(void *into, const char *value, char *why)
{
	(void)into;
	return value_fail(why, "'%.64s': sessions can't be recorded yet",
			  value);
}

int
switch_conf_decoy(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;
	struct value_endpoint to;
	struct acl_net net;
	int rc = value_endpoint(value, &to, why);

	if (rc < 0) {
		return rc;
	}
	if (to.service_port) {
		return value_fail(why, "'%.64s' is not ADDRESS:PORT", value);
	}
	rc = value_net(to.host, &net, why);
	if (rc == 0) {
		rc = value_port(to.port, &rule->switch_port, why);
	}
	if (rc < 0) {
		return rc;
	}
	/* Masks are contiguous, so the last byte is enough. */
	if (net.addr.family == 0 ||
	    net.mask[net.addr.family == 6 ? 15 : 3] != 0xff) {
		return value_fail(why, "'%.64s' is not one address", to.host);
	}
	rule->switch_decoy = net.addr;
	return 0;
}

static int
take_path(char path[SWITCH_CONF_PATH_MAX], const char *value, char *why)
{
	const size_t len = strlen(value);

	if (value[0] != '/') {
		return value_fail(why, "'%.64s' is no path from / on", value);
	}
	if (len >= SWITCH_CONF_PATH_MAX) {
		return value_fail(why, "path longer than %u bytes",
				  SWITCH_CONF_PATH_MAX - 1);
	}
	memcpy(path, value, len + 1);
	return 0;
}

int
switch_conf_file(void *into, const char *value, char *why)
{
	static const char *const formats[] = {
		[ALERT_EVE] = "eve:",
		[ALERT_SNORT_FAST] = "snort-fast:",
		[ALERT_SNORT_JSON] = "snort-json:",
	};
	struct switch_conf *conf = into;
	struct switch_conf_file *file = &conf->files[conf->files_count];

	if (conf->files_count == SWITCH_CONF_FILES_MAX) {
		return value_fail(why, "more than %u files of alerts",
				  SWITCH_CONF_FILES_MAX);
	}
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		const size_t len = strlen(formats[i]);

		if (strncmp(value, formats[i], len) == 0) {
			file->format = (enum alert_format)i;
			conf->files_count++;
			return take_path(file->path, value + len, why);
		}
	}
	return value_fail(why,
			  "'%.64s' begins with none of eve: snort-fast: "
			  "snort-json:",
			  value);
}

/* One of a list: N or N-M.  Moves *text behind it and its comma. */
static int
next_range(const char **text, uint32_t most, uint32_t *low, uint32_t *high,
	   char *why)
{
	const size_t len = strcspn(*text, ",");
	unsigned long from, to;
	char one[32], *dash;

	if (len >= sizeof one) {
		return value_fail(why, "'%.64s' is no list of numbers", *text);
	}
	memcpy(one, *text, len);
	one[len] = '\0';
	*text += len + ((*text)[len] == ',');
	dash = strchr(one, '-');
	if (dash) {
		*dash = '\0';
	}
	if (value_number(one, 1, most, &from, why) < 0 ||
	    value_number(dash ? dash + 1 : one, 1, most, &to, why) < 0) {
		return -1;
	}
	if (to < from) {
		return value_fail(why, "%lu-%lu ends before it begins", from,
				  to);
	}
	*low = (uint32_t)from;
	*high = (uint32_t)to;
	return 0;
}

int
switch_conf_severities(void *into, const char *value, char *why)
{
	struct switch_conf_alerts *alerts = into;

	do {
		uint32_t low, high;

		if (next_range(&value, UINT8_MAX, &low, &high, why) < 0) {
			return -1;
		}
		for (; low <= high; low++) {
			alerts->severities[low / 8] |= (uint8_t)(1u << low % 8);
		}
	} while (*value);
	alerts->by_severity = true;
	return 0;
}

int
switch_conf_sids(void *into, const char *value, char *why)
{
	struct switch_conf_alerts *alerts = into;

	do {
		const size_t at = alerts->sids_count;

		if (at == SWITCH_CONF_SIDS_MAX) {
			return value_fail(why, "more than %u numbers or ranges",
					  SWITCH_CONF_SIDS_MAX);
		}
		if (next_range(&value, UINT32_MAX, &alerts->sids[at].low,
			       &alerts->sids[at].high, why) < 0) {
			return -1;
		}
		alerts->sids_count++;
	} while (*value);
	return 0;
}

/* By translation, as strangers are led with hide=decoy. */
static const char *
next_error(const struct acl_rule *rule)
{
	if (rule->hide == ACL_CLOSED) {
		return "switch=next: where strangers see a closed port "
		       "(hide=closed), nobody can be led to another one";
	}
	if (rule->outdev[0] != '\0') {
		return "switch=next: outdev is known only when the address "
		       "can't be translated any more";
	}
	if (value_is_unreachable(&rule->switch_decoy)) {
		return "switch=next: the decoy's address can't be reached "
		       "from a network; name another one of this host";
	}
	return rule->hide == ACL_DECOY &&
			(rule->decoy_port != rule->switch_port ||
			 !packet_addr_equal(&rule->decoy, &rule->switch_decoy))
		? "switch=next: strangers are led to another decoy "
		  "(hide=decoy)"
		: NULL;
}

const char *
switch_conf_rule_error(const struct acl_rule *rule, bool hides_loopback)
{
	if (rule->switches == ACL_SWITCH_NEVER) {
		return rule->switch_decoy.family
			? "decoy= without switch=mirror or switch=next"
			: NULL;
	}
	if (rule->switch_decoy.family == 0) {
		return "switch= without decoy=: there is nothing to switch to";
	}
	if (rule->type == ACL_BRIDGE) {
		return "switch=: a bridge can't lead packets to another "
		       "address";
	}
	if (rule->switches == ACL_SWITCH_NEXT) {
		return next_error(rule);
	}
	if (rule->type != ACL_LOCAL) {
		return "switch=mirror: only connections to this host "
		       "(type=LOCAL) can be carried";
	}
	return hides_loopback
		? "switch=mirror: connections are carried by the loopback "
		  "device, which needs loopback=open"
		: NULL;
}
