#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access_change.h"
#include "access_check.h"
#include "access_show.h"
#include "access_test.h"
#include "clock.h"
#include "secret.h"
#include "tap.h"
#include "value.h"

static const char usage[] =
	"usage: tap acl check [--within SPAN] [--strict]\n"
	"       tap acl show [--port P] [--key N]\n"
	"       tap acl test --port P --key N [--at T] [--src ADDR]\n"
	"       tap acl allow --port P --key 10,20-23 [--dry-run] [--reload]\n"
	"       tap acl deny --port P --key 10,20-23 [--dry-run] [--reload]\n"
	"\n"
	"Check, show and change who may use what.\n"
	"\n"
	"  check: the server's three files as a whole\n"
	"      --within SPAN  warn of keys that end within (14d)\n"
	"      --strict       exit 1 where there are warnings\n"
	"  show: who may use what\n"
	"      --port P       only this port, or range of ports\n"
	"      --key N        only these keys\n"
	"  test: would it get in, and if not, by which line of which file\n"
	"      --at T         at 2027-01-01[T00:00:00Z], not now\n"
	"      --src ADDR     from there\n"
	"  allow, deny: change ACL.conf\n"
	"      --dry-run      show the change, and do not make it\n"
	"      --reload       tell the running server\n"
	"      --queue N      the running server's NFQUEUE\n"
	"\n"
	"  -c, --conf FILE    settings and rules (" CONF_SERVER_FILE ")\n"
	"  -k, --keys FILE    keys (" CONF_SERVER_KEYS ")\n"
	"  -a, --acl FILE     who may use what (" CONF_SERVER_ACL ")\n"
	"  -p, --port P       a port, a service's name, or a range\n"
	"  -n, --key N        numbers of keys\n"
	"      --json         JSON\n"
	"  -h, --help         this\n";

/* The verbs, as bits: which options each takes. */
enum {
	CHECK = 1,
	SHOW = 2,
	TEST = 4,
	CHANGE = 8,
	ALL = 15,
};

static const struct {
	const char *name;
	int verb;
} verbs[] = {
	{ "check", CHECK }, { "show", SHOW },	{ "test", TEST },
	{ "allow", CHANGE }, { "deny", CHANGE },
};

enum {
	WITHIN = 256, STRICT, AT, SRC, DRY_RUN, RELOAD, QUEUE, JSON,
};

static const struct option longs[] = {
	{ "conf", required_argument, NULL, 'c' },
	{ "keys", required_argument, NULL, 'k' },
	{ "acl", required_argument, NULL, 'a' },
	{ "port", required_argument, NULL, 'p' },
	{ "key", required_argument, NULL, 'n' },
	{ "within", required_argument, NULL, WITHIN },
	{ "strict", no_argument, NULL, STRICT },
	{ "at", required_argument, NULL, AT },
	{ "src", required_argument, NULL, SRC },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "reload", no_argument, NULL, RELOAD },
	{ "queue", required_argument, NULL, QUEUE },
	{ "json", no_argument, NULL, JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Which verbs an option is for. */
static int
verbs_of(int option)
{
	switch (option) {
	case 'p':
	case 'n':
		return SHOW | TEST | CHANGE;
	case WITHIN:
	case STRICT:
		return CHECK;
	case AT:
	case SRC:
		return TEST;
	case DRY_RUN:
	case RELOAD:
	case QUEUE:
		return CHANGE;
	default:
		return ALL;
	}
}

static const char *
long_name(int option)
{
	const struct option *at = longs;

	while (at->val != option) {
		at++;
	}
	return at->name;
}

static int
take_keys(struct access_options *o, const char *value, char *why)
{
	free(o->keys);
	o->keys = NULL;
	o->has_key = true;
	if (strcmp(value, "ANY") != 0) {
		return value_ranges(value, false, &o->keys, &o->keys_count,
				    why);
	}
	o->keys = calloc(1, sizeof *o->keys);
	if (!o->keys) {
		return value_fail(why, "out of memory");
	}
	o->keys->high = UINT16_MAX;
	o->keys_count = 1;
	return 0;
}

static int
take_port(struct access_options *o, const char *value, char *why)
{
	o->has_port = true;
	if (strcmp(value, "ANY") == 0) {
		o->port = (struct acl_range){ 0, UINT16_MAX };
		return 0;
	}
	return value_port_range(value, &o->port, why);
}

static int
take_src(struct access_options *o, const char *value, char *why)
{
	o->has_src = true;
	if (strchr(value, '/') || strcmp(value, "ANY") == 0) {
		return value_fail(why, "'%.64s' is not one address", value);
	}
	return value_net(value, &o->src, why);
}

static int
take_queue(struct access_options *o, const char *value, char *why)
{
	unsigned long queue;

	if (value_number(value, 0, 65534, &queue, why) < 0) {
		return -1;
	}
	o->queue = (int)queue;
	return 0;
}

static int
take(struct access_options *o, int option, const char *value, char *why)
{
	switch (option) {
	case 'c':
		o->from.conf = value;
		return 0;
	case 'k':
		o->from.keys = value;
		return 0;
	case 'a':
		o->from.acl = value;
		return 0;
	case 'p':
		return take_port(o, value, why);
	case 'n':
		return take_keys(o, value, why);
	case WITHIN:
		return value_duration(value, &o->within, why);
	case AT:
		return value_time(value, &o->at, why);
	case SRC:
		return take_src(o, value, why);
	case QUEUE:
		return take_queue(o, value, why);
	case STRICT:
		o->strict = true;
		return 0;
	case DRY_RUN:
		o->dry_run = true;
		return 0;
	case RELOAD:
		o->reload = true;
		return 0;
	default:
		o->json = true;
		return 0;
	}
}

/* 0, 1 where help is wanted, or -1 with the error said. */
static int
parse(int argc, char **argv, const char *verb, int bit,
      struct access_options *o)
{
	char why[VALUE_WHY_MAX];
	int option;

	while ((option = getopt_long(argc, argv, "c:k:a:p:n:h", longs,
				     NULL)) != -1) {
		if (option == '?') {
			return -1;
		}
		if (option == 'h') {
			return 1;
		}
		if (!(verbs_of(option) & bit)) {
			fprintf(stderr, "tap acl %s: --%s is not for it\n",
				verb, long_name(option));
			return -1;
		}
		if (take(o, option, optarg, why) < 0) {
			fprintf(stderr, "tap acl %s: --%s: %s\n", verb,
				long_name(option), why);
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tap acl %s: '%s' is one word too many\n",
			verb, argv[optind]);
		return -1;
	}
	return 0;
}

static int
check_needs(const struct access_options *o, const char *verb, int bit)
{
	const char *missing = NULL;

	if ((bit & (TEST | CHANGE)) && !o->has_port) {
		missing = "--port";
	} else if ((bit & (TEST | CHANGE)) && !o->has_key) {
		missing = "--key";
	}
	if (missing) {
		fprintf(stderr, "tap acl %s: %s is missing\n", verb, missing);
		return -1;
	}
	if (bit == TEST && (o->port.low != o->port.high ||
			    o->keys_count != 1 ||
			    o->keys->low != o->keys->high)) {
		fprintf(stderr, "tap acl test: one port and one key\n");
		return -1;
	}
	return 0;
}

static int
run(const struct access_options *o, const char *verb, int bit)
{
	switch (bit) {
	case CHECK:
		return access_check(o);
	case SHOW:
		return access_show(o);
	case TEST:
		return access_test(o);
	default:
		return access_change(o, strcmp(verb, "allow") == 0);
	}
}

static int
bit_of(const char *verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, verb) == 0) {
			return verbs[i].verb;
		}
	}
	return 0;
}

int
cmd_acl(int argc, char **argv)
{
	struct access_options o = { .queue = -1 };
	const char *verb = argc > 1 ? argv[1] : "";
	int bit = bit_of(verb);
	int status = TAP_USAGE;
	int rc;

	secret_harden();
	o.at = clock_instant();
	value_duration("14d", &o.within, NULL);
	if (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	if (bit == 0) {
		fprintf(stderr, argc > 1 ? "tap acl: no verb '%s'; 'tap acl "
					   "-h' lists them\n" :
					   "tap acl: check, show, test, allow "
					   "or deny?%s\n", verb);
		return TAP_USAGE;
	}
	rc = parse(argc - 1, argv + 1, verb, bit, &o);
	if (rc > 0) {
		fputs(usage, stdout);
		status = TAP_OK;
	} else if (rc < 0) {
		fprintf(stderr, "'tap acl -h' tells more\n");
	} else if (check_needs(&o, verb, bit) == 0) {
		status = run(&o, verb, bit);
	}
	free(o.keys);
	return status;
}
