#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conntrack.h"
#include "control.h"
#include "daemon.h"
#include "diag.h"
#include "fw.h"
#include "guard.h"
#include "log.h"
#include "notify.h"
#include "plan.h"
#include "tap.h"

struct server {
	struct conf_server *conf;
	const struct conf_server_from *from;
	struct guard guard;
	struct plan plan;
	struct fw fw;
	int signals, control;
	uint64_t started; /* ms */
};

static void
write_status(void *context, bool json, struct text *t)
{
	struct server *s = context;
	uint64_t uptime = (clock_ms() - s->started) / 1000;
	char duration[32];
	struct stat_item items[GUARD_STATS + 8] = {
		{ "command", NULL, "server", 0 },
		{ "version", NULL, TAP_VERSION, 0 },
		{ "uptime", NULL, NULL, uptime },
		{ NULL, "up", duration, 0 },
		{ "queue", "queue", NULL, s->conf->settings.queue },
		{ "firewall", "firewall", fw_tool_name(s->fw.tool), 0 },
	};

	stat_duration(duration, uptime);
	stat_write(t, items, 6 + guard_stats(&s->guard, items + 6), json);
}

/* Put a new configuration to work, all of it or nothing. */
static int
take_up(struct server *s, struct conf_server *conf, char *err)
{
	struct plan plan;

	if (plan_server(&plan, conf) < 0) {
		snprintf(err, CONF_ERROR_MAX, "out of memory");
		return -1;
	}
	if (guard_configure(&s->guard, conf) != TAP_OK) {
		snprintf(err, CONF_ERROR_MAX, "no queue for forwarded packets");
	} else if (fw_replace(&s->fw, &s->plan.fw, &plan.fw, err) == 0) {
		plan_free(&s->plan);
		s->plan = plan;
		return 0;
	}
	guard_configure(&s->guard, s->conf);
	plan_free(&plan);
	return -1;
}

static void
reload(struct server *s)
{
	char err[CONF_ERROR_MAX];
	struct conf_server *conf = conf_server_load(s->from, err);

	if (conf) {
		/* What sockets and memory were made for stays. */
		conf->settings.queue = s->conf->settings.queue;
		conf->settings.firewall = s->conf->settings.firewall;
		conf->limits = s->conf->limits;
	}
	if (!conf || take_up(s, conf, err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s; still with the old configuration",
			err);
		conf_server_free(conf);
		return;
	}
	conf_server_free(s->conf);
	s->conf = conf;
	log_say(LOG_LEVEL_INFO, "reloaded: %zu rules, %zu keys",
		conf->acl.rules_count, conf->acl.keys_count);
}

static int
loop(struct server *s)
{
	enum { SIGNALS = GUARD_FDS, CONTROL, FDS };

	for (;;) {
		enum daemon_signal signal = DAEMON_NOTHING;
		struct pollfd fds[FDS] = {
			[SIGNALS] = { .fd = s->signals, .events = POLLIN },
			[CONTROL] = { .fd = s->control, .events = POLLIN },
		};

		guard_fds(&s->guard, fds);
		if (poll(fds, FDS, guard_wait(&s->guard)) < 0) {
			if (errno == EINTR) {
				continue;
			}
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		if (!guard_serve(&s->guard, fds)) {
			return TAP_SYSTEM;
		}
		if (fds[CONTROL].revents) {
			daemon_answer(s->control, write_status, s);
		}
		if (fds[SIGNALS].revents) {
			signal = daemon_signal(s->signals);
		}
		if (signal == DAEMON_RELOAD) {
			notify_manager("RELOADING=1");
			reload(s);
			notify_manager("READY=1");
		} else if (signal == DAEMON_STOP) {
			return TAP_OK;
		}
	}
}

static int
fail(const char *what, int rc)
{
	log_say(LOG_LEVEL_ERROR, "%s: %s", what, strerror(-rc));
	return TAP_SYSTEM;
}

static int
open_all(struct server *s)
{
	char name[32];
	int status;

	s->signals = daemon_signals();
	if (s->signals < 0) {
		return fail("signals", s->signals);
	}
	status = guard_open(&s->guard, s->conf);
	if (status != TAP_OK) {
		return status;
	}
	snprintf(name, sizeof name, "tap-server-%u", s->conf->settings.queue);
	s->control = control_listen(name);
	if (s->control < 0) {
		return fail("control socket", s->control);
	}
	return plan_server(&s->plan, s->conf) < 0 ? fail("rules", -ENOMEM) :
						    TAP_OK;
}

struct adoption {
	struct server *s;
	struct netlink *conntrack;
	int error;
};

static void
adopt_one(void *context, const struct diag_connection *c)
{
	struct adoption *a = context;
	const struct packet p = {
		.src = c->remote,
		.dst = c->local,
		.sport = c->remote_port,
		.dport = c->local_port,
	};

	/* Which device it came by is not known; one too many does no harm. */
	for (size_t i = 0; i < a->s->conf->acl.rules_count; i++) {
		const struct acl_rule *rule = &a->s->conf->acl.rules[i];

		if (rule->type == ACL_LOCAL &&
		    acl_ports_have(rule->ports, rule->ports_count, p.dport) &&
		    acl_net_has(&rule->src, &p.src) &&
		    acl_net_has(&rule->dst, &p.dst)) {
			int rc = conntrack_add(a->conntrack, c);

			a->error = rc < 0 ? rc : a->error;
			return;
		}
	}
}

/*
 * Connections that were there before the rules: the kernel is to track
 * them from now on, so that they go on even without the daemon.
 */
static void
adopt_connections(struct server *s)
{
	struct netlink conntrack;
	struct netlink diag;
	struct adoption a = { .s = s, .conntrack = &conntrack };
	int rc = conntrack_open(&conntrack);

	if (rc == 0) {
		rc = diag_open(&diag);
		if (rc == 0) {
			rc = diag_each(&diag, adopt_one, &a);
			netlink_close(&diag);
		}
		netlink_close(&conntrack);
	}
	rc = rc < 0 ? rc : a.error;
	if (rc < 0) {
		log_say(LOG_LEVEL_WARNING,
			"connection tracking: %s; connections made before the "
			"start live only as long as this process",
			strerror(-rc));
	}
}

static void
close_all(struct server *s)
{
	guard_close(&s->guard);
	plan_free(&s->plan);
	conf_server_free(s->conf);
	if (s->control >= 0) {
		close(s->control);
	}
	if (s->signals >= 0) {
		close(s->signals);
	}
}

int
server_run(struct conf_server *conf, const struct conf_server_from *from)
{
	static struct server s;
	char err[FW_ERROR_MAX];
	int status;

	s = (struct server){ .conf = conf, .from = from, .control = -1 };
	s.started = clock_ms();
	status = open_all(&s);
	if (status == TAP_OK) {
		adopt_connections(&s);
	}
	if (status == TAP_OK && conf->settings.firewall != FIREWALL_NONE &&
	    fw_install(&s.fw, &s.plan.fw, plan_tool(&conf->settings), err) <
		    0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		status = TAP_SYSTEM;
	}
	if (status == TAP_OK) {
		log_say(LOG_LEVEL_INFO, "ready: %zu rules, %zu keys, queue %u",
			conf->acl.rules_count, conf->acl.keys_count,
			conf->settings.queue);
		notify_manager("READY=1");
		status = loop(&s);
		notify_manager("STOPPING=1");
		/* After a failure the rules stay: the service is hidden. */
		if (status == TAP_OK && fw_remove(&s.fw, err) < 0) {
			log_say(LOG_LEVEL_ERROR, "%s", err);
			status = TAP_SYSTEM;
		}
	}
	close_all(&s);
	return status;
}
