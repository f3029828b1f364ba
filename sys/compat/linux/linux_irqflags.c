/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Whether the caller may be interrupted, and whether it may sleep.
 */

#include "linux_var.h"

#include <sys/intr.h>

#include <linux/irqflags.h>

__lwq_public int
in_interrupt(void)
{

	return cpu_intr_p() || cpu_softintr_p();
}

/*
 * Return true if the caller is not in an interrupt and holds no spin lock.
 */
bool
lwq_may_sleep(void)
{

	return !in_interrupt() && lwq_irqs_flags() < IPL_VM;
}

__lwq_public unsigned long
lwq_irqs_flags(void)
{

	return (unsigned long)wqk_splraise(IPL_NONE);
}

__lwq_public unsigned long
lwq_irq_save(void)
{

	return (unsigned long)wqk_splraise(IPL_HIGH);
}

__lwq_public void
local_irq_restore(unsigned long flags)
{

	splx((int)flags);
}

/*
 * Lower the level to the caller's own.  In an interrupt handler do nothing.  In
 * a soft interrupt the level becomes that of timers and tasklets,
 * IPL_SOFTCLOCK.  In any other context it becomes IPL_NONE.
 */
__lwq_public void
local_irq_enable(void)
{

	if (lwq_irqs_flags() >= IPL_VM && !cpu_intr_p())
		splx(cpu_softintr_p() ? IPL_SOFTCLOCK : IPL_NONE);
}

__lwq_public int
irqs_disabled(void)
{

	return lwq_irqs_flags() >= IPL_VM;
}
