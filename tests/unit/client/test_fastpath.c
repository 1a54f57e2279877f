/* The client's part of the fast path, where the kernel takes no program. */
#include "unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/egress.h"
#include "fastpath/egress_tables.h"

static struct egress_config config;
static int loads, load_result, closed;

static int
faked_open(struct egress *e, const struct egress_tables *tables)
{
	(void)tables;
	e->config = &config;
	return 0;
}

static int
faked_load(struct egress *e)
{
	loads++;
	egress_explain(e, "reason %d", loads);
	return load_result;
}

static void
faked_close(struct egress *e)
{
	closed++;
	e->config = NULL;
}

#define egress_open faked_open
#define egress_load faked_load
#define egress_close faked_close
#include "client/fastpath.c"
#undef egress_close
#undef egress_load
#undef egress_open

static struct client_conf conf = {
	.settings = { .firewall = FIREWALL_AUTO, .fastpath = FASTPATH_AUTO },
};
static struct client_egress c;

/* Once: there is no reason to try it every second. */
static void
does_not_try_again(void **state)
{
	(void)state;
	load_result = -ENOMEM;
	client_egress_init(&c);
	client_egress_open(&c, &conf, NULL);
	assert_int_equal(loads, 1);
	assert_int_equal(closed, 1);
	assert_null(c.egress.config);
	assert_true(client_egress_is_settled(&c));
	client_egress_tick(&c, NULL, NULL, &conf);
	assert_int_equal(loads, 1);
	assert_string_equal(c.egress.why, "reason 1");
}

static void
waits_for_the_kernel(void **state)
{
	(void)state;
	load_result = -EINPROGRESS;
	closed = 0;
	client_egress_init(&c);
	client_egress_open(&c, &conf, NULL);
	assert_int_equal(closed, 0);
	assert_false(client_egress_is_settled(&c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_not_try_again),
		cmocka_unit_test(waits_for_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
