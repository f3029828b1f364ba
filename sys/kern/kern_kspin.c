/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The internal spin lock.
 *
 * A forked child must find out whether a thread of the parent was changing the
 * data that a lock guards.  While a fork is under way, a thread that takes a
 * spin lock leaves a mark for the lock, in memory that parent and child share.
 * If the child finds no mark, it keeps the data.  If it finds a mark, it
 * reinitialises the data.
 *
 * The forking thread announces the fork.  Then it waits until it has seen each
 * lock free (kspin_pass()).  So if a thread took a lock before the
 * announcement, it has released the lock when the copy begins.  If a thread
 * takes a lock after the announcement, it sees the announcement, and leaves a
 * mark before it changes anything.
 *
 * The word of the lock itself proves nothing, because the copy is not atomic.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "kern_spl.h"

#define	FORK_MARKS	4096		/* several locks may share a mark */

unsigned		kern_forking;	/* (a) (fork_lock) forks under way */

static struct kspin	fork_lock;
static unsigned		fork_epoch;	/* (a) (fork_lock) forks that began
					   when no other was under way */
static unsigned		*fork_marks;	/* (a) (fork_lock) shared with the
					   children, or NULL; each mark is the
					   epoch in which it was last set */
static bool		fork_tornall;	/* in a child: no fork was announced */

static inline unsigned *
fork_mark(const struct kspin *ks)
{
	uint64_t h;

	h = (uint64_t)((uintptr_t)ks / sizeof(*ks)) * 0x9e3779b97f4a7c15u;
	return &fork_marks[h >> 52];
}

_Static_assert(FORK_MARKS == 1 << (64 - 52), "fork_mark() knows the number");

/*
 * Leave a mark for a lock, before the caller changes the data that the lock
 * guards.  The forking thread leaves no mark, because it finishes its own
 * changes before the process is copied.
 */
static __kern_noinline void
kspin_note(const struct kspin *ks)
{
	const struct lwp *l;
	unsigned epoch, *mark, old;

	KSPIN_ASSERT(ks);
	/* Relaxed: the marks exist before kern_forking announces a fork. */
	if (atomic_load_relaxed(&fork_marks) == NULL ||
	    ((l = host_self()) != NULL && l->l_forking))
		return;
	mark = fork_mark(ks);
	epoch = atomic_load_relaxed(&fork_epoch);
	old = atomic_load_relaxed(mark);
	/*
	 * Only increase the mark.  Another lock may share it, and another
	 * thread may have loaded a later epoch.
	 */
	while ((int)(epoch - old) > 0 &&
	    !atomic_cas_relaxed(mark, &old, epoch))
		continue;
	/*
	 * Order the mark, whichever thread made it, before the caller's
	 * changes.  The compare-and-swap alone does this only on x86.
	 * Elsewhere a later store may become visible before the mark.
	 */
	membar_sync();
}

/*
 * Try to take the lock.  Acquire: observe the stores of the last holder.
 * Sequentially consistent, like the load of kern_forking: see kspin_pass().
 */
static inline bool
kspin_try(struct kspin *ks, unsigned held)
{

	return atomic_swap_seq_cst(&ks->ks_locked, held) != held;
}

static __kern_noinline void
kspin_wait(struct kspin *ks, unsigned held)
{
	unsigned n;

	n = 0;
	do {
		do {
			host_relax(&n);
		} while (atomic_load_relaxed(&ks->ks_locked) == held);
	} while (!kspin_try(ks, held));
}

static inline void
kspin_take(struct kspin *ks)
{
	struct lwp *l;

	if ((l = host_self()) != NULL)
		handler_hold(l);
	if (__predict_false(!kspin_try(ks, KSPIN_HELD)))
		kspin_wait(ks, KSPIN_HELD);
}

void
kspin_enter(struct kspin *ks)
{

	kspin_take(ks);
	KERN_AFTER(ks);
	if (__predict_false(atomic_load_seq_cst(&kern_forking) != 0))
		kspin_note(ks);
}

/*
 * Take a lock without leaving a mark.  Only the code for fork(2) calls this,
 * and this code changes nothing that needs a mark.
 */
void
kspin_enter_quiet(struct kspin *ks)
{

	kspin_take(ks);
}

void
kspin_exit(struct kspin *ks)
{
	struct lwp *l;

	KERN_BEFORE(ks);
	/* Release: publish our stores.  This is the last access to ks. */
	atomic_store_release(&ks->ks_locked, 0u);
	if ((l = host_self()) != NULL)
		handler_release(l);
}

/*
 * Announce a fork by the calling thread.  From now on, each other thread leaves
 * a mark when it takes a lock.
 */
void
kspin_fork_prepare(void)
{
	struct lwp *l;
	unsigned *marks;

	if ((l = host_self()) != NULL)
		l->l_forking = true;
	/* Relaxed: tested again with the lock held. */
	marks = atomic_load_relaxed(&fork_marks) != NULL ? NULL :
	    host_share(FORK_MARKS * sizeof(*marks));
	kspin_enter_quiet(&fork_lock);
	if (fork_marks == NULL) {
		atomic_store_relaxed(&fork_marks, marks);
		marks = NULL;
	}
	if (kern_forking == 0)
		atomic_store_relaxed(&fork_epoch, fork_epoch + 1);
	atomic_store_seq_cst(&kern_forking, kern_forking + 1);
	kspin_exit(&fork_lock);
	if (marks != NULL)
		host_unshare(marks, FORK_MARKS * sizeof(*marks));
}

/*
 * End a fork in the parent.
 */
void
kspin_fork_parent(void)
{
	struct lwp *l;

	kspin_enter_quiet(&fork_lock);
	atomic_store_relaxed(&kern_forking, kern_forking - 1);
	kspin_exit(&fork_lock);
	if ((l = host_self()) != NULL)
		l->l_forking = false;
}

/*
 * End a fork in the child, before the first call of kern_torn().  kern_forkgen
 * must already have the child's number.
 */
void
kspin_fork_child(void)
{

	fork_tornall = kern_forking == 0;
	atomic_store_relaxed(&kern_forking, 0u);
}

/*
 * Drop the parent's marks in the child, after the last call of kern_torn().
 */
void
kspin_fork_done(void)
{
	unsigned *marks;

	marks = fork_marks;
	atomic_store_relaxed(&fork_marks, NULL);
	if (marks != NULL)
		host_unshare(marks, FORK_MARKS * sizeof(*marks));
}

/*
 * Return true, in the child, if a thread of the parent may have been changing
 * the data that the lock guards.
 */
bool
kern_torn(const struct kspin *ks)
{

	return fork_tornall || fork_marks == NULL ||
	    (int)(atomic_load_acquire(fork_mark(ks)) - fork_epoch) >= 0;
}
