/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Types and constants for all headers: scheduling priorities, interrupt
 * priority levels, and the description of a CPU.  Names and values are
 * NetBSD's.  See workqueue(9), spl(9), cpu_info(9).
 */

#ifndef _SYS_WQ_TYPES_H_
#define	_SYS_WQ_TYPES_H_

#include <stdint.h>

#ifdef __cplusplus
#define	__WQ_BEGIN_DECLS	extern "C" {
#define	__WQ_END_DECLS		}
#else
#define	__WQ_BEGIN_DECLS
#define	__WQ_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define	__wq_printflike(f, a)	__attribute__((__format__(__printf__, f, a)))
#define	__wq_noreturn		__attribute__((__noreturn__))
#define	__wq_predict_false(x)	__builtin_expect(!!(x), 0)
#define	__wq_aligned(n)	__attribute__((__aligned__(n)))
#else
#define	__wq_printflike(f, a)
#define	__wq_noreturn
#define	__wq_predict_false(x)	(x)
#define	__wq_aligned(n)
#endif

/* A scheduling priority: PRI_NONE, or 0 (lowest) to PRI_COUNT - 1. */
typedef int pri_t;

#define	PRI_NONE	(-1)	/* the default of each kind of thread */
#define	PRI_USER	0	/* 0..63: time-shared */
#define	PRI_KERNEL	64	/* 64..95: time-shared, kernel */
#define	PRI_KTHREAD	96	/* 96..127: kernel threads */
#define	PRI_USER_RT	128	/* 128..191: real time, user */
#define	PRI_KERNEL_RT	192	/* 192..223: real time, kernel */
#define	PRI_COUNT	224	/* number of priorities */

#define	PRI_IDLE	PRI_USER
#define	MAXPRI_USER	(PRI_KERNEL - 1)
#define	MAXPRI_KERNEL	(PRI_KTHREAD - 1)
#define	MAXPRI_KTHREAD	(PRI_USER_RT - 1)
#define	MAXPRI_USER_RT	(PRI_KERNEL_RT - 1)
#define	MAXPRI_KERNEL_RT (PRI_COUNT - 1)

#define	PRI_BIO		123
#define	PRI_VM		125
#define	PRI_XCALL	127
#define	PRI_SOFTCLOCK	220
#define	PRI_SOFTBIO	221
#define	PRI_SOFTNET	222
#define	PRI_SOFTSERIAL	223

/* Older names. */
#define	PSWP		0
#define	PVM		4
#define	PINOD		8
#define	PRIBIO		16
#define	PVFS		20
#define	PZERO		22
#define	PSOCK		24
#define	PWAIT		32
#define	PCATCH		0x100	/* or'ed into tsleep's priority */
#define	PNORELOCK	0x200	/* likewise, for mtsleep */

/* Interrupt priority levels, lowest first. */
#define	IPL_NONE	0
#define	IPL_SOFTCLOCK	1
#define	IPL_SOFTBIO	2
#define	IPL_SOFTNET	3
#define	IPL_SOFTSERIAL	4
#define	IPL_VM		5
#define	IPL_SCHED	6
#define	IPL_HIGH	7
#define	NIPL		8

#define	IPL_BIO		IPL_VM
#define	IPL_NET		IPL_VM
#define	IPL_TTY		IPL_VM
#define	IPL_AUDIO	IPL_SCHED
#define	IPL_CLOCK	IPL_SCHED
#define	IPL_STATCLOCK	IPL_SCHED
#define	IPL_SERIAL	IPL_HIGH

/*
 * A thread that the library knows.  Plain clients see no fields.  <sys/lwp.h>
 * declares the fields that kernel sources read.
 */
struct lwp;

/*
 * A scheduler's view of a CPU.  There is no scheduler, so the CPU always runs.
 */
struct schedstate_percpu {
	unsigned int	 spc_flags;	/* SPCF_RUNNING */
	pri_t		 spc_curpriority;
	unsigned int	 spc_count;
};

/* The part of a CPU's description that does not depend on the machine. */
struct cpu_data {
	struct schedstate_percpu cpu_schedstate;
	uint64_t	 cpu_nintr;	/* interrupts */
	uint64_t	 cpu_nsoft;	/* soft interrupts */
	uint64_t	 cpu_nswtch;	/* context switches */
	uint64_t	 cpu_nsyscall;	/* system calls */
	uint64_t	 cpu_ntrap;	/* traps */
};

/*
 * A CPU that the process may use.  The first call that needs the table of CPUs
 * makes the table, which never changes.  Clients may write only ci_data.  Each
 * entry has cache lines of its own.  The size of an entry is a power of two, so
 * that a shift computes its index.
 */
struct cpu_info {
	unsigned int	 ci_index;	/* 0 .. ncpu - 1 */
	int		 ci_hostid;	/* the host's number for it, or -1 */
	char		 ci_name[16];	/* "cpu0" */
	void		*ci_kern;	/* the library's own data */

	/*
	 * Kernel sources may use these counters.  The library does not, because
	 * it counts for each thread.
	 */
	struct cpu_data	 ci_data;
	int		 ci_mtx_count;	/* 0 */
} __wq_aligned(64);

#endif	/* !_SYS_WQ_TYPES_H_ */
