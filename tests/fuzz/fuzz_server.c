/* SPDX-License-Identifier: ISC */
/* TAPservd.conf. */
#include "fuzz.h"

#include "large.h"

#include "conf/server_conf.c"
#include "conf/server_files.h"

static void
check_rules(const struct acl *acl)
{
	CHECK(acl->rules_count > 0 && acl->rules_count <= ACL_RULES_MAX);
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		CHECK(rule->line > 0);
		CHECK(rule->tolerance >= 1 && rule->tolerance <= 600);
		CHECK((rule->hide == ACL_DECOY) == (rule->decoy.family != 0));
		CHECK(rule->hide != ACL_DECOY || rule->decoy_port > 0);
		CHECK(memchr(rule->indev, '\0', sizeof rule->indev));
		CHECK(memchr(rule->outdev, '\0', sizeof rule->outdev));
		for (size_t n = 0; n < rule->ports_count; n++) {
			CHECK(rule->ports[n].low > 0);
			CHECK(rule->ports[n].low <= rule->ports[n].high);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server_conf *conf = server_conf_new();
	char err[CONF_ERROR_MAX] = "";
	struct conf_file file;

	CHECK(conf);
	CHECK(conf_open_text(&file, "TAPservd.conf", (const char *)data, size,
			     err) == 0);
	if (server_conf_read(conf, &file, err) == 0) {
		check_rules(&conf->acl);
		CHECK(conf->limits.reassembly.frames >=
		      conf->limits.reassembly.groups);
		/* 65,536 steps: not for each of them. */
		if (size % 16 == 0) {
			acl_index(&conf->acl);
		}
	} else {
		CHECK(err[0]);
	}
	conf_close(&file);
	server_conf_free(conf);
	return 0;
}
