/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kernel test: tsleep(9) and wakeup, under the kernel lock as in old code,
 * and mtsleep under a mutex.
 */

#include <sys/param.h>
#include <sys/errno.h>
#include <sys/kernel.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include "ktest.h"

#define	ROUNDS	2000

static int	ts_turn;		/* kernel lock: the player's turn */
static int	ts_error;		/* kernel lock */

static kmutex_t	ts_mtx;
static int	ts_tokens, ts_taken;	/* (ts_mtx) */
static bool	ts_ending;		/* (ts_mtx) */

/* The thread is not KTHREAD_MPSAFE, so it holds the kernel lock. */
static void
ts_player(void *arg)
{
	int i, me;

	me = arg != NULL;
	for (i = 0; i < ROUNDS && ts_error == 0; i++) {
		while (ts_turn != me && ts_error == 0)
			ts_error = tsleep(&ts_turn, PWAIT, "player",
			    mstohz(60000));
		ts_turn = !me;
		wakeup(&ts_turn);
		KASSERT(KERNEL_LOCKED_P());
	}
	kthread_exit(0);
}

static int
ts_pingpong(void)
{
	struct lwp *l[2];
	int error, i;

	ts_turn = ts_error = 0;
	for (i = 0; i < 2; i++) {
		error = kthread_create(PRI_NONE, KTHREAD_MUSTJOIN, NULL,
		    ts_player, i == 0 ? NULL : &ts_turn, &l[i], "player%d", i);
		if (error)
			return error;
	}
	for (i = 0; i < 2; i++)
		(void)kthread_join(l[i]);
	return ts_error;
}

static void
ts_taker(void *arg)
{

	mutex_enter(&ts_mtx);
	for (;;) {
		while (ts_tokens == 0 && !ts_ending)
			(void)mtsleep(&ts_tokens, PWAIT, "taker", hz,
			    &ts_mtx);
		if (ts_tokens == 0)
			break;
		ts_tokens--;
		ts_taken++;
	}
	mutex_exit(&ts_mtx);
	(void)arg;
	kthread_exit(0);
}

static int
ts_oneatatime(void)
{
	struct lwp *l[4];
	size_t i;
	int error, given;

	mutex_init(&ts_mtx, MUTEX_DEFAULT, IPL_NONE);
	ts_tokens = ts_taken = 0;
	ts_ending = false;
	for (i = 0; i < __arraycount(l); i++) {
		error = kthread_create(PRI_NONE, KTHREAD_MPSAFE |
		    KTHREAD_MUSTJOIN, NULL, ts_taker, NULL, &l[i], "taker");
		if (error)
			return error;
	}
	for (given = 0; given < ROUNDS; given++) {
		mutex_enter(&ts_mtx);
		ts_tokens++;
		wakeup_one(&ts_tokens);
		mutex_exit(&ts_mtx);
		if (given % 64 == 0)
			kpause("give", false, 1, NULL);
	}
	mutex_enter(&ts_mtx);
	ts_ending = true;
	wakeup(&ts_tokens);
	mutex_exit(&ts_mtx);
	for (i = 0; i < __arraycount(l); i++)
		(void)kthread_join(l[i]);
	KASSERTMSG(ts_taken == ROUNDS, "taken %d", ts_taken);
	mutex_destroy(&ts_mtx);
	return 0;
}

static int
ts_timeout(void)
{
	int error, s, ticks, i;

	for (i = 1; i <= 4; i++) {
		ticks = getticks();
		error = tsleep(&ts_error, PWAIT | PCATCH, "timeout", i);
		KASSERTMSG(error == EWOULDBLOCK, "error %d", error);
		/* The current tick does not count. */
		KASSERT((int)(getticks() - ticks) >= i);
	}
	/* With PNORELOCK the mutex is not taken again. */
	mutex_init(&ts_mtx, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&ts_mtx);
	error = mtsleep(&ts_error, PWAIT | PNORELOCK, "norelock", 1, &ts_mtx);
	KASSERT(error == EWOULDBLOCK);
	KASSERT(!mutex_owned(&ts_mtx));
	s = splvm();
	splx(s);
	KASSERT(s == IPL_NONE);
	mutex_destroy(&ts_mtx);
	return 0;
}

int
ktest_tsleep(void)
{
	int error;

	if ((error = ts_pingpong()) != 0)
		return error;
	if ((error = ts_oneatatime()) != 0)
		return error;
	return ts_timeout();
}
