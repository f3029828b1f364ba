/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The CPUs that the process may use.
 */

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_runq.h"
#include "subr_cpu.h"
#include "subr_prf.h"

struct oncpu		oncpu_cpus[CPU_MAX];	/* of kern_runq.c */

/* cpu_init() writes all these; after that they are read-only. */
struct cpu_info		cpu_infos[CPU_MAX];
static uint16_t		cpu_byhost[CPU_MAX];	/* host number -> index */
__kern_public int	wqk_ncpu;
__kern_public int	wqk_ncpuonline;
int			cpu_real __host_readmostly;
unsigned		cpu_pauses __host_readmostly;
bool			cpu_spinok __host_readmostly;
bool			cpu_bindok;

/*
 * Return the number in WORKQUEUE_NCPU, or 0 if there is none.
 */
static int
cpu_override(void)
{
	const char *p, *s;
	int n;

	p = s = host_getenv("WORKQUEUE_NCPU");
	if (p == NULL || *p == '\0')
		return 0;
	for (n = 0; *p >= '0' && *p <= '9' && n <= CPU_MAX; p++)
		n = n * 10 + (*p - '0');
	if (*p != '\0' || n < 1 || n > CPU_MAX) {
		kern_warn("WORKQUEUE_NCPU is \"%.32s\", not a number from 1 to "
		    "%d: ignored", s, CPU_MAX);
		return 0;
	}
	return n;
}

/*
 * Measure how many calls of host_pause() take a microsecond.  Processors differ
 * by a factor of ten.
 */
static void
cpu_calibrate(void)
{
	int64_t best, t;
	unsigned i, n;

	best = INT64_MAX;
	for (i = 0; i < 4; i++) {
		t = host_monotime();
		for (n = 0; n < 64; n++)
			host_pause();
		t = host_monotime() - t;
		if (t < best)
			best = t;
	}
	cpu_pauses = best < 64 ? 1000 : (unsigned)(64 * 1000 / best) + 1;
}

void
cpu_init(void)
{
	static int ids[CPU_MAX];
	struct cpu_info *ci;
	int i, n, real, known;

	real = host_cpus(ids, CPU_MAX, &cpu_bindok);
	if (real > CPU_MAX)
		real = CPU_MAX;
	if ((host_caps() & HOST_CAP_AFFINITY) == 0)
		cpu_bindok = false;
	cpu_real = real;
	cpu_spinok = real > 1 && (host_caps() & HOST_CAP_SPIN) != 0;
	cpu_calibrate();
	n = cpu_override();
	if (n == 0)
		n = real;
	known = (host_caps() & HOST_CAP_CURCPU) != 0;
	for (i = 0; i < n; i++) {
		ci = &cpu_infos[i];
		ci->ci_index = (unsigned)i;
		ci->ci_hostid = known ? ids[i % real] : -1;
		ci->ci_data.cpu_schedstate.spc_flags = SPCF_RUNNING;
		(void)ksnprintf(ci->ci_name, sizeof(ci->ci_name), "cpu%d", i);
	}
	for (i = CPU_MAX - 1; i >= 0; i--)
		cpu_byhost[i] = (uint16_t)(i % n);
	if (known)
		for (i = 0; i < real; i++)
			cpu_byhost[ids[i] % CPU_MAX] = (uint16_t)(i % n);
	wqk_ncpuonline = n;
	/* Release: if a thread sees the length, it sees the table, too. */
	atomic_store_release(&wqk_ncpu, n);
}

/*
 * Return the number of CPUs.  Start the library if it has not started yet.
 */
static int
cpu_number(void)
{
	int n;

	/* Acquire: pairs with the release in cpu_init(). */
	n = atomic_load_acquire(&wqk_ncpu);
	if (__predict_false(n == 0)) {
		kern_init();
		n = atomic_load_acquire(&wqk_ncpu);
	}
	return n;
}

/*
 * Return the CPU that the thread owns or is bound to, or else the CPU that the
 * host reports.  If the host does not know the CPU, return one that depends
 * only on the thread.  l is NULL if the library does not know the thread.
 * Async-signal-safe.
 */
struct cpu_info *
cpu_hint(const struct lwp *l)
{
	int id, n;

	n = cpu_number();
	if (l != NULL) {
		if (oncpu_owned(l))
			return oncpu_info(l);
		if (l->l_cpu != NULL)
			return l->l_cpu;
	}
	if (n == 1)
		return &cpu_infos[0];
	id = host_curcpu();
	if (__predict_true(id >= 0))
		return &cpu_infos[cpu_byhost[id % CPU_MAX]];
	return &cpu_infos[(host_selfkey() >> 12) % (unsigned)n];
}

__kern_public unsigned int
cpu_index(const struct cpu_info *ci)
{

	return ci->ci_index;
}

__kern_public const char *
cpu_name(const struct cpu_info *ci)
{

	return ci->ci_name;
}

__kern_public struct cpu_info *
cpu_lookup(unsigned int idx)
{

	return idx < (unsigned int)cpu_number() ? &cpu_infos[idx] : NULL;
}

__kern_public unsigned int
wqk_hostcaps(void)
{

	kern_init();
	return host_caps();
}
