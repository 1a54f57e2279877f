#include <getopt.h>
#include <stdio.h>

#include "client.h"
#include "plan.h"
#include "queue.h"
#include "ask.h"
#include "log.h"
#include "tap.h"
#include "unit.h"

static const char usage[] =
	"usage: tap client [-c TAPclientd.conf]\n"
	"       tap client --status [--json] | --check | --print-rules |\n"
	"                  --print-unit\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n"
	"\n"
	"  -c, --conf FILE    settings and rules (" CONF_CLIENT_FILE ")\n"
	"      --check        validate the configuration, and do nothing else\n"
	"      --print-rules  print the firewall rules, and do nothing else\n"
	"      --print-unit   print a systemd unit, and do nothing else\n"
	"      --status       ask the running client\n"
	"      --queue N      the NFQUEUE to use, or the client to ask\n"
	"      --json         with --status: JSON\n"
	"  -v, --verbose      log more\n"
	"  -h, --help         this\n";

struct options {
	const char *conf;
	bool check, print_rules, print_unit, status, json, verbose, help;
	int queue; /* or -1 */
};

static int
parse(int argc, char **argv, struct options *o)
{
	enum { CHECK = 256, PRINT_RULES, PRINT_UNIT, STATUS, JSON, QUEUE };
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, CHECK },
		{ "print-rules", no_argument, NULL, PRINT_RULES },
		{ "print-unit", no_argument, NULL, PRINT_UNIT },
		{ "status", no_argument, NULL, STATUS },
		{ "queue", required_argument, NULL, QUEUE },
		{ "json", no_argument, NULL, JSON },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->conf = optarg;
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
			if (queue_option("client", optarg, &o->queue) < 0) {
				return -1;
			}
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
		fprintf(stderr, "tap client: --json goes with --status\n");
		return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "tap client: '%s' is one word too many\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

static int
print_rules(const struct conf_client *conf)
{
	struct plan plan;
	int status;

	if (plan_client(&plan, conf) < 0) {
		fprintf(stderr, "tap client: out of memory\n");
		return TAP_SYSTEM;
	}
	status = plan_print(&plan, &conf->settings);
	plan_free(&plan);
	return status;
}

int
cmd_client(int argc, char **argv)
{
	struct options o = { .queue = -1 };
	char err[CONF_ERROR_MAX];
	struct conf_client *conf;
	int status;

	if (parse(argc, argv, &o) < 0) {
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	if (o.print_unit) {
		return unit_print("client");
	}
	if (o.status) {
		bool chosen = o.queue >= 0;
		uint16_t queue = chosen ? (uint16_t)o.queue :
					  settings_peek_queue(
						  o.conf ? o.conf : CONF_CLIENT_FILE,
						  CONF_CLIENT_QUEUE);
		uint16_t usual = chosen ? queue : CONF_CLIENT_QUEUE;

		return ask_status("client", queue, usual, o.json);
	}
	conf = conf_client_load(o.conf, err);
	if (!conf) {
		fprintf(stderr, "%s\n", err);
		return TAP_USAGE;
	}
	if (o.queue >= 0) {
		conf->settings.queue = (uint16_t)o.queue;
	}
	if (o.check || o.print_rules) {
		status = o.print_rules ? print_rules(conf) : TAP_OK;
		conf_client_free(conf);
		return status;
	}
	log_open("tap client", conf->settings.log_json, o.verbose);
	return client_run(conf, o.conf);
}
