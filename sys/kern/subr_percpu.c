/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * percpu(9): a copy of the data for each CPU.  A copy belongs to the thread
 * that owns the CPU (kern_runq.c).
 */

#include <sys/percpu.h>
#include <sys/xcall.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "subr_kmem.h"

struct percpu {
	size_t		 pc_size;	/* the requested size */
	size_t		 pc_stride;	/* bytes from one copy to the next */
	percpu_callback_t pc_dtor;
	void		*pc_arg;
	char		*pc_copies;
};

static inline void *
percpu_copy(const struct percpu *pc, const struct cpu_info *ci)
{

	return pc->pc_copies + ci->ci_index * pc->pc_stride;
}

static void
percpu_call(const struct percpu *pc, percpu_callback_t func, void *arg)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;

	for (CPU_INFO_FOREACH(cii, ci))
		(*func)(percpu_copy(pc, ci), arg, ci);
}

__kern_public percpu_t *
percpu_create(size_t size, percpu_callback_t ctor, percpu_callback_t dtor,
    void *arg)
{
	struct kmem_wait kw = { 0, 0 };
	struct percpu *pc;

	kern_init();
	KERN_CHECK(context_check_alloc("percpu_alloc", true, false));
	KASSERTMSG(size != 0 && size < (size_t)PTRDIFF_MAX / 4096,
	    "percpu_alloc: size %zu", size);
	while ((pc = host_alloc(sizeof(*pc))) == NULL)
		kmem_backoff(&kw, "percpu_alloc", sizeof(*pc));
	pc->pc_size = size;
	/* Put no two copies on one cache line. */
	pc->pc_stride = (size + KERN_CACHELINE - 1) &
	    ~(size_t)(KERN_CACHELINE - 1);
	pc->pc_dtor = dtor;
	pc->pc_arg = arg;
	while ((pc->pc_copies = host_alloc((size_t)ncpu * pc->pc_stride)) ==
	    NULL)
		kmem_backoff(&kw, "percpu_alloc", (size_t)ncpu *
		    pc->pc_stride);
	if (ctor != NULL)
		percpu_call(pc, ctor, arg);
	/*
	 * Turn on the ownership of CPUs (kern_runq.c).  This may wait, and
	 * percpu_getref() must not.
	 */
	oncpu_on(curlwp_get());
	return pc;
}

__kern_public percpu_t *
percpu_alloc(size_t size)
{

	return percpu_create(size, NULL, NULL, NULL);
}

__kern_public void
percpu_free(percpu_t *pc, size_t size)
{

	KERN_CHECK(context_check_alloc("percpu_free", false, false));
	KASSERTMSG(pc->pc_size == size,
	    "percpu_free: size mismatch: %p allocated %zu freed %zu",
	    (void *)pc, pc->pc_size, size);
	if (pc->pc_dtor != NULL)
		percpu_call(pc, pc->pc_dtor, pc->pc_arg);
	host_free(pc->pc_copies);
	pc->pc_copies = NULL;
	pc->pc_size = 0;
	host_free(pc);
	kmem_freed();
}

__kern_public void *
percpu_getref(percpu_t *pc)
{
	struct lwp *l;

	l = curlwp_get();
	kpreempt_enter(l);
	return percpu_copy(pc, oncpu_info(l));
}

__kern_public void
percpu_putref(percpu_t *pc)
{

	struct lwp *l;

	(void)pc;
	l = curlwp_get();
	KASSERTMSG(l->l_nopreempt > 0, "percpu_putref: no reference held");
	kpreempt_exit(l);
}

__kern_public void *
percpu_getptr_remote(percpu_t *pc, struct cpu_info *ci)
{

	return percpu_copy(pc, ci);
}

__kern_public void
percpu_foreach(percpu_t *pc, percpu_callback_t func, void *arg)
{

	percpu_call(pc, func, arg);
}

struct percpu_xcall {
	struct percpu	*px_pc;
	percpu_callback_t px_func;
	void		*px_arg;
};

static void
percpu_xcall(void *a, void *b)
{
	struct percpu_xcall *px;

	(void)b;
	px = a;
	(*px->px_func)(percpu_getref(px->px_pc), px->px_arg, curcpu());
	percpu_putref(px->px_pc);
}

__kern_public void
percpu_foreach_xcall(percpu_t *pc, unsigned int flags, percpu_callback_t func,
    void *arg)
{
	struct percpu_xcall px;

	px.px_pc = pc;
	px.px_func = func;
	px.px_arg = arg;
	xc_wait(xc_broadcast(flags, percpu_xcall, &px, NULL));
}
