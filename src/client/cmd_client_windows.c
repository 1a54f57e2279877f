#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "client/accept.h"
#include "client/client_posix.h"
#include "client/pipe.h"
#include "client/service.h"
#include "client/tray.h"
#include "client/unlock.h"
#include "conf/options.h"
#include "conf/passphrase.h"
#include "conf/value.h"
#include "daemon/log.h"
#include "tap.h"

#define WATCH_MS 1000

static const char usage[] =
	"usage: tap client [-v] [-c TAPclientd.conf] [--check]\n"
	"       tap client --status [--json] | --watch | --stop\n"
	"       tap client --service install|remove|start|stop [-c FILE]\n"
	"       tap client --tray [-c FILE]\n"
	"       tap client --accept LINE|- [-c FILE] [-k FILE]\n"
	"\n"
	"Authenticate this host's TCP connections to hidden services.\n";

struct options {
	const char *path, *accept, *keys;
	bool check, verbose, status, json, watch, stop, tray;
	int passphrase_fd;
	int service; /* below 0: none of it */
};

/* Accepted so that command lines of Linux work; there is no other. */
static int
take_backend(void *into, const char *value, char *why)
{
	(void)into;
	return strcmp(value, "pcap") == 0
		? 0
		: value_fail(why, "only pcap is there");
}

static int
print_status(enum pipe_request request)
{
	char out[PIPE_REPLY_MAX];
	const int status = pipe_ask(request, out, false);

	fputs(out, stdout);
	return status;
}

/* Until Ctrl-C ends it, or the client has ended. */
static int
watch(void)
{
	HANDLE console = GetStdHandle(STD_OUTPUT_HANDLE);
	char out[PIPE_REPLY_MAX];
	DWORD mode;
	int status;

	if (!GetConsoleMode(console, &mode) ||
	    !SetConsoleMode(console,
			    mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING)) {
		fprintf(stderr, "tap client: --watch needs a console\n");
		return TAP_USAGE;
	}
	while ((status = pipe_ask(PIPE_STATUS_TEXT, out, false)) == TAP_OK) {
		/* From the top on, and nothing below. */
		printf("\033[H\033[2J%s", out);
		fflush(stdout);
		Sleep(WATCH_MS);
	}
	return status;
}

static const char *
path_of(const struct options *o)
{
	return o->path ? o->path : CLIENT_CONF_FILE;
}

static int
run(const struct options *o)
{
	struct client_conf *conf = unlock_client(
		o->path ? o->path : CLIENT_CONF_FILE, o->passphrase_fd);

	if (!conf) {
		return conf_status(-errno);
	}
	if (o->check) {
		client_conf_free(conf);
		return TAP_OK;
	}
	log_open("tap client", o->verbose);
	log_configure(&conf->settings);
	return client_posix_run(conf);
}

static int
obey(const struct options *o)
{
	const struct option_rule rules[] = {
		{ o->status + o->watch + o->stop + o->check + o->tray +
				  !!o->accept + (o->service >= 0) >
			  1,
		  "only one of --accept, --check, --service, --status, --stop, "
		  "--tray and --watch" },
		{ o->json && !o->status, "--json: only with --status" },
		{ o->keys && !o->accept, "-k: only with --accept" },
	};

	if (OPTION_CHECK("tap client", rules) < 0) {
		return TAP_USAGE;
	}
	if (o->accept) {
		return client_accept(&(struct accept_options){
			o->accept, o->path, o->keys, o->passphrase_fd });
	}
	if (o->service >= 0) {
		return service_do(o->service,
				  &(struct service_options){ path_of(o),
							     o->passphrase_fd,
							     o->verbose });
	}
	if (o->status) {
		return print_status(o->json ? PIPE_STATUS_JSON
					    : PIPE_STATUS_TEXT);
	}
	if (o->stop) {
		return print_status(PIPE_STOP);
	}
	if (o->tray) {
		return tray_run(path_of(o));
	}
	return o->watch ? watch() : run(o);
}

int
cmd_client(int argc, char **argv)
{
	struct options o = { .passphrase_fd = -1, .service = -1 };
	const struct option_word words[] = {
		{ OPTION('c', "conf", "FILE",
			 "settings and rules (" CLIENT_CONF_FILE ")",
			 option_text, &o.path) },
		{ OPTION(0, "backend", "pcap",
			 "sees SYNs go out, and sends the group after them",
			 take_backend, NULL) },
		{ OPTION(
			0, "accept", "LINE",
			"an invitation of 'tap keygen --invite' becomes FILE,\n"
			"of -c or -k; -: standard input has it",
			option_text, &o.accept) },
		{ OPTION('k', "keys", "FILE", "with --accept: keys",
			 option_text, &o.keys) },
		{ OPTION(0, "passphrase-fd", "N",
			 "where FILE is sealed: read the passphrase from\n"
			 "this descriptor, not from the console",
			 passphrase_option, &o.passphrase_fd) },
		{ OPTION_FLAG(0, "check",
			      "validate the configuration, and do nothing else",
			      &o.check) },
		{ OPTION_FLAG(0, "status", "how the running client is",
			      &o.status) },
		{ OPTION_FLAG(0, "json", "with --status: as JSON", &o.json) },
		{ OPTION_FLAG(0, "watch", "the same once a second", &o.watch) },
		{ OPTION_FLAG(0, "stop", "end the running client", &o.stop) },
		{ OPTION(
			0, "service", "VERB",
			"install, remove, start or stop the service: a client\n"
			"that Windows starts, with FILE",
			service_option, &o.service) },
		{ OPTION_FLAG(0, "tray",
			      "an icon beside the clock: starts and stops the\n"
			      "client, and shows how it is",
			      &o.tray) },
		{ OPTION_FLAG('v', "verbose", "log more", &o.verbose) },
	};
	const struct option_list list = { OPTION_LIST(usage, words) };
	int at;

	secret_harden();
	at = option_parse(&list, argc, argv);
	if (at < 0) {
		return option_status(at);
	}
	return option_end(at, argc, argv) < 0 ? TAP_USAGE : obey(&o);
}
