/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * softint(9).  Each CPU has a thread that runs its soft interrupts, the
 * highest level first, one at a time.
 */

#include <sys/intr.h>

#include "kern.h"

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
	struct softint	 sh_ints[];	/* one for each CPU */
};

struct softcpu {
	struct kspin	 sc_lock;
	struct softint	*sc_first[SOFTINT_COUNT];	/* (sc_lock) */
	struct softint	**sc_lastp[SOFTINT_COUNT];	/* (sc_lock) */
	struct softint	*sc_running;	/* (sc_lock) */
	bool		 sc_waiting;	/* (sc_lock) for the end of it */
	struct lwp	*sc_lwp;	/* (softint_startlock) */
} __kern_aligned;

static struct softcpu	*softint_cpus;	/* (softint_startlock) ncpu of them */
static kmutex_t		softint_startlock = KMUTEX_INITIALIZER;

#define	SOFTINT_IPL(level)	(IPL_SOFTCLOCK + (level))

/*
 * Hand a soft interrupt to its CPU.  From any context but a foreign handler.
 */
static void
softint_post(struct softint *si)
{
	struct softcpu *sc;
	int level;

	sc = &softint_cpus[si->si_cpu];
	level = si->si_hand->sh_level;
	kspin_enter(&sc->sc_lock);
	si->si_next = NULL;
	*sc->sc_lastp[level] = si;
	sc->sc_lastp[level] = &si->si_next;
	kspin_exit(&sc->sc_lock);
	/* si may be gone; the CPU's thread is not, except after a fork. */
	if (sc->sc_lwp != NULL)
		lwp_unpark(sc->sc_lwp);
}

static struct softint *
softint_next(struct softcpu *sc)
{
	struct softint *si;
	int level;

	for (level = SOFTINT_COUNT - 1; level >= 0; level--)
		if ((si = sc->sc_first[level]) != NULL) {
			sc->sc_first[level] = si->si_next;
			if (si->si_next == NULL)
				sc->sc_lastp[level] = &sc->sc_first[level];
			return si;
		}
	return NULL;
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
	bool biglock;

	sh = si->si_hand;
	biglock = (sh->sh_flags & SOFTINT_MPSAFE) == 0;
	l->l_softintr = 1;
	l->l_ipl = SOFTINT_IPL(sh->sh_level);
	if (biglock)
		wqk_kernel_lock(1);
	if (KERN_CHECKING())
		(void)lockdebug_run(sh, si, (uintptr_t)sh->sh_func);
	(*sh->sh_func)(sh->sh_arg);
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
	struct lwp *l;
	bool waiting;

	sc = arg;
	l = curlwp_get();
	for (;;) {
		kspin_enter(&sc->sc_lock);
		sc->sc_running = si = softint_next(sc);
		kspin_exit(&sc->sc_lock);
		if (si == NULL) {
			lwp_park(l);
			continue;
		}
		/*
		 * From here on it may be scheduled again.  Acquire: see what
		 * those did who found it pending; release: not before it was
		 * taken off the list.
		 */
		(void)atomic_swap_acq_rel(&si->si_pending, 0u);
		softint_run(l, si);
		kspin_enter(&sc->sc_lock);
		sc->sc_running = NULL;
		waiting = sc->sc_waiting;
		sc->sc_waiting = false;
		kspin_exit(&sc->sc_lock);
		/* si may be gone. */
		if (waiting)
			sleepq_wakeall(sc, SLEEPQ_SOFTINT);
	}
}

static void
softint_cpuinit(struct softcpu *sc)
{
	int level;

	atomic_store_relaxed(&sc->sc_lock.ks_locked, 0u);
	for (level = 0; level < SOFTINT_COUNT; level++) {
		sc->sc_first[level] = NULL;
		sc->sc_lastp[level] = &sc->sc_first[level];
	}
	sc->sc_running = NULL;
	sc->sc_waiting = false;
}

/*
 * Start the threads, when the first soft interrupt is established.
 */
static int
softint_start(void)
{
	struct softcpu *sc;
	char name[MAXCOMLEN];
	int error, i;

	mutex_enter(&softint_startlock);
	if (softint_cpus == NULL)
		softint_cpus = host_alloc((size_t)ncpu *
		    sizeof(*softint_cpus));
	error = softint_cpus == NULL;
	for (i = 0; error == 0 && i < ncpu; i++) {
		sc = &softint_cpus[i];
		if (sc->sc_lwp != NULL)
			continue;
		if (sc->sc_lastp[0] == NULL)
			softint_cpuinit(sc);
		(void)ksnprintf(name, sizeof(name), "softint/%d", i);
		error = lwp_create(&sc->sc_lwp, name, PRI_SOFTSERIAL,
		    cpu_lookup((unsigned)i), softint_thread, sc);
	}
	mutex_exit(&softint_startlock);
	return error;
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
	if (softint_start() != 0)
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
	if (KERN_CHECKING()) {
		wqcheck_sleepable_on("softint_disestablish", sh, "softint");
		lockdebug_wantwork("softint_disestablish", sh,
		    LOCKDEBUG_SITE());
	}
	l = curlwp_get();
	for (i = 0; i < ncpu; i++) {
		sc = &softint_cpus[i];
		si = &sh->sh_ints[i];
		for (;;) {
			sq = sleepq_enter(sc);
			kspin_enter(&sc->sc_lock);
			/* Acquire: see what the last run did. */
			busy = sc->sc_running == si ||
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
	host_free(sh);
}

__kern_public void
softint_schedule_cpu(void *cookie, struct cpu_info *ci)
{
	struct softhand *sh;
	struct softint *si;
	struct lwp *l;

	sh = cookie;
	si = &sh->sh_ints[ci->ci_index];
	/* Release: what we did before is seen by the run to come. */
	if (atomic_swap_acq_rel(&si->si_pending, SOFTINT_PENDING) ==
	    SOFTINT_PENDING)
		return;
	l = host_self();
	if (l == NULL || l->l_ipl < SOFTINT_IPL(sh->sh_level)) {
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
			if (SOFTINT_IPL(si->si_hand->sh_level) > l->l_ipl)
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
 * In a forked child the threads are not there; they are started again when a
 * soft interrupt is established.
 */
void
softint_fork(void)
{
	struct softcpu *sc;
	struct lwp *l;
	int i;

	if ((l = host_self()) != NULL)
		l->l_softpend = NULL;
	atomic_store_relaxed(&softint_startlock.mtx_owner, (uintptr_t)0);
	if (softint_cpus == NULL)
		return;
	for (i = 0; i < ncpu; i++) {
		sc = &softint_cpus[i];
		sc->sc_lwp = NULL;
		softint_cpuinit(sc);
	}
}
