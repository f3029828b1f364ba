/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9): the kernel's own threads.
 */

#ifndef _SYS_KTHREAD_H_
#define	_SYS_KTHREAD_H_

#ifdef _LWQ_LINUX_KTHREAD_H_
#error "<linux/kthread.h> and <sys/kthread.h> cannot be used in one file: \
kthread_create() means two things"
#endif

#include <sys/wq_types.h>
#include <sys/proc.h>

__WQ_BEGIN_DECLS

#define	KTHREAD_IDLE	0x01	/* at the lowest priority */
#define	KTHREAD_MPSAFE	0x02	/* starts without the kernel lock */
#define	KTHREAD_INTR	0x04	/* serves interrupts */
#define	KTHREAD_TS	0x08	/* time-shared */
#define	KTHREAD_MUSTJOIN 0x10	/* kthread_join() will be called */
#define	KTHREAD_JOINABLE KTHREAD_MUSTJOIN	/* older name */

#define	kthread_create		wqk_kthread_create
#define	kthread_exit		wqk_kthread_exit
#define	kthread_join		wqk_kthread_join
#define	kthread_fpu_enter	wqk_kthread_fpu_enter
#define	kthread_fpu_exit	wqk_kthread_fpu_exit

/*
 * Start a thread.  Arguments: its priority; flags; its CPU or NULL; its
 * function, and the function's argument; where to store the thread, or NULL;
 * and its name as for printf.  Return 0 or an errno value.
 */
int	kthread_create(pri_t, int, struct cpu_info *, void (*)(void *), void *,
	    struct lwp **, const char *, ...) __wq_printflike(7, 8);

/* End the calling thread, which kthread_create() started. */
void	kthread_exit(int) __wq_noreturn;

/*
 * Wait until a KTHREAD_MUSTJOIN thread has ended, and return 0.  Call this once
 * for each such thread.
 */
int	kthread_join(struct lwp *);

/* Do nothing: the FPU is always available here. */
int	kthread_fpu_enter(void);
void	kthread_fpu_exit(int);

__WQ_END_DECLS

#endif	/* !_SYS_KTHREAD_H_ */
