/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9).
 */

#include <errno.h>

#include "kern.h"

#include <sys/kthread.h>

#define	KTHREAD_FLAGS	(KTHREAD_IDLE | KTHREAD_MPSAFE | KTHREAD_INTR | \
			    KTHREAD_TS | KTHREAD_MUSTJOIN)
#define	KTHREAD_OURS	0x100		/* made by kthread_create() */

/* What a new thread needs to know; it frees that itself. */
struct kthread {
	int		 kt_flags;
	void		(*kt_func)(void *);
	void		*kt_arg;
};

static void
kthread_main(void *arg)
{
	struct kthread kt;

	kt = *(struct kthread *)arg;
	host_free(arg);
	if (KERN_CHECKING() && (kt.kt_flags & KTHREAD_MUSTJOIN) != 0)
		(void)lockdebug_run(host_self(), NULL, (uintptr_t)kt.kt_func);
	if ((kt.kt_flags & KTHREAD_MPSAFE) == 0)
		wqk_kernel_lock(1);
	(*kt.kt_func)(kt.kt_arg);
	kthread_exit(0);
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
	if (func == NULL || fmt == NULL || (flags & ~KTHREAD_FLAGS) != 0 ||
	    pri < PRI_NONE || pri >= PRI_COUNT ||
	    (ci != NULL && !cpu_among(ci, ncpu)))
		return EINVAL;
	if (KERN_CHECKING())
		wqcheck_sleepable("kthread_create");
	/* Who must be joined must be known. */
	KASSERTMSG((flags & KTHREAD_MUSTJOIN) == 0 || lp != NULL,
	    "kthread_create: KTHREAD_MUSTJOIN, and nowhere to store the "
	    "thread");
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
	/* From its start on l may be ended, and used again. */
	error = lwp_create_kthread(lp != NULL ? lp : &l, name, pri, ci,
	    kthread_main, kt, flags | KTHREAD_OURS,
	    (flags & KTHREAD_MUSTJOIN) == 0, LOCKDEBUG_SITE());
	if (error != 0)
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
	if (ecode != 0)
		kern_warn("kthread \"%s\" (%d) exits with status %d",
		    l->l_name, l->l_lid, ecode);
	if (KERN_CHECKING()) {
		lockdebug_ran("kthread_exit: thread ends", l, NULL, 0);
		if (l->l_ipl != IPL_NONE)
			panic("kthread_exit: \"%s\"%s ends at IPL %d",
			    l->l_name, lockdebug_made(l), l->l_ipl);
		if (l->l_nopreempt != 0)
			panic("kthread_exit: \"%s\"%s ends with preemption off",
			    l->l_name, lockdebug_made(l));
	}
	wqk_kernel_unlock(0, NULL);
	lwp_leave();
}

__kern_public int
kthread_join(struct lwp *l)
{
	int biglocks;

	if (KERN_CHECKING())
		wqcheck_sleepable_on("kthread_join", l, "kthread");
	KASSERTMSG(l != host_self(), "kthread_join: a thread joins itself");
	/* If it is not to be joined it may have ended, and be another. */
	KASSERTMSG((atomic_load_relaxed(&l->l_kthread) & KTHREAD_MUSTJOIN) !=
	    0,
	    "kthread_join: \"%s\" (%d) was not created with KTHREAD_MUSTJOIN",
	    l->l_name, l->l_lid);
	wqk_kernel_unlock(0, &biglocks);
	if (KERN_CHECKING()) {
		lockdebug_wantwork("kthread_join", l, LOCKDEBUG_SITE());
		lockdebug_wait("kthread_join", l, NULL, NULL);
	}
	lwp_join(l);
	if (KERN_CHECKING())
		lockdebug_waited();
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
