/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Atomic operations and barriers.
 */

#include <sys/param.h>
#include <sys/atomic.h>
#include <sys/kmem.h>

struct obj {
	volatile unsigned int	o_refcnt;
	void			*o_data;
};

static struct obj *volatile head;

static void
obj_rele(struct obj *o)
{

	membar_release();
	if (atomic_dec_uint_nv(&o->o_refcnt) != 0)
		return;
	membar_acquire();
	kmem_free(o, sizeof(*o));
}

int refcount_test(void);

int
refcount_test(void)
{
	struct obj *o;

	o = kmem_alloc(sizeof(*o), KM_SLEEP);
	o->o_refcnt = 2;
	o->o_data = NULL;
	membar_producer();
	atomic_store_relaxed(&head, o);
	if (atomic_cas_ptr(&head, o, NULL) != o)
		return 1;
	if (atomic_load_consume(&head) != NULL)
		return 1;
	obj_rele(o);
	obj_rele(o);
	return 0;
}
