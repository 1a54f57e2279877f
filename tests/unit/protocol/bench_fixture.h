/*
 * What the tests of the receiver begin with, each of them: a bench without
 * rules and keys, and a seed.
 */
#ifndef TAP_TESTS_BENCH_FIXTURE_H
#define TAP_TESTS_BENCH_FIXTURE_H

#include "unit/support.h"

static struct bench *b;
static uint64_t seed;

static int
setup_bench(void **state)
{
	(void)state;
	seed = 20261120;
	b = bench_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	bench_free(b);
	return 0;
}

#endif
