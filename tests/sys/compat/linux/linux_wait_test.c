/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Wait queues and completions of Linux.
 */

#include "linux_test.h"

#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/timer.h>
#include <linux/wait.h>

#define	WAITERS	4
#define	ROUNDS	TEST_SCALE(20000)

static DECLARE_WAIT_QUEUE_HEAD(q);
static DECLARE_WAIT_QUEUE_HEAD(back);
static atomic_int turn, passed, go;

static void *
ping(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		wait_event(q, atomic_load(&turn) == 2 * i + 1);
		atomic_store(&turn, 2 * i + 2);
		wake_up(&back);
	}
	return NULL;
}

TEST_TC(lost, "no wake-up is lost between the test of the condition and the "
    "sleep")
{
	pthread_t t;
	int i;

	TEST_EQ(0, pthread_create(&t, NULL, ping, NULL));
	for (i = 0; i < ROUNDS; i++) {
		atomic_store(&turn, 2 * i + 1);
		wake_up(&q);
		TEST_EQ(0, wait_event_interruptible(back,
		    atomic_load(&turn) == 2 * i + 2));
	}
	TEST_EQ(0, pthread_join(t, NULL));
	ATF_REQUIRE(!waitqueue_active(&q));
}

static void *
waits(void *arg)
{

	if (arg != NULL)
		(void)wait_event_interruptible_exclusive(q,
		    atomic_load(&go) != 0);
	else
		wait_event(q, atomic_load(&go) != 0);
	atomic_fetch_add(&passed, 1);
	return NULL;
}

static int
queued(void)
{
	struct list_head *p;
	int n = 0;

	spin_lock(&q.lock);
	list_for_each(p, &q.head)
		n++;
	spin_unlock(&q.lock);
	return n;
}

static void
start(pthread_t *t, int n, void *exclusive)
{
	int i, before = queued();

	for (i = 0; i < n; i++) {
		TEST_EQ(0, pthread_create(&t[i], NULL, waits, exclusive));
		TEST_AWAIT(queued() == before + i + 1);
	}
}

static void
join(pthread_t *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
}

TEST_TC(exclusive, "wake_up wakes all waiters that are not exclusive and one "
    "that is; wake_up_nr a number of these; wake_up_all all")
{
	pthread_t t[WAITERS + 2];

	atomic_store(&go, 0);
	start(t, WAITERS, &go);
	start(t + WAITERS, 2, NULL);
	atomic_store(&go, 1);
	wake_up(&q);
	TEST_AWAIT(atomic_load(&passed) == 3);
	TEST_EQ(WAITERS - 1, queued());
	TEST_EQ(3, atomic_load(&passed));
	wake_up_nr(&q, 2);
	TEST_AWAIT(atomic_load(&passed) == 5);
	TEST_EQ(WAITERS - 3, queued());
	wake_up_all(&q);
	join(t, WAITERS + 2);
	TEST_EQ(WAITERS + 2, atomic_load(&passed));
}

TEST_TC(interruptible, "wake_up_interruptible only wakes interruptible "
    "waiters")
{
	pthread_t t[2];

	atomic_store(&go, 0);
	start(t, 1, NULL);
	start(t + 1, 1, &go);
	atomic_store(&go, 1);
	wake_up_interruptible_all(&q);
	TEST_EQ(0, pthread_join(t[1], NULL));
	TEST_EQ(1, queued());
	TEST_EQ(1, atomic_load(&passed));
	wake_up(&q);
	join(t, 1);
}

static void *
sets(void *arg)
{

	(void)arg;
	TEST_AWAIT(waitqueue_active(&back));
	atomic_store(&turn, 1);
	wake_up(&back);
	return NULL;
}

TEST_TC(timeout, "wait_event_timeout returns what is left, at least 1; or 0, "
    "and that not before the time has passed")
{
	unsigned long before;
	pthread_t t;
	long left;

	atomic_store(&go, 0);
	before = jiffies;
	TEST_EQ(0, wait_event_timeout(q, atomic_load(&go) != 0, 3));
	ATF_REQUIRE(time_after_eq(jiffies, before + 3));
	TEST_EQ(0, wait_event_interruptible_timeout(q, atomic_load(&go), 0));
	TEST_EQ(7, wait_event_timeout(q, true, 7));
	TEST_EQ(1, wait_event_timeout(q, true, 0));
	/* A waiter that is woken has some jiffies left. */
	atomic_store(&turn, 0);
	TEST_EQ(0, pthread_create(&t, NULL, sets, NULL));
	left = wait_event_timeout(back, atomic_load(&turn) == 1, 1000000);
	ATF_REQUIRE(left > 1 && left <= 1000000);
	join(&t, 1);
}

/* Wait as sources did before wait_event() existed. */
static void *
by_hand(void *arg)
{
	DECLARE_WAITQUEUE(wait, current);
	DEFINE_WAIT(automatic);

	(void)arg;
	add_wait_queue(&q, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (atomic_load(&go) != 0)
			break;
		if (signal_pending(current))
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&q, &wait);
	atomic_fetch_add(&passed, 1);
	for (;;) {
		prepare_to_wait(&q, &automatic, TASK_UNINTERRUPTIBLE);
		if (atomic_load(&go) == 2)
			break;
		schedule();
	}
	finish_wait(&q, &automatic);
	atomic_fetch_add(&passed, 1);
	return NULL;
}

TEST_TC(open_coded, "sleeping with add_wait_queue, and with prepare_to_wait")
{
	pthread_t t;

	atomic_store(&go, 0);
	ATF_REQUIRE(current != NULL);
	ATF_REQUIRE(current == current);
	TEST_EQ(0, pthread_create(&t, NULL, by_hand, NULL));
	TEST_AWAIT(queued() == 1);
	/* After a spurious wake-up it sleeps again. */
	wake_up_interruptible(&q);
	atomic_store(&go, 1);
	wake_up_interruptible(&q);
	TEST_AWAIT(atomic_load(&passed) == 1);
	TEST_AWAIT(queued() == 1);
	atomic_store(&go, 2);
	wake_up(&q);
	TEST_EQ(0, pthread_join(t, NULL));
	TEST_EQ(2, atomic_load(&passed));
	TEST_EQ(0, queued());
}

static void *
sleeps_on(void *arg)
{

	(void)arg;
	interruptible_sleep_on(&q);
	atomic_fetch_add(&passed, 1);
	sleep_on(&q);
	atomic_fetch_add(&passed, 1);
	return NULL;
}

TEST_TC(sleep_on, "sleep_on sleeps until the next wake-up of its kind")
{
	pthread_t t;

	TEST_EQ(0, pthread_create(&t, NULL, sleeps_on, NULL));
	TEST_AWAIT(queued() == 1);
	wake_up_interruptible(&q);
	TEST_AWAIT(atomic_load(&passed) == 1 && queued() == 1);
	wake_up_interruptible(&q);
	TEST_EQ(1, queued());
	wake_up(&q);
	TEST_EQ(0, pthread_join(t, NULL));
	TEST_EQ(2, atomic_load(&passed));
}

static void *
sleeps_for(void *arg)
{
	long *left = arg;

	*left = interruptible_sleep_on_timeout(&q, *left);
	return NULL;
}

TEST_TC(sleep_on_timeout, "sleep_on_timeout sleeps at most that long, and "
    "returns what is left, or 0")
{
	unsigned long before;
	pthread_t t;
	long left = 1000000;

	before = jiffies;
	TEST_EQ(0, sleep_on_timeout(&q, 3));
	ATF_REQUIRE(time_after_eq(jiffies, before + 3));
	TEST_EQ(0, queued());
	TEST_EQ(0, pthread_create(&t, NULL, sleeps_for, &left));
	TEST_AWAIT(queued() == 1);
	wake_up_interruptible(&q);
	TEST_EQ(0, pthread_join(t, NULL));
	ATF_REQUIRE(left > 0 && left <= 1000000);
}

static void *
woken_ping(void *arg)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int i;

	(void)arg;
	add_wait_queue(&q, &wait);
	for (i = 0; i < ROUNDS; i++) {
		while (atomic_load(&turn) != 2 * i + 1)
			(void)wait_woken(&wait, TASK_INTERRUPTIBLE,
			    MAX_SCHEDULE_TIMEOUT);
		atomic_store(&turn, 2 * i + 2);
		wake_up(&back);
	}
	remove_wait_queue(&q, &wait);
	return NULL;
}

static int
stopped_waiter(void *arg)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	(void)arg;
	add_wait_queue(&q, &wait);
	while (!kthread_should_stop())
		(void)wait_woken(&wait, TASK_UNINTERRUPTIBLE,
		    MAX_SCHEDULE_TIMEOUT);
	remove_wait_queue(&q, &wait);
	return 4;
}

TEST_TC(woken, "wait_woken returns at once if its entry was woken before, "
    "otherwise it sleeps; the entry stays on the queue")
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct task_struct *task;
	pthread_t t;
	int i;

	add_wait_queue(&q, &wait);
	wake_up(&q);
	wake_up(&q);
	TEST_EQ(7, wait_woken(&wait, TASK_UNINTERRUPTIBLE, 7));
	TEST_EQ(1, queued());
	/* The two wake-ups count as one. */
	TEST_EQ(0, wait_woken(&wait, TASK_UNINTERRUPTIBLE, 2));
	remove_wait_queue(&q, &wait);
	wake_up(&q);
	TEST_EQ(0, wait_woken(&wait, TASK_INTERRUPTIBLE, 1));

	atomic_store(&turn, 0);
	TEST_EQ(0, pthread_create(&t, NULL, woken_ping, NULL));
	for (i = 0; i < ROUNDS; i++) {
		atomic_store(&turn, 2 * i + 1);
		wake_up_interruptible(&q);
		wait_event(back, atomic_load(&turn) == 2 * i + 2);
	}
	TEST_EQ(0, pthread_join(t, NULL));

	/* Stopping a thread ends its wait. */
	task = kthread_run(stopped_waiter, NULL, "waiter");
	ATF_REQUIRE(!IS_ERR(task));
	TEST_AWAIT(queued() == 1);
	TEST_EQ(4, kthread_stop(task));
}

static DEFINE_SPINLOCK(guard);
static int guarded;

static void *
waits_locked(void *arg)
{

	(void)arg;
	spin_lock_irq(&guard);
	wait_event_lock_irq(q, guarded == 1, guard);
	assert_spin_locked(&guard);
	guarded = 2;
	spin_unlock_irq(&guard);
	wake_up(&back);
	return NULL;
}

TEST_TC(locked, "wait_event_lock_irq tests with the lock, and sleeps without "
    "it")
{
	pthread_t t;

	TEST_EQ(0, pthread_create(&t, NULL, waits_locked, NULL));
	TEST_AWAIT(queued() == 1);
	spin_lock_irq(&guard);
	guarded = 1;
	spin_unlock_irq(&guard);
	wake_up(&q);
	spin_lock_irq(&guard);
	TEST_EQ(0, wait_event_interruptible_lock_irq(back, guarded == 2,
	    guard));
	spin_unlock_irq(&guard);
	TEST_EQ(0, pthread_join(t, NULL));
}

static int
kthread(void *arg)
{

	(void)arg;
	wait_event_interruptible(q, kthread_should_stop());
	return 7;
}

TEST_TC(stop, "kthread_stop ends a wait for kthread_should_stop()")
{
	struct task_struct *t;

	t = kthread_run(kthread, NULL, "waits");
	ATF_REQUIRE(!IS_ERR(t));
	TEST_AWAIT(queued() == 1);
	TEST_EQ(7, kthread_stop(t));
	TEST_EQ(0, queued());
}

static irqreturn_t
waker(int irq, void *dev)
{

	(void)irq;
	atomic_fetch_add(&turn, 1);
	wake_up(&q);
	complete(dev);
	return IRQ_HANDLED;
}

TEST_TC(handler, "an interrupt handler wakes and completes")
{
	struct completion c;
	pthread_t t;
	int i;

	init_completion(&c);
	TEST_EQ(0, request_irq(SIGUSR1, waker, 0, "test", &c));
	atomic_store(&go, 0);
	for (i = 0; i < TEST_SCALE(2000); i++) {
		atomic_store(&turn, 0);
		raise(SIGUSR1);
		wait_event(q, atomic_load(&turn) == 1);
		wait_for_completion(&c);
	}
	ATF_REQUIRE(!completion_done(&c));
	/* Send the signal to a thread that waits in the library. */
	start(&t, 1, NULL);
	atomic_store(&go, 1);
	pthread_kill(t, SIGUSR1);
	join(&t, 1);
	wait_for_completion(&c);
	free_irq(SIGUSR1, &c);
}

/* A completion on the stack is gone as soon as its waiter proceeds. */
static void *
completes(void *arg)
{
	struct completion **cp = arg;
	struct completion *c;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		while ((c = __atomic_exchange_n(cp, NULL,
		    __ATOMIC_ACQ_REL)) == NULL)
			sched_yield();
		complete(c);
	}
	return NULL;
}

TEST_TC(onstack, "a completion may be freed as soon as wait_for_completion "
    "returns")
{
	struct completion *where = NULL, *c;
	pthread_t t;
	int i;

	TEST_EQ(0, pthread_create(&t, NULL, completes, &where));
	for (i = 0; i < ROUNDS; i++) {
		ATF_REQUIRE((c = malloc(sizeof(*c))) != NULL);
		init_completion(c);
		__atomic_store_n(&where, c, __ATOMIC_RELEASE);
		wait_for_completion(c);
		memset(c, 0x5a, sizeof(*c));
		free(c);
	}
	TEST_EQ(0, pthread_join(t, NULL));
}

static DECLARE_COMPLETION(done);

static void *
waits_done(void *arg)
{

	(void)arg;
	wait_for_completion(&done);
	atomic_fetch_add(&passed, 1);
	return NULL;
}

TEST_TC(completion, "complete lets one waiter proceed, even a later one; "
    "complete_all lets all, until reinit_completion")
{
	DECLARE_COMPLETION_ONSTACK(own);
	unsigned long before;
	pthread_t t[WAITERS];
	int i;

	complete(&own);
	complete(&own);
	ATF_REQUIRE(completion_done(&own));
	ATF_REQUIRE(try_wait_for_completion(&own));
	TEST_EQ(0, wait_for_completion_interruptible(&own));
	ATF_REQUIRE(!completion_done(&own));
	ATF_REQUIRE(!try_wait_for_completion(&own));
	before = jiffies;
	TEST_EQ(0, wait_for_completion_timeout(&own, 2));
	ATF_REQUIRE(time_after_eq(jiffies, before + 2));
	complete(&own);
	TEST_EQ(5, wait_for_completion_timeout(&own, 5));
	complete(&own);
	TEST_EQ(1, wait_for_completion_timeout(&own, 0));

	for (i = 0; i < WAITERS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, waits_done, NULL));
	complete(&done);
	TEST_AWAIT(atomic_load(&passed) == 1);
	complete_all(&done);
	join(t, WAITERS);
	wait_for_completion(&done);
	ATF_REQUIRE(completion_done(&done));
	reinit_completion(&done);
	ATF_REQUIRE(!completion_done(&done));
	INIT_COMPLETION(done);
}

static void
sleeps_in_timer(struct timer_list *t)
{

	(void)t;
	wait_event(q, false);
}

static void
sleeps_wrong(void)
{
	struct timer_list t;

	timer_setup(&t, sleeps_in_timer, 0);
	mod_timer(&t, jiffies);
	for (;;)
		msleep(10000);
}

TEST_TC(misuse, "waiting in a timer's function panics")
{

	test_aborts(sleeps_wrong, "prepare_to_wait: called in a soft interrupt",
	    NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, exclusive);
	ATF_TP_ADD_TC(tp, interruptible);
	ATF_TP_ADD_TC(tp, timeout);
	ATF_TP_ADD_TC(tp, open_coded);
	ATF_TP_ADD_TC(tp, sleep_on);
	ATF_TP_ADD_TC(tp, sleep_on_timeout);
	ATF_TP_ADD_TC(tp, woken);
	ATF_TP_ADD_TC(tp, locked);
	ATF_TP_ADD_TC(tp, stop);
	ATF_TP_ADD_TC(tp, handler);
	ATF_TP_ADD_TC(tp, onstack);
	ATF_TP_ADD_TC(tp, completion);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
