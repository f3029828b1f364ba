/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * fork(2), and other calls that make a child, while threads are inside the
 * library; and what a child finds of its parent's state.
 */

#include <sys/callout.h>
#include <sys/cprng.h>
#include <sys/cpu.h>
#include <sys/device.h>
#include <sys/evcnt.h>
#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/once.h>
#include <sys/pool.h>
#include <sys/systm.h>
#include <sys/threadpool.h>
#include <sys/workqueue_ext.h>

#include "../../tests.h"

static atomic_int stop;

static void
nothing(void *arg)
{

	(void)arg;
}

static void
nowork(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

/* Fork repeatedly. */
static void
forks(int n, void (*child)(void))
{
	pid_t pid;
	int i, status;

	for (i = 0; i < n; i++) {
		if ((pid = test_fork()) == 0) {
			alarm(TEST_DEADLINE);
			if (child != NULL)
				(*child)();
			_exit(0);
		}
		ATF_REQUIRE(pid != -1);
		TEST_EQ(pid, waitpid(pid, &status, 0));
		ATF_REQUIRE_MSG(status == 0, "child %d: wait status %#x", i,
		    (unsigned)status);
	}
}

/*
 * A handler that interrupts malloc(3) and takes the library's locks.
 */
static callout_t handler_callout;
static struct pool handler_pool;
static atomic_int handler_calls;

static int
handler(void *arg)
{
	void *item;

	(void)arg;
	callout_schedule(&handler_callout, 1000);
	if ((item = pool_get(&handler_pool, PR_NOWAIT)) != NULL)
		pool_put(&handler_pool, item);
	atomic_fetch_add(&handler_calls, 1);
	return 1;
}

static void *
allocate(void *arg)
{
	void *p[64];
	size_t i;

	(void)arg;
	/* Make this thread known to the library, so that handlers run on it. */
	(void)curlwp;
	while (atomic_load(&stop) == 0) {
		for (i = 0; i < TEST_NELEM(p); i++)
			p[i] = malloc(2000 + i * 300);
		for (i = 0; i < TEST_NELEM(p); i++)
			free(p[i]);
	}
	return NULL;
}

static pthread_t allocator;

static void *
interrupt(void *arg)
{

	(void)arg;
	while (atomic_load(&stop) == 0)
		pthread_kill(allocator, SIGUSR1);
	return NULL;
}

TEST_TC(handler_in_malloc, "a process forks while a handler that interrupts "
    "malloc(3) uses the library")
{
	pthread_t t;
	void *ih;

	if (!TEST_BUSYFORK)
		atf_tc_skip("the sanitizer's allocator does not allow it");
	callout_init(&handler_callout, CALLOUT_MPSAFE);
	callout_setfunc(&handler_callout, nothing, NULL);
	pool_init(&handler_pool, 64, 0, 0, 0, "handler", NULL, IPL_HIGH);
	ih = intr_establish(SIGUSR1, IPL_HIGH, INTR_MPSAFE, handler, NULL);
	ATF_REQUIRE(ih != NULL);
	allocator = test_thread(allocate, NULL);
	t = test_thread(interrupt, NULL);
	TEST_AWAIT(atomic_load(&handler_calls) > 100);
	forks(TEST_SCALE(500), NULL);
	atomic_store(&stop, 1);
	test_join(t);
	test_join(allocator);
}

/*
 * Objects that a child may find in the middle of a change.
 */
#define	NITEMS	50

static struct pool thing_pool;
static pool_cache_t thing_cache;
static void *thing_items[NITEMS], *thing_objs[NITEMS];
static struct evcnt thing_ev;
static device_t thing_dev;
static bool thing_busy;

CFDRIVER_DECL(thing, DV_DULL, NULL);

static int
thing_match(device_t parent, cfdata_t cf, void *aux)
{

	(void)parent;
	(void)cf;
	(void)aux;
	return 1;
}

static void
thing_attach(device_t parent, device_t self, void *aux)
{

	(void)parent;
	(void)self;
	(void)aux;
}

CFATTACH_DECL_NEW(thing, 8, thing_match, thing_attach, NULL, NULL);

static void
see(const struct evcnt *ev, void *arg)
{

	if (strcmp(ev->ev_name, "thing") == 0)
		++*(int *)arg;
}

static void
use(int unit)
{
	struct evcnt ev;
	struct workqueue *wq;
	struct work wk;
	callout_t c;
	device_t dev;
	kmutex_t mtx;
	void *p;

	p = pool_get(&thing_pool, PR_WAITOK);
	memset(p, unit, 64);
	pool_put(&thing_pool, p);
	p = pool_cache_get(thing_cache, PR_WAITOK);
	pool_cache_put(thing_cache, p);
	evcnt_attach_dynamic(&ev, EVCNT_TYPE_MISC, NULL, "use", "other");
	evcnt_detach(&ev);
	p = kmem_alloc(100, KM_SLEEP);
	kmem_free(p, 100);
	dev = wqk_device_attach(&thing_ca, "thing", unit, NULL, NULL);
	ATF_REQUIRE(dev != NULL);
	ATF_REQUIRE(device_lookup(&thing_cd, unit) == dev);
	TEST_EQ(0, wqk_device_detach(dev, 0));
	mutex_init(&mtx, MUTEX_DEFAULT, IPL_NONE);
	mutex_enter(&mtx);
	mutex_exit(&mtx);
	mutex_destroy(&mtx);
	if (!TEST_CHILDTHREADS)
		return;
	callout_init(&c, CALLOUT_MPSAFE);
	callout_reset(&c, 1000, nothing, NULL);
	/* In the simulator, any time may pass. */
	ATF_REQUIRE(callout_pending(&c) || callout_expired(&c));
	callout_halt(&c, NULL);
	callout_destroy(&c);
	wq = test_create("use", nowork, NULL, 0);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
}

static atomic_int thing_turns;

static void *
use_all_the_time(void *arg)
{

	while (atomic_load(&stop) == 0) {
		use((int)(intptr_t)arg);
		atomic_fetch_add(&thing_turns, 1);
	}
	return NULL;
}

static void
things(void)
{
	int i;

	pool_init(&thing_pool, 64, 0, 0, 0, "things", NULL, IPL_VM);
	thing_cache = pool_cache_init(64, 0, 0, 0, "thingcache", NULL, IPL_VM,
	    NULL, NULL, NULL);
	for (i = 0; i < NITEMS; i++) {
		thing_items[i] = pool_get(&thing_pool, PR_WAITOK);
		thing_objs[i] = pool_cache_get(thing_cache, PR_WAITOK);
	}
	evcnt_attach_dynamic(&thing_ev, EVCNT_TYPE_MISC, NULL, "kern_fork",
	    "thing");
	thing_dev = wqk_device_attach(&thing_ca, "thing", 0, NULL, NULL);
}

static void
use_in_child(void)
{
	void *p[NITEMS];
	int i, seen = 0;

	if (!thing_busy) {
		ATF_REQUIRE(device_lookup(&thing_cd, 0) == thing_dev);
		evcnt_foreach(EVCNT_TYPE_ANY, see, &seen);
		TEST_EQ(1, seen);
	}
	for (i = 0; i < NITEMS; i++) {
		p[i] = pool_get(&thing_pool, PR_WAITOK);
		memset(p[i], 0, 64);
	}
	for (i = 0; i < NITEMS; i++) {
		pool_put(&thing_pool, p[i]);
		pool_put(&thing_pool, thing_items[i]);
		pool_cache_put(thing_cache, thing_objs[i]);
	}
	use(1);
	evcnt_detach(&thing_ev);
	TEST_EQ(0, wqk_device_detach(thing_dev, 0));
	pool_cache_destroy(thing_cache);
	pool_destroy(&thing_pool);
}

static void
busy(void)
{
	pthread_t t[2];
	size_t i;

	things();
	thing_busy = true;
	for (i = 0; i < TEST_NELEM(t); i++)
		t[i] = test_thread(use_all_the_time,
		    (void *)(intptr_t)(10 + i));
	TEST_AWAIT(atomic_load(&thing_turns) > 20);
	forks(TEST_SCALE(200), use_in_child);
	atomic_store(&stop, 1);
	for (i = 0; i < TEST_NELEM(t); i++)
		test_join(t[i]);
	/* The forks have not affected the parent. */
	forks(1, NULL);
	thing_busy = false;
	use_in_child();
}

TEST_TC(at_rest, "a child has all that the parent had, if no thread was "
    "changing it")
{

	things();
	forks(5, use_in_child);
	use_in_child();
}

TEST_TC(while_busy, "a child can use what other threads were changing during "
    "the fork")
{

	if (!TEST_BUSYFORK)
		atf_tc_skip("the sanitizer's allocator does not allow it");
	busy();
}

TEST_TC(while_busy_checked, "the same in checking mode")
{

	if (!TEST_BUSYFORK)
		atf_tc_skip("the sanitizer's allocator does not allow it");
	test_env("WORKQUEUE_CHECK", "1");
	busy();
}

static void
destroy_in_child(void)
{

	pool_destroy(&thing_pool);
}

TEST_TC(item_out, "a child destroys a pool of which another thread of its "
    "parent's has an item")
{
	void *p;

	pool_init(&thing_pool, 64, 0, 0, 0, "things", NULL, IPL_VM);
	p = pool_get(&thing_pool, PR_WAITOK);
	forks(2, destroy_in_child);
	pool_put(&thing_pool, p);
	pool_destroy(&thing_pool);
}

/*
 * Children that call no fork handler.
 */
static struct workqueue *parents;
static struct work parents_work;

/* Run func, which panics, in a child of clone(2); the queue is ours. */
static void
raw_child(void (*func)(void), const char *want)
{
	const struct rlimit rl = { 0, 0 };
	char err[4096];
	size_t len;
	ssize_t n;
	int fd[2], status;
	long pid;

	fflush(NULL);
	ATF_REQUIRE(pipe(fd) == 0);
	pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &rl);
		dup2(fd[1], STDERR_FILENO);
		alarm(TEST_DEADLINE);
		(*func)();
		_exit(0);
	}
	close(fd[1]);
	for (len = 0; len < sizeof(err) - 1 && (n = read(fd[0], err + len,
	    sizeof(err) - 1 - len)) > 0; len += (size_t)n)
		continue;
	err[len] = '\0';
	close(fd[0]);
	ATF_REQUIRE(waitpid((pid_t)pid, &status, 0) == (pid_t)pid);
	ATF_REQUIRE_MSG(WIFSIGNALED(status) && strstr(err, want) != NULL,
	    "wait status %#x, stderr: %s", (unsigned)status, err);
}

static void
enqueues(void)
{

	workqueue_enqueue(parents, &parents_work, parents_work.wk_dummy);
}

static void
waits(void)
{

	workqueue_wait(parents, &parents_work);
}

static void
unknown_child(int flags)
{
	struct test_gate gate;
	struct cpu_info *ci;
	int turn;

	/* The queue's worker sleeps, spins, or is busy. */
	for (turn = 0; turn < 3; turn++) {
		test_gate_init(&gate);
		parents = test_create("parents", test_dispatch, NULL, flags);
		ci = flags & WQ_PERCPU ? cpu_lookup(0) : NULL;
		if (turn == 2)
			test_gate_close(&gate, parents, ci);
		else if (turn == 0)
			test_settle();
		parents_work.wk_dummy = ci;
		raw_child(enqueues, "workqueue_enqueue: \"parents\" belongs "
		    "to the parent");
		if (turn == 2)
			test_gate_open(&gate);
		workqueue_destroy(parents);
	}
}

TEST_TC(no_handler, "a child of clone(2), which calls no fork handler, panics "
    "when it enqueues on its parent's queue")
{

	TEST_NEED(TEST_CAP_CHILD, "children that no handler sees");
	unknown_child(WQ_MPSAFE);
	unknown_child(WQ_PERCPU | WQ_MPSAFE);
}

TEST_TC(no_handler_waits, "such a child panics when it waits for a queue of "
    "its parent's, with every back end")
{

	/*
	 * ThreadSanitizer takes the child's only thread for another thread of
	 * the parent.
	 */
	if (!TEST_CHILDTHREADS)
		atf_tc_skip("ThreadSanitizer does not know this child");
	parents = test_create("parents", nowork, NULL, WQ_MPSAFE);
	test_settle();
	raw_child(waits, "workqueue_wait: \"parents\" belongs to the parent");
	workqueue_destroy(parents);
}

/*
 * In such a child, the first call that needs a thread also starts the library.
 */
static sem_t unknown_ran;

static void
unknown_runs(void *arg)
{

	(void)arg;
	sem_post(&unknown_ran);
}

static int
unknown_intr(void *arg)
{

	unknown_runs(arg);
	return 1;
}

static void
unknown_softints(void)
{
	void *sih;
	unsigned level, turn;

	for (level = 0; level < SOFTINT_COUNT; level++) {
		sih = softint_establish(level | SOFTINT_MPSAFE, unknown_runs,
		    NULL);
		if (sih == NULL)
			_exit(0);
		for (turn = 0; turn < 3; turn++) {
			softint_schedule(sih);
			test_sem_wait(&unknown_ran);
		}
	}
}

static void
unknown_callouts(void)
{
	callout_t ch;
	int turn;

	callout_init(&ch, CALLOUT_MPSAFE);
	callout_setfunc(&ch, unknown_runs, NULL);
	for (turn = 0; turn < 3; turn++) {
		callout_schedule(&ch, 1);
		test_sem_wait(&unknown_ran);
	}
}

static void
unknown_intrs(void)
{
	void *ih;
	int turn;

	for (turn = 0; turn < 3; turn++) {
		ih = intr_establish(0, IPL_VM, 0, unknown_intr, NULL);
		if (ih == NULL)
			_exit(0);
		intr_inject(ih);
		test_sem_wait(&unknown_ran);
	}
}

static void
unknown_pool(void)
{
	struct threadpool *pool;

	if (threadpool_get(&pool, PRI_NONE) != 0)
		_exit(0);
	threadpool_put(pool, PRI_NONE);
}

/* Return how many threads a child has that calls a function. */
static int
child_threads(bool known, void (*func)(void))
{
	pid_t pid;
	int status;

	pid = known ? test_fork() : test_fork_unseen();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		alarm(TEST_DEADLINE);
		(*func)();
		_exit(test_nthreads());
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	ATF_REQUIRE_MSG(WIFEXITED(status), "wait status %#x",
	    (unsigned)status);
	return WEXITSTATUS(status);
}

TEST_TC(no_handler_starts, "such a child starts as many threads as another for "
    "its first soft interrupts, callouts, interrupts and pool")
{
	static void (*const funcs[])(void) = {
		unknown_softints, unknown_callouts, unknown_intrs, unknown_pool
	};
	unsigned i;

	if (!TEST_CHILDTHREADS)
		atf_tc_skip("ThreadSanitizer does not know this child");
	ATF_REQUIRE(sem_init(&unknown_ran, 0, 0) == 0);
	for (i = 0; i < sizeof(funcs) / sizeof(funcs[0]); i++) {
		TEST_EQ(child_threads(false, funcs[i]),
		    child_threads(true, funcs[i]));
		ATF_CHECK(child_threads(true, funcs[i]) > 0);
	}
}

/*
 * A process that continues in its child, repeatedly, as a daemon does.
 */
#define	GENERATIONS	30

static int
mappings(void)
{
	char buf[4096];
	ssize_t i, n;
	int fd, lines = 0;

	if ((fd = open("/proc/self/maps", O_RDONLY)) == -1)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			lines += buf[i] == '\n';
	close(fd);
	return lines;
}

static void
generations(void)
{
	pid_t pid;
	int first, i, status;

	first = mappings();
	for (i = 0; i < GENERATIONS; i++) {
		if ((pid = test_fork()) == 0)
			continue;
		if (pid == -1 || waitpid(pid, &status, 0) != pid)
			_exit(2);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
	}
	/* The heap may have been divided a few times. */
	_exit(mappings() < first + GENERATIONS / 2 ? 0 : 4);
}

TEST_TC(generations_tc, "a process that is a child of a child ... has no more "
    "mappings than its ancestor")
{

	if (mappings() == -1)
		atf_tc_skip("needs /proc/self/maps");
	forks(1, generations);
}

/*
 * threadpool(9).
 */
static struct threadpool *pool;
static struct threadpool_percpu *percpu;
static struct threadpool_job job;
static kmutex_t job_lock;
static atomic_int job_runs;

static void
run_job(struct threadpool_job *j)
{

	atomic_fetch_add(&job_runs, 1);
	mutex_enter(&job_lock);
	threadpool_job_done(j);
	mutex_exit(&job_lock);
}

static void
job_in_child(void)
{
	struct threadpool *mine;

	mutex_exit(&job_lock);
	/* In the child the job is not scheduled, and can be. */
	if (TEST_CHILDTHREADS) {
		TEST_EQ(0, threadpool_get(&mine, PRI_NONE));
		mutex_enter(&job_lock);
		threadpool_schedule_job(mine, &job);
		mutex_exit(&job_lock);
		TEST_AWAIT(atomic_load(&job_runs) == 1);
		mutex_enter(&job_lock);
		threadpool_cancel_job(mine, &job);
		mutex_exit(&job_lock);
		threadpool_put(mine, PRI_NONE);
	}
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
	threadpool_percpu_put(percpu, PRI_NONE);
}

TEST_TC(threadpool, "a child gives up its parent's pools, and destroys or "
    "schedules its parent's jobs")
{

	mutex_init(&job_lock, MUTEX_DEFAULT, IPL_NONE);
	TEST_EQ(0, threadpool_get(&pool, PRI_NONE));
	TEST_EQ(0, threadpool_percpu_get(&percpu, PRI_NONE));
	threadpool_job_init(&job, run_job, &job_lock, "job");
	/* The pool's thread waits for the interlock and cannot run it. */
	mutex_enter(&job_lock);
	threadpool_schedule_job(pool, &job);
	forks(1, job_in_child);
	TEST_EQ(true, threadpool_cancel_job_async(pool, &job));
	forks(1, job_in_child);
	mutex_exit(&job_lock);
	threadpool_job_destroy(&job);
	threadpool_put(pool, PRI_NONE);
	threadpool_percpu_put(percpu, PRI_NONE);
	TEST_EQ(0, atomic_load(&job_runs));
}

/*
 * once(9).
 */
static ONCE_DECL(once);
static sem_t once_in, once_out;
static atomic_int once_calls;

static int
once_run(void)
{

	if (atomic_fetch_add(&once_calls, 1) == 0) {
		sem_post(&once_in);
		test_sem_wait(&once_out);
	}
	return 0;
}

static void *
once_thread(void *arg)
{

	RUN_ONCE(&once, once_run);
	return arg;
}

static void
once_in_child(void)
{

	TEST_EQ(0, RUN_ONCE(&once, once_run));
	TEST_EQ(2, atomic_load(&once_calls));
	TEST_EQ(0, RUN_ONCE(&once, once_run));
	TEST_EQ(2, atomic_load(&once_calls));
}

TEST_TC(once_running, "a child runs a once-only function that another thread "
    "of the parent was running")
{
	pthread_t t;

	sem_init(&once_in, 0, 0);
	sem_init(&once_out, 0, 0);
	t = test_thread(once_thread, NULL);
	test_sem_wait(&once_in);
	forks(1, once_in_child);
	sem_post(&once_out);
	test_join(t);
	TEST_EQ(1, atomic_load(&once_calls));
}

/*
 * cprng(9).
 */
TEST_TC(random, "parent and children draw different numbers")
{
	uint64_t number[4];
	pid_t pid;
	size_t i, j;
	int fd[2];

	(void)cprng_fast64();
	for (i = 0; i + 1 < TEST_NELEM(number); i++) {
		ATF_REQUIRE(pipe(fd) == 0);
		if ((pid = test_fork()) == 0) {
			number[i] = cprng_fast64();
			_exit(write(fd[1], &number[i], sizeof(number[i])) !=
			    sizeof(number[i]));
		}
		TEST_EQ((ssize_t)sizeof(number[i]),
		    read(fd[0], &number[i], sizeof(number[i])));
		ATF_REQUIRE(waitpid(pid, NULL, 0) == pid);
		close(fd[0]);
		close(fd[1]);
	}
	number[i] = cprng_fast64();
	for (i = 0; i < TEST_NELEM(number); i++)
		for (j = 0; j < i; j++)
			ATF_REQUIRE(number[i] != number[j]);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, handler_in_malloc);
	ATF_TP_ADD_TC(tp, at_rest);
	ATF_TP_ADD_TC(tp, while_busy);
	ATF_TP_ADD_TC(tp, while_busy_checked);
	ATF_TP_ADD_TC(tp, item_out);
	ATF_TP_ADD_TC(tp, no_handler);
	ATF_TP_ADD_TC(tp, no_handler_waits);
	ATF_TP_ADD_TC(tp, no_handler_starts);
	ATF_TP_ADD_TC(tp, generations_tc);
	ATF_TP_ADD_TC(tp, threadpool);
	ATF_TP_ADD_TC(tp, once_running);
	ATF_TP_ADD_TC(tp, random);
	return atf_no_error();
}
