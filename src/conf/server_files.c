#include "conf/server_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "conf/acl_conf.h"
#include "conf/ca_file.h"
#include "conf/keyfile.h"
#include "os/own_addrs.h"

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

/* It is read again by who uses it. */
static int
check_ca(const struct server_conf *conf, const struct server_conf_from *from,
	 char *err)
{
	static struct ca_file ca;

	return conf->share.ca[0] && !from->copies
		? ca_file_load(&ca, conf->share.ca, err)
		: 0;
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

	if (rc == 0 && conf->share_login[0]) {
		rc = share_conf_load(
			&conf->share,
			from->login ? from->login : conf->share_login, err);
	}
	rc = rc < 0 ? rc : check_ca(conf, from, err);
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

	if (conf) {
		server_conf_defaults(conf);
	}
	return conf;
}

/*
 * Whether a connection to there, by any address of this host, falls under the
 * rule: as a decoy it would give away what the rule hides, or be nothing.
 */
static bool
protects(const struct acl_rule *rule, const struct packet_addr *addr,
	 uint16_t port)
{
	const bool own = addrs_own(addr) == 1;

	return acl_ports_have(rule->ports, rule->ports_count, port) &&
		(rule->type == ACL_LOCAL
			 ? own
			 : !own && acl_net_has(&rule->dst, addr));
}

static int
check_decoy(const struct acl *acl, const struct acl_rule *rule,
	    const char *word, const struct packet_addr *decoy, uint16_t port,
	    const char *path, char *err)
{
	for (size_t k = 0; k < acl->rules_count; k++) {
		if (protects(&acl->rules[k], decoy, port)) {
			return why_set(err, -EINVAL,
				       "%s:%u: %s: the rule of line %u "
				       "protects that port itself",
				       rule->file ? rule->file : path,
				       rule->line, word, acl->rules[k].line);
		}
	}
	return 0;
}

static int
check_decoys(const struct acl *acl, const char *path, char *err)
{
	int rc = 0;

	for (size_t i = 0; i < acl->rules_count && rc == 0; i++) {
		const struct acl_rule *r = &acl->rules[i];

		if (r->hide == ACL_DECOY) {
			rc = check_decoy(acl, r, "hide=decoy", &r->decoy,
					 r->decoy_port, path, err);
		}
		if (r->switches == ACL_SWITCH_NEXT && rc == 0) {
			rc = check_decoy(acl, r, "decoy", &r->switch_decoy,
					 r->switch_port, path, err);
		}
	}
	return rc;
}

struct server_conf *
server_conf_load(const struct server_conf_from *from, char *err)
{
	struct server_conf *conf = server_conf_new();
	struct conf_file none = { .path = "tap" };
	int rc = conf ? load_all(conf, from, err)
		      : conf_no_memory(err, &none, 0);

	if (rc == 0) {
		rc = check_decoys(&conf->acl,
				  from->conf ? from->conf : SERVER_CONF_FILE,
				  err);
	}
	if (rc < 0) {
		server_conf_free(conf);
		errno = -rc;
		return NULL;
	}
	acl_index(&conf->acl);
	return conf;
}

void
server_conf_forget(const struct server_conf *conf)
{
	/* It is this process's alone. */
	struct server_conf *own = (struct server_conf *)(uintptr_t)conf;

	for (size_t i = 0; own && i < own->acl.keys_count; i++) {
		bytes_wipe(&own->acl.keys[i].mac, sizeof own->acl.keys[i].mac);
	}
	if (own) {
		bytes_wipe(own->share.password, sizeof own->share.password);
	}
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
	bytes_wipe(&conf->share, sizeof conf->share);
	free(conf);
}
