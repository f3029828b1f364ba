/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts and tasklets of Linux.
 */

#include "linux_test.h"

#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define	ROUNDS	TEST_SCALE(20000)

static atomic_int calls[4], running, overlaps, in_softirq;
static sem_t entered, opened;

struct dev {
	int		 number;
	struct tasklet_struct tasklet;
};

static void
old_func(unsigned long data)
{

	atomic_fetch_add(&calls[data], 1);
}

static void
new_func(struct tasklet_struct *t)
{
	struct dev *d = from_tasklet(d, t, tasklet);

	atomic_store(&in_softirq, in_interrupt());
	atomic_fetch_add(&calls[d->number], 1);
}

static DECLARE_TASKLET(declared_old, old_func, 1);
static DECLARE_TASKLET_DISABLED(disabled, old_func, 2);
static DECLARE_TASKLET_OLD(old_style, old_func);
static DECLARE_TASKLET_DISABLED_OLD(old_style_disabled, old_func);

static void
new_declared(struct tasklet_struct *t)
{

	(void)t;
	atomic_fetch_add(&calls[3], 1);
}

static DECLARE_TASKLET(declared_new, new_declared);

TEST_TC(dialects, "a soft interrupt calls a scheduled tasklet with the "
    "argument of its dialect")
{
	struct dev d = { .number = 2 };
	struct tasklet_struct t;

	tasklet_schedule(&declared_old);
	TEST_AWAIT(atomic_load(&calls[1]) == 1);
	tasklet_schedule(&declared_new);
	TEST_AWAIT(atomic_load(&calls[3]) == 1);
	tasklet_init(&t, old_func, 0);
	tasklet_hi_schedule(&t);
	TEST_AWAIT(atomic_load(&calls[0]) == 1);
	tasklet_setup(&d.tasklet, new_func);
	tasklet_schedule(&d.tasklet);
	TEST_AWAIT(atomic_load(&calls[2]) == 1);
	TEST_EQ(1, atomic_load(&in_softirq));
	tasklet_schedule(&old_style);
	tasklet_schedule(&old_style_disabled);
	TEST_AWAIT(atomic_load(&calls[0]) == 2);
	tasklet_enable(&old_style_disabled);
	TEST_AWAIT(atomic_load(&calls[0]) == 3);
	tasklet_kill(&t);
	tasklet_kill(&d.tasklet);
	tasklet_kill(&old_style_disabled);
}

static void
gate_func(struct tasklet_struct *t)
{

	(void)t;
	atomic_store(&running, 1);
	sem_post(&entered);
	test_sem_wait(&opened);
	atomic_store(&running, 0);
}

static void *
opens(void *arg)
{

	pause_ms(20);
	sem_post(arg);
	return NULL;
}

TEST_TC(once, "a tasklet that is scheduled several times before it runs runs "
    "once; scheduled while it runs, once more")
{
	struct tasklet_struct t;
	unsigned long flags;
	int i;

	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	tasklet_init(&t, old_func, 0);
	/* While interrupts are blocked, tasklets of this thread wait. */
	local_irq_save(flags);
	for (i = 0; i < 5; i++)
		tasklet_schedule(&t);
	TEST_EQ(0, atomic_load(&calls[0]));
	local_irq_restore(flags);
	tasklet_kill(&t);
	TEST_EQ(1, atomic_load(&calls[0]));

	tasklet_setup(&t, gate_func);
	tasklet_schedule(&t);
	test_sem_wait(&entered);
	for (i = 0; i < 5; i++)
		tasklet_schedule(&t);
	sem_post(&opened);
	test_sem_wait(&entered);
	sem_post(&opened);
	tasklet_kill(&t);
	TEST_EQ(0, sem_trywait(&entered) == 0);
}

TEST_TC(disable, "a disabled tasklet is called when it was enabled as often; "
    "tasklet_disable waits for a run")
{
	struct tasklet_struct t;
	pthread_t p;

	tasklet_schedule(&disabled);
	tasklet_disable(&disabled);
	tasklet_schedule(&declared_new);
	TEST_AWAIT(atomic_load(&calls[3]) == 1);
	TEST_EQ(0, atomic_load(&calls[2]));
	tasklet_enable(&disabled);
	tasklet_schedule(&disabled);
	tasklet_enable(&disabled);
	TEST_AWAIT(atomic_load(&calls[2]) == 1);
	tasklet_kill(&disabled);
	TEST_EQ(1, atomic_load(&calls[2]));

	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	tasklet_setup(&t, gate_func);
	tasklet_schedule(&t);
	test_sem_wait(&entered);
	tasklet_disable_nosync(&t);
	TEST_EQ(1, atomic_load(&running));
	tasklet_schedule(&t);
	TEST_EQ(0, pthread_create(&p, NULL, opens, &opened));
	tasklet_disable(&t);
	TEST_EQ(0, atomic_load(&running));
	TEST_EQ(0, pthread_join(p, NULL));
	/* The tasklet is scheduled but disabled, so this drops it. */
	tasklet_kill(&t);
	tasklet_enable(&t);
	tasklet_enable(&t);
	tasklet_unlock_wait(&t);
	TEST_EQ(0, atomic_load(&running));
}

static void
serial_func(unsigned long data)
{

	(void)data;
	if (atomic_fetch_add(&running, 1) != 0)
		atomic_fetch_add(&overlaps, 1);
	atomic_fetch_add(&calls[0], 1);
	atomic_fetch_sub(&running, 1);
}

static DECLARE_TASKLET(serial, serial_func, 0);
static atomic_int published, seen;

static void
seeing_func(unsigned long data)
{

	(void)data;
	atomic_store(&seen, atomic_load_explicit(&published,
	    memory_order_relaxed));
}

static DECLARE_TASKLET(seeing, seeing_func, 0);

static void *
schedules(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		tasklet_schedule(&serial);
		if (i % 100 == 0) {
			tasklet_disable(&serial);
			if (atomic_load(&running) != 0)
				atomic_fetch_add(&overlaps, 1);
			tasklet_enable(&serial);
		}
		atomic_fetch_add_explicit(&published, 1,
		    memory_order_relaxed);
		tasklet_schedule(&seeing);
	}
	return NULL;
}

TEST_TC(serialised, "a tasklet never runs on two CPUs at once, and its next "
    "run sees what was stored before it was scheduled")
{
	pthread_t t[3];
	int i;

	test_env("WORKQUEUE_NCPU", "3");
	for (i = 0; i < 3; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, schedules, NULL));
	for (i = 0; i < 3; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	tasklet_kill(&serial);
	tasklet_kill(&seeing);
	TEST_EQ(0, atomic_load(&overlaps));
	ATF_REQUIRE(atomic_load(&calls[0]) > 0);
	TEST_EQ(3 * ROUNDS, atomic_load(&seen));
}

static void
endless_func(struct tasklet_struct *t)
{

	atomic_store(&running, 1);
	atomic_fetch_add(&calls[0], 1);
	tasklet_schedule(t);
	atomic_store(&running, 0);
}

TEST_TC(kill, "tasklet_kill ends a tasklet that always schedules itself, "
    "after its run; then it may be freed or scheduled again")
{
	struct dev *d;
	int i, n;

	for (i = 0; i < TEST_SCALE(200); i++) {
		ATF_REQUIRE((d = malloc(sizeof(*d))) != NULL);
		tasklet_setup(&d->tasklet, endless_func);
		n = atomic_load(&calls[0]);
		tasklet_schedule(&d->tasklet);
		if (i % 2 == 0)
			TEST_AWAIT(atomic_load(&calls[0]) > n);
		tasklet_kill(&d->tasklet);
		ATF_REQUIRE(atomic_load(&calls[0]) > n);
		TEST_EQ(0, atomic_load(&running));
		if (i % 2 != 0) {
			n = atomic_load(&calls[0]);
			tasklet_schedule(&d->tasklet);
			tasklet_kill(&d->tasklet);
			ATF_REQUIRE(atomic_load(&calls[0]) > n);
		}
		memset(d, 0x5a, sizeof(*d));
		free(d);
	}
}

static int dev[2];
static atomic_int irqs[2];
static struct work_struct bottom;
static struct timer_list timer;
static atomic_int bottoms, timers;

static irqreturn_t
new_handler(int irq, void *arg)
{

	atomic_fetch_add(&irqs[(int *)arg - dev], irq == SIGUSR1);
	tasklet_schedule(&declared_old);
	schedule_work(&bottom);
	mod_timer(&timer, jiffies);
	return IRQ_HANDLED;
}

static irqreturn_t
old_handler(int irq, void *arg, struct pt_regs *regs)
{

	atomic_fetch_add(&irqs[(int *)arg - dev], irq == SIGUSR1 &&
	    regs == NULL);
	return IRQ_RETVAL(1);
}

static void
bottom_func(struct work_struct *w)
{

	(void)w;
	atomic_fetch_add(&bottoms, 1);
}

static void
timer_func(struct timer_list *t)
{

	(void)t;
	atomic_fetch_add(&timers, 1);
}

TEST_TC(irq, "request_irq makes a signal call a handler, or several that "
    "share it, which may start all kinds of bottom halves")
{

	INIT_WORK(&bottom, bottom_func);
	/* The shared queue exists. */
	schedule_work(&bottom);
	flush_work(&bottom);
	timer_setup(&timer, timer_func, 0);
	TEST_EQ(0, request_irq(SIGUSR1, new_handler, IRQF_SHARED, "new",
	    &dev[0]));
	TEST_EQ(-EBUSY, request_irq(SIGUSR1, old_handler, 0, "old", &dev[1]));
	TEST_EQ(0, request_irq(SIGUSR1, old_handler, SA_SHIRQ, "old",
	    &dev[1]));
	raise(SIGUSR1);
	TEST_AWAIT(atomic_load(&irqs[0]) == 1);
	TEST_AWAIT(atomic_load(&irqs[1]) == 1);
	TEST_AWAIT(atomic_load(&calls[1]) == 1);
	TEST_AWAIT(atomic_load(&bottoms) == 2);
	TEST_AWAIT(atomic_load(&timers) == 1);
	ATF_REQUIRE_STREQ("new",
	    (const char *)free_irq(SIGUSR1, &dev[0]));
	raise(SIGUSR1);
	TEST_AWAIT(atomic_load(&irqs[1]) == 2);
	TEST_EQ(1, atomic_load(&irqs[0]));
	ATF_REQUIRE_STREQ("old",
	    (const char *)free_irq(SIGUSR1, &dev[1]));
	TEST_EQ(-EINVAL, request_irq(0, new_handler, 0, "none", NULL));
	TEST_EQ(-EINVAL, request_irq(SIGKILL, new_handler, 0, "none", NULL));
	TEST_EQ(-EINVAL, request_irq(SIGUSR1, new_handler, IRQF_SHARED,
	    "none", NULL));
	TEST_EQ(0, request_irq(SIGUSR2, new_handler, 0, "alone", &dev[0]));
	TEST_EQ(-EBUSY, request_irq(SIGUSR2, new_handler, IRQF_SHARED, "more",
	    &dev[1]));
	free_irq(SIGUSR2, &dev[0]);
}

static void
not_disabled(void)
{

	tasklet_enable(&declared_old);
}

static void
kills_itself(struct tasklet_struct *t)
{

	tasklet_kill(t);
}

static void
killed_inside(void)
{
	struct tasklet_struct t;

	tasklet_setup(&t, kills_itself);
	tasklet_schedule(&t);
	/* In the simulator less than a minute may pass at once. */
	msleep(100000);
}

static irqreturn_t
first_handler(int irq, void *arg)
{

	(void)irq;
	(void)arg;
	return IRQ_NONE;
}

static void
no_irq(void)
{

	if (request_irq(SIGUSR1, first_handler, 0, "x", NULL) != 0 ||
	    free_irq(SIGUSR1, dev) != NULL)
		_exit(1);
}

TEST_TC(misuse, "enabling an enabled tasklet, waiting for itself, and "
    "freeing an interrupt that was not requested are reported")
{

	test_aborts(not_disabled, "tasklet_enable: tasklet ",
	    " is not disabled", NULL);
	test_aborts(killed_inside, "tasklet_kill: tasklet ",
	    "called in a soft interrupt", NULL);
	test_says(no_irq, "free_irq: interrupt ", "has no handler", NULL);
}

static void
in_child(void)
{

	atomic_store(&calls[0], 0);
	atomic_store(&calls[1], 0);
	/* The run is the parent's: here the tasklet is not scheduled. */
	tasklet_schedule(&declared_old);
	tasklet_kill(&declared_old);
	if (atomic_load(&calls[1]) != 1)
		_exit(1);
}

TEST_TC(fork, "tasklets work in a forked child, even those that were "
    "scheduled or running in the parent")
{
	struct tasklet_struct t;
	unsigned long flags;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("sanitizer: no threads in a child");
	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	tasklet_setup(&t, gate_func);
	tasklet_schedule(&t);
	test_sem_wait(&entered);
	local_irq_save(flags);
	tasklet_schedule(&declared_old);
	local_irq_restore(flags);
	test_lives(in_child);
	sem_post(&opened);
	tasklet_kill(&t);
	tasklet_kill(&declared_old);
	TEST_EQ(1, atomic_load(&calls[1]));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, dialects);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, disable);
	ATF_TP_ADD_TC(tp, serialised);
	ATF_TP_ADD_TC(tp, kill);
	ATF_TP_ADD_TC(tp, irq);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
