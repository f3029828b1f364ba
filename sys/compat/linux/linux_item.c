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
 */

#include <string.h>

#include "linux_var.h"

/* The timer locks, by the item's address; spin, at IPL_HIGH. */
#define	LWQ_NLOCKS	64
static kmutex_t		lwq_timerlocks[LWQ_NLOCKS];
static ONCE_DECL(lwq_timeronce);

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
 * Make it ours, if it is neither pending nor disabled.
 */
bool
lwq_claim(struct __lwq_item *it)
{
	unsigned int new, s;

	s = atomic_load_relaxed(&it->__i_state);
	do {
		new = (s & (LWQ_PENDING | LWQ_DISABLEMASK)) != 0 ? s :
		    s | LWQ_PENDING;
		/*
		 * Release, also if nothing changes: the run that is to come
		 * clears the bit after us, by an acquire, and so sees what we
		 * did before.
		 */
	} while (!atomic_cas_weak_acq_rel(&it->__i_state, &s, new));
	return new != s;
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
	struct __lwq_timer *t;
	struct lwq_queue *lq;
	const char *name;
	bool busy, running;

	busy = false;
	name = NULL;
	t = lwq_timer(it);
	if ((state & LWQ_TIMER) != 0) {
		if (t->__t_state == LWQ_T_READY &&
		    callout_pending(lwq_callout(t))) {
			busy = true;
			name = t->__t_wq->wq_name;
		}
	} else if ((lq = lwq_hold(it)) != NULL) {
		if (wqpool_isours(lq->lq_pool))
			wqpool_busy(lq->lq_pool, lwq_work(it), &busy,
			    &running);
		name = lq->lq_wq->wq_name;
		lwq_unhold(lq);
	}
	if (busy)
		wqk_panic("INIT_WORK: work %p is still pending on \"%s\"",
		    (void *)it, name);
}

void
lwq_item_init(struct __lwq_item *it, int kind)
{
	unsigned int s;

	/* What looks like a pending item may be what is left of one. */
	s = atomic_load_relaxed(&it->__i_state);
	if (it->__i_self == it && (s & LWQ_PENDING) != 0 &&
	    it->__i_kind != _LWQ_KTHREAD)
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

	lq = atomic_load_acquire(&it->__i_queue);
	if (lq == NULL || (lq->lq_wq != NULL ? !lwq_hold_wq(lq->lq_wq) :
	    atomic_load_relaxed(&lq->lq_dead) == LWQ_GONE))
		return NULL;
	/* The queue may be another by now, with fewer pools. */
	if (lq->lq_pool == NULL) {
		lwq_unhold(lq);
		return NULL;
	}
	return lq;
}

/*
 * The owner puts it into a queue, and is the owner no more.
 */
void
lwq_enqueue(struct lwq_queue *lq, struct __lwq_item *it)
{

	atomic_store_release(&it->__i_queue, lq);
	wqpool_enqueue(lq->lq_pool, lwq_work(it));
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
	(void)atomic_fetch_and_seq_cst(&it->__i_state, ~LWQ_TIMER);
	/* From here on, if this succeeds, the item may be gone. */
	ok = true;
	if (lq != NULL) {
		(void)atomic_fetch_add_acq_rel(&lq->lq_ntimers, -1);
		ok = atomic_load_relaxed(&lq->lq_dead) == 0;
		if (ok)
			lwq_enqueue(lq, it);
	} else if (held)
		(void)lwq_insert(cpu, wq, it, "delayed work");
	else
		ok = false;
	if (!ok)
		lwq_settle(it);
	mutex_exit(lock);
	if (!ok)
		wqk_printf_tolog("delayed work %p: its %s is destroyed; it "
		    "is not run\n", (void *)it,
		    lq != NULL ? "kthread_worker" : "workqueue");
	if (held)
		lwq_unhold_wq(wq);
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
	if (lq != NULL)
		(void)atomic_fetch_add_acq_rel(&lq->lq_ntimers, 1);
	(void)atomic_fetch_or_seq_cst(&it->__i_state, LWQ_TIMER);
	callout_schedule(c, delay > INT32_MAX ? INT32_MAX : (int)delay);
	mutex_exit(lock);
}

/*
 * Stop the timer.  1: the item is ours, with those bits cleared as well;
 * 0: no timer ran; -1: it is too late, and the item about to be queued.
 */
int
lwq_stop(struct __lwq_item *it, struct __lwq_timer *t, unsigned int bits)
{
	kmutex_t *lock;
	int found;

	lock = lwq_timerlock(it);
	mutex_enter(lock);
	if ((atomic_load_relaxed(&it->__i_state) & LWQ_TIMER) == 0)
		found = 0;
	else if (t->__t_state == LWQ_T_FIRING)
		found = -1;
	else if (callout_stop(lwq_callout(t))) {
		t->__t_state = LWQ_T_FIRING;
		found = -1;
	} else {
		found = 1;
		if (t->__t_queue != NULL)
			(void)atomic_fetch_add_acq_rel(
			    &t->__t_queue->lq_ntimers, -1);
		(void)atomic_fetch_and_seq_cst(&it->__i_state,
		    ~(LWQ_TIMER | bits));
	}
	mutex_exit(lock);
	return found;
}

/*
 * In a forked child: was it pending on a shared queue of the parent's?  If so
 * it is the caller's, and nobody else's.
 */
static bool
lwq_lost(struct __lwq_item *it)
{
	struct lwq_queue *lq;

	lq = atomic_load_acquire(&it->__i_queue);
	return lq != NULL && lq->lq_wq != NULL && lq->lq_wq->wq_parents &&
	    atomic_cas_acq_rel(&it->__i_queue, &lq, NULL);
}

/*
 * Take it from its timer or its queue, if it is pending.  If so true; it
 * then still is, and ours, or, if not to be kept, is not.
 */
bool
lwq_grab(struct __lwq_item *it, struct __lwq_timer *t, bool keep)
{
	struct lwq_queue *lq;
	unsigned int n, s;
	bool found;

	for (n = 0;;) {
		s = atomic_load_acquire(&it->__i_state);
		if ((s & LWQ_PENDING) == 0)
			return false;
		if ((s & LWQ_TIMER) != 0) {
			if (lwq_stop(it, t, keep ? 0 : LWQ_PENDING) > 0)
				return true;
		} else if ((lq = lwq_hold(it)) != NULL) {
			found = wqpool_cancel(lq->lq_pool, lwq_work(it));
			if (found && !keep)
				lwq_settle(it);
			lwq_unhold(lq);
			if (found)
				return true;
		} else if (lwq_lost(it)) {
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
lwq_cancel_sync(struct __lwq_item *it, struct __lwq_timer *t, bool disable)
{
	bool was;

	(void)atomic_fetch_add_acq_rel(&it->__i_state, LWQ_DISABLED);
	was = lwq_grab(it, t, false);
	(void)lwq_wait(it);
	if (!disable)
		(void)atomic_fetch_add_acq_rel(&it->__i_state, -LWQ_DISABLED);
	return was;
}
