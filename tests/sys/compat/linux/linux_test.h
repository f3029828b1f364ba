/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Shared by the tests of the Linux library: an item of either kind that counts
 * its runs and may wait at a gate.
 */

#ifndef _LINUX_TEST_H_
#define	_LINUX_TEST_H_

#define	TEST_OTHERLIB
#include "../../../tests.h"

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct item {
	struct delayed_work i_dw;
	struct workqueue_struct *i_wq;	/* used by the callback */
	struct work_struct *i_other;
	sem_t		 i_entered, i_open;
	atomic_int	 i_gate;	/* wait there */
	atomic_int	 i_runs, i_running, i_overlaps;
	atomic_int	 i_left;	/* times to enqueue itself */
	int		 i_plain;	/* not atomic, on purpose */
	int		 i_seen;
};

#define	WORK(i)	(&(i)->i_dw.work)

static inline void
item_func(struct work_struct *w)
{
	struct item *i = container_of(w, struct item, i_dw.work);

	if (atomic_fetch_add(&i->i_running, 1) != 0)
		atomic_fetch_add(&i->i_overlaps, 1);
	i->i_seen = i->i_plain;
	if (atomic_load(&i->i_gate) != 0) {
		sem_post(&i->i_entered);
		test_sem_wait(&i->i_open);
	}
	atomic_fetch_add(&i->i_runs, 1);
	atomic_fetch_sub(&i->i_running, 1);
}

static inline void
item_init(struct item *i, work_func_t func)
{

	memset(i, 0, sizeof(*i));
	INIT_DELAYED_WORK(&i->i_dw, func);
	sem_init(&i->i_entered, 0, 0);
	sem_init(&i->i_open, 0, 0);
}

/* Enqueue it, and wait until it is at its gate. */
static inline void
item_close(struct item *i, struct workqueue_struct *wq, int cpu)
{

	atomic_store(&i->i_gate, 1);
	ATF_REQUIRE(queue_work_on(cpu, wq, WORK(i)));
	test_sem_wait(&i->i_entered);
}

static inline void
item_open(struct item *i)
{

	atomic_store(&i->i_gate, 0);
	sem_post(&i->i_open);
}

/* This does not wait for a running item. */
static inline void
pause_ms(int ms)
{
	struct timespec ts = { 0, ms * 1000000L };

	nanosleep(&ts, NULL);
}

static inline struct workqueue_struct *
bound(void)
{
	struct workqueue_struct *wq = alloc_workqueue("bound", 0, 0);

	ATF_REQUIRE(wq != NULL);
	return wq;
}

static inline struct workqueue_struct *
ordered(void)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("o%d", 0, 1);

	ATF_REQUIRE(wq != NULL);
	return wq;
}

#endif	/* !_LINUX_TEST_H_ */
