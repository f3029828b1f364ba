/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * percpu(9): a copy for each CPU slot (kern_cpuslot.c).  There are more slots
 * than CPUs, since threads that share a CPU run at the same time; who has
 * disabled preemption owns a slot, and its copy, alone.
 */

#include <sys/percpu.h>
#include <sys/xcall.h>

#include "kern.h"

struct percpu {
	size_t		 pc_size;	/* as asked for */
	size_t		 pc_stride;	/* from one copy to the next */
	percpu_callback_t pc_dtor;
	void		*pc_arg;
	char		*pc_copies;
};

static inline void *
percpu_copy(const struct percpu *pc, int slot)
{

	return pc->pc_copies + (size_t)slot * pc->pc_stride;
}

/* The CPU that a slot is said to be of. */
static struct cpu_info *
percpu_cpu(int slot)
{

	return cpu_lookup((unsigned int)(slot % ncpu));
}

__kern_public percpu_t *
percpu_create(size_t size, percpu_callback_t ctor, percpu_callback_t dtor,
    void *arg)
{
	struct kmem_wait kw = { 0, 0 };
	struct percpu *pc;
	int i;

	kern_init();
	if (KERN_CHECKING())
		kmem_context("percpu_alloc", true, false);
	KASSERTMSG(size != 0 && size < (size_t)PTRDIFF_MAX / 4096,
	    "percpu_alloc: size %zu", size);
	while ((pc = host_alloc(sizeof(*pc))) == NULL)
		kmem_backoff(&kw, "percpu_alloc", sizeof(*pc));
	pc->pc_size = size;
	/* No two copies on one cache line. */
	pc->pc_stride = (size + KERN_CACHELINE - 1) &
	    ~(size_t)(KERN_CACHELINE - 1);
	pc->pc_dtor = dtor;
	pc->pc_arg = arg;
	while ((pc->pc_copies = host_alloc((size_t)cpu_nslots() *
	    pc->pc_stride)) == NULL)
		kmem_backoff(&kw, "percpu_alloc", (size_t)cpu_nslots() *
		    pc->pc_stride);
	if (ctor != NULL)
		for (i = 0; i < cpu_nslots(); i++)
			(*ctor)(percpu_copy(pc, i), arg, percpu_cpu(i));
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
	int i;

	if (KERN_CHECKING())
		kmem_context("percpu_free", false, false);
	KASSERTMSG(pc->pc_size == size,
	    "percpu_free: size mismatch: %p allocated %zu freed %zu",
	    (void *)pc, pc->pc_size, size);
	if (pc->pc_dtor != NULL)
		for (i = 0; i < cpu_nslots(); i++)
			(*pc->pc_dtor)(percpu_copy(pc, i), pc->pc_arg,
			    percpu_cpu(i));
	host_free(pc->pc_copies);
	pc->pc_copies = NULL;
	pc->pc_size = 0;
	host_free(pc);
	kmem_freed();
}

__kern_public void *
percpu_getref(percpu_t *pc)
{

	kpreempt_disable();
	return percpu_copy(pc, curlwp_get()->l_slot);
}

__kern_public void
percpu_putref(percpu_t *pc)
{

	(void)pc;
	kpreempt_enable();
}

__kern_public void
percpu_foreach(percpu_t *pc, percpu_callback_t func, void *arg)
{
	int i;

	for (i = 0; i < cpu_nslots(); i++)
		(*func)(percpu_copy(pc, i), arg, percpu_cpu(i));
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
	struct cpu_info *ci;
	int i;

	(void)b;
	px = a;
	ci = curcpu();
	for (i = (int)ci->ci_index; i < cpu_nslots(); i += ncpu) {
		cpuslot_enter(curlwp_get(), i);
		(*px->px_func)(percpu_copy(px->px_pc, i), px->px_arg, ci);
		kpreempt_enable();
	}
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
