#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "key.h"
#include "log.h"
#include "path_check.h"
#include "path_far.h"
#include "tap.h"
#include "target.h"
#include "trial.h"
#include "value.h"

#define PORT 8270u
#define ROUNDS 4u

static const char usage[] =
	"usage: tap probe-path HOST [options]\n"
	"       tap probe-path --listen [options]\n"
	"       tap probe-path --compare PLAN PCAP\n"
	"\n"
	"Tell whether TAP passes the network to a host, and if not, why.\n"
	"On the host, the same program has to listen.\n"
	"\n"
	"      --listen         be the far side\n"
	"  -i, --interface IF   listen on this device, not on all\n"
	"  -p, --port PORT      8270 unless named\n"
	"  -k, --keys FILE      a key file: who may use the far side\n"
	"      --key-no N       which of its keys, where there are several\n"
	"      --count N        how often each field is tried, 1 to 20\n"
	"      --trace          name the hop at which a field changes\n"
	"  -4, -6               only IPv4, only IPv6\n"
	"      --offline FILE   write the plan there, and ask no far side\n"
	"      --compare PLAN   with what a capture has of it\n"
	"  -w, --write FILE     keep all packets, as pcap\n"
	"      --json           JSON\n"
	"  -h, --help           this\n";

struct options {
	const char *port, *device, *keys, *key_no, *count, *compare;
	bool listen, help, only4, only6;
};

static int
complain(const char *object, const char *why)
{
	fprintf(stderr, "tap probe-path: %s: %s\n", object, why);
	return TAP_USAGE;
}

/* ---- the command line */

static int
parse(int argc, char **argv, struct options *o, struct path_check *c)
{
	enum { LISTEN = 256, KEY_NO, COUNT, TRACE, OFFLINE, COMPARE, JSON };
	static const struct option longs[] = {
		{ "listen", no_argument, NULL, LISTEN },
		{ "interface", required_argument, NULL, 'i' },
		{ "port", required_argument, NULL, 'p' },
		{ "keys", required_argument, NULL, 'k' },
		{ "key-no", required_argument, NULL, KEY_NO },
		{ "count", required_argument, NULL, COUNT },
		{ "trace", no_argument, NULL, TRACE },
		{ "offline", required_argument, NULL, OFFLINE },
		{ "compare", required_argument, NULL, COMPARE },
		{ "write", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "i:p:k:46w:h", longs,
				     NULL)) != -1) {
		switch (option) {
		case LISTEN:
			o->listen = true;
			break;
		case 'i':
			o->device = optarg;
			break;
		case 'p':
			o->port = optarg;
			break;
		case 'k':
			o->keys = optarg;
			break;
		case KEY_NO:
			o->key_no = optarg;
			break;
		case COUNT:
			o->count = optarg;
			break;
		case TRACE:
			c->trace = true;
			break;
		case '4':
			o->only4 = true;
			break;
		case '6':
			o->only6 = true;
			break;
		case OFFLINE:
			c->offline = optarg;
			break;
		case COMPARE:
			o->compare = optarg;
			break;
		case 'w':
			c->write = optarg;
			break;
		case JSON:
			c->json = true;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return -1;
		}
	}
	return 0;
}

/* The one word that is no option, or none. */
static int
take_word(int argc, char **argv, const char *name, const char **out)
{
	if (optind + (name != NULL) < argc) {
		fprintf(stderr, "tap probe-path: '%s' is one word too many\n",
			argv[optind + (name != NULL)]);
		return TAP_USAGE;
	}
	if (name && optind == argc) {
		fprintf(stderr, "tap probe-path: %s is missing\n", name);
		return TAP_USAGE;
	}
	if (name) {
		*out = argv[optind];
	}
	return TAP_OK;
}

/* Options that mean nothing together. */
static int
check_words(const struct options *o, const struct path_check *c)
{
	if (o->compare && (o->listen || o->port || o->keys || o->key_no ||
			   o->count || c->trace || o->only4 || o->only6 ||
			   c->offline || c->write)) {
		return complain("--compare", "goes with --json alone");
	}
	if (o->listen && (o->key_no || o->count || c->trace || o->only4 ||
			  o->only6 || c->offline || c->json)) {
		return complain("--listen",
				"goes with -i, -p, -k and -w alone");
	}
	if (o->device && !o->listen) {
		return complain("-i", "is for --listen");
	}
	if (o->only4 && o->only6) {
		return complain("-4", "either that or -6");
	}
	if (c->offline && (o->keys || c->json || c->trace)) {
		return complain("--offline", "has no use for -k, --json and "
					     "--trace");
	}
	if (o->key_no && !o->keys) {
		return complain("--key-no", "-k is missing");
	}
	return TAP_OK;
}

static int
take_numbers(const struct options *o, struct path_check *c)
{
	char why[VALUE_WHY_MAX];
	unsigned long number = ROUNDS;

	c->port = PORT;
	if (o->port && value_port(o->port, &c->port, why) < 0) {
		return complain("-p", why);
	}
	if (o->count &&
	    value_number(o->count, 1, TRIAL_COUNT_MAX, &number, why) < 0) {
		return complain("--count", why);
	}
	c->rounds = (unsigned)number;
	return TAP_OK;
}

/* ---- keys */

static int
load_keys(const struct options *o, struct key_file *keys)
{
	char err[CONF_ERROR_MAX];

	if (o->keys && key_load(o->keys, keys, err) < 0) {
		fprintf(stderr, "tap probe-path: %s\n", err);
		return TAP_USAGE;
	}
	if (o->keys && keys->count == 0) {
		return complain(o->keys, "there is no key in it");
	}
	return TAP_OK;
}

static int
choose_key(const struct options *o, const struct key_file *keys,
	   struct path_check *c)
{
	char why[VALUE_WHY_MAX];
	unsigned long no;

	if (!o->key_no) {
		c->key = keys->keys;
		return keys->count == 1 ?
			       TAP_OK :
			       complain(o->keys, "it has several keys: name "
						 "one by --key-no");
	}
	if (value_number(o->key_no, 0, UINT16_MAX, &no, why) < 0) {
		return complain("--key-no", why);
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->keys[i].no == no) {
			c->key = &keys->keys[i];
		}
	}
	return c->key ? TAP_OK : complain("--key-no", "there is no such key");
}

/* ---- the host */

/* One address of each version of IP, of those that there is a way to. */
static size_t
choose_targets(const struct options *o, struct finding_target *targets,
	       size_t count)
{
	size_t kept = 0;
	bool has[2] = { o->only6, o->only4 };

	for (size_t i = 0; i < count; i++) {
		size_t six = targets[i].addr.family == 6;

		if (!has[six]) {
			has[six] = true;
			targets[kept++] = targets[i];
		}
	}
	return kept;
}

static int
find_targets(const struct options *o, struct path_check *c,
	     struct finding_target **targets)
{
	char why[TARGET_WHY_MAX];
	struct finding_target first;
	size_t count;
	int error;
	int rc;

	if (strchr(c->host, '/')) {
		return complain(c->host, "is no single host");
	}
	rc = target_find(c->host, targets, &count, why);
	if (rc < 0) {
		fprintf(stderr, "tap probe-path: %s\n", why);
		return rc == TARGET_WRONG ? TAP_USAGE : TAP_SYSTEM;
	}
	count = choose_targets(o, *targets, count);
	if (count == 0) {
		return complain(c->host, "has no address of that version of "
					 "IP");
	}
	rc = target_leave_out(*targets, &count, &first, &error);
	if (rc < 0 || count == 0) {
		complain(c->host, strerror(rc < 0 ? -rc : error));
		return TAP_SYSTEM;
	}
	if (error) {
		fprintf(stderr, "tap probe-path: %s: %s: not tried\n",
			first.text, strerror(error));
	}
	if (c->offline && count > 1) {
		return complain("--offline", "the host has IPv4 and IPv6: "
					     "choose by -4 or -6");
	}
	c->targets = *targets;
	c->target_count = count;
	return TAP_OK;
}

/* ---- what is to be done */

static int
listen_far(const struct options *o, const struct path_check *c,
	   const struct key_file *keys)
{
	struct path_far_options options = {
		.device = o->device,
		.port = c->port,
		.keys = o->keys ? keys : NULL,
		.write = c->write,
	};
	char why[PATH_FAR_WHY_MAX];

	log_open("tap probe-path", false, false);
	if (path_far_run(&options, why) < 0) {
		fprintf(stderr, "tap probe-path: %s\n", why);
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
run(const struct options *o, struct path_check *c,
    const struct key_file *keys, const char *word)
{
	struct finding_target *targets = NULL;
	int status;

	c->host = word;
	if (o->listen) {
		return listen_far(o, c, keys);
	}
	if (o->compare) {
		return path_check_compare(c, o->compare, word);
	}
	status = o->keys ? choose_key(o, keys, c) : TAP_OK;
	status = status ? status : find_targets(o, c, &targets);
	status = status ? status : path_check_run(c);
	free(targets);
	return status;
}

int
cmd_probe_path(int argc, char **argv)
{
	struct path_check check = { 0 };
	struct key_file keys = { 0 };
	struct options o = { 0 };
	const char *word = NULL;
	int status;

	if (parse(argc, argv, &o, &check) < 0) {
		fprintf(stderr, "'tap probe-path -h' tells more\n");
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	status = take_word(argc, argv,
			   o.listen  ? NULL :
			   o.compare ? "PCAP" :
				       "HOST",
			   &word);
	status = status ? status : check_words(&o, &check);
	status = status ? status : take_numbers(&o, &check);
	status = status ? status : load_keys(&o, &keys);
	status = status ? status : run(&o, &check, &keys, word);
	key_free(&keys);
	return status;
}
