/* SPDX-License-Identifier: ISC */
/*
 * What iptables-save printed, or somebody in its place: lines that undo
 * our jumps are the only ones that fw makes of it.
 */
#include "fuzz.h"

#include <string.h>

#include "base/spawn.h"
#include "base/text.h"

static const uint8_t *saved_data;
static size_t saved_size;

static int
run_faked(const char *const *argv, const char *input, char *output,
	  size_t output_size, char *errors, size_t errors_size)
{
	(void)argv;
	(void)input;
	(void)errors;
	(void)errors_size;
	if (output) {
		size_t len = saved_size < output_size - 1 ? saved_size
							  : output_size - 1;

		memcpy(output, saved_data, len);
		output[len] = '\0';
	}
	return 0;
}

#define run_program run_faked
#include "firewall/iptables.c"
#undef run_program

#define NAME "tap-server-5040"

static void
check_stale(const char *stale)
{
	while (*stale) {
		size_t len = strcspn(stale, "\n");
		char line[STALE_MAX];

		CHECK(len > 0 && stale[len] == '\n');
		CHECK(len < sizeof line);
		memcpy(line, stale, len);
		line[len] = '\0';
		CHECK(strncmp(line, "-D", 2) == 0);
		CHECK(strstr(line, " -j " NAME));
		stale += len + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char lines[STALE_MAX];
	struct text stale = text_over(lines, sizeof lines);
	enum others others;
	const char *saved;
	bool by_nft;

	saved_data = data;
	saved_size = size;
	saved = save_table(4, 0, "raw", &by_nft);
	CHECK(saved[0] == '\0' || strncmp(saved, "*raw\n", 5) == 0);
	find_ours(saved, NAME, &stale, &others);
	check_stale(lines);
	return 0;
}
