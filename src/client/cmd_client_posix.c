#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "conf/options.h"
#include "conf/passphrase.h"
#include "base/secret.h"
#include "client/accept.h"
#include "client/client_posix.h"
#include "tap.h"
#include "client/unlock.h"
#include "conf/value.h"

static const char usage[] =
	"usage: tap client [-v] [-c TAPclientd.conf] [--check]\n"
	"       tap client --accept LINE|- [-c FILE] [-k FILE]\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n";

/* Accepted so that command lines of Linux work; there is no other. */
static int
take_backend(void *into, const char *value, char *why)
{
	(void)into;
	return strcmp(value, "pcap") == 0
		? 0
		: value_fail(why, "only pcap is there");
}

int
cmd_client(int argc, char **argv)
{
	const char *path = NULL, *accept = NULL, *keys = NULL;
	bool check = false, verbose = false;
	int passphrase_fd = -1;
	const struct option_word words[] = {
		{ OPTION('c', "conf", "FILE",
			 "settings and rules (" CLIENT_CONF_FILE ")",
			 option_text, &path) },
		{ OPTION(0, "backend", "pcap",
			 "sees SYNs go out, and sends the group after them",
			 take_backend, NULL) },
		{ OPTION(
			0, "accept", "LINE",
			"an invitation of 'tap keygen --invite' becomes FILE,\n"
			"of -c or -k; -: standard input has it",
			option_text, &accept) },
		{ OPTION('k', "keys", "FILE", "with --accept: keys",
			 option_text, &keys) },
		{ OPTION(0, "passphrase-fd", "N",
			 "where FILE is sealed: read the passphrase from\n"
			 "this descriptor, not from the terminal",
			 passphrase_option, &passphrase_fd) },
		{ OPTION_FLAG(0, "check",
			      "validate the configuration, and do nothing else",
			      &check) },
		{ OPTION_FLAG('v', "verbose", "log more", &verbose) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	struct client_conf *conf;
	int at;

	secret_harden();
	at = option_parse(&list, argc, argv);
	if (at < 0) {
		return option_status(at);
	}
	if (option_end(at, argc, argv) < 0) {
		return TAP_USAGE;
	}
	if (accept) {
		return client_accept(&(struct accept_options){
			accept, path, keys, passphrase_fd });
	}
	conf = unlock_client(path ? path : CLIENT_CONF_FILE, passphrase_fd);
	if (!conf) {
		return conf_status(-errno);
	}
	if (check) {
		client_conf_free(conf);
		return TAP_OK;
	}
	log_open("tap client", verbose);
	log_configure(&conf->settings);
	return client_posix_run(conf);
}
