/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Tasklets of Linux, on softint(9).
 *
 * Each CPU has a list of tasklets, and a soft interrupt that calls them one
 * after the other.  The state of a tasklet tells the owner:
 *
 *	SCHED without RUN	it is on a list, or PARKED, or the thread that
 *				set SCHED is about to put it on a list
 *	RUN			a soft interrupt calls it; if SCHED is set, too,
 *				the tasklet must be called once more
 *
 * If a thread schedules a running tasklet, the soft interrupt that runs the
 * tasklet puts it on a list afterwards.  So a tasklet never runs on two CPUs at
 * once.  If a tasklet is disabled when its turn comes, the soft interrupt parks
 * it.  The thread that enables a parked tasklet puts it on a list.
 *
 * In a forked child no tasklet is scheduled or running, whatever its state was
 * in the parent.  The fork may come at any moment, so the child cannot find all
 * these tasklets.  Instead, the state has the generation of the process that
 * set its bits.  Bits of another generation are ignored.
 */

#include <errno.h>
#include <string.h>

#include "linux_var.h"

#include <sys/cpu.h>
#include <sys/intr.h>

#include <linux/interrupt.h>

/* __tk_state */
#define	LWQ_TK_SCHED	0x01u
#define	LWQ_TK_RUN	0x02u
#define	LWQ_TK_PARKED	0x04u	/* was disabled at its turn */
#define	LWQ_TK_KILL	0x08u	/* tasklet_kill() waits for it */
#define	LWQ_TK_BITS	0x0fu	/* all of these */
#define	LWQ_TK_GEN	0x10u	/* 1 in the generation */
#define	LWQ_TK_GENS	(LWQ_TK_COUNT - LWQ_TK_GEN)
#define	LWQ_TK_COUNT	_LWQ_TASKLET_DISABLED
#define	LWQ_TK_COUNTS	(~(LWQ_TK_COUNT - 1))

#define	LWQ_TK_LEVELS	2	/* the second has high priority */

struct lwq_tcpu {
	kmutex_t	 tc_lock;	/* spin, at IPL_HIGH */
	struct cpu_info	*tc_cpu;
	void		*tc_softint;
	unsigned int	 tc_n;		/* (tc_lock) on both lists */
	struct tasklet_struct *tc_first[LWQ_TK_LEVELS];	/* (tc_lock) */
	struct tasklet_struct *tc_last[LWQ_TK_LEVELS];	/* (tc_lock) */
};

static struct lwq_tcpu	*lwq_tcpus;	/* ncpu of them; NULL until started */
static int		lwq_tstarted;	/* (a) lwq_tcpus is complete */
static unsigned int	lwq_tgen;	/* generation; changes in a child */
static ONCE_DECL(lwq_tonce);

/* Threads that wait for a tasklet's state. */
KERN_MUTEX_IPL(lwq_tlock, IPL_HIGH);
static kcondvar_t	lwq_tcv = { .cv_wmesg = "tasklet" };
static unsigned int	lwq_twaiters;	/* (a) */

static void	lwq_tasklets(void *);

/*
 * Return the state of a tasklet as this process sees it.  A parked tasklet
 * stays parked.
 */
static unsigned int
lwq_tasklet_state(unsigned int s)
{

	if ((s & LWQ_TK_GENS) == lwq_tgen)
		return s;
	s &= LWQ_TK_COUNTS | LWQ_TK_BITS;
	s &= (s & LWQ_TK_PARKED) != 0 ? ~(LWQ_TK_RUN | LWQ_TK_KILL) :
	    ~LWQ_TK_BITS;
	return s | lwq_tgen;
}

static int
lwq_tasklet_startup(void)
{
	struct lwq_tcpu *tc;
	size_t size;
	int i;

	size = (size_t)ncpu * sizeof(*tc);
	if ((lwq_tcpus = kmem_zalloc(size, KM_NOSLEEP)) == NULL)
		return ENOMEM;
	for (i = 0; i < ncpu; i++) {
		tc = &lwq_tcpus[i];
		mutex_init(&tc->tc_lock, MUTEX_NODEBUG, IPL_HIGH);
		tc->tc_cpu = wqk_cpu_lookup((unsigned int)i);
		tc->tc_softint = softint_establish(SOFTINT_CLOCK |
		    SOFTINT_MPSAFE, lwq_tasklets, tc);
		if (tc->tc_softint == NULL)
			break;
		wqpool_keep(tc->tc_softint);
	}
	if (i < ncpu) {
		while (i-- > 0)
			softint_disestablish(lwq_tcpus[i].tc_softint);
		kmem_free(lwq_tcpus, size);
		return ENOMEM;
	}
	/* Release: publish them to threads that schedule. */
	atomic_store_release(&lwq_tstarted, 1);
	return 0;
}

/*
 * Establish the soft interrupts, in a thread.
 */
bool
lwq_tasklet_start(void)
{

	return RUN_ONCE(&lwq_tonce, lwq_tasklet_startup) == 0;
}

static void
lwq_tasklet_need(const struct tasklet_struct *t, const char *func)
{

	wqpool_fork_catchup();
	if (__predict_true(atomic_load_acquire(&lwq_tstarted) != 0))
		return;
	if (in_interrupt())
		wqk_panic("%s: a handler schedules the first tasklet, %p: "
		    "call tasklet_init() in a thread", func,
		    (const void *)t);
	if (!lwq_tasklet_start())
		wqk_panic("%s: cannot start the soft interrupts", func);
	/*
	 * The first scheduled tasklet may be one that was only declared.
	 */
	lwq_events_prepare(t->callback == NULL);
}

__lwq_public void
lwq_tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long),
    unsigned long data, void (*callback)(struct tasklet_struct *))
{

	t->next = NULL;
	t->func = func;
	t->data = data;
	t->callback = callback;
	lwq_tasklet_need(t, "tasklet_init");
	lwq_events_prepare(callback == NULL);
	t->__tk_level = 0;
	atomic_store_relaxed(&t->__tk_state, 0u);
}

/*
 * Append a tasklet, which the caller owns, to this CPU's list.  The caller
 * gives up the ownership.
 */
static void
lwq_tasklet_push(struct tasklet_struct *t)
{
	struct lwq_tcpu *tc;
	unsigned int level;

	tc = &lwq_tcpus[cpu_index(curcpu())];
	level = t->__tk_level;
	mutex_enter(&tc->tc_lock);
	t->next = NULL;
	if (tc->tc_first[level] == NULL)
		tc->tc_first[level] = t;
	else
		tc->tc_last[level]->next = t;
	tc->tc_last[level] = t;
	tc->tc_n++;
	mutex_exit(&tc->tc_lock);
	/* From here on the tasklet may run and be freed. */
	softint_schedule_cpu(tc->tc_softint, tc->tc_cpu);
}

/*
 * Remove the first tasklet from the lists of a CPU, or return NULL.
 */
static struct tasklet_struct *
lwq_tasklet_pop(struct lwq_tcpu *tc)
{
	struct tasklet_struct *t;
	unsigned int level;

	for (level = LWQ_TK_LEVELS; level-- > 0;)
		if ((t = tc->tc_first[level]) != NULL) {
			tc->tc_first[level] = t->next;
			tc->tc_n--;
			return t;
		}
	return NULL;
}

/*
 * Wake the threads that wait for a tasklet's state.  The caller changes the
 * state and then reads lwq_twaiters.  A waiter changes lwq_twaiters and then
 * reads the state.  Seq_cst: at least one of the two sees the other's store.
 */
static void
lwq_tasklet_tell(void)
{

	if (atomic_load_seq_cst(&lwq_twaiters) == 0)
		return;
	mutex_enter(&lwq_tlock);
	cv_broadcast(&lwq_tcv);
	mutex_exit(&lwq_tlock);
}

static void
lwq_tasklet_run(struct tasklet_struct *t)
{
	unsigned int gen, new, s;

	gen = lwq_tgen;
	s = atomic_load_relaxed(&t->__tk_state);
	do {
		new = (s & LWQ_TK_COUNTS) != 0 ? s | LWQ_TK_PARKED :
		    (s & ~LWQ_TK_SCHED) | LWQ_TK_RUN;
		/* From here on the tasklet may be scheduled again. */
	} while (!atomic_cas_seq_cst(&t->__tk_state, &s, new));
	if ((new & LWQ_TK_PARKED) != 0) {
		lwq_tasklet_tell();
		return;
	}
	if (t->callback != NULL)
		(*t->callback)(t);
	else
		(*t->func)(t->data);

	/* The function may have forked, and this may be the child. */
	if (gen != lwq_tgen)
		return;
	s = atomic_fetch_and_seq_cst(&t->__tk_state, ~LWQ_TK_RUN);
	/* If the tasklet was not scheduled meanwhile, it may be gone. */
	if ((s & LWQ_TK_SCHED) != 0)
		lwq_tasklet_push(t);
	lwq_tasklet_tell();
}

/*
 * The soft interrupt of a CPU: run the tasklets of the CPU that are on a list
 * now.  A thread that adds a tasklet later schedules the soft interrupt again.
 */
static void
lwq_tasklets(void *arg)
{
	struct tasklet_struct *t;
	struct lwq_tcpu *tc;
	unsigned int n;

	tc = arg;
	mutex_enter(&tc->tc_lock);
	n = tc->tc_n;
	while (n-- > 0 && (t = lwq_tasklet_pop(tc)) != NULL) {
		mutex_exit(&tc->tc_lock);
		lwq_tasklet_run(t);
		mutex_enter(&tc->tc_lock);
	}
	mutex_exit(&tc->tc_lock);
}

__lwq_public void
lwq_tasklet_schedule(struct tasklet_struct *t, unsigned int level)
{
	unsigned int new, old, s;

	lwq_tasklet_need(t, "tasklet_schedule");
	old = atomic_load_relaxed(&t->__tk_state);
	do {
		s = lwq_tasklet_state(old);
		new = (s & LWQ_TK_KILL) != 0 ? s : s | LWQ_TK_SCHED;
		/*
		 * Seq_cst, even if nothing changes: the tasklet's next run sees
		 * what the caller did before.
		 */
	} while (!atomic_cas_seq_cst(&t->__tk_state, &old, new));
	if (new == s || (s & LWQ_TK_RUN) != 0)
		return;
	t->__tk_level = level;
	lwq_tasklet_push(t);
}

__lwq_public void
tasklet_disable_nosync(struct tasklet_struct *t)
{

	(void)atomic_fetch_add_seq_cst(&t->__tk_state, LWQ_TK_COUNT);
}

__lwq_public void
tasklet_enable(struct tasklet_struct *t)
{
	unsigned int new, old, s;

	wqpool_fork_catchup();
	old = atomic_load_relaxed(&t->__tk_state);
	do {
		s = lwq_tasklet_state(old);
		if ((s & LWQ_TK_COUNTS) == 0)
			wqk_panic("tasklet_enable: tasklet %p is not disabled",
			    (void *)t);
		new = s - LWQ_TK_COUNT;
		if ((new & LWQ_TK_COUNTS) == 0)
			new &= ~LWQ_TK_PARKED;
	} while (!atomic_cas_seq_cst(&t->__tk_state, &old, new));
	if ((s & ~new & LWQ_TK_PARKED) != 0)
		lwq_tasklet_push(t);
}

/*
 * Wait until none of the given bits is set.
 */
static void
lwq_tasklet_wait(struct tasklet_struct *t, unsigned int bits, const char *func)
{
	unsigned int old, s;

	if (in_interrupt())
		wqk_panic("%s: tasklet %p: called in a soft interrupt or an "
		    "interrupt", func, (void *)t);
	wqpool_fork_catchup();
	mutex_enter(&lwq_tlock);
	(void)atomic_fetch_add_seq_cst(&lwq_twaiters, 1u);
	for (;;) {
		old = atomic_load_seq_cst(&t->__tk_state);
		s = lwq_tasklet_state(old);
		if ((s & bits) == 0)
			break;
		/* If a disabled tasklet is killed, it is not called. */
		if ((bits & LWQ_TK_SCHED) != 0 && (s & LWQ_TK_PARKED) != 0) {
			(void)atomic_cas_seq_cst(&t->__tk_state, &old,
			    s & ~(LWQ_TK_PARKED | LWQ_TK_SCHED));
			continue;
		}
		cv_wait(&lwq_tcv, &lwq_tlock);
	}
	(void)atomic_fetch_add_seq_cst(&lwq_twaiters, -1u);
	mutex_exit(&lwq_tlock);
}

__lwq_public void
tasklet_unlock_wait(struct tasklet_struct *t)
{

	lwq_tasklet_wait(t, LWQ_TK_RUN, "tasklet_unlock_wait");
}

__lwq_public void
tasklet_disable(struct tasklet_struct *t)
{

	tasklet_disable_nosync(t);
	lwq_tasklet_wait(t, LWQ_TK_RUN, "tasklet_disable");
}

/*
 * Wait until a tasklet is idle.  Until this returns, no code can schedule it,
 * not even its own function.
 */
__lwq_public void
tasklet_kill(struct tasklet_struct *t)
{
	unsigned int s;

	wqpool_fork_catchup();
	s = atomic_load_relaxed(&t->__tk_state);
	while (!atomic_cas_seq_cst(&t->__tk_state, &s,
	    lwq_tasklet_state(s) | LWQ_TK_KILL))
		continue;
	lwq_tasklet_wait(t, LWQ_TK_SCHED | LWQ_TK_RUN, "tasklet_kill");
	(void)atomic_fetch_and_seq_cst(&t->__tk_state, ~LWQ_TK_KILL);
}

/*
 * Reset the lists in a forked child.
 */
void
lwq_tasklet_fork(void)
{
	struct lwq_tcpu *tc;
	int i;

	lwq_tgen = (lwq_tgen + LWQ_TK_GEN) & LWQ_TK_GENS;
	lwq_tcv.cv_waiters = 0;
	atomic_store_relaxed(&lwq_twaiters, 0u);
	if (atomic_load_relaxed(&lwq_tstarted) == 0) {
		memset(&lwq_tonce, 0, sizeof(lwq_tonce));
		return;
	}
	for (i = 0; i < ncpu; i++) {
		tc = &lwq_tcpus[i];
		atomic_store_relaxed(&tc->tc_lock.mtx_owner, (uintptr_t)0);
		memset(tc->tc_first, 0, sizeof(tc->tc_first));
		tc->tc_n = 0;
	}
}
