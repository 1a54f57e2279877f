#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "base/why.h"
#include "conf/keyfile.h"
#include "daemon/log.h"
#include "conf/options.h"
#include "probe_path/run.h"
#include "probe_path/far_side.h"
#include "tap.h"
#include "measure/target.h"
#include "probe_path/trial.h"

#define PORT 8270u
#define ROUNDS 4u

static const char usage[] =
	"usage: tap probe-path HOST [options]\n"
	"       tap probe-path --listen [options]\n"
	"       tap probe-path --compare PLAN PCAP\n"
	"\n"
	"Tell whether TAP passes the network to a host, and if not, why.\n"
	"On the host, the same program has to listen.\n";

struct options {
	const char *device, *keys, *compare;
	bool listen, only4, only6, has_port, has_count;
	long key_no; /* or -1 */
	long count;
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
	const struct option_word words[] = {
		{ OPTION_FLAG(0, "listen", "be the far side", &o->listen) },
		{ OPTION('i', "interface", "IF",
			 "listen on this device, not on all", option_text,
			 &o->device) },
		{ OPTION('p', "port", "PORT", "8270 unless named", option_port,
			 &c->port),
		  .seen = &o->has_port },
		{ OPTION('k', "keys", "FILE",
			 "a key file: who may use the far side", option_text,
			 &o->keys) },
		{ OPTION_NUMBER(0, "key-no", "N",
				"which of its keys, where there are several",
				&o->key_no, 0, UINT16_MAX) },
		{ OPTION_NUMBER(0, "count", "N",
				"how often each field is tried, 1 to 20",
				&o->count, 1, TRIAL_COUNT_MAX),
		  .seen = &o->has_count },
		{ OPTION_FLAG(0, "trace",
			      "name the hop at which a field changes",
			      &c->trace) },
		{ OPTION_FLAG('4', NULL, "only IPv4", &o->only4) },
		{ OPTION_FLAG('6', NULL, "only IPv6", &o->only6) },
		{ OPTION(0, "offline", "FILE",
			 "write the plan there, and ask no far side",
			 option_text, &c->offline) },
		{ OPTION(0, "compare", "PLAN", "with what a capture has of it",
			 option_text, &o->compare) },
		{ OPTION('w', "write", "FILE", "keep all packets, as pcap",
			 option_text, &c->write) },
		{ OPTION_FLAG(0, "json", "JSON", &c->json) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	int at = option_parse(&list, argc, argv);

	c->rounds = (unsigned)o->count;
	return at;
}

/* The one word that is no option, or none. */
static int
take_word(int at, int argc, char **argv, const char *name, const char **out)
{
	if (name && at == argc) {
		fprintf(stderr, "tap probe-path: %s is missing\n", name);
		return TAP_USAGE;
	}
	if (name) {
		*out = argv[at++];
	}
	return option_end(at, argc, argv) < 0 ? TAP_USAGE : TAP_OK;
}

static bool
is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static int
check_words(const struct options *o, const struct path_check *c)
{
	const bool near_only = o->key_no >= 0 || o->has_count || c->trace ||
		o->only4 || o->only6 || c->offline;
	const struct option_rule rules[] = {
		{ o->compare &&
			  (near_only || o->listen || o->has_port || o->keys ||
			   c->write),
		  "--compare: can only be used with --json" },
		{ o->listen && (near_only || c->json),
		  "--listen: can only be used with -i, -p, -k and -w" },
		{ is_stdout(c->write),
		  "-w: standard output is for the report: name a file" },
		{ is_stdout(c->offline), "--offline: name a file" },
		{ o->device && !o->listen, "-i: is for --listen" },
		{ o->only4 && o->only6, "-4: either that or -6" },
		{ c->offline && (o->keys || c->json || c->trace),
		  "--offline: can't be used with -k, --json or --trace" },
		{ o->key_no >= 0 && !o->keys, "--key-no: -k is missing" },
	};

	return OPTION_CHECK("tap probe-path", rules) < 0 ? TAP_USAGE : TAP_OK;
}

/* ---- keys */

static int
load_keys(const struct options *o, struct key_file *keys)
{
	char err[CONF_ERROR_MAX];
	int rc = o->keys ? key_load(o->keys, keys, err) : 0;

	if (rc < 0) {
		fprintf(stderr, "tap probe-path: %s\n", err);
		return conf_status(rc);
	}
	if (o->keys && keys->count == 0) {
		return complain(o->keys, "it has no key");
	}
	return TAP_OK;
}

static int
choose_key(const struct options *o, const struct key_file *keys,
	   struct path_check *c)
{
	char err[CONF_ERROR_MAX];

	c->key = key_choose(keys, o->key_no, o->keys, err);
	if (!c->key) {
		fprintf(stderr, "tap probe-path: %s\n", err);
	}
	return c->key ? TAP_OK : TAP_USAGE;
}

/* ---- the host */

/* Choose one address of each version of IP, of those that have a route. */
static size_t
choose_targets(const struct options *o, struct target_addr *targets,
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
	     struct target_addr **targets)
{
	char why[WHY_MAX];
	struct target_addr first;
	size_t count;
	int error;
	int rc;

	if (strchr(c->host, '/')) {
		return complain(c->host, "is a network, not a host");
	}
	rc = target_find(c->host, targets, &count, why);
	if (rc < 0) {
		fprintf(stderr, "tap probe-path: %s\n", why);
		return rc == TARGET_WRONG ? TAP_USAGE : TAP_SYSTEM;
	}
	count = choose_targets(o, *targets, count);
	if (count == 0) {
		return complain(c->host, "has no address of that IP version");
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
		return complain("--offline",
				"the host has IPv4 and IPv6: "
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
	char why[WHY_MAX];

	log_open("tap probe-path", false);
	if (path_far_run(&options, why) < 0) {
		fprintf(stderr, "tap probe-path: %s\n", why);
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
run(const struct options *o, struct path_check *c, const struct key_file *keys,
    const char *word)
{
	struct target_addr *targets = NULL;
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
	struct path_check check = { .port = PORT };
	struct key_file keys = { 0 };
	struct options o = { .key_no = -1, .count = ROUNDS };
	const char *word = NULL;
	int at = parse(argc, argv, &o, &check);
	int status;

	if (at < 0) {
		return option_status(at);
	}
	status = take_word(at, argc, argv,
			   o.listen            ? NULL
				   : o.compare ? "PCAP"
					       : "HOST",
			   &word);
	status = status ? status : check_words(&o, &check);
	status = status ? status : load_keys(&o, &keys);
	status = status ? status : run(&o, &check, &keys, word);
	key_free(&keys);
	return status;
}
