/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Block and permit interrupts of the calling thread: see linux_lock(9).
 */

#ifndef _LWQ_LINUX_IRQFLAGS_H_
#define	_LWQ_LINUX_IRQFLAGS_H_

/* Block interrupts, and store the former state in flags. */
#define	local_irq_save(flags)	((void)((flags) = lwq_irq_save()))
#define	local_irq_restore	lwq_irq_restore
#define	local_irq_disable()	((void)lwq_irq_save())
#define	local_irq_enable	lwq_irq_enable
#define	local_save_flags(flags)	((void)((flags) = lwq_irqs_flags()))
#define	irqs_disabled		lwq_irqs_disabled
unsigned long lwq_irq_save(void);
unsigned long lwq_irqs_flags(void);
void	local_irq_restore(unsigned long);
void	local_irq_enable(void);
int	irqs_disabled(void);

#endif	/* !_LWQ_LINUX_IRQFLAGS_H_ */
