/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * driver: a network driver in the style of the kernel, for a simulated device.
 *
 * It shows:
 *
 *	an interrupt routine that defers all it can;
 *	a queue under the kernel lock for rare events (link changes, detach);
 *	a queue for packets on each CPU, without the kernel lock;
 *	the CPU chosen by flow, so that the packets of a flow stay in order;
 *	counters for each CPU;
 *	how to raise and restore the interrupt priority level.
 *
 * cc driver.c $(pkg-config --cflags --libs workqueue)
 */

#include <sys/types.h>

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define	WX_RINGSIZE	32	/* packets the device can hold */
#define	WX_NFLOWS	4
#define	WX_ROUNDS	100	/* interrupts to simulate */

/* The structure that contains a member. */
#define	container_of(p, type, member)					\
	((type *)((char *)(p) - offsetof(type, member)))

/*
 * A packet.  The item is its first member, so a pointer to the item can be cast
 * to a pointer to the packet, as many drivers do.  An assertion checks this.
 */
struct wx_packet {
	struct work	 p_work;
	unsigned int	 p_flow;
	unsigned int	 p_seq;
	unsigned int	 p_len;
};
CTASSERT(offsetof(struct wx_packet, p_work) == 0);

/*
 * The counters of a CPU, on a cache line of their own.  Only that CPU writes
 * them, so they need no atomics.
 */
struct wx_stats {
	_Alignas(64) uint64_t st_packets;
	uint64_t	 st_bytes;
};

/*
 * The letters name the protection of a field:
 *	(k)	the kernel lock
 *	(i)	the kernel lock and splnet: the interrupt routine uses it
 *	(c)	only one CPU's worker uses it
 *	(-)	constant after attach
 */
struct wx_softc {
	const char	*sc_name;			/* (-) */
	struct workqueue *sc_ctlwq;			/* (-) */
	struct workqueue *sc_rxwq;			/* (-) */
	struct work	 sc_linkwork;			/* (i) */
	struct work	 sc_detachwork;			/* (k) */
	bool		 sc_linkpending;		/* (i) */
	bool		 sc_linkup;			/* (k) */
	bool		 sc_dying;			/* (i) */
	struct wx_stats	*sc_stats;			/* (c) by CPU index */
	unsigned int	 sc_nextseq[WX_NFLOWS];		/* (c) the flow's CPU */

	/* The device's registers. */
	bool		 sc_reg_link;			/* (i) */
	bool		 sc_reg_linkchanged;		/* (i) */
	struct wx_packet *sc_reg_ring[WX_RINGSIZE];	/* (i) */
	unsigned int	 sc_reg_nring;			/* (i) */
};

static void	wx_ctl(struct work *, void *);
static void	wx_detach(struct wx_softc *);
static void	wx_intr(struct wx_softc *);
static void	wx_linkchange(struct wx_softc *);
static void	wx_rx(struct work *, void *);

/*
 * Attach: create two queues, as a driver for real hardware would.  Called with
 * the kernel lock held.
 */
static int
wx_attach(struct wx_softc *sc)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	size_t size;
	int error;

	KASSERT(KERNEL_LOCKED_P());

	size = (size_t)ncpu * sizeof(*sc->sc_stats);
	sc->sc_stats = aligned_alloc(_Alignof(struct wx_stats), size);
	if (sc->sc_stats == NULL)
		err(EXIT_FAILURE, NULL);
	for (CPU_INFO_FOREACH(cii, ci))
		sc->sc_stats[cpu_index(ci)] = (struct wx_stats){ 0 };

	/*
	 * No WQ_MPSAFE: callbacks hold the kernel lock, as this function does.
	 */
	error = workqueue_create(&sc->sc_ctlwq, "wxctl", wx_ctl, sc,
	    PRI_NONE, IPL_NET, 0);
	if (error != 0)
		goto fail0;
	error = workqueue_create(&sc->sc_rxwq, "wxrx", wx_rx, sc,
	    PRI_SOFTNET, IPL_NET, WQ_PERCPU | WQ_MPSAFE);
	if (error != 0)
		goto fail1;
	printf("%s: attached\n", sc->sc_name);
	return 0;

fail1:	workqueue_destroy(sc->sc_ctlwq);
fail0:	free(sc->sc_stats);
	return error;
}

/*
 * The interrupt routine, at IPL_NET.  It empties the device and returns.  It
 * enqueues each packet on the CPU of its flow, and a link change on the queue
 * under the kernel lock.  It allocates no memory and waits for no lock.
 */
static void
wx_intr(struct wx_softc *sc)
{
	struct wx_packet *p;
	struct cpu_info *ci;
	unsigned int i;

	KASSERT(KERNEL_LOCKED_P());

	if (sc->sc_dying)
		return;
	for (i = 0; i < sc->sc_reg_nring; i++) {
		p = sc->sc_reg_ring[i];
		ci = cpu_lookup(p->p_flow % (unsigned int)ncpu);
		/* The worker may free p before this returns. */
		workqueue_enqueue(sc->sc_rxwq, &p->p_work, ci);
	}
	sc->sc_reg_nring = 0;

	/* All changes share an item, which must not be enqueued twice. */
	if (sc->sc_reg_linkchanged) {
		sc->sc_reg_linkchanged = false;
		if (!sc->sc_linkpending) {
			sc->sc_linkpending = true;
			workqueue_enqueue(sc->sc_ctlwq, &sc->sc_linkwork,
			    NULL);
		}
	}
}

/*
 * Receive a packet on its CPU, in parallel with other CPUs.  This needs no
 * lock: a flow has one CPU, and a CPU has one worker.
 */
static void
wx_rx(struct work *wk, void *arg)
{
	struct wx_packet *p = (struct wx_packet *)wk;
	struct wx_softc *sc = arg;
	struct wx_stats *st;

	KASSERT(!KERNEL_LOCKED_P());
	KASSERTMSG(p->p_seq == sc->sc_nextseq[p->p_flow],
	    "flow %u: packet %u, expected %u", p->p_flow, p->p_seq,
	    sc->sc_nextseq[p->p_flow]);

	sc->sc_nextseq[p->p_flow]++;
	st = &sc->sc_stats[cpu_index(curcpu())];
	st->st_packets++;
	st->st_bytes += p->p_len;

	/* Once the callback is called, the item is ours again. */
	free(p);
}

/*
 * A queue has only one callback, which tells the items apart by their
 * addresses.
 */
static void
wx_ctl(struct work *wk, void *arg)
{
	struct wx_softc *sc = arg;

	KASSERT(KERNEL_LOCKED_P());

	if (wk == &sc->sc_linkwork) {
		/* Even without the argument, the item leads to the softc. */
		KASSERT(container_of(wk, struct wx_softc, sc_linkwork) == sc);
		wx_linkchange(sc);
	} else if (wk == &sc->sc_detachwork)
		wx_detach(sc);
	else
		panic("%s: item %p is not ours", sc->sc_name, (void *)wk);
}

static void
wx_linkchange(struct wx_softc *sc)
{
	int s;

	/*
	 * Block our interrupt while reading data that it writes.  Clear the
	 * flag before reading the register, so that a later change enqueues
	 * the item again.
	 */
	s = splnet();
	sc->sc_linkpending = false;
	sc->sc_linkup = sc->sc_reg_link;
	splx(s);

	printf("%s: link %s\n", sc->sc_name, sc->sc_linkup ? "up" : "down");
}

/*
 * Stop the interrupts, then wait for the packets in flight.
 * workqueue_destroy() runs what is pending and sleeps meanwhile, which releases
 * the kernel lock and takes it again.  A queue cannot be destroyed from its own
 * callback, so the caller destroys the control queue.
 */
static void
wx_detach(struct wx_softc *sc)
{
	int s;

	s = splnet();
	sc->sc_dying = true;
	splx(s);

	workqueue_destroy(sc->sc_rxwq);
	sc->sc_rxwq = NULL;
	printf("%s: detached\n", sc->sc_name);
}

/*
 * The other end of the cable: fill the device's ring and interrupt.
 */
static void
wx_simulate(struct wx_softc *sc, unsigned int round)
{
	struct wx_packet *p;
	unsigned int i;
	int s;

	s = splnet();
	for (i = 0; i < WX_RINGSIZE; i++) {
		if ((p = malloc(sizeof(*p))) == NULL)
			err(EXIT_FAILURE, NULL);
		p->p_flow = i % WX_NFLOWS;
		p->p_seq = (round * WX_RINGSIZE + i) / WX_NFLOWS;
		p->p_len = 64 + i;
		sc->sc_reg_ring[sc->sc_reg_nring++] = p;
	}
	wx_intr(sc);
	splx(s);
}

static void
wx_setlink(struct wx_softc *sc, bool up)
{
	int s;

	s = splnet();
	sc->sc_reg_link = up;
	sc->sc_reg_linkchanged = true;
	wx_intr(sc);
	splx(s);
}

int
main(void)
{
	static struct wx_softc softc = { .sc_name = "wx0" };
	struct wx_softc *sc = &softc;
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci;
	uint64_t packets = 0, bytes = 0;
	unsigned int i;
	int error;

	KERNEL_LOCK(1, NULL);
	if ((error = wx_attach(sc)) != 0) {
		errno = error;
		err(EXIT_FAILURE, "%s", sc->sc_name);
	}

	/*
	 * The worker of the control queue needs the kernel lock.  It gets the
	 * lock while we wait, because a thread that sleeps releases the lock.
	 */
	wx_setlink(sc, true);
	workqueue_wait(sc->sc_ctlwq, &sc->sc_linkwork);
	KASSERT(KERNEL_LOCKED_P());
	KASSERT(sc->sc_linkup);

	for (i = 0; i < WX_ROUNDS; i++)
		wx_simulate(sc, i);

	/*
	 * Change the link three times with the lock held.  One item reports
	 * all three changes, and sees only the last state.
	 */
	wx_setlink(sc, false);
	wx_setlink(sc, true);
	wx_setlink(sc, false);
	workqueue_enqueue(sc->sc_ctlwq, &sc->sc_detachwork, NULL);
	workqueue_wait(sc->sc_ctlwq, &sc->sc_detachwork);
	workqueue_destroy(sc->sc_ctlwq);
	KERNEL_UNLOCK_ONE(NULL);

	/* The workers have ended, so their data can be read. */
	for (CPU_INFO_FOREACH(cii, ci)) {
		packets += sc->sc_stats[cpu_index(ci)].st_packets;
		bytes += sc->sc_stats[cpu_index(ci)].st_bytes;
	}
	free(sc->sc_stats);
	for (i = 0; i < WX_NFLOWS; i++)
		printf("%s: flow %u: %u packets, in order\n", sc->sc_name, i,
		    sc->sc_nextseq[i]);
	printf("%s: %llu packets, %llu bytes\n", sc->sc_name,
	    (unsigned long long)packets, (unsigned long long)bytes);
	return EXIT_SUCCESS;
}
