/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Kernel threads and kthread_workers of Linux: see linux_kthread_worker(9).
 */

#ifndef _LWQ_LINUX_KTHREAD_H_
#define	_LWQ_LINUX_KTHREAD_H_

#ifdef __cplusplus
#error "<linux/kthread.h> is for C11 only, not for C++"
#endif

#if defined(_SYS_KTHREAD_H_) && !defined(_LWQ_INTERNAL)
#error "<sys/kthread.h> and <linux/kthread.h> cannot be used in one file: \
kthread_create() means two things"
#endif

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

/*
 * Threads.  The name is a format as for printf.
 */
#define	kthread_create(...)	lwq_kthread_create(__VA_ARGS__)
#define	kthread_run(...)	lwq_kthread_run(__VA_ARGS__)
#define	kthread_stop		lwq_kthread_stop
#define	kthread_should_stop	lwq_kthread_should_stop
#define	kthread_bind		lwq_kthread_bind

struct task_struct *lwq_kthread_create(int (*)(void *), void *, const char *,
	    ...) __attribute__((__format__(__printf__, 3, 4)));
struct task_struct *lwq_kthread_run(int (*)(void *), void *, const char *,
	    ...) __attribute__((__format__(__printf__, 3, 4)));
int	kthread_stop(struct task_struct *);
bool	kthread_should_stop(void);

/* Bind a new thread to a CPU, before it is woken. */
void	kthread_bind(struct task_struct *, unsigned int);

/*
 * Workers.
 */
struct kthread_work;
typedef void (*kthread_work_func_t)(struct kthread_work *);

struct kthread_worker {
	unsigned int	 __kw_ready;	/* 0 until first used */
	unsigned int	 __kw_flags;
	struct task_struct *task;
	void		*__kw_queue[5];
	struct __lwq_link __kw_link;
	void		*__kw_mark[3];
	char		 __kw_pool[512] __attribute__((__aligned__(64)));
};

struct kthread_work {
	struct __lwq_item __kk_item;
	kthread_work_func_t func;
	struct kthread_worker *worker;
};

struct kthread_delayed_work {
	struct kthread_work work;
	struct __lwq_timer __kd_timer;
};

enum {
	KTW_FREEZABLE = 1 << 0		/* accepted */
};

#define	KTHREAD_WORKER_INIT(w)	{ .__kw_ready = 0 }
#define	KTHREAD_WORK_INIT(w, fn)					\
	{ .__kk_item = { .__i_kind = _LWQ_KTHREAD,	\
	    .__i_self = &(w) }, .func = (fn) }
#define	KTHREAD_DELAYED_WORK_INIT(dw, fn)				\
	{ .work = KTHREAD_WORK_INIT((dw).work, (fn)) }
#define	DEFINE_KTHREAD_WORKER(w)					\
	struct kthread_worker w = KTHREAD_WORKER_INIT(w)
#define	DEFINE_KTHREAD_WORKER_ONSTACK(w)	DEFINE_KTHREAD_WORKER(w)
#define	DEFINE_KTHREAD_WORK(w, fn)					\
	struct kthread_work w = KTHREAD_WORK_INIT(w, fn)
#define	DEFINE_KTHREAD_DELAYED_WORK(dw, fn)				\
	struct kthread_delayed_work dw = KTHREAD_DELAYED_WORK_INIT(dw, fn)

#define	kthread_init_worker	lwq_kthread_init_worker
#define	kthread_init_work	lwq_kthread_init_work
#define	kthread_init_delayed_work lwq_kthread_init_delayed_work
void	kthread_init_worker(struct kthread_worker *);
void	kthread_init_work(struct kthread_work *, kthread_work_func_t);
void	kthread_init_delayed_work(struct kthread_delayed_work *,
	    kthread_work_func_t);

/* The function of a worker's thread, for kthread_run(). */
#define	kthread_worker_fn	lwq_kthread_worker_fn
int	kthread_worker_fn(void *);

#define	kthread_create_worker(...)	lwq_create_worker(__VA_ARGS__)
#define	kthread_run_worker(...)		lwq_create_worker(__VA_ARGS__)
#define	kthread_destroy_worker		lwq_destroy_worker

/*
 * If a call of kthread_create_worker_on_cpu() has three arguments, it is a call
 * of Linux 6.14 or later, in which the format's only argument is the CPU.  In a
 * call with more arguments, up to nine arguments of the format follow the
 * format.
 */
#define	_LWQ_ARG12(a, b, c, d, e, f, g, h, i, j, k, l, name, ...) name
#define	kthread_create_worker_on_cpu(...)				\
	_LWQ_ARG12(__VA_ARGS__,						\
	    lwq_create_worker_on, lwq_create_worker_on,			\
	    lwq_create_worker_on, lwq_create_worker_on,			\
	    lwq_create_worker_on, lwq_create_worker_on,			\
	    lwq_create_worker_on, lwq_create_worker_on,			\
	    lwq_create_worker_on, lwq_create_worker_cpu, 0)(__VA_ARGS__)
#define	kthread_run_worker_on_cpu	kthread_create_worker_on_cpu
struct kthread_worker *lwq_create_worker(unsigned int, const char *, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
struct kthread_worker *lwq_create_worker_on(int, unsigned int, const char *,
	    ...) __attribute__((__format__(__printf__, 3, 4)));
struct kthread_worker *lwq_create_worker_cpu(int, unsigned int, const char *)
	    __attribute__((__format__(__printf__, 3, 0)));
void	kthread_destroy_worker(struct kthread_worker *);

#define	kthread_queue_work	lwq_kthread_queue_work
#define	kthread_queue_delayed_work lwq_kthread_queue_delayed
#define	kthread_mod_delayed_work lwq_kthread_mod_delayed
#define	kthread_flush_work	lwq_kthread_flush_work
#define	kthread_flush_worker	lwq_kthread_flush_worker
#define	kthread_cancel_work_sync lwq_kthread_cancel_work_sync
#define	kthread_cancel_delayed_work_sync lwq_kthread_cancel_delayed
bool	kthread_queue_work(struct kthread_worker *, struct kthread_work *);
bool	kthread_queue_delayed_work(struct kthread_worker *,
	    struct kthread_delayed_work *, unsigned long);
bool	kthread_mod_delayed_work(struct kthread_worker *,
	    struct kthread_delayed_work *, unsigned long);
void	kthread_flush_work(struct kthread_work *);
void	kthread_flush_worker(struct kthread_worker *);
bool	kthread_cancel_work_sync(struct kthread_work *);
bool	kthread_cancel_delayed_work_sync(struct kthread_delayed_work *);

/* Former names. */
#define	init_kthread_worker	kthread_init_worker
#define	init_kthread_work	kthread_init_work
#define	queue_kthread_work	kthread_queue_work
#define	flush_kthread_work	kthread_flush_work
#define	flush_kthread_worker	kthread_flush_worker

#endif	/* !_LWQ_LINUX_KTHREAD_H_ */
