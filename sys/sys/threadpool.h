/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * threadpool(9): shared threads for jobs that may take long.
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

/* A job; embed it.  Its fields belong to the library. */
struct threadpool_job {
	struct work	 job_work;
	void		*job_links[2];
	kmutex_t	*job_lock;	/* interlock; protects the rest */
	kcondvar_t	 job_cv;
	threadpool_job_fn_t *job_fn;
	struct threadpool *job_pool;	/* pool that will run it */
	struct threadpool *job_queued;	/* pool with job_work, or NULL */
	struct lwp	*job_lwp;	/* thread that runs it, or NULL */
	bool		*job_donep;	/* that thread's done flag */
	unsigned int	 job_spareint;	/* for later releases */
	unsigned int	 job_forkgen;	/* process of this state */
	bool		 job_scheduled;	/* scheduled, not started */
	char		 job_name[16];
	void		*job_spare[2];	/* for later releases */
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

/*
 * threadpool_get() gets the pool of a priority, and returns 0 or an errno
 * value.  threadpool_put() releases the pool.
 */
int	threadpool_get(struct threadpool **, pri_t);
void	threadpool_put(struct threadpool *, pri_t);

/* The same, with one pool per CPU. */
int	threadpool_percpu_get(struct threadpool_percpu **, pri_t);
void	threadpool_percpu_put(struct threadpool_percpu *, pri_t);

/* Return the pool of the caller's CPU, or of the given one. */
struct threadpool *threadpool_percpu_ref(struct threadpool_percpu *);
struct threadpool *threadpool_percpu_ref_remote(struct threadpool_percpu *,
	    struct cpu_info *);

/* Initialise or destroy a job, without holding the interlock. */
void	threadpool_job_init(struct threadpool_job *, threadpool_job_fn_t *,
	    kmutex_t *, const char *, ...) __wq_printflike(4, 5);
void	threadpool_job_destroy(struct threadpool_job *);

/* Report the end of a job, from its function, with the interlock held. */
void	threadpool_job_done(struct threadpool_job *);

/*
 * Schedule a job unless it is scheduled or running.  The caller holds the
 * interlock.
 */
void	threadpool_schedule_job(struct threadpool *, struct threadpool_job *);

/*
 * Cancel a job, with the interlock held.  If the job is running,
 * threadpool_cancel_job() releases the interlock and waits.  The other call
 * does not wait: it returns true if the job will not run.
 */
void	threadpool_cancel_job(struct threadpool *, struct threadpool_job *);
bool	threadpool_cancel_job_async(struct threadpool *,
	    struct threadpool_job *);

__WQ_END_DECLS

#endif	/* !_SYS_THREADPOOL_H_ */
