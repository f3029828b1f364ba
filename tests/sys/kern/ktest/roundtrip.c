/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kernel test: enqueue an item and wait for it with a timeout, 12,000 times.
 */

#include <sys/param.h>
#include <sys/types.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/errno.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

#include "ktest.h"

#define	ROUNDS	2000

struct rt_softc {
	kmutex_t	 sc_mtx;
	kcondvar_t	 sc_cv;
	struct workqueue *sc_wq;
	struct work	 sc_work;
	int		 sc_done;	/* (sc_mtx) */
};

static void
rt_work(struct work *wk, void *arg)
{
	struct rt_softc *sc = arg;

	KASSERT(wk == &sc->sc_work);
	mutex_enter(&sc->sc_mtx);
	sc->sc_done++;
	cv_broadcast(&sc->sc_cv);
	mutex_exit(&sc->sc_mtx);
}

static int
rt_run(int ipl, int flags)
{
	struct rt_softc *sc;
	struct cpu_info *ci;
	int error, i;

	sc = kmem_zalloc(sizeof(*sc), KM_SLEEP);
	mutex_init(&sc->sc_mtx, MUTEX_DEFAULT, ipl);
	cv_init(&sc->sc_cv, "roundtrip");
	error = workqueue_create(&sc->sc_wq, "roundtrip", rt_work, sc,
	    PRI_SOFTNET, ipl, flags);
	if (error)
		goto out;

	for (i = 0; i < ROUNDS && error == 0; i++) {
		ci = NULL;
		if (flags & WQ_PERCPU)
			ci = cpu_lookup(i % ncpu);
		mutex_enter(&sc->sc_mtx);
		workqueue_enqueue(sc->sc_wq, &sc->sc_work, ci);
		while (sc->sc_done == i && error == 0)
			error = cv_timedwait(&sc->sc_cv, &sc->sc_mtx,
			    mstohz(60000));
		KASSERT(error || sc->sc_done == i + 1);
		mutex_exit(&sc->sc_mtx);
		/*
		 * The item may be enqueued on another CPU only after its
		 * callback has returned: it could run there at the same time.
		 */
		if (flags & WQ_PERCPU)
			workqueue_wait(sc->sc_wq, &sc->sc_work);
	}
	workqueue_destroy(sc->sc_wq);
out:
	cv_destroy(&sc->sc_cv);
	mutex_destroy(&sc->sc_mtx);
	kmem_free(sc, sizeof(*sc));
	return error;
}

int
ktest_roundtrip(void)
{
	static const int flags[] = { 0, WQ_MPSAFE, WQ_MPSAFE | WQ_PERCPU };
	int error;
	size_t i;

	for (i = 0; i < __arraycount(flags); i++) {
		if ((error = rt_run(IPL_NONE, flags[i])) != 0)
			return error;
		if ((error = rt_run(IPL_VM, flags[i])) != 0)
			return error;
	}
	return 0;
}
