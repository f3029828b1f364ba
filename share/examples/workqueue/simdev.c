/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * simdev: a driver as in a kernel, for a device with a real interrupt: the
 * signal of an interval timer.
 *
 * It shows the path of a sample.  The interrupt handler, at IPL_BIO, takes the
 * sample off the device.  The soft interrupt allocates a buffer for it.  The
 * callback of the workqueue may sleep.  A callout notices that the device has
 * stalled, and resets it.  The driver also shows the level of each lock, and
 * the order of the teardown.  workqueue_driver(7) explains this file.
 *
 * cc simdev.c $(pkg-config --cflags --libs workqueue-kernel)
 */

#include <sys/param.h>
#include <sys/types.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/mutex.h>
#include <sys/pool.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

/* For the simulated device at the end of this file. */
#include <sys/time.h>
#include <signal.h>

#define	SD_SAMPLES	200	/* samples that the device delivers */
#define	SD_HANGS	2	/* times that it hangs */
#define	SD_RING		64	/* samples between the two handlers */
#define	SD_TIMEOUT	MAX(1, mstohz(100))

/*
 * A sample on its way through the queue.
 */
struct sd_buf {
	struct work	 b_work;
	unsigned int	 b_sample;
};

/*
 * The letters name the protection of a field:
 *	(i)	sc_intrlock: a spin mutex, because the interrupt handler uses it
 *	(m)	sc_lock: an adaptive mutex, for threads and callbacks
 *	(-)	constant after attach
 */
struct sd_softc {
	const char	*sc_name;		/* (-) */
	void		*sc_ih;			/* (-) */
	void		*sc_sih;		/* (-) */
	struct workqueue *sc_wq;		/* (-) */
	struct pool	 sc_pool;		/* its own lock */
	callout_t	 sc_watchdog;

	kmutex_t	 sc_intrlock;		/* IPL_BIO */
	unsigned int	 sc_ring[SD_RING];	/* (i) */
	unsigned int	 sc_head, sc_tail;	/* (i) free running */
	bool		 sc_dying;		/* (i) */

	kmutex_t	 sc_lock;		/* IPL_NONE */
	kcondvar_t	 sc_cv;			/* (m) all have arrived */
	unsigned int	 sc_nsamples;		/* (m) */
	unsigned int	 sc_sum;		/* (m) */
	unsigned int	 sc_nstalls;		/* (i) */
};

/* The device. */
static bool	hw_read(unsigned int *);
static bool	hw_hung(void);
static void	hw_init(void);
static void	hw_reset(void);
static void	hw_start(void);
static void	hw_stop(void);

/*
 * The interrupt handler.  The thread that it interrupts waits meanwhile, so
 * take what the device has and return.
 */
static int
sd_intr(void *arg)
{
	struct sd_softc *sc = arg;
	unsigned int sample;
	bool ours = false;

	mutex_spin_enter(&sc->sc_intrlock);
	/* If the ring is full, samples stay in the device. */
	while (sc->sc_head - sc->sc_tail < SD_RING && hw_read(&sample)) {
		sc->sc_ring[sc->sc_head++ % SD_RING] = sample;
		ours = true;
	}
	mutex_spin_exit(&sc->sc_intrlock);

	if (ours)
		softint_schedule(sc->sc_sih);
	return ours;
}

/*
 * The soft interrupt: get a buffer for each sample and enqueue it.  It may wait
 * for a lock, but not for memory.  Without memory the samples stay in the ring,
 * and the next callback that frees a buffer schedules us again.
 */
static void
sd_softintr(void *arg)
{
	struct sd_softc *sc = arg;
	struct sd_buf *b;
	bool got = false;

	for (;;) {
		if ((b = pool_get(&sc->sc_pool, PR_NOWAIT)) == NULL)
			break;
		mutex_spin_enter(&sc->sc_intrlock);
		if (sc->sc_head == sc->sc_tail) {
			mutex_spin_exit(&sc->sc_intrlock);
			pool_put(&sc->sc_pool, b);
			break;
		}
		b->b_sample = sc->sc_ring[sc->sc_tail++ % SD_RING];
		/*
		 * Enqueue under the lock, because the soft interrupt may run
		 * on several CPUs, and the samples must stay in order.
		 */
		workqueue_enqueue(sc->sc_wq, &b->b_work, NULL);
		mutex_spin_exit(&sc->sc_intrlock);
		got = true;
	}
	/* The device is alive: postpone the watchdog. */
	if (got)
		callout_schedule(&sc->sc_watchdog, SD_TIMEOUT);
}

/*
 * The callback, in a thread: it may take its time.
 */
static void
sd_work(struct work *wk, void *arg)
{
	struct sd_softc *sc = arg;
	struct sd_buf *b = container_of(wk, struct sd_buf, b_work);
	unsigned int sample;

	sample = b->b_sample;
	pool_put(&sc->sc_pool, b);
	softint_schedule(sc->sc_sih);

	/* Pretend to write to a slow disk. */
	if (sample % 50 == 0)
		(void)kpause("sdslow", false, 1, NULL);

	mutex_enter(&sc->sc_lock);
	KASSERTMSG(sample == sc->sc_nsamples, "%s: sample %u, expected %u",
	    sc->sc_name, sample, sc->sc_nsamples);
	sc->sc_sum += sample;
	if (++sc->sc_nsamples == SD_SAMPLES)
		cv_broadcast(&sc->sc_cv);
	mutex_exit(&sc->sc_lock);
}

/*
 * No sample has come for a while.  Ask the device whether it has stalled,
 * because the machine may only be slow.
 */
static void
sd_watchdog(void *arg)
{
	struct sd_softc *sc = arg;
	bool hung;

	mutex_spin_enter(&sc->sc_intrlock);
	if ((hung = hw_hung())) {
		sc->sc_nstalls++;
		hw_reset();
	}
	if (!sc->sc_dying)
		callout_schedule(&sc->sc_watchdog, SD_TIMEOUT);
	mutex_spin_exit(&sc->sc_intrlock);
	if (hung)
		printf("%s: stalled, reset\n", sc->sc_name);
}

static int
sd_attach(struct sd_softc *sc)
{
	int error;

	mutex_init(&sc->sc_intrlock, MUTEX_DEFAULT, IPL_BIO);
	mutex_init(&sc->sc_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&sc->sc_cv, "sdwait");
	callout_init(&sc->sc_watchdog, CALLOUT_MPSAFE);
	callout_setfunc(&sc->sc_watchdog, sd_watchdog, sc);
	/* Set a low limit, so that the driver runs out of buffers. */
	pool_init(&sc->sc_pool, sizeof(struct sd_buf), 0, 0, 0, "sdbuf", NULL,
	    IPL_SOFTBIO);
	pool_sethardlimit(&sc->sc_pool, 16, NULL, 0);

	/* IPL_BIO: sd_softintr() enqueues with the spin mutex held. */
	error = workqueue_create(&sc->sc_wq, sc->sc_name, sd_work, sc,
	    PRI_BIO, IPL_BIO, WQ_MPSAFE);
	if (error)
		goto fail0;
	error = ENOMEM;
	sc->sc_sih = softint_establish(SOFTINT_BIO | SOFTINT_MPSAFE,
	    sd_softintr, sc);
	if (sc->sc_sih == NULL)
		goto fail1;
	/* Do this last, because interrupts may come from now on. */
	hw_init();
	sc->sc_ih = intr_establish(SIGALRM, IPL_BIO, INTR_MPSAFE, sd_intr, sc);
	if (sc->sc_ih == NULL)
		goto fail2;

	callout_schedule(&sc->sc_watchdog, SD_TIMEOUT);
	hw_start();
	printf("%s: attached\n", sc->sc_name);
	return 0;

fail2:	softint_disestablish(sc->sc_sih);
fail1:	workqueue_destroy(sc->sc_wq);
fail0:	pool_destroy(&sc->sc_pool);
	callout_destroy(&sc->sc_watchdog);
	cv_destroy(&sc->sc_cv);
	mutex_destroy(&sc->sc_lock);
	mutex_destroy(&sc->sc_intrlock);
	return error;
}

/*
 * Tear down.  Stop the interrupts first, and then the parts that they start.
 */
static void
sd_detach(struct sd_softc *sc)
{

	hw_stop();
	intr_disestablish(sc->sc_ih);

	/* The watchdog re-arms itself: set the dying flag, then wait for it. */
	mutex_spin_enter(&sc->sc_intrlock);
	sc->sc_dying = true;
	mutex_spin_exit(&sc->sc_intrlock);

	/*
	 * A callback schedules the soft interrupt, and the soft interrupt
	 * enqueues.  But all samples have arrived, so at most one last
	 * callback is returning, and no more will come.
	 */
	workqueue_destroy(sc->sc_wq);
	softint_disestablish(sc->sc_sih);
	/* The soft interrupt re-arms the watchdog, too, so stop it last. */
	callout_halt(&sc->sc_watchdog, NULL);
	callout_destroy(&sc->sc_watchdog);

	pool_destroy(&sc->sc_pool);
	cv_destroy(&sc->sc_cv);
	mutex_destroy(&sc->sc_lock);
	mutex_destroy(&sc->sc_intrlock);
	printf("%s: detached\n", sc->sc_name);
}

int
main(void)
{
	static struct sd_softc softc = { .sc_name = "sd0" };
	struct sd_softc *sc = &softc;
	int error;

	if ((error = sd_attach(sc)) != 0) {
		printf("%s: cannot attach: error %d\n", sc->sc_name, error);
		return 1;
	}

	mutex_enter(&sc->sc_lock);
	while (sc->sc_nsamples < SD_SAMPLES)
		cv_wait(&sc->sc_cv, &sc->sc_lock);
	mutex_exit(&sc->sc_lock);

	sd_detach(sc);
	KASSERT(sc->sc_sum == SD_SAMPLES * (SD_SAMPLES - 1) / 2);
	KASSERT(sc->sc_nstalls == SD_HANGS);
	printf("%s: %u samples in order, %u stalls\n", sc->sc_name,
	    sc->sc_nsamples, sc->sc_nstalls);
	return 0;
}

/*
 * The device, under sc_intrlock.  It delivers two samples at each tick of the
 * timer.  At times it hangs, and delivers none until it is reset.
 */
static unsigned int	hw_samples;	/* delivered so far */
static unsigned int	hw_hangs;	/* so far */
static unsigned int	hw_left = 2;	/* at this tick */
static bool		hw_hanging;

static bool
hw_read(unsigned int *samplep)
{

	if (hw_hanging || hw_samples == SD_SAMPLES)
		return false;
	if (hw_left == 0) {
		hw_left = 2;
		return false;
	}
	if (hw_hangs < SD_HANGS && hw_samples ==
	    (hw_hangs + 1) * SD_SAMPLES / (SD_HANGS + 1)) {
		hw_hanging = true;
		hw_hangs++;
		return false;
	}
	hw_left--;
	*samplep = hw_samples++;
	return true;
}

static bool
hw_hung(void)
{

	return hw_hanging;
}

static void
hw_reset(void)
{

	hw_hanging = false;
}

static void
hw_timer(int usec)
{
	struct itimerval it = { { 0, usec }, { 0, usec } };

	if (setitimer(ITIMER_REAL, &it, NULL) == -1)
		panic("setitimer");
}

/*
 * One more signal may arrive after the timer is stopped.  intr_disestablish()
 * restores the signal's previous action, which must not be the default one.
 */
static void
hw_init(void)
{

	(void)signal(SIGALRM, SIG_IGN);
}

static void
hw_start(void)
{

	hw_timer(1000);
}

static void
hw_stop(void)
{

	hw_timer(0);
}
