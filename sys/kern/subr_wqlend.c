/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Queues that have a thread only while they are in use.
 *
 * An idle queue has a record (struct wqlend) in its inbox, in the place of a
 * sleeping worker.  The producer that replaces the record claims it, and pushes
 * it on the inbox of a pool of threads.  The threads of the pool move records
 * from this inbox to a list, and one of them takes the record.  From then on
 * this thread is the worker of the queue: it runs the queue, and announces its
 * sleep in the queue's inbox as any worker does.  When it has slept for a
 * second or two, the lender (subr_wqlender.c) makes it go home: the thread puts
 * the record back into the queue's inbox and returns to the pool.
 *
 * So a queue in use has a worker like any other, and the paths of its items are
 * the same.
 *
 * A wqpool (subr_wqpool.c) is not a queue, and has threads of its own.  Some
 * wqpools keep a spare thread, but only from their first item on.  Until then
 * such a wqpool has no thread.  So it has a record, too, and uses it as an idle
 * queue does.  In this file such a wqpool is a client: see struct wqlend_ops.
 *
 * The rules:
 *
 * Claim.  A record has two links.  The producer that sets WQLEND_CLAIMED in a
 * link pushes that link.  The thread that takes the link off the list clears
 * the claim, and then looks at the inbox of the queue.  The claim is set and
 * cleared by read-modify-writes.  So if a producer finds a link claimed, the
 * thread that clears the claim sees the producer's item.
 *
 * Stopped producers.  A producer sets WQLEND_PUSHED in a link after it has
 * pushed the link and woken a thread.  It may be stopped at any time before
 * that.  No number of stopped producers holds up a later producer, or a thread
 * that waits:
 *
 *	If a later producer finds the first link claimed but not pushed, it uses
 *	the second link.
 *
 *	If the push finds no announcement in the inbox of the pool, it wakes the
 *	lender.  The producer that replaced the announcement may have been
 *	stopped before it woke the announced thread.
 *
 *	If a later producer finds both links claimed but not pushed, it sets
 *	lp_lost and wakes the lender.  The next thread that finds no record on
 *	the list of the pool then searches all records.  It looks for a record
 *	whose links are both claimed but not pushed, and whose queue needs a
 *	thread.  If it finds one, it sets lp_lost again, because there may be
 *	another.
 *
 * A thread that waits for an item acts like a later producer.
 *
 * Late push.  A producer may be stopped after it has inserted its item and
 * before it claims the record.  If another thread waits for the item, that
 * thread claims the record itself.  So the item may run, and the queue may be
 * destroyed, before the producer goes on and pushes the record once more.  This
 * push is harmless, because a thread that takes the record off the list runs
 * the queue only if the queue needs a thread.  It does not run the queue in
 * three cases:
 *
 *	The record is free.
 *
 *	The queue has a worker.
 *
 *	The inbox of the queue holds the record again, and q_worker is not
 *	WORKER_ENDS.  Then the queue has no item, and is not being destroyed.
 *
 * Home.  A thread takes lp_lock to look at records, to become the worker of a
 * queue, and to go home.  It does not hold lp_lock while it runs the queue.
 * The thread that destroys a queue takes lp_lock, too.  A thread that goes home
 * accesses the queue for the last time before it releases lp_lock.
 *
 * No record is left behind.  The inbox of a pool follows the rules of
 * subr_wqinbox.h.  It announces the thread that became idle last.  If no thread
 * is idle, it announces the lender.  If a thread takes a record while other
 * records are left, it wakes another idle thread, or the lender, before it runs
 * the queue.
 */

#include <errno.h>
#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "subr_cpu.h"
#include "subr_prf.h"
#include "subr_specificdata.h"
#include "subr_workqueue.h"
#include "subr_wqinbox.h"
#include "subr_wqlend.h"

#define	WQLEND_LOOKS	3		/* the third look ends an idle thread */

struct wqlend_pool *wqlend_pools;	/* (a) only grows */
struct lwp	*wqlend_lender;		/* (a) */
int		wqlend_called;		/* (a) the lender must look */

KERN_MUTEX(wqlend_lock);		/* for adding a pool */

/*
 * Producers.
 */

/*
 * Make the lender look at all pools.  Any context.
 */
static void
wqlend_call(void)
{
	struct lwp *l;

	/*
	 * The lender may be asleep in mutex_enter(), for the lock of a pool.
	 * An unpark alone would then have no effect, so also set a flag.
	 *
	 * Release: pairs with wqlender().  A plain store would end the release
	 * sequence of another producer's store.  The lender might then miss the
	 * record of that producer.
	 */
	(void)atomic_swap_acq_rel(&wqlend_called, 1);
	/* In a forked child there may be no lender. */
	if ((l = atomic_load_relaxed(&wqlend_lender)) != NULL)
		lwp_unpark(l);
}

static void
wqlend_lender_wakeup(struct runner *r)
{

	(void)r;
	wqlend_call();
}

static struct runner wqlend_lender_runner = {
	.r_wakeup = wqlend_lender_wakeup
};

/*
 * Push a link.  Wake the runner that was announced.  If no runner was
 * announced, wake the lender.
 */
static void
wqlend_push(struct wqlend_pool *lp, struct work *wk)
{
	uintptr_t old;

	old = wqinbox_insert(&lp->lp_inbox, wk, NULL);
	if (__predict_true((old & WQINBOX_ASLEEP) != 0))
		wqinbox_wake(old);
	else
		wqlend_call();
}

/*
 * Look at the links in order.  If a link has been pushed, do nothing, because a
 * thread will take it.  If a link is not claimed, push it.  If both are claimed
 * but not pushed, their producers may have been stopped: make a thread search
 * for the record.  Async-signal-safe.
 */
static __kern_hot void
wqlend_wakeup(struct runner *r)
{
	struct wqlend_link *wl;
	struct wqlend *we;
	int i, old;

	we = (struct wqlend *)(void *)r;
	for (i = 0; i < WQLEND_LINKS; i++) {
		wl = &we->we_links[i];
		old = atomic_fetch_or_seq_cst(&wl->wl_state, WQLEND_CLAIMED);
		if ((old & WQLEND_PUSHED) != 0)
			return;
		if ((old & WQLEND_CLAIMED) != 0)
			continue;
		wqlend_push(we->we_pool, &wl->wl_work);
		/*
		 * wl_state also counts how often the link was taken.  If a
		 * thread has taken the link meanwhile, this count differs, and
		 * the exchange fails.  Release: order the push before this
		 * exchange.
		 */
		old |= WQLEND_CLAIMED;
		(void)atomic_cas_release(&wl->wl_state, &old,
		    old | WQLEND_PUSHED);
		return;
	}
	/* Release: the search sees this item.  See wqlend_search(). */
	(void)atomic_swap_acq_rel(&we->we_pool->lp_lost, 1);
	wqlend_call();
}

void
wqlend_poke(struct workqueue_queue *q)
{
	struct lwp *l;

	/*
	 * Relaxed is enough for each caller.  wqlend_end_one() holds lp_lock,
	 * and q_lwp changes only under lp_lock.  Any other caller needs the
	 * wake-up only if it has seen an item.  A thread that goes home clears
	 * q_lwp and then announces the record.  If the item came before the
	 * announcement, the announcement fails and the thread stays.  If the
	 * item came after it, its producer saw the announcement.  Then a thread
	 * that sees the item also sees that q_lwp is clear, and calls
	 * wqlend_wakeup().
	 */
	if ((l = atomic_load_relaxed(&q->q_lwp)) != NULL)
		lwp_unpark(l);
	else
		wqlend_wakeup(&q->q_lend->we_runner);
}

/*
 * The inbox of a pool.
 */

static const struct runner *
wqlend_sleeper(const struct wqlend_pool *lp)
{

	return lp->lp_idle != NULL ? &lp->lp_idle->lt_lwp->l_runner :
	    &wqlend_lender_runner;
}

/*
 * Change the announcement after lp_idle has changed.  If the inbox has a
 * record, do nothing: the thread that takes the record makes the announcement.
 */
static void
wqlend_announce(struct wqlend_pool *lp)
{
	const struct runner *r;

	r = wqlend_sleeper(lp);
	if (r != lp->lp_announced &&
	    wqinbox_announce(&lp->lp_inbox, lp->lp_announced, r))
		lp->lp_announced = r;
}

/*
 * Move the records of the inbox to the list.
 */
static void
wqlend_order(struct wqlend_pool *lp)
{
	struct work *wk, **endp;
	uintptr_t w;

	KASSERT(mutex_owned(&lp->lp_lock));
	if (wqinbox_isempty(&lp->lp_inbox))
		return;
	lp->lp_announced = wqlend_sleeper(lp);
	w = wqinbox_take_announce(&lp->lp_inbox, lp->lp_announced);
	/* The newest record comes first in the inbox, and last on the list. */
	for (endp = lp->lp_lastp; !wqinbox_end(w);) {
		wk = (struct work *)w;
		w = (uintptr_t)wk->wk_dummy;
		wk->wk_dummy = *endp;
		if (*endp == NULL)
			lp->lp_lastp = (struct work **)&wk->wk_dummy;
		*endp = wk;
	}
}

bool
wqlend_pending(struct wqlend_pool *lp)
{

	return lp->lp_first != NULL || !wqinbox_isempty(&lp->lp_inbox) ||
	    atomic_load_relaxed(&lp->lp_lost) != 0;
}

/*
 * Wake an idle thread, or the lender, if records are left.
 */
void
wqlend_kick(struct wqlend_pool *lp)
{

	if (!wqlend_pending(lp))
		return;
	if (lp->lp_idle != NULL)
		lwp_unpark(lp->lp_idle->lt_lwp);
	else
		wqlend_call();
}

/*
 * Clear the claim of a link that was taken off the list.  Return its record.
 */
static struct wqlend *
wqlend_unclaim(struct work *wk)
{
	struct wqlend_link *wl;
	unsigned state;

	wl = (struct wqlend_link *)(void *)wk;
	/* Only the holder of lp_lock changes the count. */
	state = (unsigned)atomic_load_relaxed(&wl->wl_state);
	state = (state | (WQLEND_COUNT - 1)) + 1;
	/* Acquire: observe the item of each producer that found a claim. */
	(void)atomic_swap_acq_rel(&wl->wl_state, (int)state);
	wl -= wl->wl_index;
	return (struct wqlend *)(void *)((char *)wl -
	    offsetof(struct wqlend, we_links));
}

/*
 * Return true if the queue or the client of a record needs a thread.
 */
static bool
wqlend_waits(const struct wqlend *we)
{
	const struct workqueue_queue *q;

	if (we->we_client == NULL)
		return false;
	if (we->we_pool->lp_ops != NULL)
		return (*we->we_pool->lp_ops->wo_wants)(we->we_client);
	q = we->we_queue;
	return atomic_load_relaxed(&q->q_lwp) == NULL &&
	    (!wqinbox_isannounced(&q->q_inbox, &we->we_runner) ||
	    atomic_load_relaxed(&q->q_worker) == WORKER_ENDS);
}

/*
 * Return true if both links are claimed and not pushed.
 */
static bool
wqlend_islost(const struct wqlend *we)
{
	int i, state;

	for (i = 0; i < WQLEND_LINKS; i++) {
		state = atomic_load_relaxed(&we->we_links[i].wl_state);
		if ((state & (WQLEND_CLAIMED | WQLEND_PUSHED)) !=
		    WQLEND_CLAIMED)
			return false;
	}
	return true;
}

/*
 * Search for a record that may be on no list although its queue needs a thread.
 * Return NULL if there is none.
 *
 * lp_lost is set and cleared by read-modify-writes.  So a thread that clears
 * lp_lost observes the items of all producers that set it earlier.
 */
static __kern_noinline struct wqlend *
wqlend_search(struct wqlend_pool *lp)
{
	struct wqlend_slab *ws;
	struct wqlend *we;

	/* Acquire: pairs with wqlend_wakeup(). */
	(void)atomic_swap_acquire(&lp->lp_lost, 0);
	for (ws = lp->lp_slabs; ws != NULL; ws = ws->ws_next)
		for (we = ws->ws_records; we < &ws->ws_records[WQLEND_SLAB];
		    we++)
			if (wqlend_islost(we) && wqlend_waits(we)) {
				/* There may be other such records. */
				(void)atomic_swap_relaxed(&lp->lp_lost, 1);
				lp->lp_served++;
				return we;
			}
	return NULL;
}

/*
 * Take the oldest record whose queue or client needs a thread, or return NULL.
 */
static struct wqlend *
wqlend_next(struct wqlend_pool *lp)
{
	struct wqlend *we;
	struct work *wk;

	KASSERT(mutex_owned(&lp->lp_lock));
	wqlend_order(lp);
	while ((wk = lp->lp_first) != NULL) {
		lp->lp_first = wk->wk_dummy;
		if (lp->lp_first == NULL)
			lp->lp_lastp = &lp->lp_first;
		lp->lp_served++;
		we = wqlend_unclaim(wk);
		if (wqlend_waits(we))
			return we;
	}
	return __predict_false(atomic_load_relaxed(&lp->lp_lost) != 0) ?
	    wqlend_search(lp) : NULL;
}

/*
 * Threads.
 */

void
wqlend_name(const struct workqueue_queue *q, char *buf, size_t size)
{
	char idx[12];
	size_t len;

	/* If there is no room for the number of the CPU, shorten the name. */
	idx[0] = '\0';
	len = q->q_ci == NULL ? 0 :
	    (size_t)ksnprintf(idx, sizeof(idx), "/%u", q->q_ci->ci_index);
	(void)ksnprintf(buf, size, "%.*s%s", (int)(size - 1 - len),
	    q->q_wq->wq_name, idx);
}

void
wqlend_setname(struct lwp *l, const char *name)
{

	/* A callback may have changed l_name. */
	l->l_name = l->l_namebuf;
	if (strcmp(l->l_namebuf, name) == 0)
		return;
	(void)ksnprintf(l->l_namebuf, sizeof(l->l_namebuf), "%s", name);
	host_setname(name);
}

/*
 * Give the calling thread the name of the queue, if its own name differs.
 */
static void
wqlend_rename(const struct workqueue_queue *q, struct lwp *l)
{
	char name[MAXCOMLEN];

	wqlend_name(q, name, sizeof(name));
	wqlend_setname(l, name);
}

/*
 * Set l_priority, which callbacks see, to pri.  The host's priority of the
 * thread does not change.  Bind the thread to the CPU, or unbind it if ci is
 * NULL.
 */
static void
wqlend_dress(struct lwp *l, pri_t pri, struct cpu_info *ci)
{

	l->l_priority = pri;
	l->l_flag &= ~LW_BOUND;
	l->l_pflag &= ~LP_BOUND;
	if (ci != NULL) {
		l->l_flag |= LW_BOUND;
		l->l_pflag |= LP_BOUND;
	}
	oncpu_bind(l, ci);
}

/*
 * Undo what callbacks have changed in the thread, because the thread may serve
 * another queue next.  Checking mode has reported most of these changes.  If a
 * callback has left a spin mutex, the kernel lock or a psref held, undo
 * nothing, and return the name of what is held.  Otherwise return NULL.
 */
const char *
wqlend_undo(struct lwp *l, pri_t pri, struct cpu_info *ci)
{

	if (l->l_mtxcount != 0)
		return "a spin mutex";
	if (l->l_blcnt != 0)
		return "the kernel lock";
	if (l->l_psrefs != NULL)
		return "a psref";
	l->l_psread = 0;
	while (l->l_nopreempt != 0)
		kpreempt_exit(l);
	if (l->l_ipl != IPL_NONE)
		splx(IPL_NONE);
	wqlend_dress(l, pri, ci);
	return NULL;
}

static void
wqlend_undo_queue(const struct workqueue_queue *q, struct lwp *l, pri_t pri,
    struct cpu_info *ci)
{
	const char *held;

	if ((held = wqlend_undo(l, pri, ci)) != NULL)
		panic("workqueue \"%s\": callbacks left %s held",
		    q->q_wq->wq_name, held);
}

/*
 * Lend the calling thread to the queue of a record.  The thread becomes the
 * queue's worker.
 */
static void
wqlend_lend(struct wqlend *we, struct lwp *l)
{
	struct workqueue_queue *q;

	KASSERT(mutex_owned(&we->we_pool->lp_lock));
	q = we->we_queue;
	KERN_AFTER(q);
	atomic_store_relaxed(&l->l_specific, we->we_specific);
	we->we_specific = NULL;
	atomic_store_relaxed(&q->q_lwp, l);
	/*
	 * Take the record out of the inbox.  Usually a producer has done this
	 * already, and the call fails.  It succeeds if the queue has no item,
	 * which is possible only while the queue is being destroyed.
	 */
	(void)wqinbox_announce(&q->q_inbox, &we->we_runner, NULL);
}

static void
wqlend_free(struct wqlend_pool *lp, struct wqlend *we)
{

	KASSERT(mutex_owned(&lp->lp_lock));
	we->we_queue = NULL;
	we->we_next = lp->lp_free;
	lp->lp_free = we;
}

/*
 * If the queue is being destroyed and has no item, destroy its lwp_specific(9)
 * values.  This may sleep.  Release lp_lock meanwhile.
 */
static void
wqlend_unspecific(struct wqlend_pool *lp, const struct workqueue_queue *q,
    struct lwp *l)
{

	if (atomic_load_relaxed(&q->q_worker) != WORKER_ENDS ||
	    atomic_load_relaxed(&l->l_specific) == NULL ||
	    atomic_load_relaxed(&q->q_first) != NULL ||
	    atomic_load_relaxed(&q->q_unturned) != 0 ||
	    !wqinbox_isempty(&q->q_inbox))
		return;
	mutex_exit(&lp->lp_lock);
	specific_exit(l);
	KERN_BEFORE(q);
	mutex_enter(&lp->lp_lock);
}

/*
 * Make the thread leave the queue of a record, and return true.  If the queue
 * has items, return false.  Before the call, the inbox of the queue announces
 * the runner "was", or no runner if "was" is NULL.  After success the inbox
 * announces the record instead.
 */
static bool
wqlend_home(struct wqlend *we, struct lwp *l, const struct runner *was)
{
	struct workqueue_queue *q;
	struct wqlend_pool *lp;
	struct workqueue *wq;
	struct lwp *destroyer;
	bool gone;

	lp = we->we_pool;
	KASSERT(mutex_owned(&lp->lp_lock));
	q = we->we_queue;
	wq = q->q_wq;
	wqlend_unspecific(lp, q, l);
	mutex_enter(&q->q_lock);
	/* Clear q_lwp first: see wqlend_poke(). */
	atomic_store_relaxed(&q->q_lwp, NULL);
	gone = q->q_first == NULL && q->q_unturned == 0 &&
	    wqinbox_announce(&q->q_inbox, was, &we->we_runner);
	mutex_exit(&q->q_lock);
	if (!gone)
		return false;
	we->we_specific = l->l_specific;
	atomic_store_relaxed(&l->l_specific, NULL);
	/* As in workqueue_announce(). */
	if (was == NULL && atomic_load_seq_cst(&wq->wq_draining) != 0)
		sleepq_wakeall(wq, SLEEPQ_DRAIN);
	if (atomic_load_relaxed(&q->q_worker) != WORKER_ENDS) {
		atomic_store_relaxed(&q->q_worker, WORKER_NONE);
		return true;
	}
	wqlend_free(lp, we);
	destroyer = wq->wq_destroyer;
	/*
	 * Release: this is our last access to the queue.  The destroyer then
	 * frees the queue.
	 */
	atomic_store_release(&q->q_worker, WORKER_ENDED);
	lwp_unpark(destroyer);
	return true;
}

/*
 * Run the queue of a record until the thread goes home.  Release lp_lock
 * meanwhile.
 */
static void
wqlend_run(struct wqlend_pool *lp, struct wqlend_thread *lt,
    struct wqlend *we)
{
	struct workqueue_queue *q;
	struct lwp *l;
	bool home;

	KASSERT(mutex_owned(&lp->lp_lock));
	l = lt->lt_lwp;
	q = we->we_queue;
	wqlend_lend(we, l);
	lt->lt_queue = q;
	lt->lt_slept = false;
	/*
	 * If other queues wait for a thread, go home as soon as this queue is
	 * idle.
	 */
	if (atomic_load_relaxed(&q->q_worker) != WORKER_ENDS)
		atomic_store_relaxed(&q->q_worker, wqlend_pending(lp) ?
		    WORKER_RETURNS : WORKER_SERVES);
	wqlend_kick(lp);
	mutex_exit(&lp->lp_lock);
	wqlend_rename(q, l);
	for (home = false; !home;) {
		(*q->q_wq->wq_hooks->wh_serve)(q, l);
		wqlend_undo_queue(q, l, lp->lp_pri, lp->lp_ci);
		mutex_enter(&lp->lp_lock);
		home = wqlend_home(we, l, &l->l_runner);
		if (home)
			break;
		atomic_store_relaxed(&q->q_lwp, l);
		if (atomic_load_relaxed(&q->q_worker) != WORKER_ENDS)
			atomic_store_relaxed(&q->q_worker, WORKER_SERVES);
		mutex_exit(&lp->lp_lock);
	}
	lt->lt_queue = NULL;
}

/*
 * Sleep until there is a record.  Return false if the thread must end.
 */
static bool
wqlend_idle(struct wqlend_pool *lp, struct wqlend_thread *lt)
{
	struct wqlend_thread **ltp;

	KASSERT(mutex_owned(&lp->lp_lock));
	lt->lt_idle = true;
	lt->lt_looks = 0;
	lt->lt_idlenext = lp->lp_idle;
	lp->lp_idle = lt;
	wqlend_announce(lp);
	while (!wqlend_pending(lp) && !lt->lt_ends) {
		mutex_exit(&lp->lp_lock);
		lwp_park(lt->lt_lwp);
		mutex_enter(&lp->lp_lock);
	}
	for (ltp = &lp->lp_idle; *ltp != lt; ltp = &(*ltp)->lt_idlenext)
		continue;
	*ltp = lt->lt_idlenext;
	lt->lt_idle = false;
	wqlend_announce(lp);
	/*
	 * A producer that replaced our announcement has woken no other thread.
	 * So if there is a record, take it, even if lt_ends is set.
	 */
	return wqlend_pending(lp) || !lt->lt_ends;
}

void
wqlend_thread(void *arg)
{
	struct wqlend_thread self, **ltp;
	struct wqlend_pool *lp;
	struct wqlend *we;

	lp = arg;
	memset(&self, 0, sizeof(self));
	KERN_UNWATCHED(&self, sizeof(self));
	self.lt_lwp = curlwp_get();
	atomic_store_relaxed(&lp->lp_inforce,
	    atomic_load_relaxed(&self.lt_lwp->l_pri_inforce));
	sleepq_wakeall(&lp->lp_inforce, SLEEPQ_LWP);
	mutex_enter(&lp->lp_lock);
	lp->lp_nstarting--;
	self.lt_next = lp->lp_threads;
	lp->lp_threads = &self;
	do {
		while ((we = wqlend_next(lp)) != NULL)
			wqlend_run(lp, &self, we);
	} while (wqlend_idle(lp, &self));
	for (ltp = &lp->lp_threads; *ltp != &self; ltp = &(*ltp)->lt_next)
		continue;
	*ltp = self.lt_next;
	lp->lp_nthreads--;
	mutex_exit(&lp->lp_lock);
}

/*
 * For the lender.
 */

/*
 * Send the thread home if it sleeps in its queue and has not been sent home
 * already.  Otherwise return false.
 */
static bool
wqlend_return(struct wqlend_thread *lt)
{
	struct workqueue_queue *q;
	int serves;

	q = lt->lt_queue;
	if (!wqinbox_isannounced(&q->q_inbox, &lt->lt_lwp->l_runner))
		return false;
	serves = WORKER_SERVES;
	if (!atomic_cas_relaxed(&q->q_worker, &serves, WORKER_RETURNS))
		return false;
	lwp_unpark(lt->lt_lwp);
	return true;
}

/*
 * Look at all threads of a pool.  The lender calls this about once a second.
 * Send a thread home if it sleeps in its queue, slept in it at the last call,
 * too, and has run no item in between.  End a thread that has been idle for a
 * while.
 */
void
wqlend_look(struct wqlend_pool *lp)
{
	const struct workqueue_queue *q;
	struct wqlend_thread *lt;
	uint64_t done;

	KASSERT(mutex_owned(&lp->lp_lock));
	for (lt = lp->lp_threads; lt != NULL; lt = lt->lt_next) {
		if (lt->lt_idle) {
			if (++lt->lt_looks < WQLEND_LOOKS)
				continue;
			lt->lt_ends = true;
			lwp_unpark(lt->lt_lwp);
		} else if ((q = lt->lt_queue) != NULL) {
			done = atomic_load_relaxed(&q->q_done);
			if (lt->lt_slept && lt->lt_done == done)
				(void)wqlend_return(lt);
			lt->lt_done = done;
			lt->lt_slept = wqinbox_isannounced(&q->q_inbox,
			    &lt->lt_lwp->l_runner);
		}
	}
}

/*
 * Send home a thread that sleeps in its queue.  The lender calls this if the
 * system refuses another thread.  Return false if there is no such thread.
 */
bool
wqlend_recall(struct wqlend_pool *lp)
{
	struct wqlend_thread *lt;

	KASSERT(mutex_owned(&lp->lp_lock));
	for (lt = lp->lp_threads; lt != NULL; lt = lt->lt_next)
		if (lt->lt_queue != NULL && wqlend_return(lt))
			return true;
	return false;
}

/*
 * Call wo_start for each client that waits.  This starts a thread of the
 * client.  Release lp_lock meanwhile.  If the system refuses a thread, stop and
 * return an errno value.  Otherwise return 0.
 */
int
wqlend_start(struct wqlend_pool *lp)
{
	struct wqlend *we;
	void *client;
	int error;

	KASSERT(mutex_owned(&lp->lp_lock));
	for (error = 0; error == 0 && (we = wqlend_next(lp)) != NULL;) {
		client = we->we_client;
		mutex_exit(&lp->lp_lock);
		error = (*lp->lp_ops->wo_start)(client);
		mutex_enter(&lp->lp_lock);
	}
	return error;
}

/*
 * In the calling thread, run one batch of the queue that has waited longest for
 * a thread.  In a pool for clients, do a part of the work of the client that
 * has waited longest.  Return false if no queue or client waits.
 */
bool
wqlend_rescue(struct wqlend_pool *lp, struct lwp *l)
{
	struct workqueue_queue *q;
	struct wqlend *we;
	void *client;

	mutex_enter(&lp->lp_lock);
	if ((we = wqlend_next(lp)) == NULL) {
		mutex_exit(&lp->lp_lock);
		return false;
	}
	if (lp->lp_ops != NULL) {
		client = we->we_client;
		wqlend_kick(lp);
		mutex_exit(&lp->lp_lock);
		wqlend_dress(l, lp->lp_pri, lp->lp_ci);
		(*lp->lp_ops->wo_rescue)(client, l);
		return true;
	}
	q = we->we_queue;
	wqlend_lend(we, l);
	wqlend_kick(lp);
	mutex_exit(&lp->lp_lock);
	wqlend_rename(q, l);
	wqlend_dress(l, lp->lp_pri, lp->lp_ci);
	(*q->q_wq->wq_hooks->wh_batch)(q, l);
	wqlend_undo_queue(q, l, PRI_NONE, NULL);
	mutex_enter(&lp->lp_lock);
	if (!wqlend_home(we, l, NULL)) {
		we->we_specific = l->l_specific;
		atomic_store_relaxed(&l->l_specific, NULL);
		wqlend_wakeup(&we->we_runner);
	}
	mutex_exit(&lp->lp_lock);
	return true;
}

/*
 * Creating and destroying queues.
 */

static struct wqlend_pool *
wqlend_pool_find(pri_t pri, const struct cpu_info *ci,
    const struct wqlend_ops *ops)
{
	struct wqlend_pool *lp;

	/* Acquire: pairs with the release in wqlend_pool_get(). */
	for (lp = atomic_load_acquire(&wqlend_pools); lp != NULL;
	    lp = lp->lp_next)
		if (lp->lp_pri == pri && lp->lp_ci == ci &&
		    lp->lp_ops == ops && lp->lp_forkgen == kern_forkgen)
			break;
	return lp;
}

/*
 * Return the pool for a priority, a CPU and a kind of client, or NULL if there
 * is no memory.
 */
static struct wqlend_pool *
wqlend_pool_get(pri_t pri, struct cpu_info *ci, const struct wqlend_ops *ops)
{
	struct wqlend_pool *lp;

	if ((lp = wqlend_pool_find(pri, ci, ops)) != NULL)
		return lp;
	mutex_enter(&wqlend_lock);
	if ((lp = wqlend_pool_find(pri, ci, ops)) == NULL &&
	    (lp = host_alloc(sizeof(*lp))) != NULL) {
		mutex_init_quiet(&lp->lp_lock);
		lp->lp_lastp = &lp->lp_first;
		lp->lp_pri = pri;
		lp->lp_ci = ci;
		lp->lp_ops = ops;
		lp->lp_forkgen = kern_forkgen;
		lp->lp_inforce = LWP_PRI_UNKNOWN;
		wqlend_announce(lp);
		lp->lp_next = wqlend_pools;
		/* Release: pairs with the acquires of wqlend_pools. */
		atomic_store_release(&wqlend_pools, lp);
	}
	mutex_exit(&wqlend_lock);
	return lp;
}

/*
 * Return a free record.  If there is none, release lp_lock for a moment to
 * allocate some.  Return NULL if there is no memory.
 */
static struct wqlend *
wqlend_alloc(struct wqlend_pool *lp)
{
	struct wqlend_slab *ws;
	struct wqlend *we;
	int i;

	KASSERT(mutex_owned(&lp->lp_lock));
	if (lp->lp_free == NULL) {
		mutex_exit(&lp->lp_lock);
		ws = host_alloc(sizeof(*ws));
		mutex_enter(&lp->lp_lock);
		for (i = 0; ws != NULL && i < WQLEND_SLAB; i++) {
			we = &ws->ws_records[i];
			we->we_runner.r_wakeup = wqlend_wakeup;
			we->we_links[1].wl_index = 1;
			we->we_pool = lp;
			wqlend_free(lp, we);
		}
		if (ws != NULL) {
			ws->ws_next = lp->lp_slabs;
			lp->lp_slabs = ws;
		}
	}
	if ((we = lp->lp_free) != NULL) {
		lp->lp_free = we->we_next;
		we->we_next = NULL;
		we->we_specific = NULL;
	}
	return we;
}

/*
 * Give a new queue a record.
 */
static int
wqlend_add(struct workqueue_queue *q, pri_t pri)
{
	struct wqlend_pool *lp;
	struct wqlend *we;

	if ((lp = wqlend_pool_get(pri, q->q_ci, NULL)) == NULL)
		return ENOMEM;
	mutex_enter(&lp->lp_lock);
	if ((we = wqlend_alloc(lp)) != NULL) {
		we->we_queue = q;
		q->q_lend = we;
		(void)wqinbox_announce(&q->q_inbox, NULL, &we->we_runner);
	}
	mutex_exit(&lp->lp_lock);
	return we != NULL ? 0 : ENOMEM;
}

int
wqlend_attach(void *client, const struct wqlend_ops *ops, pri_t pri,
    struct cpu_info *ci, struct runner **rp)
{
	struct wqlend_pool *lp;
	struct wqlend *we;
	int error;

	if ((error = wqlender_start()) != 0)
		return error;
	if ((lp = wqlend_pool_get(pri, ci, ops)) == NULL)
		return ENOMEM;
	mutex_enter(&lp->lp_lock);
	if ((we = wqlend_alloc(lp)) != NULL) {
		we->we_client = client;
		*rp = &we->we_runner;
	}
	mutex_exit(&lp->lp_lock);
	return we != NULL ? 0 : ENOMEM;
}

void
wqlend_detach(struct runner *r)
{
	struct wqlend_pool *lp;
	struct wqlend *we;

	we = (struct wqlend *)(void *)r;
	lp = we->we_pool;
	mutex_enter(&lp->lp_lock);
	wqlend_free(lp, we);
	mutex_exit(&lp->lp_lock);
}

int
wqlend_begin(struct workqueue *wq)
{
	int error, i;

	if ((error = wqlender_start()) != 0)
		return error;
	for (i = 0; i < wq->wq_nqueues; i++)
		if ((error = wqlend_add(&wq->wq_queues[i], wq->wq_prio)) !=
		    0) {
			wqlend_end(wq, i);
			return error;
		}
	return 0;
}

/*
 * Destroy one queue.  If the queue is idle and has no lwp_specific(9) values,
 * take its record back.  Otherwise, if the queue has a worker, make the worker
 * end.  If the queue has no worker, call a thread of the pool.  That thread
 * runs the items that are left, and destroys the values.
 */
static void
wqlend_end_one(struct workqueue_queue *q)
{
	struct wqlend_pool *lp;
	struct wqlend *we;

	we = q->q_lend;
	lp = we->we_pool;
	mutex_enter(&lp->lp_lock);
	if (atomic_load_relaxed(&q->q_lwp) == NULL &&
	    we->we_specific == NULL &&
	    wqinbox_isannounced(&q->q_inbox, &we->we_runner)) {
		wqlend_free(lp, we);
		atomic_store_relaxed(&q->q_worker, WORKER_ENDED);
	} else {
		/* Release: pairs with the acquire in workqueue_sleep(). */
		atomic_store_release(&q->q_worker, WORKER_ENDS);
		wqlend_poke(q);
	}
	mutex_exit(&lp->lp_lock);
}

void
wqlend_end(struct workqueue *wq, int n)
{
	struct lwp *l;
	int i;

	l = curlwp_get();
	wq->wq_destroyer = l;
	for (i = 0; i < n; i++)
		wqlend_end_one(&wq->wq_queues[i]);
	/* Acquire: pairs with the release in wqlend_home(). */
	for (i = 0; i < n; i++)
		while (atomic_load_acquire(&wq->wq_queues[i].q_worker) !=
		    WORKER_ENDED)
			lwp_park(l);
}

/*
 * Return the priority that the host gives to the threads lent to a queue.  If
 * the pool has had no thread yet, wait until the lender has started a thread,
 * or has failed to start one.
 */
pri_t
wqlend_inforce(struct workqueue_queue *q)
{
	struct wqlend_pool *lp;
	struct sleepq *sq;
	struct lwp *l;
	int pri;

	lp = q->q_lend->we_pool;
	l = curlwp_get();
	mutex_enter(&lp->lp_lock);
	if (atomic_load_relaxed(&lp->lp_inforce) == LWP_PRI_UNKNOWN)
		lp->lp_wanted = true;
	mutex_exit(&lp->lp_lock);
	for (;;) {
		sq = sleepq_enter(&lp->lp_inforce);
		pri = atomic_load_relaxed(&lp->lp_inforce);
		if (pri != LWP_PRI_UNKNOWN)
			break;
		sleepq_enqueue(sq, l, &lp->lp_inforce, SLEEPQ_LWP, false);
		sleepq_exit(sq);
		wqlend_call();
		(void)sleepq_block(l, HOST_FOREVER);
	}
	sleepq_exit(sq);
	return pri;
}

/*
 * Forget the lender in a forked child, which has no threads and creates pools
 * of its own.
 */
void
wqlend_fork(struct lwp *l)
{

	(void)l;
	atomic_store_relaxed(&wqlend_lender, NULL);
	wqlender_fork();
}
