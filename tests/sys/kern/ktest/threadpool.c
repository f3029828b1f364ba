/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kernel test: the life of threadpool(9) jobs; storms of cancellation.
 */

#include <sys/param.h>
#include <sys/types.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/threadpool.h>

#include "ktest.h"

#define	ROUNDS		300
#define	NCANCELLERS	3
#define	NSELF		50

struct tp_softc {
	kmutex_t	 sc_mtx;
	kcondvar_t	 sc_cv;
	struct threadpool *sc_pool;
	struct threadpool_job sc_job;
	unsigned int	 sc_runs;	/* (sc_mtx) */
	unsigned int	 sc_total;	/* (sc_mtx) */
	unsigned int	 sc_freed;	/* (sc_mtx) */
	bool		 sc_running;	/* (sc_mtx) */
};

static void
tp_job(struct threadpool_job *job)
{
	struct tp_softc *sc = container_of(job, struct tp_softc, sc_job);

	mutex_enter(&sc->sc_mtx);
	KASSERT(!sc->sc_running);
	sc->sc_running = true;
	if (sc->sc_total++ % 16 == 0) {
		mutex_exit(&sc->sc_mtx);
		kpause("job", false, 1, NULL);
		mutex_enter(&sc->sc_mtx);
	}
	sc->sc_running = false;
	sc->sc_runs++;
	cv_broadcast(&sc->sc_cv);
	threadpool_job_done(job);
	mutex_exit(&sc->sc_mtx);
}

/* Schedule a job many times, and wait for each run. */
static int
tp_sequence(struct tp_softc *sc)
{
	unsigned int i;
	int error;

	error = 0;
	mutex_enter(&sc->sc_mtx);
	for (i = 0; i < ROUNDS && error == 0; i++) {
		sc->sc_runs = 0;
		/*
		 * The job may still be returning, and is then not scheduled:
		 * try again.
		 */
		while (sc->sc_runs == 0 && error == 0) {
			threadpool_schedule_job(sc->sc_pool, &sc->sc_job);
			error = cv_timedwait(&sc->sc_cv, &sc->sc_mtx,
			    mstohz(60000));
		}
	}
	threadpool_cancel_job(sc->sc_pool, &sc->sc_job);
	KASSERT(!sc->sc_running);
	mutex_exit(&sc->sc_mtx);
	return error;
}

/* Threads schedule and cancel at the same time. */
static void
tp_canceller(void *arg)
{
	struct tp_softc *sc = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		mutex_enter(&sc->sc_mtx);
		threadpool_schedule_job(sc->sc_pool, &sc->sc_job);
		mutex_exit(&sc->sc_mtx);
		if (i % 4 == 0)
			yield();
		mutex_enter(&sc->sc_mtx);
		if (i % 2 == 0)
			threadpool_cancel_job(sc->sc_pool, &sc->sc_job);
		else
			(void)threadpool_cancel_job_async(sc->sc_pool,
			    &sc->sc_job);
		KASSERT(mutex_owned(&sc->sc_mtx));
		mutex_exit(&sc->sc_mtx);
	}
	kthread_exit(0);
}

static int
tp_storm(struct tp_softc *sc)
{
	struct lwp *l[NCANCELLERS];
	int error, i, n;

	error = 0;
	for (n = 0; n < NCANCELLERS && error == 0; n++)
		error = kthread_create(PRI_NONE, KTHREAD_MPSAFE |
		    KTHREAD_MUSTJOIN, NULL, tp_canceller, sc, &l[n],
		    "cancel%d", n);
	if (error)
		n--;
	for (i = 0; i < n; i++)
		(void)kthread_join(l[i]);
	mutex_enter(&sc->sc_mtx);
	threadpool_cancel_job(sc->sc_pool, &sc->sc_job);
	KASSERT(!sc->sc_running);
	mutex_exit(&sc->sc_mtx);
	return error;
}

/* Jobs that free themselves. */
struct tp_self {
	struct threadpool_job s_job;
	struct tp_softc	*s_sc;
};

static void
tp_self(struct threadpool_job *job)
{
	struct tp_self *s = container_of(job, struct tp_self, s_job);
	struct tp_softc *sc = s->s_sc;

	mutex_enter(&sc->sc_mtx);
	threadpool_job_done(job);
	mutex_exit(&sc->sc_mtx);

	threadpool_job_destroy(job);
	kmem_free(s, sizeof(*s));

	mutex_enter(&sc->sc_mtx);
	sc->sc_freed++;
	cv_broadcast(&sc->sc_cv);
	mutex_exit(&sc->sc_mtx);
}

static int
tp_selves(struct tp_softc *sc)
{
	struct tp_self *s;
	int error, i;

	sc->sc_freed = 0;
	for (i = 0; i < NSELF; i++) {
		s = kmem_alloc(sizeof(*s), KM_SLEEP);
		s->s_sc = sc;
		threadpool_job_init(&s->s_job, tp_self, &sc->sc_mtx,
		    "self%d", i);
		mutex_enter(&sc->sc_mtx);
		threadpool_schedule_job(sc->sc_pool, &s->s_job);
		mutex_exit(&sc->sc_mtx);
	}
	error = 0;
	mutex_enter(&sc->sc_mtx);
	while (sc->sc_freed < NSELF && error == 0)
		error = cv_timedwait(&sc->sc_cv, &sc->sc_mtx, mstohz(60000));
	mutex_exit(&sc->sc_mtx);
	return error;
}

static int
tp_all(struct threadpool *pool)
{
	struct tp_softc *sc;
	int error;

	sc = kmem_zalloc(sizeof(*sc), KM_SLEEP);
	mutex_init(&sc->sc_mtx, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&sc->sc_cv, "tp");
	sc->sc_pool = pool;
	threadpool_job_init(&sc->sc_job, tp_job, &sc->sc_mtx, "job");
	if ((error = tp_sequence(sc)) == 0 && (error = tp_storm(sc)) == 0)
		error = tp_selves(sc);
	threadpool_job_destroy(&sc->sc_job);
	cv_destroy(&sc->sc_cv);
	mutex_destroy(&sc->sc_mtx);
	kmem_free(sc, sizeof(*sc));
	return error;
}

int
ktest_threadpool(void)
{
	struct threadpool *pool, *again;
	struct threadpool_percpu *percpu;
	int error;

	if ((error = threadpool_get(&pool, PRI_NONE)) != 0)
		return error;
	if ((error = threadpool_get(&again, PRI_NONE)) != 0)
		return error;
	KASSERT(pool == again);
	threadpool_put(again, PRI_NONE);
	error = tp_all(pool);
	threadpool_put(pool, PRI_NONE);
	if (error)
		return error;

	if ((error = threadpool_percpu_get(&percpu, PRI_NONE)) != 0)
		return error;
	error = tp_all(threadpool_percpu_ref(percpu));
	if (error == 0)
		error = tp_all(threadpool_percpu_ref_remote(percpu,
		    cpu_lookup(ncpu - 1)));
	threadpool_percpu_put(percpu, PRI_NONE);
	return error;
}
