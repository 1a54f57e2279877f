#include "scan_check/twosample.h"

/* The sum over all groups of equal values of t^3 - t, t being their size. */
static double
ties(const uint64_t *a, size_t n, const uint64_t *b, size_t m)
{
	double sum = 0;

	/* Each member of a group of t adds t^2 - 1; there are t of them. */
	for (size_t i = 0; i < n + m; i++) {
		uint64_t value = i < n ? a[i] : b[i - n];
		double equal = 0;

		for (size_t j = 0; j < n + m; j++) {
			equal += value == (j < n ? a[j] : b[j - n]);
		}
		sum += equal * equal - 1;
	}
	return sum;
}

struct twosample_ranks
twosample_ranks(const uint64_t *a, size_t n, const uint64_t *b, size_t m)
{
	struct twosample_ranks ranks = { 0, 0 };
	double of_a = (double)n;
	double of_b = (double)m;
	double all = of_a + of_b;

	if (n == 0 || m == 0) {
		return ranks;
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < m; j++) {
			ranks.distance += a[i] < b[j] ? 1
				: a[i] == b[j]        ? 0.5
						      : 0;
		}
	}
	ranks.distance -= of_a * of_b / 2;
	ranks.variance = of_a * of_b / 12 *
		(all + 1 - ties(a, n, b, m) / (all * (all - 1)));
	return ranks;
}

double
twosample_score(const struct twosample_ranks *ranks)
{
	return ranks->variance > 0
		? ranks->distance * ranks->distance / ranks->variance
		: 0;
}

double
twosample_counts(size_t a, size_t n, size_t b, size_t m)
{
	double with = (double)(a + b);
	double without = (double)(n - a) + (double)(m - b);
	double all = (double)n + (double)m;
	double cross =
		(double)a * (double)(m - b) - (double)b * (double)(n - a);
	double distance = (cross < 0 ? -cross : cross) - all / 2;

	if (distance <= 0 || with <= 0 || without <= 0) {
		return 0;
	}
	return distance * distance * all /
		((double)n * (double)m * with * without);
}
