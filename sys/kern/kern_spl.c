/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupt priority levels: a property of the thread, which stands for the
 * CPU that it would own.
 */

#include "kern.h"

__kern_public int
wqk_splraise(int ipl)
{
	struct lwp *l;
	int s;

	l = curlwp_get();
	s = l->l_ipl;
	if (ipl > s)
		l->l_ipl = ipl;
	/* A handler on this thread sees the level before what follows. */
	atomic_signal_barrier();
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
	l->l_ipl = s;
	/* A handler either finds the new level or has left us its work. */
	atomic_signal_barrier();
	intr_deliver(l);
}

/*
 * A thread is about to sleep: its level does not hold while it does.  What it
 * holds back runs now; what comes meanwhile runs at once, on top of the sleep.
 * The level of who holds a spin mutex stays, for handlers would spin for it
 * where nobody can release it; to sleep there is an error in any case.
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
	l->l_ipl = IPL_NONE;
	atomic_signal_barrier();
	intr_deliver(l);
	return s;
}

__kern_public int
spl0(void)
{
	int s;

	s = curlwp_get()->l_ipl;
	splx(IPL_NONE);
	return s;
}
