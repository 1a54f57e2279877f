#include <errno.h>
#include <stdio.h>

#include "firewall/plan.h"
#include "firewall/remove_rules.h"
#include "server/alarm_words.h"
#include "server/bundle_source.h"
#include "server/decoys.h"
#include "server/fallback.h"
#include "server/history.h"
#include "server/server.h"
#include "server/watch.h"
#include "daemon/control.h"
#include "daemon/control_client.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "daemon/watch.h"
#include "conf/options.h"
#include "conf/server_files.h"
#include "conf/value.h"
#include "os/clock.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "tap.h"
#include "daemon/systemd_unit.h"

/* Of the unit: in its StateDirectory. */
#define FALLBACK_DIR "/var/lib/tap/fallback"

_Static_assert(SETTINGS_TOOLS_MAX <= SPAWN_PLACES_MAX,
	       "what a setting names can be looked at");

static const char usage[] =
	"usage: tap server [-c TAPservd.conf] [-k server.key] [-a ACL.conf]\n"
	"       tap server --port PORTS -k server.key [-a ACL.conf]\n"
	"       tap server --bundle FILE|ENGINE [--bundle-key FILE]\n"
	"       tap server --status [--json] | --watch | --reload | --stop\n"
	"       tap server --confirm-now\n"
	"       tap server --last | --who [--key N|NAME] [--since T] [--log FILE]\n"
	"       tap server --alarm WHOM [--for SPAN] [--reason TEXT] | --calm WHOM\n"
	"       tap server --alarms [--json]\n"
	"       tap server --remove-rules [--queue N]\n"
	"       tap server --check | --print-rules | --print-unit\n"
	"\n"
	"Hide TCP services of this host from everyone who holds no key.\n";

struct options {
	struct server_options run;
	const char *bundle, *bundle_key;
	bool check, print_rules, print_unit, status, confirm_now, json, verbose;
	bool remove_rules, reload, stop, keep_rules, last, who, watch, alarms;
	struct alarm_words alarm, calm;
	bool for_seen, reason_seen;
	struct history_options history;
	long confirm; /* seconds; or 0 */
	long queue;   /* or -1 */
};

/* Which options may be combined. */
static int
check_words(const struct options *o)
{
	const bool lists = o->last || o->who;
	const struct history_options *h = &o->history;
	const struct option_rule rules[] = {
		{ o->json && !o->status && !lists && !o->alarms,
		  "--json goes with --status, --alarms, --last and --who" },
		{ (o->for_seen || o->reason_seen) && !o->alarm.given,
		  "--for and --reason go with --alarm" },
		{ (h->key || h->instant || h->log) && !lists,
		  "--key, --since and --log go with --last and --who" },
		{ o->keep_rules && !o->stop, "--keep-rules goes with --stop" },
		{ o->check + o->print_rules + o->print_unit + o->status +
				  o->confirm_now + o->reload + o->stop +
				  o->remove_rules + o->last + o->who +
				  o->watch + o->alarms + o->alarm.given +
				  o->calm.given >
			  1,
		  "one of --check, --print-rules, --print-unit, --status, "
		  "--watch, --last, --who, --alarm, --calm, --alarms, "
		  "--confirm-now, --reload, --stop and --remove-rules at a "
		  "time" },
		{ o->print_unit && o->confirm,
		  "--confirm does not go with --print-unit: nobody would "
		  "confirm at the next boot" },
		{ o->run.from.ports && o->run.from.conf,
		  "either -c or --port" },
		{ o->bundle &&
			  (o->run.from.ports || o->run.from.conf ||
			   o->run.from.keys || o->run.from.acl),
		  "--bundle has all files: without -c, -k, -a and --port" },
		{ o->bundle && (o->check || o->print_rules),
		  "--check and --print-rules look at files, not at a bundle" },
		{ o->bundle_key && !o->bundle,
		  "--bundle-key goes with --bundle" },
	};

	return OPTION_CHECK("tap server", rules);
}

/* A time, or how long ago. */
static int
take_since(void *into, const char *value, char *why)
{
	uint64_t *instant = into, span, now = clock_instant();

	if (value_duration(value, &span, why) == 0) {
		*instant = span < now ? now - span : 1;
		return 0;
	}
	return value_time(value, instant, why);
}

static int
parse(int argc, char **argv, struct options *o)
{
	const struct option_word words[] = {
		{ OPTION('c', "conf", "FILE",
			 "settings and rules (" SERVER_CONF_FILE ")",
			 option_text, &o->run.from.conf) },
		{ OPTION('k', "keys", "FILE", "keys (" SERVER_CONF_KEYS ")",
			 option_text, &o->run.from.keys) },
		{ OPTION('a', "acl", "FILE",
			 "who may use what (" SERVER_CONF_ACL ")", option_text,
			 &o->run.from.acl) },
		{ OPTION('p', "port", "PORTS",
			 "protect these ports, without -c; every key may\n"
			 "use them unless -a says otherwise",
			 option_text, &o->run.from.ports) },
		{ OPTION(0, "bundle", "FILE|ENGINE",
			 "what 'tap acl push' made of all three, from there",
			 option_text, &o->bundle) },
		{ OPTION(0, "bundle-key", "FILE",
			 "its key (" BUNDLE_KEY_FILE ")", option_text,
			 &o->bundle_key) },
		{ OPTION_FLAG(0, "check",
			      "validate the configuration, and do nothing else",
			      &o->check) },
		{ OPTION_FLAG(0, "print-rules",
			      "print the firewall rules, and do nothing else",
			      &o->print_rules) },
		{ OPTION_FLAG(0, "print-unit",
			      "print a systemd unit, and do nothing else",
			      &o->print_unit) },
		{ OPTION_FLAG(0, "status", "ask the running server",
			      &o->status) },
		{ OPTION_FLAG(0, "watch",
			      "show it on the terminal, once a second",
			      &o->watch) },
		{ OPTION_FLAG(0, "last", "who came in, by the log", &o->last) },
		{ OPTION_FLAG(0, "who", "who is connected now", &o->who) },
		{ OPTION(0, "key", "N|NAME", "with --last, --who: by this key",
			 option_text, &o->history.key) },
		{ OPTION(0, "since", "T",
			 "with --last, --who: 2h, 2027-01-01[T00:00:00Z]",
			 take_since, &o->history.instant) },
		{ OPTION(0, "log", "FILE",
			 "with --last, --who: this log, not the journal's",
			 option_text, &o->history.log) },
		{ OPTION(0, "alarm", "WHOM",
			 "send this connection, address or key to the decoy:\n"
			 "SRC, SRC:PORT, 'SRC:PORT -> DST:PORT', key=N|NAME",
			 alarm_words_whom, &o->alarm) },
		{ OPTION(0, "for", "SPAN", "with --alarm: for so long (1h)",
			 alarm_words_for, &o->alarm),
		  .seen = &o->for_seen },
		{ OPTION(0, "reason", "TEXT", "with --alarm: why",
			 alarm_words_reason, &o->alarm),
		  .seen = &o->reason_seen },
		{ OPTION(0, "calm", "WHOM", "take that back; or all",
			 alarm_words_calm, &o->calm) },
		{ OPTION_FLAG(0, "alarms",
			      "who goes to the decoy, and how suspect who is",
			      &o->alarms) },
		{ OPTION(0, "fallback", "DIR",
			 "keep copies of the files that worked last there,\n"
			 "and start with these where the files are wrong",
			 option_text, &o->run.fallback) },
		{ OPTION_FLAG(0, "reload",
			      "have the running server read its files again",
			      &o->reload) },
		{ OPTION_FLAG(0, "stop", "end the running server", &o->stop) },
		{ OPTION_FLAG(0, "keep-rules",
			      "with --stop: leave all hidden, for the next one",
			      &o->keep_rules) },
		{ OPTION(0, "unit", "UNIT",
			 "told to end where systemd restarts UNIT, leave all\n"
			 "hidden, for the next one",
			 option_text, &o->run.unit) },
		{ OPTION_FLAG(0, "remove-rules",
			      "where no server runs: take away what one left,\n"
			      "so that all see the services again",
			      &o->remove_rules) },
		{ OPTION_SECONDS(0, "confirm",
				 "take the rules away again unless confirmed",
				 &o->confirm, 5, 86400) },
		{ OPTION_FLAG(0, "confirm-now", "confirm", &o->confirm_now) },
		{ OPTION(0, "metrics", "FILE",
			 "write numbers for Prometheus every few seconds",
			 option_text, &o->run.metrics) },
		{ OPTION_NUMBER(0, "queue", "N",
				"the NFQUEUE to use, or the server to ask",
				&o->queue, 0, SETTINGS_QUEUE_MAX) },
		{ OPTION_FLAG(0, "json",
			      "with --status, --alarms, --last, --who: JSON",
			      &o->json) },
		{ OPTION_FLAG('v', "verbose", "log more", &o->verbose) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	int at = option_parse(&list, argc, argv);

	if (at < 0) {
		return at;
	}
	if (option_end(at, argc, argv) < 0 || check_words(o) < 0) {
		return OPTION_WRONG;
	}
	o->run.confirm_seconds = (unsigned)o->confirm;
	return 0;
}

/* Where nothing else was said; each queue has its own directory. */
static const char *
usual_fallback(const struct options *o)
{
	static char path[64];

	if (o->queue >= 0) {
		snprintf(path, sizeof path, FALLBACK_DIR "-%ld", o->queue);
		return path;
	}
	return FALLBACK_DIR;
}

/* The unit runs tap with the other options of this command line. */
static int
print_unit(const struct options *o)
{
	const struct server_conf_from *from = &o->run.from;
	char queue[24];
	const char *fallback =
		o->run.fallback ? o->run.fallback : usual_fallback(o);

	snprintf(queue, sizeof queue, "%ld", o->queue);
	const struct systemd_unit_word words[] = {
		{ .option = "--conf",
		  .value = from->conf,
		  .path = true,
		  .finds = true },
		{ .option = "--port", .value = from->ports, .finds = true },
		{ .option = "--bundle", .value = o->bundle },
		{ .option = "--bundle-key",
		  .value = o->bundle_key,
		  .path = true },
		{ .option = "--keys", .value = from->keys, .path = true },
		{ .option = "--acl", .value = from->acl, .path = true },
		{ .option = "--metrics",
		  .value = o->run.metrics,
		  .path = true,
		  .written = true },
		{ .option = "--queue",
		  .value = o->queue >= 0 ? queue : NULL,
		  .finds = true },
		{ .option = "--fallback", .value = fallback, .path = true },
		{ .option = "--verbose", .flag = o->verbose },
	};
	return systemd_unit_print("server", words,
				  sizeof words / sizeof words[0]);
}

/* Whether a running server is asked. */
static bool
asks(const struct options *o)
{
	return o->status || o->watch || o->confirm_now || o->reload ||
		o->stop || o->alarms || o->alarm.given || o->calm.given;
}

static int
say(const struct options *o, const struct ask_daemon *daemon)
{
	const bool alarm = o->alarm.given;
	char said[CONTROL_SAID_MAX];
	struct text t = text_over(said, sizeof said);

	alarm_words_put(&t, alarm ? &o->alarm : &o->calm);
	return ask_alarm(daemon, !alarm, said);
}

static int
ask(const struct options *o)
{
	const char *path = o->run.from.conf;
	/* --port reads no configuration that could set a queue. */
	const long usual = o->run.from.ports ? SERVER_CONF_QUEUE : -1;
	const struct ask_daemon daemon = {
		"server",
		o->queue >= 0 ? o->queue : usual,
		path ? path : SERVER_CONF_FILE,
		SERVER_CONF_QUEUE,
	};

	if (o->alarm.given || o->calm.given) {
		return say(o, &daemon);
	}
	if (o->alarms) {
		return ask_alarms(&daemon, o->json);
	}
	if (o->stop) {
		return ask_stop(&daemon, o->keep_rules);
	}
	if (o->reload) {
		return ask_reload(&daemon);
	}
	if (o->watch) {
		return watch_run(&daemon, &server_watch_side);
	}
	return o->confirm_now ? ask_confirm(&daemon)
			      : ask_status(&daemon, o->json);
}

/* The last configuration that worked, or NULL. */
static struct server_conf *
fall_back(const struct options *o)
{
	struct server_conf *conf;
	char why[CONF_ERROR_MAX];

	if (!o->run.fallback || o->check || o->print_rules) {
		return NULL;
	}
	conf = fallback_load(&o->run.from, o->run.fallback, why);
	if (!conf) {
		fprintf(stderr, "tap server: --fallback: %s\n", why);
	} else if (o->run.bundle) {
		bundle_source_fall_back(o->run.bundle, conf);
	}
	return conf;
}

/* The option overrides the file. */
static void
set_queue(const struct options *o, struct server_conf *conf)
{
	if (o->queue >= 0) {
		conf->settings.queue = (uint16_t)o->queue;
	}
}

static int
run(const struct options *o, struct server_conf *conf)
{
	char why[CONF_ERROR_MAX] = "";
	struct server_options how = o->run;
	struct server_conf *older = NULL;
	int status;

	clock_note_namespace();
	how.no_rules = why;
	status = server_run(conf, &how);
	/* The firewall refused the rules, as it would have at a reload. */
	if (status == TAP_SYSTEM && why[0] && !o->run.refused) {
		older = fall_back(o);
	}
	if (older) {
		how.refused = why;
		how.no_rules = NULL;
		set_queue(o, older);
		status = server_run(older, &how);
	}
	return status;
}

/* With --bundle, a folder for what worked last is a part of it. */
static struct server_conf *
load(struct options *o, struct bundle_source *bundle, char *err)
{
	if (!o->bundle) {
		return server_conf_load(&o->run.from, err);
	}
	if (!o->run.fallback) {
		o->run.fallback = usual_fallback(o);
	}
	if (bundle_source_open(bundle, o->bundle,
			       o->bundle_key ? o->bundle_key : BUNDLE_KEY_FILE,
			       o->run.fallback, o->queue, err) < 0) {
		o->run.fallback = NULL;
		errno = EINVAL;
		return NULL;
	}
	o->run.bundle = bundle;
	return bundle_source_load(bundle, NULL, err);
}

static void
warn(const char *line)
{
	fprintf(stderr, "tap server: warning: %s\n", line);
}

int
cmd_server(int argc, char **argv)
{
	static struct bundle_source bundle;
	struct options o = { .queue = -1 };
	char err[CONF_ERROR_MAX];
	struct server_conf *conf;
	struct plan plan;
	int status;

	secret_harden();
	if (privileges_refuse_file() < 0) {
		return TAP_SYSTEM;
	}
	status = parse(argc, argv, &o);
	if (status < 0) {
		return option_status(status);
	}
	if (o.print_unit) {
		return print_unit(&o);
	}
	if (o.remove_rules) {
		return remove_rules(FW_SERVER, o.queue);
	}
	if (asks(&o)) {
		return ask(&o);
	}
	o.history.json = o.json;
	if (o.last || o.who) {
		return o.last ? history_last(&o.history)
			      : history_who(&o.history, &o.run.from);
	}
	log_open("tap server", o.verbose);
	conf = load(&o, &bundle, err);
	if (!conf) {
		status = conf_status(-errno);
		conf = fall_back(&o);
		if (!conf) {
			fprintf(stderr, "%s\n", err);
			return status;
		}
		o.run.refused = err;
	}
	set_queue(&o, conf);
	spawn_set_places(conf->settings.tools.places);
	if (o.check) {
		decoys_check(&conf->acl, warn);
	}
	if (o.check || o.print_rules) {
		status = o.print_rules
			? plan_print(&plan, plan_server(&plan, conf),
				     &conf->settings)
			: TAP_OK;
		server_conf_free(conf);
		return status;
	}
	log_configure(&conf->settings);
	status = run(&o, conf);
	if (o.run.bundle) {
		bundle_source_close(o.run.bundle);
	}
	return status;
}
