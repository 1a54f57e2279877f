#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/change.h"
#include "acl/check.h"
#include "acl/fleet.h"
#include "acl/key_names.h"
#include "acl/push.h"
#include "acl/show.h"
#include "acl/would_admit.h"
#include "os/clock.h"
#include "conf/options.h"
#include "base/secret.h"
#include "tap.h"
#include "conf/value.h"

static const char usage[] =
	"usage: tap acl check [--within SPAN] [--strict]\n"
	"       tap acl show [--port P,...] [--key N|NAME,...]\n"
	"       tap acl test --port P --key N|NAME [--at T] [--src ADDR]\n"
	"       tap acl allow --port P,... --key N|NAME,... [...]\n"
	"       tap acl deny --port P,... --key N|NAME,... [...]\n"
	"       tap acl push [--to PLACE,...] [--bundle-key FILE]\n"
	"       tap acl status --fleet [--to ENGINE]\n"
	"\n"
	"Check, show and change who may use what.\n";

/* The verbs, as bits: which options each takes. */
enum {
	CHECK = 1,
	SHOW = 2,
	TEST = 4,
	CHANGE = 8,
	PUSH = 16,
	STATUS = 32,
};

static const struct {
	const char *name;
	unsigned verb;
} verbs[] = {
	{ "check", CHECK },   { "show", SHOW },   { "test", TEST },
	{ "allow", CHANGE },  { "deny", CHANGE }, { "push", PUSH },
	{ "status", STATUS },
};

/* Numbers and names; the key file tells whose. */
static int
take_keys(void *into, const char *value, char *why)
{
	struct access_options *o = into;

	o->keys_text = value;
	return value[0] != '\0' ? 0 : value_fail(why, "it is empty");
}

static int
take_ports(void *into, const char *value, char *why)
{
	struct access_options *o = into;

	free(o->ports);
	o->ports = NULL;
	if (strcmp(value, "ANY") != 0) {
		return value_ranges(value, true, &o->ports, &o->ports_count,
				    why);
	}
	o->ports = calloc(1, sizeof *o->ports);
	if (!o->ports) {
		return value_no_memory(why);
	}
	o->ports->high = UINT16_MAX;
	o->ports_count = 1;
	return 0;
}

static int
take_src(void *into, const char *value, char *why)
{
	struct access_options *o = into;

	if (strchr(value, '/') || strcmp(value, "ANY") == 0) {
		return value_fail(why, "'%.64s' is not one address", value);
	}
	return value_net(value, &o->src, why);
}

static const char *const names[] = { "check", "show", "test",   "allow",
				     "deny",  "push", "status", NULL };

static int
parse(int argc, char **argv, unsigned verb, struct access_options *o)
{
	const struct option_word words[] = {
		{ .help = "check: the server's three files as a whole" },
		{ OPTION(0, "within", "SPAN",
			 "warn of keys that end within (14d)", option_duration,
			 &o->within),
		  .verbs = CHECK },
		{ OPTION_FLAG(0, "strict", "exit 1 where there are warnings",
			      &o->strict),
		  .verbs = CHECK },
		{ .help = "show: who may use what; of --port P, of --key N" },
		{ .help = "test: would it get in, and if not, by which line "
			  "of which file" },
		{ OPTION(0, "at", "T", "at 2027-01-01[T00:00:00Z], not now",
			 option_time, &o->at),
		  .verbs = TEST },
		{ OPTION(0, "src", "ADDR", "from there", take_src, o),
		  .seen = &o->has_src, .verbs = TEST },
		{ .help = "allow, deny: change ACL.conf" },
		{ OPTION_FLAG(0, "dry-run",
			      "show the change, and do not make it",
			      &o->dry_run),
		  .verbs = CHANGE },
		{ OPTION_FLAG(0, "reload", "tell the running server",
			      &o->reload),
		  .verbs = CHANGE },
		{ OPTION_NUMBER(0, "queue", "N", "the running server's NFQUEUE",
				&o->queue, 0, SETTINGS_QUEUE_MAX),
		  .verbs = CHANGE },
		{ .help = "push: the three files as a bundle, to all servers" },
		{ OPTION(0, "to", "PLACE",
			 "/PATH, HOST[:/PATH], redis://HOST[:PORT][/DB];\n"
			 "as replay_share",
			 option_text, &o->to),
		  .verbs = PUSH | STATUS },
		{ OPTION(0, "bundle-key", "FILE",
			 "the bundle's key (" BUNDLE_KEY_FILE "); made where\n"
			 "there is none",
			 option_text, &o->bundle_key),
		  .verbs = PUSH | STATUS },
		{ .help = "status: what servers have" },
		{ OPTION_FLAG(0, "fleet", "of all that report to an engine",
			      &o->fleet),
		  .verbs = STATUS },
		{ .help = "" },
		{ OPTION('c', "conf", "FILE",
			 "settings and rules (" SERVER_CONF_FILE ")",
			 option_text, &o->from.conf) },
		{ OPTION('k', "keys", "FILE", "keys (" SERVER_CONF_KEYS ")",
			 option_text, &o->from.keys) },
		{ OPTION('a', "acl", "FILE",
			 "who may use what (" SERVER_CONF_ACL ")", option_text,
			 &o->from.acl) },
		{ OPTION('p', "port", "P",
			 "ports, services' names, ranges: 22,8000-8010",
			 take_ports, o),
		  .seen = &o->has_port, .verbs = SHOW | TEST | CHANGE },
		{ OPTION('n', "key", "N",
			 "keys by number or name: 10,20-23,alice", take_keys,
			 o),
		  .seen = &o->has_key, .verbs = SHOW | TEST | CHANGE },
		{ OPTION_FLAG(0, "json", "JSON", &o->json) },
	};
	const struct option_list list = {
		OPTION_LIST(usage, words),
		.verb = verb,
		.verbs = names,
	};
	int at = option_parse(&list, argc, argv);

	return at < 0 ? at : option_end(at, argc, argv);
}

static int
check_needs(const struct access_options *o, const char *verb, unsigned bit)
{
	const char *missing = NULL;

	if (bit == STATUS && !o->fleet) {
		missing = "--fleet";
	} else if ((bit & (TEST | CHANGE)) && !o->has_port) {
		missing = "--port";
	} else if ((bit & (TEST | CHANGE)) && !o->has_key) {
		missing = "--key";
	}
	if (missing) {
		fprintf(stderr, "tap acl %s: %s is missing\n", verb, missing);
		return -1;
	}
	return 0;
}

static bool
is_one(const struct acl_range *ranges, size_t count)
{
	return count == 1 && ranges->low == ranges->high;
}

/* Also names, which are looked up in the key file. */
static int
check_one(const struct access_options *o, unsigned bit)
{
	if (bit != TEST) {
		return 0;
	}
	if (!is_one(o->keys, o->keys_count) && o->keys_count > 0 &&
	    o->keys_text[strspn(o->keys_text, "0123456789-, \t")] != '\0' &&
	    !strchr(o->keys_text, ',')) {
		fprintf(stderr,
			"tap acl test: several keys are called '%s': say "
			"which, by number\n",
			o->keys_text);
		return -1;
	}
	if (!is_one(o->keys, o->keys_count) ||
	    !is_one(o->ports, o->ports_count)) {
		fprintf(stderr, "tap acl test: one port and one key\n");
		return -1;
	}
	return 0;
}

static int
run(const struct access_options *o, const char *verb, unsigned bit)
{
	switch (bit) {
	case CHECK:
		return access_check(o);
	case SHOW:
		return access_show(o);
	case TEST:
		return access_test(o);
	case PUSH:
		return access_push(o);
	case STATUS:
		return access_fleet(o);
	default:
		return access_change(o, strcmp(verb, "allow") == 0);
	}
}

static unsigned
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
	unsigned bit = bit_of(verb);
	char name[32];
	int status;

	secret_harden();
	o.at = clock_instant();
	value_duration("14d", &o.within, NULL);
	if (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0) {
		parse(argc, argv, 0, &o);
		return TAP_OK;
	}
	if (bit == 0) {
		fprintf(stderr,
			argc > 1 ? "tap acl: no verb '%s'; 'tap acl "
				   "-h' lists them\n"
				 : "tap acl: check, show, test, allow, "
				   "deny, push or status?%s\n",
			verb);
		return TAP_USAGE;
	}
	/* Error messages name the verb, too. */
	snprintf(name, sizeof name, "tap acl %s", verb);
	argv[1] = name;
	status = parse(argc - 1, argv + 1, bit, &o);
	if (status < 0) {
		status = option_status(status);
	} else if (check_needs(&o, verb, bit) < 0) {
		status = TAP_USAGE;
	} else {
		status = access_resolve_keys(&o);
		if (status == TAP_OK) {
			status = check_one(&o, bit) < 0 ? TAP_USAGE
							: run(&o, verb, bit);
		}
	}
	free(o.keys);
	free(o.ports);
	return status;
}
