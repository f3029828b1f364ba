/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9).  A thread has the states of its lwp: see lwp_setstate().
 */

#include <errno.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_cpu.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

#include <sys/kthread.h>

#define	KTHREAD_FLAGS	(KTHREAD_IDLE | KTHREAD_MPSAFE | KTHREAD_INTR | \
			    KTHREAD_TS | KTHREAD_MUSTJOIN)
#define	KTHREAD_OURS	0x100		/* made by kthread_create() */

/* The arguments of a new thread.  The thread frees them. */
struct kthread {
	int		 kt_flags;
	void		(*kt_func)(void *);
	void		*kt_arg;
};

/*
 * Check that an ending thread leaves nothing behind.  Release its kernel locks.
 */
static void
kthread_end(struct lwp *l, int ecode)
{

	if (ecode != 0)
		kern_warn("kthread \"%s\" (%d) exits with status %d",
		    l->l_name, l->l_lid, ecode);
	if (KERN_CHECKING()) {
		lockdebug_call_end("kthread_exit: thread ends", l, NULL, 0);
		if (l->l_ipl != IPL_NONE)
			KERN_SUSPECT("kthread_exit: \"%s\"%s ends at IPL %d",
			    l->l_name, lockdebug_made(l), l->l_ipl);
		if (l->l_nopreempt != 0)
			panic("kthread_exit: \"%s\"%s ends with preemption off",
			    l->l_name, lockdebug_made(l));
	}
	wqk_kernel_unlock(0, NULL);
}

static void
kthread_main(void *arg)
{
	struct kthread kt;

	kt = *(struct kthread *)arg;
	host_free(arg);
	if (KERN_CHECKING() && (kt.kt_flags & KTHREAD_MUSTJOIN) != 0)
		(void)lockdebug_call_begin(host_self(), NULL,
		    (uintptr_t)kt.kt_func);
	if ((kt.kt_flags & KTHREAD_MPSAFE) == 0)
		wqk_kernel_lock(1);
	(*kt.kt_func)(kt.kt_arg);
	kthread_end(host_self(), 0);
}

__kern_public int
kthread_create(pri_t pri, int flags, struct cpu_info *ci, void (*func)(void *),
    void *arg, struct lwp **lp, const char *fmt, ...)
{
	char name[MAXCOMLEN];
	struct kthread *kt;
	struct lwp *l;
	va_list ap;
	int error;

	kern_init();
	if (func == NULL || fmt == NULL)
		return kern_einval("kthread_create", "no %s",
		    func == NULL ? "function" : "name");
	if ((flags & ~KTHREAD_FLAGS) != 0)
		return kern_einval("kthread_create", "flags %#x, of which %#x "
		    "are unknown", (unsigned)flags,
		    (unsigned)(flags & ~KTHREAD_FLAGS));
	if (pri < PRI_NONE || pri >= PRI_COUNT)
		return kern_einval("kthread_create", "priority %d, not %d to "
		    "%d", pri, PRI_NONE, PRI_COUNT - 1);
	if (ci != NULL && !cpu_among(ci, ncpu))
		return kern_einval("kthread_create", "no such CPU");
	KERN_CHECK(context_check_sleep("kthread_create"));
	/* Without the pointer the caller could not join the thread. */
	KASSERTMSG((flags & KTHREAD_MUSTJOIN) == 0 || lp != NULL,
	    "kthread_create: KTHREAD_MUSTJOIN, but lp is NULL");
	if (flags & KTHREAD_IDLE)
		pri = PRI_IDLE;
	else if (pri == PRI_NONE)
		pri = flags & KTHREAD_TS ? MAXPRI_USER : PRI_KTHREAD;

	va_start(ap, fmt);
	(void)kvsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if ((kt = host_malloc(sizeof(*kt))) == NULL)
		return ENOMEM;
	kt->kt_flags = flags;
	kt->kt_func = func;
	kt->kt_arg = arg;
	if ((l = lwp_new(name, pri, ci, kthread_main, kt, false)) == NULL) {
		host_free(kt);
		return ENOMEM;
	}
	atomic_store_relaxed(&l->l_kthread, flags | KTHREAD_OURS);
	l->l_detached = (flags & KTHREAD_MUSTJOIN) == 0;
	if (KERN_CHECKING()) {
		lockdebug_make("kthread_create", l, "kthread", l->l_name,
		    LOCKDEBUG_RUN, NULL, LOCKDEBUG_SITE());
		if (l->l_detached)
			lockdebug_keep(l);
	}
	if ((error = lwp_run(l, lp)) != 0)
		host_free(kt);
	return error;
}

__kern_public void
kthread_exit(int ecode)
{
	struct lwp *l;

	l = host_self();
	KASSERTMSG(l != NULL && (l->l_kthread & KTHREAD_OURS) != 0,
	    "kthread_exit: not in a thread of kthread_create()");
	kthread_end(l, ecode);
	lwp_leave();
}

__kern_public int
kthread_join(struct lwp *l)
{
	int biglocks;

	KERN_CHECK(context_check_sleep_on("kthread_join", l, "kthread"));
	KASSERTMSG(l != host_self(), "kthread_join: a thread joins itself");
	/*
	 * A thread without KTHREAD_MUSTJOIN may have ended, and l may be
	 * another thread by now.
	 */
	KASSERTMSG((atomic_load_relaxed(&l->l_kthread) & KTHREAD_MUSTJOIN) !=
	    0,
	    "kthread_join: \"%s\" (%d) was not created with KTHREAD_MUSTJOIN",
	    l->l_name, l->l_lid);
	wqk_kernel_unlock(0, &biglocks);
	if (KERN_CHECKING()) {
		lockdebug_maywait("kthread_join", l, LOCKDEBUG_SITE());
		lockdebug_wait_begin("kthread_join", l, NULL, NULL);
	}
	lwp_join(l);
	KERN_CHECK(lockdebug_wait_end());
	wqk_kernel_lock(biglocks);
	return 0;
}

__kern_public int
kthread_fpu_enter(void)
{

	return 0;
}

__kern_public void
kthread_fpu_exit(int s)
{

	(void)s;
}
