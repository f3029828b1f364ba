/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * threadpool(9): threads to be shared, for jobs that may take long.
 */

#ifndef _SYS_THREADPOOL_H_
#define	_SYS_THREADPOOL_H_

#include <sys/wq_types.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <sys/workqueue.h>
#include <stdbool.h>
#ifdef _KERNEL
#include <sys/param.h>
#include <sys/queue.h>
#include <sys/types.h>
#endif

__WQ_BEGIN_DECLS

struct threadpool;
struct threadpool_job;
struct threadpool_percpu;

typedef void threadpool_job_fn_t(struct threadpool_job *);

/* A job; embed it.  Its fields are the library's. */
struct threadpool_job {
	struct work	 job_work;
	kmutex_t	*job_lock;	/* interlock for what follows */
	kcondvar_t	 job_cv;
	threadpool_job_fn_t *job_fn;
	struct threadpool *job_pool;	/* where it is to run */
	struct threadpool *job_queued;	/* where job_work is, or NULL */
	struct lwp	*job_lwp;	/* who runs it, or NULL */
	bool		*job_donep;	/* that thread's note */
	unsigned int	 job_gen;	/* runs done */
	bool		 job_scheduled;	/* and not begun */
	char		 job_name[16];
};

#define	threadpool_get		wqk_threadpool_get
#define	threadpool_put		wqk_threadpool_put
#define	threadpool_percpu_get	wqk_threadpool_percpu_get
#define	threadpool_percpu_put	wqk_threadpool_percpu_put
#define	threadpool_percpu_ref	wqk_threadpool_percpu_ref
#define	threadpool_percpu_ref_remote wqk_threadpool_percpu_ref_remote
#define	threadpool_job_init	wqk_threadpool_job_init
#define	threadpool_job_destroy	wqk_threadpool_job_destroy
#define	threadpool_job_done	wqk_threadpool_job_done
#define	threadpool_schedule_job	wqk_threadpool_schedule_job
#define	threadpool_cancel_job	wqk_threadpool_cancel_job
#define	threadpool_cancel_job_async wqk_threadpool_cancel_job_async

/* Pools, one for each priority; 0 or an errno value. */
int	threadpool_get(struct threadpool **, pri_t);
void	threadpool_put(struct threadpool *, pri_t);

/* The same with one pool for each CPU. */
int	threadpool_percpu_get(struct threadpool_percpu **, pri_t);
void	threadpool_percpu_put(struct threadpool_percpu *, pri_t);

/* The pool of the CPU that the caller runs on, or of a given one. */
struct threadpool *threadpool_percpu_ref(struct threadpool_percpu *);
struct threadpool *threadpool_percpu_ref_remote(struct threadpool_percpu *,
	    struct cpu_info *);

/* Without the interlock. */
void	threadpool_job_init(struct threadpool_job *, threadpool_job_fn_t *,
	    kmutex_t *, const char *, ...) __wq_printflike(4, 5);
void	threadpool_job_destroy(struct threadpool_job *);

/* With the interlock held: from the job's function, near its end. */
void	threadpool_job_done(struct threadpool_job *);

/* With the interlock held; nothing happens if it is scheduled or runs. */
void	threadpool_schedule_job(struct threadpool *, struct threadpool_job *);

/*
 * With the interlock held, which is dropped to wait for a job that runs.
 * The other does not wait: true if the job is not going to run.
 */
void	threadpool_cancel_job(struct threadpool *, struct threadpool_job *);
bool	threadpool_cancel_job_async(struct threadpool *,
	    struct threadpool_job *);

__WQ_END_DECLS

#endif	/* !_SYS_THREADPOOL_H_ */
