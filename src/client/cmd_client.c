#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"
#include "client/accept.h"
#include "client/client.h"
#include "client/doctor.h"
#include "client/guest_show.h"
#include "client/names.h"
#include "client/watch.h"
#include "firewall/plan.h"
#include "firewall/remove_rules.h"
#include "daemon/control.h"
#include "daemon/control_client.h"
#include "daemon/privileges.h"
#include "conf/keyfile.h"
#include "daemon/log.h"
#include "daemon/watch.h"
#include "conf/options.h"
#include "conf/passphrase.h"
#include "base/secret.h"
#include "tap.h"
#include "daemon/systemd_unit.h"
#include "client/unlock.h"
#include "conf/value.h"

static const char usage[] =
	"usage: tap client [-c TAPclientd.conf]\n"
	"       tap client --to HOST:PORT[/N] [-k FILE [--key-no N]] -- COMMAND...\n"
	"       tap client --proxy HOST:PORT[/N] [-k FILE [--key-no N]]\n"
	"       tap client --status [--json] | --watch | --reload | --stop\n"
	"       tap client --accept LINE|- [-c FILE] [-k FILE]\n"
	"       tap client --doctor HOST:PORT [-c FILE] [--ntp HOST] [--json]\n"
	"       tap client --guests [-c FILE] [--json]\n"
	"       tap client --who GUEST SRC:PORT DST:PORT [-c FILE] [--json]\n"
	"       tap client --sockets GUEST [-c FILE] [--json]\n"
	"       tap client --remove-rules [--queue N]\n"
	"       tap client --check | --print-rules | --print-unit\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n";

struct options {
	const char *conf, *to, *proxy, *keys, *metrics, *accept;
	const char *doctor, *ntp;
	const char *who, *sockets; /* a guest */
	char *ends[2];             /* of the connection, for who */
	char **command;            /* behind the options, or NULL */
	long key_no;               /* or -1 */
	const struct backend *backend;
	bool check, print_rules, print_unit, status, json, verbose;
	bool remove_rules, reload, stop, watch, guests;
	long queue;        /* or -1 */
	int passphrase_fd; /* or -1 */
};

static int
take_backend(void *into, const char *value, char *why)
{
	static const struct backend *const backends[] = { &by_netfilter,
							  &by_pcap };
	const struct backend **backend = into;
	unsigned long choice;
	int rc = value_choice(value, "netfilter pcap", &choice, why);

	if (rc == 0) {
		*backend = backends[choice];
	}
	return rc;
}

/* How many that look into guests. */
static int
looks_at_guests(const struct options *o)
{
	return o->guests + (o->who != NULL) + (o->sockets != NULL);
}

/* How many that do something else than to serve. */
static int
others(const struct options *o)
{
	return o->check + o->print_rules + o->print_unit + o->status +
		o->watch + o->reload + o->stop + o->remove_rules +
		looks_at_guests(o);
}

/* Which options may be combined, and the command after them. */
static int
check_words(struct options *o, int at, int argc, char **argv)
{
	const bool one = o->to || o->proxy;
	const struct option_rule rules[] = {
		{ o->json && !o->status && !o->doctor && !looks_at_guests(o),
		  "--json goes with --status, --doctor, --guests, --who or "
		  "--sockets" },
		{ o->ntp && !o->doctor, "--ntp goes with --doctor" },
		{ others(o) > 1,
		  "one of --check, --print-rules, --print-unit, --status, "
		  "--watch, --reload, --stop, --remove-rules, --guests, --who "
		  "and --sockets at a time" },
		{ (o->accept || o->doctor) &&
			  ((o->accept && o->doctor) || one || others(o) > 0),
		  "--accept and --doctor go with none of the others" },
		{ o->print_unit && one,
		  "--print-unit does not go with --to or --proxy" },
		{ o->to && o->proxy, "either --to or --proxy" },
		/* No client has run here whose rules could do it. */
		{ one && !o->keys &&
			  (o->key_no >= 0 || access(CONTROL_DIR, F_OK) < 0),
		  "-k FILE is missing" },
		{ !one && ((o->keys && !o->accept) || o->key_no >= 0),
		  "-k and --key-no go with --to or --proxy" },
		{ one && (o->conf || o->metrics),
		  "-c and --metrics do not go with --to or --proxy" },
		{ one && o->backend == &by_pcap,
		  "--backend pcap does not go with --to or --proxy" },
		{ o->to && at == argc, "a command is missing behind --" },
	};

	if (OPTION_CHECK("tap client", rules) < 0) {
		return OPTION_WRONG;
	}
	if (!o->to && option_end(at, argc, argv) < 0) {
		return OPTION_WRONG;
	}
	o->command = o->to ? argv + at : NULL;
	return 0;
}

static int
parse(int argc, char **argv, struct options *o)
{
	static const char *const backends[] = { "netfilter", "pcap", NULL };
	const struct option_word words[] = {
		{ OPTION('c', "conf", "FILE",
			 "settings and rules (" CLIENT_CONF_FILE ")",
			 option_text, &o->conf) },
		{ OPTION(0, "backend", "NAME",
			 "netfilter, or pcap: sees SYNs go out, and sends\n"
			 "the group after them",
			 take_backend, &o->backend),
		  .choices = backends },
		{ OPTION(0, "to", "HOST:PORT[/N]",
			 "authenticate the connections of COMMAND to there,\n"
			 "and nothing else; the server sees port N",
			 option_text, &o->to) },
		{ OPTION(0, "proxy", "HOST:PORT[/N]",
			 "connect there for standard input and output,\n"
			 "as ssh's ProxyCommand",
			 option_text, &o->proxy) },
		{ OPTION('k', "keys", "FILE", "keys, as a server has them",
			 option_text, &o->keys) },
		{ OPTION_NUMBER(0, "key-no", "N",
				"which of them, where there are several",
				&o->key_no, 0, UINT16_MAX) },
		{ OPTION(
			0, "accept", "LINE",
			"an invitation of 'tap keygen --invite' becomes FILE,\n"
			"of -c or -k; -: standard input has it",
			option_text, &o->accept) },
		{ OPTION(0, "doctor", "HOST:PORT",
			 "find out why there is no connection", option_text,
			 &o->doctor) },
		{ OPTION(0, "ntp", "HOST",
			 "with --doctor: compare the clock with its time",
			 option_text, &o->ntp) },
		{ OPTION(0, "passphrase-fd", "N",
			 "where FILE is sealed: read the passphrase from\n"
			 "this descriptor, not from the terminal",
			 passphrase_option, &o->passphrase_fd) },
		{ OPTION_FLAG(0, "check",
			      "validate the configuration, and do nothing else",
			      &o->check) },
		{ OPTION_FLAG(0, "print-rules",
			      "print the firewall rules, and do nothing else",
			      &o->print_rules) },
		{ OPTION_FLAG(0, "print-unit",
			      "print a systemd unit, and do nothing else",
			      &o->print_unit) },
		{ OPTION_FLAG(0, "status", "ask the running client",
			      &o->status) },
		{ OPTION_FLAG(0, "watch",
			      "show it on the terminal, once a second",
			      &o->watch) },
		{ OPTION_FLAG(0, "reload",
			      "have the running client read its file again",
			      &o->reload) },
		{ OPTION_FLAG(0, "stop", "end the running client", &o->stop) },
		{ OPTION_FLAG(0, "guests",
			      "show each virtual machine of the file, and\n"
			      "what is known of it",
			      &o->guests) },
		{ OPTION(0, "who", "GUEST",
			 "show which process and user of a virtual machine\n"
			 "has the connection from SRC:PORT to DST:PORT",
			 option_text, &o->who) },
		{ OPTION(0, "sockets", "GUEST",
			 "show its processes with their sockets", option_text,
			 &o->sockets) },
		{ OPTION_FLAG(0, "remove-rules",
			      "where no client runs: take away what one left",
			      &o->remove_rules) },
		{ OPTION(0, "metrics", "FILE",
			 "write numbers for Prometheus every few seconds",
			 option_text, &o->metrics) },
		{ OPTION_NUMBER(0, "queue", "N",
				"the NFQUEUE to use, or the client to ask",
				&o->queue, 0, SETTINGS_QUEUE_MAX) },
		{ OPTION_FLAG(0, "json", "with what shows something: JSON",
			      &o->json) },
		{ OPTION_FLAG('v', "verbose", "log more", &o->verbose) },
	};
	const struct option_list list = {
		OPTION_LIST(usage, words),
		.command = true,
	};
	int at = option_parse(&list, argc, argv);

	if (at >= 0 && o->who) {
		if (argc - at < 2) {
			fprintf(stderr,
				"tap client: --who GUEST SRC:PORT DST:PORT\n");
			return OPTION_WRONG;
		}
		memcpy(o->ends, argv + at, sizeof o->ends);
		/* Options may stand behind these two, as well. */
		argv[at + 1] = argv[0];
		argv += at + 1;
		argc -= at + 1;
		at = option_parse(&list, argc, argv);
	}
	return at < 0 ? at : check_words(o, at, argc, argv);
}

/* Where no key is given, the rules of a running client are to do it. */
static int
run_unkeyed(const struct options *o)
{
	static struct child task = { .scope.root = -1,
				     .ends = { -1, -1 },
				     .relayed = -1 };
	char why[VALUE_WHY_MAX];
	int rc = child_resolve(&task, o->to ? o->to : o->proxy, why);

	if (rc < 0) {
		fprintf(stderr, "tap client: %s\n", why);
		return conf_status(rc);
	}
	task.argv = o->command;
	return child_run(&task);
}

/* Serve one command, or a relay, and nothing else. */
static int
run_task(const struct options *o)
{
	static struct child task = { .scope.root = -1,
				     .ends = { -1, -1 },
				     .relayed = -1 };
	const struct client_options run = { .task = &task,
					    .backend = &by_netfilter };
	char err[CONF_ERROR_MAX], why[VALUE_WHY_MAX];
	struct client_conf *conf;
	const struct acl_key *key;
	struct key_file keys;
	int rc;

	task.argv = o->command;
	/* Before there is a key in memory. */
	rc = child_resolve(&task, o->to ? o->to : o->proxy, why);
	if (rc < 0) {
		fprintf(stderr, "tap client: %s\n", why);
		return conf_status(rc);
	}
	rc = key_load(o->keys, &keys, err);
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return conf_status(rc);
	}
	key = key_choose(&keys, o->key_no, o->keys, err);
	if (!key) {
		fprintf(stderr, "%s\n", err);
		key_free(&keys);
		return TAP_USAGE;
	}
	conf = client_conf_for(task.host, task.to, task.to_count, task.port,
			       task.service_port, key);
	key_free(&keys);
	if (!conf) {
		fprintf(stderr, "tap client: out of memory\n");
		return TAP_SYSTEM;
	}
	log_open("tap client", o->verbose);
	log_quiet();
	return client_run(conf, &run);
}

/* The unit runs tap with the other options of this command line. */
static int
print_unit(const struct options *o)
{
	char queue[24];

	snprintf(queue, sizeof queue, "%ld", o->queue);
	const struct systemd_unit_word words[] = {
		{ .option = "--conf",
		  .value = o->conf,
		  .path = true,
		  .finds = true },
		{ .option = "--backend",
		  .value = o->backend == &by_pcap ? "pcap" : NULL },
		{ .option = "--queue",
		  .value = o->queue >= 0 ? queue : NULL,
		  .finds = true },
		{ .option = "--metrics",
		  .value = o->metrics,
		  .path = true,
		  .written = true },
		{ .option = "--verbose", .flag = o->verbose },
	};
	return systemd_unit_print("client", words,
				  sizeof words / sizeof words[0]);
}

/* Ask a running client. */
static int
ask(const struct options *o)
{
	const struct ask_daemon daemon = {
		"client",
		o->queue,
		o->conf ? o->conf : CLIENT_CONF_FILE,
		CLIENT_CONF_QUEUE,
	};

	if (o->stop) {
		return ask_stop(&daemon, false);
	}
	if (o->watch) {
		return watch_run(&daemon, &client_watch_side);
	}
	return o->reload ? ask_reload(&daemon) : ask_status(&daemon, o->json);
}

static int
look_at_guests(const struct options *o, struct client_conf *conf)
{
	if (o->guests) {
		return guest_show_all(conf, o->json);
	}
	return o->who ? guest_show_who(conf, o->who, o->ends, o->json)
		      : guest_show_sockets(conf, o->sockets, o->json);
}

/*
 * Rules of whatever kind, but one command's with a key of its own, are the
 * administrator's.
 */
static bool
is_for_anybody(const struct options *o)
{
	return others(o) == 0 && !o->accept && !o->doctor &&
		(o->keys || o->backend == &by_pcap);
}

int
cmd_client(int argc, char **argv)
{
	struct options o = { .queue = -1,
			     .key_no = -1,
			     .passphrase_fd = -1,
			     .backend = &by_netfilter };
	struct client_options run = { 0 };
	struct client_conf *conf;
	struct plan plan;
	int status;

	secret_harden();
	status = parse(argc, argv, &o);
	if (status < 0) {
		return option_status(status);
	}
	if (!is_for_anybody(&o) && privileges_refuse_file() < 0) {
		return TAP_SYSTEM;
	}
	if (o.print_unit) {
		return print_unit(&o);
	}
	if (o.remove_rules) {
		return remove_rules(FW_CLIENT, o.queue);
	}
	if (o.status || o.watch || o.reload || o.stop) {
		return ask(&o);
	}
	if (o.to || o.proxy) {
		return o.keys ? run_task(&o) : run_unkeyed(&o);
	}
	if (o.accept) {
		return client_accept(&(struct accept_options){
			o.accept, o.conf, o.keys, o.passphrase_fd });
	}
	if (o.doctor) {
		return client_doctor(&(struct doctor_options){
			o.doctor, o.conf, o.ntp, o.queue, o.passphrase_fd,
			o.json });
	}
	conf = unlock_client(o.conf ? o.conf : CLIENT_CONF_FILE,
			     o.passphrase_fd);
	if (!conf) {
		return conf_status(-errno);
	}
	if (looks_at_guests(&o)) {
		status = look_at_guests(&o, conf);
		client_conf_free(conf);
		return status;
	}
	if (o.queue >= 0) {
		conf->settings.queue = (uint16_t)o.queue;
	}
	if (o.print_rules) {
		names_find(conf);
	}
	spawn_set_places(conf->settings.tools.places);
	if (o.check || o.print_rules) {
		status = o.print_rules
			? plan_print(&plan, plan_client(&plan, conf),
				     &conf->settings)
			: TAP_OK;
		client_conf_free(conf);
		return status;
	}
	log_open("tap client", o.verbose);
	log_configure(&conf->settings);
	run.path = o.conf;
	run.backend = o.backend;
	run.metrics = o.metrics;
	return client_run(conf, &run);
}
