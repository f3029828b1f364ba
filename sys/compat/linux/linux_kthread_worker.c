/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workers of one thread each: a pool that has no threads of its own, and
 * whoever calls kthread_worker_fn() is its thread.
 */

#include <errno.h>
#include <string.h>

#include "linux_task.h"

#define	LWQ_NQUARANTINE	16

/* How often its works may queue each other while it is told to stop. */
#define	KW_NROUNDS	100

/* __kw_flags, beside the caller's: kthread_create_worker() has made it. */
#define	KW_MADE		0x80000000u

/* __kw_ready */
#define	KW_NONE		0
#define	KW_STARTING	1
#define	KW_READY	2
#define	KW_DEAD		3

_Static_assert(sizeof(struct wqpool) <=
    sizeof(((struct kthread_worker *)0)->__kw_pool),
    "struct kthread_worker is too small for its pool");
_Static_assert(sizeof(struct lwq_queue) <=
    sizeof(((struct kthread_worker *)0)->__kw_queue),
    "struct kthread_worker is too small for its queue");

static kmutex_t		kw_lock = KMUTEX_INITIALIZER;

/* Destroyed ones that kthread_create_worker() made, oldest first. (kw_lock) */
static struct kthread_worker *kw_dead;
static struct kthread_worker **kw_deadlast = &kw_dead;
static int		kw_ndead;

/* Those that have a thread. (kw_lock) */
static struct kthread_worker *kw_running;

void
lwq_worker_fork(void)
{

	atomic_store_relaxed(&kw_lock.mtx_owner, (uintptr_t)0);
	kw_dead = NULL;
	kw_deadlast = &kw_dead;
	kw_ndead = 0;
	kw_running = NULL;
}

static inline struct lwq_queue *
kw_queue(struct kthread_worker *kw)
{

	return (struct lwq_queue *)(void *)kw->__kw_queue;
}

/*
 * With kw_lock held: where it is in kw_running, or that list's end.
 */
static struct kthread_worker **
kw_find(const struct kthread_worker *kw)
{
	struct kthread_worker **kwp;

	for (kwp = &kw_running; *kwp != NULL && *kwp != kw;
	    kwp = &(*kwp)->__kw_next)
		continue;
	return kwp;
}

/*
 * Is a work pending on its worker?  That is the client's memory, and may be
 * something else by now, unless a thread is in it.
 */
bool
lwq_worker_has(const struct kthread_worker *kw, struct __lwq_item *it)
{
	struct kthread_worker *found;
	bool pending, running;

	pending = false;
	mutex_enter(&kw_lock);
	if ((found = *kw_find(kw)) != NULL)
		wqpool_busy(kw_queue(found)->lq_pool, lwq_work(it), &pending,
		    &running);
	mutex_exit(&kw_lock);
	return pending;
}

/*
 * In the list of works it tells, while the worker stops, a round from the
 * next.  Whenever a work runs it is there, so that one that queues itself is
 * among those of a round; after a round without works it is gone.  If such a
 * round does not come, for some queue themselves, these are refused in the
 * end.
 */
static __kern_noinline void
kw_put_mark(struct kthread_worker *kw)
{
	struct task_struct *t;

	t = lwq_current();
	if (t->t_marked || t->t_rounds > KW_NROUNDS)
		return;
	t->t_marked = true;
	/* Not the end of a round without works: ours has been run by then. */
	t->t_ndone = UINT64_MAX;
	wqpool_enqueue(kw_queue(kw)->lq_pool,
	    (struct work *)(void *)&kw->__kw_mark);
}

static __kern_noinline void
kw_mark(struct kthread_worker *kw)
{
	struct lwq_queue *lq;
	struct task_struct *t;
	uint64_t ndone;

	lq = kw_queue(kw);
	t = lwq_current();
	(void)wqpool_quiet(lq->lq_pool, &ndone);
	t->t_marked = false;
	/* The mark is one of those that have been run. */
	if (ndone == t->t_ndone + 1) {
		t->t_rounds = 0;
		return;
	}
	if (t->t_rounds++ == KW_NROUNDS) {
		(void)atomic_fetch_or_seq_cst(&lq->lq_state, LWQ_CLOSED);
		return;
	}
	t->t_ndone = ndone;
	t->t_marked = true;
	wqpool_enqueue(lq->lq_pool, (struct work *)(void *)&kw->__kw_mark);
}

/*
 * Once, in another thread, while the worker's is in kthread_worker_fn().
 */
void
lwq_worker_finish(struct kthread_worker *kw)
{
	struct lwq_queue *lq;

	lq = kw_queue(kw);
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, LWQ_STOPPING);
	wqpool_finish(lq->lq_pool);
}

static void
kw_run(struct work *wk, void *arg)
{
	struct kthread_worker *kw;
	struct kthread_work *kk;
	kthread_work_func_t func;

	kw = arg;
	if (__predict_false((void *)wk == &kw->__kw_mark)) {
		kw_mark(kw);
		return;
	}
	kk = (struct kthread_work *)(void *)wk;
	/* That it shall end is known to the pool later than here. */
	if (__predict_false((atomic_load_relaxed(&kw_queue(kw)->lq_state) &
	    LWQ_STOPPING) != 0))
		kw_put_mark(kw);
	/* As in lwq_run(). */
	lwq_settle(&kk->__kk_item);
	func = kk->func;
	if (func == NULL)
		wqk_panic("kthread_worker: work %p has no function",
		    (void *)kk);
	(*func)(kk);
}

/*
 * The first use of a worker that is defined, not initialised: by whatever
 * thread comes first.
 */
static __kern_noinline void
kw_start(struct kthread_worker *kw)
{
	const struct wqpool_attr pa = {
		.pa_name = "kthread_worker", .pa_func = kw_run, .pa_arg = kw,
		.pa_prio = PRI_NONE, .pa_maxthreads = 1,
		.pa_flags = WQPOOL_EXCLUSIVE | WQPOOL_NOSTART | WQPOOL_CALLER
	};
	struct lwq_queue *lq;
	unsigned int n, old;

	old = KW_NONE;
	if (atomic_cas_acquire(&kw->__kw_ready, &old, KW_STARTING)) {
		lq = kw_queue(kw);
		lq->lq_pool = (struct wqpool *)(void *)kw->__kw_pool;
		lq->lq_wq = NULL;
		atomic_store_relaxed(&lq->lq_ntimers, 0);
		atomic_store_relaxed(&lq->lq_state, 0);
		wqpool_init(lq->lq_pool, &pa);
		/* Release: with all of this. */
		atomic_store_release(&kw->__kw_ready, KW_READY);
		return;
	}
	for (n = 0; old == KW_STARTING;) {
		wqk_relax(&n);
		old = atomic_load_acquire(&kw->__kw_ready);
	}
}

/*
 * The worker's queue, or NULL if it is destroyed.
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
 * The owner of a work wants to queue it, or have its timer do so.  NULL is a
 * destroyed worker's queue.
 */
static __kern_noinline bool
kw_refused(struct lwq_queue *lq, struct kthread_work *kk, bool now)
{
	int state;

	state = lq == NULL ? LWQ_GONE : atomic_load_relaxed(&lq->lq_state);
	if ((state & LWQ_GONE) == 0 && (!now || (state & LWQ_CLOSED) == 0 ||
	    ((state & LWQ_ENDING) == 0 &&
	    wqpool_current(NULL) != lq->lq_pool)))
		return false;
	lwq_settle(&kk->__kk_item);
	wqk_printf_tolog("kthread_work %p: its kthread_worker is %s; it is "
	    "not run\n", (void *)kk, (state & LWQ_GONE) != 0 ? "destroyed" :
	    (state & LWQ_ENDING) != 0 ? "being destroyed" : "being stopped");
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
	 * It may be memory that never was a worker, or was one long ago: what
	 * looks queued may be gone, and so is told, but not kept.
	 */
	if (atomic_load_relaxed(&kw->__kw_ready) == KW_READY &&
	    kw_queue(kw)->lq_pool == (void *)kw->__kw_pool &&
	    wqpool_left(kw_queue(kw)->lq_pool, kw_run, kw))
		wqk_printf_tolog("kthread_init_worker: worker %p has works "
		    "queued; they are forgotten\n", (void *)kw);
	kw->__kw_flags = 0;
	kw->task = NULL;
	atomic_store_relaxed(&kw->__kw_ready, KW_NONE);
	kw_start(kw);
}

__lwq_public void
kthread_init_work(struct kthread_work *kk, kthread_work_func_t func)
{

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

__lwq_public int
kthread_worker_fn(void *arg)
{
	struct kthread_worker *kw, **kwp;
	struct lwq_queue *lq;
	struct task_struct *t;
	struct wqpool *p;

	kw = arg;
	if ((lq = kw_get(kw)) == NULL)
		wqk_panic("kthread_worker_fn: worker %p is destroyed",
		    (void *)kw);
	p = lq->lq_pool;
	if ((t = lwq_current()) == NULL)
		wqk_panic("kthread_worker_fn: not in a thread of "
		    "kthread_create()");
	mutex_enter(&t->t_lock);
	if (t->t_stop) {
		mutex_exit(&t->t_lock);
		return 0;
	}
	t->t_worker = kw;
	mutex_exit(&t->t_lock);
	/* Release: with the task; kthread_destroy_worker() reads it. */
	atomic_store_release(&kw->task, t);
	mutex_enter(&kw_lock);
	/* If it is there already it has a thread: see wqpool_main(). */
	if (*(kwp = kw_find(kw)) == NULL) {
		kw->__kw_next = NULL;
		*kwp = kw;
	}
	mutex_exit(&kw_lock);
	wqpool_main(p);
	mutex_enter(&kw_lock);
	if (*(kwp = kw_find(kw)) != NULL)
		*kwp = kw->__kw_next;
	mutex_exit(&kw_lock);
	/* What is queued from now on is the next thread's. */
	(void)atomic_fetch_and_seq_cst(&lq->lq_state,
	    ~(LWQ_CLOSED | LWQ_STOPPING));
	atomic_store_relaxed(&kw->task, NULL);
	mutex_enter(&t->t_lock);
	t->t_worker = NULL;
	mutex_exit(&t->t_lock);
	return 0;
}

static struct kthread_worker *
kw_alloc(void)
{
	struct kthread_worker *kw, **kwp;
	size_t align;
	char *p;
	int n;

	kw = NULL;
	mutex_enter(&kw_lock);
	/* See lwq_get(). */
	kwp = &kw_dead;
	for (n = kw_ndead; n > LWQ_NQUARANTINE; n--) {
		if (atomic_load_acquire(&kw_queue(*kwp)->lq_ntimers) == 0) {
			kw = *kwp;
			*kwp = kw->__kw_next;
			kw_ndead--;
			break;
		}
		kwp = &(*kwp)->__kw_next;
	}
	mutex_exit(&kw_lock);
	if (kw == NULL) {
		align = _Alignof(struct kthread_worker);
		if ((p = kmem_zalloc(sizeof(*kw) + align, KM_NOSLEEP)) == NULL)
			return NULL;
		p += align - (uintptr_t)p % align;
		kw = (struct kthread_worker *)(void *)p;
	}
	return kw;
}

static void
kw_free(struct kthread_worker *kw)
{

	atomic_store_release(&kw->__kw_ready, KW_DEAD);
	mutex_enter(&kw_lock);
	kw->__kw_next = NULL;
	*kw_deadlast = kw;
	kw_deadlast = &kw->__kw_next;
	kw_ndead++;
	mutex_exit(&kw_lock);
}

static struct kthread_worker *
kw_create(int cpu, unsigned int flags, const char *fmt, va_list ap)
{
	struct kthread_worker *kw;
	struct task_struct *t;

	if (cpu >= 0 && wqk_cpu_lookup((unsigned int)cpu) == NULL)
		return ERR_PTR(-EINVAL);
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

	if (cpu < 0)
		return ERR_PTR(-EINVAL);
	va_start(ap, fmt);
	kw = kw_create(cpu, flags, fmt, ap);
	va_end(ap);
	return kw;
}

/*
 * The CPU is there for a format that asks for it.
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
		    "of its own works", (void *)kw);
	wqpool_flush(lq->lq_pool);
	/* What fires from now on is not queued. */
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, LWQ_ENDING);
	lwq_fire_barrier();
	/* It runs what is there before it ends. */
	(void)kthread_stop(t);
	(void)atomic_fetch_or_seq_cst(&lq->lq_state, LWQ_GONE);
	if (atomic_load_acquire(&lq->lq_ntimers) != 0)
		wqk_printf_tolog("kthread_destroy_worker: worker %p: %d "
		    "delayed works are pending; they are not run\n",
		    (void *)kw, atomic_load_relaxed(&lq->lq_ntimers));
	wqpool_fini(lq->lq_pool);
	kw_free(kw);
}

/*
 * Works.
 */

/*
 * The owner queues it at once, if that may be.  Apart from the common case:
 * see lwq_queue().
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

	/* Acquire: as in kw_get(). */
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
	lwq_arm(&kd->work.__kk_item, &kd->__kd_timer, NULL, lq, 0, delay);
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
	struct __lwq_item *it;
	bool was;

	it = &kd->work.__kk_item;
	for (;;) {
		if ((was = lwq_grab(it, true)) || lwq_claim(it))
			break;
		if ((atomic_load_relaxed(&it->__i_state) & LWQ_DISABLEMASK) !=
		    0)
			return false;
	}
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
