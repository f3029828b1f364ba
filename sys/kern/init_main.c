/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Initialisation of the library.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_intr.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_specificdata.h"
#include "subr_workqueue.h"
#include "subr_wqpool.h"
#include "subr_wqstat.h"
#include "subr_wqtrace.h"

void
kern_start(void)
{

	host_init(lwp_exit);
	kern_fork_init();
	lwp_init();
	clock_init();
	kern_param_init();
	wqtrace_init();
	wqpool_watched = host_watched != 0;
	kernel_lock_init();
	proc_init();
	oncpu_init();
	cpu_init();
	lwp_hook(LWP_ENDS, specific_exit);
	lwp_hook(LWP_OFFCPU, intr_lwpexit);
	lwp_hook(LWP_LOST, workqueue_lwplost);
	pool_subsystem_init();
	if (kern_watchdog != 0)
		wqstat_watch_init();
	if (kern_checking) {
		host_symbol_init();
		wqcheck_init();
		lockdebug_init();
		lwp_hook(LWP_MADE, lockdebug_lwpinit);
		lwp_hook(LWP_ENDED, lockdebug_lwpended);
		lwp_hook(LWP_FREED, lockdebug_lwpfreed);
	}
}
