/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Storms: signals arrive at threads in the C library and in this one, while
 * others hold spin mutexes and print.  Nothing freezes, and every arrival is
 * counted and served once.
 *
 * The handler does everything that interrupt context permits.
 */

#include <sys/proc.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kernel.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/pool.h>
#include <sys/systm.h>
#include <sys/wq_prf.h>

#include <sys/time.h>

#include <fcntl.h>

/* Use the C library's functions; the kernel's have other names. */
#undef printf
#undef snprintf
#define	kprintf		wqk_printf
#define	klog		wqk_log
#define	ksnprintf	wqk_snprintf

#include "../../tests.h"

#define	NVICTIMS	6
#define	NSIGNALS	TEST_SCALE(20000)	/* of each sender */
#define	NITEMS		64

struct item {
	struct work	 it_work;
	int		 it_pending;		/* (itemlock) */
};

static struct pool	pool;
static kmutex_t		spin;		/* IPL_HIGH; protects guarded */
static kmutex_t		cvlock;		/* IPL_SCHED */
static kcondvar_t	cv;
static callout_t	callout;
static void		*softih;
static struct workqueue	*queue;
static struct item	items[NITEMS];
static unsigned		guarded[2];	/* (spin) equal outside */
static atomic_uint	served, enqueued, ran, signalled, softs, barks;
static atomic_int	stop;
static atomic_ulong	victim_turns[NVICTIMS];

static void
item_run(struct work *wk, void *arg)
{
	struct item *it = (struct item *)wk;

	(void)arg;
	mutex_enter(&spin);
	it->it_pending = 0;
	mutex_exit(&spin);
	atomic_fetch_add(&ran, 1);
}

static void
soft(void *arg)
{

	(void)arg;
	atomic_fetch_add(&softs, 1);
}

static void
bark(void *arg)
{

	(void)arg;
	atomic_fetch_add(&barks, 1);
}

static int
intr(void *arg)
{
	char buf[64];
	struct item *it;
	unsigned n;
	void *p;

	(void)arg;
	n = atomic_fetch_add(&served, 1);
	mutex_enter(&spin);
	if (guarded[0] != guarded[1])
		panic("storm: a spin mutex did not keep an interrupt out");
	guarded[0]++;
	guarded[1]++;
	it = &items[n % NITEMS];
	if (!it->it_pending) {
		it->it_pending = 1;
		atomic_fetch_add(&enqueued, 1);
		workqueue_enqueue(queue, &it->it_work, NULL);
	}
	mutex_exit(&spin);
	if ((p = pool_get(&pool, PR_NOWAIT)) != NULL) {
		memset(p, 0xff, 48);
		pool_put(&pool, p);
	}
	(void)ksnprintf(buf, sizeof(buf), "interrupt %u", n);
	if (n % 64 == 0) {
		kprintf("%s\n", buf);
		klog(6, "%s\n", buf);
	}
	softint_schedule(softih);
	callout_schedule(&callout, 1 + (int)(n % 3));
	if (n % 16 == 0)
		callout_stop(&callout);
	mutex_enter(&cvlock);
	atomic_fetch_add(&signalled, 1);
	cv_signal(&cv);
	mutex_exit(&cvlock);
	errno = EXDEV;
	return 1;
}

/*
 * The work of the victims.
 */
static void
do_malloc(unsigned i)
{
	void *p[8];
	size_t n;

	for (n = 0; n < TEST_NELEM(p); n++) {
		p[n] = malloc(16 + (i * 37 + n * 1001) % 5000);
		if (p[n] == NULL)
			atf_tc_fail("malloc");
	}
	for (n = 0; n < TEST_NELEM(p); n++)
		free(p[n]);
}

static FILE *nullfile;

static void
do_stdio(unsigned i)
{
	char buf[100];

	fprintf(nullfile, "line %u of %g\n", i, (double)i / 3);
	snprintf(buf, sizeof(buf), "%u %s", i, "words");
	if (i % 64 == 0) {
		printf("stdio %u\n", i);
		fflush(stdout);
	}
}

static void
do_print(unsigned i)
{

	if (i % 16 == 0) {
		kprintf("printf %u\n", i);
		klog(7, "log %u\n", i);
	}
	if (i % 128 == 0)
		test_pause();
}

static void
do_pool(unsigned i)
{
	void *p[8];
	size_t n;

	(void)i;
	for (n = 0; n < TEST_NELEM(p); n++)
		p[n] = pool_get(&pool, PR_WAITOK);
	for (n = 0; n < TEST_NELEM(p); n++)
		pool_put(&pool, p[n]);
	softint_schedule(softih);
	callout_schedule(&callout, 1);
}

static void
do_spin(unsigned i)
{

	mutex_spin_enter(&spin);
	guarded[0]++;
	if (i % 256 == 0)
		kprintf("holding %u\n", i);
	guarded[1]++;
	mutex_spin_exit(&spin);
}

static void
do_wait(unsigned i)
{

	(void)i;
	mutex_enter(&cvlock);
	(void)cv_timedwait(&cv, &cvlock, 1);
	mutex_exit(&cvlock);
}

static void (*const victims[NVICTIMS])(unsigned) = {
	do_malloc, do_stdio, do_print, do_pool, do_spin, do_wait
};

static void *
victim(void *arg)
{
	unsigned i, n;

	n = (unsigned)(uintptr_t)arg;
	(void)curlwp;
	for (i = 0; !atomic_load(&stop); i++) {
		errno = ENOENT;
		(*victims[n])(i);
		atomic_fetch_add(&victim_turns[n], 1);
	}
	return NULL;
}

/* A thread that the library does not know. */
static void *
stranger(void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; !atomic_load(&stop); i++)
		do_malloc(i);
	return NULL;
}

/*
 * Write to a file that nobody reads; a pipe would fill up.
 */
static void
quiet(void)
{
	int fd;

	fd = open("storm.out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ATF_REQUIRE(fd != -1);
	fflush(NULL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	nullfile = fopen("/dev/null", "w");
	ATF_REQUIRE(nullfile != NULL);
}

/*
 * Two kinds of storm: signals sent to one thread after another, and signals of
 * a timer.
 */
static void
send_to_threads(pthread_t *t, int nt)
{
	int i;

	for (i = 0; i < NSIGNALS; i++) {
		ATF_REQUIRE(pthread_kill(t[i % nt], SIGUSR1) == 0);
		/* Give the victims a time slice, too. */
		if (i % 32 == 0)
			sched_yield();
		if (i % 512 == 0)
			test_pause();
	}
}

static void
send_by_timer(pthread_t *t, int nt)
{
	struct itimerval it, none;

	(void)t;
	(void)nt;
	memset(&none, 0, sizeof(none));
	it.it_interval.tv_sec = it.it_value.tv_sec = 0;
	it.it_interval.tv_usec = it.it_value.tv_usec = 200;
	ATF_REQUIRE(setitimer(ITIMER_REAL, &it, NULL) == 0);
	TEST_AWAIT(atomic_load(&served) >= (unsigned)TEST_SCALE(3000));
	ATF_REQUIRE(setitimer(ITIMER_REAL, &none, NULL) == 0);
}

static void
send_posix_timer(pthread_t *t, int nt)
{
	struct itimerspec it;
	struct sigevent ev;
	timer_t id;

	(void)t;
	(void)nt;
	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = SIGUSR1;
	ATF_REQUIRE(timer_create(CLOCK_MONOTONIC, &ev, &id) == 0);
	it.it_interval.tv_sec = it.it_value.tv_sec = 0;
	it.it_interval.tv_nsec = it.it_value.tv_nsec = 200000;
	ATF_REQUIRE(timer_settime(id, 0, &it, NULL) == 0);
	TEST_AWAIT(atomic_load(&served) >= (unsigned)TEST_SCALE(3000));
	ATF_REQUIRE(timer_delete(id) == 0);
}

static void
storm(int signo, int flags, int ipl, void (*send)(pthread_t *, int))
{
	pthread_t t[NVICTIMS + 1];
	unsigned all;
	void *ih;
	int i;

	quiet();
	pool_init(&pool, 48, 0, 0, 0, "storm", NULL, IPL_HIGH);
	mutex_init(&spin, MUTEX_DEFAULT, IPL_HIGH);
	mutex_init(&cvlock, MUTEX_DEFAULT, IPL_HIGH);
	cv_init(&cv, "storm");
	callout_init(&callout, CALLOUT_MPSAFE);
	callout_setfunc(&callout, bark, NULL);
	softih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, soft, NULL);
	ATF_REQUIRE(softih != NULL);
	TEST_EQ(0, workqueue_create(&queue, "storm", item_run, NULL, PRI_NONE,
	    IPL_HIGH, WQ_MPSAFE | WQ_PERCPU));
	ih = intr_establish(signo, ipl, flags, intr, NULL);
	ATF_REQUIRE(ih != NULL);
	for (i = 0; i < NVICTIMS; i++)
		t[i] = test_thread(victim, (void *)(uintptr_t)i);
	t[i] = test_thread(stranger, NULL);

	(*send)(t, NVICTIMS + 1);

	/* Every arrival is served once, and none stays deferred. */
	for (;;) {
		TEST_AWAIT(atomic_load(&served) == intr_count(ih));
		all = (unsigned)intr_count(ih);
		test_pause();
		if (intr_count(ih) == all && atomic_load(&served) == all)
			break;
	}
	/* The victims are alive. */
	for (i = 0; i < NVICTIMS; i++) {
		unsigned long turns = atomic_load(&victim_turns[i]);

		TEST_AWAIT(atomic_load(&victim_turns[i]) > turns);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < NVICTIMS + 1; i++)
		test_join(t[i]);
	/*
	 * A signal may have been pending for a thread until the thread ended.
	 */
	TEST_AWAIT(atomic_load(&served) == intr_count(ih));
	intr_disestablish(ih);
	TEST_EQ(intr_count(ih), atomic_load(&served));
	TEST_EQ(atomic_load(&served), atomic_load(&signalled));
	callout_halt(&callout, NULL);
	callout_destroy(&callout);
	softint_disestablish(softih);
	workqueue_destroy(queue);
	TEST_EQ(atomic_load(&enqueued), atomic_load(&ran));
	ATF_REQUIRE(atomic_load(&served) > 0);
	ATF_REQUIRE(atomic_load(&enqueued) > 0);
	ATF_REQUIRE(atomic_load(&softs) > 0);
	ATF_REQUIRE(atomic_load(&softs) > 0);
	TEST_EQ(guarded[0], guarded[1]);
	for (i = 0; i < NITEMS; i++)
		TEST_EQ(0, items[i].it_pending);
	cv_destroy(&cv);
	mutex_destroy(&cvlock);
	mutex_destroy(&spin);
	pool_destroy(&pool);
}

TEST_TC(threads, "signals at each thread in turn are all served once")
{

	storm(SIGUSR1, INTR_MPSAFE, IPL_HIGH, send_to_threads);
}

TEST_TC(threads_biglock, "the same with handlers that need the kernel lock")
{

	storm(SIGUSR1, 0, IPL_HIGH, send_to_threads);
}

TEST_TC(threads_vm, "the same at a lower level, checking, with seven CPUs")
{

	test_env("WORKQUEUE_NCPU", "7");
	test_env("WORKQUEUE_CHECK", "1");
	storm(SIGUSR1, INTR_MPSAFE, IPL_VM, send_to_threads);
}

TEST_TC(threads_1cpu, "the same with one CPU")
{

	test_env("WORKQUEUE_NCPU", "1");
	storm(SIGUSR1, INTR_MPSAFE, IPL_SCHED, send_to_threads);
}

TEST_TC(itimer, "an interval timer's signals are all served once")
{

	storm(SIGALRM, INTR_MPSAFE, IPL_HIGH, send_by_timer);
}

TEST_TC(posix_timer, "so are a POSIX timer's, with handlers that need the "
    "kernel lock")
{

	storm(SIGUSR1, 0, IPL_SCHED, send_posix_timer);
}

/*
 * Many threads inject at raised levels: the count is exact.
 */
#define	NINJECTORS	4

static atomic_uint hits;

static int
hit(void *arg)
{

	(void)arg;
	atomic_fetch_add(&hits, 1);
	return 1;
}

static void *
injector(void *arg)
{
	int i, s;

	for (i = 0; i < TEST_SCALE(100000); i++) {
		s = splraiseipl(makeiplcookie(i % NIPL));
		intr_inject(arg);
		if (i % 3 == 0)
			splx(s);
		else
			(void)spl0();
	}
	/* End at a raised level, with an interrupt deferred. */
	(void)splhigh();
	intr_inject(arg);
	return NULL;
}

TEST_TC(inject, "no interrupt injected at any level is lost, not even when "
    "threads end")
{
	const unsigned all = NINJECTORS * (TEST_SCALE(100000) + 1);
	void *ih[2];
	int m;

	for (m = 0; m < 2; m++) {
		atomic_store(&hits, 0);
		ih[m] = intr_establish(0, IPL_SCHED, m ? INTR_MPSAFE : 0, hit,
		    NULL);
		ATF_REQUIRE(ih[m] != NULL);
		test_threads(NINJECTORS, injector, ih[m]);
		TEST_EQ(all, intr_count(ih[m]));
		TEST_AWAIT(atomic_load(&hits) == all);
		intr_disestablish(ih[m]);
	}
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, threads_biglock);
	ATF_TP_ADD_TC(tp, threads_vm);
	ATF_TP_ADD_TC(tp, threads_1cpu);
	ATF_TP_ADD_TC(tp, itimer);
	ATF_TP_ADD_TC(tp, posix_timer);
	ATF_TP_ADD_TC(tp, inject);
	return atf_no_error();
}
