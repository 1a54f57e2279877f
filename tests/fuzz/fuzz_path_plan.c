/* SPDX-License-Identifier: ISC */
/*
 * A plan that anybody has written: what is read is in its bounds, and
 * reads the same once it is written.
 */
#include "base/why.h"
#include "fuzz.h"

#include <string.h>

#include "probe_path/plan.h"

static struct trial_probe probes[2][TRIAL_PROBES_MAX];
static struct trial_packet heard[2][TRIAL_PACKETS_MAX];
static char text[PATH_PLAN_MAX];

static struct trial
trial_of(size_t i)
{
	return (struct trial){
		.probes = probes[i],
		.heard = { .at = heard[i], .room = TRIAL_PACKETS_MAX },
	};
}

static void
check(const struct trial *t)
{
	CHECK(t->count > 0 && t->count <= TRIAL_PROBES_MAX);
	CHECK(t->port > 0 && t->rounds > 0 && t->rounds <= TRIAL_COUNT_MAX);
	CHECK(t->near.family == t->far.family);
	for (size_t i = 0; i < t->count; i++) {
		const struct trial_probe *p = &t->probes[i];

		CHECK(p->len > 0 && p->len <= TRIAL_PROBE_MAX);
		CHECK(p->kind != TRIAL_FIELD || p->field < FIELDS);
		CHECK(p->sent.known & 1u << FIELD_SEQ);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trial first = trial_of(0);
	struct trial second = trial_of(1);
	char why[WHY_MAX] = "";
	struct text t = text_over(text, sizeof text);

	if (path_plan_read(&first, (const char *)data, size, why) != 0) {
		CHECK(why[0] != '\0');
		return 0;
	}
	check(&first);
	path_plan_write(&t, &first, true);
	CHECK(!t.full);
	CHECK(path_plan_read(&second, text, t.len, why) == 0);
	check(&second);
	CHECK(first.count == second.count);
	CHECK(first.heard.count == second.heard.count);
	for (size_t i = 0; i < first.count; i++) {
		CHECK(probes[0][i].kind == probes[1][i].kind);
		CHECK(probes[0][i].len == probes[1][i].len);
		CHECK(memcmp(probes[0][i].bytes, probes[1][i].bytes,
			     probes[0][i].len) == 0);
	}
	return 0;
}
