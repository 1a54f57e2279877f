/* SPDX-License-Identifier: ISC */
/*
 * What can't be looked up is not "not there": a map that answers with
 * another error than ENOENT, which is what one that is not open does.
 */
#include "unit/files_support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/egress.h"
#include "fastpath/ingress.h"
#include "fastpath/ingress_groups.h"
#include "fastpath/ingress_status.h"
#include "fastpath/ingress_locals.h"
#include "fastpath/ingress_replays.h"

static struct ingress s;

static int
setup(void **state)
{
	/* Where there is privilege for it, without devices to attach to. */
	if (namespace_setup(state) < 0) {
		return -1;
	}
	ingress_init(&s);
	s.config = calloc(1, sizeof *s.config);
	return s.config ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(s.config);
	return 0;
}

/* A group that may have been accepted in the kernel is not new. */
static void
replays(void **state)
{
	(void)state;
	assert_false(ingress_remember(&s, 1, 1000));
	assert_true(s.config->floor == 1000);
}

/* An address that may be this host's no more is not passed over. */
static void
addresses(void **state)
{
	(void)state;
	assert_int_equal(ingress_locals_update(&s), -EBADF);
}

static void
take_none(void *context, const struct ingress_record *r)
{
	(void)context;
	(void)r;
	fail();
}

static void
groups(void **state)
{
	(void)state;
	assert_int_equal(ingress_groups_empty(&s, take_none, NULL), -EBADF);
}

/* A flood is not over because nobody can count it. */
static void
counts(void **state)
{
	uint64_t n[INGRESS_COUNTS];

	(void)state;
	assert_int_equal(ingress_counts(&s, n), -EBADF);
}

/* Rules that may name other devices are given to the queue. */
static void
devices_of_rules(void **state)
{
	static struct egress e;
	static char names[EGRESS_DEVICES_MAX][IF_NAMESIZE];

	(void)state;
	egress_init(&e);
	e.config = calloc(1, sizeof *e.config);
	assert_non_null(e.config);
	e.config->rules = 1;
	e.rules_count = 1;
	memcpy(e.outdev[0], "eth0", 5);
	e.ifname_count = 0;
	assert_int_equal(egress_attach(&e, names), 0);
	assert_int_equal(e.config->rules, 0);
	assert_non_null(strstr(e.why, strerror(EBADF)));
	free(e.config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays),          cmocka_unit_test(addresses),
		cmocka_unit_test(groups),           cmocka_unit_test(counts),
		cmocka_unit_test(devices_of_rules),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
