/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Timers of Linux, with the interface of 2003 and that of today: see
 * linux_timer(9).
 */

#ifndef _LWQ_LINUX_TIMER_H_
#define	_LWQ_LINUX_TIMER_H_

#ifdef __cplusplus
#error "<linux/timer.h> is for C11 only, not for C++"
#endif

#include <linux/container_of.h>
#include <linux/jiffies.h>
#include <linux/types.h>

/* The host's <time.h> declares another timer_delete(). */
#include <time.h>

struct timer_list {
	unsigned long	 expires;		/* for add_timer() */
	void		(*function)(unsigned long); /* of 2003 */
	unsigned long	 data;
	void		(*__tl_func)(struct timer_list *); /* or NULL */
	void		*__tl_callout[10];	/* two are spare */
	unsigned int	 __tl_state;
	unsigned int	 __tl_armed;
};

#define	TIMER_DEFERRABLE	0x1u	/* accepted */
#define	TIMER_PINNED		0x2u	/* accepted */
#define	TIMER_IRQSAFE		0x4u	/* accepted */

/* With two arguments, func(timer); with four, func(data). */
#define	TIMER_INITIALIZER(f, e, d)					\
	{ .expires = (e), .function = (f), .data = (d) }
#define	_LWQ_TIMER_2(name, f)						\
	struct timer_list name = { .__tl_func = (f) }
#define	_LWQ_TIMER_4(name, f, e, d)					\
	struct timer_list name = TIMER_INITIALIZER(f, e, d)
#define	_LWQ_TIMER_ARG4(a, b, c, d, name, ...)	name
#define	DEFINE_TIMER(...)						\
	_LWQ_TIMER_ARG4(__VA_ARGS__, _LWQ_TIMER_4, 0, _LWQ_TIMER_2,	\
	    0)(__VA_ARGS__)

#define	init_timer(t)		lwq_timer_init((t), 0)
#define	timer_setup(t, f, flags) ((void)(flags), lwq_timer_init((t), (f)))
#define	setup_timer(t, f, d)						\
	do {								\
		init_timer(t);						\
		(t)->function = (f);					\
		(t)->data = (d);					\
	} while (0)
#define	init_timer_on_stack(t)		init_timer(t)
#define	timer_setup_on_stack(t, f, fl)	timer_setup(t, f, fl)
#define	setup_timer_on_stack(t, f, d)	setup_timer(t, f, d)
#define	destroy_timer_on_stack(t)	((void)(t))
#define	timer_destroy_on_stack(t)	((void)(t))
void	lwq_timer_init(struct timer_list *, void (*)(struct timer_list *));

#define	from_timer(var, t, member)					\
	container_of(t, __typeof__(*(var)), member)
#define	timer_container_of(var, t, member)				\
	container_of(t, __typeof__(*(var)), member)

/*
 * Call the function when jiffies reaches a value.  For add_timer() the value is
 * the field expires, and the timer must not be pending.  The other functions
 * return 1 if the timer was pending.  mod_timer_pending() arms only a pending
 * timer.  timer_reduce() never delays a pending timer.
 */
#define	add_timer		lwq_add_timer
#define	add_timer_on(t, cpu)	((void)(cpu), add_timer(t))
#define	mod_timer		lwq_mod_timer
#define	mod_timer_pending	lwq_mod_timer_pending
#define	timer_reduce		lwq_timer_reduce
void	add_timer(struct timer_list *);
int	mod_timer(struct timer_list *, unsigned long);
int	mod_timer_pending(struct timer_list *, unsigned long);
int	timer_reduce(struct timer_list *, unsigned long);

/*
 * Disarm a timer.  Return 1 if it was pending and will not be called, and 0 if
 * it was not pending or if it is too late.  When a function with "sync" in its
 * name returns, the timer's function is not running.  The function with "try"
 * in its name returns -1 instead of waiting.  After a function with "shutdown"
 * in its name, the timer can no longer be armed.
 */
#define	del_timer		lwq_del_timer
#define	del_timer_sync		lwq_del_timer_sync
#define	timer_delete		lwq_del_timer
#define	timer_delete_sync	lwq_del_timer_sync
#define	del_singleshot_timer_sync lwq_del_timer_sync
#define	try_to_del_timer_sync	lwq_try_to_del_timer_sync
#define	timer_shutdown		lwq_timer_shutdown
#define	timer_shutdown_sync	lwq_timer_shutdown_sync
int	del_timer(struct timer_list *);
int	del_timer_sync(struct timer_list *);
int	try_to_del_timer_sync(struct timer_list *);
int	timer_shutdown(struct timer_list *);
int	timer_shutdown_sync(struct timer_list *);

#define	timer_pending		lwq_timer_pending
int	timer_pending(const struct timer_list *);

#endif	/* !_LWQ_LINUX_TIMER_H_ */
