/* SPDX-License-Identifier: ISC */
/* What an earlier scan-check wrote, or anybody else. */
#include "fuzz.h"

#include <string.h>

#include "scan_check/baseline.c"

#define PORTS 3u

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[PORTS] = { 22, 80, 443 };
	static const struct target_addr target = { .text = "192.0.2.1" };
	struct finding at[PORTS] = { 0 };
	struct findings found = {
		.targets = &target,
		.target_count = 1,
		.ports = ports,
		.port_count = PORTS,
		.scans = { PROBE_SYN },
		.scan_count = 1,
		.at = at,
		.count = PORTS,
	};
	bool is_ours = false;
	size_t known = 0;
	size_t filled = 0;
	struct json_read j;
	enum json_token token;

	json_read_init(&j, (const char *)data, size);
	token = read_tokens(&j, &found, &is_ours, &known);
	CHECK(token == JSON_END || (token == JSON_ERROR && j.why[0]));
	for (size_t i = 0; i < PORTS; i++) {
		CHECK(at[i].before < PROBE_STATES);
		CHECK(at[i].state == PROBE_UNKNOWN);
		filled += at[i].before != PROBE_UNKNOWN;
	}
	CHECK(known == filled && (known == 0 || is_ours));
	return 0;
}
