/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Where the memory of kmem(9) is from, and waiting for it.
 *
 * Where kern_nomalloc_p() forbids the C allocator, memory is from a reserve
 * of ours, and what is freed waits for the next thread that comes along, or
 * for the helper, which also fills the reserve up.
 */

#include <string.h>

#include <sys/workqueue.h>

#include "subr_kmem.h"

#define	KMEM_PATIENCE	(10 * (int64_t)1000000000)
#define	KMEM_TURNS	8	/* of waiting, twice as long each, from 2 ms */

struct kspin		kmem_lock;
static unsigned		kmem_nwait;		/* (a) sleep for memory */

/*
 * The reserve: classes of the same size in all, each a list of free pieces
 * and a part that was never used.  The list also gets pieces of the C
 * allocator, which go back there when they are freed.
 */
#define	RESERVE_MIN	32			/* smallest piece */
#define	RESERVE_MAX	4096			/* largest */
#define	RESERVE_CLASSES	8
#define	RESERVE_CLASSSZ	(32 * 1024)
#define	RESERVE_MORE	16			/* times that, at most */

struct kmem_piece {
	struct kmem_piece *kp_next;
};

static struct {
	struct kmem_piece *kr_free;		/* (kmem_lock) */
	size_t		 kr_used;		/* (kmem_lock) bytes */
	unsigned	 kr_nfree;		/* (kmem_lock) of kr_free */
	unsigned	 kr_want;		/* (kmem_lock) at least, or 0 */
} kmem_classes[RESERVE_CLASSES];
static unsigned char kmem_reserve[RESERVE_CLASSES][RESERVE_CLASSSZ]
    __kern_aligned;

/* Freed there, too; changed under kmem_lock, read by anybody. */
static struct kmem_piece *kmem_deferred;	/* (a) */
static unsigned		kmem_low;		/* (a) reserve to be filled */

/*
 * The helper.  Made once, in a forked child anew; the work is enqueued while
 * kmem_helped is set.
 */
static struct workqueue	*kmem_helper;		/* (a) */
static unsigned		kmem_helping;		/* (a) made, or about to be */
static unsigned		kmem_helped;		/* (a) */
static struct work	kmem_helpwork;
#define	KMEM_PRI	PRI_KERNEL

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
 * Pieces at hand.  The lock is held.
 */
static unsigned
kmem_left(size_t c)
{

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
		/* Not enough even so: have more. */
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
 * Fill the reserve up, where the C allocator may be called.
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
 * Free what could not be, and fill up what was drawn on.
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
 * Is there something to do for kmem_drain()?
 */
static inline bool
kmem_todo(void)
{

	return atomic_load_relaxed(&kmem_deferred) != NULL ||
	    atomic_load_relaxed(&kmem_low) != 0;
}

static void
kmem_help(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	/* Before we look: who comes later enqueues again. */
	(void)atomic_swap_seq_cst(&kmem_helped, 0u);
	kmem_freed();
	pool_refill();
}

/*
 * Have a helper, if it can be made here; who may not sleep does without.
 */
void
kmem_helper_start(void)
{
	struct workqueue *wq;
	struct lwp *l;

	if (atomic_load_relaxed(&kmem_helping) != 0)
		return;
	l = curlwp_get();
	if (l->l_ipl != IPL_NONE || l->l_intrdepth != 0 ||
	    l->l_softintr != 0 || l->l_nopreempt != 0 || l->l_kspin != 0 ||
	    atomic_swap_seq_cst(&kmem_helping, 1u) != 0)
		return;
	if (workqueue_create(&wq, "kmem", kmem_help, NULL, KMEM_PRI, IPL_HIGH,
	    WQ_MPSAFE) != 0) {
		atomic_store_relaxed(&kmem_helping, 0u);
		return;
	}
	if (KERN_CHECKING())
		lockdebug_keep(wq);
	/* Release: it is complete before it is seen. */
	atomic_store_release(&kmem_helper, wq);
}

/*
 * There is something to do for the helper.  From every context, without
 * locks.
 */
void
kmem_helper_wake(void)
{
	struct workqueue *wq;

	/* Acquire: pairs with the release above. */
	if ((wq = atomic_load_acquire(&kmem_helper)) == NULL)
		return;
	if (atomic_swap_seq_cst(&kmem_helped, 1u) == 0)
		workqueue_enqueue(wq, &kmem_helpwork, NULL);
}

/*
 * Memory has come back: somebody may sleep for it.
 */
void
kmem_freed(void)
{

	if (__predict_false(kmem_todo()))
		kmem_drain();
	/* A sleeper that this misses looks again soon. */
	if (__predict_false(atomic_load_relaxed(&kmem_nwait) != 0))
		sleepq_wakeall(&kmem_nwait, SLEEPQ_KMEM);
}

/*
 * There is no memory, and the caller must have some: have the pools give
 * back what they can spare, wait a while, and return for another attempt.
 * When there has been none for so long that there is no hope, panic, which
 * is better to look into than a process that stands still.
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
		panic("%s: %zu bytes can never be had", func, size);
	now = host_monotime();
	if (kw->kw_turns == 0)
		kw->kw_start = now;
	else if (now - kw->kw_start > KMEM_PATIENCE)
		panic("%s: no memory for %zu bytes", func, size);
	pool_drainall();
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
 * Memory without a header, from where the context allows.
 */
void *
kmem_rawget(const char *func, size_t size, bool wait)
{
	struct kmem_wait kw = { 0, 0 };
	size_t n;
	void *p;

	/* Room for the link of kmem_deferred. */
	n = size < sizeof(struct kmem_piece) ? sizeof(struct kmem_piece) :
	    size;
	if (__predict_false(kern_nomalloc_p())) {
		if (!wait)
			return kmem_reserve_get(n);
		if (kern_intr_p())
			panic("%s: waiting for memory in interrupt context",
			    func);
		/* Not right, but mostly harmless. */
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
 * Around fork: the lists must not be caught half changed.
 */
void
kmem_fork(int when)
{

	if (when == KERN_FORK_PREPARE)
		kspin_enter(&kmem_lock);
	else {
		/* Who slept is not here. */
		if (when == KERN_FORK_CHILD)
			kmem_nwait = 0;
		if (when == KERN_FORK_CHILD) {
			kmem_helper = NULL;
			kmem_helping = kmem_helped = 0;
			memset(&kmem_helpwork, 0, sizeof(kmem_helpwork));
		}
		kspin_exit(&kmem_lock);
	}
}
