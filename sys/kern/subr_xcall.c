/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * xcall(9): low priority calls run on a per-CPU workqueue of our own, high
 * priority ones in soft interrupts.  Either way a call passes first through
 * the CPU slots, so that it comes after everything that had preemption
 * disabled when it was made.
 */

#include <sys/workqueue.h>
#include <sys/xcall.h>

#include "kern.h"
#include "subr_workqueue.h"

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
	struct xc_call	*xc_next;	/* (xc_lock) those under way */
	uint64_t	 xc_ticket;
	unsigned	 xc_left;	/* (xc_lock) CPUs */
	bool		 xc_unicast;
	uintptr_t	 xc_site;	/* who made it */
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

static kmutex_t		xc_startlock = KMUTEX_INITIALIZER;
static struct workqueue	*xc_wq;			/* (a) (xc_startlock) */
static void		*xc_softints[SOFTINT_COUNT]; /* (a) (xc_startlock) */

/*
 * Call the function, and look at what it leaves behind.
 */
static void
xc_checked(struct lwp *l, const struct xc_call *call)
{
	const void *f, *made;
	int blcnt, held, ipl, nopreempt;

	f = (const void *)(uintptr_t)call->xc_func;
	made = (const void *)call->xc_site;
	held = lockdebug_held();
	ipl = l->l_ipl;
	blcnt = l->l_blcnt;
	nopreempt = l->l_nopreempt;
	(*call->xc_func)(call->xc_arg1, call->xc_arg2);
	lockdebug_barrier("xcall", f, held);
	if (l->l_mtxcount != 0)
		panic("xcall (made at %p): function %p returned holding a "
		    "spin mutex", made, f);
	if (l->l_ipl != ipl)
		panic("xcall (made at %p): function %p returned at IPL %d",
		    made, f, l->l_ipl);
	if (l->l_blcnt != blcnt)
		panic("xcall (made at %p): function %p returned holding %d "
		    "kernel locks", made, f, l->l_blcnt);
	if (l->l_nopreempt != nopreempt)
		panic("xcall (made at %p): function %p returned with "
		    "preemption off", made, f);
}

static void
xc_run(struct xc_work *xw)
{
	struct xc_call **cp, *call;
	struct lwp *l;
	int i;

	call = xw->xw_call;
	l = curlwp_get();
	/* Our CPU's slot and the spare ones; all that run share these. */
	cpuslot_enter(l, xw->xw_cpu);
	kpreempt_enable();
	for (i = ncpu + (call->xc_unicast ? 0 : xw->xw_cpu);
	    i < cpu_nslots(); i += call->xc_unicast ? 1 : ncpu) {
		cpuslot_enter(l, i);
		kpreempt_enable();
	}
	if (KERN_CHECKING())
		xc_checked(l, call);
	else
		(*call->xc_func)(call->xc_arg1, call->xc_arg2);

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
 * What runs the calls is made when it is needed first.
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
		while (workqueue_create(&wq, "xcall", xc_worker, NULL,
		    PRI_XCALL, IPL_HIGH, WQ_MPSAFE | WQ_PERCPU) != 0)
			kmem_backoff(&kw, func, sizeof(*wq));
		if (KERN_CHECKING())
			lockdebug_keep(wq);
		/* Release: it is complete before it is seen. */
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
		if (KERN_CHECKING())
			lockdebug_keep(sih);
		/* Release: it is complete before it is seen. */
		atomic_store_release(&xc_softints[level], sih);
	}
	mutex_exit(&xc_startlock);
	return sih;
}

/*
 * On one CPU, or with NULL on all.
 */
static uint64_t
xc_start(const char *name, unsigned int flags, xcfunc_t func, void *arg1,
    void *arg2, struct cpu_info *target, uintptr_t site)
{
	struct kmem_wait kw = { 0, 0 };
	struct workqueue *wq;
	struct xc_call *call;
	struct cpu_info *ci;
	struct xc_work *xw;
	struct lwp *l;
	uint64_t ticket;
	size_t size;
	void *sih;
	int i, ipl, level, n;

	l = curlwp_get();
	if (l->l_intrdepth != 0 || l->l_softintr != 0)
		panic("%s: called in %s context", name,
		    l->l_intrdepth != 0 ? "interrupt" : "softint");
	wq = NULL;
	sih = NULL;
	level = 0;
	if ((flags & XC_HIGHPRI) == 0)
		wq = xc_queue(name);
	else {
		ipl = (int)(flags >> 8);
		if (ipl == IPL_NONE)
			ipl = IPL_SOFTSERIAL;
		KASSERTMSG(ipl >= IPL_SOFTCLOCK && ipl <= IPL_SOFTSERIAL,
		    "%s: IPL %d", name, ipl);
		level = ipl - IPL_SOFTCLOCK + SOFTINT_CLOCK;
		sih = xc_handle(name, level);
	}

	n = target != NULL ? 1 : ncpu;
	size = sizeof(*call) + (size_t)n * sizeof(call->xc_works[0]);
	while ((call = host_alloc(size)) == NULL)
		kmem_backoff(&kw, name, size);
	call->xc_left = (unsigned)n;
	call->xc_unicast = target != NULL;
	call->xc_func = func;
	call->xc_site = site;
	call->xc_arg1 = arg1;
	call->xc_arg2 = arg2;
	for (i = 0; i < n; i++) {
		xw = &call->xc_works[i];
		xw->xw_call = call;
		xw->xw_cpu = target != NULL ? (int)target->ci_index : i;
	}
	kspin_enter(&xc_lock);
	/* Who waits must see what it waits behind. */
	call->xc_ticket = ticket = ++xc_tickets << XC_SHIFT |
	    (sih != NULL ? (unsigned)level + 1 : 0);
	call->xc_next = xc_calls;
	xc_calls = call;
	if (sih != NULL) {
		for (i = 0; i < n; i++) {
			xw = &call->xc_works[i];
			if (xc_soft[level][xw->xw_cpu].xs_lastp == NULL)
				xc_soft[level][xw->xw_cpu].xs_lastp =
				    &xc_soft[level][xw->xw_cpu].xs_first;
			*xc_soft[level][xw->xw_cpu].xs_lastp = xw;
			xc_soft[level][xw->xw_cpu].xs_lastp = &xw->xw_next;
		}
	}
	kspin_exit(&xc_lock);

	/* With the last of these the call may be gone. */
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
 * The calls of a priority wait for each other, so who waits for one holding a
 * lock waits for whatever takes it there.
 */
static void
xc_check_wait(uint64_t ticket, const char *func, uintptr_t site)
{
	unsigned level;

	wqcheck_sleepable(func);
	level = (unsigned)XC_LEVEL(ticket);
	if (level <= SOFTINT_COUNT)
		lockdebug_wantwork(func, level == 0 ?
		    (const void *)atomic_load_relaxed(&xc_wq) :
		    atomic_load_relaxed(&xc_softints[level - 1]), site);
}

static void
xc_await(uint64_t ticket, const char *func, uintptr_t site)
{
	const struct xc_call *call;
	struct sleepq *sq;
	struct lwp *l;

	l = curlwp_get();
	if (KERN_CHECKING())
		xc_check_wait(ticket, func, site);
	/* Neither could ever end. */
	if (l->l_nopreempt != 0)
		panic("%s: preemption is disabled", func);
	if (l->l_wqq != NULL && l->l_wqq->q_wq == atomic_load_relaxed(&xc_wq))
		panic("%s: called by a cross-call", func);
	for (;;) {
		kspin_enter(&xc_lock);
		for (call = xc_calls; call != NULL; call = call->xc_next)
			if (call->xc_ticket == ticket)
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

static void
xc_nothing(void *arg1, void *arg2)
{

	(void)arg1;
	(void)arg2;
}

__kern_public void
xc_barrier(unsigned int flags)
{

	xc_await(xc_broadcast(flags, xc_nothing, NULL, NULL), "xc_barrier",
	    LOCKDEBUG_SITE());
}

/*
 * In a forked child: who runs calls is not here, nor is who made them.
 */
void
xcall_fork(void)
{
	int i, j;

	atomic_store_relaxed(&xc_lock.ks_locked, 0u);
	atomic_store_relaxed(&xc_startlock.mtx_owner, (uintptr_t)0);
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
