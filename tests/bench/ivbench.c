/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ivbench: compare iv_work of ivykis and of libworkqueue_iv, which alternate in
 * one program.  ivbench measures the throughput of tiny items, with -n of them
 * in flight, on pools of one and two threads, and the round trip of one item.
 *
 * usage: ivbench [-n inflight] [-r rounds] [-s seconds] ours.so
 */

#include <dlfcn.h>
#include <err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <iv.h>
#include <iv_work.h>

#include "median.h"

#define	MAXROUNDS	99

struct impl {
	const char	*i_name;
	int		(*i_create)(struct iv_work_pool *);
	void		(*i_put)(struct iv_work_pool *);
	void		(*i_submit)(struct iv_work_pool *,
			    struct iv_work_item *);
};

static struct impl impls[2];
static struct impl *impl;		/* the one being measured */
static struct iv_work_pool pool;
static uint64_t completed, inflight;
static int64_t end;

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void
work(void *cookie)
{

	/* Change a word of the item. */
	*(volatile uint64_t *)cookie += 1;
}

struct item {
	struct iv_work_item it_work;
	uint64_t	 it_count;
};

static void
completion(void *cookie)
{
	struct item *it;

	it = (struct item *)((char *)cookie - offsetof(struct item, it_count));
	completed++;
	/* Read the clock now and then. */
	if (end != 0 && ((completed & 63) == 0 || inflight == 1) &&
	    now() >= end)
		end = 0;
	if (end != 0) {
		(*impl->i_submit)(&pool, &it->it_work);
		return;
	}
	if (--inflight == 0)
		(*impl->i_put)(&pool);
}

static void
library(struct impl *i, const char *name, const char *path)
{
	void *h;

	if ((h = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		errx(1, "%s", dlerror());
	i->i_name = name;
	*(void **)&i->i_create = dlsym(h, "iv_work_pool_create");
	*(void **)&i->i_put = dlsym(h, "iv_work_pool_put");
	*(void **)&i->i_submit = dlsym(h, "iv_work_pool_submit_work");
	if (i->i_create == NULL || i->i_put == NULL || i->i_submit == NULL)
		errx(1, "%s: no iv_work", path);
}

/* Return the nanoseconds per item. */
static double
run(struct impl *i, int threads, unsigned n, double seconds)
{
	struct item *items;
	uint64_t sum;
	unsigned k;
	int64_t start;

	impl = i;
	completed = 0;
	inflight = n;
	if ((items = calloc(n, sizeof(*items))) == NULL)
		err(1, "calloc");
	memset(&pool, 0, sizeof(pool));
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = threads;
	if ((*i->i_create)(&pool) != 0)
		errx(1, "%s: no pool", i->i_name);
	start = now();
	end = start + (int64_t)(seconds * 1e9);
	for (k = 0; k < n; k++) {
		items[k].it_work.cookie = &items[k].it_count;
		items[k].it_work.work = work;
		items[k].it_work.completion = completion;
		(*i->i_submit)(&pool, &items[k].it_work);
	}
	iv_main();
	start = now() - start;
	for (sum = 0, k = 0; k < n; k++)
		sum += items[k].it_count;
	if (sum != completed)
		errx(1, "%s: %ju items ran, %ju completed", i->i_name,
		    (uintmax_t)sum, (uintmax_t)completed);
	free(items);
	return (double)start / (double)sum;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char	*c_name;
		int		 c_threads;
		unsigned	 c_inflight;	/* 0: the value of -n */
	} cases[] = {
		{ "throughput, 1 thread", 1, 0 },
		{ "throughput, 2 threads", 2, 0 },
		{ "ping-pong, 1 thread", 1, 1 },
		{ "ping-pong, 2 threads", 2, 1 },
	};
	static double t[2][MAXROUNDS];
	double m[2];
	unsigned n = 1000, c, j;
	int ch, r, rounds = 7;
	double seconds = 0.3;

	while ((ch = getopt(argc, argv, "n:r:s:")) != -1)
		switch (ch) {
		case 'n':
			n = (unsigned)atoi(optarg);
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		default:
			optind = argc;
		}
	if (optind != argc - 1 || n < 1 || rounds < 1 || rounds > MAXROUNDS)
		errx(2, "usage: ivbench [-n inflight] [-r rounds] "
		    "[-s seconds] ours.so");
	library(&impls[0], "ivykis", "libivykis.so.0");
	library(&impls[1], "libworkqueue_iv", argv[optind]);
	iv_init();
	for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (r = 0; r < rounds; r++)
			for (j = 0; j < 2; j++)
				t[j][r] = run(&impls[j], cases[c].c_threads,
				    cases[c].c_inflight != 0 ?
				    cases[c].c_inflight : n, seconds);
		for (j = 0; j < 2; j++)
			m[j] = median(t[j], (size_t)rounds);
		printf("%-24s ivykis %8.1f ns/item, libworkqueue_iv %8.1f, "
		    "ratio %.2f\n", cases[c].c_name, m[0], m[1],
		    m[0] / m[1]);
		fflush(stdout);
	}
	iv_deinit();
	return 0;
}
