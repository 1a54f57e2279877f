/*
 * Whether two samples are of the same kind: of times, by the ranks
 * (Mann and Whitney, 1947, with the normal approximation and the
 * correction for ties); of counts, by chi squared (Yates, 1934).
 * Results are squares of a standard score.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_TWOSAMPLE_H
#define TAP_SCAN_CHECK_TWOSAMPLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * At five standard deviations two samples are called different.  The
 * order in which they are taken is random, so where nothing differs no
 * noise of the network or the machine can prefer one of them, and the
 * chance of such a score is 6e-7 a comparison.  A run compares at most
 * about 150 things, most of them constants that can't differ by chance,
 * and a dozen times: a false alarm in 10^5 runs.
 */
#define TWOSAMPLE_DIFFERENT (5.0 * 5.0)

/*
 * Smallest sample: with 20 each, the score of samples that don't overlap
 * at all is 5.4 (ranks) and 6.0 (counts); with 17, ranks stay below 5.
 */
#define TWOSAMPLE_MIN 20u

/*
 * How far the ranks of two samples are from those of equal ones, and the
 * variance of that.  Sums of both over independent pairs of samples are
 * those of all of them together (van Elteren, 1960).
 */
struct twosample_ranks {
	double distance, variance;
};

/* Of n and m times. */
struct twosample_ranks twosample_ranks(const uint64_t *a, size_t n,
				       const uint64_t *b, size_t m);
/* 0 where one of them was empty or all were equal. */
double twosample_score(const struct twosample_ranks *ranks);

/* Of n things of which a have something, and of m of which b have it. */
double twosample_counts(size_t a, size_t n, size_t b, size_t m);

#endif
