#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen.h"
#include "prompt.h"
#include "secret.h"
#include "tap.h"
#include "value.h"

static const char usage[] =
	"usage: tap keygen --key-no N [--name TEXT] [...]\n"
	"       tap keygen --key-no N --client HOST:PORT [...]\n"
	"       tap keygen --key-no N --client HOST:PORT --both DIR [...]\n"
	"       tap keygen --rotate N --append FILE [...]\n"
	"\n"
	"Make keys: print a line for server.key, and nothing else.\n"
	"\n"
	"  -n, --key-no N       the number, 0 to 65535\n"
	"      --name TEXT      whose it is, for the log\n"
	"      --alg ALG        hmac-sha256, or the papers' hmac-md5\n"
	"      --auth BITS      30, 60 (the default), 89 or 118\n"
	"      --bytes N        of secret, 16 to 64 (32; hmac-md5: 16)\n"
	"      --realm TEXT     the service or cluster it is for\n"
	"      --not-before T   valid from: 2027-01-01[T00:00:00Z]\n"
	"      --not-after T    valid until\n"
	"      --valid SPAN     valid for: 90d, 12h, 30m\n"
	"      --count N        N keys, numbered upward past taken numbers\n"
	"      --client HOST:PORT\n"
	"                       print the client's rule instead; repeatable\n"
	"  -a, --append FILE    put the line into a key file, and print the\n"
	"                       number (or the client's rule)\n"
	"      --both DIR       write DIR/server.key (or --append FILE) and\n"
	"                       DIR/TAPclientd.conf\n"
	"      --rotate N       make key N's successor, and let N end\n"
	"      --overlap SPAN   how long both are valid (7d)\n"
	"      --passphrase     seal what the client gets with a passphrase\n"
	"      --passphrase-fd N\n"
	"                       read it from a descriptor, not the terminal\n"
	"      --json           JSON, one object a line\n"
	"  -h, --help           this\n";

enum {
	NAME = 256, ALG, AUTH, BYTES, REALM, NOT_BEFORE, NOT_AFTER, VALID,
	COUNT, CLIENT, BOTH, ROTATE, OVERLAP, PASSPHRASE, PASSPHRASE_FD, JSON,
};

static const struct option longs[] = {
	{ "key-no", required_argument, NULL, 'n' },
	{ "name", required_argument, NULL, NAME },
	{ "alg", required_argument, NULL, ALG },
	{ "auth", required_argument, NULL, AUTH },
	{ "bytes", required_argument, NULL, BYTES },
	{ "realm", required_argument, NULL, REALM },
	{ "not-before", required_argument, NULL, NOT_BEFORE },
	{ "not-after", required_argument, NULL, NOT_AFTER },
	{ "valid", required_argument, NULL, VALID },
	{ "count", required_argument, NULL, COUNT },
	{ "client", required_argument, NULL, CLIENT },
	{ "append", required_argument, NULL, 'a' },
	{ "both", required_argument, NULL, BOTH },
	{ "rotate", required_argument, NULL, ROTATE },
	{ "overlap", required_argument, NULL, OVERLAP },
	{ "passphrase", no_argument, NULL, PASSPHRASE },
	{ "passphrase-fd", required_argument, NULL, PASSPHRASE_FD },
	{ "json", no_argument, NULL, JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* The options, and which of them stood there. */
struct args {
	struct keygen_options o;
	bool help, has_after, has_overlap;
	int fd; /* of the passphrase, or -1 */
};

static const char *
long_name(int option)
{
	const struct option *at = longs;

	while (at->val != option) {
		at++;
	}
	return at->name;
}

/* Options that are words of a key.  0, -1, or 1 where it is none. */
static int
take_word(struct args *a, int option, const char *value, char *why)
{
	struct keygen_options *o = &a->o;

	switch (option) {
	case 'n':
		o->has_no = true;
		return key_set_no(&o->spec, value, why);
	case NAME:
		o->has_name = true;
		return key_set_name(&o->spec, value, why);
	case ALG:
		o->has_alg = true;
		return key_set_alg(&o->spec, value, why);
	case AUTH:
		o->has_auth = true;
		return key_set_auth(&o->spec, value, why);
	case REALM:
		o->has_realm = true;
		return key_set_realm(&o->spec, value, why);
	case NOT_BEFORE:
		o->has_before = true;
		return key_set_not_before(&o->spec, value, why);
	case NOT_AFTER:
		a->has_after = true;
		return key_set_not_after(&o->spec, value, why);
	default:
		return 1;
	}
}

static int
take_target(struct keygen_options *o, const char *value, char *why)
{
	if (o->targets_count == KEYGEN_TARGETS_MAX) {
		return value_fail(why, "more than %u", KEYGEN_TARGETS_MAX);
	}
	return keygen_target(&o->targets[o->targets_count++], value, why);
}

static int
take_number(unsigned long *out, const char *value, unsigned long low,
	    unsigned long high, char *why)
{
	return value_number(value, low, high, out, why);
}

static int
take_option(struct args *a, int option, const char *value, char *why)
{
	struct keygen_options *o = &a->o;
	unsigned long number = 0;
	int rc = 0;

	switch (option) {
	case BYTES:
		rc = take_number(&number, value, MAC_SECRET_MIN,
				 MAC_SECRET_MAX, why);
		o->bytes = number;
		break;
	case VALID:
		rc = value_duration(value, &o->valid, why);
		break;
	case COUNT:
		o->skip = true;
		rc = take_number(&o->count, value, 1, ACL_KEYS_MAX, why);
		break;
	case CLIENT:
		rc = take_target(o, value, why);
		break;
	case ROTATE:
		rc = take_number(&number, value, 0, 65535, why);
		o->rotate = (long)number;
		break;
	case OVERLAP:
		a->has_overlap = true;
		rc = value_duration(value, &o->overlap, why);
		break;
	case PASSPHRASE_FD:
		o->seal = true;
		rc = prompt_option(value, &a->fd, why);
		break;
	case PASSPHRASE:
		o->seal = true;
		break;
	case 'a':
		o->append = value;
		break;
	case BOTH:
		o->both = value;
		break;
	case JSON:
		o->json = true;
		break;
	case 'h':
		a->help = true;
		break;
	default:
		break;
	}
	return rc;
}

static int
parse(int argc, char **argv, struct args *a)
{
	char why[VALUE_WHY_MAX];
	int option;

	while ((option = getopt_long(argc, argv, "n:a:h", longs, NULL)) !=
	       -1) {
		int rc;

		if (option == '?') {
			return -1;
		}
		rc = take_word(a, option, optarg, why);
		if (rc > 0) {
			rc = take_option(a, option, optarg, why);
		}
		if (rc < 0) {
			fprintf(stderr, "tap keygen: --%s: %s\n",
				long_name(option), why);
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tap keygen: '%s' is one word too many\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

/* Options that contradict each other or want another one. */
static const char *
contradiction(const struct args *a)
{
	const struct keygen_options *o = &a->o;

	if (!o->has_no && o->rotate < 0) {
		return "--key-no is missing";
	}
	if (o->valid && a->has_after) {
		return "either --valid or --not-after";
	}
	if (o->rotate >= 0 && !o->append) {
		return "--rotate wants --append FILE";
	}
	if (o->rotate >= 0 && o->skip) {
		return "either --rotate or --count";
	}
	if (a->has_overlap && o->rotate < 0) {
		return "--overlap wants --rotate";
	}
	if (o->both && o->targets_count == 0) {
		return "--both wants --client HOST:PORT";
	}
	if (o->seal && o->targets_count == 0) {
		return "--passphrase is for what --client HOST:PORT makes";
	}
	if (o->seal && o->json && !o->both) {
		return "--json with --passphrase wants --both";
	}
	return NULL;
}

/* The words as they will be read: before anybody is asked anything. */
static int
check_words(const struct keygen_options *o)
{
	struct key_spec spec = o->spec;
	struct acl_key key;
	char why[VALUE_WHY_MAX];

	/* A successor takes from the old key what is not said. */
	if (o->rotate >= 0) {
		return 0;
	}
	spec.secret_len = MAC_SECRET_MIN;
	if (key_finish(&spec, &key, why) < 0) {
		fprintf(stderr, "tap keygen: %s\n", why);
		return -1;
	}
	return 0;
}

static int
take_passphrase(struct args *a)
{
	char why[VALUE_WHY_MAX];
	int rc;

	if (!a->o.seal) {
		return 0;
	}
	rc = a->fd >= 0 ? prompt_fd(&a->o.passphrase, a->fd, why) :
			  prompt_terminal(&a->o.passphrase,
					  "New passphrase: ", true, why);
	if (rc < 0) {
		fprintf(stderr, "tap keygen: passphrase: %s\n", why);
	}
	return rc;
}

static int
run(struct args *a)
{
	int status;

	status = keygen_check_output(&a->o);
	if (status != TAP_OK) {
		return status;
	}
	if (take_passphrase(a) < 0) {
		return TAP_USAGE;
	}
	return keygen_run(&a->o);
}

int
cmd_keygen(int argc, char **argv)
{
	struct args *a;
	const char *wrong;
	int status = TAP_USAGE;

	secret_harden();
	a = secret_new(sizeof *a);
	if (!a) {
		fprintf(stderr, "tap keygen: out of memory\n");
		return TAP_SYSTEM;
	}
	key_spec_init(&a->o.spec);
	a->o.spec.suite = MAC_HMAC_SHA256;
	a->o.count = 1;
	a->o.rotate = a->fd = -1;
	value_duration("7d", &a->o.overlap, NULL);
	if (parse(argc, argv, a) < 0) {
		fprintf(stderr, "'tap keygen -h' tells more\n");
	} else if (a->help) {
		fputs(usage, stdout);
		status = TAP_OK;
	} else if ((wrong = contradiction(a))) {
		fprintf(stderr, "tap keygen: %s\n", wrong);
	} else if (check_words(&a->o) == 0) {
		status = run(a);
	}
	secret_free(a);
	return status;
}
