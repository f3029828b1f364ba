/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupt priority levels and preemption.  In a kernel these belong to a CPU.
 * Here they belong to a thread, which stands for the CPU that it owns or would
 * own.
 */

#include "kern.h"
#include "kern_lwp.h"
#include "kern_runq.h"
#include "kern_spl.h"
#include "subr_cpu.h"

__kern_public int
wqk_splraise(int ipl)
{
	struct lwp *l;
	int s;

	l = curlwp_get();
	s = l->l_ipl;
	if (ipl > s) {
		atomic_store_relaxed(&l->l_ipl, ipl);
		section_enter();
	}
	return s;
}

__kern_public int
splraiseipl(ipl_cookie_t cookie)
{

	return wqk_splraise(cookie._ipl);
}

__kern_public ipl_cookie_t
makeiplcookie(ipl_t ipl)
{
	ipl_cookie_t cookie;

	cookie._ipl = ipl;
	return cookie;
}

__kern_public void
splx(int s)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(s >= IPL_NONE && s < NIPL, "splx: level %d", s);
	atomic_signal_barrier();
	lwp_setipl(l, s);
	/* An interrupt from now on sees the new level.  Run earlier ones. */
	atomic_signal_barrier();
	intr_deliver(l);
}

__kern_public int
spl0(void)
{
	int s;

	s = curlwp_get()->l_ipl;
	splx(IPL_NONE);
	return s;
}

/*
 * kpreempt(9).
 */
__kern_public void
kpreempt_disable(void)
{

	kpreempt_enter(curlwp_get());
}

__kern_public void
kpreempt_enable(void)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(l->l_nopreempt > 0, "kpreempt_enable: not disabled");
	kpreempt_exit(l);
}

__kern_public int
kpreempt_disabled(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && (l->l_nopreempt != 0 || l->l_mtxcount != 0 ||
	    l->l_ipl != IPL_NONE);
}

/*
 * Bind the calling thread to one of the library's CPUs.  The host may still
 * move the thread.
 */
__kern_public int
curlwp_bind(void)
{
	struct lwp *l;

	l = curlwp_get();
	if (l->l_cpu != NULL)
		return LP_BOUND;
	oncpu_bind(l, cpu_hint(l));
	l->l_flag |= LW_BOUND;
	l->l_pflag |= LP_BOUND;
	return 0;
}

__kern_public void
curlwp_bindx(int bound)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(l->l_cpu != NULL, "curlwp_bindx: not bound");
	if (bound != 0)
		return;
	oncpu_bind(l, NULL);
	l->l_flag &= ~LW_BOUND;
	l->l_pflag &= ~LP_BOUND;
}
