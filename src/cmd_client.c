#include <getopt.h>
#include <stdio.h>

#include "bytes.h"
#include "client.h"
#include "plan.h"
#include "queue.h"
#include "ask.h"
#include "key.h"
#include "log.h"
#include "prompt.h"
#include "secret.h"
#include "tap.h"
#include "unit.h"
#include "value.h"

static const char usage[] =
	"usage: tap client [-c TAPclientd.conf]\n"
	"       tap client --to HOST:PORT -k FILE [--key-no N] -- COMMAND...\n"
	"       tap client --proxy HOST:PORT -k FILE [--key-no N]\n"
	"       tap client --status [--json] | --check | --print-rules |\n"
	"                  --print-unit\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n"
	"\n"
	"  -c, --conf FILE    settings and rules (" CONF_CLIENT_FILE ")\n"
	"      --backend NAME netfilter, or pcap: sees SYNs go out, and sends\n"
	"                     the group after them\n"
	"      --to HOST:PORT authenticate the connections of COMMAND to there,\n"
	"                     and nothing else\n"
	"      --proxy HOST:PORT  connect there for standard input and output,\n"
	"                     as ssh's ProxyCommand\n"
	"  -k, --keys FILE    keys, as a server has them\n"
	"      --key-no N     which of them, where there are several\n"
	"      --passphrase-fd N\n"
	"                     where FILE is sealed: read the passphrase from\n"
	"                     this descriptor, not from the terminal\n"
	"      --check        validate the configuration, and do nothing else\n"
	"      --print-rules  print the firewall rules, and do nothing else\n"
	"      --print-unit   print a systemd unit, and do nothing else\n"
	"      --status       ask the running client\n"
	"      --queue N      the NFQUEUE to use, or the client to ask\n"
	"      --json         with --status: JSON\n"
	"  -v, --verbose      log more\n"
	"  -h, --help         this\n";

struct options {
	const char *conf, *to, *proxy, *keys;
	char **command; /* behind the options, or NULL */
	int key_no;	/* or -1 */
	bool wire;
	bool check, print_rules, print_unit, status, json, verbose, help;
	int queue; /* or -1 */
	int passphrase_fd; /* or -1 */
};

static int
parse_key_no(const char *text, int *key_no)
{
	char why[VALUE_WHY_MAX];
	unsigned long number;

	if (value_number(text, 0, 65535, &number, why) < 0) {
		fprintf(stderr, "tap client: --key-no: %s\n", why);
		return -1;
	}
	*key_no = (int)number;
	return 0;
}

static int
parse_backend(const char *text, bool *wire)
{
	static const char *const names[] = { "netfilter", "pcap", NULL };
	char why[VALUE_WHY_MAX];
	int choice;

	if (value_choice(text, names, &choice, why) < 0) {
		fprintf(stderr, "tap client: --backend: %s\n", why);
		return -1;
	}
	*wire = choice == 1;
	return 0;
}

/* What goes together, and what stands behind the options. */
static int
check_words(struct options *o, int count, char **words)
{
	const char *wrong = NULL;

	if (o->to && o->proxy) {
		wrong = "either --to or --proxy";
	} else if ((o->to || o->proxy) && !o->keys) {
		wrong = "-k FILE is missing";
	} else if (!o->to && !o->proxy && (o->keys || o->key_no >= 0)) {
		wrong = "-k and --key-no go with --to or --proxy";
	} else if ((o->to || o->proxy) && o->conf) {
		wrong = "-c does not go with --to or --proxy";
	} else if ((o->to || o->proxy) && o->wire) {
		wrong = "--backend pcap does not go with --to or --proxy";
	} else if (o->to && count == 0) {
		wrong = "a command is missing behind --";
	}
	if (wrong) {
		fprintf(stderr, "tap client: %s\n", wrong);
		return -1;
	}
	if (!o->to && count > 0) {
		fprintf(stderr, "tap client: '%s' is one word too many\n",
			words[0]);
		return -1;
	}
	o->command = o->to ? words : NULL;
	return 0;
}

static int
parse(int argc, char **argv, struct options *o)
{
	enum { CHECK = 256, PRINT_RULES, PRINT_UNIT, STATUS, JSON, QUEUE,
	       TO, PROXY, KEY_NO, PASSPHRASE, BACKEND };
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "backend", required_argument, NULL, BACKEND },
		{ "to", required_argument, NULL, TO },
		{ "proxy", required_argument, NULL, PROXY },
		{ "keys", required_argument, NULL, 'k' },
		{ "key-no", required_argument, NULL, KEY_NO },
		{ "check", no_argument, NULL, CHECK },
		{ "print-rules", no_argument, NULL, PRINT_RULES },
		{ "print-unit", no_argument, NULL, PRINT_UNIT },
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

	while ((option = getopt_long(argc, argv, "+c:k:vh", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->conf = optarg;
			break;
		case BACKEND:
			if (parse_backend(optarg, &o->wire) < 0) {
				return -1;
			}
			break;
		case TO:
			o->to = optarg;
			break;
		case PROXY:
			o->proxy = optarg;
			break;
		case 'k':
			o->keys = optarg;
			break;
		case KEY_NO:
			if (parse_key_no(optarg, &o->key_no) < 0) {
				return -1;
			}
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
	if (o->json && !o->status) {
		fprintf(stderr, "tap client: --json goes with --status\n");
		return -1;
	}
	return check_words(o, argc - optind, argv + optind);
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

/* Serve one command, or a relay, and nothing else. */
static int
run_task(const struct options *o)
{
	static struct task task = { .scope.root = -1 };
	const struct client_options run = { .task = &task };
	char err[CONF_ERROR_MAX], why[VALUE_WHY_MAX];
	struct conf_client *conf = NULL;
	const struct acl_key *key;
	struct key_file keys;

	task.argv = o->command;
	if (key_load(o->keys, &keys, err) < 0) {
		fprintf(stderr, "%s\n", err);
		return TAP_USAGE;
	}
	key = key_choose(&keys, o->key_no, o->keys, err);
	if (!key) {
		fprintf(stderr, "%s\n", err);
	}
	if (key && task_resolve(&task, o->to ? o->to : o->proxy, why) < 0) {
		fprintf(stderr, "tap client: %s\n", why);
		key = NULL;
	}
	if (key) {
		conf = conf_client_for(task.to, task.to_count, task.port, key);
	}
	key_free(&keys);
	if (!conf) {
		return TAP_USAGE;
	}
	log_open("tap client", false, o->verbose);
	log_quiet();
	return client_run(conf, &run);
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
	struct options o = { .queue = -1, .key_no = -1, .passphrase_fd = -1 };
	struct client_options run = { 0 };
	struct conf_client *conf;
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
	if (o.to || o.proxy) {
		return run_task(&o);
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
	run.path = o.conf;
	run.wire = o.wire;
	return client_run(conf, &run);
}
