/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ivykis_work: long computations beside an event loop.
 *
 * The loop ticks ten times a second while the threads of a pool count prime
 * numbers, each in its own range.  Results come back to the loop, which adds
 * them up and prints them without a lock.  If a range is long, the worker
 * halves it and submits one half as a continuation.
 *
 * cc ivykis_work.c $(pkg-config --cflags --libs workqueue-iv)
 *
 * usage: ivykis_work [limit]
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <iv.h>
#include <iv_work.h>

#define	LONG	100000		/* numbers in a range not to be halved */

struct range {
	struct iv_work_item r_item;
	unsigned	 r_first, r_end;	/* r_end is not included */
	unsigned	 r_primes;
};

static struct iv_work_pool pool;
static struct iv_timer timer;
static unsigned limit = 2000000;

/* The loop's own: no other thread accesses them. */
static unsigned numbers, primes, ticks;

static void	count(void *);
static void	counted(void *);

static struct range *
range(unsigned first, unsigned end)
{
	struct range *r;

	if ((r = malloc(sizeof(*r))) == NULL)
		err(1, "malloc");
	r->r_first = first;
	r->r_end = end;
	IV_WORK_ITEM_INIT(&r->r_item);
	r->r_item.cookie = r;
	r->r_item.work = count;
	r->r_item.completion = counted;
	return r;
}

static int
is_prime(unsigned n)
{
	unsigned d;

	for (d = 2; d <= n / d; d++)
		if (n % d == 0)
			return 0;
	return n >= 2;
}

/* In a thread of the pool. */
static void
count(void *cookie)
{
	struct range *r = cookie;
	unsigned n, middle;

	while (r->r_end - r->r_first > LONG) {
		middle = r->r_first + (r->r_end - r->r_first) / 2;
		iv_work_pool_submit_continuation(&pool,
		    &range(middle, r->r_end)->r_item);
		r->r_end = middle;
	}
	r->r_primes = 0;
	for (n = r->r_first; n < r->r_end; n++)
		r->r_primes += (unsigned)is_prime(n);
}

/* In the loop. */
static void
counted(void *cookie)
{
	struct range *r = cookie;

	numbers += r->r_end - r->r_first;
	primes += r->r_primes;
	free(r);
	if (numbers < limit)
		return;
	printf("%u primes below %u\n", primes, limit);
	/* Nothing more will come, so the loop may end. */
	iv_timer_unregister(&timer);
	iv_work_pool_put(&pool);
}

static void
tick(void *cookie)
{

	(void)cookie;
	if (++ticks % 10 == 0)
		printf("%u of %u\n", numbers, limit);
	iv_validate_now();
	timer.expires = iv_now;
	timer.expires.tv_nsec += 100000000;
	if (timer.expires.tv_nsec >= 1000000000) {
		timer.expires.tv_sec++;
		timer.expires.tv_nsec -= 1000000000;
	}
	iv_timer_register(&timer);
}

int
main(int argc, char **argv)
{

	if (argc > 1)
		limit = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2 || limit == 0)
		errx(2, "usage: ivykis_work [limit]");
	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 4;
	if (iv_work_pool_create(&pool) != 0)
		err(1, "iv_work_pool_create");
	IV_TIMER_INIT(&timer);
	timer.handler = tick;
	tick(NULL);
	iv_work_pool_submit_work(&pool, &range(0, limit)->r_item);
	iv_main();
	iv_deinit();
	return 0;
}
