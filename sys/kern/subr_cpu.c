/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The CPUs that the process may use.
 */

#include "kern.h"

/* All written by cpu_init() and read-only from then on. */
struct cpu_info		cpu_infos[CPU_MAX];
static uint16_t		cpu_byhost[CPU_MAX];	/* host number -> index */
__kern_public int	wqk_ncpu;
__kern_public int	wqk_ncpuonline;
int			cpu_real __host_readmostly;
unsigned		cpu_pauses __host_readmostly;
bool			cpu_spinok __host_readmostly;
bool			cpu_bindok;

/*
 * The number in WORKQUEUE_NCPU, or 0.
 */
static int
cpu_override(void)
{
	const char *p;
	int n;

	p = host_getenv("WORKQUEUE_NCPU");
	if (p == NULL || *p == '\0')
		return 0;
	for (n = 0; *p >= '0' && *p <= '9' && n <= CPU_MAX; p++)
		n = n * 10 + (*p - '0');
	if (*p != '\0' || n < 1 || n > CPU_MAX) {
		kern_warn("WORKQUEUE_NCPU is not a number from 1 to %d: "
		    "ignored", CPU_MAX);
		return 0;
	}
	return n;
}

/*
 * How long a pause lasts differs by a factor of ten between processors.
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
	cpu_spinok = real > 1;
	cpu_calibrate();
	n = cpu_override();
	if (n == 0)
		n = real;
	known = (host_caps() & HOST_CAP_CURCPU) != 0;
	for (i = 0; i < n; i++) {
		ci = &cpu_infos[i];
		ci->ci_index = (unsigned)i;
		ci->ci_hostid = known ? ids[i % real] : -1;
		(void)ksnprintf(ci->ci_name, sizeof(ci->ci_name), "cpu%d", i);
	}
	for (i = CPU_MAX - 1; i >= 0; i--)
		cpu_byhost[i] = (uint16_t)(i % n);
	if (known)
		for (i = 0; i < real; i++)
			cpu_byhost[ids[i] % CPU_MAX] = (uint16_t)(i % n);
	wqk_ncpuonline = n;
	/* Release: the table is there before its length says so. */
	atomic_store_release(&wqk_ncpu, n);
}

/*
 * For those who may come before the library has started.
 */
static int
cpu_number(void)
{
	int n;

	/* Acquire: pairs with cpu_init(). */
	n = atomic_load_acquire(&wqk_ncpu);
	if (__predict_false(n == 0)) {
		kern_init();
		n = atomic_load_acquire(&wqk_ncpu);
	}
	return n;
}

/*
 * Bound threads know; else the host does; else every thread has a CPU that
 * it is said to be on.  Async-signal-safe, and does not adopt the thread.
 */
__kern_public struct cpu_info *
curcpu(void)
{
	struct lwp *l;
	int id, n;

	l = host_self();
	n = cpu_number();
	if (l != NULL) {
		if (l->l_slot >= 0 && l->l_slot < n)
			return &cpu_infos[l->l_slot];
		if (l->l_cpu != NULL)
			return l->l_cpu;
		/* A spare slot: whichever, but the same until it is left. */
		if (l->l_slot >= 0)
			return &cpu_infos[l->l_slot % n];
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
