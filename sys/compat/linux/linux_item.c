/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What work_struct and kthread_work have in common: an item that is pending
 * or not, its timer, cancelling it, waiting for it.
 *
 * Whoever sets PENDING owns the item until it is in a pool's queue or its
 * timer runs.  In a queue it is the runner's, who clears the bit, or that
 * of whoever wqpool_cancel() gives it to.  While TIMER is set the item is
 * the callout's, or that of whoever clears the bit, under the timer lock.
 * A callout that has been called is too late to be stopped: it will queue
 * the item in a moment, which is waited for.
 *
 * In a forked child an item that the parent has made pending has no owner: no
 * timer, no runner and no thread there will ever come to it.  It belongs to
 * whoever marks it as this process' own: lwq_take().
 */

#include <string.h>

#include "linux_var.h"

/* The timer locks, by the item's address; spin, at IPL_HIGH. */
#define	LWQ_NLOCKS	64
static kmutex_t		lwq_timerlocks[LWQ_NLOCKS];
static ONCE_DECL(lwq_timeronce);

unsigned int		lwq_gen;

static int
lwq_timerinit(void)
{
	int i;

	for (i = 0; i < LWQ_NLOCKS; i++)
		mutex_init(&lwq_timerlocks[i], MUTEX_NODEBUG, IPL_HIGH);
	return 0;
}

/*
 * A thread of the parent's may have held one of them.
 */
void
lwq_item_fork(void)
{

	memset(&lwq_timeronce, 0, sizeof(lwq_timeronce));
	lwq_gen = (lwq_gen + LWQ_GEN) & LWQ_GENMASK;
}

static inline bool
lwq_isours(unsigned int state)
{

	return (state & LWQ_GENMASK) == lwq_gen;
}

static kmutex_t *
lwq_timerlock(const struct __lwq_item *it)
{
	uintptr_t a;

	(void)RUN_ONCE(&lwq_timeronce, lwq_timerinit);
	a = (uintptr_t)it;
	return &lwq_timerlocks[(a >> 6 ^ a >> 12) % LWQ_NLOCKS];
}

static callout_t *
lwq_callout(struct __lwq_timer *t)
{

	_Static_assert(sizeof(callout_t) <= sizeof(t->__t_callout),
	    "struct __lwq_timer is too small for its callout");
	return (callout_t *)(void *)t->__t_callout;
}

static struct __lwq_timer *
lwq_timer(struct __lwq_item *it)
{

	if (it->__i_kind == _LWQ_KTHREAD)
		return &((struct kthread_delayed_work *)(void *)it)->__kd_timer;
	return &((struct work_struct *)(void *)it)->__ws_timer;
}

/*
 * A delay for a queue begins or ends.  One with delays under way is not used
 * again for another.
 */
void
lwq_count_timer(struct __lwq_timer *t, int n)
{

	(void)atomic_fetch_add_acq_rel(t->__t_queue != NULL ?
	    &t->__t_queue->lq_ntimers : &t->__t_wq->wq_ntimers, n);
}

/*
 * It is pending no more.
 */
void
lwq_settle(struct __lwq_item *it)
{

	(void)atomic_fetch_and_seq_cst(&it->__i_state, ~LWQ_PENDING);
}

/*
 * What is said to be new looks pending: is it?
 */
static __kern_noinline void
lwq_check_init(struct __lwq_item *it, unsigned int state)
{
	struct kthread_worker *kw;
	struct workqueue_struct *wq;
	struct lwq_queue *lq;
	bool busy, running;

	busy = false;
	kw = NULL;
	wq = NULL;
	if (it->__i_kind == _LWQ_KTHREAD)
		kw = ((struct kthread_work *)(void *)it)->worker;
	if ((state & LWQ_TIMER) != 0) {
		/* Even if the callout has been called already. */
		busy = true;
		wq = lwq_timer(it)->__t_wq;
	} else if (it->__i_kind == _LWQ_KTHREAD)
		busy = lwq_worker_has(kw, it);
	else if ((lq = lwq_hold(it)) != NULL) {
		wqpool_busy(lq->lq_pool, lwq_work(it), &busy, &running);
		wq = lq->lq_wq;
		lwq_unhold(lq);
	}
	if (!busy)
		return;
	if (wq == NULL)
		wqk_panic("kthread_init_work: work %p is still pending on "
		    "worker %p", (void *)it, (void *)kw);
	wqk_panic("INIT_WORK: work %p is still pending on \"%s\"",
	    (void *)it, wq->wq_name);
}

void
lwq_item_init(struct __lwq_item *it, int kind)
{
	unsigned int s;

	/* What looks like a pending item may be what is left of one. */
	s = atomic_load_relaxed(&it->__i_state);
	if (it->__i_self == it && (s & LWQ_PENDING) != 0 && lwq_isours(s))
		lwq_check_init(it, s);
	it->__i_link = NULL;
	atomic_store_relaxed(&it->__i_state, 0u);
	it->__i_kind = kind;
	atomic_store_relaxed(&it->__i_queue, NULL);
	it->__i_self = it;
}

void
lwq_unhold(struct lwq_queue *lq)
{

	if (lq->lq_wq != NULL)
		lwq_unhold_wq(lq->lq_wq);
}

/*
 * The queue where it is, or was last, kept from being destroyed; or NULL.
 */
struct lwq_queue *
lwq_hold(struct __lwq_item *it)
{
	struct lwq_queue *lq;
	unsigned int s;

	/* What the parent has run is not running here. */
	s = atomic_load_relaxed(&it->__i_state);
	if ((s & LWQ_PENDING) == 0 && !lwq_isours(s))
		return NULL;
	lq = atomic_load_acquire(&it->__i_queue);
	if (lq == NULL || (lq->lq_wq != NULL ? !lwq_hold_wq(lq->lq_wq) :
	    (atomic_load_relaxed(&lq->lq_state) & LWQ_GONE) != 0))
		return NULL;
	/*
	 * The queue may be another by now, with fewer pools; or the parent's,
	 * of an item that is ours, and has not come to a queue here yet.
	 */
	if (lq->lq_pool == NULL ||
	    (lwq_isours(s) && !wqpool_isours(lq->lq_pool))) {
		lwq_unhold(lq);
		return NULL;
	}
	return lq;
}

void
lwq_say_gone(struct __lwq_item *it, const char *what)
{

	wqk_printf_tolog("delayed work %p: its %s; it is not run\n",
	    (void *)it, what);
}

/*
 * The time has come.  Nobody but us ends this: TIMER is set.
 */
static void
lwq_fire(void *arg)
{
	struct workqueue_struct *wq;
	struct __lwq_timer *t;
	struct __lwq_item *it;
	struct lwq_queue *lq;
	kmutex_t *lock;
	bool held, ok;
	int cpu;

	it = arg;
	t = lwq_timer(it);
	wq = t->__t_wq;
	lq = t->__t_queue;
	cpu = t->__t_cpu;
	held = wq != NULL && lwq_hold_wq(wq);
	lock = lwq_timerlock(it);
	mutex_enter(lock);
	t->__t_state = LWQ_T_READY;
	/* A worker not ENDING yet waits for our lock: lwq_fire_barrier(). */
	ok = lq == NULL ? held :
	    (atomic_load_relaxed(&lq->lq_state) & LWQ_ENDING) == 0;
	/* From here on, if it has ended, the queue may be another. */
	lwq_count_timer(t, -1);
	(void)atomic_fetch_and_seq_cst(&it->__i_state, ~LWQ_TIMER);
	/* From here on, if this succeeds, the item may be gone. */
	if (!ok)
		lwq_settle(it);
	else if (lq != NULL)
		lwq_enqueue(lq, it);
	else
		(void)lwq_insert(cpu, wq, it, "delayed work");
	mutex_exit(lock);
	if (!ok)
		lwq_say_gone(it, lq != NULL ? "kthread_worker is destroyed" :
		    "workqueue is destroyed");
	if (held)
		lwq_unhold_wq(wq);
}

/*
 * Whoever fires, and has not seen what the caller has done to a queue, has
 * put the item into it when this returns.
 */
void
lwq_fire_barrier(void)
{
	int i;

	(void)RUN_ONCE(&lwq_timeronce, lwq_timerinit);
	for (i = 0; i < LWQ_NLOCKS; i++) {
		mutex_enter(&lwq_timerlocks[i]);
		mutex_exit(&lwq_timerlocks[i]);
	}
}

/*
 * The owner starts the timer.
 */
void
lwq_arm(struct __lwq_item *it, struct __lwq_timer *t,
    struct workqueue_struct *wq, struct lwq_queue *lq, int cpu,
    unsigned long delay)
{
	kmutex_t *lock;
	callout_t *c;

	c = lwq_callout(t);
	lock = lwq_timerlock(it);
	/* The first time; it may start the callout thread. */
	if (t->__t_state == LWQ_T_NONE) {
		callout_init(c, CALLOUT_MPSAFE);
		callout_setfunc(c, lwq_fire, it);
	}
	mutex_enter(lock);
	t->__t_state = LWQ_T_READY;
	t->__t_wq = wq;
	t->__t_queue = lq;
	t->__t_cpu = cpu;
	lwq_count_timer(t, 1);
	(void)atomic_fetch_or_seq_cst(&it->__i_state, LWQ_TIMER);
	callout_schedule(c, delay > INT32_MAX ? INT32_MAX : (int)delay);
	mutex_exit(lock);
}

/*
 * It is pending since before the process was forked.  True if it is the
 * caller's now.
 */
static bool
lwq_take(struct __lwq_item *it)
{
	unsigned int s;

	s = atomic_load_acquire(&it->__i_state);
	do {
		if ((s & LWQ_PENDING) == 0 || lwq_isours(s))
			return false;
	} while (!atomic_cas_weak_acq_rel(&it->__i_state, &s,
	    (s & ~(LWQ_TIMER | LWQ_GENMASK)) | lwq_gen));
	atomic_store_relaxed(&it->__i_queue, NULL);
	return true;
}

/*
 * Stop the timer.  1: the item is ours, with those bits cleared as well;
 * 0: no timer ran; -1: it is too late, and the item about to be queued.
 * Until the delay is counted off, by us or the caller, its queue is not used
 * again for another.
 */
int
lwq_stop(struct __lwq_item *it, unsigned int bits, bool count)
{
	struct __lwq_timer *t;
	kmutex_t *lock;
	unsigned int s;
	int found;

	/* Nothing looks there unless the item has one: TIMER is set. */
	t = lwq_timer(it);
	lock = lwq_timerlock(it);
	mutex_enter(lock);
	s = atomic_load_relaxed(&it->__i_state);
	if ((s & LWQ_TIMER) == 0)
		found = 0;
	else if (!lwq_isours(s)) {
		/* Armed or called: not here.  Nor is its worker, maybe. */
		found = lwq_take(it);
		t->__t_state = LWQ_T_READY;
		count = false;
	} else if (t->__t_state == LWQ_T_FIRING)
		found = -1;
	else if (callout_stop(lwq_callout(t))) {
		t->__t_state = LWQ_T_FIRING;
		found = -1;
	} else
		found = 1;
	if (found > 0) {
		if (count)
			lwq_count_timer(t, -1);
		(void)atomic_fetch_and_seq_cst(&it->__i_state,
		    ~(LWQ_TIMER | bits));
	}
	mutex_exit(lock);
	return found;
}

/*
 * Take it from its timer or its queue, if it is pending.  If so true; it
 * then still is, and ours, or, if not to be kept, is not.
 */
bool
lwq_grab(struct __lwq_item *it, bool keep)
{
	struct lwq_queue *lq;
	unsigned int n, s;
	bool found;

	for (n = 0;;) {
		s = atomic_load_acquire(&it->__i_state);
		if ((s & LWQ_PENDING) == 0)
			return false;
		if ((s & LWQ_TIMER) != 0) {
			if (lwq_stop(it, keep ? 0 : LWQ_PENDING, true) > 0)
				return true;
		} else if ((lq = lwq_hold(it)) != NULL) {
			found = wqpool_cancel(lq->lq_pool, lwq_work(it));
			if (found && !keep)
				lwq_settle(it);
			lwq_unhold(lq);
			if (found)
				return true;
		} else if (lwq_take(it)) {
			if (!keep)
				lwq_settle(it);
			return true;
		}
		/* It is on its way, or about to be run. */
		wqk_relax(&n);
	}
}

/*
 * Wait for it where it was queued last.  True if there was something.
 */
bool
lwq_wait(struct __lwq_item *it)
{
	struct lwq_queue *lq;
	bool waited;

	if ((lq = lwq_hold(it)) == NULL)
		return false;
	waited = wqpool_wait(lq->lq_pool, lwq_work(it));
	lwq_unhold(lq);
	return waited;
}

/*
 * See to it that it is neither pending nor running.  Meanwhile it is
 * disabled; if so asked it stays that.
 */
bool
lwq_cancel_sync(struct __lwq_item *it, bool disable)
{
	bool was;

	(void)atomic_fetch_add_acq_rel(&it->__i_state, LWQ_DISABLED);
	was = lwq_grab(it, false);
	(void)lwq_wait(it);
	if (!disable)
		(void)atomic_fetch_add_acq_rel(&it->__i_state, -LWQ_DISABLED);
	return was;
}
