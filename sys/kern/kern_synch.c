/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ltsleep(9), kpause(9): sleeping on an address without an object.
 */

#include "kern.h"

#include <sys/proc.h>
#include <sys/simplelock.h>

/*
 * Sleep on a channel; a mutex, or a simple lock, is released once the thread is
 * there, and taken back.  No signal ends a sleep, so PCATCH means nothing here.
 */
static int
synch_sleep(const void *wchan, int kind, const char *wmesg, int timo,
    kmutex_t *mtx, volatile struct simplelock *slock, bool relock,
    const char *func)
{
	struct sleepq *sq;
	struct lwp *l;
	int64_t deadline;
	int error;

	KASSERTMSG(timo >= 0, "%s: %d ticks", func, timo);
	KASSERTMSG(mtx == NULL || mutex_owned(mtx), "%s: %s not held",
	    func, lockdebug_text(mtx, "mutex"));

	l = curlwp_get();
	deadline = sleepq_deadline(timo);
	atomic_store_relaxed(&l->l_wmesg, wmesg);
	if (wchan == NULL)
		wchan = l;
	sq = sleepq_enter(wchan);
	sleepq_enqueue(sq, l, wchan, kind, false);
	sleepq_exit(sq);

	if (mtx != NULL)
		mutex_exit(mtx);
	if (slock != NULL)
		simple_unlock(slock);
	/* Only now: the mutex may have been what raised the level. */
	if (KERN_CHECKING())
		wqcheck_sleepable(func);
	error = sleepq_block(l, deadline);
	atomic_store_relaxed(&l->l_wmesg, NULL);
	if (mtx != NULL && relock)
		mutex_enter(mtx);
	if (slock != NULL && relock)
		simple_lock(slock);
	return error;
}

static inline const void *
synch_channel(wchan_t ident, const char *func)
{

	KASSERTMSG(ident != NULL, "%s: no channel", func);
	return (const void *)(uintptr_t)ident;
}

__kern_public int
tsleep(wchan_t ident, pri_t priority, const char *wmesg, int timo)
{

	(void)priority;
	return synch_sleep(synch_channel(ident, "tsleep"), SLEEPQ_TSLEEP,
	    wmesg, timo, NULL, NULL, false, "tsleep");
}

__kern_public int
mtsleep(wchan_t ident, pri_t priority, const char *wmesg, int timo,
    kmutex_t *mtx)
{

	return synch_sleep(synch_channel(ident, "mtsleep"), SLEEPQ_TSLEEP,
	    wmesg, timo, mtx, NULL, (priority & PNORELOCK) == 0, "mtsleep");
}

__kern_public int
ltsleep(wchan_t ident, pri_t priority, const char *wmesg, int timo,
    volatile struct simplelock *slock)
{

	KASSERTMSG(slock == NULL || simple_lock_held(slock),
	    "ltsleep: simple lock %p not held", (volatile void *)slock);
	return synch_sleep(synch_channel(ident, "ltsleep"), SLEEPQ_TSLEEP,
	    wmesg, timo, NULL, slock, (priority & PNORELOCK) == 0, "ltsleep");
}

/*
 * The channel is the thread, under a kind that nobody wakes.
 */
__kern_public int
kpause(const char *wmesg, bool intr, int timo, kmutex_t *mtx)
{

	KASSERTMSG(timo != 0 || intr, "kpause: %d ticks", timo);
	return synch_sleep(NULL, SLEEPQ_KPAUSE, wmesg, timo, mtx, NULL,
	    true, "kpause");
}

__kern_public void
wakeup(wchan_t ident)
{

	sleepq_wakeall(synch_channel(ident, "wakeup"), SLEEPQ_TSLEEP);
}

__kern_public void
wakeup_one(wchan_t ident)
{
	struct sleepq *sq;
	struct lwp *l;
	const void *wchan;

	wchan = synch_channel(ident, "wakeup_one");
	sq = sleepq_enter(wchan);
	l = sleepq_take(sq, wchan, SLEEPQ_TSLEEP, 1, NULL);
	sleepq_exit(sq);
	sleepq_wake(l);
}

__kern_public void
yield(void)
{
	int biglocks;

	if (KERN_CHECKING())
		wqcheck_sleepable("yield");
	wqk_kernel_unlock(0, &biglocks);
	host_yield();
	wqk_kernel_lock(biglocks);
}

__kern_public void
preempt(void)
{

	yield();
}
