/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Checks of the calling thread's context.  May the thread sleep, block or
 * allocate memory here?  Has a function restored the context before it
 * returned?
 *
 * A function with "check" in its name panics if the check fails, and is called
 * only in checking mode.  A function whose name ends in _p returns the answer.
 */

#include <sys/wq_libkern.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_prf.h"

/*
 * Panic if the calling thread may not sleep.  If addr is not NULL, the thread
 * sleeps on the object at that address.
 *
 * As in NetBSD, a thread may sleep at a raised level or with preemption
 * disabled.  While it sleeps it gives up both.  This is an error only if the
 * thread relies on them during the sleep, so only strict mode reports it.
 */
void
context_check_sleep_on(const char *func, const void *addr, const char *kind)
{
	const char *on, *text;
	struct lwp *l;

	if ((l = host_self()) == NULL || (l->l_intrdepth == 0 &&
	    l->l_softintr == 0 && l->l_psread == 0 && l->l_mtxcount == 0 &&
	    (!KERN_STRICT() ||
	    (l->l_ipl == IPL_NONE && l->l_nopreempt == 0))))
		return;
	on = addr != NULL ? ", on " : "";
	text = addr != NULL ? lockdebug_text(addr, kind) : "";
	if (l->l_intrdepth != 0)
		panic("%s: sleeping in interrupt context%s%s", func, on, text);
	if (l->l_softintr != 0)
		panic("%s: sleeping in softint context%s%s", func, on, text);
	if (l->l_psread != 0)
		panic("%s: sleeping in a pserialize read section%s%s", func,
		    on, text);
	if (l->l_mtxcount != 0 || (KERN_STRICT() && l->l_ipl != IPL_NONE))
		panic("%s: sleeping at IPL %d%s%s%s", func, l->l_ipl, on, text,
		    l->l_mtxcount != 0 ? lockdebug_heldtext() : "");
	if (KERN_STRICT() && l->l_nopreempt != 0)
		panic("%s: sleeping with preemption off%s%s", func, on, text);
}

/*
 * Panic if the calling thread may not block on the lock at addr.
 */
void
context_check_lock(const char *func, const void *addr, const char *kind)
{
	struct lwp *l;

	if ((l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("%s: blocking in interrupt context, on %s", func,
		    lockdebug_text(addr, kind));
	if (l->l_psread != 0)
		panic("%s: blocking in a pserialize read section, on %s",
		    func, lockdebug_text(addr, kind));
	if (l->l_mtxcount != 0 || (KERN_STRICT() && l->l_ipl >= IPL_VM))
		panic("%s: blocking at IPL %d, on %s%s", func, l->l_ipl,
		    lockdebug_text(addr, kind),
		    l->l_mtxcount != 0 ? lockdebug_heldtext() : "");
}

void
context_check_sleep(const char *func)
{

	context_check_sleep_on(func, NULL, NULL);
}

/*
 * Panic if the calling thread may not allocate or free memory.  "wait" is true
 * if func may wait for memory, and "introk" if an interrupt handler may call
 * func.
 */
void
context_check_alloc(const char *func, bool wait, bool introk)
{
	struct lwp *l;

	if (wait)
		context_check_sleep(func);
	if (introk || (l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("%s: called in interrupt context", func);
	if (l->l_softintr != 0)
		panic("%s: called in softint context", func);
	if (KERN_STRICT() && l->l_mtxcount != 0)
		panic("%s: holding a spin mutex%s", func,
		    lockdebug_heldtext());
	if (KERN_STRICT() && l->l_ipl >= IPL_VM)
		panic("%s: at IPL %d", func, l->l_ipl);
}

/*
 * Return true if context_check() has something to report.
 */
bool
context_changed(const int *saidp, const struct lwp *l, const struct context *cx)
{

	if (l->l_mtxcount != 0 || l->l_blcnt != cx->cx_blcnt ||
	    l->l_nopreempt != cx->cx_nopreempt)
		return true;
	return l->l_ipl != cx->cx_ipl &&
	    (KERN_STRICT() || atomic_load_relaxed(saidp) == 0);
}

void
context_report(int *saidp, const struct lwp *l, const struct context *cx,
    const char *fmt, ...)
{
	char buf[640];
	va_list ap;

	va_start(ap, fmt);
	(void)kvsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (l->l_mtxcount != 0)
		panic("%s holding a spin mutex", buf);
	if (l->l_ipl != cx->cx_ipl)
		kern_suspect(saidp, "%s at IPL %d", buf, l->l_ipl);
	if (l->l_blcnt != cx->cx_blcnt && cx->cx_blcnt != 0)
		panic("%s holding %d kernel locks, called with %d", buf,
		    l->l_blcnt, cx->cx_blcnt);
	if (l->l_blcnt != cx->cx_blcnt)
		panic("%s holding %d kernel locks", buf, l->l_blcnt);
	if (l->l_nopreempt != cx->cx_nopreempt)
		panic("%s with preemption off", buf);
}

/*
 * Panic if the caller may not sleep in this context.
 */
__kern_public void
wqk_assert_sleepable(void)
{
	struct lwp *l;

	if ((l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("assert_sleepable: in interrupt context");
	if (l->l_softintr != 0)
		panic("assert_sleepable: in softint context");
}

__kern_public int
cpu_intr_p(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && l->l_intrdepth != 0;
}

__kern_public int
cpu_softintr_p(void)
{
	struct lwp *l;

	l = host_self();
	return l != NULL && l->l_softintr != 0;
}
