/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Get memory for kmem(9), and wait for memory.
 *
 * Where kern_nomalloc_p() forbids the C allocator, memory comes from the
 * library's own reserve, and freed memory goes to a list.  (But a caller that
 * waits for memory uses the C allocator: see kmem_rawget().)  The helper, or
 * the next thread that may call the allocator, frees the memory on the list and
 * refills the reserve.
 */

#include <string.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_sleepq.h"
#include "subr_kmem.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

#define	KMEM_PATIENCE	(10 * (int64_t)1000000000)
#define	KMEM_TURNS	8	/* sleeps: 2 ms, 4 ms, 8 ms... */

struct kspin		kmem_lock;
static unsigned		kmem_nwait;		/* (a) threads asleep */
static struct kmem_reclaim *kmem_reclaims;	/* read-only after the start */

/*
 * The reserve has a class for each size of pieces.  All classes have the same
 * number of bytes.  A class has a list of free pieces, and a part that has
 * never been used.  kmem_refill() adds pieces from the C allocator to the list.
 * When such a piece is freed, it returns to the allocator.
 */
#define	RESERVE_MIN	32			/* smallest piece */
#define	RESERVE_CLASSES	8
#define	RESERVE_CLASSSZ	(32 * 1024)
#define	RESERVE_MORE	16			/* maximum of kr_want / total */

struct kmem_piece {
	struct kmem_piece *kp_next;
};

static struct {
	struct kmem_piece *kr_free;		/* (kmem_lock) */
	size_t		 kr_used;		/* (kmem_lock) bytes */
	unsigned	 kr_nfree;		/* (kmem_lock) on kr_free */
	unsigned	 kr_want;		/* (kmem_lock) to keep free */
} kmem_classes[RESERVE_CLASSES];
static unsigned char kmem_reserve[RESERVE_CLASSES][RESERVE_CLASSSZ]
    __kern_aligned;

/* Any thread may read these.  kmem_lock guards changes of kmem_deferred. */
static struct kmem_piece *kmem_deferred;	/* (a) to be freed */
static unsigned		kmem_low;		/* (a) reserve to be filled */

static size_t
kmem_class(size_t size)
{
	size_t c;

	for (c = 0; c < RESERVE_CLASSES; c++)
		if (size <= (size_t)RESERVE_MIN << c)
			break;
	return c;
}

bool
kmem_reserved(const void *p)
{

	return (uintptr_t)p - (uintptr_t)kmem_reserve < sizeof(kmem_reserve);
}

/*
 * Return the number of free pieces of a class.
 */
static unsigned
kmem_left(size_t c)
{

	KSPIN_ASSERT(&kmem_lock);
	return kmem_classes[c].kr_nfree +
	    (unsigned)((RESERVE_CLASSSZ - kmem_classes[c].kr_used) /
	    ((size_t)RESERVE_MIN << c));
}

static void *
kmem_reserve_get(size_t size)
{
	struct kmem_piece *kp;
	unsigned left, total;
	size_t c;
	bool low;

	if ((c = kmem_class(size)) == RESERVE_CLASSES)
		return NULL;
	total = (unsigned)(RESERVE_CLASSSZ / ((size_t)RESERVE_MIN << c));
	kspin_enter(&kmem_lock);
	if ((kp = kmem_classes[c].kr_free) != NULL) {
		kmem_classes[c].kr_free = kp->kp_next;
		kmem_classes[c].kr_nfree--;
	} else if (kmem_classes[c].kr_used < RESERVE_CLASSSZ) {
		kp = (struct kmem_piece *)(void *)
		    &kmem_reserve[c][kmem_classes[c].kr_used];
		kmem_classes[c].kr_used += (size_t)RESERVE_MIN << c;
	}
	left = kmem_left(c);
	low = left < total / 2;
	if (low) {
		/*
		 * From now on kmem_refill() keeps kr_want free pieces.  Double
		 * the number if the class was empty.
		 */
		if (kmem_classes[c].kr_want == 0)
			kmem_classes[c].kr_want = total;
		else if (kp == NULL && kmem_classes[c].kr_want <
		    total * RESERVE_MORE)
			kmem_classes[c].kr_want *= 2;
		atomic_store_relaxed(&kmem_low, 1u);
	}
	kspin_exit(&kmem_lock);
	if (low)
		kmem_helper_wake();
	if (kp != NULL)
		KERN_UNPOISON(kp, (size_t)RESERVE_MIN << c);
	return kp;
}

static void
kmem_reserve_put(void *p)
{
	struct kmem_piece *kp;
	size_t c;

	c = ((uintptr_t)p - (uintptr_t)kmem_reserve) / RESERVE_CLASSSZ;
	kp = p;
	KERN_POISON(kp + 1, ((size_t)RESERVE_MIN << c) - sizeof(*kp));
	kspin_enter(&kmem_lock);
	kp->kp_next = kmem_classes[c].kr_free;
	kmem_classes[c].kr_free = kp;
	kmem_classes[c].kr_nfree++;
	kspin_exit(&kmem_lock);
}

/*
 * Refill the reserve.  The caller may call the C allocator.
 */
static void
kmem_refill(void)
{
	struct kmem_piece *kp;
	size_t c, size;
	bool low;

	atomic_store_relaxed(&kmem_low, 0u);
	for (c = 0; c < RESERVE_CLASSES; c++) {
		size = (size_t)RESERVE_MIN << c;
		for (;;) {
			kspin_enter(&kmem_lock);
			low = kmem_left(c) < kmem_classes[c].kr_want;
			kspin_exit(&kmem_lock);
			if (!low || (kp = host_malloc(size)) == NULL)
				break;
			KERN_POISON(kp + 1, size - sizeof(*kp));
			kspin_enter(&kmem_lock);
			kp->kp_next = kmem_classes[c].kr_free;
			kmem_classes[c].kr_free = kp;
			kmem_classes[c].kr_nfree++;
			kspin_exit(&kmem_lock);
		}
	}
}

/*
 * Free the memory on kmem_deferred, and refill the reserve.
 */
static __kern_noinline void
kmem_drain(void)
{
	struct kmem_piece *kp, *next;

	if (atomic_load_relaxed(&kmem_low) != 0)
		kmem_refill();

	kspin_enter(&kmem_lock);
	kp = kmem_deferred;
	atomic_store_relaxed(&kmem_deferred, NULL);
	kspin_exit(&kmem_lock);
	for (; kp != NULL; kp = next) {
		next = kp->kp_next;
		host_free(kp);
	}
}

/*
 * Return true if kmem_drain() has anything to do.
 */
static inline bool
kmem_todo(void)
{

	return atomic_load_relaxed(&kmem_deferred) != NULL ||
	    atomic_load_relaxed(&kmem_low) != 0;
}

/*
 * Register a function that gives memory back.  Call this only when the library
 * starts.
 */
void
kmem_reclaim_add(struct kmem_reclaim *kr)
{

	kr->kr_next = kmem_reclaims;
	kmem_reclaims = kr;
}

/*
 * Make the registered functions give back what they can.
 */
void
kmem_reclaim(void)
{
	const struct kmem_reclaim *kr;

	for (kr = kmem_reclaims; kr != NULL; kr = kr->kr_next)
		(*kr->kr_drain)();
}

/*
 * Wake the threads that sleep for memory, because the caller has freed some.
 * Before that, do what kmem_drain() does, if there is anything to do.
 */
void
kmem_freed(void)
{

	if (__predict_false(kmem_todo()))
		kmem_drain();
	/* If this misses a sleeper, its sleep times out soon. */
	if (__predict_false(atomic_load_relaxed(&kmem_nwait) != 0))
		sleepq_wakeall(&kmem_nwait, SLEEPQ_KMEM);
}

/*
 * Wait for memory that the caller must have.  Reclaim unused memory, sleep for
 * a while, and return for another attempt.  Panic if there has been no memory
 * for KMEM_PATIENCE, because a panic is easier to examine than a process that
 * hangs.
 */
void
kmem_backoff(struct kmem_wait *kw, const char *func, size_t size)
{
	struct sleepq *sq;
	struct lwp *l;
	int64_t now;

	l = curlwp_get();
	if (l->l_intrdepth != 0)
		panic("%s: waiting for memory in interrupt context", func);
	if (size > KMEM_MAX)
		panic("%s: %zu bytes can never be allocated", func, size);
	now = host_monotime();
	if (kw->kw_turns == 0)
		kw->kw_start = now;
	else if (now - kw->kw_start > KMEM_PATIENCE)
		panic("%s: no memory for %zu bytes", func, size);
	kmem_reclaim();
	kmem_freed();
	if (kw->kw_turns < KMEM_TURNS && ++kw->kw_turns == KMEM_TURNS)
		kern_warn("%s: waiting for %zu bytes of memory", func, size);

	(void)atomic_fetch_add_relaxed(&kmem_nwait, 1u);
	sq = sleepq_enter(&kmem_nwait);
	sleepq_enqueue(sq, l, &kmem_nwait, SLEEPQ_KMEM, false);
	sleepq_exit(sq);
	(void)sleepq_block(l, now + ((int64_t)1000000 << kw->kw_turns));
	(void)atomic_fetch_add_relaxed(&kmem_nwait, -1u);
}

/*
 * Get memory without a header.  If the C allocator must not be called, and the
 * caller does not wait, the memory comes from the reserve.
 */
void *
kmem_rawget(const char *func, size_t size, bool wait)
{
	struct kmem_wait kw = { 0, 0 };
	size_t n;
	void *p;

	/* Leave room for the link of kmem_deferred. */
	n = size < sizeof(struct kmem_piece) ? sizeof(struct kmem_piece) :
	    size;
	if (__predict_false(kern_nomalloc_p())) {
		if (!wait)
			return kmem_reserve_get(n);
		if (kern_intr_p())
			panic("%s: waiting for memory in interrupt context",
			    func);
		/*
		 * A caller that holds a spin lock should not wait for memory.
		 * Let it wait anyway, because it deadlocks only in one case: a
		 * handler has interrupted the C allocator in another thread,
		 * and spins for the spin lock that this caller holds.
		 */
	} else if (__predict_false(kmem_todo())) {
		if (wait)
			kmem_helper_start();
		kmem_drain();
	}
	for (;;) {
		p = n <= KMEM_MAX ? host_malloc(n) : NULL;
		if (__predict_true(p != NULL) || !wait)
			return p;
		kmem_backoff(&kw, func, size);
	}
}

void
kmem_rawput(void *p)
{
	struct kmem_piece *kp;

	if (__predict_false(kmem_reserved(p))) {
		kmem_reserve_put(p);
		return;
	}
	if (__predict_false(kern_nomalloc_p())) {
		kp = p;
		kspin_enter(&kmem_lock);
		kp->kp_next = kmem_deferred;
		atomic_store_relaxed(&kmem_deferred, kp);
		kspin_exit(&kmem_lock);
		kmem_helper_wake();
		return;
	}
	host_free(p);
	kmem_freed();
}

/*
 * Reset the state in a forked child, where no thread sleeps.  If a thread of
 * the parent may have been changing the lists, give up the memory on them.
 */
void
kmem_fork(struct lwp *l)
{
	size_t c;

	(void)l;
	kmem_nwait = 0;
	if (!kern_torn(&kmem_lock))
		return;
	for (c = 0; c < RESERVE_CLASSES; c++) {
		kmem_classes[c].kr_free = NULL;
		kmem_classes[c].kr_nfree = 0;
	}
	atomic_store_relaxed(&kmem_deferred, NULL);
	kmem_dbg_fork();
}
