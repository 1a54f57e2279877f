#include <stdio.h>
#include <string.h>

#include "conf/keyfile.h"
#include "conf/options.h"
#include "replay_test/run.h"
#include "base/secret.h"
#include "tap.h"
#include "conf/value.h"

static const char usage[] =
	"usage: tap replay-test HOST -p PORT -k FILE [--key-no N] [options]\n"
	"       tap replay-test HOST -p PORT --pcap FILE [-k FILE] [options]\n"
	"       tap replay-test HOST -p PORT --live DEVICE [-k FILE] [options]\n"
	"\n"
	"Attack a server that is yours with groups that it has to refuse.\n";

#define TOLERANCE 30u /* the server's default */
#define SECONDS 60u
#define TIMES 1000u
#define FILL 100u
#define GUESS_RATE 100u
#define GUESS_SECONDS 2u
#define RATE 5000u

struct options {
	const char *keys;
	long key_no; /* or -1 */
	long seconds, tolerance, times, fill, guess_rate, guess_seconds, rate;
};

static int
take_allowed(void *into, const char *value, char *why)
{
	struct replay_test *t = into;

	if (t->allowed_count == REPLAY_TEST_ALLOWED_MAX) {
		return value_fail(why, "too many hosts");
	}
	t->allowed[t->allowed_count++] = value;
	return 0;
}

static void
want_all(struct replay_test *t, bool wanted)
{
	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		t->options.wanted[kind] = wanted;
	}
}

static int
take_attacks(void *into, const char *value, char *why)
{
	struct replay_test *t = into;
	bool all = strcmp(value, "all") == 0;

	want_all(t, all);
	while (!all && *value) {
		size_t len = strcspn(value, ",");
		enum attack_kind kind = attack_find(value, len);

		if (kind == ATTACKS) {
			return value_fail(why, "'%.*s' is not an attack",
					  (int)(len < 64 ? len : 64), value);
		}
		t->options.wanted[kind] = true;
		value += len;
		value += *value == ',';
	}
	return 0;
}

static int
check_words(const struct replay_test *t, const struct options *o)
{
	const struct option_rule rules[] = {
		{ !t->host, "HOST is missing" },
		{ t->options.port == 0, "-p PORT is missing" },
		{ t->pcap && t->live, "either --pcap or --live" },
		{ !t->pcap && !t->live && !o->keys,
		  "one of -k, --pcap and --live is needed" },
		{ o->key_no >= 0 && !o->keys, "--key-no goes with -k" },
		{ t->options.other_port == t->options.port,
		  "--other-port is the same as -p" },
	};

	return OPTION_CHECK("tap replay-test", rules);
}

static void
take_numbers(const struct options *o, struct replay_test *t)
{
	t->seconds = (unsigned)o->seconds;
	t->options.tolerance = (uint32_t)o->tolerance;
	t->options.times = (unsigned)o->times;
	t->options.fill = (unsigned)o->fill;
	t->options.guess_rate = (unsigned)o->guess_rate;
	t->options.guess_seconds = (unsigned)o->guess_seconds;
	t->options.rate = (unsigned)o->rate;
}

static int
take_line(const struct option_list *list, int argc, char **argv,
	  struct options *o, struct replay_test *t)
{
	int at = option_parse(list, argc, argv);

	if (at < 0) {
		return at;
	}
	t->host = at < argc ? argv[at] : NULL;
	take_numbers(o, t);
	return check_words(t, o) < 0 ? OPTION_WRONG
				     : option_end(at + 1, argc, argv);
}

static int
parse(int argc, char **argv, struct options *o, struct replay_test *t)
{
	const char *names[ATTACKS + 2] = { "all" };
	const struct option_word words[] = {
		{ OPTION('p', "port", "PORT", "the hidden port", option_port,
			 &t->options.port) },
		{ OPTION('k', "keys", "FILE",
			 "sign groups with a key of a server's key file",
			 option_text, &o->keys) },
		{ OPTION_NUMBER(0, "key-no", "N",
				"which of them, where there are several",
				&o->key_no, 0, UINT16_MAX) },
		{ OPTION(0, "pcap", "FILE", "replay a group of this recording",
			 option_text, &t->pcap) },
		{ OPTION(0, "live", "DEVICE", "record one from the wire",
			 option_text, &t->live) },
		{ OPTION_SECONDS(0, "seconds", "for so long at most, 1s to 1h",
				 &o->seconds, 1, 3600) },
		{ OPTION(0, "i-am-responsible-for", "HOST",
			 "HOST may be attacked, though it is another",
			 take_allowed, t) },
		{ OPTION(0, "attack", "LIST", "these attacks alone",
			 take_attacks, t),
		  .choices = names },
		{ OPTION(0, "from", "ADDRESS", "another address of this host's",
			 option_text, &t->from) },
		{ OPTION(0, "other-port", "PORT", "another hidden port there",
			 option_port, &t->options.other_port) },
		{ OPTION(0, "also", "HOST", "another server with the key",
			 option_text, &t->also) },
		{ OPTION(0, "hook", "COMMAND", "restarts or reloads the server",
			 option_text, &t->options.hook) },
		{ OPTION_FLAG(0, "patient", "wait until groups are too old",
			      &t->options.patient) },
		{ OPTION_SECONDS(0, "tolerance", "of the server", &o->tolerance,
				 1, 600) },
		{ OPTION_NUMBER(0, "times", "N",
				"how often the same group is sent", &o->times,
				1, 1000000) },
		{ OPTION_NUMBER(0, "fill", "N",
				"groups that are to displace one", &o->fill, 1,
				1000000) },
		{ OPTION_NUMBER(0, "guess-rate", "N", "guesses a second",
				&o->guess_rate, 1, 10000) },
		{ OPTION_SECONDS(0, "guess-seconds", "how long to guess",
				 &o->guess_seconds, 1, 3600) },
		{ OPTION_NUMBER(0, "rate", "N", "packets a second, at most",
				&o->rate, 10, 100000) },
		{ OPTION_FLAG(0, "json", "JSON", &t->json) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };

	for (size_t i = 0; i < ATTACKS; i++) {
		names[i + 1] = attacks[i].name;
	}
	return take_line(&list, argc, argv, o, t);
}

static int
run(struct replay_test *t, const struct options *o)
{
	struct key_file keys = { 0 };
	char err[CONF_ERROR_MAX];
	int status;
	int rc;

	if (!o->keys) {
		return replay_test_run(t);
	}
	rc = key_load(o->keys, &keys, err);
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return conf_status(rc);
	}
	t->options.key = key_choose(&keys, o->key_no, o->keys, err);
	if (t->options.key) {
		status = replay_test_run(t);
	} else {
		fprintf(stderr, "%s\n", err);
		status = TAP_USAGE;
	}
	key_free(&keys);
	return status;
}

int
cmd_replay_test(int argc, char **argv)
{
	static struct replay_test test;
	struct options o = {
		.key_no = -1,
		.seconds = SECONDS,
		.tolerance = TOLERANCE,
		.times = TIMES,
		.fill = FILL,
		.guess_rate = GUESS_RATE,
		.guess_seconds = GUESS_SECONDS,
		.rate = RATE,
	};
	int status;

	secret_harden();
	want_all(&test, true);
	status = parse(argc, argv, &o, &test);
	if (status < 0) {
		return option_status(status);
	}
	return run(&test, &o);
}
