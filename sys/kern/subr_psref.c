/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * psref(9).  A target counts its references.  psref_target_destroy() sets
 * PRT_DRAIN in the same word, and waits for the release of the last reference.
 * Each thread has a list of the references that it holds, for psref_held() and
 * to diagnose misuse.
 *
 * Once the count is 0 the target may be gone.  So the thread that releases the
 * last reference uses only the target's address, to wake the waiter.
 */

#include <sys/kmem.h>
#include <sys/psref.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_sleepq.h"
#include "kern_spl.h"

#define	PRT_DRAIN	0x80000000u

struct psref_class {
	const char	*prc_name;
	int		 prc_ipl;
};

__kern_public struct psref_class *
psref_class_create(const char *name, int ipl)
{
	struct psref_class *prc;

	kern_init();
	KASSERTMSG(ipl >= IPL_NONE && ipl <= IPL_SOFTSERIAL,
	    "psref_class_create: %s: IPL %d", name, ipl);
	prc = kmem_alloc(sizeof(*prc), KM_SLEEP);
	prc->prc_name = name;
	prc->prc_ipl = ipl;
	return prc;
}

__kern_public void
psref_class_destroy(struct psref_class *prc)
{

	kmem_free(prc, sizeof(*prc));
}

static inline void
psref_check(const struct psref_target *prt, const struct psref_class *prc,
    const char *func)
{

	KASSERTMSG(prt->prt_class == prc, "%s: target %p is not of class %s",
	    func, (const void *)prt, prc->prc_name);
}

__kern_public void
psref_target_init(struct psref_target *prt, struct psref_class *prc)
{

	prt->prt_class = prc;
	atomic_store_relaxed(&prt->prt_refs, 0u);
}

__kern_public void
psref_target_destroy(struct psref_target *prt, struct psref_class *prc)
{
	struct sleepq *sq;
	struct lwp *l;
	unsigned o;

	psref_check(prt, prc, "psref_target_destroy");
	KASSERTMSG(!psref_held(prt, prc), "psref_target_destroy: the caller "
	    "holds a reference to target %p (%s)", (void *)prt,
	    prc->prc_name);
	KERN_CHECK(context_check_sleep("psref_target_destroy"));
	l = curlwp_get();
	o = atomic_fetch_or_seq_cst(&prt->prt_refs, PRT_DRAIN);
	KASSERTMSG((o & PRT_DRAIN) == 0, "psref_target_destroy: target %p "
	    "(%s) is destroyed", (void *)prt, prc->prc_name);
	for (;;) {
		sq = sleepq_enter(prt);
		/* Acquire: observe what the holders did. */
		if (atomic_load_acquire(&prt->prt_refs) == PRT_DRAIN)
			break;
		sleepq_enqueue(sq, l, prt, SLEEPQ_PSREF, false);
		sleepq_exit(sq);
		atomic_store_relaxed(&l->l_wmesg, prc->prc_name);
		(void)sleepq_block(l, HOST_FOREVER);
		atomic_store_relaxed(&l->l_wmesg, NULL);
	}
	sleepq_exit(sq);
	prt->prt_class = NULL;
}

__kern_public void
psref_acquire(struct psref *psref, const struct psref_target *prt,
    struct psref_class *prc)
{
	struct lwp *l;
	unsigned o;

	psref_check(prt, prc, "psref_acquire");
	l = curlwp_get();
	/* A kernel source may set LP_BOUND itself. */
	if (KERN_CHECKING() && (l->l_pflag & LP_BOUND) == 0 &&
	    l->l_nopreempt == 0 && l->l_ipl == IPL_NONE && l->l_softintr == 0)
		panic("psref_acquire: target %p (%s): the thread is not bound",
		    (const void *)prt, prc->prc_name);
	/*
	 * Relaxed: the caller is in a read section, or holds a lock, which
	 * orders its accesses to the target.
	 */
	o = atomic_fetch_add_relaxed(
	    &((struct psref_target *)(uintptr_t)prt)->prt_refs, 1u);
	KASSERTMSG((o & PRT_DRAIN) == 0, "psref_acquire: target %p (%s) is "
	    "being destroyed", (const void *)prt, prc->prc_name);
	psref->psref_target = prt;
	psref->psref_lwp = l;
	handler_hold(l);
	psref->psref_next = l->l_psrefs;
	l->l_psrefs = psref;
	handler_release(l);
}

__kern_public void
psref_release(struct psref *psref, const struct psref_target *prt,
    struct psref_class *prc)
{
	struct psref **pp;
	struct lwp *l;

	psref_check(prt, prc, "psref_release");
	l = curlwp_get();
	KASSERTMSG(psref->psref_lwp == l && psref->psref_target == prt,
	    "psref_release: %p is no reference of this thread to target %p "
	    "(%s)", (void *)psref, (const void *)prt, prc->prc_name);
	handler_hold(l);
	for (pp = &l->l_psrefs; *pp != psref; pp = &(*pp)->psref_next)
		continue;
	*pp = psref->psref_next;
	handler_release(l);
	psref->psref_target = NULL;
	psref->psref_lwp = NULL;
	/* Release: publish what the holder did.  The last access. */
	if (atomic_fetch_add_acq_rel(
	    &((struct psref_target *)(uintptr_t)prt)->prt_refs, -1u) ==
	    (PRT_DRAIN | 1))
		sleepq_wakeall(prt, SLEEPQ_PSREF);
}

__kern_public void
psref_copy(struct psref *to, const struct psref *from,
    struct psref_class *prc)
{
	const struct psref_target *prt = from->psref_target;
	struct lwp *l;

	psref_check(prt, prc, "psref_copy");
	l = curlwp_get();
	KASSERTMSG(from->psref_lwp == l, "psref_copy: %p is no reference of "
	    "this thread", (const void *)from);
	/*
	 * The target may be draining, but it exists while the caller holds a
	 * reference.  So increment the count without psref_acquire()'s check.
	 */
	(void)atomic_fetch_add_relaxed(
	    &((struct psref_target *)(uintptr_t)prt)->prt_refs, 1u);
	to->psref_target = prt;
	to->psref_lwp = l;
	handler_hold(l);
	to->psref_next = l->l_psrefs;
	l->l_psrefs = to;
	handler_release(l);
}

__kern_public bool
psref_held(const struct psref_target *prt, struct psref_class *prc)
{
	const struct psref *psref;
	struct lwp *l;

	psref_check(prt, prc, "psref_held");
	if ((l = host_self()) == NULL)
		return false;
	for (psref = l->l_psrefs; psref != NULL; psref = psref->psref_next)
		if (psref->psref_target == prt)
			return true;
	return false;
}
