/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * softint(9).  Each CPU is run by one thread at a time, its owner, which calls
 * what is pending there, the highest level first.  An owner that has to sleep
 * in a handler, for a lock, hands the CPU to another thread meanwhile, and
 * waits for it when it wakes.  So:
 *
 *	Of the handlers of one CPU, all but one at most sleep.
 *
 *	None begins while one of a higher level can go on or begin there.
 *
 *	Of one level, none begins before the last has returned.
 *
 * As by that no two of a level are under way at once, a CPU needs as many
 * threads as there are levels in use, and has them.  Any of them runs any
 * level: as long as nobody sleeps it is always the same one, and no other is
 * ever woken.
 */

#include <sys/intr.h>

#include "kern.h"

#define	SOFTINT_DEAD	16	/* kept after their end, in checking mode */

/*
 * A soft interrupt on one CPU.  si_pending says that it is on a list: the
 * CPU's, or that of a thread which scheduled it at too high a level.
 */
struct softint {
	struct softint	*si_next;	/* on that list */
	struct softhand	*si_hand;
	unsigned	 si_cpu;
	unsigned	 si_pending;	/* (a) SOFTINT_PENDING, or not */
};

/* What was pending before a fork is not pending in the child. */
#define	SOFTINT_PENDING	(kern_forkgen + 1)

struct softhand {
	void		(*sh_func)(void *);
	void		*sh_arg;
	int		 sh_level;	/* SOFTINT_CLOCK .. SOFTINT_SERIAL */
	int		 sh_flags;
	int		 sh_dead;	/* (a) disestablished */
	struct softint	 sh_ints[];	/* one for each CPU */
};

/*
 * All (sc_lock).  A thread of the CPU owns it, or sleeps in a handler, or has
 * woken there and is in sc_back, or is in sc_idle.  If nobody owns the CPU,
 * nobody is in sc_back, and of each level where something is pending a handler
 * sleeps, or threads are still to be started.
 */
struct softcpu {
	struct kspin	 sc_lock;
	struct lwp	*sc_owner;	/* who may run here, or NULL */
	struct softint	*sc_first[SOFTINT_COUNT];	/* pending */
	struct softint	**sc_lastp[SOFTINT_COUNT];
	struct softint	*sc_busy[SOFTINT_COUNT];	/* under way */
	struct lwp	*sc_back[SOFTINT_COUNT];	/* to go on with it */
	struct lwp	*sc_idle[SOFTINT_COUNT];	/* a stack */
	int		 sc_nidle;
	int		 sc_nthreads;	/* that there are, or that start */
	bool		 sc_waiting;	/* somebody, for an end */
} __kern_aligned;

static struct softcpu	*softint_cpus;	/* (softint_startlock) ncpu of them */
static bool		softint_used[SOFTINT_COUNT]; /* (softint_startlock)
					   levels of some that were made */
static int		softint_nlevels; /* (a) how many those are */
static int		softint_stopped; /* (a) threads are to be started */
static struct softhand	*softint_dead[SOFTINT_DEAD]; /* (softint_startlock) */
static unsigned		softint_ndead;	/* (softint_startlock) */
static kmutex_t		softint_startlock = KMUTEX_INITIALIZER;

#define	SOFTINT_IPL(level)	(IPL_SOFTCLOCK + (level))

/*
 * The highest level at which a thread could go on or begin, or -1.
 */
static inline int
softint_highest(const struct softcpu *sc)
{
	int level;

	for (level = SOFTINT_COUNT - 1; level >= 0; level--)
		if (sc->sc_back[level] != NULL ||
		    (sc->sc_first[level] != NULL && sc->sc_busy[level] == NULL))
			break;
	return level;
}

/*
 * The CPU is nobody's: whose is it now?  The caller unparks that one, if it
 * is not itself, when it has released the lock.
 */
static struct lwp *
softint_handover(struct softcpu *sc)
{
	struct lwp *l;
	int level;

	l = NULL;
	if ((level = softint_highest(sc)) >= 0) {
		if ((l = sc->sc_back[level]) != NULL)
			sc->sc_back[level] = NULL;
		else if (sc->sc_nidle != 0)
			l = sc->sc_idle[--sc->sc_nidle];
		/* Else a thread is being started, or will be. */
	}
	sc->sc_owner = l;
	return l;
}

/*
 * Hand a soft interrupt to its CPU.  From any context but a foreign handler.
 */
static void
softint_post(struct softint *si)
{
	struct softcpu *sc;
	struct lwp *l;
	int level;

	sc = &softint_cpus[si->si_cpu];
	level = si->si_hand->sh_level;
	kspin_enter(&sc->sc_lock);
	si->si_next = NULL;
	*sc->sc_lastp[level] = si;
	sc->sc_lastp[level] = &si->si_next;
	/* An owner looks for itself when it is done. */
	l = sc->sc_owner == NULL ? softint_handover(sc) : NULL;
	kspin_exit(&sc->sc_lock);
	/* si may be gone; the CPU's threads are not. */
	if (l != NULL)
		lwp_unpark(l);
}

/*
 * For the owner: what to run, taken off, or NULL.  It is NULL too if another
 * thread is to go on first.
 */
static struct softint *
softint_take(struct softcpu *sc)
{
	struct softint *si;
	int level;

	if ((level = softint_highest(sc)) < 0 || sc->sc_back[level] != NULL)
		return NULL;
	si = sc->sc_first[level];
	sc->sc_first[level] = si->si_next;
	if (si->si_next == NULL)
		sc->sc_lastp[level] = &sc->sc_first[level];
	sc->sc_busy[level] = si;
	return si;
}

/*
 * With the lock held: wait for the CPU.
 */
static void
softint_await(struct softcpu *sc, struct lwp *l)
{

	while (sc->sc_owner != l) {
		kspin_exit(&sc->sc_lock);
		lwp_park(l);
		kspin_enter(&sc->sc_lock);
	}
}

/*
 * A handler sleeps from here on: the CPU is for others.  Not to be called
 * with any kspin held.
 */
void
softint_sleep(struct lwp *l)
{
	struct softcpu *sc;
	struct lwp *next;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	KASSERT(sc->sc_owner == l);
	next = softint_handover(sc);
	kspin_exit(&sc->sc_lock);
	if (next != NULL)
		lwp_unpark(next);
}

/*
 * One that sleeps is about to be given what it sleeps for, and shall not have
 * to wait for its CPU with it: let it own that, too, if it can.  With the
 * bucket of its channel held.
 */
bool
softint_claim(struct lwp *l)
{
	struct softcpu *sc;
	bool nobody;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	/* If it is l's still, l is about to hand it on. */
	nobody = sc->sc_owner == NULL;
	if (nobody)
		sc->sc_owner = l;
	kspin_exit(&sc->sc_lock);
	return nobody;
}

/*
 * And has woken.
 */
void
softint_wake(struct lwp *l)
{
	struct softcpu *sc;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	if (sc->sc_owner == NULL)
		sc->sc_owner = l;
	else if (sc->sc_owner != l)
		sc->sc_back[l->l_softintr - 1] = l;
	softint_await(sc, l);
	kspin_exit(&sc->sc_lock);
}

static void
softint_check_return(const struct lwp *l, const struct softhand *sh,
    int biglocks)
{
	const void *f;

	f = (const void *)(uintptr_t)sh->sh_func;
	lockdebug_ran("softint", sh, f, 0);
	if (l->l_mtxcount != 0)
		panic("%s: function %p returned holding a spin mutex",
		    lockdebug_text(sh, "softint"), f);
	if (l->l_ipl != SOFTINT_IPL(sh->sh_level))
		panic("%s: function %p returned at IPL %d",
		    lockdebug_text(sh, "softint"), f, l->l_ipl);
	if (l->l_blcnt != biglocks)
		panic("%s: function %p returned holding %d kernel locks",
		    lockdebug_text(sh, "softint"), f, l->l_blcnt);
	if (l->l_nopreempt != 0)
		panic("%s: function %p returned with preemption off",
		    lockdebug_text(sh, "softint"), f);
}

static void
softint_run(struct lwp *l, const struct softint *si)
{
	const struct softhand *sh;
	unsigned forkgen;
	bool biglock;

	sh = si->si_hand;
	biglock = (sh->sh_flags & SOFTINT_MPSAFE) == 0;
	forkgen = kern_forkgen;
	l->l_softintr = 1 + sh->sh_level;
	l->l_ipl = SOFTINT_IPL(sh->sh_level);
	if (biglock)
		wqk_kernel_lock(1);
	if (KERN_CHECKING())
		(void)lockdebug_run(sh, si, (uintptr_t)sh->sh_func);
	(*sh->sh_func)(sh->sh_arg);
	if (forkgen != kern_forkgen)
		panic("softint: function %p returned in a child of its "
		    "process", (void *)(uintptr_t)sh->sh_func);
	if (KERN_CHECKING())
		softint_check_return(l, sh, biglock);
	if (biglock)
		wqk_kernel_unlock(1, NULL);
	l->l_softintr = 0;
	splx(IPL_NONE);
}

static void
softint_thread(void *arg)
{
	struct softcpu *sc;
	struct softint *si;
	struct lwp *l, *next;
	int level;
	bool waiting;

	sc = arg;
	l = curlwp_get();
	l->l_softcpu = sc;
	kspin_enter(&sc->sc_lock);
	for (;;) {
		while (sc->sc_owner == l && (si = softint_take(sc)) != NULL) {
			kspin_exit(&sc->sc_lock);
			/*
			 * From here on it may be scheduled again.  Acquire:
			 * see what those did who found it pending; release:
			 * not before it was taken off the list.
			 */
			(void)atomic_swap_acq_rel(&si->si_pending, 0u);
			level = si->si_hand->sh_level;
			softint_run(l, si);
			kspin_enter(&sc->sc_lock);
			/* It may be gone as soon as the lock is released. */
			sc->sc_busy[level] = NULL;
			waiting = sc->sc_waiting;
			sc->sc_waiting = false;
			if (waiting) {
				kspin_exit(&sc->sc_lock);
				sleepq_wakeall(sc, SLEEPQ_SOFTINT);
				kspin_enter(&sc->sc_lock);
			}
		}
		sc->sc_idle[sc->sc_nidle++] = l;
		/* A new thread does not own the CPU. */
		if (sc->sc_owner == l || sc->sc_owner == NULL) {
			next = softint_handover(sc);
			if (next != NULL && next != l) {
				kspin_exit(&sc->sc_lock);
				lwp_unpark(next);
				kspin_enter(&sc->sc_lock);
			}
		}
		softint_await(sc, l);
	}
}

static void
softint_cpuinit(struct softcpu *sc)
{
	int level;

	atomic_store_relaxed(&sc->sc_lock.ks_locked, 0u);
	sc->sc_owner = NULL;
	for (level = 0; level < SOFTINT_COUNT; level++) {
		sc->sc_first[level] = NULL;
		sc->sc_lastp[level] = &sc->sc_first[level];
		sc->sc_busy[level] = NULL;
		sc->sc_back[level] = NULL;
	}
	sc->sc_nidle = 0;
	sc->sc_nthreads = 0;
	sc->sc_waiting = false;
}

/*
 * Start what is missing of so many threads for each CPU.
 */
static int
softint_threads(int n)
{
	struct softcpu *sc;
	struct lwp *l;
	char name[MAXCOMLEN];
	int error, i;
	bool enough;

	for (i = 0; i < ncpu; i++) {
		sc = &softint_cpus[i];
		for (;;) {
			kspin_enter(&sc->sc_lock);
			enough = sc->sc_nthreads >= n;
			if (!enough)
				sc->sc_nthreads++;
			kspin_exit(&sc->sc_lock);
			if (enough)
				break;
			(void)ksnprintf(name, sizeof(name), "softint/%d", i);
			error = lwp_create(&l, name, PRI_SOFTSERIAL,
			    cpu_lookup((unsigned)i), softint_thread, sc);
			if (error != 0) {
				kspin_enter(&sc->sc_lock);
				sc->sc_nthreads--;
				kspin_exit(&sc->sc_lock);
				return error;
			}
		}
	}
	return 0;
}

/*
 * One of that level is about to be established.
 */
static int
softint_start(int level)
{
	struct softcpu *cpus;
	int error, i, n;

	error = 0;
	mutex_enter(&softint_startlock);
	if (softint_cpus == NULL) {
		cpus = host_alloc((size_t)ncpu * sizeof(*cpus));
		for (i = 0; cpus != NULL && i < ncpu; i++)
			softint_cpuinit(&cpus[i]);
		softint_cpus = cpus;
	}
	n = atomic_load_relaxed(&softint_nlevels) + !softint_used[level];
	if (softint_cpus == NULL || softint_threads(n) != 0)
		error = 1;
	else {
		softint_used[level] = true;
		atomic_store_relaxed(&softint_nlevels, n);
		atomic_store_relaxed(&softint_stopped, 0);
	}
	mutex_exit(&softint_startlock);
	return error;
}

/*
 * In a forked child: start the threads again, unless somebody does.  Not in an
 * interrupt handler: what that schedules waits for the next call by a thread.
 */
static __kern_noinline void
softint_restart(const char *func)
{
	struct lwp *l;
	int error, one;

	if ((l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_kspin != 0))
		return;
	one = 1;
	if (!atomic_cas_relaxed(&softint_stopped, &one, 0))
		return;
	error = softint_threads(atomic_load_relaxed(&softint_nlevels));
	if (error != 0)
		panic("%s: cannot start the threads of soft interrupts: error "
		    "%d", func, error);
}

static inline void
softint_need_threads(const char *func)
{

	if (__predict_false(atomic_load_relaxed(&softint_stopped) != 0))
		softint_restart(func);
}

/* In checking mode some that have ended can still be told. */
static inline void
softint_check_alive(const char *func, const struct softhand *sh)
{

	if (KERN_CHECKING() && atomic_load_relaxed(&sh->sh_dead) != 0)
		panic("%s: soft interrupt %p, function %p, is disestablished",
		    func, (const void *)sh, (void *)(uintptr_t)sh->sh_func);
}

__kern_public void *
softint_establish(unsigned int flags, void (*func)(void *), void *arg)
{
	struct softhand *sh;
	int i;

	kern_init();
	if ((flags & ~(unsigned int)(SOFTINT_MPSAFE | SOFTINT_LVLMASK)) != 0 ||
	    (flags & SOFTINT_LVLMASK) >= SOFTINT_COUNT || func == NULL)
		return NULL;
	if (KERN_CHECKING())
		wqcheck_sleepable("softint_establish");
	if (softint_start((int)(flags & SOFTINT_LVLMASK)) != 0)
		return NULL;
	sh = host_alloc(sizeof(*sh) + (size_t)ncpu * sizeof(sh->sh_ints[0]));
	if (sh == NULL)
		return NULL;
	sh->sh_func = func;
	sh->sh_arg = arg;
	sh->sh_level = (int)(flags & SOFTINT_LVLMASK);
	sh->sh_flags = (int)(flags & SOFTINT_MPSAFE);
	for (i = 0; i < ncpu; i++) {
		sh->sh_ints[i].si_hand = sh;
		sh->sh_ints[i].si_cpu = (unsigned)i;
	}
	if (KERN_CHECKING())
		lockdebug_make("softint_establish", sh, "softint", NULL,
		    LOCKDEBUG_RUN, LOCKDEBUG_SITE());
	return sh;
}

/*
 * Free it; in checking mode, later.
 */
static void
softint_free(struct softhand *sh)
{
	struct softhand *old, **place;

	old = sh;
	if (KERN_CHECKING()) {
		atomic_store_relaxed(&sh->sh_dead, 1);
		mutex_enter(&softint_startlock);
		place = &softint_dead[softint_ndead++ % SOFTINT_DEAD];
		old = *place;
		*place = sh;
		mutex_exit(&softint_startlock);
	}
	host_free(old);
}

/*
 * Waits until it is neither pending nor running on any CPU.
 */
__kern_public void
softint_disestablish(void *cookie)
{
	struct softhand *sh;
	struct softcpu *sc;
	struct softint *si;
	struct sleepq *sq;
	struct lwp *l;
	bool busy;
	int i;

	sh = cookie;
	softint_check_alive("softint_disestablish", sh);
	l = curlwp_get();
	/* Its thread's own: what it runs does not change under it. */
	if (l->l_softcpu != NULL && l->l_softintr != 0 && (si =
	    l->l_softcpu->sc_busy[l->l_softintr - 1]) != NULL &&
	    si->si_hand == sh)
		panic("softint_disestablish: function %p disestablishes its "
		    "own soft interrupt", (void *)(uintptr_t)sh->sh_func);
	if (KERN_CHECKING()) {
		wqcheck_sleepable_on("softint_disestablish", sh, "softint");
		lockdebug_wantwork("softint_disestablish", sh,
		    LOCKDEBUG_SITE());
	}
	softint_need_threads("softint_disestablish");
	for (i = 0; i < ncpu; i++) {
		sc = &softint_cpus[i];
		si = &sh->sh_ints[i];
		for (;;) {
			sq = sleepq_enter(sc);
			kspin_enter(&sc->sc_lock);
			/* Acquire: see what the last run did. */
			busy = sc->sc_busy[sh->sh_level] == si ||
			    atomic_load_acquire(&si->si_pending) ==
			    SOFTINT_PENDING;
			if (busy)
				sc->sc_waiting = true;
			kspin_exit(&sc->sc_lock);
			if (!busy)
				break;
			sleepq_enqueue(sq, l, sc, SLEEPQ_SOFTINT, false);
			sleepq_exit(sq);
			if (KERN_CHECKING())
				lockdebug_wait("softint_disestablish", sh, si,
				    NULL);
			(void)sleepq_block(l, HOST_FOREVER);
			if (KERN_CHECKING())
				lockdebug_waited();
		}
		sleepq_exit(sq);
	}
	if (KERN_CHECKING())
		lockdebug_end(sh);
	softint_free(sh);
}

/*
 * The level up to which a thread holds back what it schedules.  The level at
 * which a soft interrupt is called holds back nothing: on its CPU none begins
 * but when it sleeps, and then it may.
 */
static inline int
softint_mask(const struct lwp *l)
{

	if (l->l_softcpu != NULL && l->l_softintr != 0 &&
	    l->l_ipl == SOFTINT_IPL(l->l_softintr - 1))
		return IPL_NONE;
	return l->l_ipl;
}

__kern_public void
softint_schedule_cpu(void *cookie, struct cpu_info *ci)
{
	struct softhand *sh;
	struct softint *si;
	struct lwp *l;

	sh = cookie;
	softint_check_alive("softint_schedule", sh);
	softint_need_threads("softint_schedule");
	si = &sh->sh_ints[ci->ci_index];
	/* Release: what we did before is seen by the run to come. */
	if (atomic_swap_acq_rel(&si->si_pending, SOFTINT_PENDING) ==
	    SOFTINT_PENDING)
		return;
	l = host_self();
	if (l == NULL || softint_mask(l) < SOFTINT_IPL(sh->sh_level)) {
		softint_post(si);
		return;
	}
	/* Masked by the caller's level: its splx() will do it. */
	l->l_kspin++;
	atomic_signal_barrier();
	si->si_next = l->l_softpend;
	l->l_softpend = si;
	atomic_signal_barrier();
	if (--l->l_kspin == 0)
		intr_deliver(l);
}

__kern_public void
softint_schedule(void *cookie)
{

	softint_schedule_cpu(cookie, curcpu());
}

/*
 * The thread's level was lowered: hand on what it masks no more, in the order
 * in which it was scheduled.
 */
void
softint_splx(struct lwp *l)
{
	struct softint *si, **sip, **lastp;

	/* No handler on this thread meanwhile: the caller looks again. */
	l->l_kspin++;
	atomic_signal_barrier();
	for (;;) {
		lastp = NULL;
		for (sip = &l->l_softpend; (si = *sip) != NULL;
		    sip = &si->si_next)
			if (SOFTINT_IPL(si->si_hand->sh_level) >
			    softint_mask(l))
				lastp = sip;
		if (lastp == NULL)
			break;
		si = *lastp;
		*lastp = si->si_next;
		softint_post(si);
	}
	atomic_signal_barrier();
	l->l_kspin--;
}

/*
 * In a forked child nothing is pending or under way, and the threads are not
 * there.  They are started again when they are needed.
 */
void
softint_fork(void)
{
	struct lwp *l;
	int i;

	if ((l = host_self()) != NULL) {
		l->l_softpend = NULL;
		/* It may be a handler that forked: no CPU of ours is its. */
		l->l_softcpu = NULL;
	}
	atomic_store_relaxed(&softint_startlock.mtx_owner, (uintptr_t)0);
	if (softint_cpus == NULL)
		return;
	for (i = 0; i < ncpu; i++)
		softint_cpuinit(&softint_cpus[i]);
	atomic_store_relaxed(&softint_stopped,
	    atomic_load_relaxed(&softint_nlevels) != 0);
}
