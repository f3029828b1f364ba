/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Interrupts and tasklets of Linux: see linux_interrupt(9).
 */

#ifndef _LWQ_LINUX_INTERRUPT_H_
#define	_LWQ_LINUX_INTERRUPT_H_

#ifdef __cplusplus
#error "<linux/interrupt.h> is for C11 only, not for C++"
#endif

#include <linux/container_of.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

/*
 * Signals as interrupts.
 */
typedef int irqreturn_t;
#define	IRQ_NONE		0
#define	IRQ_HANDLED		1
#define	IRQ_RETVAL(x)		((x) ? IRQ_HANDLED : IRQ_NONE)
typedef irqreturn_t (*irq_handler_t)(int, void *);
struct pt_regs;

#define	IRQF_SHARED		0x80ul
#define	SA_SHIRQ		IRQF_SHARED
#ifndef SA_INTERRUPT
#define	SA_INTERRUPT		0ul
#endif

/*
 * Make a signal call a handler.  Return 0 or a negative error.  Handlers from
 * before 2.6.19 have a third argument, which is NULL.
 */
#define	request_irq(irq, f, flags, name, dev)	_Generic((f),		\
	irqreturn_t (*)(int, void *): lwq_request_irq,			\
	irqreturn_t (*)(int, void *, struct pt_regs *):			\
	    lwq_request_irq_old)((irq), (f), (flags), (name), (dev))
#define	free_irq		lwq_free_irq
int	lwq_request_irq(unsigned int, irq_handler_t, unsigned long,
	    const char *, void *);
int	lwq_request_irq_old(unsigned int,
	    irqreturn_t (*)(int, void *, struct pt_regs *), unsigned long,
	    const char *, void *);

/* Return the handler's name, or NULL if there is no such handler. */
const void *free_irq(unsigned int, void *);

/*
 * Tasklets: functions that a soft interrupt calls once, however often they
 * were scheduled before the call.
 */
struct tasklet_struct {
	struct tasklet_struct *next;
	unsigned int	 __tk_state;
	unsigned int	 __tk_level;	/* 1: high priority */
	void		(*func)(unsigned long);	/* of 2003 */
	unsigned long	 data;
	void		(*callback)(struct tasklet_struct *); /* or NULL */
	void		*__tk_spare;	/* for later releases */
};

#define	_LWQ_TASKLET_DISABLED	0x100000u	/* unit of __tk_state's count */

/* With two arguments, f(tasklet); with three, f(data). */
#define	_LWQ_TASKLET_ARG3(a, b, c, name, ...)	name
#define	DECLARE_TASKLET(...)						\
	_LWQ_TASKLET_ARG3(__VA_ARGS__, _LWQ_TASKLET_3, _LWQ_TASKLET_2,	\
	    0)(0, __VA_ARGS__)
#define	DECLARE_TASKLET_DISABLED(...)					\
	_LWQ_TASKLET_ARG3(__VA_ARGS__, _LWQ_TASKLET_3, _LWQ_TASKLET_2,	\
	    0)(_LWQ_TASKLET_DISABLED, __VA_ARGS__)
#define	_LWQ_TASKLET_2(state, name, f)					\
	struct tasklet_struct name = { .__tk_state = (state), .callback = (f) }
#define	_LWQ_TASKLET_3(state, name, f, d)				\
	struct tasklet_struct name = { .__tk_state = (state),		\
	    .func = (f), .data = (d) }
#define	DECLARE_TASKLET_OLD(name, f)		_LWQ_TASKLET_3(0, name, f, 0)
#define	DECLARE_TASKLET_DISABLED_OLD(name, f)				\
	_LWQ_TASKLET_3(_LWQ_TASKLET_DISABLED, name, f, 0)

#define	tasklet_init(t, f, d)	lwq_tasklet_init((t), (f), (d), 0)
#define	tasklet_setup(t, f)	lwq_tasklet_init((t), 0, 0, (f))
void	lwq_tasklet_init(struct tasklet_struct *, void (*)(unsigned long),
	    unsigned long, void (*)(struct tasklet_struct *));

#define	from_tasklet(var, t, member)					\
	container_of(t, __typeof__(*(var)), member)

#define	tasklet_schedule(t)	lwq_tasklet_schedule((t), 0)
#define	tasklet_hi_schedule(t)	lwq_tasklet_schedule((t), 1)
void	lwq_tasklet_schedule(struct tasklet_struct *, unsigned int);

/*
 * tasklet_disable() and tasklet_disable_nosync() disable a tasklet: it is not
 * called until it has been enabled as often as it has been disabled.  When
 * tasklet_disable() returns, the tasklet is not running.
 */
#define	tasklet_disable		lwq_tasklet_disable
#define	tasklet_disable_nosync	lwq_tasklet_disable_nosync
#define	tasklet_enable		lwq_tasklet_enable
#define	tasklet_unlock_wait	lwq_tasklet_unlock_wait
void	tasklet_disable(struct tasklet_struct *);
void	tasklet_disable_nosync(struct tasklet_struct *);
void	tasklet_enable(struct tasklet_struct *);
void	tasklet_unlock_wait(struct tasklet_struct *);

/* Wait until the tasklet is neither scheduled nor running. */
#define	tasklet_kill		lwq_tasklet_kill
void	tasklet_kill(struct tasklet_struct *);

#endif	/* !_LWQ_LINUX_INTERRUPT_H_ */
