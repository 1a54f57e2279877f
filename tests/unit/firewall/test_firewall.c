/* What fw makes of saved tables, and which programs it runs when. */
#include "unit/files_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/text.h"

/* What a program that is run does here. */
struct program {
	const char *name;
	int status;
	const char *output, *errors;
};

#define PROGRAMS_MAX 16

static struct program programs[PROGRAMS_MAX];
static char calls[8192]; /* the names of those that ran, and "check" */
static char last_input[65536];
static const char *after_restore; /* of the first program */
static const char *refused;       /* in what a program is given, */
static const char *also_refused;  /* and another word */

static int
run_faked(const char *const *argv, const char *input, char *output,
	  size_t output_size, char *errors, size_t errors_size)
{
	size_t at = strlen(calls);

	snprintf(calls + at, sizeof calls - at, "%s%s ", argv[0],
		 argv[1] && strcmp(argv[1], "-cf") == 0 ? "?" : "");
	for (size_t i = 0; i < PROGRAMS_MAX && programs[i].name; i++) {
		if (strcmp(programs[i].name, argv[0]) != 0) {
			continue;
		}
		if (input &&
		    ((refused && strstr(input, refused)) ||
		     (also_refused && strstr(input, also_refused)))) {
			return 1;
		}
		/* From then on it is what is saved. */
		if (after_restore && strcmp(argv[0], "iptables-restore") == 0) {
			programs[0].output = after_restore;
		}
		if (input) {
			snprintf(last_input, sizeof last_input, "%s", input);
		}
		if (output) {
			snprintf(output, output_size, "%s",
				 programs[i].output ? programs[i].output : "");
		}
		if (errors) {
			snprintf(errors, errors_size, "%s",
				 programs[i].errors ? programs[i].errors : "");
		}
		return programs[i].status;
	}
	return RUN_NOT_FOUND;
}

#define run_program run_faked
#define access(path, mode) 0 /* there is IPv6 */
#include "firewall/run_tool.c"
#include "firewall/iptables.c"
#include "firewall/firewall.c"
#include "firewall/watchdog.c"
#undef access
#undef run_program

static const struct fw_ports ssh[] = { { 22, 22 } };
static const struct fw_match match = { .ports = ssh, .ports_count = 1 };
static const struct fw_plan server = {
	.side = FW_SERVER,
	.queue = 5040,
	.matches = &match,
	.count = 1,
};

static char err[FW_ERROR_MAX];
static struct fw fw;

static int
setup(void **state)
{
	(void)state;
	memset(programs, 0, sizeof programs);
	memset(err, 0, sizeof err);
	strcpy(calls, " ");
	last_input[0] = '\0';
	after_restore = refused = also_refused = NULL;
	return 0;
}

static void
program(const char *name, int status, const char *output, const char *errors)
{
	size_t i = 0;

	while (programs[i].name && strcmp(programs[i].name, name) != 0) {
		i++;
	}
	assert_true(i < PROGRAMS_MAX);
	programs[i] = (struct program){ name, status, output, errors };
}

#define NAME "tap-server-5040"
#define CHAIN ":" NAME " - [0:0]\n"
#define JUMP "PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j " NAME
#define OWN "-A " NAME " -p tcp -j NFQUEUE --queue-num 5040\n"
#define HEAD "*raw\n:PREROUTING ACCEPT [1:2]\n:OUTPUT ACCEPT [0:0]\n"

static void
finds_what_is_ours(void **state)
{
	static const struct {
		const char *saved;
		bool found;
		enum others others;
		const char *stale;
	} tables[] = {
		{ "", false, NOBODY, "" },
		{ HEAD, false, NOBODY, "" },
		{ HEAD CHAIN "-A " JUMP "\n" OWN, true, NOBODY,
		  "-D " JUMP "\n" },
		{ HEAD CHAIN "-A " JUMP " \n-A " JUMP "\n" OWN, true, NOBODY,
		  "-D " JUMP " \n-D " JUMP "\n" },
		{ HEAD CHAIN OWN, true, NOBODY, "" },
		{ HEAD "-A PREROUTING -j ACCEPT\n", false, STRANGERS, "" },
		{ HEAD CHAIN "-A " JUMP "\n" OWN "-A OUTPUT -j NOTRACK\n", true,
		  STRANGERS, "-D " JUMP "\n" },
		{ "*raw\n:PREROUTING DROP [0:0]\n" CHAIN, true, STRANGERS, "" },
		{ HEAD ":other - [0:0]\n" CHAIN, true, STRANGERS, "" },
		{ "*raw\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n" CHAIN,
		  true, STRANGERS, "" },
		/* Names that begin or end like ours. */
		{ HEAD ":" NAME "1 - [0:0]\n", false, OTHER_TAPS, "" },
		{ HEAD CHAIN "-A PREROUTING -j " NAME "1\n", true, OTHER_TAPS,
		  "" },
		{ HEAD CHAIN "-A PREROUTING -j x" NAME "\n", true, OTHER_TAPS,
		  "" },
		{ HEAD CHAIN "-A " NAME "1 -j DROP\n", true, OTHER_TAPS, "" },
		{ HEAD CHAIN "-A " NAME "1 -j DROP\n-A OUTPUT -j x\n", true,
		  STRANGERS, "" },
		/* Only rules are undone as rules. */
		{ HEAD CHAIN "-N -j " NAME "\n- -j " NAME "\n", true,
		  OTHER_TAPS, "" },
		/* What is said in a rule is no policy. */
		{ HEAD "-A OUTPUT -j LOG --log-prefix \"not ACCEPT [x]\"\n",
		  false, STRANGERS, "" },
		{ HEAD CHAIN "-A PREROUTING -j", true, STRANGERS, "" },
		{ "garbage\n-\n:\n\n-A", false, STRANGERS, "" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(tables); i++) {
		struct ours ours = { .chain = NAME };

		find_in(&ours, tables[i].saved);
		if (ours.found != tables[i].found ||
		    ours.others != tables[i].others ||
		    strcmp(ours.stale, tables[i].stale) != 0) {
			fail_msg("'%s': %d %d '%s'", tables[i].saved,
				 ours.found, ours.others, ours.stale);
		}
	}
}

#define SAVED                                                                  \
	"# Generated by iptables-save v1.8.9 (nf_tables) on Monday\n"          \
	"*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j x\nCOMMIT\n" HEAD    \
		OWN "COMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\n"

static const char *
save_table(unsigned family, unsigned variant, const char *table, bool *by_nft)
{
	return table_of(save_tables(family, variant, by_nft), table);
}

static void
takes_one_table_of_all(void **state)
{
	static const char table[] = HEAD OWN "COMMIT\n";
	bool by_nft;

	(void)state;
	program("iptables-save", 0, SAVED, NULL);
	assert_memory_equal(save_table(4, 0, "raw", &by_nft), table,
			    sizeof table - 1);
	assert_true(by_nft);
	assert_string_equal(save_table(4, 0, "filter", &by_nft), "");
	/* Cut in the middle: nobody knows what it holds. */
	assert_string_equal(save_table(4, 0, "mangle", &by_nft), "");
	program("ip6tables-legacy-save", 0, HEAD "COMMIT\n", NULL);
	assert_string_equal(save_table(6, 2, "raw", &by_nft), HEAD "COMMIT\n");
	assert_false(by_nft);
	program("iptables-save", 1, SAVED, NULL);
	assert_string_equal(save_table(4, 0, "raw", &by_nft), "");
	assert_string_equal(save_table(6, 1, "raw", &by_nft), "");
	assert_string_equal(calls,
			    " iptables-save iptables-save iptables-save "
			    "ip6tables-legacy-save iptables-save "
			    "ip6tables-nft-save ");
}

/* What others have in the next table is not in this one. */
static void
ends_with_its_table(void **state)
{
	struct ours ours = { .chain = NAME };

	(void)state;
	find_in(&ours, HEAD "COMMIT\n*nat\n" CHAIN "-A " JUMP "\nCOMMIT\n");
	assert_false(ours.found);
	assert_int_equal(ours.others, NOBODY);
	assert_string_equal(ours.stale, "");
}

/* How often a program ran. */
static unsigned
count_calls(const char *name)
{
	unsigned count = 0;
	char word[64];

	snprintf(word, sizeof word, " %s ", name);
	for (const char *at = strstr(calls, word); at;
	     at = strstr(at + 1, word)) {
		count++;
	}
	return count;
}

static void
installs_with_nft_first(void **state)
{
	(void)state;
	program("nft", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_NONE, err), 0);
	assert_int_equal(fw.tool, FW_NFT);
	assert_memory_equal(calls, " nft ", 5);
	assert_null(strstr(calls, "restore"));
	strcpy(calls, " ");
	assert_int_equal(fw_remove(&fw, err), 0);
	assert_string_equal(calls, " nft ");
	assert_string_equal(last_input,
			    "add table inet " NAME "\n"
			    "delete table inet " NAME "\n");
}

/* What is saved where all hooks jump to our chains. */
static const char *
whole(void)
{
	static char saved[4096];
	struct text t = text_over(saved, sizeof saved);
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(FW_SERVER, &count);

	for (size_t i = 0; i < count; i++) {
		text_put(&t, "*%s\n", hooks[i].table);
		for (size_t k = 0; k < count; k++) {
			text_put(&t, "-A %s -j " NAME "%s\n", hooks[k].hook,
				 hooks[k].suffix);
		}
		text_put(&t, "COMMIT\n");
	}
	return saved;
}

/* Where they are gone at once, they are installed again, but not for ever. */
static void
installs_again_what_is_gone(void **state)
{
	(void)state;
	program("iptables-save", 0, "", NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-save", 0, whole(), NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), 0);
	assert_int_equal(count_calls("iptables-restore"), INSTALLS_MAX);
	/* Nor are they taken for what is right. */
	assert_false(fw_stands(&fw, &server));
	strcpy(calls, " ");
	after_restore = whole();
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), 0);
	assert_int_equal(count_calls("iptables-restore"), 1);
}

static void
installs_with_iptables_where_nft_cannot(void **state)
{
	(void)state;
	program("nft", 1, NULL, "Error: no queue\nmore\n");
	program("iptables-save", 0, whole(), NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-save", 0, whole(), NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_NONE, err), 0);
	assert_int_equal(fw.tool, FW_IPTABLES);
	assert_int_equal(fw.variant, 0);
	/* One transaction a family, and what nft may have left goes then. */
	assert_int_equal(count_calls("iptables-restore"), 1);
	assert_int_equal(count_calls("ip6tables-restore"), 1);
	assert_non_null(strstr(strstr(calls, "ip6tables-restore "), "nft "));
	assert_string_equal(last_input,
			    "add table inet " NAME "\n"
			    "delete table inet " NAME "\n");
}

static void
replaces_what_a_predecessor_left(void **state)
{
	(void)state;
	program("iptables-save", 0,
		"*raw\n:PREROUTING ACCEPT [0:0]\n" CHAIN "-A " JUMP "\n" OWN
		"COMMIT\n",
		NULL);
	program("ip6tables-save", 0, "", NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-restore", 1, NULL, "no\n");
	/*
	 * What is there goes on hiding, by the old rules and the new, and no
	 * other tool is tried beside it.
	 */
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), -1);
	assert_int_equal(count_calls("iptables-restore"), 1);
	/* With labels, and without. */
	assert_int_equal(count_calls("ip6tables-restore"), 2);
	assert_null(strstr(calls, "-nft-"));
	check_error(err, "no firewall rules", 0, "ip6tables-restore: no");
}

/* What this run has put there, and it alone, goes again. */
static void
undoes_what_it_did_itself(void **state)
{
	(void)state;
	program("iptables-save", 0, "", NULL);
	program("ip6tables-save", 0, "", NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-restore", 1, NULL,
		"Warning: cannot open /etc/xtables/connlabel.conf: No such "
		"file or directory\nno\n");
	after_restore = "*raw\n:PREROUTING ACCEPT [0:0]\n" CHAIN "-A " JUMP
			"\n" OWN "COMMIT\n";
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), -1);
	assert_string_equal(last_input,
			    "*raw\n-D " JUMP "\n-F " NAME "\n-X " NAME
			    "\nCOMMIT\n");
	check_error(err, "no firewall rules", 0, "ip6tables-restore: no");
}

/* One command runs no more tools than it needs: there may be many at once. */
static void
is_brief_for_one_command(void **state)
{
	static const struct packet_addr there = { .family = 4 };
	static const struct packet_addr also = { .family = 6 };
	const uint32_t user = 1000;
	struct fw_match matches[2] = { match, match };
	struct fw_plan plan = {
		.side = FW_CLIENT,
		.queue = 5061,
		.user = &user,
		.matches = matches,
		.count = 1,
	};
	struct fw_plan both = plan;

	(void)state;
	matches[0].dst = there;
	matches[1].dst = also;
	both.count = 2;
	program("iptables-save", 0, "", NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-save", 0, "", NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	program("nft", 1, NULL, NULL);
	after_restore = "*raw\n:OUTPUT ACCEPT [0:0]\n:tap-client-5061 - [0:0]\n"
			"-A OUTPUT -p tcp -j tap-client-5061\nCOMMIT\n";
	assert_int_equal(fw_install(&fw, &plan, FW_NONE, err), 0);
	assert_string_equal(calls,
			    " nft iptables-save iptables-restore "
			    "iptables-save ");
	strcpy(calls, " ");
	assert_true(fw_stands(&fw, &plan));
	assert_string_equal(calls, " iptables-save ");
	strcpy(calls, " ");
	assert_int_equal(fw_remove(&fw, err), 0);
	assert_null(strstr(calls, "ip6tables"));
	/* Its name has got an address of the other family. */
	assert_int_equal(fw_replace(&fw, &plan, &both, err), 0);
	assert_non_null(strstr(calls, "ip6tables-restore"));
	strcpy(calls, " ");
	assert_int_equal(fw_replace(&fw, &both, &plan, err), 0);
	assert_non_null(strstr(calls, "ip6tables-restore"));
}

/* Labels are the server's. */
static void
tries_a_client_once(void **state)
{
	const struct fw_plan plan = {
		.side = FW_CLIENT,
		.queue = 5060,
		.matches = &match,
		.count = 1,
	};

	(void)state;
	program("nft", 1, NULL, NULL);
	assert_int_equal(fw_install(&fw, &plan, FW_NFT, err), -1);
	assert_string_equal(calls, " nft ");
}

static void
goes_on_to_the_other_iptables(void **state)
{
	(void)state;
	program("iptables-restore", 4, NULL, "cannot\n");
	program("iptables-legacy-save", 0, "", NULL);
	program("iptables-legacy-restore", 0, NULL, NULL);
	program("ip6tables-legacy-save", 0, "", NULL);
	program("ip6tables-legacy-restore", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), 0);
	assert_int_equal(fw.variant, 2);
}

/* Where iptables or the kernel can't label: by marks alone. */
static void
does_without_labels(void **state)
{
	static const struct fw_match decoy = {
		.ports = ssh,
		.ports_count = 1,
		.decoy = { 4, { 192, 0, 2, 9 } },
		.decoy_port = 22,
	};
	const struct fw_plan plan = { .side = FW_SERVER,
				      .queue = 5040,
				      .accepted_mark = 0x200000,
				      .matches = &decoy,
				      .count = 1 };

	(void)state;
	program("iptables-save", 0, "", NULL);
	program("ip6tables-save", 0, "", NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	refused = "connlabel";
	assert_int_equal(fw_install(&fw, &plan, FW_IPTABLES, err), 0);
	assert_true(fw.no_labels);
	refused = NULL;
	assert_int_equal(fw_replace(&fw, &plan, &plan, err), 0);
	assert_null(strstr(last_input, "connlabel"));
}

/* Where neither can be done: a plain port needs none of it. */
static void
does_without_sockets_and_labels(void **state)
{
	const struct fw_plan plan = { .side = FW_SERVER,
				      .queue = 5040,
				      .accepted_mark = 0x200000,
				      .by_socket = true,
				      .matches = &match,
				      .count = 1 };

	(void)state;
	program("iptables-save", 0, whole(), NULL);
	program("ip6tables-save", 0, whole(), NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	refused = "connlabel";
	also_refused = "-m socket";
	assert_int_equal(fw_install(&fw, &plan, FW_IPTABLES, err), 0);
	assert_true(fw.no_labels);
	assert_true(fw.no_sockets);
	assert_int_equal(count_calls("ip6tables-restore"), 1);
}

static void
says_why_nothing_could_be_installed(void **state)
{
	char longest[2 * FW_ERROR_MAX];

	(void)state;
	assert_int_equal(fw_install(&fw, &server, FW_NONE, err), -1);
	assert_int_equal(fw.tool, FW_NONE);
	check_error(err, "no firewall rules", 0,
		    "nft: not installed; iptables-restore: not installed");
	program("nft", 1, NULL, "one\ntwo\n");
	assert_int_equal(fw_install(&fw, &server, FW_NFT, err), -1);
	check_error(err, "no firewall rules", 0, "nft: one");
	assert_null(strstr(err, "two"));
	program("nft", -12, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_NFT, err), -1);
	check_error(err, "no firewall rules", 0, "nft: Cannot allocate");
	/* One that was killed has nothing to say. */
	program("nft", 137, NULL, "");
	assert_int_equal(fw_install(&fw, &server, FW_NFT, err), -1);
	check_error(err, "no firewall rules", 0, "nft: exit status 137");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	program("nft", 1, NULL, longest);
	program("iptables-restore", 1, NULL, longest);
	assert_int_equal(fw_install(&fw, &server, FW_NONE, err), -1);
	assert_true(strlen(err) < sizeof err);
	check_error(err, "no firewall rules", 0, "; iptables-restore: xxx");
}

static void
removes_only_what_is_ours(void **state)
{
	(void)state;
	fw = (struct fw){ .tool = FW_IPTABLES,
			  .side = FW_SERVER,
			  .queue = 5040,
			  .has_family = { true, true } };
	program("iptables-save", 0, HEAD "-A OUTPUT -j x\nCOMMIT\n", NULL);
	program("ip6tables-save", 0, HEAD ":" NAME "1 - [0:0]\nCOMMIT\n", NULL);
	assert_int_equal(fw_remove(&fw, err), 0);
	assert_null(strstr(calls, "restore"));
	program("ip6tables-save", 0, HEAD CHAIN "COMMIT\n", NULL);
	program("ip6tables-restore", 1, NULL, "busy\n");
	assert_int_equal(fw_remove(&fw, err), -1);
	check_error(err, "ip6tables-restore", 0, "busy");
}

/* A table of iptables-nft goes again, but only if nobody else uses it. */
static const struct ruleset_hook raw_hook = { "raw", "PREROUTING", "", "" };

static void
drops_tables_that_it_made(void **state)
{
	static const char nft_head[] = "# x (nf_tables)\n";
	char saved[512];

	(void)state;
	program("nft", 0, NULL, NULL);
	program("iptables-restore", 0, NULL, NULL);
	snprintf(saved, sizeof saved, "%s%s%sCOMMIT\n", nft_head, HEAD, CHAIN);
	program("iptables-save", 0, saved, NULL);
	fw = (struct fw){ .tool = FW_IPTABLES,
			  .side = FW_SERVER,
			  .queue = 5040,
			  .has_family = { true, true },
			  .table_is_ours = {
				  { true, true, true, true, true } } };
	/* The fake keeps our chain, which then is somebody else's. */
	assert_int_equal(remove_family(&fw, 0, 0, err), 0);
	assert_null(strstr(calls, "nft"));
	snprintf(saved, sizeof saved, "%s%sCOMMIT\n", nft_head, HEAD);
	drop_unused(&fw, 4, 0, &raw_hook, true);
	assert_string_equal(last_input, "delete table ip raw \n");
	last_input[0] = '\0';
	snprintf(saved, sizeof saved, "%sCOMMIT\n", HEAD);
	drop_unused(&fw, 4, 0, &raw_hook, true);
	assert_string_equal(last_input, "");
}

/* So does a chain that iptables-nft made for us, as long as it is empty. */
static void
drops_chains_that_are_empty(void **state)
{
	char saved[512];

	(void)state;
	fw = (struct fw){ .side = FW_SERVER, .queue = 5040 };
	program("nft", 0, NULL, NULL);
	snprintf(saved, sizeof saved, "# x (nf_tables)\n%sCOMMIT\n", HEAD);
	program("iptables-save", 0, saved, NULL);
	drop_unused(&fw, 4, 0, &raw_hook, false);
	assert_string_equal(last_input, "delete chain ip raw PREROUTING\n");
	last_input[0] = '\0';
	snprintf(saved, sizeof saved,
		 "# x (nf_tables)\n%s-A PREROUTING -j x\nCOMMIT\n", HEAD);
	drop_unused(&fw, 4, 0, &raw_hook, false);
	snprintf(saved, sizeof saved,
		 "# x (nf_tables)\n*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n");
	drop_unused(&fw, 4, 0, &raw_hook, false);
	snprintf(saved, sizeof saved, "%sCOMMIT\n", HEAD);
	drop_unused(&fw, 4, 0, &raw_hook, false);
	assert_string_equal(last_input, "");
}

/*
 * One command ends while others begin: what they have just put there stays,
 * though it was not there to be seen.
 */
static void
drops_only_what_is_unused_then(void **state)
{
	static const char saved[] = "# x (nf_tables)\n" HEAD "COMMIT\n";

	(void)state;
	fw = (struct fw){ .side = FW_CLIENT, .queue = 5061, .is_brief = true };
	program("iptables-save", 0, saved, NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("nft", 0, NULL, NULL);
	drop_unused(&fw, 4, 0, &raw_hook, true);
	assert_string_equal(last_input,
			    "create chain ip raw PREROUTING\n"
			    "delete table ip raw\n");
	drop_unused(&fw, 4, 0, &raw_hook, false);
	assert_string_equal(last_input, "*raw\n-X PREROUTING\nCOMMIT\n");
	/* The chain is not empty any more. */
	strcpy(calls, " ");
	program("iptables-restore", 4, NULL, "CHAIN_DEL failed\n");
	drop_unused(&fw, 4, 0, &raw_hook, true);
	assert_string_equal(calls, " iptables-save iptables-restore ");
}

static void
replaces_a_plan_or_keeps_the_old(void **state)
{
	static const struct fw_match other = { .ports_count = 0 };
	const struct fw_plan plan = {
		.side = FW_SERVER, .queue = 5040, .matches = &other, .count = 1
	};

	(void)state;
	program("nft", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_NFT, err), 0);
	assert_int_equal(fw_replace(&fw, &server, &plan, err), 0);
	assert_null(strstr(last_input, "dport { 22 }"));
	program("nft", 1, NULL, "no\n");
	assert_int_equal(fw_replace(&fw, &plan, &server, err), -1);
	check_error(err, "nft", 0, "no");
	/* What was tried last is the old one. */
	assert_null(strstr(last_input, "dport { 22 }"));
	assert_int_equal(fw.tool, FW_NFT);
	fw.tool = FW_NONE;
	assert_int_equal(fw_replace(&fw, &plan, &server, err), 0);
}

static void
bridges_with_iptables_alone(void **state)
{
	static const struct fw_match bridged = { .place = FW_BRIDGED };
	const struct fw_plan plan = { .side = FW_SERVER,
				      .queue = 5040,
				      .matches = &bridged,
				      .count = 1 };

	(void)state;
	program("nft", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &plan, FW_NFT, err), -1);
	assert_string_equal(err, "type=BRIDGE needs firewall=iptables");
	assert_string_equal(calls, " ");
	/* Whatever could do without: nft is not even asked. */
	assert_int_equal(fw_install(&fw, &plan, FW_NONE, err), -1);
	assert_int_equal(count_calls("nft"), 0);
}

static void
probes_without_a_change(void **state)
{
	(void)state;
	program("nft", 0, NULL, NULL);
	assert_int_equal(fw_probe(&server), FW_NFT);
	program("nft", 1, NULL, NULL);
	assert_int_equal(fw_probe(&server), FW_IPTABLES);
	assert_string_equal(calls, " nft? nft? ");
}

static void
writes_texts(void **state)
{
	char *text = fw_text(&server, FW_NFT, 0);

	(void)state;
	assert_non_null(strstr(text, "table inet " NAME " {"));
	free(text);
	text = fw_text(&server, FW_IPTABLES, 4);
	assert_non_null(strstr(text, "*mangle\n" CHAIN));
	assert_non_null(strstr(text, "COMMIT\n*raw\n" CHAIN));
	free(text);
	assert_string_equal(calls, " ");
}

/* What has no room is no half of a firewall, and it is said why. */
static void
refuses_what_is_too_long(void **state)
{
	enum { PORTS = 32000, MATCHES = 40 };
	static struct fw_ports ports[PORTS];
	static struct fw_match matches[MATCHES];
	struct fw_plan plan = { .side = FW_SERVER,
				.queue = 5040,
				.matches = matches,
				.count = MATCHES };

	(void)state;
	for (uint16_t i = 0; i < PORTS; i++) {
		ports[i].low = ports[i].high = (uint16_t)(2 * i + 1);
	}
	for (size_t i = 0; i < MATCHES; i++) {
		matches[i].ports = ports;
		matches[i].ports_count = PORTS;
	}
	for (unsigned family = 0; family <= 6; family += family ? 2 : 4) {
		errno = 0;
		assert_null(
			fw_text(&plan, family ? FW_IPTABLES : FW_NFT, family));
		assert_int_equal(errno, EMSGSIZE);
	}
	assert_int_equal(fw_install(&fw, &plan, FW_NONE, err), -1);
	assert_string_equal(err,
			    "no firewall rules: nft: more than 8 MiB of "
			    "rules; iptables: more than 8 MiB of rules");
	assert_int_equal(fw.tool, FW_NONE);
}

#define MANGLE_JUMP "-A INPUT -p tcp -j " NAME "\n"
#define TWO "-A " NAME " -p tcp -j DROP\n"
#define SAVED_WITH(before, ours)                                               \
	"*mangle\n:INPUT ACCEPT [0:0]\n" CHAIN "-A PREROUTING -j " NAME        \
	"-labels\n-A FORWARD -j " NAME "-forward\n" before MANGLE_JUMP ours    \
	"COMMIT\n" HEAD CHAIN "-A " JUMP "\n" OWN "COMMIT\n"

/* Rules of iptables that were changed, or that others have come before. */
static void
notices_what_was_changed(void **state)
{
	static const struct {
		const char *saved;
		bool stands;
	} tables[] = {
		{ SAVED_WITH("", OWN TWO), true },
		/* Rules of our neighbours, and behind us, are no matter. */
		{ SAVED_WITH("-A INPUT -j tap-server-6000\n", OWN TWO), true },
		{ SAVED_WITH("", "-A INPUT -j ACCEPT\n" OWN TWO), true },
		{ SAVED_WITH("", "-A OUTPUT -j DROP\n" OWN TWO), true },
		{ SAVED_WITH("-A INPUT -j ACCEPT\n", OWN TWO), false },
		{ SAVED_WITH("-A INPUT -j other\n", OWN TWO), false },
		{ SAVED_WITH("-A INPUT -g other\n", OWN TWO), false },
		{ SAVED_WITH("-A INPUT -j DROPPER\n", OWN TWO), false },
		{ SAVED_WITH("-A INPUT -j MARK --set-mark 1\n", OWN TWO),
		  true },
		{ SAVED_WITH("-A INPUT -s 10.0.0.1/32 -j DROP\n", OWN TWO),
		  true },
		{ SAVED_WITH("-A INPUT -p tcp\n", OWN TWO), true },
		{ SAVED_WITH("-A INPUT -j LOG\n", OWN TWO), true },
		{ SAVED_WITH("", OWN), false },
		{ SAVED_WITH("", TWO OWN), false },
		{ SAVED_WITH("", OWN "-A " NAME " -j ACCEPT\n" TWO), false },
		{ SAVED_WITH("", ""), false },
		{ HEAD CHAIN "-A " JUMP "\n" OWN "COMMIT\n", false },
		{ "", false },
	};

	(void)state;
	program("iptables-save", 0, tables[0].saved, NULL);
	program("ip6tables-save", 0, tables[0].saved, NULL);
	program("iptables-restore", 0, NULL, NULL);
	program("ip6tables-restore", 0, NULL, NULL);
	assert_int_equal(fw_install(&fw, &server, FW_IPTABLES, err), 0);
	assert_true(fw.is_legacy);
	for (size_t i = 0; i < LENGTH(tables); i++) {
		program("iptables-save", 0, tables[i].saved, NULL);
		if (fw_stands(&fw, &server) != tables[i].stands) {
			fail_msg("%s", tables[i].saved);
		}
	}
	/* What can't be asked is not gone. */
	program("iptables-save", 1, NULL, NULL);
	assert_int_equal(fw_stands(&fw, &server), -1);
}

static void
notices_what_nft_lost(void **state)
{
	(void)state;
	program("nft", 0, "table inet x {\n\trule 1\n\trule 2\n}\n", NULL);
	assert_int_equal(fw_install(&fw, &server, FW_NFT, err), 0);
	assert_false(fw.is_legacy);
	assert_int_equal(fw_stands(&fw, &server), 1);
	program("nft", 0, "table inet x {\n\trule 2\n\trule 1\n}\n", NULL);
	assert_false(fw_stands(&fw, &server));
	program("nft", 0, "table inet x {\n\trule 1\n}\n", NULL);
	assert_false(fw_stands(&fw, &server));
	/* Neither that table nor any can be asked for. */
	program("nft", 1, NULL, NULL);
	assert_int_equal(fw_stands(&fw, &server), -1);
}

/* looks: how often rules are asked for in the second after the watch began */
static void
check_first_look(const struct fw_plan *plan, const char *looks)
{
	struct watchdog k;

	assert_int_equal(fw_install(&fw, plan, FW_NFT, err), 0);
	watchdog_open(&k, &fw);
	k.looked_ms -= 2 * APART_MS;
	strcpy(calls, " ");
	watchdog_look(&k, &fw, plan);
	watchdog_look(&k, &fw, plan);
	assert_string_equal(calls, looks);
	watchdog_close(&k);
}

/* Of what was changed between the installation and the watch, nobody tells. */
static void
looks_when_the_watch_begins(void **state)
{
	const uint32_t user = 1000;
	struct fw_plan brief = server;

	(void)state;
	brief.user = &user;
	program("nft", 0, "table inet x {\n\trule 1\n}\n", NULL);
	check_first_look(&server, " nft ");
	check_first_look(&brief, " ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_what_is_ours, setup),
		cmocka_unit_test_setup(takes_one_table_of_all, setup),
		cmocka_unit_test_setup(ends_with_its_table, setup),
		cmocka_unit_test_setup(installs_with_nft_first, setup),
		cmocka_unit_test_setup(installs_again_what_is_gone, setup),
		cmocka_unit_test_setup(installs_with_iptables_where_nft_cannot,
				       setup),
		cmocka_unit_test_setup(replaces_what_a_predecessor_left, setup),
		cmocka_unit_test_setup(undoes_what_it_did_itself, setup),
		cmocka_unit_test_setup(is_brief_for_one_command, setup),
		cmocka_unit_test_setup(tries_a_client_once, setup),
		cmocka_unit_test_setup(goes_on_to_the_other_iptables, setup),
		cmocka_unit_test_setup(does_without_labels, setup),
		cmocka_unit_test_setup(does_without_sockets_and_labels, setup),
		cmocka_unit_test_setup(says_why_nothing_could_be_installed,
				       setup),
		cmocka_unit_test_setup(removes_only_what_is_ours, setup),
		cmocka_unit_test_setup(drops_tables_that_it_made, setup),
		cmocka_unit_test_setup(drops_chains_that_are_empty, setup),
		cmocka_unit_test_setup(drops_only_what_is_unused_then, setup),
		cmocka_unit_test_setup(replaces_a_plan_or_keeps_the_old, setup),
		cmocka_unit_test_setup(bridges_with_iptables_alone, setup),
		cmocka_unit_test_setup(probes_without_a_change, setup),
		cmocka_unit_test_setup(writes_texts, setup),
		cmocka_unit_test_setup(refuses_what_is_too_long, setup),
		cmocka_unit_test_setup(notices_what_was_changed, setup),
		cmocka_unit_test_setup(notices_what_nft_lost, setup),
		cmocka_unit_test_setup(looks_when_the_watch_begins, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
