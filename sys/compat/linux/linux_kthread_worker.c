/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workers with one thread each.  A worker is a pool that starts no thread
 * itself.  The thread that calls kthread_worker_fn() becomes the worker's
 * thread.
 */

#include <errno.h>
#include "linux_item.h"
#include "linux_task.h"

#include "kern/subr_wqstat.h"

/* Rounds in which items may enqueue more while their worker stops. */
#define	KW_NROUNDS	100

/* In __kw_flags: made by kthread_create_worker(). */
#define	KW_MADE		0x80000000u

/*
 *	__kw_ready:
 *
 *	NONE --> STARTING --> READY	by the thread that uses it first
 *	READY --> DEAD --> NONE		destroyed, reused
 */
enum kw_life {
	KW_NONE,
	KW_STARTING,
	KW_READY,
	KW_DEAD
};

/*
 * lq_state.  ENDING: timers no longer enqueue items, but enqueued items still
 * run.  GONE: no item runs any more.  STOPPING: the thread ends when it has run
 * the enqueued items.  CLOSED: the worker refuses items, because items enqueued
 * more items for too long while the thread was stopping.
 */
#define	KW_ENDING	0x1
#define	KW_GONE		0x2
#define	KW_CLOSED	0x4
#define	KW_STOPPING	0x8

/*
 * The state of a stopping worker's thread.  It is in the thread's stack frame,
 * and only the thread uses it.
 */
struct kw_thread {
	struct kthread_worker *kt_worker;
	int		 kt_rounds;
	bool		 kt_marked;	/* the mark is enqueued */
	uint64_t	 kt_ndone;
};

_Static_assert(sizeof(struct wqpool) <=
    sizeof(((struct kthread_worker *)0)->__kw_pool),
    "struct kthread_worker is too small for its pool");
_Static_assert(sizeof(struct lwq_queue) <=
    sizeof(((struct kthread_worker *)0)->__kw_queue),
    "struct kthread_worker is too small for its queue");
_Static_assert(sizeof(((struct kthread_worker *)0)->__kw_mark) ==
    sizeof(struct wqpool_work), "the mark is a struct wqpool_work");

KERN_MUTEX(kw_lock);

static bool	kw_unused(const struct __lwq_link *);

/* Destroyed workers of kthread_create_worker(). */
static struct lwq_stable kw_dead = LWQ_STABLE_INITIALIZER(kw_dead, kw_unused);

/* Workers that have a thread. (kw_lock) */
static struct __lwq_link *kw_running;

void
lwq_worker_fork(void)
{

	lwq_stable_fork(&kw_dead);
	kw_running = NULL;
}

static inline struct lwq_queue *
kw_queue(struct kthread_worker *kw)
{

	return (struct lwq_queue *)(void *)kw->__kw_queue;
}

static bool
kw_unused(const struct __lwq_link *l)
{
	struct kthread_worker *kw;

	kw = container_of(l, struct kthread_worker, __kw_link);
	return !lwq_queue_hasdelays(kw_queue(kw));
}

/*
 * The operations of a worker's queue.
 */
static bool
kw_hold(struct lwq_queue *lq)
{

	/* The client ensures that the worker is not destroyed. */
	return (atomic_load_relaxed(&lq->lq_state) & KW_GONE) == 0;
}

static void
kw_unhold(struct lwq_queue *lq)
{

	(void)lq;
}

static bool
kw_fire(struct lwq_queue *lq, struct __lwq_item *it)
{

	/*
	 * A thread that sets ENDING calls lwq_fire_barrier() afterwards, which
	 * waits for the timer lock.  The caller holds this lock.
	 */
	if ((atomic_load_relaxed(&lq->lq_state) & KW_ENDING) != 0)
		return false;
	lwq_enqueue(lq, it);
	return true;
}

static const struct lwq_queue_ops kw_ops = {
	.qo_name = "kthread_worker",
	.qo_hold = kw_hold,
	.qo_unhold = kw_unhold,
	.qo_fire = kw_fire
};

/*
 * Return the link of the list kw_running that points to a worker.  If none
 * does, return the last link, which is NULL.
 */
static struct __lwq_link **
kw_find(const struct kthread_worker *kw)
{
	struct __lwq_link **lp;

	KASSERT(mutex_owned(&kw_lock));
	for (lp = &kw_running; *lp != NULL && *lp != &kw->__kw_link;
	    lp = &(*lp)->__l_next)
		continue;
	return lp;
}

/*
 * Return true if an item is pending on its worker.  kw may be memory that the
 * client has reused, so access it only if it is on kw_running.
 */
static bool
kw_has(struct kthread_worker *kw, struct __lwq_item *it)
{
	bool pending, running;

	pending = false;
	mutex_enter(&kw_lock);
	if (*kw_find(kw) != NULL)
		wqpool_busy(kw_queue(kw)->lq_pool, lwq_work(it), &pending,
		    &running);
	mutex_exit(&kw_lock);
	return pending;
}

/*
 * Return the state of the calling worker's thread.
 */
static struct kw_thread *
kw_thread(void)
{

	return lwq_current()->t_onstoparg;
}

/*
 * Enqueue the mark, which separates rounds while a worker stops.  Do so
 * whenever an item is about to run and the mark is not enqueued.  So an item
 * that re-enqueues itself runs once in a round.  After a round without items,
 * kw_mark() does not enqueue the mark again.  If items re-enqueue themselves
 * for too many rounds, the worker refuses them.
 */
static __kern_noinline void
kw_put_mark(struct kthread_worker *kw)
{
	struct kw_thread *kt;

	kt = kw_thread();
	if (kt->kt_marked || kt->kt_rounds > KW_NROUNDS)
		return;
	kt->kt_marked = true;
	/*
	 * An item is about to run.  With this value kw_mark() does not count
	 * the round as one without items.
	 */
	kt->kt_ndone = UINT64_MAX;
	wqpool_enqueue(kw_queue(kw)->lq_pool,
	    (struct work *)(void *)kw->__kw_mark);
}

static __kern_noinline void
kw_mark(struct kthread_worker *kw)
{
	struct kw_thread *kt;
	struct lwq_queue *lq;
	uint64_t ndone;

	lq = kw_queue(kw);
	kt = kw_thread();
	(void)wqpool_quiet(lq->lq_pool, &ndone);
	kt->kt_marked = false;
	/* The mark itself counts as an item. */
	if (ndone == kt->kt_ndone + 1) {
		kt->kt_rounds = 0;
		return;
	}
	if (kt->kt_rounds++ == KW_NROUNDS) {
		(void)atomic_fetch_or_seq_cst(&lq->lq_state, KW_CLOSED);
		return;
	}
	kt->kt_ndone = ndone;
	kt->kt_marked = true;
	wqpool_enqueue(lq->lq_pool, (struct work *)(void *)kw->__kw_mark);
}

/*
 * Make a worker end when it has run the enqueued items.  Another thread calls
 * this once, while the worker's thread is in kthread_worker_fn().
 */
static void
kw_finish(void *arg)
{
	struct kw_thread *kt;
	struct lwq_queue *lq;

	kt = arg;
	lq = kw_queue(kt->kt_worker);
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, KW_STOPPING);
	wqpool_finish(lq->lq_pool);
}

static void
kw_run(struct work *wk, void *arg)
{
	struct kthread_worker *kw;
	struct kthread_work *kk;
	kthread_work_func_t func;

	kw = arg;
	if (__predict_false((void *)wk == kw->__kw_mark)) {
		kw_mark(kw);
		return;
	}
	kk = (struct kthread_work *)(void *)wk;
	/* The pool itself notices only later that it must end. */
	if (__predict_false((atomic_load_relaxed(&kw_queue(kw)->lq_state) &
	    KW_STOPPING) != 0))
		kw_put_mark(kw);
	/* See lwq_run(). */
	lwq_settle(&kk->__kk_item);
	func = kk->func;
	if (func == NULL)
		wqk_panic("kthread_worker: work item %p has no function",
		    (void *)kk);
	HOST_PROBE2(sched, sched_kthread_work_execute_start, kk, func);
	(*func)(kk);
	HOST_PROBE2(sched, sched_kthread_work_execute_end, kk, func);
}

static struct wqpool_kind kw_kind = {
	.pk_name = "kthread_worker",
	.pk_func = offsetof(struct kthread_work, func),
	.pk_mark = offsetof(struct kthread_worker, __kw_mark)
};

/*
 * Initialise a worker that was only defined, when a thread first uses it.
 */
static __kern_noinline void
kw_start(struct kthread_worker *kw)
{
	const struct wqpool_attr pa = {
		.pa_name = "kthread_worker", .pa_kind = &kw_kind,
		.pa_func = kw_run, .pa_arg = kw, .pa_prio = PRI_NONE,
		.pa_maxthreads = 1,
		.pa_flags = WQPOOL_EXCLUSIVE | WQPOOL_CALLER
	};
	struct lwq_queue *lq;
	unsigned int n, old;

	old = KW_NONE;
	if (atomic_cas_acquire(&kw->__kw_ready, &old, KW_STARTING)) {
		lq = kw_queue(kw);
		lq->lq_pool = (struct wqpool *)(void *)kw->__kw_pool;
		lq->lq_ops = &kw_ops;
		lq->lq_wq = NULL;
		atomic_store_relaxed(&lq->lq_ntimers, 0);
		atomic_store_relaxed(&lq->lq_state, 0);
		wqpool_init(lq->lq_pool, &pa);
		/* Release: publish the worker. */
		atomic_store_release(&kw->__kw_ready, KW_READY);
		return;
	}
	for (n = 0; old == KW_STARTING;) {
		wqk_relax(&n);
		old = atomic_load_acquire(&kw->__kw_ready);
	}
}

/*
 * Return the queue of a worker, or NULL if the worker is destroyed.
 */
static inline struct lwq_queue *
kw_get(struct kthread_worker *kw)
{

	/* Acquire: pairs with the release in kw_start(). */
	if (__predict_false(atomic_load_acquire(&kw->__kw_ready) !=
	    KW_READY)) {
		kw_start(kw);
		if (atomic_load_acquire(&kw->__kw_ready) == KW_DEAD)
			return NULL;
	}
	return kw_queue(kw);
}

/*
 * Find out whether a worker refuses an item.  The caller owns the item, and
 * wants to enqueue it now or, if "now" is false, after a delay.  If the worker
 * refuses the item, drop the item and return true.  lq is NULL for a destroyed
 * worker.
 */
static __kern_noinline bool
kw_refused(struct lwq_queue *lq, struct kthread_work *kk, bool now)
{
	int state;

	state = lq == NULL ? KW_GONE : atomic_load_relaxed(&lq->lq_state);
	if ((state & KW_GONE) == 0 && (!now || (state & KW_CLOSED) == 0 ||
	    ((state & KW_ENDING) == 0 &&
	    wqpool_current(NULL) != lq->lq_pool)))
		return false;
	lwq_settle(&kk->__kk_item);
	wqk_printf_tolog("kthread_work %p: its kthread_worker is %s; it is "
	    "not run\n", (void *)kk, (state & KW_GONE) != 0 ? "destroyed" :
	    (state & KW_ENDING) != 0 ? "being destroyed" : "being stopped");
	return true;
}

static inline bool
kw_may_refuse(struct lwq_queue *lq)
{

	return __predict_false(lq == NULL ||
	    atomic_load_relaxed(&lq->lq_state) != 0);
}

__lwq_public void
kthread_init_worker(struct kthread_worker *kw)
{

	/*
	 * Perhaps the memory was never a worker, or was one long ago.  Then
	 * items that look enqueued may be freed.  So only report that there are
	 * items, and forget them.
	 */
	if (atomic_load_relaxed(&kw->__kw_ready) == KW_READY &&
	    kw_queue(kw)->lq_pool == (void *)kw->__kw_pool &&
	    wqpool_left(kw_queue(kw)->lq_pool, kw_run, kw))
		wqk_printf_tolog("kthread_init_worker: worker %p has work "
		    "items queued; they are forgotten\n", (void *)kw);
	kw->__kw_flags = 0;
	kw->task = NULL;
	atomic_store_relaxed(&kw->__kw_ready, KW_NONE);
	kw_start(kw);
}

__lwq_public void
kthread_init_work(struct kthread_work *kk, kthread_work_func_t func)
{

	if (lwq_item_left(&kk->__kk_item) &&
	    ((atomic_load_relaxed(&kk->__kk_item.__i_state) & LWQ_TIMER) !=
	    0 || kw_has(kk->worker, &kk->__kk_item)))
		wqk_panic("kthread_init_work: work item %p is still pending on "
		    "worker %p", (void *)kk, (void *)kk->worker);
	lwq_item_init(&kk->__kk_item, _LWQ_KTHREAD);
	kk->func = func;
	kk->worker = NULL;
}

__lwq_public void
kthread_init_delayed_work(struct kthread_delayed_work *kd,
    kthread_work_func_t func)
{

	kthread_init_work(&kd->work, func);
	kd->__kd_timer.__t_state = LWQ_T_NONE;
}

/*
 * Make the caller's task a worker's task.  Return false if the task must end.
 */
static bool
kw_begin(struct kthread_worker *kw, struct task_struct *t,
    struct kw_thread *kt)
{
	struct __lwq_link **lp;

	mutex_enter(&t->t_lock);
	if (t->t_stop) {
		mutex_exit(&t->t_lock);
		return false;
	}
	t->t_onstop = kw_finish;
	t->t_onstoparg = kt;
	mutex_exit(&t->t_lock);
	/* Release: publish the task to kthread_destroy_worker(). */
	atomic_store_release(&kw->task, t);
	mutex_enter(&kw_lock);
	/*
	 * If the worker is on the list already, it has a thread, and
	 * wqpool_main() panics.
	 */
	if (*(lp = kw_find(kw)) == NULL) {
		kw->__kw_link.__l_next = NULL;
		*lp = &kw->__kw_link;
	}
	mutex_exit(&kw_lock);
	return true;
}

static void
kw_end(struct kthread_worker *kw, struct task_struct *t)
{
	struct __lwq_link **lp;

	mutex_enter(&kw_lock);
	if (*(lp = kw_find(kw)) != NULL)
		*lp = kw->__kw_link.__l_next;
	mutex_exit(&kw_lock);
	/* The next thread runs the items that are enqueued from now on. */
	(void)atomic_fetch_and_seq_cst(&kw_queue(kw)->lq_state,
	    ~(KW_CLOSED | KW_STOPPING));
	atomic_store_relaxed(&kw->task, NULL);
	mutex_enter(&t->t_lock);
	t->t_onstop = NULL;
	mutex_exit(&t->t_lock);
}

__lwq_public int
kthread_worker_fn(void *arg)
{
	struct kw_thread kt;
	struct kthread_worker *kw;
	struct lwq_queue *lq;
	struct task_struct *t;

	kw = arg;
	if ((lq = kw_get(kw)) == NULL)
		wqk_panic("kthread_worker_fn: worker %p is destroyed",
		    (void *)kw);
	if ((t = lwq_current()) == NULL || t->t_func == NULL)
		wqk_panic("kthread_worker_fn: not in a thread of "
		    "kthread_create()");
	kt = (struct kw_thread){ .kt_worker = kw };
	if (kw_begin(kw, t, &kt)) {
		wqpool_main(lq->lq_pool);
		kw_end(kw, t);
	}
	return 0;
}

static struct kthread_worker *
kw_alloc(void)
{
	struct __lwq_link *l;
	size_t align;
	char *p;

	if ((l = lwq_stable_get(&kw_dead)) != NULL)
		return container_of(l, struct kthread_worker, __kw_link);
	align = _Alignof(struct kthread_worker);
	if ((p = kmem_zalloc(sizeof(struct kthread_worker) + align,
	    KM_NOSLEEP)) == NULL)
		return NULL;
	p += align - (uintptr_t)p % align;
	return (struct kthread_worker *)(void *)p;
}

static void
kw_free(struct kthread_worker *kw)
{

	KASSERT(kw->__kw_ready == KW_READY);
	atomic_store_release(&kw->__kw_ready, KW_DEAD);
	lwq_stable_put(&kw_dead, &kw->__kw_link);
}

static struct kthread_worker *
kw_create(int cpu, unsigned int flags, const char *fmt, va_list ap)
{
	struct kthread_worker *kw;
	struct task_struct *t;

	if ((kw = kw_alloc()) == NULL)
		return ERR_PTR(-ENOMEM);
	kthread_init_worker(kw);
	kw->__kw_flags = flags | KW_MADE;
	t = lwq_task_create(kthread_worker_fn, kw, fmt, ap);
	if (IS_ERR(t)) {
		kw_free(kw);
		return ERR_CAST(t);
	}
	if (cpu >= 0)
		lwq_kthread_bind(t, (unsigned int)cpu);
	atomic_store_release(&kw->task, t);
	(void)wake_up_process(t);
	return kw;
}

__lwq_public struct kthread_worker *
lwq_create_worker(unsigned int flags, const char *fmt, ...)
{
	struct kthread_worker *kw;
	va_list ap;

	va_start(ap, fmt);
	kw = kw_create(-1, flags, fmt, ap);
	va_end(ap);
	return kw;
}

__lwq_public struct kthread_worker *
lwq_create_worker_on(int cpu, unsigned int flags, const char *fmt, ...)
{
	struct kthread_worker *kw;
	va_list ap;

	if (cpu < 0 || wqk_cpu_lookup((unsigned int)cpu) == NULL)
		return ERR_PTR(-wqpool_einval("kthread_create_worker_on_cpu",
		    "no such CPU"));
	va_start(ap, fmt);
	kw = kw_create(cpu, flags, fmt, ap);
	va_end(ap);
	return kw;
}

/*
 * Create a worker on a CPU.  The format may use the number of the CPU.
 */
__lwq_public struct kthread_worker *
lwq_create_worker_cpu(int cpu, unsigned int flags, const char *fmt)
{

	return lwq_create_worker_on(cpu, flags, fmt, (unsigned int)cpu);
}

__lwq_public void
kthread_destroy_worker(struct kthread_worker *kw)
{
	struct lwq_queue *lq;
	struct task_struct *t;

	if ((lq = kw_get(kw)) == NULL)
		wqk_panic("kthread_destroy_worker: worker %p is destroyed",
		    (void *)kw);
	if ((t = atomic_load_acquire(&kw->task)) == NULL)
		wqk_panic("kthread_destroy_worker: worker %p has no thread",
		    (void *)kw);
	if ((kw->__kw_flags & KW_MADE) == 0)
		wqk_panic("kthread_destroy_worker: worker %p was not made by "
		    "kthread_create_worker()", (void *)kw);
	if (wqpool_current(NULL) == lq->lq_pool)
		wqk_panic("kthread_destroy_worker: worker %p: called from one "
		    "of its own work items", (void *)kw);
	wqpool_flush(lq->lq_pool);
	/* From here on timers enqueue no items. */
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, KW_ENDING);
	lwq_fire_barrier();
	/* The worker runs the enqueued items before it ends. */
	(void)kthread_stop(t);
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, KW_GONE);
	if (lwq_queue_hasdelays(lq))
		wqk_printf_tolog("kthread_destroy_worker: worker %p: %d "
		    "delayed work items are pending; they are not run\n",
		    (void *)kw, atomic_load_relaxed(&lq->lq_ntimers));
	wqpool_fini(lq->lq_pool);
	kw_free(kw);
}

/*
 * Work items.
 */

/*
 * Enqueue an item that the caller owns, unless the worker refuses it.  This is
 * not inline: see lwq_queue().
 */
static __kern_noinline bool
kw_insert(struct kthread_worker *kw, struct kthread_work *kk)
{
	struct lwq_queue *lq;

	lq = kw_get(kw);
	if (kw_may_refuse(lq) && kw_refused(lq, kk, true))
		return false;
	kk->worker = kw;
	lwq_enqueue(lq, &kk->__kk_item);
	return true;
}

__lwq_public bool
kthread_queue_work(struct kthread_worker *kw, struct kthread_work *kk)
{

	/* Acquire: pairs with the release in kw_start(). */
	if (__predict_false(atomic_load_acquire(&kw->__kw_ready) != KW_READY ||
	    kw_may_refuse(kw_queue(kw))))
		return lwq_claim(&kk->__kk_item) && kw_insert(kw, kk);
	if (!lwq_claim(&kk->__kk_item))
		return false;
	kk->worker = kw;
	lwq_enqueue(kw_queue(kw), &kk->__kk_item);
	return true;
}

static bool
kw_later(struct kthread_worker *kw, struct kthread_delayed_work *kd,
    unsigned long delay)
{
	struct lwq_queue *lq;

	if (delay == 0)
		return kw_insert(kw, &kd->work);
	lq = kw_get(kw);
	if (kw_may_refuse(lq) && kw_refused(lq, &kd->work, false))
		return false;
	kd->work.worker = kw;
	lwq_arm(&kd->work.__kk_item, &kd->__kd_timer, lq, delay);
	return true;
}

__lwq_public bool
kthread_queue_delayed_work(struct kthread_worker *kw,
    struct kthread_delayed_work *kd, unsigned long delay)
{

	return lwq_claim(&kd->work.__kk_item) && kw_later(kw, kd, delay);
}

__lwq_public bool
kthread_mod_delayed_work(struct kthread_worker *kw,
    struct kthread_delayed_work *kd, unsigned long delay)
{
	bool was;

	if (lwq_seize(&kd->work.__kk_item, &was))
		(void)kw_later(kw, kd, delay);
	return was;
}

__lwq_public void
kthread_flush_work(struct kthread_work *kk)
{

	(void)lwq_wait(&kk->__kk_item);
}

__lwq_public void
kthread_flush_worker(struct kthread_worker *kw)
{
	struct lwq_queue *lq;

	if ((lq = kw_get(kw)) == NULL)
		wqk_panic("kthread_flush_worker: worker %p is destroyed",
		    (void *)kw);
	wqpool_flush(lq->lq_pool);
}

__lwq_public bool
kthread_cancel_work_sync(struct kthread_work *kk)
{

	return lwq_cancel_sync(&kk->__kk_item, false);
}

__lwq_public bool
kthread_cancel_delayed_work_sync(struct kthread_delayed_work *kd)
{

	return lwq_cancel_sync(&kd->work.__kk_item, false);
}
