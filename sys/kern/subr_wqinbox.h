/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The inbox: a word to which producers push items one by one, and from which
 * a runner takes all items at once.
 *
 *	0		no item, and no runner sleeps
 *	runner | 1	no item, and this runner sleeps
 *	an item		the newest item; its word holds what it replaced
 *
 * Any number of producers may call wqinbox_push() at once, in any context: in a
 * thread, in a callback, or in a handler that has interrupted any of these
 * functions.  wqinbox_push() is lock-free.
 *
 * The caller of any other function must hold the lock of the queue, unless the
 * function only reads the word.  The result of a read may be out of date at
 * once.  But only the holder of the lock takes items out, so an inbox that has
 * an item keeps at least one until the holder takes them.
 *
 * Last touch.  After the compare-and-swap that inserts its item, a producer
 * must not access the inbox.  Before the producer's next instruction, the item
 * may run, and the queue may be destroyed.  If the producer replaced a runner,
 * it wakes that runner.  It may access the runner, because runners are
 * type-stable.
 *
 * No lost wake-up.  The runner announces its sleep in the same word in which
 * producers insert items, so announcements and items have one order.  Either
 * the announcement fails because the inbox has an item, or exactly one producer
 * replaces the announcement.  This producer wakes the runner.
 *
 * tests/model/workqueue.pml models this file, and shows what goes wrong if a
 * rule is broken.
 */

#ifndef _KERN_SUBR_WQINBOX_H_
#define	_KERN_SUBR_WQINBOX_H_

#include <sys/workqueue.h>

#include "kern.h"
#include "kern_lwp.h"

struct wqinbox {
	uintptr_t	 in_word;	/* (a) */
};

#define	WQINBOX_ASLEEP	((uintptr_t)1)	/* the word holds a runner */

/*
 * Return the word that announces a runner.  If the runner is NULL, return 0.
 */
static inline uintptr_t
wqinbox_word(const struct runner *r)
{

	return r == NULL ? 0 : (uintptr_t)r | WQINBOX_ASLEEP;
}

/*
 * Return true if a list of items ends at the link w.
 */
static inline bool
wqinbox_end(uintptr_t w)
{

	return w == 0 || (w & WQINBOX_ASLEEP) != 0;
}

static inline bool
wqinbox_isempty(const struct wqinbox *in)
{

	return wqinbox_end(atomic_load_relaxed(&in->in_word));
}

/*
 * Return true if a runner sleeps.  Sequentially consistent: see
 * workqueue_quiesce().
 */
static inline bool
wqinbox_isasleep(const struct wqinbox *in)
{

	return (atomic_load_seq_cst(&in->in_word) & WQINBOX_ASLEEP) != 0;
}

/*
 * Return true if this runner is still announced.  If not, the inbox has an
 * item.  Acquire: pairs with the release in wqinbox_insert().
 */
static inline bool
wqinbox_isannounced(const struct wqinbox *in, const struct runner *r)
{

	return atomic_load_acquire(&in->in_word) == wqinbox_word(r);
}

/*
 * Insert an item.  Return the old word, for wqinbox_wake().  If note is not
 * NULL, call it after each write to the item's word.
 */
static inline __attribute__((__always_inline__)) uintptr_t
wqinbox_insert(struct wqinbox *in, struct work *wk,
    void (*note)(const void *, const void *))
{
	uintptr_t old;

	old = atomic_load_relaxed(&in->in_word);
	do {
		wk->wk_dummy = (void *)old;
		if (note != NULL)
			(*note)(wk, (void *)old);
		/*
		 * Release: publish the item's contents and its word; pairs with
		 * wqinbox_take().  Acquire: the producer observes the runner as
		 * it was when it announced its sleep.
		 */
	} while (!atomic_cas_weak_acq_rel(&in->in_word, &old, (uintptr_t)wk));
	return old;
}

/*
 * Wake the runner that the item replaced, if there was one.
 */
static inline __attribute__((__always_inline__)) void
wqinbox_wake(uintptr_t old)
{
	struct runner *r;

	if (__predict_false((old & WQINBOX_ASLEEP) != 0)) {
		r = (struct runner *)(old & ~WQINBOX_ASLEEP);
		(*r->r_wakeup)(r);
	}
}

static inline __attribute__((__always_inline__)) void
wqinbox_push(struct wqinbox *in, struct work *wk)
{

	wqinbox_wake(wqinbox_insert(in, wk, NULL));
}

/*
 * Take all items.  Return the newest one.  If there is no item, return 0, and
 * leave an announcement in place.
 */
static inline uintptr_t
wqinbox_take(struct wqinbox *in)
{

	if (wqinbox_isempty(in))
		return 0;
	/* Acquire: pairs with the release of each producer. */
	return atomic_swap_acquire(&in->in_word, (uintptr_t)0);
}

/*
 * Take all items of an inbox that has at least one.  In the same exchange
 * announce a runner, unless it is NULL.
 */
static inline uintptr_t
wqinbox_take_announce(struct wqinbox *in, const struct runner *r)
{

	/* Acquire: as in wqinbox_take().  Release: as in wqinbox_announce(). */
	return atomic_swap_acq_rel(&in->in_word, wqinbox_word(r));
}

/*
 * Announce a runner instead of another one.  NULL stands for no runner.  Return
 * false if the inbox has an item.
 *
 * Release: a producer sees the runner as it is now.  Sequentially consistent:
 * see workqueue_quiesce().
 */
static inline bool
wqinbox_announce(struct wqinbox *in, const struct runner *was,
    const struct runner *r)
{
	uintptr_t old;

	old = wqinbox_word(was);
	return atomic_cas_seq_cst(&in->in_word, &old, wqinbox_word(r));
}

#endif	/* !_KERN_SUBR_WQINBOX_H_ */
