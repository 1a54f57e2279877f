#include <getopt.h>
#include <stdio.h>

#include "bytes.h"
#include "client.h"
#include "plan.h"
#include "queue.h"
#include "ask.h"
#include "log.h"
#include "prompt.h"
#include "secret.h"
#include "tap.h"

static const char usage[] =
	"usage: tap client [-c TAPclientd.conf]\n"
	"       tap client --status [--json] | --check | --print-rules\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n"
	"\n"
	"  -c, --conf FILE    settings and rules (" CONF_CLIENT_FILE ")\n"
	"      --passphrase-fd N\n"
	"                     where FILE is sealed: read the passphrase from\n"
	"                     this descriptor, not from the terminal\n"
	"      --check        validate the configuration, and do nothing else\n"
	"      --print-rules  print the firewall rules, and do nothing else\n"
	"      --status       ask the running client\n"
	"      --queue N      the NFQUEUE to use, or the client to ask\n"
	"      --json         with --status: JSON\n"
	"  -v, --verbose      log more\n"
	"  -h, --help         this\n";

struct options {
	const char *conf;
	bool check, print_rules, status, json, verbose, help;
	int queue; /* or -1 */
	int passphrase_fd; /* or -1 */
};

static int
parse(int argc, char **argv, struct options *o)
{
	enum { CHECK = 256, PRINT_RULES, STATUS, JSON, QUEUE, PASSPHRASE };
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, CHECK },
		{ "print-rules", no_argument, NULL, PRINT_RULES },
		{ "status", no_argument, NULL, STATUS },
		{ "queue", required_argument, NULL, QUEUE },
		{ "json", no_argument, NULL, JSON },
		{ "passphrase-fd", required_argument, NULL, PASSPHRASE },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char why[VALUE_WHY_MAX];
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
		case PASSPHRASE:
			if (prompt_option(optarg, &o->passphrase_fd, why) <
			    0) {
				fprintf(stderr,
					"tap client: --passphrase-fd: %s\n",
					why);
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

/* The configuration, or NULL with the error said. */
static struct conf_client *
load(const struct options *o)
{
	const char *path = o->conf ? o->conf : CONF_CLIENT_FILE;
	struct sealed_passphrase passphrase;
	struct conf_client *conf = NULL;
	bool sealed = sealed_is(path);
	char err[CONF_ERROR_MAX];
	char why[VALUE_WHY_MAX];
	char question[CONF_ERROR_MAX];
	int rc = 0;

	if (sealed && sealed_check(path, err) < 0) {
		fprintf(stderr, "%s\n", err);
		return NULL;
	}
	if (sealed && o->passphrase_fd >= 0) {
		rc = prompt_fd(&passphrase, o->passphrase_fd, why);
	} else if (sealed) {
		snprintf(question, sizeof question, "Passphrase of %s: ",
			 path);
		rc = prompt_terminal(&passphrase, question, false, why);
	}
	if (rc < 0) {
		fprintf(stderr, "%s: passphrase: %s\n", path, why);
	} else {
		conf = conf_client_load(path, sealed ? &passphrase : NULL,
					err);
		if (!conf) {
			fprintf(stderr, "%s\n", err);
		}
	}
	bytes_wipe(&passphrase, sizeof passphrase);
	return conf;
}

int
cmd_client(int argc, char **argv)
{
	struct options o = { .queue = -1, .passphrase_fd = -1 };
	struct conf_client *conf;
	int status;

	secret_harden();
	if (parse(argc, argv, &o) < 0) {
		fprintf(stderr, "'tap client -h' tells more\n");
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	if (o.status) {
		if (o.queue < 0) {
			o.queue = settings_peek_queue(
				o.conf ? o.conf : CONF_CLIENT_FILE,
				CONF_CLIENT_QUEUE);
		}
		return ask_status("client", (uint16_t)o.queue, o.json);
	}
	conf = load(&o);
	if (!conf) {
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
