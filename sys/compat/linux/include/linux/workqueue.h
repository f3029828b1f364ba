/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workqueues of Linux, with the interface of 2003 and that of today: see
 * linux_workqueue(9).  The number of arguments, or the type of a pointer, tells
 * which interface a call uses.
 */

#ifndef _LWQ_LINUX_WORKQUEUE_H_
#define	_LWQ_LINUX_WORKQUEUE_H_

#ifdef __cplusplus
#error "<linux/workqueue.h> is for C11 only, not for C++"
#endif

#if defined(_SYS_WORKQUEUE_H_) && !defined(_LWQ_INTERNAL)
#error "<sys/workqueue.h> and <linux/workqueue.h> cannot be used in one file: \
WQ_PERCPU means two things"
#endif

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/types.h>

struct workqueue_struct;
struct work_struct;
struct lwq_queue;

typedef void (*work_func_t)(struct work_struct *);

/*
 * The first member of all kinds of work items.  Like all names that begin with
 * two underscores, it belongs to the library.
 */
struct __lwq_item {
	void		*__i_link;
	void		*__i_links[2];
	__lwq_u64	 __i_state;
	int		 __i_kind;
	struct lwq_queue *__i_queue;	/* the last queue that it was on */
	const void	*__i_self;
	void		*__i_spare;	/* for later releases */
};

/* The timer for a delay. */
struct __lwq_timer {
	void		*__t_callout[10]; /* two are spare */
	struct lwq_queue *__t_queue;	/* to enqueue on, after the delay */
	int		 __t_state;
};

/* A link of a list. */
struct __lwq_link {
	struct __lwq_link *__l_next;
};

#define	_LWQ_NEW	0		/* func(work) */
#define	_LWQ_OLD	1		/* func(data) */
#define	_LWQ_KTHREAD	2

struct work_struct {
	struct __lwq_item __ws_item;
	union {
		work_func_t	__f_new;
		void		(*__f_old)(void *);
	}		 __ws_func;
	void		*__ws_data;
	struct __lwq_timer __ws_timer;
};

struct delayed_work {
	struct work_struct work;
};

struct execute_work {
	struct work_struct work;
};

#define	to_delayed_work(w)	container_of((w), struct delayed_work, work)

/*
 * Initialisation.
 */
#define	_LWQ_ARG3(a, b, c, name, ...)	name
#define	_LWQ_23(two, three, ...)	_LWQ_ARG3(__VA_ARGS__, three, two, 0)
#define	_LWQ_12(one, two, ...)		_LWQ_ARG3(0, __VA_ARGS__, two, one, 0)

#define	_LWQ_WORK2(n, f)						\
	{ .__ws_item = { .__i_kind = _LWQ_NEW,		\
	    .__i_self = &(n) }, .__ws_func = { .__f_new = (f) } }
#define	_LWQ_WORK3(n, f, d)						\
	{ .__ws_item = { .__i_kind = _LWQ_OLD,		\
	    .__i_self = &(n) }, .__ws_func = { .__f_old = (f) },	\
	    .__ws_data = (d) }
#define	__WORK_INITIALIZER(n, ...)					\
	_LWQ_23(_LWQ_WORK2, _LWQ_WORK3, n, __VA_ARGS__)(n, __VA_ARGS__)
#define	DECLARE_WORK(n, ...)						\
	struct work_struct n = __WORK_INITIALIZER(n, __VA_ARGS__)
#define	__DELAYED_WORK_INITIALIZER(n, f)				\
	{ .work = _LWQ_WORK2((n).work, f) }
#define	DECLARE_DELAYED_WORK(n, f)					\
	struct delayed_work n = __DELAYED_WORK_INITIALIZER(n, f)
#define	DECLARE_DEFERRABLE_WORK(n, f)	DECLARE_DELAYED_WORK(n, f)

#define	INIT_WORK(...)							\
	_LWQ_23(lwq_init_work, lwq_init_work_old, __VA_ARGS__)(__VA_ARGS__)
#define	PREPARE_WORK(...)						\
	_LWQ_23(lwq_prepare_work, lwq_prepare_work_old,			\
	    __VA_ARGS__)(__VA_ARGS__)
#define	INIT_WORK_ONSTACK(w, f)		INIT_WORK(w, f)
#define	INIT_DELAYED_WORK(dw, f)	INIT_WORK(&(dw)->work, f)
#define	INIT_DELAYED_WORK_ONSTACK(dw, f) INIT_DELAYED_WORK(dw, f)
#define	INIT_DEFERRABLE_WORK(dw, f)	INIT_DELAYED_WORK(dw, f)
#define	PREPARE_DELAYED_WORK(dw, f)	PREPARE_WORK(&(dw)->work, f)
#define	destroy_work_on_stack(w)	((void)(w))
#define	destroy_delayed_work_on_stack(dw) ((void)(dw))

void	lwq_init_work(struct work_struct *, work_func_t);
void	lwq_init_work_old(struct work_struct *, void (*)(void *), void *);

static inline void
lwq_prepare_work(struct work_struct *__w, work_func_t __f)
{

	__w->__ws_item.__i_kind = _LWQ_NEW;
	__w->__ws_func.__f_new = __f;
}

static inline void
lwq_prepare_work_old(struct work_struct *__w, void (*__f)(void *), void *__d)
{

	__w->__ws_item.__i_kind = _LWQ_OLD;
	__w->__ws_func.__f_old = __f;
	__w->__ws_data = __d;
}

/*
 * Queues.
 */
enum {
	WQ_BH = 1 << 0,			/* one at a time, high priority */
	WQ_UNBOUND = 1 << 1,		/* not bound to CPUs */
	WQ_FREEZABLE = 1 << 2,		/* accepted */
	WQ_MEM_RECLAIM = 1 << 3,	/* its threads start at once */
	WQ_HIGHPRI = 1 << 4,
	WQ_CPU_INTENSIVE = 1 << 5,	/* accepted */
	WQ_SYSFS = 1 << 6,		/* accepted */
	WQ_POWER_EFFICIENT = 1 << 7,	/* accepted */
	WQ_PERCPU = 1 << 8,		/* the default */

	__WQ_ORDERED = 1 << 17,
	__WQ_LEGACY = 1 << 18,

	WQ_MAX_ACTIVE = 2048,
	WQ_UNBOUND_MAX_ACTIVE = WQ_MAX_ACTIVE,
	WQ_DFL_ACTIVE = WQ_MAX_ACTIVE / 2,

	WORK_CPU_UNBOUND = 1 << 20	/* the caller's CPU */
};

#define	alloc_workqueue		lwq_alloc_workqueue
struct workqueue_struct *alloc_workqueue(const char *, unsigned int, int, ...)
	    __attribute__((__format__(__printf__, 1, 4)));

#define	alloc_ordered_workqueue	lwq_alloc_ordered_workqueue
struct workqueue_struct *alloc_ordered_workqueue(const char *, unsigned int,
	    ...) __attribute__((__format__(__printf__, 1, 3)));

/* The calls of 2003, whose name is not a format. */
#define	create_workqueue(name)		lwq_create((name), 0)
#define	create_singlethread_workqueue(name) lwq_create((name), 1)
#define	create_freezable_workqueue(name) lwq_create((name), 1)
#define	create_freezeable_workqueue(name) lwq_create((name), 1)
struct workqueue_struct *lwq_create(const char *, int);

#define	destroy_workqueue	lwq_destroy_workqueue
#define	flush_workqueue		lwq_flush_workqueue
#define	drain_workqueue		lwq_drain_workqueue
#define	workqueue_set_max_active lwq_set_max_active
void	destroy_workqueue(struct workqueue_struct *);
void	flush_workqueue(struct workqueue_struct *);
void	drain_workqueue(struct workqueue_struct *);
void	workqueue_set_max_active(struct workqueue_struct *, int);

#define	system_wq		(lwq_system(0))
#define	system_percpu_wq	(lwq_system(0))
#define	system_highpri_wq	(lwq_system(1))
#define	system_long_wq		(lwq_system(2))
#define	system_unbound_wq	(lwq_system(3))
#define	system_dfl_wq		(lwq_system(3))
#define	system_freezable_wq	(lwq_system(4))
#define	system_power_efficient_wq (lwq_system(5))
#define	system_freezable_power_efficient_wq (lwq_system(4))
#define	system_bh_wq		(lwq_system(6))
#define	system_bh_highpri_wq	(lwq_system(6))
struct workqueue_struct *lwq_system(int);

/*
 * Work items without a delay, of both interfaces.
 */
#define	queue_work_on		lwq_queue_work_on
bool	queue_work_on(int, struct workqueue_struct *, struct work_struct *);
bool	lwq_queue_work(struct workqueue_struct *, struct work_struct *);

#define	queue_work(wq, w)	lwq_queue_work((wq), (w))

/*
 * Use the shared workqueue "events", of the interface that initialised the
 * item.
 */
#define	schedule_work(w)	lwq_schedule_work(WORK_CPU_UNBOUND, (w))
#define	schedule_work_on(cpu, w) lwq_schedule_work((cpu), (w))
#define	flush_scheduled_work()	lwq_flush_scheduled()
bool	lwq_schedule_work(int, struct work_struct *);
void	lwq_flush_scheduled(void);

#define	flush_work		lwq_flush_work
#define	flush_work_sync		lwq_flush_work
#define	cancel_work		lwq_cancel_work
#define	cancel_work_sync	lwq_cancel_work_sync
#define	disable_work		lwq_disable_work
#define	disable_work_sync	lwq_disable_work_sync
#define	enable_work		lwq_enable_work
#define	work_busy		lwq_work_busy
#define	current_work		lwq_current_work
bool	flush_work(struct work_struct *);
bool	cancel_work(struct work_struct *);
bool	cancel_work_sync(struct work_struct *);
bool	disable_work(struct work_struct *);
bool	disable_work_sync(struct work_struct *);
bool	enable_work(struct work_struct *);
unsigned int work_busy(struct work_struct *);
struct work_struct *current_work(void);

#define	enable_and_queue_work(wq, w)					\
	(enable_work(w) ? (queue_work((wq), (w)), true) : false)

enum {
	WORK_BUSY_PENDING = 1,
	WORK_BUSY_RUNNING = 2
};

#define	work_pending		lwq_work_pending
#define	delayed_work_pending(dw) work_pending(&(dw)->work)
bool	work_pending(const struct work_struct *);

/*
 * With a delay: a delayed_work, or a work_struct as in 2003.
 */
#define	_LWQ_PLAIN(w)	_Generic((w),					\
	struct work_struct *: (struct work_struct *)(void *)(w),	\
	struct delayed_work *: (struct work_struct *)(void *)(w))

#define	queue_delayed_work_on(cpu, wq, w, delay)			\
	lwq_queue_delayed((cpu), (wq), _LWQ_PLAIN(w), (delay))
#define	queue_delayed_work(wq, w, delay)				\
	queue_delayed_work_on(WORK_CPU_UNBOUND, wq, w, delay)
#define	schedule_delayed_work(w, delay)					\
	schedule_delayed_work_on(WORK_CPU_UNBOUND, w, delay)
#define	schedule_delayed_work_on(cpu, w, delay)				\
	lwq_schedule_delayed((cpu), _LWQ_PLAIN(w), (delay))
#define	cancel_delayed_work(w)	_Generic((w),				\
	struct work_struct *: lwq_stop_timer,				\
	struct delayed_work *: lwq_cancel_work)(_LWQ_PLAIN(w))
#define	cancel_delayed_work_sync(w)	cancel_work_sync(_LWQ_PLAIN(w))
#define	cancel_rearming_delayed_work(w)					\
	((void)cancel_work_sync(_LWQ_PLAIN(w)))
#define	cancel_rearming_delayed_workqueue(wq, w)			\
	((void)(wq), cancel_rearming_delayed_work(w))

#define	mod_delayed_work_on(cpu, wq, dw, delay)				\
	lwq_mod_delayed((cpu), (wq), &(dw)->work, (delay))
#define	mod_delayed_work(wq, dw, delay)					\
	mod_delayed_work_on(WORK_CPU_UNBOUND, wq, dw, delay)
#define	flush_delayed_work(dw)		lwq_flush_delayed(&(dw)->work)
#define	disable_delayed_work(dw)	disable_work(&(dw)->work)
#define	disable_delayed_work_sync(dw)	disable_work_sync(&(dw)->work)
#define	enable_delayed_work(dw)		enable_work(&(dw)->work)

bool	lwq_queue_delayed(int, struct workqueue_struct *,
	    struct work_struct *, unsigned long);
bool	lwq_schedule_delayed(int, struct work_struct *, unsigned long);
bool	lwq_mod_delayed(int, struct workqueue_struct *, struct work_struct *,
	    unsigned long);
bool	lwq_flush_delayed(struct work_struct *);
bool	lwq_stop_timer(struct work_struct *);

/*
 * Calls that use the shared workqueues "events".
 */
#define	schedule_on_each_cpu(...)					\
	_LWQ_12(lwq_on_each_cpu, lwq_on_each_cpu_old,			\
	    __VA_ARGS__)(__VA_ARGS__)
int	lwq_on_each_cpu(work_func_t);
int	lwq_on_each_cpu_old(void (*)(void *), void *);

#define	execute_in_process_context(...)					\
	_LWQ_23(lwq_execute, lwq_execute_old, __VA_ARGS__)(__VA_ARGS__)
int	lwq_execute(work_func_t, struct execute_work *);
int	lwq_execute_old(void (*)(void *), void *, struct execute_work *);

#define	current_is_keventd	lwq_current_is_keventd
#define	keventd_up		lwq_keventd_up
int	current_is_keventd(void);
int	keventd_up(void);

#endif	/* !_LWQ_LINUX_WORKQUEUE_H_ */
