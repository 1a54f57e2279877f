#include <getopt.h>
#include <stdio.h>

#include "plan.h"
#include "queue.h"
#include "server.h"
#include "ask.h"
#include "log.h"
#include "secret.h"
#include "tap.h"
#include "unit.h"
#include "value.h"

static const char usage[] =
	"usage: tap server [-c TAPservd.conf] [-k server.key] [-a ACL.conf]\n"
	"       tap server --port PORTS -k server.key [-a ACL.conf]\n"
	"       tap server --status [--json] | --check | --print-rules |\n"
	"                  --print-unit | --confirm-now\n"
	"\n"
	"Hide TCP services of this host from everyone who holds no key.\n"
	"\n"
	"  -c, --conf FILE    settings and rules (" CONF_SERVER_FILE ")\n"
	"  -k, --keys FILE    keys (" CONF_SERVER_KEYS ")\n"
	"  -a, --acl FILE     who may use what (" CONF_SERVER_ACL ")\n"
	"  -p, --port PORTS   protect these ports, without -c; every key may\n"
	"                     use them unless -a says otherwise\n"
	"      --check        validate the configuration, and do nothing else\n"
	"      --print-rules  print the firewall rules, and do nothing else\n"
	"      --print-unit   print a systemd unit, and do nothing else\n"
	"      --status       ask the running server\n"
	"      --confirm SEC  take the rules away again unless confirmed\n"
	"      --confirm-now  confirm\n"
	"      --metrics FILE write numbers for Prometheus every few seconds\n"
	"      --queue N      the NFQUEUE to use, or the server to ask\n"
	"      --json         with --status: JSON\n"
	"  -v, --verbose      log more\n"
	"  -h, --help         this\n";

struct options {
	struct server_options run;
	bool check, print_rules, print_unit, status, confirm_now, json, verbose,
		help;
	int queue; /* or -1 */
};

static int
parse_seconds(const char *text, struct options *o)
{
	char why[VALUE_WHY_MAX];
	unsigned long seconds;

	if (value_number(text, 5, 86400, &seconds, why) < 0) {
		fprintf(stderr, "tap server: --confirm: %s\n", why);
		return -1;
	}
	o->run.confirm_seconds = (unsigned)seconds;
	return 0;
}

static int
parse(int argc, char **argv, struct options *o)
{
	enum { CHECK = 256, PRINT_RULES, PRINT_UNIT, STATUS, JSON, QUEUE,
	       CONFIRM, CONFIRM_NOW, METRICS };
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "keys", required_argument, NULL, 'k' },
		{ "acl", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "check", no_argument, NULL, CHECK },
		{ "print-rules", no_argument, NULL, PRINT_RULES },
		{ "print-unit", no_argument, NULL, PRINT_UNIT },
		{ "status", no_argument, NULL, STATUS },
		{ "queue", required_argument, NULL, QUEUE },
		{ "confirm", required_argument, NULL, CONFIRM },
		{ "confirm-now", no_argument, NULL, CONFIRM_NOW },
		{ "metrics", required_argument, NULL, METRICS },
		{ "json", no_argument, NULL, JSON },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:k:a:p:vh", longs, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			o->run.from.conf = optarg;
			break;
		case 'k':
			o->run.from.keys = optarg;
			break;
		case 'a':
			o->run.from.acl = optarg;
			break;
		case 'p':
			o->run.from.ports = optarg;
			break;
		case CHECK:
			o->check = true;
			break;
		case PRINT_RULES:
			o->print_rules = true;
			break;
		case PRINT_UNIT:
			o->print_unit = true;
			break;
		case STATUS:
			o->status = true;
			break;
		case JSON:
			o->json = true;
			break;
		case QUEUE:
			if (queue_option("server", optarg, &o->queue) < 0) {
				return -1;
			}
			break;
		case CONFIRM:
			if (parse_seconds(optarg, o) < 0) {
				return -1;
			}
			break;
		case CONFIRM_NOW:
			o->confirm_now = true;
			break;
		case METRICS:
			o->run.metrics = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return -1;
		}
	}
	if (o->json && !o->status) {
		fprintf(stderr, "tap server: --json goes with --status\n");
		return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "tap server: '%s' is one word too many\n",
			argv[optind]);
		return -1;
	}
	if (o->run.from.ports && o->run.from.conf) {
		fprintf(stderr, "tap server: either -c or --port\n");
		return -1;
	}
	return 0;
}

static int
print_rules(const struct conf_server *conf)
{
	struct plan plan;
	int status;

	if (plan_server(&plan, conf) < 0) {
		fprintf(stderr, "tap server: out of memory\n");
		return TAP_SYSTEM;
	}
	status = plan_print(&plan, &conf->settings);
	plan_free(&plan);
	return status;
}

int
cmd_server(int argc, char **argv)
{
	struct options o = { .queue = -1 };
	char err[CONF_ERROR_MAX];
	struct conf_server *conf;
	int status;

	secret_harden();
	if (parse(argc, argv, &o) < 0) {
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	if (o.print_unit) {
		return unit_print("server");
	}
	if (o.status || o.confirm_now) {
		bool chosen = o.queue >= 0;
		uint16_t queue = chosen ? (uint16_t)o.queue :
					  settings_peek_queue(
						  o.run.from.conf ? o.run.from.conf : CONF_SERVER_FILE,
						  CONF_SERVER_QUEUE);
		uint16_t usual = chosen ? queue : CONF_SERVER_QUEUE;

		return o.confirm_now ? ask_confirm(queue, usual) :
				       ask_status("server", queue, usual,
						  o.json);
	}
	conf = conf_server_load(&o.run.from, err);
	if (!conf) {
		fprintf(stderr, "%s\n", err);
		return TAP_USAGE;
	}
	if (o.queue >= 0) {
		conf->settings.queue = (uint16_t)o.queue;
	}
	if (o.check || o.print_rules) {
		status = o.print_rules ? print_rules(conf) : TAP_OK;
		conf_server_free(conf);
		return status;
	}
	log_open("tap server", conf->settings.log_json, o.verbose);
	return server_run(conf, &o.run);
}
