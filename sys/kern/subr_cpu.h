/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * CPUs, inside the library.
 */

#ifndef _KERN_SUBR_CPU_H_
#define	_KERN_SUBR_CPU_H_

#include <sys/cpu.h>

#include "kern.h"

struct lwp;

#define	CPU_MAX		1024		/* maximum of ncpu */

struct cpu_info *cpu_hint(const struct lwp *);
/* cpu_init() sets these; after that they are read-only. */
extern int	cpu_real;		/* CPUs that the host reports */
extern unsigned	cpu_pauses;		/* calls of host_pause() in 1 us */
extern bool	cpu_spinok;		/* spins are useful: cpu_real > 1 */
extern bool	cpu_bindok;		/* binding is useful */
extern struct cpu_info cpu_infos[];	/* all CPUs, by index */

/* Return true if ci is one of the first n CPUs. */
static inline bool
cpu_among(const struct cpu_info *ci, int n)
{
	uintptr_t off;

	off = (uintptr_t)ci - (uintptr_t)cpu_infos;
	return off % sizeof(*ci) == 0 && off / sizeof(*ci) < (uintptr_t)n;
}

#endif	/* !_KERN_SUBR_CPU_H_ */
