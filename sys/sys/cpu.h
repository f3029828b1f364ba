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
#include <sys/intr.h>

#define	maxcpus			1024U	/* ncpu is never more */
#define	CPU_IS_PRIMARY(ci)	((ci)->ci_index == 0)
#endif

__WQ_BEGIN_DECLS

#define	curcpu		wqk_curcpu
#define	cpu_index	wqk_cpu_index
#define	cpu_name	wqk_cpu_name
#define	cpu_lookup	wqk_cpu_lookup
#define	ncpu		wqk_ncpu
#define	ncpuonline	wqk_ncpuonline

/* The CPU the caller runs on; it may have moved by the time it is read. */
struct cpu_info	*wqk_curcpu(void);
unsigned int	 wqk_cpu_index(const struct cpu_info *);
const char	*wqk_cpu_name(const struct cpu_info *);

/* The CPU with that index, or NULL. */
struct cpu_info	*wqk_cpu_lookup(unsigned int);

/* The number of CPUs; read-only.  Set as the library starts. */
extern int	 wqk_ncpu;
extern int	 wqk_ncpuonline;

/* What the host back end can do here: see libworkqueue(3). */
#define	WQK_CAP_NAMES		0x0001	/* thread names show in ps(1) */
#define	WQK_CAP_AFFINITY	0x0002	/* workers are bound to CPUs */
#define	WQK_CAP_PRIORITY	0x0004	/* each worker has a priority */
#define	WQK_CAP_CURCPU		0x0008	/* curcpu() asks the host */
#define	WQK_CAP_QUOTA		0x0010	/* a CPU quota is seen */
#define	WQK_CAP_ASLEEP		0x0040	/* it is seen that a thread sleeps */
unsigned int	 wqk_hostcaps(void);

typedef int CPU_INFO_ITERATOR;
#define	CPU_INFO_FOREACH(cii, ci)					\
	(cii) = 0; ((ci) = cpu_lookup((unsigned int)(cii))) != 0; (cii)++

__WQ_END_DECLS

#endif	/* !_SYS_CPU_H_ */
