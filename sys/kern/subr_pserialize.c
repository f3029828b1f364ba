/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pserialize(9).  Readers count themselves in and out, under one of two
 * indexes, in counters that stand apart for the CPUs so that readers share no
 * cache line; a reader may leave on another CPU than it came on, so only the
 * sums mean something.
 *
 * A writer waits until as many have left under an index as have come.  It
 * sums up those who left first: who comes and leaves in between makes it wait
 * once more, and never makes it miss one.  Were there one index only, new
 * readers could keep it waiting for ever; so it has them use the other one,
 * after those who are late under that one, from the last time, have left.
 *
 * A reader that has loaded the index, and counts itself after the writer's
 * sum, is not waited for.  It need not be: its fence is then after the
 * writer's, so that it finds what the writer has changed before.
 *
 * The counters are of all pserialize_t together, which are just names.
 */

#include <sys/kmem.h>
#include <sys/pserialize.h>

#include "kern.h"

#include <sys/proc.h>

#define	PS_SLOTS	64
#define	PS_IPL		0xff		/* of what a reader hands back */
#define	PS_INDEX	0x100
#define	PS_TURNS	100		/* before the writer sleeps */

struct pserialize {
	unsigned	 ps_id;		/* nothing */
};

static struct {
	unsigned	 pc_in[2];	/* (a) */
	unsigned	 pc_out[2];	/* (a) */
} __kern_aligned pserialize_counts[PS_SLOTS];

static unsigned		pserialize_index;	/* (a) changed under the lock */
static kmutex_t		pserialize_lock = KMUTEX_INITIALIZER;

__kern_public pserialize_t
pserialize_create(void)
{

	kern_init();
	return kmem_zalloc(sizeof(struct pserialize), KM_SLEEP);
}

__kern_public void
pserialize_destroy(pserialize_t psz)
{

	kmem_free(psz, sizeof(*psz));
}

__kern_public int
pserialize_read_enter(void)
{
	struct lwp *l;
	unsigned i;
	int s;

	s = wqk_splraise(IPL_SOFTSERIAL);
	l = curlwp_get();
	i = atomic_load_relaxed(&pserialize_index) & 1;
	l->l_psread[i]++;
	(void)atomic_fetch_add_relaxed(
	    &pserialize_counts[curcpu()->ci_index % PS_SLOTS].pc_in[i], 1u);
	/* Counted in before anything is read: pairs with pserialize_wait(). */
	membar_sync();
	return s | (i != 0 ? PS_INDEX : 0);
}

__kern_public void
pserialize_read_exit(int s)
{
	struct lwp *l;
	unsigned i;

	l = curlwp_get();
	i = (s & PS_INDEX) != 0;
	KASSERTMSG(l->l_psread[i] != 0, "pserialize_read_exit: not entered");
	/* Release: all reads are over; pairs with pserialize_wait(). */
	(void)atomic_fetch_add_acq_rel(
	    &pserialize_counts[curcpu()->ci_index % PS_SLOTS].pc_out[i], 1u);
	l->l_psread[i]--;
	splx(s & PS_IPL);
}

__kern_public bool
pserialize_in_read_section(void)
{
	struct lwp *l;

	return (l = host_self()) != NULL &&
	    (l->l_psread[0] != 0 || l->l_psread[1] != 0);
}

__kern_public bool
pserialize_not_in_read_section(void)
{

	return !pserialize_in_read_section();
}

static bool
pserialize_done(unsigned i)
{
	unsigned in, n, out;

	in = out = 0;
	/* Acquire: what the readers did is over. */
	for (n = 0; n < PS_SLOTS; n++)
		out += atomic_load_acquire(&pserialize_counts[n].pc_out[i]);
	/* See above: those who left are summed up first. */
	membar_sync();
	for (n = 0; n < PS_SLOTS; n++)
		in += atomic_load_relaxed(&pserialize_counts[n].pc_in[i]);
	return in == out;
}

static void
pserialize_wait(unsigned i)
{
	unsigned turns;

	for (turns = 0; !pserialize_done(i);) {
		if (turns < PS_TURNS)
			host_relax(&turns);
		else
			(void)kpause("pserialz", false, 1, NULL);
	}
}

__kern_public void
pserialize_perform(pserialize_t psz)
{
	unsigned i;

	KASSERTMSG(pserialize_not_in_read_section(),
	    "pserialize_perform: %p: in a read section", (void *)psz);
	if (KERN_CHECKING())
		wqcheck_sleepable("pserialize_perform");
	mutex_enter(&pserialize_lock);
	/* What the caller has changed, before what is summed up. */
	membar_sync();
	i = atomic_load_relaxed(&pserialize_index) & 1;
	pserialize_wait(i ^ 1);
	atomic_store_relaxed(&pserialize_index, i ^ 1);
	/* New readers use the other one before the sums of this one. */
	membar_sync();
	pserialize_wait(i);
	mutex_exit(&pserialize_lock);
}

/*
 * In a forked child: the other readers are not there.
 */
void
pserialize_fork(struct lwp *l)
{
	unsigned i, n;

	atomic_store_relaxed(&pserialize_lock.mtx_owner, (uintptr_t)0);
	for (i = 0; i < 2; i++) {
		for (n = 0; n < PS_SLOTS; n++) {
			atomic_store_relaxed(&pserialize_counts[n].pc_in[i],
			    0u);
			atomic_store_relaxed(&pserialize_counts[n].pc_out[i],
			    0u);
		}
		if (l != NULL)
			atomic_store_relaxed(&pserialize_counts[0].pc_in[i],
			    l->l_psread[i]);
	}
}
