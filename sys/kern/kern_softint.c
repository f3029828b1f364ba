/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * softint(9).
 *
 * Each CPU has threads for its soft interrupts, and a struct softcpu.  At most
 * one of the threads is the owner of the CPU (sc_owner).  kern_runq.c also has
 * an owner of each CPU, which is independent of this one.
 *
 * The owner calls the handlers of the soft interrupts that are pending on its
 * CPU, the highest level first.  If the owner has to sleep in a handler, it
 * hands the CPU to another thread.  When it wakes, it waits until it is the
 * owner again.  So:
 *
 *	At most one handler of a CPU runs.  All others that have begun are
 *	asleep, or wait until they own the CPU again.
 *
 *	No handler begins while one of a higher level can continue or begin.
 *
 *	No handler begins while another one of its level has not returned.
 *
 * At most one handler per level is active on a CPU, so one thread per level in
 * use is enough.  Any thread can run any level.  As long as no handler sleeps,
 * the same thread runs all of them and wakes no other thread.
 */

#include <host/host_probe.h>

#include <sys/intr.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_plant.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_softint.h"
#include "kern_spl.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_wqtrace.h"

#define	SOFTINT_DEAD	16	/* softhands kept after disestablishing */

/*
 * The value of si_pending while a soft interrupt is pending.  A forked child
 * has another value, so what was pending in the parent is not pending there.
 */
#define	SOFTINT_PENDING	(kern_forkgen + 1)

/*
 * The state of a thread of a CPU: l_softstate, under sc_lock.
 */
enum softthread {
	SOFTTHREAD_NEW,		/* has not begun, or is no thread of a CPU */
	SOFTTHREAD_IDLE,	/* is in sc_idle */
	SOFTTHREAD_OWNS,	/* is sc_owner */
	SOFTTHREAD_SLEEPS,	/* sleeps in a handler */
	SOFTTHREAD_BACK		/* has woken, and is in sc_back */
};

struct softcpu		*softint_cpus;	/* ncpu of them; written once, with
					   softint_startlock held */
static bool		softint_used[SOFTINT_COUNT]; /* (softint_startlock)
					   levels established so far */
static int		softint_nlevels; /* (a) levels in softint_used */
static int		softint_stopped; /* (a) threads must be started */
static struct softhand	*softint_dead[SOFTINT_DEAD]; /* (softint_startlock) */
static unsigned		softint_ndead;	/* (softint_startlock) */
KERN_MUTEX(softint_startlock);

#define	SOFTINT_IPL(level)	(IPL_SOFTCLOCK + (level))

/*
 * Return the highest level at which a handler could continue or begin, or -1.
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

static inline void
softint_setstate(struct lwp *l, enum softthread from, enum softthread to)
{

	KASSERT(l->l_softstate == (int)from);
	l->l_softstate = to;
}

/*
 * Before the call, the CPU has no owner, or the caller is the owner.  Choose
 * the thread that must run next, and make it the owner.  Return this thread, or
 * NULL if no thread can run: then the CPU has no owner.  If the new owner is
 * another thread, the caller releases the lock and then unparks that thread.
 */
static struct lwp *
softint_handover(struct softcpu *sc)
{
	struct lwp *l;
	int level;

	KSPIN_ASSERT(&sc->sc_lock);
	l = NULL;
	if ((level = softint_highest(sc)) >= 0) {
		if ((l = sc->sc_back[level]) != NULL) {
			sc->sc_back[level] = NULL;
			softint_setstate(l, SOFTTHREAD_BACK, SOFTTHREAD_OWNS);
		} else if (sc->sc_nidle != 0) {
			l = sc->sc_idle[--sc->sc_nidle];
			softint_setstate(l, SOFTTHREAD_IDLE, SOFTTHREAD_OWNS);
		}
		/* Otherwise a thread is being started, or will be. */
	}
	sc->sc_owner = l;
	return l;
}

/*
 * Post a soft interrupt to its CPU.  Call this from any context, except a
 * signal handler that the library did not install.
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
	/*
	 * If the CPU has an owner, wake nobody: the owner looks for more soft
	 * interrupts when its handler has returned.
	 */
	l = sc->sc_owner == NULL ? softint_handover(sc) : NULL;
	kspin_exit(&sc->sc_lock);
	/* si may be gone, but the CPU's threads still exist. */
	if (l != NULL)
		lwp_unpark(l);
}

/*
 * Take the next soft interrupt off its list.  The owner calls this.  Return
 * NULL if there is none, or if another thread must continue its handler first.
 */
static struct softint *
softint_take(struct softcpu *sc)
{
	struct softint *si;
	int level;

	KSPIN_ASSERT(&sc->sc_lock);
	if ((level = softint_highest(sc)) < 0 || sc->sc_back[level] != NULL)
		return NULL;
	si = sc->sc_first[level];
	sc->sc_first[level] = si->si_next;
	if (si->si_next == NULL)
		sc->sc_lastp[level] = &sc->sc_first[level];
	sc->sc_busy[level] = si;
	sc->sc_lwp[level] = sc->sc_owner;
	return si;
}

/*
 * Wait until the thread owns the CPU.
 */
static void
softint_await(struct softcpu *sc, struct lwp *l)
{

	KSPIN_ASSERT(&sc->sc_lock);
	while (sc->sc_owner != l) {
		kspin_exit(&sc->sc_lock);
		lwp_park(l);
		kspin_enter(&sc->sc_lock);
	}
}

/*
 * Hand the CPU to the next thread.  The calling thread runs a handler, is about
 * to sleep, and holds no kspin.
 */
static void
softint_sleep(struct lwp *l)
{
	struct softcpu *sc;
	struct lwp *next;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	KASSERT(sc->sc_owner == l);
	softint_setstate(l, SOFTTHREAD_OWNS, SOFTTHREAD_SLEEPS);
	next = softint_handover(sc);
	kspin_exit(&sc->sc_lock);
	if (next != NULL)
		lwp_unpark(next);
}

/*
 * The thread l sleeps in a handler.  If its CPU has no owner, make l the owner
 * and return true.  Another thread calls this before it hands l a lock.  If
 * this returns false, the caller must not hand the lock over, because the
 * sleeper would then wait for its CPU with the lock held.
 */
static bool
softint_claim(struct lwp *l)
{
	struct softcpu *sc;
	bool nobody;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	/* If l is still the owner, it is about to hand the CPU over. */
	nobody = sc->sc_owner == NULL;
	if (nobody) {
		softint_setstate(l, SOFTTHREAD_SLEEPS, SOFTTHREAD_OWNS);
		sc->sc_owner = l;
	}
	kspin_exit(&sc->sc_lock);
	return nobody;
}

/*
 * Wait until the thread owns its CPU again, after it has slept in a handler.
 */
static void
softint_wake(struct lwp *l)
{
	struct softcpu *sc;

	sc = l->l_softcpu;
	kspin_enter(&sc->sc_lock);
	if (sc->sc_owner == NULL) {
		softint_setstate(l, SOFTTHREAD_SLEEPS, SOFTTHREAD_OWNS);
		sc->sc_owner = l;
	} else if (sc->sc_owner != l) {
		softint_setstate(l, SOFTTHREAD_SLEEPS, SOFTTHREAD_BACK);
		sc->sc_back[l->l_softintr - 1] = l;
	}
	softint_await(sc, l);
	kspin_exit(&sc->sc_lock);
}

static const struct lwp_switch softint_switch = {
	.ls_sleep = softint_sleep,
	.ls_wake = softint_wake,
	.ls_claim = softint_claim,
};

static void
softint_check_return(const struct lwp *l, const struct softhand *sh,
    int biglocks)
{
	struct context cx = { SOFTINT_IPL(sh->sh_level), biglocks, 0 };
	const void *f;

	f = (const void *)(uintptr_t)sh->sh_func;
	lockdebug_call_end("softint", sh, f, 0);
	context_check(l, &cx, "%s: function %pF returned",
	    lockdebug_text(sh, "softint"), f);
}

/*
 * Call the handler in checking mode, while a tool watches, or with a trace.
 */
static __kern_noinline void
softint_call_slow(const struct softhand *sh, const struct softint *si,
    uint64_t from)
{

	KERN_CHECK((void)lockdebug_call_begin(sh, si, (uintptr_t)sh->sh_func));
	KERN_AFTER(si);
	if (KERN_TRACING())
		wqtrace_call(from, si, "softint", sh->sh_func, sh->sh_arg);
	else
		(*sh->sh_func)(sh->sh_arg);
	KERN_BEFORE(sh);
}

static void
softint_run(struct lwp *l, const struct softint *si, uint64_t from)
{
	const struct softhand *sh;
	unsigned forkgen;
	bool biglock, own;

	sh = si->si_hand;
	biglock = (sh->sh_flags & SOFTINT_MPSAFE) == 0;
	forkgen = kern_forkgen;
	l->l_softintr = 1 + sh->sh_level;
	atomic_store_relaxed(&l->l_ipl, SOFTINT_IPL(sh->sh_level));
	section_enter();
	if (biglock)
		wqk_kernel_lock(1);
	own = oncpu_used();
	if (own)
		oncpu_enter(l);
	HOST_PROBE4(sdt, kernel__softint__entry, sh, sh->sh_func, sh->sh_arg,
	    si);
	if (KERN_SLOW())
		softint_call_slow(sh, si, from);
	else
		(*sh->sh_func)(sh->sh_arg);
	HOST_PROBE4(sdt, kernel__softint__return, sh, sh->sh_func, sh->sh_arg,
	    si);
	if (forkgen != kern_forkgen)
		panic("softint: function %pF returned in a child of its "
		    "process", (void *)(uintptr_t)sh->sh_func);
	KERN_CHECK(softint_check_return(l, sh, biglock));
	if (own)
		oncpu_exit(l);
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
	uint64_t from;
	int level;
	bool waiting;

	sc = arg;
	l = curlwp_get();
	l->l_softcpu = sc;
	l->l_switch = &softint_switch;
	kspin_enter(&sc->sc_lock);
	for (;;) {
		while (sc->sc_owner == l && (si = softint_take(sc)) != NULL) {
			kspin_exit(&sc->sc_lock);
			/*
			 * From here on the soft interrupt may be scheduled
			 * again.  Acquire: observe the stores of the threads
			 * that found it pending.  Release: a thread that
			 * schedules it again sees that it is off the list.
			 */
			from = KERN_TRACING() ? wqtrace_take(si) : 0;
			if (!KERN_BUG(SOFTINT))
				(void)atomic_swap_acq_rel(&si->si_pending, 0u);
			level = si->si_hand->sh_level;
			softint_run(l, si, from);
			if (KERN_BUG(SOFTINT))
				(void)atomic_swap_acq_rel(&si->si_pending, 0u);
			kspin_enter(&sc->sc_lock);
			/* si may be gone as soon as the lock is released. */
			sc->sc_busy[level] = NULL;
			sc->sc_ndone[level]++;
			waiting = sc->sc_waiting;
			sc->sc_waiting = false;
			if (waiting) {
				kspin_exit(&sc->sc_lock);
				sleepq_wakeall(sc, SLEEPQ_SOFTINT);
				kspin_enter(&sc->sc_lock);
			}
		}
		/* A new thread does not own the CPU. */
		softint_setstate(l, sc->sc_owner == l ? SOFTTHREAD_OWNS :
		    SOFTTHREAD_NEW, SOFTTHREAD_IDLE);
		KASSERT(sc->sc_nidle < sc->sc_nthreads);
		sc->sc_idle[sc->sc_nidle++] = l;
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
 * Start threads until each CPU has n of them.
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
			error = lwp_create_shared(&l, name, PRI_SOFTSERIAL,
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
 * Prepare a level for a soft interrupt that is being established.  Return 0, or
 * 1 on failure.
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
 * Start the threads again in a forked child, unless another thread is doing so
 * or has done so.
 *
 * In an interrupt handler, and while the thread holds handlers back (l_kspin),
 * do nothing.  The soft interrupts that are scheduled meanwhile wait until this
 * function is called in another context.
 */
static __kern_noinline void
softint_restart(const char *func)
{
	struct lwp *l;
	int error, one;

	if ((l = host_self()) != NULL && (l->l_intrdepth != 0 ||
	    l->l_kspin != 0))
		return;
	/* The fork handlers may not have run in this child. */
	kern_init();
	kern_fork_catchup();
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

	if (__predict_false(atomic_load_relaxed(&softint_stopped) != 0 ||
	    kern_forkgen == 0))
		softint_restart(func);
}

/* In checking mode, panic if the soft interrupt is disestablished. */
static inline void
softint_check_alive(const char *func, const struct softhand *sh)
{

	if (KERN_CHECKING() && atomic_load_relaxed(&sh->sh_dead) != 0)
		panic("%s: soft interrupt %p, function %pF, is disestablished",
		    func, (const void *)sh, (void *)(uintptr_t)sh->sh_func);
}

__kern_public void *
softint_establish(unsigned int flags, void (*func)(void *), void *arg)
{
	struct softhand *sh;
	int i;

	kern_init();
	kern_fork_catchup();
	if ((flags & ~(unsigned int)(SOFTINT_MPSAFE | SOFTINT_LVLMASK)) != 0 ||
	    (flags & SOFTINT_LVLMASK) >= SOFTINT_COUNT || func == NULL)
		return NULL;
	KERN_CHECK(context_check_sleep("softint_establish"));
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
	KERN_CHECK(lockdebug_make("softint_establish", sh, "softint", NULL,
	    LOCKDEBUG_RUN, NULL, LOCKDEBUG_SITE()));
	return sh;
}

/*
 * Free a soft interrupt.  In checking mode, keep it for now and free the one
 * that has been kept longest.
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
 * Remove a soft interrupt.  Wait until it is neither pending nor running on any
 * CPU.
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
	/*
	 * Read sc_busy without sc_lock.  While this thread runs a handler, the
	 * entry for the handler's level does not change.
	 */
	if (l->l_softcpu != NULL && l->l_softintr != 0 && (si =
	    l->l_softcpu->sc_busy[l->l_softintr - 1]) != NULL &&
	    si->si_hand == sh)
		panic("softint_disestablish: function %pF disestablishes its "
		    "own soft interrupt", (void *)(uintptr_t)sh->sh_func);
	if (KERN_CHECKING()) {
		context_check_sleep_on("softint_disestablish", sh, "softint");
		lockdebug_maywait("softint_disestablish", sh,
		    LOCKDEBUG_SITE());
	}
	softint_need_threads("softint_disestablish");
	for (i = 0; i < ncpu; i++) {
		sc = &softint_cpus[i];
		si = &sh->sh_ints[i];
		for (;;) {
			sq = sleepq_enter(sc);
			kspin_enter(&sc->sc_lock);
			/* Acquire: observe what the last run did. */
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
			KERN_CHECK(lockdebug_wait_begin("softint_disestablish",
			    sh, si, NULL));
			(void)sleepq_block(l, HOST_FOREVER);
			KERN_CHECK(lockdebug_wait_end());
		}
		sleepq_exit(sq);
	}
	KERN_CHECK(lockdebug_end(sh));
	softint_free(sh);
}

/*
 * Return the highest IPL that the thread masks for soft interrupts.  If the
 * thread schedules a soft interrupt of this IPL or a lower one, the soft
 * interrupt waits until the thread lowers its level.  The result is the level
 * of the thread, with one exception.
 *
 * A thread that runs a soft interrupt, and has not raised its level further,
 * holds none back.  Until it sleeps, no other soft interrupt can begin on its
 * CPU anyway.  When it sleeps, the soft interrupts that it has scheduled must
 * be on the list of the CPU, so that they can begin.
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
	KERN_BEFORE(si);
	/* Release: the next run sees our stores. */
	if (atomic_swap_acq_rel(&si->si_pending, SOFTINT_PENDING) ==
	    SOFTINT_PENDING)
		return;
	HOST_PROBE3(sdt, kernel__softint__schedule, sh, ci, si);
	if (KERN_TRACING())
		wqtrace_enqueue(si, "softint");
	l = host_self();
	if (l == NULL || softint_mask(l) < SOFTINT_IPL(sh->sh_level)) {
		softint_post(si);
		return;
	}
	/*
	 * The level of the caller masks the soft interrupt, so the caller's
	 * splx() will post it.
	 */
	handler_hold(l);
	si->si_next = l->l_softpend;
	l->l_softpend = si;
	handler_release(l);
}

__kern_public void
softint_schedule(void *cookie)
{

	softint_schedule_cpu(cookie, cpu_hint(host_self()));
}

/*
 * Post the soft interrupts that the level of the thread no longer masks, in the
 * order in which they were scheduled.
 */
void
softint_splx(struct lwp *l)
{
	struct softint *si, **sip, **lastp;

	/*
	 * Keep interrupt handlers off this thread until the end of this
	 * function.  The caller then runs the handlers of the interrupts that
	 * have arrived, and calls this again for the soft interrupts that those
	 * handlers schedule.
	 */
	handler_hold(l);
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
 * Reset the soft interrupts in a forked child.  Nothing is pending or active,
 * and the threads do not exist.  They start again when they are needed.
 */
void
softint_fork(struct lwp *l)
{
	int i;

	if (l != NULL) {
		l->l_softpend = NULL;
		/* If a handler forked, it owns no CPU in the child. */
		l->l_softcpu = NULL;
		l->l_softstate = SOFTTHREAD_NEW;
		l->l_switch = NULL;
	}
	if (softint_cpus == NULL)
		return;
	for (i = 0; i < ncpu; i++)
		softint_cpuinit(&softint_cpus[i]);
	atomic_store_relaxed(&softint_stopped,
	    atomic_load_relaxed(&softint_nlevels) != 0);
}
