#include "server/reload.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "server/bundle_source.h"
#include "server/decoys.h"
#include "server/device_programs.h"
#include "server/fallback.h"
#include "server/worker_door.h"
#include "server/worker_fastpath.h"
#include "tap.h"

int
server_plan(struct server *s, struct plan *plan, struct server_conf *conf)
{
	if (door_trust_plan(&s->trust, &s->worker, conf, plan) < 0) {
		return -1;
	}
	plan->fw.unconfirmed = s->confirm.missing;
	return 0;
}

/* The rules of a configuration in the place of those that stand. */
static int
put_rules(struct server *s, struct server_conf *conf, char *err)
{
	struct plan plan = { 0 };
	int rc = -1;

	if (server_plan(s, &plan, conf) < 0) {
		snprintf(err, CONF_ERROR_MAX, "out of memory");
	} else {
		rc = fw_replace(&s->fw, &s->plan.fw, &plan.fw, err);
	}
	if (rc == 0) {
		plan_free(&s->plan);
		s->plan = plan;
	} else {
		plan_free(&plan);
	}
	return rc;
}

/* First the rules: a door that stays without them would lock all out. */
void
server_confirm(struct server *s)
{
	char err[CONF_ERROR_MAX];
	int rc;

	s->confirm.missing = false;
	rc = put_rules(s, s->conf, err);
	if (rc == 0 && worker_door_confirm(&s->worker)) {
		/* What is to look closed may count on it now. */
		char ignored[CONF_ERROR_MAX];

		(void)put_rules(s, s->conf, ignored);
	}
	confirm_end(&s->confirm, s->control, rc < 0 ? err : NULL);
}

static void
say_unkept(const char *why)
{
	log_say(LOG_LEVEL_WARNING,
		"%s; --fallback keeps no copy of this configuration", why);
}

struct server_conf *
server_stage(struct server *s, struct server_conf *conf)
{
	const struct server_options *o = s->options;
	char err[CONF_ERROR_MAX];
	struct server_conf *copy;

	if (o->bundle) {
		s->staged = true; /* it was loaded from there */
		return conf;
	}
	if (!o->fallback) {
		return conf;
	}
	copy = fallback_stage(&o->from, o->fallback, conf, err);
	s->staged = copy != conf;
	if (!s->staged) {
		say_unkept(err);
	}
	return copy;
}

void
server_keep(struct server *s)
{
	char err[CONF_ERROR_MAX];

	if (!s->staged || s->confirm.missing) {
		return;
	}
	s->staged = false;
	if (s->options->bundle) {
		bundle_source_use(s->options->bundle);
	}
	if (fallback_keep(s->options->fallback, err) < 0) {
		say_unkept(err);
	}
}

/* Put a new configuration to work, all of it or nothing. */
static int
take_up(struct server *s, struct server_conf *conf, char *err)
{
	struct door_trust *trust = &s->trust;
	struct door_trust before;

	if (door_trust_change(trust, &s->worker, conf, &s->plan, &s->fw, err) <
	    0) {
		return -1;
	}
	before = *trust;
	door_trust_choose(trust, &s->worker, conf);
	if (put_rules(s, conf, err) < 0) {
		*trust = before;
		door_trust_change_back(trust, &s->worker, s->conf, &s->plan,
				       &s->fw);
		/* The door may have another map of the accepted. */
		worker_fastpath_change(&s->worker);
		return -1;
	}
	worker_door_settle(&s->worker);
	worker_fastpath_change(&s->worker);
	tracking_again(&s->tracking);
	return 0;
}

static int
read_files(void *context)
{
	const struct server *s = context;
	char ignored[CONF_ERROR_MAX];

	if (s->options->bundle) {
		struct conf_file file;

		if (conf_open(&file, s->options->bundle->from, CONF_ANYBODYS,
			      ignored) == 0) {
			conf_close(&file);
		}
		return 0;
	}
	server_conf_free(server_conf_load(&s->options->from, ignored));
	return 0;
}

static struct server_conf *
load_files(struct server *s, char *err)
{
	const struct server_conf_from *from = &s->options->from;
	struct bundle_source *bundle = s->options->bundle;
	const char *named = bundle          ? bundle->from
		: from->conf                ? from->conf
		: from->ports && from->keys ? from->keys
					    : SERVER_CONF_FILE;

	if ((!bundle || !bundle->by_engine) &&
	    !daemon_files_answer(read_files, s, named, err)) {
		return NULL;
	}
	return bundle ? bundle_source_load(bundle, s->conf, err)
		      : server_conf_load(from, err);
}

bool
server_load(void *context)
{
	struct server *s = context;
	char err[CONF_ERROR_MAX];
	struct server_conf *conf;

	daemon_reload_start(&s->reloading);
	conf = load_files(s, err);
	if (!conf || server_conf_keep(conf, s->conf, err) < 0) {
		daemon_reload_refuse(&s->reloading, s->control, err);
		server_conf_free(conf);
		return false;
	}
	/* Tools are asked while there is still a worker. */
	decoys_check(&conf->acl, decoys_log);
	device_programs_log(&conf->acl);
	s->next = server_stage(s, conf);
	return true;
}

void
server_change(void *context)
{
	struct server *s = context;
	struct server_conf *conf = s->next;
	char err[CONF_ERROR_MAX], line[64];

	s->next = NULL;
	if (take_up(s, conf, err) < 0) {
		if (s->staged && s->confirm.missing) {
			say_unkept("the reload failed before the confirmation");
		}
		s->staged = false;
		daemon_reload_refuse(&s->reloading, s->control, err);
		server_conf_free(conf);
		return;
	}
	server_conf_free(s->conf);
	s->conf = conf;
	mirror_prepare(&s->mirror, &s->worker);
	log_configure(&conf->settings);
	switching_configure(&s->switching);
	snprintf(line, sizeof line, "reloaded: %zu rule%s, %zu key%s",
		 conf->acl.rules_count, text_s(conf->acl.rules_count),
		 conf->acl.keys_count, text_s(conf->acl.keys_count));
	daemon_reload_done(&s->reloading, s->control, line);
}
