/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Counters per CPU, a pool, and one-time initialisation.
 */

#include <sys/types.h>
#include <sys/percpu.h>
#include <sys/pool.h>
#include <sys/once.h>
#include <sys/xcall.h>
#include <sys/intr.h>

struct stats {
	uint64_t	s_in;
	uint64_t	s_out;
};

static struct pool	stats_pool;
static percpu_t		*stats_percpu;
static ONCE_DECL(stats_once);

static int
stats_init(void)
{

	pool_init(&stats_pool, sizeof(struct stats), 0, 0, 0, "stats", NULL,
	    IPL_NET);
	stats_percpu = percpu_alloc(sizeof(struct stats));
	return 0;
}

static void
stats_sum(void *p, void *arg, struct cpu_info *ci)
{
	const struct stats *s = p;
	struct stats *sum = arg;

	(void)ci;
	sum->s_in += s->s_in;
}

static void
stats_count(void *a, void *b)
{
	struct stats *s;

	(void)a;
	(void)b;
	s = percpu_getref(stats_percpu);
	s->s_in++;
	percpu_putref(stats_percpu);
}

int percpu_test(void);

int
percpu_test(void)
{
	struct stats *sum;
	uint64_t n;

	RUN_ONCE(&stats_once, stats_init);
	RUN_ONCE(&stats_once, stats_init);
	sum = pool_get(&stats_pool, PR_WAITOK);
	sum->s_in = 0;
	stats_count(NULL, NULL);
	xc_wait(xc_broadcast(0, stats_count, NULL, NULL));
	percpu_foreach(stats_percpu, stats_sum, sum);
	n = sum->s_in;
	pool_put(&stats_pool, sum);
	percpu_free(stats_percpu, sizeof(struct stats));
	pool_destroy(&stats_pool);
	return n >= 2 ? 0 : 1;
}
