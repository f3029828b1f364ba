/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * ltsleep(9) and kpause(9): sleep on an address, without a condition variable.
 */

#include "kern.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "kern_runq.h"
#include "kern_sleepq.h"
#include "kern_spl.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"

#include <sys/proc.h>
#include <sys/simplelock.h>

/*
 * Sleep on a channel.  If there is a mutex or a simple lock, release it as soon
 * as the thread is on the channel.  If relock is true, take it again after the
 * sleep.  No signal ends a sleep, so PCATCH has no effect.
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
	/* Check after mutex_exit(): a held spin mutex raises the level. */
	KERN_CHECK(context_check_sleep(func));
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
 * Sleep on the address of the calling thread, a channel that no thread wakes.
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
	struct oncpu_asleep oa;
	struct lwp *l;
	int biglocks, s;

	KERN_CHECK(context_check_sleep("yield"));
	l = curlwp_get();
	wqk_kernel_unlock(0, &biglocks);
	oncpu_sleep(l, &oa);
	s = spl_open(l);
	host_yield();
	spl_shut(l, s);
	oncpu_wake(l, &oa);
	wqk_kernel_lock(biglocks);
}

__kern_public void
preempt(void)
{

	yield();
}

__kern_public void
lwp_lock(struct lwp *l)
{

	mutex_spin_enter(&l->l_mutex);
}

__kern_public void
lwp_unlock(struct lwp *l)
{

	mutex_spin_exit(&l->l_mutex);
}
