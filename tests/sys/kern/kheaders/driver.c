/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A driver, with a driver's headers: attach, an interrupt that schedules a soft
 * interrupt, which enqueues; a watchdog.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/callout.h>
#include <sys/device.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/condvar.h>
#include <sys/queue.h>
#include <sys/evcnt.h>
#include <sys/workqueue.h>

#define	FOO_NCMD	16

struct foo_cmd {
	struct work		fc_work;
	SIMPLEQ_ENTRY(foo_cmd)	fc_next;
	int			fc_tag;
};

struct foo_softc {
	device_t		sc_dev;
	kmutex_t		sc_lock;
	kcondvar_t		sc_cv;
	callout_t		sc_watchdog;
	void			*sc_sih;
	struct workqueue	*sc_wq;
	struct evcnt		sc_ev_cmds;
	SIMPLEQ_HEAD(, foo_cmd)	sc_done;
	int			sc_ncmds;
	int			sc_busy;
};

static int	foo_match(device_t, cfdata_t, void *);
static void	foo_attach(device_t, device_t, void *);
static int	foo_detach(device_t, int);

CFATTACH_DECL_NEW(foo, sizeof(struct foo_softc), foo_match, foo_attach,
    foo_detach, NULL);

static int
foo_match(device_t parent, cfdata_t match, void *aux)
{
	const int *wanted = aux;

	return *wanted;
}

static void
foo_work(struct work *wk, void *cookie)
{
	struct foo_softc * const sc = cookie;
	struct foo_cmd *fc = container_of(wk, struct foo_cmd, fc_work);

	kmem_free(fc, sizeof(*fc));
	mutex_enter(&sc->sc_lock);
	if (--sc->sc_busy == 0)
		cv_broadcast(&sc->sc_cv);
	mutex_exit(&sc->sc_lock);
}

static void
foo_softintr(void *cookie)
{
	struct foo_softc * const sc = cookie;
	struct foo_cmd *fc;

	mutex_enter(&sc->sc_lock);
	while ((fc = SIMPLEQ_FIRST(&sc->sc_done)) != NULL) {
		SIMPLEQ_REMOVE_HEAD(&sc->sc_done, fc_next);
		workqueue_enqueue(sc->sc_wq, &fc->fc_work, NULL);
	}
	mutex_exit(&sc->sc_lock);
}

static void
foo_watchdog(void *cookie)
{
	struct foo_softc * const sc = cookie;

	device_printf(sc->sc_dev, "stalled\n");
	callout_schedule(&sc->sc_watchdog, 5 * hz);
}

static void
foo_start(struct foo_softc *sc, int tag)
{
	struct foo_cmd *fc;

	fc = kmem_zalloc(sizeof(*fc), KM_SLEEP);
	fc->fc_tag = tag;
	callout_schedule(&sc->sc_watchdog, mstohz(5000));
	mutex_enter(&sc->sc_lock);
	sc->sc_busy++;
	sc->sc_ncmds++;
	sc->sc_ev_cmds.ev_count++;
	SIMPLEQ_INSERT_TAIL(&sc->sc_done, fc, fc_next);
	softint_schedule(sc->sc_sih);
	mutex_exit(&sc->sc_lock);
}

static void
foo_attach(device_t parent, device_t self, void *aux)
{
	struct foo_softc * const sc = device_private(self);
	int error;

	sc->sc_dev = self;
	aprint_naive("\n");
	aprint_normal(": foo\n");

	mutex_init(&sc->sc_lock, MUTEX_DEFAULT, IPL_SOFTNET);
	cv_init(&sc->sc_cv, "foocmd");
	callout_init(&sc->sc_watchdog, CALLOUT_MPSAFE);
	callout_setfunc(&sc->sc_watchdog, foo_watchdog, sc);
	SIMPLEQ_INIT(&sc->sc_done);
	evcnt_attach_dynamic(&sc->sc_ev_cmds, EVCNT_TYPE_MISC, NULL,
	    device_xname(self), "commands");
	sc->sc_sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE,
	    foo_softintr, sc);
	error = workqueue_create(&sc->sc_wq, device_xname(self), foo_work, sc,
	    PRI_SOFTNET, IPL_NET, WQ_MPSAFE);
	if (error != 0)
		aprint_error_dev(self, "no workqueue: %d\n", error);
	if (!pmf_device_register(self, NULL, NULL))
		aprint_error_dev(self, "couldn't establish power handler\n");
}

static int
foo_detach(device_t self, int flags)
{
	struct foo_softc * const sc = device_private(self);

	mutex_enter(&sc->sc_lock);
	while (sc->sc_busy != 0)
		cv_wait(&sc->sc_cv, &sc->sc_lock);
	mutex_exit(&sc->sc_lock);
	pmf_device_deregister(self);
	callout_halt(&sc->sc_watchdog, NULL);
	callout_destroy(&sc->sc_watchdog);
	softint_disestablish(sc->sc_sih);
	workqueue_destroy(sc->sc_wq);
	evcnt_detach(&sc->sc_ev_cmds);
	cv_destroy(&sc->sc_cv);
	mutex_destroy(&sc->sc_lock);
	return 0;
}

int driver_test(void);

int
driver_test(void)
{
	device_t dev;
	int i, wanted;

	wanted = 0;
	KASSERT(wqk_device_attach(&foo_ca, "foo", 0, NULL, &wanted) == NULL);
	wanted = 1;
	dev = wqk_device_attach(&foo_ca, "foo", 3, NULL, &wanted);
	KASSERT(dev != NULL);
	KASSERT(strcmp(device_xname(dev), "foo3") == 0);
	KASSERT(device_unit(dev) == 3);
	KASSERT(device_is_a(dev, "foo"));
	for (i = 0; i < FOO_NCMD; i++)
		foo_start(device_private(dev), i);
	return wqk_device_detach(dev, 0);
}
