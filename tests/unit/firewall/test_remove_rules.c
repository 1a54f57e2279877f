/* What is said of several taps, of which some run, and some cannot be removed.
 */
#include "unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firewall/remove_rules.c"

#define QUEUES 3u
#define FIRST 64990u /* nobody has it */

/* What each of them is. */
enum is { IS_LEFT, IS_RUNNING, IS_STUCK };
static enum is queues[QUEUES];
static unsigned removals;
static bool tool_fails; /* that lists them */

int
leftover_find(struct leftover *found, enum fw_side side, char *err)
{
	(void)side;
	(void)err;
	memset(found, 0, sizeof *found);
	if (tool_fails) {
		strcpy(found->unasked, "iptables-save: exit status 4");
	}
	for (uint16_t i = 0; i < QUEUES; i++) {
		found->queues[found->count++] = FIRST + i;
	}
	return 0;
}

int
leftover_remove(enum fw_side side, uint16_t queue, void (*told)(const char *),
		char *err)
{
	(void)side;
	(void)told;
	snprintf(err, FW_ERROR_MAX, "the tool failed");
	removals++;
	return queues[queue - FIRST] == IS_STUCK ? -1 : 0;
}

bool
leftover_shares(enum fw_side side, uint16_t queue, const struct fw_plan *plan)
{
	(void)side;
	(void)queue;
	(void)plan;
	return false;
}

void
leftover_note(struct leftover *found, uint16_t queue)
{
	(void)found;
	(void)queue;
}

void
leftover_log(const char *line)
{
	(void)line;
}

int
ask_process(const char *side, uint16_t queue)
{
	(void)side;
	return queues[queue - FIRST] == IS_RUNNING ? 1234 : -1;
}

/* All are looked at, and one that runs is what is said. */
static void
says_that_one_runs(void **state)
{
	static const struct {
		enum is are[QUEUES];
		int status;
		unsigned removals;
	} cases[] = {
		{ { IS_LEFT, IS_LEFT, IS_LEFT }, TAP_OK, 3 },
		{ { IS_LEFT, IS_STUCK, IS_LEFT }, TAP_SYSTEM, 3 },
		{ { IS_RUNNING, IS_LEFT, IS_LEFT }, TAP_NO, 2 },
		{ { IS_STUCK, IS_RUNNING, IS_LEFT }, TAP_NO, 2 },
		{ { IS_RUNNING, IS_STUCK, IS_LEFT }, TAP_NO, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(queues, cases[i].are, sizeof queues);
		removals = 0;
		assert_int_equal(remove_rules(FW_CLIENT, -1), cases[i].status);
		assert_int_equal(removals, cases[i].removals);
		/* Nothing is said to be clean that was not looked at. */
		tool_fails = true;
		assert_int_equal(remove_rules(FW_CLIENT, -1),
				 cases[i].status == TAP_OK ? TAP_SYSTEM
							   : cases[i].status);
		tool_fails = false;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_that_one_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
