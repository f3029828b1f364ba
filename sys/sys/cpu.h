/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * cpu_info(9): the CPUs that the process may use.
 */

#ifndef _SYS_CPU_H_
#define	_SYS_CPU_H_

#include <sys/wq_types.h>
#ifdef _KERNEL
#include <sys/condvar.h>
#include <sys/intr.h>
#include <sys/kcpuset.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/queue.h>

#define	maxcpus			1024U	/* upper bound of ncpu */
#define	mp_online		true	/* all CPUs run from the start */
#define	CPU_IS_PRIMARY(ci)	((ci)->ci_index == 0)

/* The older name of a member of ci_data. */
#define	ci_schedstate		ci_data.cpu_schedstate
#endif

/* spc_flags; the library sets only SPCF_RUNNING. */
#define	SPCF_SHOULDYIELD	0x0002	/* let another thread run */
#define	SPCF_OFFLINE		0x0004	/* the CPU is not in use */
#define	SPCF_RUNNING		0x0008	/* the CPU runs */
#define	SPCF_NOINTR		0x0010	/* the CPU takes no interrupts */
#define	SPCF_IDLE		0x0020	/* the CPU has nothing to run */

__WQ_BEGIN_DECLS

#define	curcpu		wqk_curcpu
#define	cpu_index	wqk_cpu_index
#define	cpu_name	wqk_cpu_name
#define	cpu_lookup	wqk_cpu_lookup
#define	ncpu		wqk_ncpu
#define	ncpuonline	wqk_ncpuonline

/*
 * Return the caller's CPU, which may change unless the caller is bound.  Return
 * a CPU's index and name.
 */
struct cpu_info	*wqk_curcpu(void);
unsigned int	 wqk_cpu_index(const struct cpu_info *);
const char	*wqk_cpu_name(const struct cpu_info *);

/* Return the CPU with this index, or NULL. */
struct cpu_info	*wqk_cpu_lookup(unsigned int);

/* The number of CPUs, set when the library starts; read-only. */
extern int	 wqk_ncpu;
extern int	 wqk_ncpuonline;

/* Return the capabilities of the host back end: see cpu_info(9). */
#define	WQK_CAP_NAMES		0x0001	/* thread names show in ps(1) */
#define	WQK_CAP_AFFINITY	0x0002	/* workers are bound to CPUs */
#define	WQK_CAP_PRIORITY	0x0004	/* each worker has a priority */
#define	WQK_CAP_CURCPU		0x0008	/* curcpu() asks the host */
#define	WQK_CAP_QUOTA		0x0010	/* CPU quotas are detected */
#define	WQK_CAP_ASLEEP		0x0040	/* sleeping threads are detected */
#define	WQK_CAP_CHILD		0x0080	/* child processes are detected */
unsigned int	 wqk_hostcaps(void);

typedef int CPU_INFO_ITERATOR;
#define	CPU_INFO_FOREACH(cii, ci)					\
	(cii) = 0; ((ci) = cpu_lookup((unsigned int)(cii))) != 0; (cii)++

__WQ_END_DECLS

#endif	/* !_SYS_CPU_H_ */
