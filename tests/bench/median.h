/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The median, for the benchmark programs.  Needs <stdlib.h>.
 */

#ifndef BENCH_MEDIAN_H
#define	BENCH_MEDIAN_H

static int
median_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sort n values and return their median.  None may be a NaN. */
static inline double
median(double *v, size_t n)
{

	qsort(v, n, sizeof(*v), median_compare);
	return n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

#endif	/* !BENCH_MEDIAN_H */
