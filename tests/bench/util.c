/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Clocks, pinning, pauses, latency histograms.
 */

#include <sys/syscall.h>
#include <sys/types.h>

#include <linux/futex.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

const double quantiles[NQUANTILE] = {
	0.50, 0.75, 0.90, 0.95, 0.99, 0.995, 0.999
};

static cpu_set_t allcpus;
static int cpus[CPU_SETSIZE];
static int ncpus;
static double pauses_per_ns = 0.05;

int64_t
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
bench_cpus(void)
{
	int i;

	ncpus = 0;
	if (sched_getaffinity(0, sizeof(allcpus), &allcpus) == 0) {
		for (i = 0; i < CPU_SETSIZE; i++) {
			if (CPU_ISSET(i, &allcpus))
				cpus[ncpus++] = i;
		}
	}
	if (ncpus == 0) {
		CPU_SET(0, &allcpus);
		cpus[ncpus++] = 0;
	}
}

int
bench_ncpu(void)
{

	return ncpus;
}

/*
 * Bind the calling thread to the nth CPU that we may use.
 */
void
bench_pin(int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[n % ncpus], &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

void
bench_unpin(void)
{

	(void)sched_setaffinity(0, sizeof(allcpus), &allcpus);
}

void
bench_futex_wait(uint32_t *p, uint32_t v)
{

	syscall(SYS_futex, p, FUTEX_WAIT_PRIVATE, v, NULL, NULL, 0);
}

void
bench_futex_wake(uint32_t *p, int n)
{

	syscall(SYS_futex, p, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/*
 * Measure the processor's pause, which varies between processors by a factor
 * of 20.
 */
void
bench_calibrate(void)
{
	int64_t best, t;
	int i, j;

	best = INT64_MAX;
	for (i = 0; i < 20; i++) {
		t = bench_now();
		for (j = 0; j < 1000; j++)
			bench_pause();
		t = bench_now() - t;
		if (t > 0 && t < best)
			best = t;
	}
	pauses_per_ns = 1000.0 / (double)best;
}

void
bench_pause_ns(unsigned ns)
{
	unsigned i, n;

	n = (unsigned)(ns * pauses_per_ns) + 1;
	for (i = 0; i < n; i++)
		bench_pause();
}

uint64_t
bench_random(uint64_t *state)
{
	uint64_t z;

	z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/*
 * Return the resident size, counted page by page.  statm is cheaper, but wrong
 * by up to about 100 pages.
 */
size_t
bench_rss(void)
{
	char line[128];
	size_t kb;
	FILE *fp;

	if ((fp = fopen("/proc/self/smaps_rollup", "r")) == NULL)
		bench_fail("/proc/self/smaps_rollup: %s", strerror(errno));
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (sscanf(line, "Private_Dirty: %zu", &kb) == 1) {
			fclose(fp);
			return kb * 1024;
		}
	}
	bench_fail("/proc/self/smaps_rollup has no Private_Dirty");
}

/*
 * Return the number of threads of this process.
 */
int
bench_nthreads(void)
{
	struct dirent *de;
	DIR *dir;
	int n = 0;

	if ((dir = opendir("/proc/self/task")) == NULL)
		bench_fail("/proc/self/task: %s", strerror(errno));
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);
	return n;
}

/*
 * Return true if the name is in a comma-separated list.
 */
bool
bench_inlist(const char *list, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = list; p != NULL; p = strchr(p, ',')) {
		if (*p == ',')
			p++;
		if (strncmp(p, name, len) == 0 &&
		    (p[len] == '\0' || p[len] == ','))
			return true;
	}
	return false;
}

/*
 * Return true if a list selects the name.  "W1" selects W1 and W1/apart.  "W1."
 * selects only W1 itself.  If there is no list, everything is selected.
 */
bool
bench_chosen(const char *list, const char *name)
{
	const char *p;
	size_t len;

	if (list == NULL)
		return true;
	for (p = list;; p += len + 1) {
		len = strcspn(p, ",");
		if (len > 0 && p[len - 1] == '.') {
			if (strlen(name) == len - 1 &&
			    strncmp(p, name, len - 1) == 0)
				return true;
		} else if (len > 0 && strncmp(p, name, len) == 0 &&
		    (name[len] == '\0' || name[len] == '/'))
			return true;
		if (p[len] == '\0')
			return false;
	}
}

void
hist_add(struct hist *h, int64_t ns)
{
	int i;

	if (ns < 1)
		ns = 1;
	i = (int)(log2((double)ns) * HIST_SUB);
	if (i >= HIST_N)
		i = HIST_N - 1;
	h->h_count[i]++;
}

void
hist_sum(struct hist *to, const struct hist *from)
{
	int i;

	for (i = 0; i < HIST_N; i++)
		to->h_count[i] += from->h_count[i];
}

double
hist_quantile(const struct hist *h, double q)
{
	uint64_t n, seen;
	int i;

	for (n = 0, i = 0; i < HIST_N; i++)
		n += h->h_count[i];
	if (n == 0)
		return NAN;
	for (seen = 0, i = 0; i < HIST_N; i++) {
		seen += h->h_count[i];
		if ((double)seen >= q * (double)n)
			break;
	}
	return exp2((i + 0.5) / HIST_SUB);
}
