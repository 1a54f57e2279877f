#include "tap.h"
#include "base/fds.h"
#include "conf/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
#ifndef TAP_PORTABLE
	{ "server", cmd_server, "hide this host's services from strangers" },
#endif
	{ "client", cmd_client, "authenticate this host's connections" },
	{ "keygen", cmd_keygen, "make keys, for the server and its clients" },
	{ "acl", cmd_acl, "check, show and change who may use what" },
#ifndef TAP_PORTABLE
	{ "scan-check", cmd_scan_check, "see what a port scanner sees" },
	{ "probe-path", cmd_probe_path, "see whether TAP passes a network" },
	{ "replay-test", cmd_replay_test, "see whether replays get in" },
#endif
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void
usage(FILE *out)
{
	fprintf(out,
		"usage: tap COMMAND [options]\n\n"
		"TCP services that only key holders can see.\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(out, "  %-12s %s\n", commands[i].name,
			commands[i].summary);
	}
	fprintf(out,
		"\n'tap help COMMAND' or 'tap COMMAND -h' tells more; "
		"tap(8) tells all.\n");
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	fprintf(stderr, "tap: no command '%s'; 'tap help' lists them\n", name);
	return NULL;
}

/* getopt(3) complains in the name of argv[0]. */
static int
run(const struct command *command, int argc, char **argv)
{
	static char name[32];

	snprintf(name, sizeof name, "tap %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

static int
help_of(const char *name)
{
	char option[] = "-h";
	char *args[] = { NULL, option, NULL };
	const struct command *command = find(name);

	return command ? run(command, 2, args) : TAP_USAGE;
}

/* What completions are made from: see options.h. */
static int
help_table(const char *name)
{
	if (name) {
		option_usage_as_table();
		return help_of(name);
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		printf("%s\t%s\n", commands[i].name, commands[i].summary);
	}
	return TAP_OK;
}

static int
help(int argc, char **argv)
{
	if (argc < 2) {
		usage(stdout);
		return TAP_OK;
	}
	if (strcmp(argv[1], "--table") == 0) {
		return help_table(argv[2]);
	}
	return help_of(argv[1]);
}

int
main(int argc, char **argv)
{
	const struct command *command;
	int status;

	if (fds_fill() < 0) {
		return TAP_SYSTEM;
	}
	if (getuid() != geteuid()) {
		fprintf(stderr,
			"tap: setuid programs are root's for everybody: "
			"tap-ssh(7) says what users need\n");
		return TAP_SYSTEM;
	}
	/*
	 * Whoever closes our output gets an error, and we an exit status; so
	 * do we where a file may not grow any more.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2) {
		usage(stderr);
		return TAP_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--help") == 0) {
		status = help(argc - 1, argv + 1);
	} else if (strcmp(argv[1], "--version") == 0 ||
		   strcmp(argv[1], "-V") == 0) {
		printf("tap %s\n%s", tap_version, tap_built);
		status = TAP_OK;
	} else {
		command = find(argv[1]);
		status = command ? run(command, argc - 1, argv + 1) : TAP_USAGE;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "tap: standard output: write error\n");
		return status ? status : TAP_SYSTEM;
	}
	return status;
}
