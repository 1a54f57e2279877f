/* SPDX-License-Identifier: ISC */
/*
 * What nft and iptables-save list, or somebody in their place: what is run
 * then takes away what is named for one queue, and nothing else.
 */
#include "fuzz.h"

#include <string.h>

#include "base/spawn.h"
#include "base/text.h"

#define NAME "tap-server-5040"

static const uint8_t *listed_data;
static size_t listed_size;

/* One line of a script for iptables-restore. */
static void
check_line(const char *line, size_t len)
{
	char copy[65536];

	CHECK(len < sizeof copy);
	memcpy(copy, line, len);
	copy[len] = '\0';
	if (copy[0] != '-') {
		CHECK(copy[0] == '*' || strcmp(copy, "COMMIT") == 0);
		return;
	}
	switch (copy[1]) {
	case 'D':
		CHECK(strncmp(copy, "-D ", 3) == 0);
		CHECK(strstr(copy, " -j " NAME));
		break;
	case 'F':
	case 'X':
		CHECK(strcmp(copy + 2, " " NAME) == 0 ||
		      strncmp(copy + 2, " " NAME "-", sizeof NAME + 1) == 0);
		break;
	default:
		CHECK(!"a verb that it has no use for");
	}
}

static void
check_script(const char *tool, const char *script)
{
	if (strcmp(tool, "nft") == 0) {
		CHECK(strcmp(script, "delete table inet " NAME "\n") == 0);
		return;
	}
	CHECK(strstr(tool, "-restore") && script[0] == '*');
	while (*script) {
		size_t len = strcspn(script, "\n");

		CHECK(len > 0 && script[len] == '\n');
		check_line(script, len);
		script += len + 1;
	}
}

static int
run_faked(const char *const *argv, const char *input, char *output,
	  size_t output_size, char *errors, size_t errors_size)
{
	(void)errors;
	(void)errors_size;
	if (input) {
		check_script(argv[0], input);
	} else if (output) {
		size_t len = listed_size < output_size - 1 ? listed_size
							   : output_size - 1;

		memcpy(output, listed_data, len);
		output[len] = '\0';
	}
	return 0;
}

#define run_program run_faked
#include "firewall/leftover.c"
#include "firewall/run_tool.c"
#undef run_program

static void
tell(const char *line)
{
	CHECK(strstr(line, NAME));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct leftover found;
	char err[FW_ERROR_MAX];

	listed_data = data;
	listed_size = size;
	CHECK(leftover_find(&found, FW_SERVER, err) == 0);
	for (size_t i = 1; i < found.count; i++) {
		CHECK(found.queues[i - 1] < found.queues[i]);
	}
	leftover_remove(FW_SERVER, 5040, tell, err);
	return 0;
}
