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
	if (rule->switches != ACL_SWITCH_MIRROR) {
		return NULL;
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
