#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/keygen.h"
#include "conf/options.h"
#include "conf/passphrase_terminal.h"
#include "base/secret.h"
#include "tap.h"
#include "conf/value.h"

static const char usage[] =
	"usage: tap keygen --key-no N [--name TEXT] [...]\n"
	"       tap keygen --key-no N --client HOST:PORT [...]\n"
	"       tap keygen --key-no N --client HOST:PORT --both DIR [...]\n"
	"       tap keygen [--key-no N] --append FILE [...]\n"
	"       tap keygen --invite HOST:PORT [--name TEXT] [...]\n"
	"       tap keygen --rotate N --append FILE [...]\n"
	"\n"
	"Make keys: print a line for server.key, and nothing else.\n";

/* The options, and which of them stood there. */
struct args {
	struct keygen_options o;
	bool has_overlap;
	long bytes, count;
	int fd; /* of the passphrase, or -1 */
};

static int
take_no(void *into, const char *value, char *why)
{
	return value_number(value, 0, UINT16_MAX, into, why);
}

static int
take_target(void *into, const char *value, char *why)
{
	struct keygen_options *o = into;

	if (o->targets_count == KEYGEN_TARGETS_MAX) {
		return value_fail(why, "more than %u", KEYGEN_TARGETS_MAX);
	}
	return keygen_target(&o->targets[o->targets_count++], value, why);
}

static int
parse(int argc, char **argv, struct args *a)
{
	struct keygen_options *o = &a->o;
	const char *algs[MAC_SUITES + 1];
	static const char *const bits[] = { "30", "60", "89", "118", NULL };
	const struct option_word words[] = {
		{ OPTION('n', "key-no", "N",
			 "the number, 0 to 65535; with --append or --both\n"
			 "the next free one where none is given",
			 take_no, &o->spec.no),
		  .seen = &o->has_no },
		{ OPTION(0, "name", "TEXT", "whose it is, for the log",
			 key_set_name, &o->spec),
		  .seen = &o->has_name },
		{ OPTION(0, "alg", "ALG",
			 "the suite (hmac-sha256); see tap.conf(5)",
			 key_set_alg, &o->spec),
		  .seen = &o->has_alg, .choices = algs },
		{ OPTION(0, "auth", "BITS", "30, 60 (the default), 89 or 118",
			 key_set_auth, &o->spec),
		  .seen = &o->has_auth, .choices = bits },
		{ OPTION_NUMBER(0, "bytes", "N",
				"of secret, 16 to 64 (the suite's own)",
				&a->bytes, MAC_SECRET_MIN, MAC_SECRET_MAX) },
		{ OPTION(0, "realm", "TEXT", "the service or cluster it is for",
			 key_set_realm, &o->spec),
		  .seen = &o->has_realm },
		{ OPTION(0, "not-before", "T",
			 "valid from: 2027-01-01[T00:00:00Z]", option_time,
			 &o->spec.not_before),
		  .seen = &o->has_before },
		{ OPTION(0, "not-after", "T", "valid until", option_time,
			 &o->spec.not_after),
		  .seen = &o->has_after },
		{ OPTION(0, "valid", "SPAN", "valid for: 90d, 12h, 30m",
			 option_duration, &o->valid) },
		{ OPTION_NUMBER(0, "count", "N",
				"N keys, numbered upward past taken numbers",
				&a->count, 1, ACL_KEYS_MAX),
		  .seen = &o->skip },
		{ OPTION(0, "client", "HOST:PORT[/N]",
			 "print the client's rule instead; repeatable;\n"
			 "the server sees port N",
			 take_target, o) },
		{ OPTION(0, "invite", "HOST:PORT",
			 "print it as one sealed line instead, and as a QR\n"
			 "code; 'tap client --accept' takes it; repeatable",
			 take_target, o),
		  .seen = &o->invite },
		{ OPTION('a', "append", "FILE",
			 "put the line into a key file, and print the\n"
			 "number (or the client's rule)",
			 option_text, &o->append) },
		{ OPTION_FLAG(0, "reload",
			      "with --append: have the running server read it",
			      &o->reload) },
		{ OPTION(0, "both", "DIR",
			 "write DIR/server.key (or --append FILE) and\n"
			 "DIR/TAPclientd.conf",
			 option_text, &o->both) },
		{ OPTION_NUMBER(0, "rotate", "N",
				"make key N's successor, and let N end",
				&o->rotate, 0, UINT16_MAX) },
		{ OPTION(0, "overlap", "SPAN", "how long both are valid (7d)",
			 option_duration, &o->overlap),
		  .seen = &a->has_overlap },
		{ OPTION_FLAG(0, "passphrase",
			      "seal what the client gets with a passphrase",
			      &o->seal) },
		{ OPTION(0, "passphrase-fd", "N",
			 "read it from a descriptor, not the terminal",
			 passphrase_option, &a->fd),
		  .seen = &o->seal },
		{ OPTION_FLAG(0, "json", "JSON, one object a line", &o->json) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	int at;

	suite_names(algs);
	at = option_parse(&list, argc, argv);
	if (o->invite && !o->append) {
		o->append = SERVER_CONF_KEYS;
	}
	o->bytes = (size_t)a->bytes;
	o->count = (unsigned long)a->count;
	return at < 0 ? at : option_end(at, argc, argv);
}

/* Options that contradict each other or want another one. */
static int
check_options(const struct args *a)
{
	const struct keygen_options *o = &a->o;
	const struct option_rule rules[] = {
		{ o->invite && o->both, "either --invite or --both" },
		{ o->invite && o->count > 1,
		  "--invite is for one key at a time" },
		{ !o->has_no && o->rotate < 0 && !o->append && !o->both,
		  "--key-no is missing; with --append or --both it is the next "
		  "free one" },
		{ o->valid && o->has_after, "either --valid or --not-after" },
		{ o->rotate >= 0 && !o->append,
		  "--rotate wants --append FILE" },
		{ o->rotate >= 0 && o->skip, "either --rotate or --count" },
		{ a->has_overlap && o->rotate < 0, "--overlap wants --rotate" },
		{ o->both && o->targets_count == 0,
		  "--both wants --client HOST:PORT" },
		{ o->reload && !o->append, "--reload wants --append FILE" },
		{ o->seal && o->targets_count == 0,
		  "--passphrase is for what --client HOST:PORT makes" },
		{ o->seal && o->json && !o->both && !o->invite,
		  "--json with --passphrase wants --both" },
	};

	return OPTION_CHECK("tap keygen", rules);
}

/* Check the options before asking for a passphrase. */
static int
check_words(const struct keygen_options *o)
{
	struct key_spec spec = o->spec;
	struct acl_key key;
	char why[VALUE_WHY_MAX];

	/* A successor takes what is not given from the old key. */
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

	if (!a->o.seal && !a->o.invite) {
		return 0;
	}
	a->o.made_passphrase = !a->o.seal;
	a->o.seal = true;
	if (a->o.made_passphrase) {
		rc = passphrase_make(&a->o.passphrase, why);
	} else if (a->fd >= 0) {
		rc = passphrase_fd(&a->o.passphrase, a->fd, why);
	} else {
		rc = passphrase_terminal(&a->o.passphrase,
					 "New passphrase: ", true, why);
	}
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
	int status;

	secret_harden();
	a = secret_new(sizeof *a);
	if (!a) {
		fprintf(stderr, "tap keygen: out of memory\n");
		return TAP_SYSTEM;
	}
	key_spec_init(&a->o.spec);
	a->o.spec.suite = MAC_HMAC_SHA256;
	a->count = 1;
	a->o.rotate = a->fd = -1;
	value_duration("7d", &a->o.overlap, NULL);
	status = parse(argc, argv, a);
	if (status < 0) {
		status = option_status(status);
	} else if (check_options(a) < 0 || check_words(&a->o) < 0) {
		status = TAP_USAGE;
	} else {
		status = run(a);
	}
	secret_free(a);
	return status;
}
