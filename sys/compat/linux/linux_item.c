/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Items: the common part of work_struct and kthread_work.
 *
 * The thread that sets PENDING owns the item until it enqueues the item on a
 * pool or starts the item's timer.
 *
 * An enqueued item belongs to the worker that clears PENDING and runs it, or to
 * the thread that removes it by wqpool_cancel().
 *
 * While TIMER is set, the item belongs to the callout, or to the thread that
 * clears TIMER under the timer lock.  After the callout was called it cannot be
 * stopped.  It will soon enqueue the item.  A thread that wants to cancel the
 * item waits until then.
 *
 * In a forked child, an item that the parent made pending has no owner, because
 * no timer, worker or other thread of the child will process the item.  The
 * thread that marks the item as this process's own becomes the item's owner:
 * see lwq_take().
 */

#include <string.h>

#include "linux_item.h"

/* The timer locks: spin locks at IPL_HIGH.  The item's address selects one. */
#define	LWQ_NLOCKS	64
static kmutex_t		lwq_timerlocks[LWQ_NLOCKS];
static ONCE_DECL(lwq_timeronce);

uint64_t		lwq_gen;

static int
lwq_timerinit(void)
{
	int i;

	for (i = 0; i < LWQ_NLOCKS; i++)
		mutex_init(&lwq_timerlocks[i], MUTEX_NODEBUG, IPL_HIGH);
	return 0;
}

/*
 * Make this forked child initialise the locks again, because a thread of the
 * parent may have held one.
 */
void
lwq_item_fork(void)
{

	memset(&lwq_timeronce, 0, sizeof(lwq_timeronce));
	lwq_gen = (lwq_gen + LWQ_GEN) & LWQ_GENMASK;
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

/*
 * The offset of the timer in each kind of item.
 */
static const uint16_t lwq_timeroff[] = {
	[_LWQ_NEW] = offsetof(struct work_struct, __ws_timer),
	[_LWQ_OLD] = offsetof(struct work_struct, __ws_timer),
	[_LWQ_KTHREAD] = offsetof(struct kthread_delayed_work, __kd_timer)
};

static struct __lwq_timer *
lwq_timer(struct __lwq_item *it)
{

	return (struct __lwq_timer *)(void *)((char *)it +
	    lwq_timeroff[it->__i_kind]);
}

/*
 * Make an item not pending.
 */
void
lwq_settle(struct __lwq_item *it)
{

	(void)atomic_fetch_and_seq_cst(&it->__i_state, ~LWQ_PENDING);
}

/*
 * Return true if an item that is about to be initialised looks pending in this
 * process.  It may be pending, or the memory may be that of an old item.
 */
bool
lwq_item_left(const struct __lwq_item *it)
{
	uint64_t s;

	if (!wqpool_written(&it->__i_self, sizeof(it->__i_self)) ||
	    it->__i_self != it)
		return false;
	s = atomic_load_relaxed(&it->__i_state);
	return (s & LWQ_PENDING) != 0 && lwq_isours(s);
}

void
lwq_item_init(struct __lwq_item *it, int kind)
{

	memset(it->__i_links, 0, sizeof(it->__i_links));
	it->__i_link = NULL;
	atomic_store_relaxed(&it->__i_state, UINT64_C(0));
	it->__i_kind = kind;
	atomic_store_relaxed(&it->__i_queue, NULL);
	it->__i_self = it;
}

/*
 * Hold the queue that an item was last enqueued on, and return the queue.
 * Return NULL if there is no such queue.
 */
struct lwq_queue *
lwq_hold(struct __lwq_item *it)
{
	struct lwq_queue *lq;
	uint64_t s;

	/* A callback of the parent does not run in this process. */
	s = atomic_load_relaxed(&it->__i_state);
	if ((s & LWQ_PENDING) == 0 && !lwq_isours(s))
		return NULL;
	lq = atomic_load_acquire(&it->__i_queue);
	if (lq == NULL || !lwq_queue_hold(lq))
		return NULL;
	/*
	 * The queue may have been reused, with fewer pools.  Or the queue is
	 * the parent's: this process has made the item its own, but has not
	 * enqueued it yet.
	 */
	if (lq->lq_pool == NULL ||
	    (lwq_isours(s) && !wqpool_isours(lq->lq_pool))) {
		lwq_queue_unhold(lq);
		return NULL;
	}
	return lq;
}

void
lwq_say_gone(const struct __lwq_item *it, const char *what, const char *why)
{

	wqk_printf_tolog("delayed work item %p: its %s %s; it is not run\n",
	    (const void *)it, what, why);
}

/*
 * Enqueue an item when its delay has ended.  The callout has been called, so no
 * other function ends the delay now.
 */
static void
lwq_fire(void *arg)
{
	struct __lwq_timer *t;
	struct __lwq_item *it;
	struct lwq_queue *lq;
	kmutex_t *lock;
	bool held, taken;

	it = arg;
	t = lwq_timer(it);
	lq = t->__t_queue;
	held = lwq_queue_hold(lq);
	lock = lwq_timerlock(it);
	mutex_enter(lock);
	t->__t_state = LWQ_T_READY;
	(void)atomic_fetch_and_seq_cst(&it->__i_state, ~LWQ_TIMER);
	/* If the queue takes the item, the item may run and be freed now. */
	taken = held && (*lq->lq_ops->qo_fire)(lq, it);
	if (!taken)
		lwq_settle(it);
	/* If the queue has ended, it may be reused from here on. */
	lwq_queue_countdelay(lq, -1);
	mutex_exit(lock);
	if (!taken)
		lwq_say_gone(it, lq->lq_ops->qo_name, "is destroyed");
	if (held)
		lwq_queue_unhold(lq);
}

/*
 * Wait for the calls of lwq_fire() that began before the caller changed a
 * queue.  On return they have enqueued or dropped their items.
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
 * Start the timer of an item that the caller owns.
 */
void
lwq_arm(struct __lwq_item *it, struct __lwq_timer *t, struct lwq_queue *lq,
    unsigned long delay)
{
	kmutex_t *lock;
	callout_t *c;

	c = lwq_callout(t);
	lock = lwq_timerlock(it);
	/*
	 * The creation of the queue or worker has started the callout thread.
	 */
	if (t->__t_state == LWQ_T_NONE) {
		callout_init(c, CALLOUT_MPSAFE);
		callout_setfunc(c, lwq_fire, it);
	}
	mutex_enter(lock);
	t->__t_state = LWQ_T_READY;
	t->__t_queue = lq;
	lwq_queue_countdelay(lq, 1);
	(void)atomic_fetch_or_seq_cst(&it->__i_state, LWQ_TIMER);
	wqpool_delay(c, lwq_jiffies2ns(delay));
	mutex_exit(lock);
}

/*
 * Take over an item that was made pending before this process was forked.
 * Return true if the caller owns it now.
 */
static bool
lwq_take(struct __lwq_item *it)
{
	uint64_t s;

	s = atomic_load_acquire(&it->__i_state);
	do {
		if ((s & LWQ_PENDING) == 0 || lwq_isours(s))
			return false;
	} while (!atomic_cas_weak_acq_rel(&it->__i_state, &s,
	    (s & ~(LWQ_TIMER | LWQ_GENMASK)) | lwq_gen));
	/* The item may have been on a list of the parent. */
	memset(it->__i_links, 0, sizeof(it->__i_links));
	atomic_store_relaxed(&it->__i_queue, NULL);
	return true;
}

/*
 * Stop the timer of an item.  If this has succeeded, clear "bits" in the item's
 * state and return 1: the caller owns the item.  Return 0 if no timer was
 * running.  Return -1 if it is too late, because the item is about to be
 * enqueued.  If "count" is set, count the queue's delay as ended.  Otherwise
 * the caller must count it as ended, and the queue is not reused until then.
 */
int
lwq_stop(struct __lwq_item *it, unsigned int bits, bool count)
{
	struct __lwq_timer *t;
	kmutex_t *lock;
	uint64_t s;
	int found;

	/* Only items with a timer have TIMER set, so access t only if it is. */
	t = lwq_timer(it);
	lock = lwq_timerlock(it);
	mutex_enter(lock);
	s = atomic_load_relaxed(&it->__i_state);
	if ((s & LWQ_TIMER) == 0)
		found = 0;
	else if (!lwq_isours(s)) {
		/*
		 * No callout of this process is armed for the item.  Its worker
		 * may not exist here either.
		 */
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
			lwq_queue_countdelay(t->__t_queue, -1);
		(void)atomic_fetch_and_seq_cst(&it->__i_state,
		    ~(LWQ_TIMER | bits));
	}
	mutex_exit(lock);
	return found;
}

/*
 * Take an item from its timer or its queue.  Return false if it is not pending.
 * Otherwise the caller owns it.  It stays pending if "keep" is set.
 */
bool
lwq_grab(struct __lwq_item *it, bool keep)
{
	struct lwq_queue *lq;
	uint64_t s;
	unsigned int n;
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
			lwq_queue_unhold(lq);
			if (found)
				return true;
		} else if (lwq_take(it)) {
			if (!keep)
				lwq_settle(it);
			return true;
		}
		/* The item is about to be enqueued or run. */
		wqk_relax(&n);
	}
}

/*
 * Become the owner of an item, pending or not.  Store whether it was pending.
 * Return false if it is disabled.
 */
bool
lwq_seize(struct __lwq_item *it, bool *pendingp)
{

	for (;;) {
		if ((*pendingp = lwq_grab(it, true)) || lwq_claim(it))
			return true;
		if ((atomic_load_relaxed(&it->__i_state) & LWQ_DISABLEMASK) !=
		    0)
			return false;
	}
}

/*
 * Wait until the item's last queue has run it.  Return true if there was a run
 * to wait for.
 */
bool
lwq_wait(struct __lwq_item *it)
{
	struct lwq_queue *lq;
	bool waited;

	if ((lq = lwq_hold(it)) == NULL)
		return false;
	waited = wqpool_wait(lq->lq_pool, lwq_work(it));
	lwq_queue_unhold(lq);
	return waited;
}

/*
 * Make an item neither pending nor running.  It is disabled meanwhile, and
 * stays disabled if "disable" is set.
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
