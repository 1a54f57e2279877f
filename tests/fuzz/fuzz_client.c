/* SPDX-License-Identifier: ISC */
/* TAPclientd.conf. */
#include "fuzz.h"

#include <string.h>

#include "conf/client_conf.h"

static void
check_rule(const struct sender_rule *rule)
{
	/* Never every connection of a host. */
	CHECK(rule->dst.addr.family || rule->ports_count > 0);
	CHECK(frame_extra_for(rule->key.bits) >= 0);
	CHECK(rule->key.not_before < rule->key.not_after);
	CHECK(memchr(rule->exe, '\0', sizeof rule->exe));
	CHECK(memchr(rule->outdev, '\0', sizeof rule->outdev));
	for (size_t i = 0; i < rule->ports_count; i++) {
		CHECK(rule->ports[i].low > 0);
		CHECK(rule->ports[i].low <= rule->ports[i].high);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[CONF_ERROR_MAX] = "";
	struct client_conf *conf;
	struct conf_file file;

	CHECK(conf_open_text(&file, "TAPclientd.conf", (const char *)data, size,
			     err) == 0);
	conf = client_conf_read(&file, err);
	CHECK(conf ? conf->rules_count > 0 : err[0]);
	for (size_t i = 0; conf && i < conf->rules_count; i++) {
		check_rule(&conf->rules[i]);
	}
	client_conf_free(conf);
	conf_close(&file);
	return 0;
}
