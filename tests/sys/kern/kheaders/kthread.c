/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A daemon that includes <sys/kthread.h> and relies on what that includes.
 */

#include <sys/param.h>
#include <sys/kthread.h>

static kmutex_t food_lock;
static int food_stop;
static int food_rounds;

static void
food_thread(void *arg)
{

	KASSERT(arg == &food_rounds);
	KASSERTMSG(curlwp != NULL, "no lwp");
	mutex_enter(&food_lock);
	while (!food_stop) {
		food_rounds++;
		kpause("food", false, MAX(1, mstohz(10)), &food_lock);
	}
	mutex_exit(&food_lock);
	if (food_rounds == 0)
		panic("food: %d rounds", food_rounds);
	kthread_exit(0);
}

int kthread_test(void);

int
kthread_test(void)
{
	struct lwp *l;
	int error;

	mutex_init(&food_lock, MUTEX_DEFAULT, IPL_NONE);
	error = kthread_create(PRI_NONE, KTHREAD_MPSAFE | KTHREAD_MUSTJOIN,
	    NULL, food_thread, &food_rounds, &l, "food%d", 0);
	if (error != 0) {
		printf("food: %d\n", error);
		return error;
	}
	mutex_enter(&food_lock);
	while (food_rounds < 2)
		kpause("foowait", false, 1, &food_lock);
	food_stop = 1;
	mutex_exit(&food_lock);
	error = kthread_join(l);
	mutex_destroy(&food_lock);
	return error;
}
