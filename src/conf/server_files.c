#include "conf/server_files.h"

#include <errno.h>
#include <stdlib.h>

#include "conf/acl_conf.h"
#include "conf/keyfile.h"

/* Every key may use every port that a rule protects. */
static int
allow_all(struct acl *acl, char *err)
{
	struct conf_file file = { .path = "tap" };
	struct acl_entry *entry = acl_conf_add(acl);

	if (entry) {
		entry->keys = calloc(1, sizeof *entry->keys);
	}
	if (!entry || !entry->keys) {
		return conf_no_memory(err, &file, 0);
	}
	entry->ports.high = 65535;
	entry->keys[0].high = 65535;
	entry->keys_count = 1;
	return 0;
}

static int
load_all(struct server_conf *conf, const struct server_conf_from *from,
	 char *err)
{
	struct key_file keys = { 0 };
	int rc = from->ports
		? server_conf_one_rule(conf, from->ports, err)
		: server_conf_read_path(
			  conf, from->conf ? from->conf : SERVER_CONF_FILE,
			  err);

	if (rc == 0) {
		rc = key_load(from->keys ? from->keys : SERVER_CONF_KEYS, &keys,
			      err);
	}
	if (rc < 0) {
		return rc;
	}
	conf->acl.keys = keys.keys;
	conf->acl.keys_count = keys.count;
	if (from->ports && !from->acl) {
		return allow_all(&conf->acl, err);
	}
	return acl_conf_load(&conf->acl,
			     from->acl ? from->acl : SERVER_CONF_ACL, err);
}

struct server_conf *
server_conf_new(void)
{
	struct server_conf *conf = calloc(1, sizeof *conf);

	if (!conf) {
		return NULL;
	}
	conf->settings.queue = SERVER_CONF_QUEUE;
	conf->settings.mark = SERVER_CONF_MARK;
	conf->settings.fastpath_mark = SERVER_CONF_FASTPATH_MARK;
	conf->limits = receiver_limits_default;
	conf->hide_loopback = true;
	return conf;
}

struct server_conf *
server_conf_load(const struct server_conf_from *from, char *err)
{
	struct server_conf *conf = server_conf_new();
	struct conf_file none = { .path = "tap" };
	int rc = conf ? load_all(conf, from, err)
		      : conf_no_memory(err, &none, 0);

	if (rc < 0) {
		server_conf_free(conf);
		errno = -rc;
		return NULL;
	}
	acl_index(&conf->acl);
	return conf;
}

void
server_conf_free(struct server_conf *conf)
{
	struct key_file keys;

	if (!conf) {
		return;
	}
	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		free(conf->acl.rules[i].ports);
	}
	free(conf->acl.rules);
	acl_conf_free(&conf->acl);
	keys = (struct key_file){ conf->acl.keys, conf->acl.keys_count };
	key_free(&keys);
	free(conf);
}
