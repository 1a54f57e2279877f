/* SPDX-License-Identifier: ISC */
/*
 * What iptables-save printed, or somebody in its place: lines that undo
 * our jumps are the only ones that fw makes of it.
 */
#include "fuzz.h"

#include <string.h>

#include "base/text.h"

static const uint8_t *saved_data;
static size_t saved_size;

static int
list_faked(const char *const *argv, char *output, size_t size)
{
	size_t len = saved_size < size - 1 ? saved_size : size - 1;

	(void)argv;
	memcpy(output, saved_data, len);
	output[len] = '\0';
	return 0;
}

#define fw_run_list list_faked
#include "firewall/iptables.c"
#undef fw_run_list

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
	struct ours ours = { .chain = NAME };
	const char *saved;
	bool by_nft;

	saved_data = data;
	saved_size = size;
	saved = save_tables(4, 0, &by_nft);
	CHECK(saved);
	find_in(&ours, table_of(saved, "raw"));
	CHECK(ours.table[0] == '\0' || strncmp(ours.table, "*raw\n", 5) == 0);
	check_stale(ours.stale);
	return 0;
}
