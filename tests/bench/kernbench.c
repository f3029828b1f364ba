/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kernbench: compare the cost of the kernel interfaces with that of the calls
 * that a user-space program would make instead.  The two alternate in the same
 * run.
 */

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sys/callout.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/percpu.h>
#include <sys/proc.h>
#include <sys/pserialize.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/xcall.h>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "median.h"
#endif

#define	ROUNDS	9
#define	ARMED	100000

static pthread_mutex_t pmutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t prwlock = PTHREAD_RWLOCK_INITIALIZER;
static kmutex_t kmutex, kspinmutex;
static krwlock_t krwlock;
static callout_t *callouts;
static volatile int sink;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void
b_pmutex(long n)
{

	while (n-- > 0) {
		pthread_mutex_lock(&pmutex);
		pthread_mutex_unlock(&pmutex);
	}
}

static void
b_kmutex(long n)
{

	while (n-- > 0) {
		mutex_enter(&kmutex);
		mutex_exit(&kmutex);
	}
}

static void
b_kspin(long n)
{

	while (n-- > 0) {
		mutex_enter(&kspinmutex);
		mutex_exit(&kspinmutex);
	}
}

static void
b_prwlock(long n)
{

	while (n-- > 0) {
		pthread_rwlock_rdlock(&prwlock);
		pthread_rwlock_unlock(&prwlock);
	}
}

static void
b_krwlock(long n)
{

	while (n-- > 0) {
		rw_enter(&krwlock, RW_READER);
		rw_exit(&krwlock);
	}
}

static void
b_klock(long n)
{

	while (n-- > 0) {
		KERNEL_LOCK(1, NULL);
		KERNEL_UNLOCK_ONE(NULL);
	}
}

static void
b_sigmask(long n)
{
	sigset_t set, old;

	sigfillset(&set);
	while (n-- > 0) {
		pthread_sigmask(SIG_BLOCK, &set, &old);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
}

static void
b_spl(long n)
{

	while (n-- > 0)
		splx(splhigh());
}

static void
b_getcpu(long n)
{

	while (n-- > 0)
		sink = sched_getcpu();
}

static void
b_curcpu(long n)
{

	while (n-- > 0)
		sink = (int)curcpu()->ci_index;
}

static void
never(void *arg)
{

	(void)arg;
}

static void
b_callout(long n)
{
	static long i;

	while (n-- > 0) {
		callout_reset(&callouts[i], 1000000 + (int)(i % 5000), never,
		    NULL);
		(void)callout_stop(&callouts[i]);
		callout_schedule(&callouts[i], 1000000);
		i = (i + 1) % ARMED;
	}
}

/*
 * A round trip to a sleeping thread: by semaphores; and by a soft interrupt
 * there and a semaphore back.
 */
static sem_t there, back;

static void *
echo(void *arg)
{

	for (;;) {
		while (sem_wait(&there) != 0)
			continue;
		sem_post(&back);
	}
	return arg;
}

static void
b_sem(long n)
{

	while (n-- > 0) {
		sem_post(&there);
		while (sem_wait(&back) != 0)
			continue;
	}
}

static void *softint;

static void
softint_echo(void *arg)
{

	(void)arg;
	sem_post(&back);
}

static void
b_softint(long n)
{

	while (n-- > 0) {
		softint_schedule_cpu(softint, cpu_lookup(0));
		while (sem_wait(&back) != 0)
			continue;
	}
}

/*
 * Costs while threads own CPUs.
 */
static percpu_t *percpu;

static void
b_percpu(long n)
{

	while (n-- > 0) {
		++*(volatile long *)percpu_getref(percpu);
		percpu_putref(percpu);
	}
}

static void
b_kpreempt(long n)
{

	while (n-- > 0) {
		kpreempt_disable();
		kpreempt_enable();
	}
}

static void
b_pserialize(long n)
{

	while (n-- > 0)
		pserialize_read_exit(pserialize_read_enter());
}

static void
nothing(void *a, void *b)
{

	(void)a;
	(void)b;
}

static void
b_broadcast(long n)
{

	while (n-- > 0)
		xc_wait(xc_broadcast(0, nothing, NULL, NULL));
}

static void
b_broadcast_high(long n)
{

	while (n-- > 0)
		xc_wait(xc_broadcast(XC_HIGHPRI, nothing, NULL, NULL));
}

/*
 * Barriers among many threads, which enter a section now and then.
 */
static pthread_t others[64];
static int nothers;

static void *
other(void *arg)
{

	for (;;) {
		kpreempt_disable();
		kpreempt_enable();
		splx(splsoftnet());
		(void)kpause("other", false, 1, NULL);
	}
	return arg;
}

static void
barriers(long n, int nthreads)
{

	for (; nothers < nthreads - 1; nothers++)
		if (pthread_create(&others[nothers], NULL, other, NULL) != 0)
			errx(1, "pthread_create");
	while (n-- > 0)
		xc_barrier(0);
}

static void
b_barrier_2(long n)
{

	barriers(n, 2);
}

static void
b_barrier_16(long n)
{

	barriers(n, 16);
}

static void
b_barrier_64(long n)
{

	barriers(n, 64);
}

/* The part of a barrier's cost that is the host's. */
static void
b_membarrier(long n)
{

	while (n-- > 0) {
#ifdef __linux__
		(void)syscall(SYS_membarrier,
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
	}
}

static const struct {
	const char	*name;
	void		(*func)(long);
	const char	*refname;
	void		(*ref)(long);
	long		 n;
	double		 target;	/* ratio, or ns if negative; 0: none */
} benches[] = {
	{ "mutex, adaptive, pair", b_kmutex, "pthread_mutex", b_pmutex,
	    1000000, 1.1 },
	{ "mutex, spin, pair", b_kspin, "pthread_mutex", b_pmutex,
	    1000000, 0 },
	{ "rwlock, read, pair", b_krwlock, "pthread_rwlock", b_prwlock,
	    1000000, 0 },
	{ "kernel lock, pair", b_klock, "pthread_mutex", b_pmutex,
	    1000000, 0 },
	{ "splraise + splx", b_spl, "pthread_sigmask pair", b_sigmask,
	    200000, -5 },
	{ "curcpu", b_curcpu, "sched_getcpu", b_getcpu, 1000000, -5 },
	{ "callout reset + stop + schedule, 10^5 armed", b_callout, NULL,
	    NULL, 500000, 0 },
	{ "softint to a sleeping CPU and back", b_softint,
	    "semaphores there and back", b_sem, 5000, 1.1 },

	/* From here on threads own CPUs. */
	{ "percpu_getref + putref", b_percpu, "pthread_mutex", b_pmutex,
	    1000000, -15 },
	{ "kpreempt_disable + enable", b_kpreempt, NULL, NULL, 1000000, -15 },
	{ "mutex, spin, pair, owning a CPU", b_kspin, "pthread_mutex",
	    b_pmutex, 1000000, 0 },
	{ "splraise + splx, CPUs are owned", b_spl, NULL, NULL, 200000, -5 },
	{ "pserialize read section", b_pserialize, NULL, NULL, 1000000, 0 },
	{ "softint, owning its CPU, there and back", b_softint,
	    "semaphores there and back", b_sem, 5000, 1.1 },
	{ "xc_broadcast + xc_wait", b_broadcast, NULL, NULL, 1000, 0 },
	{ "xc_broadcast + xc_wait, high priority", b_broadcast_high, NULL,
	    NULL, 1000, 0 },
	{ "xc_barrier, 2 threads", b_barrier_2, "membarrier(2)",
	    b_membarrier, 5000, 0 },
	{ "xc_barrier, 16 threads", b_barrier_16, "membarrier(2)",
	    b_membarrier, 5000, 0 },
	{ "xc_barrier, 64 threads", b_barrier_64, "membarrier(2)",
	    b_membarrier, 5000, 0 },
};
#define	NBENCHES	(sizeof(benches) / sizeof(benches[0]))

static double
measure(void (*func)(long), long n)
{
	double t;

	t = now();
	(*func)(n);
	return (now() - t) / (double)n;
}

/*
 * The soft interrupt's thread is bound to the first CPU.  Bind the semaphores'
 * thread there, too, and this one to the last CPU, so that both wake across
 * CPUs.
 */
static void
place(pthread_t t)
{
	cpu_set_t all, one;
	int c, first, last;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	first = last = -1;
	for (c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all)) {
			if (first == -1)
				first = c;
			last = c;
		}
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	(void)pthread_setaffinity_np(t, sizeof(one), &one);
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

int
main(void)
{
	double ns[NBENCHES][ROUNDS], ref[NBENCHES][ROUNDS];
	double ratio[NBENCHES][ROUNDS], m;
	pthread_t t;
	size_t b, first, last;
	int i, r;

	mutex_init(&kmutex, MUTEX_DEFAULT, IPL_NONE);
	mutex_init(&kspinmutex, MUTEX_DEFAULT, IPL_VM);
	rw_init(&krwlock);
	callouts = calloc(ARMED, sizeof(*callouts));
	if (callouts == NULL)
		err(1, NULL);
	for (i = 0; i < ARMED; i++) {
		callout_init(&callouts[i], CALLOUT_MPSAFE);
		callout_reset(&callouts[i], 1000000 + i % 5000, never, NULL);
	}
	sem_init(&there, 0, 0);
	sem_init(&back, 0, 0);
	if (pthread_create(&t, NULL, echo, NULL) != 0)
		errx(1, "pthread_create");
	softint = softint_establish(SOFTINT_SERIAL | SOFTINT_MPSAFE,
	    softint_echo, NULL);
	if (softint == NULL)
		errx(1, "softint_establish");
	place(t);

	/*
	 * Alternate within a group.  There are these groups: before threads own
	 * CPUs, with owned CPUs, and each barrier by itself.
	 */
	for (first = 0; first < NBENCHES; first = last) {
		for (last = first + 1; last < NBENCHES &&
		    benches[last].func != b_percpu &&
		    benches[last].func != b_barrier_2 &&
		    benches[last].func != b_barrier_16 &&
		    benches[last].func != b_barrier_64; last++)
			continue;
		if (benches[first].func == b_percpu)
			percpu = percpu_alloc(sizeof(long));
		for (r = 0; r < ROUNDS; r++)
			for (b = first; b < last; b++) {
				ns[b][r] = measure(benches[b].func,
				    benches[b].n);
				ref[b][r] = benches[b].ref == NULL ? 0 :
				    measure(benches[b].ref, benches[b].n);
				ratio[b][r] = benches[b].ref == NULL ? 0 :
				    ns[b][r] / ref[b][r];
			}
	}

	printf("%-44s %9s   %-26s %9s %7s %9s\n", "", "ns", "beside", "ns",
	    "ratio", "target");
	for (b = 0; b < NBENCHES; b++) {
		m = median(ns[b], ROUNDS);
		printf("%-44s %9.1f   ", benches[b].name, m);
		if (benches[b].ref != NULL)
			printf("%-26s %9.1f %7.3f", benches[b].refname,
			    median(ref[b], ROUNDS), median(ratio[b], ROUNDS));
		else
			printf("%-26s %9s %7s", "", "", "");
		if (benches[b].target > 0)
			printf(" %8.2fx", benches[b].target);
		else if (benches[b].target < 0)
			printf(" %7.0fns", -benches[b].target);
		printf("\n");
	}
	return 0;
}
