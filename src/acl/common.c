#include "acl/common.h"

#include <errno.h>
#include <stdio.h>

#include "tap.h"

struct access_paths
access_paths(const struct access_options *o)
{
	return (struct access_paths){
		.rules = o->from.conf ? o->from.conf : SERVER_CONF_FILE,
		.keys = o->from.keys ? o->from.keys : SERVER_CONF_KEYS,
		.acl = o->from.acl ? o->from.acl : SERVER_CONF_ACL,
	};
}

int
access_load(const struct access_options *o, struct server_conf **conf)
{
	char err[CONF_ERROR_MAX];
	int status = TAP_OK;

	*conf = server_conf_load(&o->from, err);
	if (!*conf) {
		status = conf_status(-errno);
		fprintf(stderr, "%s\n", err);
	}
	return status;
}

const char *
access_file(const char *included, const char *path)
{
	return included ? included : path;
}

const char *
access_name(const struct acl_key *key)
{
	static char text[ACL_NAME_MAX + 4];

	if (!key->name[0]) {
		return "";
	}
	snprintf(text, sizeof text, " (%s)", key->name);
	return text;
}

const char *
access_range(struct acl_range range)
{
	static char texts[4][16];
	static unsigned next;
	char *text = texts[next++ % 4];

	if (range.low == 0 && range.high == UINT16_MAX) {
		return "ANY";
	}
	if (range.low == range.high) {
		snprintf(text, sizeof texts[0], "%u", range.low);
	} else {
		snprintf(text, sizeof texts[0], "%u-%u", range.low, range.high);
	}
	return text;
}

int
access_no_memory(void)
{
	fprintf(stderr, "tap acl: out of memory\n");
	return TAP_SYSTEM;
}
