/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9), over the C allocator.
 *
 * Where kern_nomalloc_p() forbids the C allocator, memory is from a reserve
 * of ours, and what is freed waits for the next thread that comes along, or
 * for the helper, which also fills the reserve up.
 *
 * In checking mode each piece has a header in front and a guard behind, is
 * filled before use and after, and rests a while in a ring after it was
 * freed, so that a second free and a late write are seen.
 */

#include <string.h>

#include <sys/kmem.h>
#include <sys/mallocvar.h>
#include <sys/workqueue.h>

#include "kern.h"

#define	KMEM_MAX	((size_t)PTRDIFF_MAX - 65536)	/* never more */
#define	KMEM_PATIENCE	(10 * (int64_t)1000000000)
#define	KMEM_TURNS	8	/* of waiting, twice as long each, from 2 ms */

static struct kspin	kmem_lock;
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

static bool
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
static void *
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

static void
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
 * Checking mode.
 */
#define	KMEM_LIVE	0x6c6976656d656d21u
#define	KMEM_DEAD	0x646561646d656d21u
#define	KMEM_GUARD	0xa5
#define	KMEM_NEW	0xa5		/* what memory is filled with */
#define	KMEM_OLD	0xde
#define	KMEM_RING	256		/* pieces that rest */
#define	KMEM_RINGSZ	(64 * 1024)	/* larger ones do not, nor reserve */

struct kmem_head {
	uint64_t	 kh_magic;	/* of this address */
	size_t		 kh_size;
	uintptr_t	 kh_site;	/* who allocated it */
	const struct malloc_type *kh_type;	/* malloc(9) */
};

#define	KMEM_GUARDSZ	8
#define	KMEM_EXTRA	(sizeof(struct kmem_head) + KMEM_GUARDSZ)
#define	KMEM_MAGIC(kh, m) ((uint64_t)(m) ^ (uint64_t)(uintptr_t)(kh))

static struct kmem_head	*kmem_ring[KMEM_RING];	/* (kmem_lock) */
static unsigned		kmem_ringnext;		/* (kmem_lock) */

static void *
kmem_dbg_init(struct kmem_head *kh, size_t size,
    const struct malloc_type *type, uintptr_t site)
{

	kh->kh_magic = KMEM_MAGIC(kh, KMEM_LIVE);
	kh->kh_size = size;
	kh->kh_site = site;
	kh->kh_type = type;
	memset(kh + 1, KMEM_NEW, size);
	memset((char *)(kh + 1) + size, KMEM_GUARD, KMEM_GUARDSZ);
	return kh + 1;
}

static bool
kmem_dbg_filled(const void *p, int c, size_t size)
{
	const unsigned char *s;

	for (s = p; size > 0; size--)
		if (*s++ != c)
			return false;
	return true;
}

/*
 * A piece that is to be freed or changed: is it one, and which?  The address
 * may be anything.
 */
static KERN_NOASAN struct kmem_head *
kmem_dbg_head(const char *func, void *p, const struct malloc_type *type)
{
	struct kmem_head *kh;

	if (p == NULL)
		panic("%s: NULL", func);
	kh = (struct kmem_head *)p - 1;
	if ((uintptr_t)p % sizeof(uint64_t) != 0 || (kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_LIVE) && kh->kh_magic !=
	    KMEM_MAGIC(kh, KMEM_DEAD)))
		panic("%s: %p was not allocated, or what is in front of it "
		    "was overwritten", func, p);
	if (kh->kh_magic == KMEM_MAGIC(kh, KMEM_DEAD))
		panic("%s: %p is free already, allocated at %p", func, p,
		    (void *)kh->kh_site);
	if ((kh->kh_type == NULL) != (type == NULL))
		panic("%s: %p is from %s, allocated at %p", func, p,
		    kh->kh_type == NULL ? "kmem(9)" : "malloc(9)",
		    (void *)kh->kh_site);
	if (kh->kh_type != type)
		panic("%s: type mismatch: %p allocated \"%s\" freed \"%s\", "
		    "allocated at %p", func, p, kh->kh_type->ks_shortdesc,
		    type->ks_shortdesc, (void *)kh->kh_site);
	return kh;
}

static void
kmem_dbg_put(const char *func, struct kmem_head *kh)
{
	struct kmem_head *old;
	void *p;

	p = kh + 1;
	if (!kmem_dbg_filled((char *)p + kh->kh_size, KMEM_GUARD,
	    KMEM_GUARDSZ))
		panic("%s: %p was written beyond its %zu bytes, allocated at "
		    "%p", func, p, kh->kh_size, (void *)kh->kh_site);
	kh->kh_magic = KMEM_MAGIC(kh, KMEM_DEAD);
	if (kh->kh_size > KMEM_RINGSZ || kmem_reserved(kh)) {
		kmem_rawput(kh);
		return;
	}
	memset(p, KMEM_OLD, kh->kh_size);
	KERN_POISON(p, kh->kh_size);
	kspin_enter(&kmem_lock);
	old = kmem_ring[kmem_ringnext];
	kmem_ring[kmem_ringnext] = kh;
	kmem_ringnext = (kmem_ringnext + 1) % KMEM_RING;
	kspin_exit(&kmem_lock);
	if (old == NULL)
		return;
	p = old + 1;
	KERN_UNPOISON(p, old->kh_size);
	if (!kmem_dbg_filled(p, KMEM_OLD, old->kh_size))
		panic("%s: %p, %zu bytes, was written to after it was freed, "
		    "allocated at %p", func, p, old->kh_size,
		    (void *)old->kh_site);
	old->kh_magic = 0;
	kmem_rawput(old);
}

/*
 * What kmem(9) and malloc(9) call.  introk: the function is one for interrupt
 * context, too.
 */
void
kmem_context(const char *func, bool wait, bool introk)
{
	struct lwp *l;

	if (wait)
		wqcheck_sleepable(func);
	if (introk || (l = host_self()) == NULL)
		return;
	if (l->l_intrdepth != 0)
		panic("%s: called in interrupt context", func);
	if (l->l_softintr != 0)
		panic("%s: called in softint context", func);
	if (l->l_mtxcount != 0)
		panic("%s: holding a spin mutex%s", func,
		    lockdebug_heldtext());
	if (l->l_ipl >= IPL_VM)
		panic("%s: at IPL %d", func, l->l_ipl);
}

/*
 * The caller's header is that of malloc(9), which checking mode replaces.
 */
void *
kmem_get(const char *func, size_t size, size_t header, bool wait,
    bool introk, const struct malloc_type *type, uintptr_t site)
{
	struct kmem_head *kh;
	size_t extra;

	/* Whether we check must be known from the first piece on. */
	kern_init();
	extra = header;
	if (KERN_CHECKING()) {
		kmem_context(func, wait, introk);
		extra = KMEM_EXTRA;
	}
	if (size > KMEM_MAX - extra) {
		if (wait)
			panic("%s: %zu bytes can never be had", func, size);
		return NULL;
	}
	kh = kmem_rawget(func, size + extra, wait);
	if (kh != NULL && KERN_CHECKING())
		return kmem_dbg_init(kh, size, type, site);
	return kh;
}

void
kmem_put(const char *func, void *p, size_t size, bool introk,
    const struct malloc_type *type)
{
	struct kmem_head *kh;

	if (!KERN_CHECKING()) {
		kmem_rawput(p);
		return;
	}
	kmem_context(func, false, introk);
	kh = kmem_dbg_head(func, p, type);
	if (type == NULL && kh->kh_size != size)
		panic("%s: size mismatch: %p allocated %zu freed %zu, "
		    "allocated at %p", func, p, kh->kh_size, size,
		    (void *)kh->kh_site);
	lockdebug_memfree(func, p, kh->kh_size);
	kmem_dbg_put(func, kh);
}

/*
 * The size of a piece, in checking mode.
 */
size_t
kmem_size(const char *func, void *p, const struct malloc_type *type)
{

	return kmem_dbg_head(func, p, type)->kh_size;
}

static inline void *
kmem_new(const char *func, size_t size, km_flag_t flags, bool zero,
    bool introk, uintptr_t site)
{
	void *p;

	KASSERTMSG(size != 0, "%s: size 0", func);
	KASSERTMSG(flags == KM_SLEEP || flags == KM_NOSLEEP, "%s: flags %#x",
	    func, flags);
	p = kmem_get(func, size, 0, flags == KM_SLEEP, introk, NULL, site);
	if (zero && p != NULL)
		memset(p, 0, size);
	return p;
}

#define	KMEM_SITE()	((uintptr_t)__builtin_return_address(0))

__kern_public void *
kmem_alloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_alloc", size, flags, false, false,
	    KMEM_SITE());
}

__kern_public void *
kmem_zalloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_zalloc", size, flags, true, false,
	    KMEM_SITE());
}

__kern_public void
kmem_free(void *p, size_t size)
{

	KASSERTMSG(p != NULL, "kmem_free: NULL");
	kmem_put("kmem_free", p, size, false, NULL);
}

__kern_public void *
kmem_intr_alloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_intr_alloc", size, flags, false, true,
	    KMEM_SITE());
}

__kern_public void *
kmem_intr_zalloc(size_t size, km_flag_t flags)
{

	return kmem_new("kmem_intr_zalloc", size, flags, true, true,
	    KMEM_SITE());
}

__kern_public void
kmem_intr_free(void *p, size_t size)
{

	KASSERTMSG(p != NULL, "kmem_intr_free: NULL");
	kmem_put("kmem_intr_free", p, size, true, NULL);
}

__kern_public char *
kmem_asprintf(const char *fmt, ...)
{
	va_list ap;
	size_t size;
	char *s;

	va_start(ap, fmt);
	size = kvsnprintf(NULL, 0, fmt, ap) + 1;
	va_end(ap);
	s = kmem_new("kmem_asprintf", size, KM_SLEEP, false, false,
	    KMEM_SITE());
	va_start(ap, fmt);
	(void)kvsnprintf(s, size, fmt, ap);
	va_end(ap);
	return s;
}

__kern_public char *
kmem_strdupsize(const char *str, size_t *sizep, km_flag_t flags)
{
	size_t size;
	char *s;

	size = strlen(str) + 1;
	s = kmem_new("kmem_strdupsize", size, flags, false, false,
	    KMEM_SITE());
	if (s == NULL)
		return NULL;
	if (sizep != NULL)
		*sizep = size;
	return memcpy(s, str, size);
}

__kern_public char *
kmem_strndup(const char *str, size_t max, km_flag_t flags)
{
	size_t len;
	char *s;

	len = strnlen(str, max);
	s = kmem_new("kmem_strndup", len + 1, flags, false, false,
	    KMEM_SITE());
	if (s == NULL)
		return NULL;
	memcpy(s, str, len);
	s[len] = '\0';
	return s;
}

__kern_public void
kmem_strfree(char *s)
{

	if (s != NULL)
		kmem_put("kmem_strfree", s, strlen(s) + 1, false, NULL);
}

__kern_public void *
kmem_tmpbuf_alloc(size_t size, void *buf, size_t bufsize, km_flag_t flags)
{

	if (size <= bufsize)
		return buf;
	return kmem_new("kmem_tmpbuf_alloc", size, flags, false, false,
	    KMEM_SITE());
}

__kern_public void
kmem_tmpbuf_free(void *p, size_t size, void *buf)
{

	if (p != buf)
		kmem_put("kmem_tmpbuf_free", p, size, false, NULL);
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
