/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pserialize(9).  A read section raises the level, and xc_quiesce() waits for
 * all threads at a raised level.  So a reader writes only fields of its own
 * thread, and a pserialize_t needs no state.
 */

#include <sys/kmem.h>
#include <sys/pserialize.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_xcall.h"

struct pserialize {
	unsigned	 ps_id;		/* unused */
};

static char		pserialize_order;	/* for KERN_BEFORE() */

__kern_public pserialize_t
pserialize_create(void)
{

	kern_init();
	return kmem_zalloc(sizeof(struct pserialize), KM_SLEEP);
}

__kern_public void
pserialize_destroy(pserialize_t psz)
{

	kmem_free(psz, sizeof(*psz));
}

__kern_public int
pserialize_read_enter(void)
{
	int s;

	s = wqk_splraise(IPL_SOFTSERIAL);
	curlwp_get()->l_psread++;
	return s;
}

__kern_public void
pserialize_read_exit(int s)
{
	struct lwp *l;

	l = curlwp_get();
	KASSERTMSG(l->l_psread != 0, "pserialize_read_exit: not entered");
	l->l_psread--;
	KERN_BEFORE(&pserialize_order);
	splx(s);
}

__kern_public bool
pserialize_in_read_section(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL && l->l_psread != 0;
}

__kern_public bool
pserialize_not_in_read_section(void)
{

	return !pserialize_in_read_section();
}

__kern_public void
pserialize_perform(pserialize_t psz)
{

	KASSERTMSG(pserialize_not_in_read_section(),
	    "pserialize_perform: %p: in a read section", (void *)psz);
	KERN_CHECK(context_check_sleep("pserialize_perform"));
	xc_quiesce();
	KERN_AFTER(&pserialize_order);
}
