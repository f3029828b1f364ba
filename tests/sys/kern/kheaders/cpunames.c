/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Includes <sys/cpu.h> only, and uses what that includes.
 */

#include <sys/cpu.h>

struct waiter {
	TAILQ_ENTRY(waiter)	w_link;
	kcondvar_t		w_cv;
};

static TAILQ_HEAD(, waiter) waiters = TAILQ_HEAD_INITIALIZER(waiters);

int cpunames_test(void);

int
cpunames_test(void)
{
	struct cpu_info *ci = curcpu();
	struct waiter w;
	kcpuset_t *set;
	int bad;

	cv_init(&w.w_cv, "waiter");
	TAILQ_INSERT_TAIL(&waiters, &w, w_link);
	kcpuset_create(&set, true);
	kcpuset_set(set, cpu_index(ci));
	ci->ci_data.cpu_nsyscall++;
	bad = !mp_online || kcpuset_countset(set) != 1 ||
	    ci->ci_mtx_count != 0 ||
	    (ci->ci_schedstate.spc_flags & (SPCF_SHOULDYIELD | SPCF_OFFLINE |
	    SPCF_NOINTR | SPCF_IDLE)) != 0 ||
	    (ci->ci_schedstate.spc_flags & SPCF_RUNNING) == 0;
	kcpuset_destroy(set);
	TAILQ_REMOVE(&waiters, &w, w_link);
	cv_destroy(&w.w_cv);
	return bad;
}
