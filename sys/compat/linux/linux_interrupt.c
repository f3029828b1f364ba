/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts of Linux, on intr_establish(9).
 */

#include <errno.h>

#include "linux_var.h"

#include <sys/intr.h>

#include <linux/interrupt.h>

struct lwq_irq {
	struct lwq_irq	*li_next;	/* (lwq_irqlock) */
	void		*li_handle;
	irq_handler_t	 li_func;
	irqreturn_t	(*li_old)(int, void *, struct pt_regs *);
	int		 li_irq;
	unsigned long	 li_flags;
	const char	*li_name;
	void		*li_dev;
};

static struct lwq_irq	*lwq_irqs;	/* (lwq_irqlock) */
KERN_MUTEX(lwq_irqlock);

static int
lwq_irq_call(void *arg)
{
	struct lwq_irq *li;

	li = arg;
	return li->li_func != NULL ? (*li->li_func)(li->li_irq, li->li_dev) :
	    (*li->li_old)(li->li_irq, li->li_dev, NULL);
}

/* Return 0 if an interrupt can get one more handler, or a negative error. */
static int
lwq_irq_free(unsigned int irq, unsigned long flags)
{
	struct lwq_irq *li;

	KASSERT(mutex_owned(&lwq_irqlock));
	for (li = lwq_irqs; li != NULL; li = li->li_next)
		if (li->li_irq == (int)irq &&
		    (li->li_flags & flags & IRQF_SHARED) == 0)
			return -EBUSY;
	return 0;
}

static int
lwq_irq_request(unsigned int irq, irq_handler_t func,
    irqreturn_t (*old)(int, void *, struct pt_regs *), unsigned long flags,
    const char *name, void *dev)
{
	struct lwq_irq *li;
	int error;

	if (irq == 0)
		return -wqpool_einval("request_irq", "interrupt 0");
	if (func == NULL && old == NULL)
		return -wqpool_einval("request_irq", "no handler");
	if ((flags & IRQF_SHARED) != 0 && dev == NULL)
		return -wqpool_einval("request_irq", "IRQF_SHARED, and dev is "
		    "NULL");
	/*
	 * Create the resources that a handler needs, because a handler cannot
	 * create them at their first use.
	 */
	lwq_timer_prepare();
	lwq_events_prepare(old != NULL);
	if (!lwq_tasklet_start() ||
	    (li = kmem_zalloc(sizeof(*li), KM_NOSLEEP)) == NULL)
		return -ENOMEM;
	li->li_func = func;
	li->li_old = old;
	li->li_irq = (int)irq;
	li->li_flags = flags;
	li->li_name = name;
	li->li_dev = dev;
	mutex_enter(&lwq_irqlock);
	if ((error = lwq_irq_free(irq, flags)) == 0) {
		li->li_handle = intr_establish((int)irq, IPL_HIGH,
		    INTR_MPSAFE, lwq_irq_call, li);
		if (li->li_handle == NULL)
			error = -wqpool_einval("request_irq", "no signal that "
			    "can have a handler");
		else {
			li->li_next = lwq_irqs;
			lwq_irqs = li;
		}
	}
	mutex_exit(&lwq_irqlock);
	if (error != 0)
		kmem_free(li, sizeof(*li));
	return error;
}

__lwq_public int
lwq_request_irq(unsigned int irq, irq_handler_t func, unsigned long flags,
    const char *name, void *dev)
{

	return lwq_irq_request(irq, func, NULL, flags, name, dev);
}

__lwq_public int
lwq_request_irq_old(unsigned int irq,
    irqreturn_t (*func)(int, void *, struct pt_regs *), unsigned long flags,
    const char *name, void *dev)
{

	return lwq_irq_request(irq, NULL, func, flags, name, dev);
}

__lwq_public const void *
free_irq(unsigned int irq, void *dev)
{
	struct lwq_irq *li, **lip;
	const char *name;

	mutex_enter(&lwq_irqlock);
	for (lip = &lwq_irqs; (li = *lip) != NULL; lip = &li->li_next)
		if (li->li_irq == (int)irq && li->li_dev == dev)
			break;
	if (li != NULL)
		*lip = li->li_next;
	mutex_exit(&lwq_irqlock);
	if (li == NULL) {
		wqk_printf_tolog("free_irq: interrupt %u has no handler for "
		    "%p\n", irq, dev);
		return NULL;
	}
	name = li->li_name;
	/* Wait until the handler is not running. */
	intr_disestablish(li->li_handle);
	kmem_free(li, sizeof(*li));
	return name;
}
