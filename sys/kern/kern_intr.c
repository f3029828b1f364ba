/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts.  When a POSIX signal arrives, or a test calls intr_inject(), the
 * library calls a handler at an interrupt priority level.
 *
 * When an interrupt arrives at a thread, the thread runs the interrupt at once
 * if three conditions hold.  The thread's level is below that of the interrupt.
 * The thread holds no internal spin lock.  If the process is a forked child,
 * kern_fork_anew() has already reset the library.  Otherwise the thread holds
 * the interrupt back: it counts the interrupt in l_iheld, and runs it when all
 * three conditions hold.  A thread that sleeps in this library lowers its level
 * to IPL_NONE, except to wait for a CPU or the kernel lock.
 *
 * An interrupt thread runs the interrupt in these cases:
 *
 *	The library does not know the thread at which the interrupt arrives.
 *
 *	The interrupt would have to wait for a CPU (kern_runq.c).
 *
 *	The thread ends while it holds the interrupt back.
 *
 *	The interrupt needs the kernel lock, and another thread has the lock.
 *
 * The interrupts that need the kernel lock have an interrupt thread of their
 * own, so that no other interrupt waits for the lock.
 *
 * A thread may block in a system call at a raised level.  The watcher then
 * gives the interrupt threads the interrupts that the blocked thread holds
 * back.  kern_intrthread.c has the watcher and the interrupt threads.
 *
 * The thread, its handlers and the watcher share l_iheld and l_ipending.  To
 * hold an interrupt back, a thread increments the count of its source in
 * l_iheld and then sets the bit of the source in l_ipending.  To take the
 * interrupts of a source, a thread clears the bit and then takes the count.
 * Setting the bit is a release and clearing it an acquire (seq_cst is both), so
 * the thread that clears a bit sees the count for which the bit was set.  There
 * may be a bit without a count.  A count without a bit lasts only for a moment,
 * until a thread has done the second of its two steps.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_intr.h"
#include "kern_kspin.h"
#include "kern_lock.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_softint.h"
#include "kern_spl.h"
#include "subr_kmem.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_xcall.h"

struct intrsrc {
	int		(*is_func)(void *);	/* (a) NULL: the source is free,
					   or intr_disestablish() has begun */
	void		*is_arg;
	int		 is_signo;	/* 0: injected only */
	int		 is_ipl;
	int		 is_flags;
	bool		 is_used;	/* (intr_lock) */
	unsigned	 is_running;	/* (a) active calls */
	unsigned	 is_handed;	/* (a) handed to an interrupt thread */
	unsigned	 is_held;	/* (a) threads with a count in l_iheld,
					   plus one if is_handed is not 0; the
					   source is reused only at 0 */
	__atomic64_t is_count;	/* (a) arrivals */
};

static struct intrsrc	intr_sources[LWP_INTRSRC];
static __atomic64_t	intr_bysigno[65];	/* (a) sources, a bit each */
static struct kspin	intr_lock;
static unsigned		intr_next;		/* (intr_lock) next to try */
/* intr_establish() and intr_disestablish() take this. */
KERN_MUTEX(intr_startlock);

#define	INTR_BIT(is)	((uint64_t)1 << ((is) - intr_sources))

static enum intrthread
intr_whose(const struct intrsrc *is)
{

	return (is->is_flags & INTR_MPSAFE) != 0 ? INTR_PLAIN : INTR_BIGLOCK;
}

/*
 * Check that a handler has not changed the state of its thread.  The handler
 * has just returned.
 */
static void
intr_check_return(const struct lwp *l, const struct intrsrc *is,
    int (*func)(void *), int held, const struct context *cx)
{
	const void *f;

	f = (const void *)(uintptr_t)func;
	lockdebug_barrier("interrupt handler", f, held);
	context_check(l, cx, "interrupt handler %pF%s returned", f,
	    lockdebug_made(is));
}

/*
 * The state of a thread that intr_enter() saves before a handler runs, and
 * intr_leave() restores after it.
 */
struct intr_frame {
	struct oncpu	*if_oncpu;
	uint64_t	 if_levelown;
	int		 if_own;
	int		 if_nopreempt;
	int		 if_mtxcount;
	int		 if_mtxoldspl;
	int		 if_ipl;
	bool		 if_owned;
	bool		 if_stray;
};

/*
 * Prepare the thread for a handler of level ipl, and save its state.  If the
 * handler needs a CPU, none is free, and wait is false, change nothing and
 * return false.
 */
static inline bool
intr_enter(struct lwp *l, int ipl, bool wait, struct intr_frame *f)
{

	f->if_ipl = l->l_ipl;
	if (l->l_ipl < ipl)
		atomic_store_relaxed(&l->l_ipl, ipl);
	section_enter();
	/*
	 * If the thread owns a CPU, the handler uses that CPU.  Otherwise the
	 * handler takes a CPU for itself.  Ask oncpu_owned() instead of testing
	 * l_own, because the handler may have interrupted the thread while the
	 * thread was taking a CPU or giving it up.
	 */
	f->if_own = l->l_own;
	f->if_oncpu = l->l_oncpu;
	f->if_nopreempt = l->l_nopreempt;
	f->if_owned = oncpu_owned(l);
	if (f->if_owned)
		l->l_own = f->if_own + 1;
	else if (oncpu_intrenter(l, wait)) {
		if (f->if_nopreempt != 0)
			section_handover(l);
		atomic_store_release(&l->l_nopreempt, 0);
	} else {
		l->l_oncpu = f->if_oncpu;
		atomic_signal_barrier();
		l->l_own = f->if_own;
		lwp_setipl(l, f->if_ipl);
		return false;
	}
	f->if_levelown = atomic_load_relaxed(&l->l_ipending) & LWP_LEVELOWN;
	if (f->if_levelown != 0)
		(void)atomic_fetch_and_relaxed(&l->l_ipending,
		    ~f->if_levelown);
	/* Count the handler's spin mutexes apart from the thread's. */
	f->if_mtxcount = l->l_mtxcount;
	f->if_mtxoldspl = l->l_mtxoldspl;
	f->if_stray = f->if_mtxcount != 0 &&
	    (f->if_mtxoldspl & LWP_MTXOWN) == 0;
	if (f->if_stray) {
		atomic_store_relaxed(&l->l_stray, l->l_stray + 1);
		section_handover(l);
	}
	l->l_mtxbelow += f->if_mtxcount;
	atomic_store_release(&l->l_mtxcount, 0);
	return true;
}

static inline void
intr_leave(struct lwp *l, const struct intr_frame *f)
{

	atomic_store_relaxed(&l->l_mtxoldspl, f->if_mtxoldspl);
	atomic_store_relaxed(&l->l_mtxcount, f->if_mtxcount);
	/* Release: as in mutex_spin_lower(). */
	if (f->if_stray)
		atomic_store_release(&l->l_stray, l->l_stray - 1);
	l->l_mtxbelow -= f->if_mtxcount;
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_LEVELOWN) != 0)
		oncpu_levelexit(l);
	if (!f->if_owned && l->l_own != 0)
		oncpu_exit(l);
	if (f->if_levelown != 0)
		(void)atomic_fetch_or_relaxed(&l->l_ipending, f->if_levelown);
	l->l_oncpu = f->if_oncpu;
	atomic_signal_barrier();
	l->l_own = f->if_own;
	atomic_store_relaxed(&l->l_nopreempt, f->if_nopreempt);
	lwp_setipl(l, f->if_ipl);
}

/*
 * Call the handler of a source n times in the calling thread, l, whose level
 * permits it.  If the handler needs a CPU, none is free, and wait is false, do
 * not call the handler, and return false.
 */
static bool
intr_dispatch(struct lwp *l, struct intrsrc *is, unsigned n, bool wait)
{
	struct intr_frame f;
	int (*func)(void *);
	struct context cx;
	int held;
	bool called;

	/*
	 * This thread increments is_running and then loads is_func.
	 * intr_disestablish() clears is_func and then loads is_running.
	 * Sequentially consistent: at least one of the two sees the other's
	 * store.
	 */
	(void)atomic_fetch_add_seq_cst(&is->is_running, 1u);
	func = atomic_load_seq_cst(&is->is_func);
	called = func == NULL || intr_enter(l, is->is_ipl, wait, &f);
	if (func != NULL && called) {
		context_save(l, &cx);
		held = KERN_CHECKING() ? lockdebug_held() : 0;
		l->l_intrdepth++;
		atomic_signal_barrier();
		for (; n > 0; n--) {
			(void)(*func)(is->is_arg);
			KERN_CHECK(intr_check_return(l, is, func, held, &cx));
		}
		atomic_signal_barrier();
		l->l_intrdepth--;
		intr_leave(l, &f);
	}
	/* Release: intr_disestablish() sees what the handler did. */
	(void)atomic_fetch_add_acq_rel(&is->is_running, -1u);
	return called;
}

static void
intr_handover(struct intrsrc *is, unsigned n)
{

	(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
	/* Release: the handler sees our stores.  See also intrthread_main(). */
	if (atomic_fetch_add_seq_cst(&is->is_handed, n) != 0)
		(void)atomic_fetch_add_relaxed(&is->is_held, -1u);
	intrthread_kick(intr_whose(is));
}

/*
 * Run the interrupt n times in this thread, if three conditions hold.  The
 * thread does not wait for a CPU.  The handler does not need to take a CPU, or
 * one is free (see intr_enter()).  The kernel lock is free, or is not needed
 * (INTR_MPSAFE).  Otherwise hand the interrupt to an interrupt thread.
 */
static void
intr_try(struct lwp *l, struct intrsrc *is, unsigned n)
{
	bool called;

	called = false;
	if (__predict_true(!l->l_cpuwait)) {
		if ((is->is_flags & INTR_MPSAFE) != 0)
			called = intr_dispatch(l, is, n, false);
		else if (kernel_lock_try(l)) {
			called = intr_dispatch(l, is, n, false);
			wqk_kernel_unlock(1, NULL);
		}
	}
	if (!called)
		intr_handover(is, n);
}

/*
 * Take and return the count of a source in l_iheld of a thread.  If the count
 * is not 0, the source is not reused until the caller calls intr_drop().
 */
static unsigned
intr_take(struct lwp *l, struct intrsrc *is)
{

	/* Clear the bit first, because intr_arrive() sets it last. */
	(void)atomic_fetch_and_seq_cst(&l->l_ipending, ~INTR_BIT(is));
	/* Acquire: pairs with intr_arrive(), on another thread. */
	return atomic_swap_acquire(&l->l_iheld[is - intr_sources], 0u);
}

static void
intr_drop(struct intrsrc *is)
{

	/* Release: pairs with the acquire in intr_alloc(). */
	(void)atomic_fetch_add_acq_rel(&is->is_held, -1u);
}

/*
 * Return the highest interrupt that the thread holds back and that its level
 * permits, or NULL if there is none.
 */
static struct intrsrc *
intr_best(const struct lwp *l)
{
	struct intrsrc *is, *best;
	uint64_t pending;

	best = NULL;
	pending = atomic_load_relaxed(&l->l_ipending) & LWP_ISOURCES;
	for (is = intr_sources; pending != 0; is++, pending >>= 1)
		if ((pending & 1) != 0 && is->is_ipl > l->l_ipl &&
		    (best == NULL || is->is_ipl > best->is_ipl))
			best = is;
	return best;
}

/*
 * Run the interrupts that the thread holds back and that its level permits, the
 * highest first.  The caller has lowered the level, or has released a spin
 * lock.
 */
__kern_noinline void
intr_run(struct lwp *l)
{
	struct intrsrc *is;
	unsigned n;

	do {
		while ((is = intr_best(l)) != NULL)
			if ((n = intr_take(l, is)) != 0) {
				intr_try(l, is, n);
				intr_drop(is);
			}
		/*
		 * softint_splx() holds back the interrupts that arrive while it
		 * runs, so look again afterwards.
		 */
		if (l->l_softpend != NULL)
			softint_splx(l);
	} while (intr_best(l) != NULL);
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_ISOURCES) != 0)
		intrthread_watch(l);
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_LEVELOWN) != 0 &&
	    l->l_ipl == IPL_NONE)
		oncpu_levelexit(l);
	if ((atomic_load_relaxed(&l->l_ipending) & LWP_XCBARRIER) != 0 &&
	    !lwp_insection(l))
		xc_barrier_answer(l);
}

/*
 * Handle an interrupt that arrives at the calling thread.
 */
static void
intr_arrive(struct intrsrc *is)
{
	struct lwp *l;

	(void)atomic_fetch_add_relaxed(&is->is_count, (uint64_t)1);
	if ((l = host_self()) == NULL) {
		intr_handover(is, 1);
		return;
	}
	/* A hint for the watcher: see intrthread_look(). */
	(void)atomic_fetch_add_relaxed(&l->l_iarrived, 1u);
	if (l->l_kspin != 0 || l->l_ipl >= is->is_ipl ||
	    __predict_false(l->l_forking && kern_fork_unknown())) {
		/*
		 * Increment is_held before the count, so that the source cannot
		 * be reused in between.
		 */
		(void)atomic_fetch_add_relaxed(&is->is_held, 1u);
		/* Release: another thread may run the handler. */
		if (atomic_fetch_add_acq_rel(&l->l_iheld[is - intr_sources],
		    1u) != 0)
			intr_drop(is);
		(void)atomic_fetch_or_seq_cst(&l->l_ipending, INTR_BIT(is));
		/* If a spin lock is held, kspin_exit() runs the interrupt. */
		if (l->l_kspin == 0)
			intrthread_watch(l);
		return;
	}
	intr_try(l, is, 1);
	/* Run the interrupts that the handler's level held back. */
	intr_deliver(l);
}

static void
intr_signal(int signo)
{
	struct intrsrc *is;
	uint64_t set;

	/* Acquire: the source is filled in before its bit is set. */
	set = atomic_load_acquire(&intr_bysigno[signo]);
	for (is = intr_sources; set != 0; is++, set >>= 1)
		if ((set & 1) != 0)
			intr_arrive(is);
}

/*
 * Give the interrupt threads all interrupts that a thread holds back.  The
 * thread itself or the watcher calls this.
 */
void
intr_handall(struct lwp *l)
{
	struct intrsrc *is;
	uint64_t pending;
	unsigned n;

	pending = atomic_load_relaxed(&l->l_ipending) & LWP_ISOURCES;
	for (is = intr_sources; pending != 0; is++, pending >>= 1)
		if ((pending & 1) != 0 && (n = intr_take(l, is)) != 0) {
			intr_handover(is, n);
			intr_drop(is);
		}
}

/*
 * Return the highest interrupt that is handed to this interrupt thread, or NULL
 * if there is none.
 */
static struct intrsrc *
intr_handed(enum intrthread it)
{
	struct intrsrc *is, *best;

	best = NULL;
	for (is = intr_sources; is < intr_sources + LWP_INTRSRC; is++)
		/* Acquire, as part of seq_cst: pairs with intr_handover(). */
		if (atomic_load_seq_cst(&is->is_handed) != 0 &&
		    intr_whose(is) == it &&
		    (best == NULL || is->is_ipl > best->is_ipl))
			best = is;
	return best;
}

bool
intr_ishanded(enum intrthread it)
{

	return intr_handed(it) != NULL;
}

/*
 * Run the highest interrupt that is handed to this interrupt thread, once.  The
 * thread calls this after intr_ishanded() has returned true.
 */
void
intr_runhanded(enum intrthread it, struct lwp *l)
{
	struct intrsrc *is;

	is = intr_handed(it);
	(void)intr_dispatch(l, is, 1, true);
	/* Only this thread decrements the count, so it was not 0 before. */
	if (atomic_fetch_add_acq_rel(&is->is_handed, -1u) == 1)
		intr_drop(is);
}

/*
 * Give the interrupt threads all interrupts that the calling thread holds back,
 * because it ends.
 */
void
intr_lwpexit(struct lwp *l)
{

	intr_handall(l);
	/*
	 * From here on the thread holds nothing back.  Run the interrupts that
	 * have arrived meanwhile.
	 */
	lwp_setipl(l, IPL_NONE);
	atomic_signal_barrier();
	intr_deliver(l);
}

/*
 * In a forked child, forget the interrupt threads, the interrupts that are
 * handed to them, and the calls that are active in other threads.  An interrupt
 * thread starts again when it is needed.
 */
void
intr_fork(struct lwp *l)
{
	struct intrsrc *is;

	for (is = intr_sources; is < intr_sources + LWP_INTRSRC; is++) {
		atomic_store_relaxed(&is->is_handed, 0u);
		atomic_store_relaxed(&is->is_held, l != NULL &&
		    atomic_load_relaxed(&l->l_iheld[is - intr_sources]) != 0 ?
		    1u : 0u);
		if (l == NULL || l->l_intrdepth == 0)
			atomic_store_relaxed(&is->is_running, 0u);
	}
	intrthread_fork();
	if (l != NULL) {
		/* The thread has another host ID in the child. */
		atomic_store_relaxed(&l->l_hosttid, host_tid());
		/* The thread that waits for the barrier does not exist here. */
		(void)atomic_fetch_and_seq_cst(&l->l_ipending,
		    ~LWP_XCBARRIER);
		if ((atomic_load_relaxed(&l->l_ipending) & LWP_ISOURCES) != 0)
			intrthread_watch(l);
	}
}

/*
 * Allocate a source, or return NULL if none is free.
 */
static struct intrsrc *
intr_alloc(void)
{
	struct intrsrc *is;
	unsigned i;

	kspin_enter(&intr_lock);
	for (i = 0; i < LWP_INTRSRC; i++) {
		is = &intr_sources[intr_next++ % LWP_INTRSRC];
		/* Acquire: no thread uses the old source.  See intr_drop(). */
		if (!is->is_used && atomic_load_acquire(&is->is_held) == 0) {
			is->is_used = true;
			break;
		}
	}
	kspin_exit(&intr_lock);
	return i < LWP_INTRSRC ? is : NULL;
}

static void
intr_free(struct intrsrc *is)
{

	KERN_CHECK(lockdebug_end(is));
	/*
	 * If interrupts of the source are still held back or handed on, they
	 * find no handler.  Until they are gone, is_held keeps the source from
	 * being reused.
	 */
	kspin_enter(&intr_lock);
	is->is_used = false;
	kspin_exit(&intr_lock);
}

/*
 * Start the threads that a source with these flags needs.  Return 0 or an errno
 * value.
 */
static int
intr_startthreads(int flags)
{
	int error;

	if ((error = intrthread_start(INTR_PLAIN)) == 0 &&
	    (flags & INTR_MPSAFE) == 0)
		error = intrthread_start(INTR_BIGLOCK);
	return error != 0 ? error : intrthread_startwatcher();
}

/*
 * Connect a source to its signal, if it has one.  Return 0 or an errno value.
 */
static int
intr_connect(struct intrsrc *is)
{
	__atomic64_t *set, old;
	int error;

	if (is->is_signo == 0)
		return 0;
	set = &intr_bysigno[is->is_signo];
	/* Release, as part of seq_cst: pairs with intr_signal(). */
	old = atomic_fetch_or_seq_cst(set, INTR_BIT(is));
	if (old == 0 &&
	    (error = host_signal_establish(is->is_signo, intr_signal)) != 0) {
		(void)atomic_fetch_and_seq_cst(set, ~INTR_BIT(is));
		return error;
	}
	return 0;
}

__kern_public void *
intr_establish(int signo, int ipl, int flags, int (*func)(void *), void *arg)
{
	struct intrsrc *is;

	kern_init();
	if (signo < 0 || signo >= (int)__arraycount(intr_bysigno) ||
	    ipl < IPL_VM || ipl > IPL_HIGH || (flags & ~INTR_MPSAFE) != 0 ||
	    func == NULL)
		return NULL;
	KERN_CHECK(context_check_sleep("intr_establish"));
	/*
	 * From now on a thread may run an interrupt handler, and a handler must
	 * not call the allocator.  So start the helper, which calls the
	 * allocator for handlers.
	 */
	kmem_helper_start();

	mutex_enter(&intr_startlock);
	if (intr_startthreads(flags) != 0 || (is = intr_alloc()) == NULL) {
		mutex_exit(&intr_startlock);
		return NULL;
	}
	is->is_arg = arg;
	is->is_signo = signo;
	is->is_ipl = ipl;
	is->is_flags = flags;
	atomic_store_relaxed(&is->is_count, (uint64_t)0);
	KERN_CHECK(lockdebug_make("intr_establish", is, "interrupt", NULL,
	    LOCKDEBUG_RUN, NULL, LOCKDEBUG_SITE()));
	/* Release: pairs with the load in intr_dispatch(). */
	atomic_store_release(&is->is_func, func);
	if (intr_connect(is) != 0) {
		atomic_store_release(&is->is_func, NULL);
		intr_free(is);
		is = NULL;
	}
	mutex_exit(&intr_startlock);
	return is;
}

__kern_public void
intr_disestablish(void *ih)
{
	struct intrsrc *is;
	uint64_t old;
	struct oncpu_asleep oa;
	struct lwp *l;
	unsigned n;
	int biglocks;

	is = ih;
	/* This waits for the handler, so the handler must not call it. */
	if (kern_intr_p())
		panic("intr_disestablish: called by an interrupt handler");
	KERN_CHECK(context_check_sleep_on("intr_disestablish", is,
	    "interrupt"));
	mutex_enter(&intr_startlock);
	if (is->is_signo != 0) {
		old = atomic_fetch_and_seq_cst(&intr_bysigno[is->is_signo],
		    ~INTR_BIT(is));
		if (old == INTR_BIT(is))
			host_signal_release(is->is_signo);
	}
	mutex_exit(&intr_startlock);
	/* The handler may be waiting for the kernel lock, or for this CPU. */
	wqk_kernel_unlock(0, &biglocks);
	l = curlwp_get();
	oncpu_sleep(l, &oa);
	/* See intr_dispatch(). */
	(void)atomic_swap_seq_cst(&is->is_func, NULL);
	for (n = 0; atomic_load_seq_cst(&is->is_running) != 0;)
		host_relax(&n);
	oncpu_wake(l, &oa);
	wqk_kernel_lock(biglocks);
	intr_free(is);
}

/*
 * Make the interrupt arrive at the calling thread.  For tests.
 */
__kern_public void
intr_inject(void *ih)
{

	intr_arrive(ih);
}

__kern_public uint64_t
intr_count(void *ih)
{
	struct intrsrc *is;

	is = ih;
	return atomic_load_relaxed(&is->is_count);
}
