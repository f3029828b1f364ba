/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Threads.  The library creates some of them.  It adopts any other thread when
 * the thread first calls a function that may sleep.
 */

#include <errno.h>
#include <limits.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "subr_cpu.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

#include <sys/proc.h>

/*
 * The key of the thread in which the library started, until this thread is
 * adopted; then 0.  Only this thread writes it.
 */
static uintptr_t	lwp_zerokey;

static void	(*lwp_hooks[LWP_NEVENTS])(struct lwp *);

/* kern_intrthread.c sets and clears this hook. */
void		(*lwp_sleephook)(struct lwp *);	/* (a) */

/*
 * Register a function to be called at an event of each thread.  Call this only
 * while the library starts.
 */
void
lwp_hook(enum lwp_event ev, void (*func)(struct lwp *))
{

	KASSERT(lwp_hooks[ev] == NULL);
	lwp_hooks[ev] = func;
}

static void
lwp_event(enum lwp_event ev, struct lwp *l)
{

	if (lwp_hooks[ev] != NULL)
		(*lwp_hooks[ev])(l);
}

static void
lwp_reset(struct lwp *l, int lid)
{

	atomic_store_relaxed(&l->l_ipl, IPL_NONE);
	l->l_blcnt = 0;
	l->l_kspin = 0;
	atomic_store_relaxed(&l->l_mtxcount, 0);
	atomic_store_relaxed(&l->l_mtxoldspl, IPL_NONE);
	atomic_store_relaxed(&l->l_stray, 0);
	l->l_intrdepth = 0;
	l->l_softintr = 0;
	l->l_switch = NULL;
	l->l_softcpu = NULL;
	l->l_softstate = 0;
	l->l_softpend = NULL;
	/*
	 * Do not reset l_ipending.  xc_barrier() may have found the last thread
	 * of this record in a section, and may have set a bit here since.
	 * xc_barrier() waits until a thread answers the bit.
	 *
	 * Do not reset l_iheld, which is 0, or l_iwatched, which belongs to the
	 * watcher: see kern_intrthread.c.
	 */
	atomic_store_relaxed(&l->l_nopreempt, 0);
	l->l_own = 0;
	l->l_mtxbelow = 0;
	atomic_store_relaxed(&l->l_cpuwait, false);
	/* Let threads begin on different CPUs. */
	l->l_oncpu = &oncpu_cpus[ncpu == 0 ? 0 : lid % ncpu];
	l->l_proc = wqk_proc0();
	l->l_name = l->l_proc->p_comm;
	l->l_wmesg = NULL;
	l->l_lid = lid;
	l->l_forkgen = kern_forkgen;
	l->l_forking = false;
	l->l_flag = 0;
	l->l_pflag = 0;
	l->l_mutex = (kmutex_t)MUTEX_INITIALIZER(IPL_SCHED);
	l->l_curwork = NULL;
	atomic_store_relaxed(&l->l_specific, NULL);
	l->l_psrefs = NULL;
	l->l_psread = 0;
	l->l_detached = false;
	atomic_store_relaxed(&l->l_kthread, 0);
	l->l_cpu = NULL;
	l->l_wqq = NULL;
	l->l_wqouter = NULL;
	atomic_store_relaxed(&l->l_subitem, NULL);
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
	struct lwp *l;
	int lid;

	if ((l = lwp_get(&lid)) == NULL)
		return NULL;
	lwp_reset(l, lid);
	lwp_setstate(l, LWP_NEW);
	lwp_event(LWP_MADE, l);
	return l;
}

static void
lwp_free(struct lwp *l)
{

	if (l == &lwp_zero)
		return;
	lwp_event(LWP_FREED, l);
	lwp_put(l);
}

/*
 * Initialise this file.  The thread in which the library starts calls this
 * once.
 */
void
lwp_init(void)
{

	lwp_reset(&lwp_zero, lwp_pool_init());
	lwp_setstate(&lwp_zero, LWP_NEW);
	lwp_zerokey = host_selfkey();
}

__kern_public struct lwp *
wqk_curlwp(void)
{

	return curlwp_get();
}

/*
 * Adopt the calling thread: give it a struct lwp.  lwp_exit() frees the struct
 * when the thread ends.
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
	lwp_setstate(l, LWP_RUNS);
	l->l_adopted = true;
	l->l_forkgen = kern_forkgen;
	atomic_store_relaxed(&l->l_hosttid, host_tid());
	atomic_store_relaxed(&l->l_pri_inforce, MAXPRI_USER);
	host_setself(l);
	if (host_attach(l) != 0)
		panic("curlwp: cannot be notified of this thread's end");
	return l;
}

/*
 * Make an ending thread leave its sections and give up its CPU, so that no
 * other thread waits for it.
 */
static void
lwp_offcpu(struct lwp *l)
{

	atomic_store_release(&l->l_nopreempt, 0);
	atomic_store_release(&l->l_mtxcount, 0);
	(void)atomic_fetch_and_relaxed(&l->l_ipending, ~LWP_LEVELOWN);
	l->l_own = 0;
	oncpu_release(l);
}

static void
lwp_quit(struct lwp *l)
{

	lwp_event(LWP_ENDS, l);
	KASSERTMSG(l->l_blcnt == 0, "thread ends holding the kernel lock");
	lwp_event(LWP_ENDED, l);
	lwp_offcpu(l);
	lwp_event(LWP_OFFCPU, l);
	lwp_setstate(l, LWP_DEAD);
	host_setself(NULL);
}

/*
 * Handle the end of an adopted thread.  The host calls this in the ending
 * thread.  Panic if the library created the thread: then the thread's function
 * has ended the thread, instead of returning.
 */
void
lwp_exit(void *self)
{
	struct lwp *l;

	l = self;
	if (!l->l_adopted) {
		/* A thread that waits for this one would wait forever. */
		lwp_event(LWP_LOST, l);
		panic("thread \"%s\" (%d) was ended by its function, which "
		    "must return", l->l_name, l->l_lid);
	}
	lwp_quit(l);
	lwp_free(l);
}

/*
 * Return the priority that corresponds to the host's scheduling of the calling
 * thread.  This reverses lwp_setpri(), except that all nice values from 0 to 19
 * become MAXPRI_USER, and all real-time levels become PRI_USER_RT.
 */
static pri_t
lwp_hostpri(void)
{
	bool rt;
	int level;

	host_getsched(&rt, &level);
	if (rt)
		return PRI_USER_RT;
	if (level > 19)
		return PRI_IDLE;
	return level >= 0 ? MAXPRI_USER : PRI_KERNEL +
	    (-level - 1) * (MAXPRI_KTHREAD - PRI_KERNEL) / 19;
}

/*
 * Apply the requested priority to the calling thread.  Return the priority that
 * the host gave it.  Priorities up to MAXPRI_USER, and PRI_NONE, run at nice 0.
 * Kernel priorities run at nice -1 to -20.  Real-time priorities run at nice
 * -20 or, on request, in the round-robin class.
 *
 * Nice 0 here stands for the nice value of the thread's creator.  If the thread
 * serves the whole process (l_shared), nice 0 stands for the nice value of the
 * process.  If the creator has a kernel priority (l_raised), the thread gets
 * the nice value that the creator itself inherited (l_nice).
 */
static pri_t
lwp_setpri(struct lwp *l)
{
	bool rt;
	int level;
	pri_t inforce, pri;

	pri = l->l_priority;
	if (l->l_shared)
		host_sched_process();
	host_getsched(&rt, &level);
	/* level is the nice value, or a real-time priority. */
	if (!l->l_raised)
		l->l_nice = rt ? 0 : level;
	if (pri >= PRI_KERNEL) {
		if (pri >= PRI_USER_RT && kern_realtime && host_setsched(true,
		    1 + (pri - PRI_USER_RT) * 98 / (PRI_COUNT - 1 -
		    PRI_USER_RT)) == 0)
			return pri;
		level = pri >= PRI_USER_RT ? -20 :
		    -1 - (pri - PRI_KERNEL) * 19 / (MAXPRI_KTHREAD -
		    PRI_KERNEL);
		if (host_setsched(false, level) == 0)
			return pri >= PRI_USER_RT ? MAXPRI_KTHREAD : pri;
		/* The host refuses: the inherited scheduling stays in force. */
		return lwp_hostpri();
	}
	/* A thread does not inherit real-time scheduling. */
	if (l->l_raised)
		(void)host_setsched(false, l->l_nice);
	else if (rt)
		(void)host_setsched(false, 0);
	/*
	 * If the host still schedules the thread as real-time or idle, return
	 * the priority that corresponds to that.  Otherwise return the
	 * requested priority.
	 */
	inforce = lwp_hostpri();
	if (inforce == PRI_USER_RT || inforce == PRI_IDLE)
		return inforce;
	return pri == PRI_NONE ? MAXPRI_USER : pri;
}

/*
 * End a thread that the library created.  This is the thread's last call.
 */
static void
lwp_end(struct lwp *l)
{

	lwp_quit(l);
	/*
	 * If the thread is not detached, l now belongs to the joining thread.
	 */
	if (l->l_detached) {
		host_thread_detach(&l->l_thread);
		lwp_free(l);
	}
}

/*
 * End the calling thread, which the library created, without returning to its
 * first function.
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
	lwp_setstate(l, LWP_RUNS);
	atomic_store_relaxed(&l->l_hosttid, host_tid());
	host_setself(l);
	atomic_store_relaxed(&l->l_pri_inforce, lwp_setpri(l));
	/* A thread may be waiting in lwp_inforce(). */
	sleepq_wakeall(&l->l_pri_inforce, SLEEPQ_LWP);
	(*l->l_func)(l->l_arg);
	lwp_end(l);
}

/*
 * Create a thread, which lwp_run() then starts.  If shared is true, the thread
 * serves the whole process, and not only the caller, which is the first to need
 * it.  Return NULL if there is no memory.
 *
 * In a forked child in which the library has not started yet, this function
 * starts the library, which then forgets all threads.  So a caller that counts
 * the new thread beforehand, or records that it exists, must first call
 * kern_fork_catchup().
 */
struct lwp *
lwp_new(const char *name, pri_t pri, struct cpu_info *ci,
    void (*func)(void *), void *arg, bool shared)
{
	struct lwp *l, *self;

	kern_fork_catchup();
	if ((l = lwp_alloc()) == NULL)
		return NULL;
	l->l_priority = pri;
	self = host_self();
	l->l_shared = shared;
	l->l_raised = !shared && self != NULL && !self->l_adopted &&
	    self->l_priority >= PRI_KERNEL;
	if (l->l_raised)
		l->l_nice = self->l_nice;
	oncpu_bind(l, ci);
	l->l_flag = LW_SYSTEM | (ci != NULL ? LW_BOUND : 0);
	l->l_pflag = ci != NULL ? LP_BOUND : 0;
	(void)ksnprintf(l->l_namebuf, sizeof(l->l_namebuf), "%s", name);
	l->l_name = l->l_namebuf;
	l->l_func = func;
	l->l_arg = arg;
	return l;
}

/*
 * Start a thread.  If lp is not NULL, store the thread there before it starts,
 * because it may end before this function returns.  Return 0 or an errno value.
 * After an error the thread's record is free.
 */
int
lwp_run(struct lwp *l, struct lwp **lp)
{
	int error;

	if (lp != NULL)
		*lp = l;
	/* After success, l may already be another thread's record. */
	error = host_thread_create(&l->l_thread, lwp_start, l, l->l_namebuf,
	    l->l_cpu != NULL && cpu_bindok ? l->l_cpu->ci_hostid : -1);
	if (error != 0) {
		if (lp != NULL)
			*lp = NULL;
		lwp_free(l);
	}
	return error;
}

/*
 * Create and start a thread.  Return 0 or an errno value.
 */
int
lwp_create(struct lwp **lp, const char *name, pri_t pri, struct cpu_info *ci,
    void (*func)(void *), void *arg)
{
	struct lwp *l;

	l = lwp_new(name, pri, ci, func, arg, false);
	return l != NULL ? lwp_run(l, lp) : ENOMEM;
}

int
lwp_create_shared(struct lwp **lp, const char *name, pri_t pri,
    struct cpu_info *ci, void (*func)(void *), void *arg)
{
	struct lwp *l;

	l = lwp_new(name, pri, ci, func, arg, true);
	return l != NULL ? lwp_run(l, lp) : ENOMEM;
}

/*
 * Lower the level of a thread that is about to sleep.  Return the old level.
 * If the thread holds interrupts back, they run now.  Interrupts that arrive
 * during the sleep run at once, on top of the thread.
 *
 * A thread that holds a spin mutex keeps its level.  Otherwise a handler on top
 * of the thread could spin for the mutex forever.  Such a sleep is an error
 * anyway.
 */
int
spl_open(struct lwp *l)
{
	int s;

	s = l->l_ipl;
	if (__predict_true(s == IPL_NONE) || l->l_mtxcount != 0 ||
	    l->l_kspin != 0 || l->l_intrdepth != 0)
		return s;
	atomic_signal_barrier();
	lwp_setipl(l, IPL_NONE);
	atomic_signal_barrier();
	intr_deliver(l);
	return s;
}

/*
 * Wait until a thread has ended, and free it.
 */
void
lwp_join(struct lwp *l)
{
	struct oncpu_asleep oa;
	struct lwp *self;
	int s;

	self = curlwp_get();
	oncpu_sleep(self, &oa);
	s = spl_open(self);
	host_thread_join(&l->l_thread);
	spl_shut(self, s);
	oncpu_wake(self, &oa);
	KASSERT(l->l_state == LWP_DEAD);
	lwp_free(l);
}

/*
 * Sleep until another thread gives the calling thread its token.  This is for
 * callers without a wait channel.  The sleep may end early.
 */
__kern_hot void
lwp_park(struct lwp *l)
{

	(void)lwp_timedpark(l, HOST_FOREVER);
}

/*
 * Sleep like lwp_park(), but not beyond a deadline.  Return 0 or ETIMEDOUT.
 */
__kern_hot int
lwp_timedpark(struct lwp *l, int64_t deadline)
{
	struct oncpu_asleep oa;
	void (*hook)(struct lwp *);
	int error, s;

	/* In a forked child, start the interrupt threads that are missing. */
	if (__predict_false((hook = atomic_load_relaxed(&lwp_sleephook)) !=
	    NULL))
		(*hook)(l);
	oncpu_sleep(l, &oa);
	s = spl_open(l);
	error = host_park(&l->l_park, deadline);
	spl_shut(l, s);
	oncpu_wake(l, &oa);
	return error;
}

/*
 * Return the priority that the host gave to a thread of the library's.  Wait
 * until the thread has started.
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
 * Mark the calling thread as a thread of this process, in a forked child.  The
 * other threads stay marked as the parent's.
 */
void
lwp_fork_self(struct lwp *l)
{

	if (l != NULL)
		l->l_forkgen = kern_forkgen;
}
