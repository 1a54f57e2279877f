/* Rules that are found by their names, in what tools list. */
#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>

#include "base/spawn.h"

/* What tools list, and the scripts that others are run with. */
static const char *tables, *rules, *saved;
static int list_status;
static char scripts[8192];

static int
run_faked(const char *const *argv, const char *input, char *output,
	  size_t output_size, char *errors, size_t errors_size)
{
	size_t at = strlen(scripts);
	const char *listed = NULL;

	snprintf(errors, errors_size, "%s",
		 list_status == 4 ? "not permitted\n" : "");
	if (strcmp(argv[0], "nft") == 0 && strcmp(argv[1], "-n") == 0) {
		listed = rules;
	} else if (strcmp(argv[0], "nft") == 0 &&
		   strcmp(argv[1], "list") == 0) {
		listed = tables;
	} else if (strcmp(argv[0], "iptables-save") == 0) {
		listed = saved;
	} else if (!input) {
		return list_status == 4 ? 4 : RUN_NOT_FOUND;
	}
	if (input) {
		snprintf(scripts + at, sizeof scripts - at, "%s:\n%s", argv[0],
			 input);
		return 0;
	}
	snprintf(output, output_size, "%s", listed ? listed : "");
	return listed ? list_status : RUN_NOT_FOUND;
}

#define run_program run_faked
#include "firewall/leftover.c"
#include "firewall/run_tool.c"
#undef run_program

static char told[1024];

static void
tell(const char *line)
{
	size_t at = strlen(told);

	snprintf(told + at, sizeof told - at, "%s\n", line);
}

static int
setup(void **state)
{
	(void)state;
	tables = rules = saved = NULL;
	list_status = 0;
	scripts[0] = told[0] = '\0';
	return 0;
}

static const char some_saved[] =
	"# Generated\n"
	"*mangle\n"
	":PREROUTING ACCEPT [0:0]\n"
	":mine - [0:0]\n"
	":tap-server-5040 - [0:0]\n"
	":tap-server-5040-forward - [0:0]\n"
	":tap-server-50401 - [0:0]\n"
	":tap-server-5040x - [0:0]\n"
	":tap-client-5060 - [0:0]\n"
	"-A PREROUTING -p tcp -m tcp ! --tcp-flags SYN SYN -j tap-server-5040\n"
	"-A PREROUTING -p tcp -m tcp ! --tcp-flags SYN SYN -j tap-server-5040\n"
	"-A PREROUTING -p tcp -j tap-server-50401\n"
	"-A PREROUTING -m comment --comment \"a \\\" -j tap-server-5040 b\" -j "
	"mine\n"
	"-A FORWARD -p tcp -j tap-server-5040-forward -m comment\n"
	"-A mine -j RETURN\n"
	"-A tap-server-5040 -p tcp -j tap-server-5040-forward\n"
	"COMMIT\n"
	"*raw\n"
	":PREROUTING ACCEPT [0:0]\n"
	"-A PREROUTING -j DROP\n"
	"COMMIT\n";

static void
finds_queues(void **state)
{
	static const uint16_t queues[] = { 7, 5040, 50401 };
	struct leftover found;
	char err[FW_ERROR_MAX];

	(void)state;
	saved = some_saved;
	tables = "table ip tap-server-1\n"
		 "table inet tap-server-5040\n"
		 "table inet tap-server-7\n"
		 "table inet tap-server-\n"
		 "table inet tap-server-65536\n"
		 "table inet tap-server-08\n"
		 "table inet tap-server-123456789012345678901\n"
		 "table inet my-tap-server-3\n";
	assert_int_equal(leftover_find(&found, FW_SERVER, err), 0);
	assert_int_equal(found.count, LENGTH(queues));
	assert_memory_equal(found.queues, queues, sizeof queues);
	assert_string_equal(found.unasked, "");
	assert_int_equal(leftover_find(&found, FW_CLIENT, err), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.queues[0], 5060);
}

/* Ours alone, each as often as it stands there. */
static void
removes_one_queue(void **state)
{
	char err[FW_ERROR_MAX];

	(void)state;
	saved = some_saved;
	tables = "table inet tap-server-50401\n";
	assert_int_equal(leftover_remove(FW_SERVER, 5040, tell, err), 0);
	assert_string_equal(
		scripts,
		"iptables-restore:\n"
		"*mangle\n"
		"-D PREROUTING -p tcp -m tcp ! --tcp-flags SYN SYN -j "
		"tap-server-5040\n"
		"-D PREROUTING -p tcp -m tcp ! --tcp-flags SYN SYN -j "
		"tap-server-5040\n"
		"-D FORWARD -p tcp -j tap-server-5040-forward -m comment\n"
		"-F tap-server-5040\n"
		"-F tap-server-5040-forward\n"
		"-X tap-server-5040\n"
		"-X tap-server-5040-forward\n"
		"COMMIT\n");
	assert_string_equal(told,
			    "iptables: table mangle, chain tap-server-5040\n"
			    "iptables: table mangle, chain "
			    "tap-server-5040-forward\n");
}

static void
removes_tables_of_nft(void **state)
{
	char err[FW_ERROR_MAX];

	(void)state;
	tables = "table inet tap-client-5060\ntable inet tap-server-5060\n";
	assert_int_equal(leftover_remove(FW_CLIENT, 5060, tell, err), 0);
	assert_string_equal(scripts,
			    "nft:\ndelete table inet tap-client-5060\n");
	assert_string_equal(told, "nft: table inet tap-client-5060\n");
}

/* Nothing is said to be clean that was not looked at. */
static void
says_what_can_not_be_asked(void **state)
{
	struct leftover found;
	char err[FW_ERROR_MAX];

	(void)state;
	assert_int_equal(leftover_find(&found, FW_SERVER, err), -1);
	assert_non_null(strstr(err, ": not installed"));
	list_status = 4;
	assert_int_equal(leftover_find(&found, FW_SERVER, err), -1);
	assert_non_null(strstr(err, ": not permitted"));
	list_status = 0;
	saved = "";
	assert_int_equal(leftover_find(&found, FW_SERVER, err), 0);
	assert_int_equal(found.count, 0);
}

/* A plan of one range of ports, or (low 0) of all. */
static bool
shares(uint16_t queue, uint16_t low, uint16_t high)
{
	const struct fw_ports range = { low, high };
	const struct fw_match match = { .ports = &range,
					.ports_count = low ? 1 : 0 };
	const struct fw_plan plan = { .matches = &match, .count = 1 };

	return leftover_shares(FW_SERVER, queue, &plan);
}

static void
knows_what_is_hidden_twice(void **state)
{
	(void)state;
	saved = "*raw\n"
		":tap-server-5040 - [0:0]\n"
		"-A PREROUTING -p tcp -m tcp --dport 1 -j NFQUEUE\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 22,80:90 -m "
		"addrtype --dst-type LOCAL -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -m conntrack --ctstate DNAT "
		"--ctorigdstport 22 -j NFQUEUE --queue-num 5040\n"
		"-A tap-server-5040 -p tcp -m multiport --dports 7 -j DROP\n"
		"-A tap-server-6000 -p tcp -j NFQUEUE --queue-num 6000\n"
		"COMMIT\n";
	assert_true(shares(5040, 22, 22));
	assert_true(shares(5040, 85, 85));
	assert_true(shares(5040, 90, 100));
	assert_true(shares(5040, 1, 22));
	assert_true(shares(5040, 0, 0));
	assert_false(shares(5040, 23, 79));
	assert_false(shares(5040, 91, 65535));
	assert_false(shares(5040, 1, 21));
	assert_false(shares(504, 22, 22));
	assert_true(shares(6000, 9, 9));
	saved = NULL;
	rules = "table inet tap-server-5040 {\n"
		"\tchain syn {\n"
		"\t\ttcp flags & (fin | syn) == syn tcp dport { 22, 80-90 } "
		"queue to 5040\n"
		"\t\ttcp dport 7 queue num 5041\n"
		"\t\tct status 0x20 ct original proto-dst 22 queue to 5040\n"
		"\t\tct label 106 ct status 0x20 queue to 5040\n"
		"\t\ttcp dport 9 drop\n";
	assert_true(shares(5040, 22, 22));
	assert_true(shares(5040, 90, 90));
	assert_true(shares(5040, 7, 7));
	assert_false(shares(5040, 9, 9));
	assert_false(shares(5040, 5040, 5041));
	rules = NULL;
	assert_false(shares(5040, 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_queues, setup),
		cmocka_unit_test_setup(removes_one_queue, setup),
		cmocka_unit_test_setup(removes_tables_of_nft, setup),
		cmocka_unit_test_setup(knows_what_is_hidden_twice, setup),
		cmocka_unit_test_setup(says_what_can_not_be_asked, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
