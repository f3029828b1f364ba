/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A correct client of the Linux interfaces: only the ordering that the manual
 * pages promise protects its shared data.  With RACE defined, one access is not
 * ordered.
 */

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define	NITEMS		100
#define	NTHREADS	3
#define	TURNS		200

struct item {
	struct work_struct	i_work;
	int			i_input;
	int			i_output;
};

static struct workqueue_struct *wq;
static struct item	items[NITEMS];
static DEFINE_MUTEX(mutex);
static struct mutex	init_mutex;
static DEFINE_SPINLOCK(spin);
static DEFINE_RWLOCK(rwlock);
static DECLARE_COMPLETION(completion);
static DECLARE_WAIT_QUEUE_HEAD(head);
/* The lock of the same name protects each of these. */
static int		by_mutex, by_init, by_spin, by_rwlock, by_bit;
static unsigned long	bits[1];
/* The other interfaces order these. */
static int		delayed_runs, kthread_runs, timer_runs;
static atomic_t		ready = ATOMIC_INIT(0);
#ifdef RACE
static int		begun, raced;
#endif

static void
run(struct work_struct *work)
{
	struct item *i = container_of(work, struct item, i_work);

#ifdef RACE
	raced++;
	WRITE_ONCE(begun, 1);
#endif
	i->i_output += i->i_input;
	mutex_lock(&mutex);
	by_mutex++;
	mutex_unlock(&mutex);
	mutex_lock(&init_mutex);
	by_init++;
	mutex_unlock(&init_mutex);
	write_lock(&rwlock);
	by_rwlock++;
	write_unlock(&rwlock);
	read_lock(&rwlock);
	if (by_rwlock == 0)
		abort();
	read_unlock(&rwlock);
	spin_lock(&spin);
	by_spin++;
	spin_unlock(&spin);
}

static void
run_delayed(struct work_struct *work)
{

	(void)work;
	delayed_runs++;
	complete(&completion);
}

static void
run_kthread(struct kthread_work *work)
{

	(void)work;
	kthread_runs++;
}

static void
run_timer(struct timer_list *timer)
{

	(void)timer;
	timer_runs++;
	atomic_set_release(&ready, 1);
	wake_up(&head);
}

/*
 * Use atomic operations as a reference count that frees an object, as a flag
 * that publishes a message, and as a bit that is a lock.
 */
struct object {
	atomic_t	o_refs;
	int		o_uses[NTHREADS];
};

static struct object	*objects[TURNS];
static int		message[NTHREADS], flag[NTHREADS];
static unsigned long	word[NTHREADS];
static int		stop;

static void *
use(void *arg)
{
	struct object *o;
	int i, k, sum, self = (int)(long)arg, next = (self + 1) % NTHREADS;

	for (i = 0; i < TURNS; i++) {
		o = objects[i];
		o->o_uses[self]++;
		if (atomic_dec_and_test(&o->o_refs)) {
			for (k = sum = 0; k < NTHREADS; k++)
				sum += o->o_uses[k];
			if (sum != NTHREADS)
				abort();
			kfree(o);
		}
		while (test_and_set_bit_lock(0, bits))
			(void)sched_yield();
		by_bit++;
		clear_bit_unlock(0, bits);
	}
	message[self] = 1;
	smp_store_release(&flag[self], 1);
	while (smp_load_acquire(&flag[next]) == 0)
		(void)sched_yield();
	if (message[next] != 1)
		abort();
	message[next] = 2;
	(void)xchg(&word[next], 1UL);
	while (cmpxchg(&word[self], 1UL, 2UL) != 1)
		(void)sched_yield();
	if (message[self] != 2)
		abort();
	/* These accesses order nothing, but are no race. */
	WRITE_ONCE(stop, READ_ONCE(stop) + 1);
	return NULL;
}

int
main(void)
{
	struct kthread_worker *kw;
	struct kthread_work kwork;
	struct delayed_work *dw;
	struct timer_list timer;
	pthread_t t[NTHREADS];
	long i;

	mutex_init(&init_mutex);
	wq = alloc_workqueue("linux", 0, 0);
	kw = kthread_create_worker(0, "worker");
	dw = malloc(sizeof(*dw));
	if (wq == NULL || IS_ERR(kw) || dw == NULL)
		return 1;
	for (i = 0; i < NITEMS; i++) {
		INIT_WORK(&items[i].i_work, run);
		items[i].i_input = 1;
		queue_work(wq, &items[i].i_work);
	}
#ifdef RACE
	/*
	 * If no item has begun, flush_work() may have a thread started, which
	 * orders this access before the items.  This wait orders nothing.
	 */
	while (READ_ONCE(begun) == 0)
		(void)sched_yield();
	raced++;
#endif
	for (i = 0; i < NITEMS; i++) {
		flush_work(&items[i].i_work);
		if (items[i].i_output != 1)
			return 1;
	}
	INIT_DELAYED_WORK(dw, run_delayed);
	schedule_delayed_work(dw, 1);
	wait_for_completion(&completion);
	if (delayed_runs != 1)
		return 1;
	cancel_delayed_work_sync(dw);
	free(dw);

	kthread_init_work(&kwork, run_kthread);
	kthread_queue_work(kw, &kwork);
	kthread_flush_work(&kwork);
	if (kthread_runs != 1)
		return 1;
	kthread_destroy_worker(kw);

	timer_setup(&timer, run_timer, 0);
	mod_timer(&timer, jiffies + 1);
	wait_event(head, atomic_read_acquire(&ready) != 0);
	if (timer_runs != 1)
		return 1;
	timer_delete_sync(&timer);

	for (i = 0; i < TURNS; i++) {
		objects[i] = kzalloc(sizeof(*objects[i]), GFP_KERNEL);
		if (objects[i] == NULL)
			return 1;
		atomic_set(&objects[i]->o_refs, NTHREADS);
	}
	for (i = 0; i < NTHREADS; i++)
		if (pthread_create(&t[i], NULL, use, (void *)i) != 0)
			return 1;
	for (i = 0; i < NTHREADS; i++)
		if (pthread_join(t[i], NULL) != 0)
			return 1;
	destroy_workqueue(wq);
	if (by_mutex != NITEMS || by_init != NITEMS ||
	    by_spin != NITEMS || by_rwlock != NITEMS ||
	    by_bit != NTHREADS * TURNS)
		return 1;
	return 0;
}
