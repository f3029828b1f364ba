/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads: those the library makes, and those it adopts the first time they
 * call something that may sleep.
 */

#include <errno.h>
#include <limits.h>

#include "kern.h"

#include <sys/proc.h>

/*
 * The pool.  The first few are there from the start, so that a thread is
 * known without an allocation; slabs are added and never given back.
 */
#define	LWP_SLAB	16

static struct lwp	lwp_slab0[LWP_SLAB];
static struct lwp	*lwp_freelist;		/* (lwp_lock) */
static struct kspin	lwp_lock;
static int		lwp_lastlid;		/* (lwp_lock) */

/*
 * The thread that the library started in, once that is known; see lwp_adopt().
 * It is in no pool, and when it ends nobody else is it.  lwp_zerokey is 0 from
 * then on; only a thread of that key changes it.
 */
static struct lwp	lwp_zero;
static uintptr_t	lwp_zerokey;

static __kern_hot void
lwp_wakeup(struct runner *r, struct workqueue_queue *q)
{
	struct lwp *l;

	(void)q;
	l = (struct lwp *)(void *)((char *)r - offsetof(struct lwp, l_runner));
	/* A hint, read when the thread is awake: relaxed. */
	if (atomic_load_relaxed(&l->l_wakercpu) != LWP_NOWAKER)
		atomic_store_relaxed(&l->l_wakercpu, host_curcpu());
	lwp_unpark(l);
}

/*
 * What stays when it is used again: somebody may be late with the token.
 */
static void
lwp_initonce(struct lwp *l)
{

	host_park_init(&l->l_park);
	l->l_runner.r_wakeup = lwp_wakeup;
}

static void
lwp_addslab(struct lwp *slab)
{
	struct lwp *l;

	for (l = slab; l < slab + LWP_SLAB; l++) {
		lwp_initonce(l);
		l->l_free = lwp_freelist;
		lwp_freelist = l;
	}
}

static void
lwp_reset(struct lwp *l, int lid)
{

	l->l_ipl = IPL_NONE;
	l->l_blcnt = 0;
	l->l_kspin = 0;
	atomic_store_relaxed(&l->l_mtxcount, 0);
	l->l_mtxoldspl = IPL_NONE;
	l->l_intrdepth = 0;
	l->l_softintr = 0;
	l->l_softcpu = NULL;
	l->l_softpend = NULL;
	atomic_store_relaxed(&l->l_ipending, (uint64_t)0);
	/* l_iheld is 0, and l_iwatched the watcher's: see kern_intr.c. */
	l->l_nopreempt = 0;
	l->l_slot = -1;
	l->l_proc = wqk_proc0();
	l->l_name = l->l_proc->p_comm;
	l->l_wmesg = NULL;
	l->l_lid = lid;
	l->l_flag = 0;
	l->l_curwork = NULL;
	atomic_store_relaxed(&l->l_specific, NULL);
	l->l_psrefs = NULL;
	l->l_psread[0] = l->l_psread[1] = 0;
	l->l_detached = false;
	atomic_store_relaxed(&l->l_kthread, 0);
	l->l_cpu = NULL;
	l->l_wqq = NULL;
	l->l_wqouter = NULL;
	l->l_wqpool = NULL;
	atomic_store_relaxed(&l->l_wakercpu, LWP_NOWAKER);
	atomic_store_relaxed(&l->l_wchan, NULL);
	l->l_wcount = NULL;
	l->l_priority = PRI_NONE;
	atomic_store_relaxed(&l->l_pri_inforce, LWP_PRI_UNKNOWN);
	l->l_adopted = false;
}

static struct lwp *
lwp_alloc(void)
{
	static bool slab0used;			/* (lwp_lock) */
	struct lwp *l, *slab;
	int lid;

	slab = NULL;
	for (;;) {
		kspin_enter(&lwp_lock);
		if (!slab0used) {
			slab0used = true;
			lwp_addslab(lwp_slab0);
		}
		if (slab != NULL)
			lwp_addslab(slab);
		lid = 0;
		if ((l = lwp_freelist) != NULL) {
			lwp_freelist = l->l_free;
			if (lwp_lastlid == INT_MAX)
				lwp_lastlid = 1;
			lid = ++lwp_lastlid;
		}
		kspin_exit(&lwp_lock);
		if (l != NULL)
			break;
		/* Several threads may add one each: no harm. */
		slab = host_alloc(LWP_SLAB * sizeof(*slab));
		if (slab == NULL)
			return NULL;
	}

	lwp_reset(l, lid);
	if (KERN_CHECKING())
		lockdebug_lwpinit(l);
	return l;
}

static void
lwp_free(struct lwp *l)
{

	if (l == &lwp_zero)
		return;
	if (KERN_CHECKING())
		lockdebug_end(l);
	kspin_enter(&lwp_lock);
	/* Nobody may join it once more; who does so is not in order. */
	atomic_store_relaxed(&l->l_kthread, 0);
	l->l_free = lwp_freelist;
	lwp_freelist = l;
	kspin_exit(&lwp_lock);
}

/*
 * Called once, by the thread that the library starts in.
 */
void
lwp_init(void)
{

	lwp_initonce(&lwp_zero);
	lwp_reset(&lwp_zero, 1);
	lwp_lastlid = 1;
	lwp_zerokey = host_selfkey();
}

__kern_public struct lwp *
wqk_lwp0(void)
{

	return &lwp_zero;
}

__kern_public struct lwp *
wqk_curlwp(void)
{

	return curlwp_get();
}

/*
 * Make the calling thread known.  It is forgotten when it ends.
 */
__kern_noinline struct lwp *
lwp_adopt(void)
{
	struct lwp *l;

	kern_init();
	if (atomic_load_relaxed(&lwp_zerokey) == host_selfkey()) {
		atomic_store_relaxed(&lwp_zerokey, (uintptr_t)0);
		l = &lwp_zero;
	} else if ((l = lwp_alloc()) == NULL)
		panic("curlwp: no memory for a thread");
	l->l_adopted = true;
	atomic_store_relaxed(&l->l_hosttid, host_tid());
	atomic_store_relaxed(&l->l_pri_inforce, MAXPRI_USER);
	host_setself(l);
	if (host_attach(l) != 0)
		panic("curlwp: the host cannot watch this thread's end");
	return l;
}

static void
lwp_check_end(const struct lwp *l)
{

	lockdebug_barrier("thread ends", NULL, 0);
	if (l->l_ipl != IPL_NONE)
		panic("thread \"%s\" (%d) ends at IPL %d", l->l_name,
		    l->l_lid, l->l_ipl);
	if (l->l_nopreempt != 0)
		panic("thread \"%s\" (%d) ends with preemption off",
		    l->l_name, l->l_lid);
	if (l->l_psrefs != NULL)
		panic("thread \"%s\" (%d) ends with a psref held", l->l_name,
		    l->l_lid);
}

/*
 * The end of a thread that was adopted: called by the host, in that thread.
 */
void
lwp_exit(void *self)
{
	struct lwp *l;

	l = self;
	if (!l->l_adopted)
		return;
	specific_exit(l);
	if (l->l_blcnt != 0)
		panic("thread ends holding the kernel lock");
	if (KERN_CHECKING())
		lwp_check_end(l);
	intr_lwpexit(l);
	host_setself(NULL);
	lwp_free(l);
}

/*
 * How pri_t maps to the host: up to MAXPRI_USER and PRI_NONE run at nice 0,
 * kernel priorities at -1 to -20, real-time ones at -20 or, on request, in
 * the round-robin class.  Nice 0 stands for what the creator has; what makes a
 * thread for others in passing, at a kernel priority, passes on what its own
 * creator had.
 */
static void
lwp_setpri(struct lwp *l)
{
	bool rt;
	int level;
	pri_t pri;

	pri = l->l_priority;
	host_getsched(&rt, &level);
	if (!l->l_raised)
		l->l_nice = level;
	if (pri >= PRI_KERNEL) {
		if (pri >= PRI_USER_RT && kern_realtime && host_setsched(true,
		    1 + (pri - PRI_USER_RT) * 98 / (PRI_COUNT - 1 -
		    PRI_USER_RT)) == 0) {
			atomic_store_relaxed(&l->l_pri_inforce, pri);
			return;
		}
		level = pri >= PRI_USER_RT ? -20 :
		    -1 - (pri - PRI_KERNEL) * 19 / (MAXPRI_KTHREAD -
		    PRI_KERNEL);
		if (host_setsched(false, level) == 0) {
			atomic_store_relaxed(&l->l_pri_inforce,
			    pri >= PRI_USER_RT ? MAXPRI_KTHREAD : pri);
			return;
		}
		/* Refused.  The creator may have been above nice 0. */
		host_getsched(&rt, &level);
		atomic_store_relaxed(&l->l_pri_inforce, rt ? PRI_USER_RT :
		    level >= 0 ? MAXPRI_USER :
		    PRI_KERNEL + (-level - 1) * (MAXPRI_KTHREAD -
		    PRI_KERNEL) / 19);
		return;
	}
	/* Real time only on request, whatever the creator is. */
	if (l->l_raised)
		(void)host_setsched(false, l->l_nice);
	else if (rt)
		(void)host_setsched(false, 0);
	atomic_store_relaxed(&l->l_pri_inforce,
	    pri == PRI_NONE ? MAXPRI_USER : pri);
}

/*
 * The end of a thread that was made: the last that is done in it.
 */
static void
lwp_end(struct lwp *l)
{

	specific_exit(l);
	KASSERTMSG(l->l_blcnt == 0, "thread ends holding the kernel lock");
	if (KERN_CHECKING())
		lwp_check_end(l);
	intr_lwpexit(l);
	host_setself(NULL);
	/* Or it is the joiner's from the moment the host says it has ended. */
	if (l->l_detached) {
		host_thread_detach(&l->l_thread);
		lwp_free(l);
	}
}

/*
 * End the calling thread, which lwp_create() made, here and now.
 */
void
lwp_leave(void)
{

	lwp_end(host_self());
	host_thread_exit();
}

static void
lwp_start(void *arg)
{
	struct lwp *l;

	l = arg;
	atomic_store_relaxed(&l->l_hosttid, host_tid());
	host_setself(l);
	lwp_setpri(l);
	/* Somebody may be waiting in lwp_inforce(). */
	sleepq_wakeall(&l->l_pri_inforce, SLEEPQ_LWP);
	(*l->l_func)(l->l_arg);
	lwp_end(l);
}

/*
 * Start a thread.  0 or an errno value; nothing is left of a failed one.
 */
int
lwp_create(struct lwp **lp, const char *name, pri_t pri, struct cpu_info *ci,
    void (*func)(void *), void *arg)
{

	return lwp_create_kthread(lp, name, pri, ci, func, arg, 0, false, 0);
}

/*
 * The same with l_kthread and l_detached, which are set before it is known,
 * and from where it was asked for.
 */
int
lwp_create_kthread(struct lwp **lp, const char *name, pri_t pri,
    struct cpu_info *ci, void (*func)(void *), void *arg, int kthread,
    bool detached, uintptr_t site)
{
	struct lwp *l, *self;
	int error;

	l = lwp_alloc();
	if (l == NULL)
		return ENOMEM;
	l->l_priority = pri;
	self = host_self();
	l->l_raised = self != NULL && !self->l_adopted &&
	    self->l_priority >= PRI_KERNEL;
	if (l->l_raised)
		l->l_nice = self->l_nice;
	l->l_cpu = ci;
	l->l_flag = LW_SYSTEM | (ci != NULL ? LW_BOUND : 0);
	(void)ksnprintf(l->l_namebuf, sizeof(l->l_namebuf), "%s", name);
	l->l_name = l->l_namebuf;
	l->l_func = func;
	l->l_arg = arg;
	atomic_store_relaxed(&l->l_kthread, kthread);
	l->l_detached = detached;
	if (KERN_CHECKING() && kthread != 0) {
		lockdebug_make("kthread_create", l, "kthread", l->l_name,
		    LOCKDEBUG_RUN, site);
		if (detached)
			lockdebug_keep(l);
	}
	*lp = l;
	error = host_thread_create(&l->l_thread, lwp_start, l, name,
	    ci != NULL && cpu_bindok ? ci->ci_hostid : -1);
	if (error != 0) {
		*lp = NULL;
		lwp_free(l);
	}
	return error;
}

/*
 * Wait for a thread's end and forget it.
 */
void
lwp_join(struct lwp *l)
{
	struct lwp *self;
	int s;

	self = curlwp_get();
	s = spl_open(self);
	host_thread_join(&l->l_thread);
	spl_shut(self, s);
	lwp_free(l);
}

/*
 * Sleep until the token, for those who do without a wait channel.  May
 * return early.
 */
__kern_hot void
lwp_park(struct lwp *l)
{

	(void)lwp_timedpark(l, HOST_FOREVER);
}

/*
 * The same with a deadline: 0, or ETIMEDOUT.
 */
__kern_hot int
lwp_timedpark(struct lwp *l, int64_t deadline)
{
	int error, s;

	/* In a forked child the interrupt threads may be missing. */
	if (__predict_false(atomic_load_relaxed(&intr_wanted) != 0))
		intr_restart(l);
	s = spl_open(l);
	error = host_park(&l->l_park, deadline);
	spl_shut(l, s);
	return error;
}

/*
 * The priority that the host gave to a thread of ours; waits for its start.
 */
pri_t
lwp_inforce(struct lwp *target)
{
	struct sleepq *sq;
	struct lwp *l;
	int pri;

	l = curlwp_get();
	for (;;) {
		sq = sleepq_enter(&target->l_pri_inforce);
		pri = atomic_load_relaxed(&target->l_pri_inforce);
		if (pri != LWP_PRI_UNKNOWN)
			break;
		sleepq_enqueue(sq, l, &target->l_pri_inforce, SLEEPQ_LWP,
		    false);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
	}
	sleepq_exit(sq);
	return pri;
}

/*
 * Around fork: the pool must not be caught half changed.
 */
void
lwp_fork(int enter)
{

	if (enter)
		kspin_enter(&lwp_lock);
	else
		kspin_exit(&lwp_lock);
}

void
kspin_enter(struct kspin *ks)
{
	struct lwp *l;
	unsigned n;

	if ((l = host_self()) != NULL) {
		l->l_kspin++;
		/* A handler on this thread sees l_kspin before ks. */
		atomic_signal_barrier();
	}
	n = 0;
	/* Acquire: what the last holder did is seen. */
	while (atomic_swap_acquire(&ks->ks_locked, 1u) != 0) {
		do {
			host_relax(&n);
		} while (atomic_load_relaxed(&ks->ks_locked) != 0);
	}
}

void
kspin_exit(struct kspin *ks)
{
	struct lwp *l;

	/* Release: hand over what we did; the last touch of ks. */
	atomic_store_release(&ks->ks_locked, 0u);
	if ((l = host_self()) != NULL) {
		atomic_signal_barrier();
		if (--l->l_kspin == 0)
			intr_deliver(l);
	}
}
