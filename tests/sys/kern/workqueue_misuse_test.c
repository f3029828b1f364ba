/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Misuse: a panic that names it, in checking mode or always; and no false
 * reports.  A child commits each misuse.
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/workqueue_ext.h>

#include "../../tests.h"

static void
checking(void)
{

	test_env("WORKQUEUE_CHECK", "1");
}

static void
strict(void)
{

	test_env("WORKQUEUE_CHECK", "strict");
}

static void
not_checking(void)
{

	test_env("WORKQUEUE_CHECK", NULL);
}

/* Format a pointer as panics print it. */
static const char *
address(const void *p)
{
	static char buf[32];

	snprintf(buf, sizeof(buf), "item 0x%jx", (uintmax_t)(uintptr_t)p);
	return buf;
}

static void
nothing(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
}

static struct workqueue *
create_ipl(const char *name, void (*func)(struct work *, void *), int ipl,
    int flags)
{
	struct workqueue *wq;

	if (workqueue_create(&wq, name, func, NULL, PRI_NONE, ipl, flags) !=
	    0)
		_exit(3);
	return wq;
}

/*
 * Enqueue with an invalid CPU.
 */
static void
ci_without_percpu(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = create_ipl("single", nothing, IPL_NONE, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, cpu_lookup(0));
}

static void
ci_unknown(void)
{
	static struct cpu_info stranger;
	struct workqueue *wq;
	struct work wk;

	wq = create_ipl("percpu", nothing, IPL_NONE, WQ_PERCPU);
	workqueue_enqueue(wq, &wk, &stranger);
}

static void
ci_past_end(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = create_ipl("percpu", nothing, IPL_NONE, WQ_PERCPU);
	workqueue_enqueue(wq, &wk, cpu_lookup((unsigned int)ncpu - 1) + 1);
}

TEST_TC(cpu_without_percpu, "enqueue with a CPU on a queue without WQ_PERCPU "
    "panics and names the queue")
{

	not_checking();
	test_panics(ci_without_percpu, "workqueue_enqueue: ", "\"single\"",
	    "not WQ_PERCPU", NULL);
}

TEST_TC(unknown_cpu, "enqueue with an unknown CPU panics")
{

	not_checking();
	test_panics(ci_unknown, "workqueue_enqueue: ", "\"percpu\"",
	    "no such CPU", NULL);
	test_panics(ci_past_end, "workqueue_enqueue: ", "\"percpu\"",
	    "no such CPU", NULL);
}

/*
 * Enqueue a pending item.  The worker of the first queue is blocked in a
 * callback, so the queue's items remain pending, and the worker accesses none
 * of them.
 */
static struct work pend_gate, pend_work, pend_copy, pend_other;
static struct workqueue *pend_first, *pend_second;
static sem_t pend_entered, pend_open;

static void
hold(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &pend_gate) {
		sem_post(&pend_entered);
		test_sem_wait(&pend_open);
	}
}

static void
pend(void)
{

	sem_init(&pend_entered, 0, 0);
	sem_init(&pend_open, 0, 0);
	pend_first = create_ipl("first", hold, IPL_NONE, 0);
	pend_second = create_ipl("second", nothing, IPL_NONE, WQ_MPSAFE);
	workqueue_enqueue(pend_first, &pend_gate, NULL);
	test_sem_wait(&pend_entered);
	workqueue_enqueue(pend_first, &pend_other, NULL);
	workqueue_enqueue(pend_first, &pend_work, NULL);
}

static void
twice_same_queue(void)
{

	pend();
	workqueue_enqueue(pend_first, &pend_work, NULL);
}

static void
twice_other_queue(void)
{

	pend();
	workqueue_enqueue(pend_second, &pend_work, NULL);
}

static void
twice_percpu(void)
{
	struct workqueue *wq;

	wq = create_ipl("percpu", nothing, IPL_NONE, WQ_PERCPU);
	KERNEL_LOCK(1, NULL);
	workqueue_enqueue(wq, &pend_work, cpu_lookup(0));
	workqueue_enqueue(wq, &pend_work,
	    cpu_lookup((unsigned int)ncpu - 1));
}

TEST_TC(already_pending, "checking: enqueueing an item that is pending, on "
    "this or another queue, panics with both names and the item")
{

	checking();
	test_panics(twice_same_queue, "\"pend_work\" enqueued", NULL);
	test_panics(twice_same_queue, address(&pend_work),
	    "enqueued on \"first\"", "already pending on \"first\"", NULL);
	test_panics(twice_other_queue, address(&pend_work),
	    "enqueued on \"second\"", "already pending on \"first\"", NULL);
	test_panics(twice_percpu, address(&pend_work),
	    "already pending on \"percpu\"", NULL);
}

/*
 * The same in a signal handler, and with any contents of the item's word, which
 * must not matter.
 */
static const char *pend_word;

static void
set_word(struct work *wk)
{

	if (strcmp(pend_word, "ones") == 0)
		memset(wk, 0xff, sizeof(*wk));
	else if (strcmp(pend_word, "zero") == 0)
		memset(wk, 0, sizeof(*wk));
	else if (strcmp(pend_word, "stale") == 0)
		wk->wk_dummy = &pend_other;
	else if (strcmp(pend_word, "copy") == 0)
		memcpy(wk, &pend_work, sizeof(*wk));
}

static void
enqueue_in_handler(int signo)
{

	workqueue_enqueue(pend_second,
	    signo == SIGUSR1 ? &pend_work : &pend_copy, NULL);
}

static void
handlers(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = enqueue_in_handler;
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
}

static void
twice_from_handler(void)
{

	pend();
	handlers();
	/* Overwriting a pending item's word is part of the misuse. */
	set_word(&pend_work);
	raise(SIGUSR1);
}

static void
once_from_handler(void)
{
	int i;

	pend();
	handlers();
	for (i = 0; i < 3; i++) {
		set_word(&pend_copy);
		raise(SIGUSR2);
		workqueue_wait(pend_second, &pend_copy);
	}
	sem_post(&pend_open);
	workqueue_wait(pend_first, &pend_work);
	/* The item has run, so this enqueue is correct. */
	set_word(&pend_work);
	raise(SIGUSR1);
	workqueue_destroy(pend_first);
	workqueue_destroy(pend_second);
}

TEST_TC(already_pending_in_handler, "checking: a handler that enqueues a "
    "pending item elsewhere panics, whatever its word holds; one that enqueues "
    "an idle item never does")
{
	static const char *const words[] = { "ones", "zero", "stale", "copy" };
	size_t i;

	checking();
	for (i = 0; i < TEST_NELEM(words); i++) {
		pend_word = words[i];
		test_panics(twice_from_handler, address(&pend_work),
		    "enqueued on \"second\"", "already pending on \"first\"",
		    NULL);
		test_lives(once_from_handler);
	}
}

/*
 * Correct code.
 */
static struct again {
	struct work	  a_work;
	struct workqueue *a_wq[2];
	atomic_int	  a_left;
	sem_t		  a_done;
} agains[3];

static void
again(struct work *wk, void *arg)
{
	struct again *a = (void *)wk;
	int left;

	(void)arg;
	left = atomic_fetch_sub(&a->a_left, 1);
	if (left == 1)
		sem_post(&a->a_done);
	else
		workqueue_enqueue(a->a_wq[left % 2], wk, NULL);
}

static void
freework(struct work *wk, void *arg)
{

	(void)arg;
	free(wk);
}

static void
busy_and_right(void)
{
	struct workqueue *wq[2], *fq;
	struct work *wk;
	int i;

	wq[0] = create_ipl("zero", again, IPL_NONE, WQ_MPSAFE);
	wq[1] = create_ipl("one", again, IPL_NONE, WQ_PERCPU);
	fq = create_ipl("free", freework, IPL_NONE, 0);
	for (i = 0; i < 3; i++) {
		atomic_store(&agains[i].a_left, TEST_SCALE(20000));
		agains[i].a_wq[0] = wq[i % 2];
		agains[i].a_wq[1] = wq[i / 2];
		sem_init(&agains[i].a_done, 0, 0);
		workqueue_enqueue(wq[0], &agains[i].a_work, NULL);
	}
	/* malloc returns the same addresses repeatedly. */
	for (i = 0; i < TEST_SCALE(20000); i++) {
		wk = malloc(sizeof(*wk) + (size_t)(i % 3) * 16);
		if (wk == NULL)
			_exit(3);
		workqueue_enqueue(fq, wk, NULL);
	}
	for (i = 0; i < 3; i++)
		test_sem_wait(&agains[i].a_done);
	workqueue_destroy(fq);
	workqueue_destroy(wq[1]);
	workqueue_destroy(wq[0]);
}

TEST_TC(no_false_alarm, "checking: re-enqueueing, freeing and reusing items in "
    "their callbacks causes no report")
{

	checking();
	test_lives(busy_and_right);
}

static void
very_many(void)
{
	enum { N = 300000 };
	struct workqueue *wq;
	struct work *wk;
	int i;

	wq = create_ipl("many", nothing, IPL_NONE, 0);
	wk = calloc(N, sizeof(*wk));
	if (wk == NULL)
		_exit(3);
	KERNEL_LOCK(1, NULL);
	for (i = 0; i < N; i++)
		workqueue_enqueue(wq, &wk[i], NULL);
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_wait(wq, &wk[N - 1]);
	for (i = 0; i < N; i += 100)
		workqueue_enqueue(wq, &wk[i], NULL);
	workqueue_destroy(wq);
}

TEST_TC(table_overflow, "checking: if more items are pending than can be "
    "watched, one line says so and the program continues")
{
	struct test_child tc;
	char *nl;

	checking();
	test_child_lives(&tc, very_many);
	nl = strchr(tc.tc_err, '\n');
	ATF_REQUIRE_MSG(tc.tc_len == 0 || (nl != NULL && nl[1] == '\0'),
	    "more than one line: %s", tc.tc_err);
}

/*
 * Levels.
 */
static int level;

static void
enqueue_at_level(void)
{
	struct workqueue *wq;
	struct work wk;
	int s;

	wq = create_ipl("softnet", nothing, IPL_SOFTNET, WQ_MPSAFE);
	s = splraiseipl(makeiplcookie(level));
	workqueue_enqueue(wq, &wk, NULL);
	splx(s);
	workqueue_destroy(wq);
}

TEST_TC(enqueue_above_ipl, "strict: enqueue above the queue's level panics "
    "and names the queue and both levels; at or below it does not")
{

	strict();
	for (level = IPL_NONE; level <= IPL_SOFTNET; level++)
		test_lives(enqueue_at_level);
	level = IPL_SOFTSERIAL;
	test_panics(enqueue_at_level, "workqueue_enqueue: ",
	    "\"softnet\" has IPL 3", "called at IPL 4", NULL);
	level = IPL_HIGH;
	test_panics(enqueue_at_level, "\"softnet\" has IPL 3",
	    "called at IPL 7", NULL);
}

static void
wait_at_level(void)
{
	struct workqueue *wq;
	struct work wk;
	int s;

	wq = create_ipl("q", nothing, IPL_HIGH, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	s = splraiseipl(makeiplcookie(level));
	workqueue_wait(wq, &wk);
	splx(s);
	workqueue_destroy(wq);
}

static void
destroy_at_level(void)
{
	struct workqueue *wq;
	int s;

	wq = create_ipl("q", nothing, IPL_HIGH, WQ_MPSAFE);
	s = splraiseipl(makeiplcookie(level));
	workqueue_destroy(wq);
	splx(s);
}

TEST_TC(sleep_at_raised_ipl,
    "strict: waiting and destroying at a raised level panic")
{

	strict();
	level = IPL_NONE;
	test_lives(wait_at_level);
	test_lives(destroy_at_level);
	level = IPL_SOFTCLOCK;
	test_panics(wait_at_level, "workqueue_wait: ", "sleeping at IPL 1",
	    NULL);
	test_panics(destroy_at_level, "workqueue_destroy: ",
	    "sleeping at IPL 1", NULL);
	level = IPL_VM;
	test_panics(wait_at_level, "workqueue_wait: ", "sleeping at IPL 5",
	    NULL);
}

/*
 * Deadlocks that can be detected.
 */
static struct workqueue *dead_wq;
static struct work dead_work[2];
static unsigned int dead_cpu[2];

static void
dead_wait(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &dead_work[0])
		workqueue_wait(dead_wq, &dead_work[1]);
}

static void
wait_for_next(void)
{

	dead_wq = create_ipl("dead", dead_wait, IPL_NONE, 0);
	KERNEL_LOCK(1, NULL);
	workqueue_enqueue(dead_wq, &dead_work[0], NULL);
	workqueue_enqueue(dead_wq, &dead_work[1], NULL);
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_destroy(dead_wq);
}

static void
wait_for_next_percpu(void)
{

	dead_wq = create_ipl("deadcpu", dead_wait, IPL_NONE, WQ_PERCPU);
	KERNEL_LOCK(1, NULL);
	workqueue_enqueue(dead_wq, &dead_work[0], cpu_lookup(dead_cpu[0]));
	workqueue_enqueue(dead_wq, &dead_work[1], cpu_lookup(dead_cpu[1]));
	KERNEL_UNLOCK_ONE(NULL);
	workqueue_destroy(dead_wq);
}

TEST_TC(wait_would_deadlock, "a callback that waits for an item that only its "
    "own worker could run panics, in both modes; on another CPU it waits")
{
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	if (getenv("TEST_AGAIN") == NULL)
		not_checking();
	for (i = 0; i < 2; i++) {
		dead_cpu[0] = dead_cpu[1] = (unsigned int)i;
		test_panics(wait_for_next, "workqueue_wait: ", "\"dead\"",
		    "would deadlock", address(&dead_work[1]), NULL);
		test_panics(wait_for_next_percpu, "\"deadcpu\"",
		    "would deadlock", address(&dead_work[1]), NULL);
		dead_cpu[1] = !dead_cpu[0];
		test_lives(wait_for_next_percpu);
	}
	if (getenv("TEST_AGAIN") == NULL) {
		setenv("TEST_AGAIN", "1", 1);
		checking();
	}
}

static void
destroy_own(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	workqueue_destroy(dead_wq);
}

static void
destroy_own_queue(void)
{

	dead_wq = create_ipl("suicide", destroy_own, IPL_NONE, 0);
	workqueue_enqueue(dead_wq, &dead_work[0], NULL);
	for (;;)
		pause();
}

/*
 * A polled queue that runs in a callback of another queue, polled or not.  The
 * callback blocks both queues.
 */
static struct workqueue *outer_wq, *inner_wq;
static struct work outer_work, behind_work, inner_work;
static void (*inner_func)(void);

static void
outer(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &outer_work) {
		workqueue_enqueue(outer_wq, &behind_work, NULL);
		workqueue_enqueue(inner_wq, &inner_work, NULL);
		(void)workqueue_run_polled(inner_wq);
	}
}

static void
inner(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	(*inner_func)();
}

static void
inner_waits(void)
{

	workqueue_wait(outer_wq, &behind_work);
}

static void
inner_destroys(void)
{

	workqueue_destroy(outer_wq);
}

static void
inner_runs(void)
{

	(void)workqueue_run_polled(outer_wq);
}

static void
inner_asks(void)
{
	static const struct timespec forever = { TEST_DEADLINE, 0 };

	if (workqueue_timedwait(outer_wq, &behind_work, &forever) !=
	    EDEADLK || workqueue_drain(outer_wq) != EDEADLK ||
	    workqueue_drain(inner_wq) != EDEADLK)
		_exit(4);
	/* A wait for the caller's own item returns at once. */
	workqueue_wait(outer_wq, &outer_work);
	workqueue_wait(inner_wq, &inner_work);
}

static void
nested(bool polled)
{
	int fd;

	if (polled) {
		if (workqueue_create_polled(&outer_wq, "outer", outer, NULL,
		    IPL_NONE, WQ_MPSAFE, &fd) != 0)
			_exit(3);
	} else
		outer_wq = create_ipl("outer", outer, IPL_NONE, WQ_MPSAFE);
	if (workqueue_create_polled(&inner_wq, "inner", inner, NULL, IPL_NONE,
	    WQ_MPSAFE, &fd) != 0)
		_exit(3);
	workqueue_enqueue(outer_wq, &outer_work, NULL);
	if (polled)
		(void)workqueue_run_polled(outer_wq);
	workqueue_destroy(outer_wq);
	workqueue_destroy(inner_wq);
}

static void
nested_polled(void)
{

	nested(true);
}

static void
nested_worker(void)
{

	nested(false);
}

static void
nested_deadlocks(void)
{
	static void (*const nest[])(void) = { nested_polled, nested_worker };
	size_t i;

	for (i = 0; i < TEST_NELEM(nest); i++) {
		inner_func = inner_waits;
		test_panics(nest[i], "workqueue_wait: \"outer\": would "
		    "deadlock waiting for ", address(&behind_work), NULL);
		inner_func = inner_destroys;
		test_panics(nest[i], "workqueue_destroy: \"outer\" destroyed "
		    "from its own callback", NULL);
		inner_func = inner_asks;
		test_lives(nest[i]);
	}
	inner_func = inner_runs;
	test_panics(nested_polled, "workqueue_run_polled: \"outer\" called "
	    "from its own callback", NULL);
	test_panics(nested_worker, "workqueue_run_polled: \"outer\" has a "
	    "worker", NULL);
}

TEST_TC(nested_polled_deadlock, "in a polled queue run by a callback, a wait "
    "for that callback, and destroying or running its queue, panic; a timed "
    "wait and a drain return EDEADLK")
{

	not_checking();
	nested_deadlocks();
}

TEST_TC(nested_polled_deadlock_checked, "the same in checking mode")
{

	checking();
	nested_deadlocks();
}

TEST_TC(destroy_from_own_callback, "a callback that destroys its own queue "
    "panics, in both modes")
{

	if (getenv("TEST_AGAIN") == NULL)
		not_checking();
	test_panics(destroy_own_queue, "workqueue_destroy: ", "\"suicide\"",
	    "its own callback", NULL);
	if (getenv("TEST_AGAIN") == NULL) {
		setenv("TEST_AGAIN", "1", 1);
		checking();
	}
}

/*
 * Callbacks that return in another state than they were called in.
 */
static void
raise_ipl(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	(void)splvm();
}

static void
take_lock(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	KERNEL_LOCK(2, NULL);
}

static void
drop_and_take(struct work *wk, void *arg)
{
	int n, s;

	(void)wk;
	(void)arg;
	s = splhigh();
	splx(s);
	KERNEL_LOCK(2, NULL);
	KERNEL_UNLOCK_ALL(NULL, &n);
	KERNEL_LOCK(n - 2, NULL);
}

static void
keep_spin_mutex(struct work *wk, void *arg)
{
	static kmutex_t spin;

	(void)wk;
	(void)arg;
	mutex_init(&spin, MUTEX_DEFAULT, IPL_VM);
	mutex_enter(&spin);
	splx(IPL_NONE);
}

static void
keep_cpu(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	kpreempt_disable();
}

static void (*return_func)(struct work *, void *);
static int return_flags;

static void
run_one(void)
{
	struct workqueue *wq;
	struct work wk;

	wq = create_ipl("returns", return_func, IPL_NONE, return_flags);
	workqueue_enqueue(wq, &wk, NULL);
	workqueue_destroy(wq);
}

/* The callback, as panics print it. */
static const char *return_text;
#define	RETURN_FUNC(f)	(return_func = (f), return_text = "function " #f " (")

TEST_TC(callback_returns_raised, "strict: a callback that returns with its "
    "level raised panics with the queue and the function")
{

	strict();
	RETURN_FUNC(raise_ipl);
	for (return_flags = 0; return_flags <= WQ_MPSAFE; return_flags++) {
		test_panics(run_one, "\"returns\"", return_text,
		    "returned at IPL 5", NULL);
	}
}

TEST_TC(callback_returns_spinning, "checking: a callback that returns with a "
    "spin mutex held panics and names the queue and the function")
{

	checking();
	RETURN_FUNC(keep_spin_mutex);
	for (return_flags = 0; return_flags <= WQ_MPSAFE; return_flags++) {
		test_panics(run_one, "\"returns\"", return_text,
		    "returned holding ", "mutex", NULL);
	}
}

TEST_TC(callback_returns_unpreempted, "checking: a callback that returns with "
    "preemption off panics with the queue and the function")
{

	checking();
	RETURN_FUNC(keep_cpu);
	for (return_flags = 0; return_flags <= WQ_MPSAFE; return_flags++) {
		test_panics(run_one, "\"returns\"", return_text,
		    "returned with preemption off", NULL);
	}
}

TEST_TC(callback_returns_locked, "checking: a callback that returns with more "
    "of the kernel lock than it was called with panics")
{

	checking();
	RETURN_FUNC(take_lock);
	return_flags = WQ_MPSAFE;
	test_panics(run_one, "\"returns\"", return_text,
	    "returned holding 2 kernel locks", NULL);
	return_flags = 0;
	test_panics(run_one, "\"returns\"", return_text,
	    "returned holding 3 kernel locks", NULL);
	RETURN_FUNC(drop_and_take);
	for (return_flags = 0; return_flags <= WQ_MPSAFE; return_flags++)
		test_lives(run_one);
}

/*
 * Use after destroy.
 */
static void
destroyed_then(int what)
{
	struct workqueue *wq;
	struct work wk;

	wq = create_ipl("gone", nothing, IPL_NONE, WQ_MPSAFE);
	workqueue_destroy(wq);
	switch (what) {
	case 0:
		workqueue_destroy(wq);
		break;
	case 1:
		workqueue_enqueue(wq, &wk, NULL);
		break;
	case 2:
		workqueue_wait(wq, &wk);
		break;
	}
}

static void
destroy_twice(void)
{

	destroyed_then(0);
}

static void
enqueue_after(void)
{

	destroyed_then(1);
}

static void
wait_after(void)
{

	destroyed_then(2);
}

TEST_TC(use_after_destroy, "checking: destroy, enqueue and wait on a queue "
    "that was destroyed panic")
{

	checking();
	test_panics(destroy_twice, "workqueue_destroy: ", "is destroyed",
	    NULL);
	test_panics(enqueue_after, "workqueue_enqueue: ", "is destroyed",
	    NULL);
	test_panics(wait_after, "workqueue_wait: ", "is destroyed", NULL);
}

/*
 * NULL where a pointer is required.
 */
static void
enqueue_null_queue(void)
{
	struct work wk;

	workqueue_enqueue(NULL, &wk, NULL);
}

static void
enqueue_null_item(void)
{

	workqueue_enqueue(create_ipl("empty", nothing, IPL_NONE, WQ_MPSAFE),
	    NULL, NULL);
}

static void
wait_null_queue(void)
{
	struct work wk;

	workqueue_wait(NULL, &wk);
}

static void
destroy_null_queue(void)
{

	workqueue_destroy(NULL);
}

TEST_TC(null_always, "a NULL workqueue panics with a message")
{

	not_checking();
	test_panics(enqueue_null_queue, "workqueue_enqueue: the workqueue is "
	    "NULL", NULL);
	test_panics(wait_null_queue, "workqueue_wait: the workqueue is NULL",
	    NULL);
	test_panics(destroy_null_queue, "workqueue_destroy: the workqueue is "
	    "NULL", NULL);
}

TEST_TC(null_checking, "checking: a NULL item panics with a message")
{

	checking();
	test_panics(enqueue_null_item, "workqueue_enqueue: \"empty\": the item "
	    "is NULL", NULL);
	test_panics(enqueue_null_queue, "workqueue_enqueue: the workqueue is "
	    "NULL", NULL);
}

/*
 * A pending item whose memory is reused.
 */
#if defined(TEST_ASAN) || defined(TEST_TSAN)
#define	SPOIL_FREE	false	/* sanitizers leave freed memory alone */
#define	SPOIL_FRAME	false	/* and the frames of functions */
#else
#ifdef __GLIBC__
#define	SPOIL_FREE	true	/* free(3) writes to it */
#else
#define	SPOIL_FREE	false
#endif
#define	SPOIL_FRAME	true
#endif

static void (*spoil)(struct work *);

static void
spoil_overwrite(struct work *wk)
{

	memset(wk, 0x5a, sizeof(*wk));
}

static void
spoil_free(struct work *wk)
{

	free(wk);
}

static void
spoiled(void)
{
	struct work *wk;

	wk = malloc(sizeof(*wk));
	pend();
	workqueue_enqueue(pend_first, wk, NULL);
	workqueue_enqueue(pend_first, &pend_copy, NULL);
	(*spoil)(wk);
	sem_post(&pend_open);
	workqueue_wait(pend_first, &pend_copy);
}

static __attribute__((__noinline__)) void
enqueue_frame(void)
{
	struct work frame[64];

	workqueue_enqueue(pend_first, &frame[32], NULL);
}

static __attribute__((__noinline__)) void
overwrite_frame(void)
{
	volatile char frame[4096];
	size_t i;

	for (i = 0; i < sizeof(frame); i++)
		frame[i] = 0x5a;
}

static void
dead_frame(void)
{

	pend();
	enqueue_frame();
	overwrite_frame();
	workqueue_enqueue(pend_first, &pend_copy, NULL);
	sem_post(&pend_open);
	workqueue_wait(pend_first, &pend_copy);
}

static void
spoiled_on_list(void)
{
	static struct work wks[100];
	size_t i;

	pend();
	for (i = 0; i < TEST_NELEM(wks); i++)
		workqueue_enqueue(pend_first, &wks[i], NULL);
	/* A cancelled item is taken off the list, which is intact. */
	if (!workqueue_cancel(pend_first, &wks[50]))
		_exit(3);
	spoil_overwrite(&wks[70]);
	sem_post(&pend_open);
	workqueue_wait(pend_first, &wks[99]);
}

TEST_TC(spoiled_item, "checking: a pending item that was overwritten or "
    "freed, or whose stack frame is gone, panics with its queue and where it "
    "was enqueued")
{

	checking();
	spoil = spoil_overwrite;
	test_aborts(spoiled, "workqueue \"first\" (made at ", "item 0x",
	    "enqueued at spoiled+0x", "overwritten or freed", NULL);
	if (SPOIL_FREE) {
		spoil = spoil_free;
		test_aborts(spoiled, "workqueue \"first\" (made at ",
		    "item 0x", "enqueued at spoiled+0x",
		    "overwritten or freed", NULL);
	}
	if (SPOIL_FRAME)
		test_aborts(dead_frame, "workqueue \"first\" (made at ",
		    "item 0x", "enqueued at ", "overwritten or freed", NULL);
	test_aborts(spoiled_on_list, "workqueue \"first\" (made at ",
	    "item 0x", "wks", "enqueued at spoiled_on_list+0x", NULL);
}

/*
 * A callback that ends its thread.
 */
static void
leave(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	pthread_exit(NULL);
}

static void
left(void)
{
	struct workqueue *wq;
	static struct work wk;

	wq = create_ipl("left", leave, IPL_NONE, WQ_MPSAFE);
	workqueue_enqueue(wq, &wk, NULL);
	/* The thread may panic late, so this may return. */
	workqueue_wait(wq, &wk);
	for (;;)
		pause();
}

TEST_TC(callback_ends_thread, "a callback that ends its thread panics with "
    "the queue, the function and the item")
{

	not_checking();
	test_panics(left, "workqueue \"left\": function ",
	    "ended its thread, called with item 0x", NULL);
}

/*
 * EINVAL.
 */
static void
invalid_arguments(void)
{
	struct timespec ts = { 0, 1000000000 };
	struct workqueue *wq;
	struct work wk;

#define	INVALID(call) do {						\
	if ((call) != EINVAL)						\
		_exit(3);						\
} while (0)
	INVALID(workqueue_create(NULL, "q", nothing, NULL, PRI_NONE,
	    IPL_NONE, 0));
	INVALID(workqueue_create(&wq, NULL, nothing, NULL, PRI_NONE,
	    IPL_NONE, 0));
	INVALID(workqueue_create(&wq, "q", NULL, NULL, PRI_NONE, IPL_NONE, 0));
	INVALID(workqueue_create(&wq, "q", nothing, NULL, PRI_COUNT,
	    IPL_NONE, 0));
	INVALID(workqueue_create(&wq, "q", nothing, NULL, PRI_NONE, 77, 0));
	INVALID(workqueue_create(&wq, "q", nothing, NULL, PRI_NONE, IPL_NONE,
	    0x4000));
	wq = create_ipl("q", nothing, IPL_NONE, 0);
	INVALID(workqueue_timedwait(wq, &wk, &ts));
	INVALID(workqueue_setspin(wq, 1001));
	workqueue_destroy(wq);
}

TEST_TC(invalid_checking, "checking: EINVAL says which argument is wrong")
{

	checking();
	test_says(invalid_arguments,
	    "workqueue_create: EINVAL: nowhere to store the queue",
	    "workqueue_create: EINVAL: the name is NULL",
	    "workqueue_create: EINVAL: \"q\": the function is NULL",
	    "workqueue_create: EINVAL: \"q\": priority ",
	    "workqueue_create: EINVAL: \"q\": IPL 77, not ",
	    "workqueue_create: EINVAL: \"q\": flags 0x4000, of which 0x4000 "
	    "are unknown",
	    "workqueue_timedwait: EINVAL: \"q\": a time of 0 s, 1000000000 ns",
	    "workqueue_setspin: EINVAL: \"q\": 1001 us, more than 1000", NULL);
}

TEST_TC(invalid_silent, "without checking, EINVAL is returned silently")
{

	not_checking();
	test_lives(invalid_arguments);
}

TEST_TC(strict_checks, "WORKQUEUE_CHECK=strict includes all checks of 1")
{

	strict();
	test_lives(busy_and_right);
	test_panics(twice_other_queue, "already pending", NULL);
	level = IPL_VM;
	test_panics(enqueue_at_level, "called at IPL 5", NULL);
	test_panics(destroy_twice, "is destroyed", NULL);
}

TEST_TC(off_by_default, "without WORKQUEUE_CHECK levels are not checked")
{

	not_checking();
	level = IPL_HIGH;
	test_lives(enqueue_at_level);
	test_lives(wait_at_level);
	test_lives(destroy_at_level);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cpu_without_percpu);
	ATF_TP_ADD_TC(tp, unknown_cpu);
	ATF_TP_ADD_TC(tp, already_pending);
	ATF_TP_ADD_TC(tp, already_pending_in_handler);
	ATF_TP_ADD_TC(tp, no_false_alarm);
	ATF_TP_ADD_TC(tp, table_overflow);
	ATF_TP_ADD_TC(tp, enqueue_above_ipl);
	ATF_TP_ADD_TC(tp, sleep_at_raised_ipl);
	ATF_TP_ADD_TC(tp, wait_would_deadlock);
	ATF_TP_ADD_TC(tp, nested_polled_deadlock);
	ATF_TP_ADD_TC(tp, nested_polled_deadlock_checked);
	ATF_TP_ADD_TC(tp, destroy_from_own_callback);
	ATF_TP_ADD_TC(tp, callback_returns_raised);
	ATF_TP_ADD_TC(tp, callback_returns_spinning);
	ATF_TP_ADD_TC(tp, callback_returns_unpreempted);
	ATF_TP_ADD_TC(tp, callback_returns_locked);
	ATF_TP_ADD_TC(tp, use_after_destroy);
	ATF_TP_ADD_TC(tp, null_always);
	ATF_TP_ADD_TC(tp, null_checking);
	ATF_TP_ADD_TC(tp, spoiled_item);
	ATF_TP_ADD_TC(tp, callback_ends_thread);
	ATF_TP_ADD_TC(tp, invalid_checking);
	ATF_TP_ADD_TC(tp, invalid_silent);
	ATF_TP_ADD_TC(tp, strict_checks);
	ATF_TP_ADD_TC(tp, off_by_default);
	return atf_no_error();
}
