/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Small names that sources take from headers with another purpose.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/endian.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/lwp.h>
#include <sys/percpu.h>

#if !__GNUC_PREREQ__(4, 0) || __GNUC_PREREQ__(1000, 0)
#error which version of the compiler
#endif
#ifndef MULTIPROCESSOR
#error there are several CPUs
#endif

struct softc {
	kmutex_t	sc_lock;
	kcondvar_t	sc_cv;
	int		sc_ready;
};

/*
 * The locks are initialised statically, because no attach function is called.
 */
static struct softc softc = {
	.sc_lock = MUTEX_INITIALIZER(IPL_NONE),
	.sc_cv = CV_INITIALIZER("names"),
};
static kmutex_t intr_lock = MUTEX_INITIALIZER(IPL_VM);

static void
names_thread(void *arg)
{
	proc_t *p = curproc;

	(void)arg;
	KASSERT(p == curlwp->l_proc);
	lwp_lock(curlwp);
	curlwp->l_name = (char[]){ "mine" };
	lwp_unlock(curlwp);
	mutex_enter(&softc.sc_lock);
	SET(softc.sc_ready, 0x11);
	CLR(softc.sc_ready, 0x10);
	cv_broadcast(&softc.sc_cv);
	mutex_exit(&softc.sc_lock);
	curlwp->l_name = p->p_comm;
	kthread_exit(0);
}

static int
names_percpu(void)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	percpu_t *pc;
	int n = 0;

	pc = percpu_alloc(sizeof(int));
	for (CPU_INFO_FOREACH(cii, ci)) {
		*(int *)percpu_getptr_remote(pc, ci) = 1;
		n++;
	}
	/* The copies of all CPUs were written, so this one was. */
	n = *(int *)percpu_getref(pc) == 1 ? n : 0;
	if (curlwp->l_nopreempt != 1)
		n = 0;
	percpu_putref(pc);
	percpu_free(pc, sizeof(int));
	return n;
}

int names_test(void);

int
names_test(void)
{
	struct lwp *l;
	int bound, s;

	if (kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN, NULL,
	    names_thread, NULL, &l, "names") != 0)
		return 1;
	mutex_enter(&softc.sc_lock);
	while (!ISSET(softc.sc_ready, 0x01))
		cv_wait(&softc.sc_cv, &softc.sc_lock);
	if (ISSET(softc.sc_ready, 0x10))
		__nothing;
	mutex_exit(&softc.sc_lock);
	(void)kthread_join(l);

	mutex_enter(&intr_lock);
	s = splhigh();
	mutex_exit(&intr_lock);
	if (s != IPL_VM)
		return 2;
	spl0();

	bound = curlwp_bind();
	if ((curlwp->l_pflag & LP_BOUND) == 0)
		return 3;
	curlwp_bindx(bound);
	if ((curlwp->l_pflag & LP_BOUND) != 0 || curlwp->l_nopreempt != 0)
		return 3;

	if (ntohs(htons(0x1234)) != 0x1234 || ntohl(htonl(0x12345678)) !=
	    0x12345678 || *(uint8_t *)&(uint16_t){ htons(0x0102) } != 1)
		return 4;
	if (popcount(7) != 3 || popcountl(0xf0UL) != 4 ||
	    popcountll(~0ULL) != 64)
		return 5;
	assert(s != 0);
	SPINLOCK_BACKOFF_HOOK;
	if (kpause("names", false, 1, NULL) != EWOULDBLOCK)
		return 6;
	return names_percpu() == ncpu ? 0 : 7;
}
