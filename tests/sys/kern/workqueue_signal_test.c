/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Plain signal handlers enqueue; workers do not receive the process's signals.
 */

#include <sys/cpu.h>
#include <sys/systm.h>

#include "../../tests.h"

/*
 * A ring of items for handlers.  A sender takes an item and enqueues it; the
 * item's run returns it.
 */
#define	NSLOT	4096

struct slot {
	struct work	 s_work;
	atomic_int	 s_busy;
	int		 s_sender;
	int		 s_number;
};

#define	NSENDER	8

static struct slot ring[NSLOT];
static atomic_uint ring_hint;
static struct workqueue *ring_wq;
static atomic_int ring_sent, ring_ran, ring_bad;
static int ring_last[NSENDER];		/* worker only */
static atomic_int ring_number[NSENDER];

static void
ring_run(struct work *wk, void *arg)
{
	struct slot *s = (void *)wk;

	(void)arg;
	if (s->s_sender >= 0) {
		if (s->s_number <= ring_last[s->s_sender])
			atomic_fetch_add(&ring_bad, 1);
		ring_last[s->s_sender] = s->s_number;
	}
	if (atomic_exchange(&s->s_busy, 0) != 1)
		atomic_fetch_add(&ring_bad, 1);
	atomic_fetch_add(&ring_ran, 1);
}

/*
 * Send an item; async-signal-safe.  The items of one sender must run in order.
 * A sender of -1 promises no order, because handlers may interrupt each other.
 */
static bool
ring_send(int sender)
{
	struct slot *s;
	int i, no;

	for (i = 0; i < 64; i++) {
		s = &ring[atomic_fetch_add(&ring_hint, 1) % NSLOT];
		no = 0;
		if (!atomic_compare_exchange_strong(&s->s_busy, &no, 1))
			continue;
		s->s_sender = sender;
		if (sender >= 0) {
			s->s_number =
			    atomic_fetch_add(&ring_number[sender], 1) + 1;
		}
		atomic_fetch_add(&ring_sent, 1);
		workqueue_enqueue(ring_wq, &s->s_work, NULL);
		return true;
	}
	return false;			/* the worker is far behind */
}

static void
ring_start(int flags)
{

	memset(ring_last, 0, sizeof(ring_last));
	ring_wq = test_create("ring", ring_run, NULL, flags);
}

static void
ring_end(void)
{

	workqueue_destroy(ring_wq);
	TEST_EQ(ring_sent, ring_ran);
	TEST_EQ(0, ring_bad);
	ATF_REQUIRE(ring_sent > 0);
}

static void (*handlers[NSIG])(int);
static atomic_uint handled[NSIG];		/* handlers that have run */

static void
take_signal(int signo)
{

	(*handlers[signo])(signo);
	atomic_fetch_add(&handled[signo], 1);
}

static void
handle(int signo, void (*func)(int))
{
	struct sigaction sa;

	handlers[signo] = func;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = take_signal;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	ATF_REQUIRE(sigaction(signo, &sa, NULL) == 0);
}

static void
send_in_handler(int signo)
{

	(void)signo;
	ring_send(-1);
}

TEST_TC(handler_enqueues, "an item enqueued by a plain signal handler runs")
{
	int i;

	handle(SIGUSR1, send_in_handler);
	ring_start(WQ_MPSAFE);
	for (i = 1; i <= 1000; i++) {
		raise(SIGUSR1);
		TEST_AWAIT(atomic_load(&ring_ran) == i);
	}
	ring_end();
	TEST_EQ(1000, ring_ran);
}

TEST_TC(errno_kept_in_handler, "a handler that enqueues keeps the errno of the "
    "code that it interrupts, whether the worker sleeps or not")
{
	int i;

	handle(SIGUSR1, send_in_handler);
	ring_start(WQ_MPSAFE);
	for (i = 0; i < 500; i++) {
		errno = 4321;
		raise(SIGUSR1);
		TEST_EQ(4321, errno);
		if (i % 10 == 0)
			test_pause();
	}
	ring_end();
}

/*
 * A storm: a thread that signals another until it is told to stop.  It waits
 * until a signal is taken before it sends the next.  Otherwise a signal could
 * be pending at each return from the handler, and the target would run nothing
 * but handlers.
 */
struct storm {
	pthread_t	s_thread;
	pthread_t	s_target;
	int		s_signo;
	atomic_int	s_stop;
};

static void *
storm(void *arg)
{
	struct storm *s = arg;
	unsigned n;

	while (!atomic_load(&s->s_stop)) {
		n = atomic_load(&handled[s->s_signo]);
		pthread_kill(s->s_target, s->s_signo);
		while (atomic_load(&handled[s->s_signo]) == n &&
		    !atomic_load(&s->s_stop))
			sched_yield();
	}
	return NULL;
}

static void
storm_start(struct storm *s, pthread_t target, int signo)
{

	s->s_target = target;
	s->s_signo = signo;
	atomic_init(&s->s_stop, 0);
	s->s_thread = test_thread(storm, s);
}

static void
storm_end(struct storm *s)
{

	atomic_store(&s->s_stop, 1);
	test_join(s->s_thread);
}

/*
 * With TSan a signal may arrive while TSan calls the handler of another.  Its
 * run-time then leaves all signals blocked (seen with clang 14).
 */
static void
unblock_signals(void)
{
#ifdef TEST_TSAN
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
#endif
}

static atomic_int in_handler;

static void
send_ordered(int signo)
{

	ring_send(signo == SIGUSR1 ? 1 : 2);
	atomic_fetch_add(&in_handler, 1);
}

TEST_TC(handler_interrupts_enqueue, "handlers that interrupt enqueues on the "
    "same queue, and each other, lose nothing and keep order")
{
	struct storm s[2];
	int i, n;

	handle(SIGUSR1, send_ordered);
	handle(SIGUSR2, send_ordered);
	ring_start(WQ_MPSAFE);
	storm_start(&s[0], pthread_self(), SIGUSR1);
	storm_start(&s[1], pthread_self(), SIGUSR2);
	n = TEST_SCALE(300000);
	for (i = 0; i < n || atomic_load(&in_handler) < 100; i++) {
		unblock_signals();
		if (!ring_send(0))
			sched_yield();
	}
	storm_end(&s[0]);
	storm_end(&s[1]);
	ring_end();
	ATF_REQUIRE(ring_number[1] > 0 && ring_number[2] > 0);
}

/*
 * Handlers on the worker, which has unblocked the signal.
 */
static struct work letin_work;
static pthread_t letin_thread;
static sem_t letin_done;

static void
letin(struct work *wk, void *arg)
{
	sigset_t set;

	if (wk != &letin_work) {
		ring_run(wk, arg);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	letin_thread = pthread_self();
	sem_post(&letin_done);
}

static atomic_int on_worker;

static void
send_on_worker(int signo)
{

	(void)signo;
	if (pthread_equal(pthread_self(), letin_thread))
		atomic_fetch_add(&on_worker, 1);
	ring_send(1);
}

TEST_TC(handler_interrupts_worker, "handlers that interrupt the worker in "
    "dequeue, callback and sleep enqueue on its queue")
{
	struct storm s;
	int i, n;

	handle(SIGUSR1, send_on_worker);
	sem_init(&letin_done, 0, 0);
	memset(ring_last, 0, sizeof(ring_last));
	ring_wq = test_create("ring", letin, NULL, WQ_MPSAFE);
	workqueue_enqueue(ring_wq, &letin_work, NULL);
	test_sem_wait(&letin_done);
	storm_start(&s, letin_thread, SIGUSR1);
	n = TEST_SCALE(200000);
	for (i = 0; i < n || atomic_load(&on_worker) < 100; i++) {
		ring_send(0);
		if (i % 16 == 0)
			sched_yield();
		if (i % 1024 == 0)
			test_pause();	/* let it fall asleep */
	}
	storm_end(&s);
	ring_end();
}

/*
 * A synchronous signal in a callback: its handler runs on the worker.
 */
static int sync_depth;
static struct work sync_work[8];

static void
sync_handler(int signo)
{

	(void)signo;
	workqueue_enqueue(ring_wq, &sync_work[sync_depth], NULL);
}

static void
sync_run(struct work *wk, void *arg)
{

	*(int *)arg = *(int *)arg * 10 + (int)(wk - sync_work);
	if (sync_depth < 7) {
		sync_depth++;
		raise(SIGTRAP);
	}
}

TEST_TC(handler_interrupts_callback, "the handler of a synchronous signal in "
    "a callback enqueues on the callback's queue")
{
	int order = 1;

	handle(SIGTRAP, sync_handler);
	ring_wq = test_create("sync", sync_run, &order, 0);
	workqueue_enqueue(ring_wq, &sync_work[0], NULL);
	workqueue_destroy(ring_wq);
	TEST_EQ(101234567, order);
}

/*
 * Storms from everywhere onto one queue.
 */
static void *
sender(void *arg)
{
	atomic_int *stop = arg;

	while (!atomic_load(stop)) {
		if (!ring_send(-1))
			sched_yield();
	}
	return NULL;
}

static void
storms(int flags)
{
	pthread_t t[3];
	struct storm s[4];
	atomic_int stop = 0;
	int i, n;

	handle(SIGUSR1, send_in_handler);
	handle(SIGUSR2, send_in_handler);
	ring_start(flags);
	for (i = 0; i < 3; i++) {
		t[i] = test_thread(sender, &stop);
		storm_start(&s[i], t[i], i % 2 ? SIGUSR1 : SIGUSR2);
	}
	storm_start(&s[3], pthread_self(), SIGUSR1);
	n = TEST_SCALE(1000000);
	TEST_AWAIT(atomic_load(&ring_ran) > n);
	for (i = 0; i < 4; i++)
		storm_end(&s[i]);
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	ring_end();
}

TEST_TC(storm, "storms of signals at threads that enqueue neither lose nor "
    "double an item")
{

	storms(WQ_MPSAFE);
}

TEST_TC(storm_percpu, "storms of signals on the queues of several CPUs neither "
    "lose nor double an item")
{

	test_env("WORKQUEUE_NCPU", "3");
	storms(WQ_MPSAFE | WQ_PERCPU);
}

TEST_TC(storm_checked, "storms of signals in checking mode cause no false "
    "report")
{

	test_env("WORKQUEUE_CHECK", "1");
	storms(WQ_MPSAFE);
}

/*
 * Signals that workers must not take.
 */
struct mask {
	struct work	m_work;
	sigset_t	m_set;
};

static void
readmask(struct work *wk, void *arg)
{
	struct mask *m = (void *)wk;

	(void)arg;
	pthread_sigmask(SIG_SETMASK, NULL, &m->m_set);
}

TEST_TC(workers_block_signals, "a worker blocks every signal but the "
    "synchronous ones and SIGPROF, whatever its creator blocked")
{
	static const int sync[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
	    SIGSYS, SIGPROF };
	static const int async[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE,
	    SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT, SIGTSTP,
	    SIGTTIN, SIGTTOU, SIGURG, SIGVTALRM, SIGXCPU, SIGXFSZ };
	struct workqueue *wq;
	struct mask m;
	sigset_t all, old, now;
	size_t i;
	int turn;

	sigfillset(&all);
	for (turn = 0; turn < 2; turn++) {
		pthread_sigmask(SIG_SETMASK, NULL, &old);
		if (turn == 1)
			pthread_sigmask(SIG_SETMASK, &all, &old);
		wq = test_create("mask", readmask, NULL, WQ_DEDICATED);
		workqueue_enqueue(wq, &m.m_work, NULL);
		workqueue_destroy(wq);
		/* The creator's own mask is unchanged. */
		pthread_sigmask(SIG_SETMASK, &old, &now);
		for (i = 0; i < TEST_NELEM(async); i++) {
			TEST_EQ(turn, sigismember(&now, async[i]));
			/* SIGABRT is as in the creator. */
			TEST_EQ(turn, sigismember(&m.m_set, SIGABRT));
			ATF_REQUIRE_MSG(sigismember(&m.m_set, async[i]) == 1,
			    "signal %d is not blocked", async[i]);
		}
		for (i = 0; i < TEST_NELEM(sync); i++) {
			ATF_REQUIRE_MSG(sigismember(&m.m_set, sync[i]) == 0,
			    "signal %d is blocked", sync[i]);
		}
#ifdef SIGRTMIN
		TEST_EQ(1, sigismember(&m.m_set, SIGRTMIN));
		TEST_EQ(1, sigismember(&m.m_set, SIGRTMAX));
#endif
	}
}

static pthread_t taken_by;
static atomic_int taken;

static void
take(int signo)
{

	(void)signo;
	taken_by = pthread_self();
	atomic_fetch_add(&taken, 1);
}

static void
stays_away(int signo)
{
	struct workqueue *wq;
	struct mask m;
	sigset_t set, pending;
	int i;

	atomic_store(&taken, 0);
	handle(signo, take);
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	wq = test_create("away", readmask, NULL, WQ_PERCPU | WQ_DEDICATED);
	for (i = 1; i <= 50; i++) {
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		kill(getpid(), signo);
		/*
		 * When the worker has run an item, it would have taken the
		 * signal.
		 */
		workqueue_enqueue(wq, &m.m_work, cpu_lookup(0));
		workqueue_wait(wq, &m.m_work);
		sigpending(&pending);
		TEST_EQ(1, sigismember(&pending, signo));
		TEST_EQ(i - 1, taken);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		TEST_AWAIT(atomic_load(&taken) == i);
		ATF_REQUIRE(pthread_equal(taken_by, pthread_self()));
	}
	workqueue_destroy(wq);
}

TEST_TC(process_signals_stay_away, "a signal sent to the process waits for "
    "the client's thread, and no worker takes it")
{

	stays_away(SIGUSR1);
	stays_away(SIGABRT);
}

static void
on_abort(int signo)
{

	(void)signo;
	_exit(taken_by == 0 || !pthread_equal(taken_by, pthread_self()));
}

static void
do_abort(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	taken_by = pthread_self();
	abort();
}

TEST_TC(abort_in_callback, "abort(3) in a callback calls the handler of "
    "SIGABRT on the worker")
{
	struct workqueue *wq;
	struct work wk;
	pid_t pid;
	int status;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("a child has no threads here");
	if ((pid = test_fork()) == 0) {
		handle(SIGABRT, on_abort);
		wq = test_create("abort", do_abort, NULL, 0);
		workqueue_enqueue(wq, &wk, NULL);
		workqueue_destroy(wq);
		_exit(2);
	}
	TEST_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFEXITED(status));
	TEST_EQ(0, WEXITSTATUS(status));
}

static void
run_shell(struct work *wk, void *arg)
{
	sigset_t none, worker;

	(void)wk;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, &worker);
	*(int *)arg = system("kill -TERM $$");
	pthread_sigmask(SIG_SETMASK, &worker, NULL);
}

TEST_TC(system_in_callback, "a program that a callback starts with system(3) "
    "can be ended by SIGTERM, if the callback unblocks it meanwhile")
{
	struct workqueue *wq;
	struct work wk;
	int status;

	wq = test_create("system", run_shell, &status, 0);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
	ATF_REQUIRE(WIFSIGNALED(status));
	TEST_EQ(SIGTERM, WTERMSIG(status));
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, handler_enqueues);
	ATF_TP_ADD_TC(tp, errno_kept_in_handler);
	ATF_TP_ADD_TC(tp, handler_interrupts_enqueue);
	ATF_TP_ADD_TC(tp, handler_interrupts_worker);
	ATF_TP_ADD_TC(tp, handler_interrupts_callback);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, storm_percpu);
	ATF_TP_ADD_TC(tp, storm_checked);
	ATF_TP_ADD_TC(tp, workers_block_signals);
	ATF_TP_ADD_TC(tp, process_signals_stay_away);
	ATF_TP_ADD_TC(tp, abort_in_callback);
	ATF_TP_ADD_TC(tp, system_in_callback);
	return atf_no_error();
}
