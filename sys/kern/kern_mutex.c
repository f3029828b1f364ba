/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * mutex(9).  The state of a mutex is one word: the owner, and a bit,
 * MTX_WAITERS, that is set while other threads sleep for the mutex.  After the
 * initialisation, the bit changes only while the sleep queue of the mutex is
 * locked.  mutex_fork() is an exception.
 *
 * A mutex of IPL_VM or above is a spin mutex.  A thread raises its level before
 * it takes one.  When a thread releases its last spin mutex, it restores the
 * level that it had before it took the first one.  In between, the thread owns
 * a CPU, if ownership is on; see kern_runq.c.
 *
 * A mutex has a fast path if mtx_flags is MTX_INIT: then the mutex is
 * adaptive, and checking mode does not watch it.  The fast path fails while
 * MTX_WAITERS is set.  If a tool watches (see KERN_WATCHED()), MTX_WAITERS of
 * an adaptive mutex stays set, so that the tool learns of each acquisition.
 * There are two exceptions: a quiet mutex (mutex_init_quiet()), and a static
 * mutex that mutex_fork() has freed in a forked child.
 *
 * A static adaptive mutex is initialised before the library knows whether there
 * is a tool, so it starts with the bit set.  The first release clears the bit
 * if there is no tool.
 *
 * Last touch.  As soon as a release has freed the mutex, the next owner may
 * drop the last reference and free the memory of the mutex.  So a release first
 * reads all that it needs, and its store or compare-and-swap is its last access
 * to the mutex.  After that it uses only the lwps, the bucket and the level,
 * which are not part of the mutex.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

#define	MUTEX_SPINS	64		/* turns before a sleep */
#define	MUTEX_HANDOFF	256		/* turns that mutex_handoff() waits */

/* mtx_flags, beside MTX_INIT */
#define	MTX_SPIN	__MTX_SPIN	/* a spin mutex */
#define	MTX_WATCHED	0x04		/* watched by checking mode */
#define	MTX_DEAD	0x08		/* destroyed */
#define	MTX_QUIET	0x10		/* not reported to a tool */

#define	MTX_OWNER(o)	((o) & ~MTX_WAITERS)

static struct kern_forklock *mutex_statics; /* (a) locks are only added */

/*
 * Return true if the library reports acquisitions and releases of this mutex to
 * a tool, as happens-before.
 */
static inline bool
mutex_told(const kmutex_t *mtx)
{

	return KERN_WATCHED() && (mtx->mtx_flags & MTX_QUIET) == 0;
}

/*
 * Initialise a mutex.  Checking mode reports "site" as the place of the call.
 */
void
mutex_init_at(kmutex_t *mtx, kmutex_type_t type, int ipl, const char *name,
    uintptr_t site)
{

	kern_init();
	KASSERTMSG(ipl >= IPL_NONE && ipl < NIPL, "mutex_init: IPL %d", ipl);
	mtx->mtx_ipl = (unsigned char)ipl;
	mtx->mtx_flags = ipl >= IPL_VM ? MTX_INIT | MTX_SPIN : MTX_INIT;
	KERN_UNWATCHED(mtx, sizeof(*mtx));
	if (KERN_CHECKING() && type != MUTEX_NODEBUG) {
		mtx->mtx_flags |= MTX_WATCHED;
		lockdebug_make("mutex_init", mtx, "mutex", name,
		    LOCKDEBUG_NAMED, NULL, site);
	}
	atomic_store_relaxed(&mtx->mtx_owner, KERN_WATCHED() && ipl < IPL_VM ?
	    MTX_WAITERS : 0);
}

/*
 * Initialise an adaptive mutex that neither checking mode nor a tool watches.
 * It guards data of the library.  If a tool watched it, the mutex would seem to
 * order threads that the client itself has not ordered.
 */
void
mutex_init_quiet(kmutex_t *mtx)
{

	mutex_init_at(mtx, MUTEX_NODEBUG, IPL_NONE, NULL, 0);
	if (KERN_WATCHED()) {
		mtx->mtx_flags |= MTX_QUIET;
		atomic_store_relaxed(&mtx->mtx_owner, (uintptr_t)0);
	}
}

__kern_public void
(mutex_init)(kmutex_t *mtx, kmutex_type_t type, int ipl)
{

	mutex_init_at(mtx, type, ipl, NULL, LOCKDEBUG_SITE());
}

__kern_public void
wqk_mutex_init_named(kmutex_t *mtx, kmutex_type_t type, int ipl,
    const char *name)
{

	mutex_init_at(mtx, type, ipl, name, LOCKDEBUG_SITE());
}

__kern_public void
mutex_destroy(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_DEAD) == 0,
	    "mutex_destroy: %s is destroyed", lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_free("mutex_destroy", mtx, "mutex");
	KASSERTMSG(MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner)) == 0,
	    "mutex_destroy: %s is held", lockdebug_text(mtx, "mutex"));
	mtx->mtx_flags |= MTX_DEAD;
}

static inline void
mutex_check_alive(const kmutex_t *mtx, const char *func)
{

	KASSERTMSG((mtx->mtx_flags & MTX_DEAD) == 0,
	    "%s: mutex %p is destroyed", func, (const void *)mtx);
	if (KERN_CHECKING() && (mtx->mtx_flags & MTX_INIT) == 0)
		panic("%s: mutex %p was never initialised", func,
		    (const void *)mtx);
}

/*
 * Panic if the thread already owns the mutex.  o is the word of the mutex.
 */
static inline void
mutex_check(const kmutex_t *mtx, const struct lwp *l, uintptr_t o,
    const char *func)
{

	KASSERTMSG(MTX_OWNER(o) != (uintptr_t)l,
	    "%s: locking against myself: %s", func,
	    lockdebug_text(mtx, "mutex"));
}

/*
 * Take an adaptive mutex.  First spin, because its owner is likely to release
 * it soon; then sleep.
 */
static void
mutex_adaptive_enter(kmutex_t *mtx, struct lwp *l)
{
	struct sleepq *sq;
	uintptr_t o;
	unsigned n;
	bool waited;

	if (cpu_spinok) {
		for (n = 0; n < MUTEX_SPINS;) {
			o = atomic_load_relaxed(&mtx->mtx_owner);
			/* Acquire: observe what the last owner did. */
			if (o == 0 && atomic_cas_acquire(&mtx->mtx_owner, &o,
			    (uintptr_t)l))
				return;
			if (o & MTX_WAITERS)
				break;
			host_relax(&n);
		}
	}

	for (waited = false;; waited = true) {
		sq = sleepq_enter(mtx);
		for (;;) {
			o = atomic_load_relaxed(&mtx->mtx_owner);
			if (MTX_OWNER(o) == 0) {
				if (atomic_cas_acquire(&mtx->mtx_owner, &o,
				    (uintptr_t)l | o)) {
					sleepq_exit(sq);
					return;
				}
			} else if ((o & MTX_WAITERS) != 0 ||
			    atomic_cas_relaxed(&mtx->mtx_owner, &o,
			    o | MTX_WAITERS))
				break;
		}
		sleepq_enqueue(sq, l, mtx, SLEEPQ_MUTEX, waited);
		sleepq_exit(sq);
		(void)sleepq_block(l, HOST_FOREVER);
	}
}

/*
 * Wait for a CPU.  The calling thread has raised its level to take its first
 * spin mutex.  During the wait, the thread has its old level again.
 */
static __kern_noinline void
mutex_spin_own(struct lwp *l)
{
	int ipl, s;

	ipl = l->l_ipl;
	s = l->l_mtxoldspl & ~LWP_MTXOWN;
	atomic_store_relaxed(&l->l_mtxcount, 0);
	lwp_setipl(l, s);
	atomic_signal_barrier();
	intr_deliver(l);
	oncpu_enter_slow(l);
	atomic_store_relaxed(&l->l_ipl, ipl);
	atomic_store_relaxed(&l->l_mtxoldspl, s | LWP_MTXOWN);
	atomic_store_relaxed(&l->l_mtxcount, 1);
	section_enter();
}

/*
 * Raise the level for a spin mutex.  A handler may interrupt this function.
 * When the handler returns, intr_leave() restores l_mtxcount and l_mtxoldspl.
 */
static inline void
mutex_spin_raise(const kmutex_t *mtx, struct lwp *l)
{
	int n, s, state;

	s = l->l_ipl;
	if (__predict_true(s < mtx->mtx_ipl))
		atomic_store_relaxed(&l->l_ipl, mtx->mtx_ipl);
	/* If a handler sees the stores below, it also sees the level. */
	atomic_signal_barrier();
	/*
	 * The stores to l_mtxcount and l_mtxoldspl below are relaxed, because
	 * only this thread writes these fields.  Other threads read them to
	 * see whether this thread is in a section (kern_spl.h).
	 * section_enter() orders the stores that begin a section before what
	 * the thread does in the section.
	 */
	n = l->l_mtxcount;
	if (__predict_false(n != 0)) {
		atomic_store_relaxed(&l->l_mtxcount, n + 1);
		atomic_signal_barrier();
		return;
	}
	atomic_store_relaxed(&l->l_mtxoldspl, s);
	atomic_signal_barrier();
	atomic_store_relaxed(&l->l_mtxcount, 1);
	section_enter();
	/* Count the mutex before reading the state: see oncpu_start(). */
	state = atomic_load_acquire(&oncpu_state);
	if (__predict_false(state != ONCPU_OFF)) {
		atomic_store_relaxed(&l->l_mtxoldspl, s | LWP_MTXOWN);
		atomic_signal_barrier();
		if (l->l_own++ == 0 && !oncpu_enter_fast(l, state))
			mutex_spin_own(l);
	}
}

static inline void
mutex_spin_lower(struct lwp *l)
{
	int n, s;

	atomic_signal_barrier();
	/* l_mtxoldspl is valid only while l_mtxcount is not 0. */
	s = l->l_mtxoldspl;
	atomic_signal_barrier();
	n = l->l_mtxcount - 1;
	/* Release: the section is over; pairs with oncpu_stray_p(). */
	atomic_store_release(&l->l_mtxcount, n);
	if (__predict_true(n == 0)) {
		if ((s & LWP_MTXOWN) != 0) {
			s &= ~LWP_MTXOWN;
			oncpu_exit(l);
		}
		splx(s);
	}
}

static inline void
mutex_spin_acquire(kmutex_t *mtx, struct lwp *l, const char *func,
    uintptr_t site)
{
	uintptr_t o;
	unsigned n;

	mutex_spin_raise(mtx, l);
	mutex_check_alive(mtx, func);
	/* For a static mutex, mutex_init() has not done this. */
	KERN_UNWATCHED(mtx, sizeof(*mtx));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_wantlock(func, mtx, "mutex", false, site);
	mutex_check(mtx, l, atomic_load_relaxed(&mtx->mtx_owner), func);
	for (n = 0;;) {
		o = 0;
		/* Acquire: observe what the last owner did. */
		if (__predict_true(atomic_cas_acquire(&mtx->mtx_owner, &o,
		    (uintptr_t)l)))
			break;
		do {
			host_relax(&n);
		} while (atomic_load_relaxed(&mtx->mtx_owner) != 0);
	}
	KERN_AFTER(mtx);
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_locked(func, mtx, "mutex", false, true, site);
}

static inline void
mutex_spin_release(kmutex_t *mtx, struct lwp *l, const char *func)
{

	KASSERTMSG(atomic_load_relaxed(&mtx->mtx_owner) == (uintptr_t)l,
	    "%s: %s not held", func, lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_unlocked(func, mtx, "mutex");
	KERN_BEFORE(mtx);
	/* Release: publish our stores.  The last access to the mutex. */
	atomic_store_release(&mtx->mtx_owner, (uintptr_t)0);
	mutex_spin_lower(l);
}

/*
 * Take a mutex that is held or has no fast path, or take any mutex in a thread
 * that has no lwp yet.
 */
static __kern_noinline void
mutex_enter_slow(kmutex_t *mtx, uintptr_t site)
{
	struct lwp *l;

	l = curlwp_get();
	if ((mtx->mtx_flags & MTX_SPIN) != 0) {
		mutex_spin_acquire(mtx, l, "mutex_enter", site);
		return;
	}
	mutex_check_alive(mtx, "mutex_enter");
	/* For a static mutex, mutex_init() has not done this. */
	KERN_UNWATCHED(mtx, sizeof(*mtx));
	if (__predict_false((mtx->mtx_flags & MTX_WATCHED) != 0)) {
		context_check_lock("mutex_enter", mtx, "mutex");
		lockdebug_wantlock("mutex_enter", mtx, "mutex", false, site);
	}
	mutex_check(mtx, l, atomic_load_relaxed(&mtx->mtx_owner),
	    "mutex_enter");
	mutex_adaptive_enter(mtx, l);
	if (mutex_told(mtx))
		host_happens_after(mtx);
	if (__predict_false((mtx->mtx_flags & MTX_WATCHED) != 0))
		lockdebug_locked("mutex_enter", mtx, "mutex", false, true,
		    site);
}

__kern_public __kern_hot void
mutex_enter(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = 0;
	/* Acquire: observe what the last owner did. */
	if (__predict_false(l == NULL || mtx->mtx_flags != MTX_INIT ||
	    !atomic_cas_acquire(&mtx->mtx_owner, &o, (uintptr_t)l)))
		mutex_enter_slow(mtx, LOCKDEBUG_SITE());
}

static __kern_noinline void
mutex_exit_slow(kmutex_t *mtx)
{
	struct sleepq *sq;
	struct lwp *l, *next;
	uintptr_t o;
	bool more, told;

	l = curlwp_get();
	if ((mtx->mtx_flags & MTX_SPIN) != 0) {
		mutex_spin_release(mtx, l, "mutex_exit");
		return;
	}
	o = atomic_load_relaxed(&mtx->mtx_owner);
	KASSERTMSG(MTX_OWNER(o) == (uintptr_t)l,
	    "mutex_exit: %s not held", lockdebug_text(mtx, "mutex"));
	if ((mtx->mtx_flags & MTX_WATCHED) != 0)
		lockdebug_unlocked("mutex_exit", mtx, "mutex");
	told = mutex_told(mtx);
	if (told)
		host_happens_before(mtx);
	o = (uintptr_t)l;
	/* Release: publish our stores.  The last access to the mutex. */
	if (atomic_cas_release(&mtx->mtx_owner, &o, (uintptr_t)0))
		return;

	sq = sleepq_enter(mtx);
	next = sleepq_dequeue(sq, mtx, SLEEPQ_MUTEX, &more);
	/* Release: as above.  This is the last access to the mutex. */
	atomic_store_release(&mtx->mtx_owner,
	    (more && !KERN_BUG(WAITERS)) || told ? MTX_WAITERS : 0);
	sleepq_exit(sq);
	if (next != NULL)
		lwp_unpark(next);
}

__kern_public __kern_hot void
mutex_exit(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;

	l = host_self();
	o = (uintptr_t)l;
	/* Release: publish our stores.  The last access to the mutex. */
	if (__predict_false(l == NULL || mtx->mtx_flags != MTX_INIT ||
	    !atomic_cas_release(&mtx->mtx_owner, &o, (uintptr_t)0)))
		mutex_exit_slow(mtx);
}

/*
 * Release an adaptive mutex that the caller is going to take again soon.  A
 * sleeper needs time to wake, and would otherwise find the mutex taken each
 * time.  So wait until another thread has taken the mutex, but not forever.
 * The mutex must not be destroyed meanwhile.
 */
void
mutex_handoff(kmutex_t *mtx)
{
	unsigned n;
	bool waiters;

	waiters = (atomic_load_relaxed(&mtx->mtx_owner) & MTX_WAITERS) != 0;
	mutex_exit(mtx);
	for (n = 0; waiters && n < MUTEX_HANDOFF &&
	    MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner)) == 0;)
		host_relax(&n);
}

/*
 * Take or release a mutex that the caller knows to be a spin mutex.  Only an
 * assertion tests this.
 */
__kern_public void
mutex_spin_enter(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_SPIN) != 0,
	    "mutex_spin_enter: %s is adaptive", lockdebug_text(mtx, "mutex"));
	mutex_spin_acquire(mtx, curlwp_get(), "mutex_spin_enter",
	    LOCKDEBUG_SITE());
}

__kern_public void
mutex_spin_exit(kmutex_t *mtx)
{

	KASSERTMSG((mtx->mtx_flags & MTX_SPIN) != 0,
	    "mutex_spin_exit: %s is adaptive", lockdebug_text(mtx, "mutex"));
	mutex_spin_release(mtx, curlwp_get(), "mutex_spin_exit");
}

__kern_public int
mutex_tryenter(kmutex_t *mtx)
{
	struct lwp *l;
	uintptr_t o;
	bool spin;

	l = curlwp_get();
	mutex_check_alive(mtx, "mutex_tryenter");
	/* For a static mutex, mutex_init() has not done this. */
	KERN_UNWATCHED(mtx, sizeof(*mtx));
	spin = (mtx->mtx_flags & MTX_SPIN) != 0;
	if (spin)
		mutex_spin_raise(mtx, l);
	else if ((mtx->mtx_flags & MTX_WATCHED) != 0 && l->l_intrdepth != 0)
		panic("mutex_tryenter: adaptive %s in interrupt context",
		    lockdebug_text(mtx, "mutex"));
	o = 0;
	do {
		/* Acquire: observe what the last owner did. */
		if (atomic_cas_acquire(&mtx->mtx_owner, &o,
		    (uintptr_t)l | o)) {
			if (mutex_told(mtx))
				host_happens_after(mtx);
			if ((mtx->mtx_flags & MTX_WATCHED) != 0)
				lockdebug_locked("mutex_tryenter", mtx,
				    "mutex", false, false, LOCKDEBUG_SITE());
			return 1;
		}
	} while (MTX_OWNER(o) == 0);
	if (spin)
		mutex_spin_lower(l);
	return 0;
}

__kern_public int
mutex_owned(const kmutex_t *mtx)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner)) ==
	    (uintptr_t)l;
}

__kern_public struct lwp *
mutex_owner(const kmutex_t *mtx)
{

	return (struct lwp *)MTX_OWNER(atomic_load_relaxed(&mtx->mtx_owner));
}

__kern_public int
mutex_ownable(const kmutex_t *mtx)
{

	return !mutex_owned(mtx);
}

/*
 * Register one of the library's own static locks: see KERN_MUTEX().
 */
__kern_public void
wqpool_forklock(struct kern_forklock *fl)
{

	fl->fl_next = atomic_load_relaxed(&mutex_statics);
	/* Release: publish fl.  The loader calls one constructor at a time. */
	atomic_store_release(&mutex_statics, fl);
}

/*
 * Free the library's static locks in a forked child, except those that the
 * forking thread holds.
 */
void
mutex_fork(struct lwp *l)
{
	struct kern_forklock *fl;

	/* Relaxed: only constructors add to the list. */
	for (fl = atomic_load_relaxed(&mutex_statics); fl != NULL;
	    fl = fl->fl_next)
		if (l == NULL || (atomic_load_relaxed(fl->fl_word) &
		    ~MTX_WAITERS) != (uintptr_t)l)
			atomic_store_relaxed(fl->fl_word, (uintptr_t)0);
}
