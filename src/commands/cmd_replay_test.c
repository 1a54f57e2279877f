#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "key.h"
#include "replay_test.h"
#include "secret.h"
#include "tap.h"
#include "value.h"

static const char usage[] =
	"usage: tap replay-test HOST -p PORT -k FILE [--key-no N] [options]\n"
	"       tap replay-test HOST -p PORT --pcap FILE [-k FILE] [options]\n"
	"       tap replay-test HOST -p PORT --live DEVICE [-k FILE] [options]\n"
	"\n"
	"Attack a server that is yours with groups that it has to refuse.\n"
	"\n"
	"  -p, --port PORT      the hidden port\n"
	"  -k, --keys FILE      sign groups with a key of a server's key file\n"
	"      --key-no N       which of them, where there are several\n"
	"      --pcap FILE      replay a group of this recording\n"
	"      --live DEVICE    record one from the wire\n"
	"      --seconds N      for so long at most, 1 to 3600\n"
	"      --i-am-responsible-for HOST\n"
	"                       HOST may be attacked, though it is another\n"
	"      --attack LIST    these attacks alone\n"
	"      --from ADDRESS   another address of this host's\n"
	"      --other-port PORT  another hidden port there\n"
	"      --also HOST      another server with the key\n"
	"      --hook COMMAND   restarts or reloads the server\n"
	"      --patient        wait until groups are too old\n"
	"      --tolerance N    of the server, seconds\n"
	"      --times N        how often the same group is sent\n"
	"      --fill N         groups that are to displace one\n"
	"      --guess-rate N   guesses a second\n"
	"      --guess-seconds N  how long to guess\n"
	"      --rate N         packets a second, at most\n"
	"      --json           JSON\n"
	"  -h, --help           this\n";

#define TOLERANCE 30u /* the server's default */
#define SECONDS 60u
#define TIMES 1000u
#define FILL 100u
#define GUESS_RATE 100u
#define GUESS_SECONDS 2u
#define RATE 5000u

struct options {
	const char *keys, *attacks;
	int key_no; /* or -1 */
	bool help;
};

static int
complain(const char *object, const char *why)
{
	fprintf(stderr, "tap replay-test: %s: %s\n", object, why);
	return -1;
}

/* Options with a number, by their place in the list below. */
struct number {
	const char *name;
	unsigned long low, high;
	unsigned *out;
};

static int
take_number(const struct number *number, const char *text)
{
	char why[VALUE_WHY_MAX];
	unsigned long value;

	if (value_number(text, number->low, number->high, &value, why) < 0) {
		return complain(number->name, why);
	}
	*number->out = (unsigned)value;
	return 0;
}

static int
take_port(const char *name, const char *text, uint16_t *port)
{
	char why[VALUE_WHY_MAX];

	return value_port(text, port, why) < 0 ? complain(name, why) : 0;
}

static int
allow(struct replay_test *t, const char *host)
{
	if (t->allowed_count == REPLAY_TEST_ALLOWED_MAX) {
		return complain("--i-am-responsible-for", "too many hosts");
	}
	t->allowed[t->allowed_count++] = host;
	return 0;
}

static int
take_attacks(struct replay_test *t, const char *text)
{
	bool all = !text || strcmp(text, "all") == 0;

	for (unsigned kind = 0; kind < ATTACKS; kind++) {
		t->options.wanted[kind] = all;
	}
	while (!all && *text) {
		size_t len = strcspn(text, ",");
		enum attack_kind kind = attack_find(text, len);
		char why[VALUE_WHY_MAX];

		if (kind == ATTACKS) {
			value_fail(why, "'%.*s' is no attack",
				   (int)(len < 64 ? len : 64), text);
			return complain("--attack", why);
		}
		t->options.wanted[kind] = true;
		text += len;
		text += *text == ',';
	}
	return 0;
}

/* What goes together. */
static int
check_words(struct replay_test *t, const struct options *o, int count,
	    char **words)
{
	const char *wrong = NULL;

	if (count == 0) {
		wrong = "HOST is missing";
	} else if (t->options.port == 0) {
		wrong = "-p PORT is missing";
	} else if (t->pcap && t->live) {
		wrong = "either --pcap or --live";
	} else if (!t->pcap && !t->live && !o->keys) {
		wrong = "one of -k, --pcap and --live is needed";
	} else if (o->key_no >= 0 && !o->keys) {
		wrong = "--key-no goes with -k";
	} else if (t->options.other_port == t->options.port) {
		wrong = "--other-port is the same as -p";
	}
	if (wrong) {
		fprintf(stderr, "tap replay-test: %s\n", wrong);
		return -1;
	}
	if (count > 1) {
		fprintf(stderr, "tap replay-test: '%s' is one word too many\n",
			words[1]);
		return -1;
	}
	t->host = words[0];
	return take_attacks(t, o->attacks);
}

static int
parse(int argc, char **argv, struct options *o, struct replay_test *t)
{
	enum { KEY_NO = 256, SECONDS_TO, TOLERATE, TIMES_TO, FILL_TO,
	       GUESS_RATE_TO, GUESS_SECONDS_TO, RATE_TO, NUMBERS_END,
	       PCAP, LIVE, ALLOW, ATTACK, FROM, OTHER_PORT, ALSO, HOOK,
	       PATIENT, JSON };
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "keys", required_argument, NULL, 'k' },
		{ "key-no", required_argument, NULL, KEY_NO },
		{ "pcap", required_argument, NULL, PCAP },
		{ "live", required_argument, NULL, LIVE },
		{ "seconds", required_argument, NULL, SECONDS_TO },
		{ "i-am-responsible-for", required_argument, NULL, ALLOW },
		{ "attack", required_argument, NULL, ATTACK },
		{ "from", required_argument, NULL, FROM },
		{ "other-port", required_argument, NULL, OTHER_PORT },
		{ "also", required_argument, NULL, ALSO },
		{ "hook", required_argument, NULL, HOOK },
		{ "patient", no_argument, NULL, PATIENT },
		{ "tolerance", required_argument, NULL, TOLERATE },
		{ "times", required_argument, NULL, TIMES_TO },
		{ "fill", required_argument, NULL, FILL_TO },
		{ "guess-rate", required_argument, NULL, GUESS_RATE_TO },
		{ "guess-seconds", required_argument, NULL, GUESS_SECONDS_TO },
		{ "rate", required_argument, NULL, RATE_TO },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned key_no = 0;
	const struct number numbers[NUMBERS_END - KEY_NO] = {
		{ "--key-no", 0, 65535, &key_no },
		{ "--seconds", 1, 3600, &t->seconds },
		{ "--tolerance", 1, 600, &t->options.tolerance },
		{ "--times", 1, 1000000, &t->options.times },
		{ "--fill", 1, 1000000, &t->options.fill },
		{ "--guess-rate", 1, 10000, &t->options.guess_rate },
		{ "--guess-seconds", 1, 3600, &t->options.guess_seconds },
		{ "--rate", 10, 100000, &t->options.rate },
	};
	int option, rc = 0;

	while (rc == 0 && (option = getopt_long(argc, argv, "p:k:h", longs,
						NULL)) != -1) {
		if (option >= KEY_NO && option < NUMBERS_END) {
			rc = take_number(&numbers[option - KEY_NO], optarg);
			o->key_no = option == KEY_NO ? (int)key_no :
						       o->key_no;
			continue;
		}
		switch (option) {
		case 'p':
			rc = take_port("-p", optarg, &t->options.port);
			break;
		case 'k':
			o->keys = optarg;
			break;
		case PCAP:
			t->pcap = optarg;
			break;
		case LIVE:
			t->live = optarg;
			break;
		case ALLOW:
			rc = allow(t, optarg);
			break;
		case ATTACK:
			o->attacks = optarg;
			break;
		case FROM:
			t->from = optarg;
			break;
		case OTHER_PORT:
			rc = take_port("--other-port", optarg,
				       &t->options.other_port);
			break;
		case ALSO:
			t->also = optarg;
			break;
		case HOOK:
			t->options.hook = optarg;
			break;
		case PATIENT:
			t->options.patient = true;
			break;
		case JSON:
			t->json = true;
			break;
		case 'h':
			o->help = true;
			return 0;
		default:
			return -1;
		}
	}
	return rc < 0 ? -1 :
			check_words(t, o, argc - optind, argv + optind);
}

static int
run(struct replay_test *t, const struct options *o)
{
	struct key_file keys = { 0 };
	char err[CONF_ERROR_MAX];
	int status;

	if (!o->keys) {
		return replay_test_run(t);
	}
	if (key_load(o->keys, &keys, err) < 0) {
		fprintf(stderr, "%s\n", err);
		return TAP_USAGE;
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
	static struct replay_test test = {
		.seconds = SECONDS,
		.options = {
			.tolerance = TOLERANCE,
			.times = TIMES,
			.fill = FILL,
			.guess_rate = GUESS_RATE,
			.guess_seconds = GUESS_SECONDS,
			.rate = RATE,
		},
	};
	struct options o = { .key_no = -1 };

	secret_harden();
	if (parse(argc, argv, &o, &test) < 0) {
		fprintf(stderr, "'tap replay-test -h' tells more\n");
		return TAP_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return TAP_OK;
	}
	return run(&test, &o);
}
