/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * xcall(9).  Low priority calls run on a per-CPU workqueue of this file.  High
 * priority calls run in soft interrupts.  If ownership of CPUs is on, the
 * function owns the CPU in both cases, so it runs after all threads that owned
 * that CPU before.
 *
 * Code at a raised level does not always own a CPU.  So a call is made only
 * after xc_quiesce().  That function waits until each thread that is in a
 * section (see section_enter()) has left all sections.
 */

#include <sys/workqueue.h>
#include <sys/xcall.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "subr_cpu.h"
#include "subr_kmem.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_workqueue.h"
#include "subr_xcall.h"

struct xc_call;

/* The low bits of a ticket: 0, or 1 + the level of a high priority call. */
#define	XC_SHIFT	3
#define	XC_LEVEL(t)	((t) & ((1 << XC_SHIFT) - 1))

/* A call on one CPU. */
struct xc_work {
	struct work	 xw_work;	/* low priority */
	struct xc_work	*xw_next;	/* high priority */
	struct xc_call	*xw_call;
	int		 xw_cpu;
};

struct xc_call {
	struct xc_call	*xc_next;	/* (xc_lock) next active call */
	uint64_t	 xc_ticket;
	unsigned	 xc_left;	/* (xc_lock) CPUs not done */
	uintptr_t	 xc_site;	/* caller that made it */
	xcfunc_t	 xc_func;
	void		*xc_arg1;
	void		*xc_arg2;
	struct xc_work	 xc_works[];
};

static struct kspin	xc_lock;
static struct xc_call	*xc_calls;		/* (xc_lock) */
static uint64_t		xc_tickets;		/* (xc_lock) the last one */
static struct {
	struct xc_work	*xs_first;		/* (xc_lock) */
	struct xc_work	**xs_lastp;		/* (xc_lock) */
} xc_soft[SOFTINT_COUNT][CPU_MAX];

#define	XC_TURNS	100			/* before xc_quiesce() sleeps */
#define	XC_LOOK		(1000 * 1000)		/* nanoseconds */

KERN_MUTEX(xc_quietlock);
static struct lwp	*xc_quietlwp;	/* (a) (xc_quietlock) the waiter */
static unsigned		xc_quietleft;	/* (a) threads to wait for */

KERN_MUTEX(xc_startlock);
static struct workqueue	*xc_wq;			/* (a) (xc_startlock) */
static void		*xc_softints[SOFTINT_COUNT]; /* (a) (xc_startlock) */

/*
 * Call the function, and check that it changes no state of its thread.
 */
static void
xc_checked(struct lwp *l, const struct xc_call *call)
{
	struct context cx;
	const void *f;
	int held;

	f = (const void *)(uintptr_t)call->xc_func;
	held = lockdebug_held();
	context_save(l, &cx);
	(*call->xc_func)(call->xc_arg1, call->xc_arg2);
	lockdebug_barrier("xcall", f, held);
	context_check(l, &cx, "xcall (made at %pS): function %pF returned",
	    (const void *)call->xc_site, f);
}

/*
 * Answer the barrier for a thread that is in no section now.  The thread itself
 * calls this, or the thread in xc_quiesce() does.  The caller that clears
 * LWP_XCBARRIER subtracts the thread from xc_quietleft.
 */
void
xc_barrier_answer(struct lwp *l)
{
	struct lwp *waiter;

	/* Acquire: this thread observes the store to xc_quietlwp. */
	if ((atomic_fetch_and_seq_cst(&l->l_ipending, ~LWP_XCBARRIER) &
	    LWP_XCBARRIER) == 0)
		return;
	/*
	 * Load xc_quietlwp before the answer.  After the last answer the next
	 * waiter can begin, and it overwrites xc_quietlwp.
	 */
	waiter = atomic_load_relaxed(&xc_quietlwp);
	/* Release: publish what the section did. */
	if (atomic_fetch_add_acq_rel(&xc_quietleft, -1u) == 1)
		lwp_unpark(waiter);
}

static bool
xc_quiet_ask(struct lwp *l, void *arg)
{

	if (l == arg || !lwp_insection(l))
		return false;
	(void)atomic_fetch_add_relaxed(&xc_quietleft, 1u);
	/* Release: publish xc_quietlwp and xc_quietleft. */
	(void)atomic_fetch_or_seq_cst(&l->l_ipending, LWP_XCBARRIER);
	return false;
}

static bool
xc_quiet_look(struct lwp *l, void *arg)
{

	(void)arg;
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_XCBARRIER) != 0 &&
	    !lwp_insection(l))
		xc_barrier_answer(l);
	return false;
}

static void
xc_fence(void)
{

	if (KERN_BUG(XCALL))
		return;
	if (host_asymfence)
		host_fence_heavy();
	else
		membar_sync();
}

/*
 * Wait until all sections that other threads have begun are over.  Mark the
 * threads that are in a section; they answer in splx() or a similar function.
 */
void
xc_quiesce(void)
{
	struct oncpu_asleep oa;
	struct lwp *l;
	unsigned turns;
	int biglocks;

	l = curlwp_get();
	/*
	 * This sleeps, so give up the kernel lock and the CPU: other threads
	 * may wait for them.
	 */
	biglocks = 0;
	if (l->l_blcnt != 0)
		wqk_kernel_unlock(0, &biglocks);
	oncpu_sleep(l, &oa);
	mutex_enter(&xc_quietlock);
	atomic_store_relaxed(&xc_quietlwp, l);
	atomic_store_relaxed(&xc_quietleft, 0u);
	/*
	 * A section that begins after this fence sees the caller's changes.
	 * This thread sees all sections that began before the fence.
	 */
	xc_fence();
	(void)lwp_find(xc_quiet_ask, l);
	/* Acquire, here and below: observe what the sections did. */
	if (atomic_load_acquire(&xc_quietleft) != 0) {
		/*
		 * A section that ends after this fence finds the mark.  This
		 * thread sees the end of all sections that ended before the
		 * fence.
		 */
		xc_fence();
		(void)lwp_find(xc_quiet_look, NULL);
	}
	for (turns = 0; atomic_load_acquire(&xc_quietleft) != 0;) {
		if (turns < XC_TURNS) {
			host_relax(&turns);
			continue;
		}
		/* Without the heavy fence, splx() may miss the mark. */
		(void)lwp_timedpark(l, host_asymfence ? HOST_FOREVER :
		    host_monotime() + XC_LOOK);
		if (!host_asymfence)
			(void)lwp_find(xc_quiet_look, NULL);
	}
	mutex_exit(&xc_quietlock);
	oncpu_wake(l, &oa);
	if (biglocks != 0)
		wqk_kernel_lock(biglocks);
}

static void
xc_run(struct xc_work *xw)
{
	struct xc_call **cp, *call;
	struct lwp *l;
	bool own;

	call = xw->xw_call;
	l = curlwp_get();
	own = oncpu_used();
	if (own) {
		oncpu_enter(l);
		KASSERT(l->l_oncpu == &oncpu_cpus[xw->xw_cpu]);
	}
	if (KERN_CHECKING())
		xc_checked(l, call);
	else
		(*call->xc_func)(call->xc_arg1, call->xc_arg2);
	if (own)
		oncpu_exit(l);

	kspin_enter(&xc_lock);
	if (--call->xc_left != 0) {
		kspin_exit(&xc_lock);
		return;
	}
	for (cp = &xc_calls; *cp != call; cp = &(*cp)->xc_next)
		continue;
	*cp = call->xc_next;
	kspin_exit(&xc_lock);
	sleepq_wakeall(&xc_calls, SLEEPQ_XCALL);
	host_free(call);
}

static void
xc_worker(struct work *wk, void *arg)
{

	(void)arg;
	xc_run((struct xc_work *)(void *)wk);
}

static void
xc_softint(void *arg)
{
	struct xc_work *xw;
	int cpu, level;

	level = (int)(intptr_t)arg;
	cpu = (int)curcpu()->ci_index;
	for (;;) {
		kspin_enter(&xc_lock);
		xw = xc_soft[level][cpu].xs_first;
		if (xw != NULL && (xc_soft[level][cpu].xs_first =
		    xw->xw_next) == NULL)
			xc_soft[level][cpu].xs_lastp = NULL;
		kspin_exit(&xc_lock);
		if (xw == NULL)
			return;
		xc_run(xw);
	}
}

/*
 * Return the workqueue of the low priority calls.  The first call creates it.
 */
static struct workqueue *
xc_queue(const char *func)
{
	struct kmem_wait kw = { 0, 0 };
	struct workqueue *wq;

	/* Acquire: pairs with the release below. */
	if ((wq = atomic_load_acquire(&xc_wq)) != NULL)
		return wq;
	mutex_enter(&xc_startlock);
	if ((wq = xc_wq) == NULL) {
		while (workqueue_create_shared(&wq, "xcall", xc_worker, NULL,
		    PRI_XCALL, IPL_HIGH, WQ_MPSAFE | WQ_PERCPU) != 0)
			kmem_backoff(&kw, func, sizeof(*wq));
		KERN_CHECK(lockdebug_keep(wq));
		/* Release: other threads see a complete workqueue. */
		atomic_store_release(&xc_wq, wq);
	}
	mutex_exit(&xc_startlock);
	return wq;
}

static void *
xc_handle(const char *func, int level)
{
	struct kmem_wait kw = { 0, 0 };
	void *sih;

	/* Acquire: pairs with the release below. */
	if ((sih = atomic_load_acquire(&xc_softints[level])) != NULL)
		return sih;
	mutex_enter(&xc_startlock);
	if ((sih = xc_softints[level]) == NULL) {
		while ((sih = softint_establish((unsigned int)level |
		    SOFTINT_MPSAFE, xc_softint, (void *)(intptr_t)level)) ==
		    NULL)
			kmem_backoff(&kw, func, 1);
		KERN_CHECK(lockdebug_keep(sih));
		/* Release: other threads see a complete soft interrupt. */
		atomic_store_release(&xc_softints[level], sih);
	}
	mutex_exit(&xc_startlock);
	return sih;
}

/*
 * Return the softint level of a high priority call, or -1 for a low priority
 * call.
 */
static int
xc_level(const char *func, unsigned int flags)
{
	int ipl;

	if ((flags & XC_HIGHPRI) == 0)
		return -1;
	ipl = (int)(flags >> 8);
	if (ipl == IPL_NONE)
		ipl = IPL_SOFTSERIAL;
	KASSERTMSG(ipl >= IPL_SOFTCLOCK && ipl <= IPL_SOFTSERIAL,
	    "%s: IPL %d", func, ipl);
	return ipl - IPL_SOFTCLOCK + SOFTINT_CLOCK;
}

static void
xc_check_context(const char *func)
{
	const struct lwp *l;

	l = curlwp_get();
	if (l->l_intrdepth != 0 || l->l_softintr != 0)
		panic("%s: called in %s context", func,
		    l->l_intrdepth != 0 ? "interrupt" : "softint");
}

/*
 * Allocate a call for one CPU, or for all CPUs if target is NULL.
 */
static struct xc_call *
xc_alloc(const char *name, xcfunc_t func, void *arg1, void *arg2,
    struct cpu_info *target, uintptr_t site)
{
	struct kmem_wait kw = { 0, 0 };
	struct xc_call *call;
	struct xc_work *xw;
	size_t size;
	int i, n;

	n = target != NULL ? 1 : ncpu;
	size = sizeof(*call) + (size_t)n * sizeof(call->xc_works[0]);
	while ((call = host_alloc(size)) == NULL)
		kmem_backoff(&kw, name, size);
	call->xc_left = (unsigned)n;
	call->xc_func = func;
	call->xc_site = site;
	call->xc_arg1 = arg1;
	call->xc_arg2 = arg2;
	for (i = 0; i < n; i++) {
		xw = &call->xc_works[i];
		xw->xw_call = call;
		xw->xw_cpu = target != NULL ? (int)target->ci_index : i;
	}
	return call;
}

/*
 * Append a call to the list of each of its CPUs.  A soft interrupt of the level
 * runs these lists.
 */
static void
xc_append(struct xc_call *call, int level, int n)
{
	struct xc_work *xw;
	int i;

	KSPIN_ASSERT(&xc_lock);
	for (i = 0; i < n; i++) {
		xw = &call->xc_works[i];
		if (xc_soft[level][xw->xw_cpu].xs_lastp == NULL)
			xc_soft[level][xw->xw_cpu].xs_lastp =
			    &xc_soft[level][xw->xw_cpu].xs_first;
		*xc_soft[level][xw->xw_cpu].xs_lastp = xw;
		xc_soft[level][xw->xw_cpu].xs_lastp = &xw->xw_next;
	}
}

/*
 * Start a call on one CPU, or on all CPUs if target is NULL.
 */
static uint64_t
xc_start(const char *name, unsigned int flags, xcfunc_t func, void *arg1,
    void *arg2, struct cpu_info *target, uintptr_t site)
{
	struct workqueue *wq;
	struct xc_call *call;
	struct cpu_info *ci;
	uint64_t ticket;
	void *sih;
	int i, level, n;

	xc_check_context(name);
	wq = NULL;
	sih = NULL;
	level = xc_level(name, flags);
	if (level < 0)
		wq = xc_queue(name);
	else
		sih = xc_handle(name, level);
	xc_quiesce();

	n = target != NULL ? 1 : ncpu;
	call = xc_alloc(name, func, arg1, arg2, target, site);
	kspin_enter(&xc_lock);
	/* A waiter must see all calls with earlier tickets. */
	call->xc_ticket = ticket = ++xc_tickets << XC_SHIFT |
	    (unsigned)(level + 1);
	call->xc_next = xc_calls;
	xc_calls = call;
	if (sih != NULL)
		xc_append(call, level, n);
	kspin_exit(&xc_lock);

	/* Once the last of these is handed over, the call may be gone. */
	for (i = 0; i < n; i++) {
		ci = target != NULL ? target : cpu_lookup((unsigned)i);
		if (sih != NULL)
			softint_schedule_cpu(sih, ci);
		else
			workqueue_enqueue(wq, &call->xc_works[i].xw_work, ci);
	}
	return ticket;
}

__kern_public uint64_t
xc_broadcast(unsigned int flags, xcfunc_t func, void *arg1, void *arg2)
{

	return xc_start("xc_broadcast", flags, func, arg1, arg2, NULL,
	    LOCKDEBUG_SITE());
}

__kern_public uint64_t
xc_unicast(unsigned int flags, xcfunc_t func, void *arg1, void *arg2,
    struct cpu_info *ci)
{

	KASSERTMSG(ci != NULL && cpu_among(ci, ncpu),
	    "xc_unicast: no such CPU");
	return xc_start("xc_unicast", flags, func, arg1, arg2, ci,
	    LOCKDEBUG_SITE());
}

/*
 * Record for checking mode that calls of one priority wait for each other.  If
 * a thread holds a lock and waits for one call, treat the thread as waiting for
 * every call of that priority.  So checking mode reports a call that takes the
 * lock.
 */
static void
xc_check_wait(uint64_t ticket, const char *func, uintptr_t site)
{
	const void *runner;
	unsigned level;

	context_check_sleep(func);
	level = (unsigned)XC_LEVEL(ticket);
	if (level > SOFTINT_COUNT)
		return;
	runner = level == 0 ? (const void *)atomic_load_relaxed(&xc_wq) :
	    atomic_load_relaxed(&xc_softints[level - 1]);
	if (runner != NULL)
		lockdebug_maywait(func, runner, site);
}

/*
 * Wait for a call, and for all calls of its priority that were made before.
 */
static void
xc_await(uint64_t ticket, const char *func, uintptr_t site)
{
	const struct xc_call *call;
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	KERN_CHECK(xc_check_wait(ticket, func, site));
	/* A cross-call would wait for itself. */
	if (l->l_wqq != NULL && l->l_wqq->q_wq == atomic_load_relaxed(&xc_wq))
		panic("%s: called by a cross-call", func);
	for (;;) {
		kspin_enter(&xc_lock);
		for (call = xc_calls; call != NULL; call = call->xc_next)
			if (call->xc_ticket <= ticket &&
			    XC_LEVEL(call->xc_ticket) == XC_LEVEL(ticket))
				break;
		if (call == NULL)
			break;
		sq = sleepq_enter(&xc_calls);
		sleepq_enqueue(sq, l, &xc_calls, SLEEPQ_XCALL, false);
		sleepq_exit(sq);
		kspin_exit(&xc_lock);
		(void)sleepq_block(l, HOST_FOREVER);
	}
	kspin_exit(&xc_lock);
}

__kern_public void
xc_wait(uint64_t ticket)
{

	xc_await(ticket, "xc_wait", LOCKDEBUG_SITE());
}

/*
 * Wait as for a broadcast of an empty function, but make no calls.
 */
__kern_public void
xc_barrier(unsigned int flags)
{
	uint64_t ticket;
	int level;

	xc_check_context("xc_barrier");
	level = xc_level("xc_barrier", flags);
	/*
	 * Checking mode records the order of locks relative to the queue or
	 * soft interrupt that would run the calls.  So create the queue or the
	 * soft interrupt.
	 */
	if (KERN_CHECKING())
		(void)(level < 0 ? (void *)xc_queue("xc_barrier") :
		    xc_handle("xc_barrier", level));
	kspin_enter(&xc_lock);
	ticket = xc_tickets << XC_SHIFT | (unsigned)(level + 1);
	kspin_exit(&xc_lock);
	xc_await(ticket, "xc_barrier", LOCKDEBUG_SITE());
	xc_quiesce();
}

/*
 * In a forked child, take another thread of the parent out of its sections, so
 * that no barrier waits for it.
 */
static bool
xc_fork_forget(struct lwp *l, void *arg)
{

	if (l != arg) {
		atomic_store_relaxed(&l->l_ipl, IPL_NONE);
		atomic_store_relaxed(&l->l_mtxcount, 0);
		atomic_store_relaxed(&l->l_stray, 0);
		atomic_store_relaxed(&l->l_nopreempt, 0);
		/*
		 * Clear the bits of the barrier and of the CPU.  The bits of
		 * interrupts stay, but no thread of the child runs these
		 * interrupts.
		 */
		(void)atomic_fetch_and_seq_cst(&l->l_ipending, LWP_ISOURCES);
	}
	return false;
}

/*
 * Forget the calls in a forked child.  The threads that run them, and the other
 * threads that made calls or are in a section, do not exist there.
 */
void
xcall_fork(struct lwp *l)
{
	int i, j;

	(void)lwp_find(xc_fork_forget, l);
	atomic_store_relaxed(&xc_wq, NULL);
	xc_calls = NULL;
	for (i = 0; i < SOFTINT_COUNT; i++) {
		atomic_store_relaxed(&xc_softints[i], NULL);
		for (j = 0; j < ncpu; j++) {
			xc_soft[i][j].xs_first = NULL;
			xc_soft[i][j].xs_lastp = NULL;
		}
	}
}
