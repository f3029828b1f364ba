/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's park and unpark, without the engine.
 */

#include <host/host.h>
#include <host/host_var.h>

#include "../../tests.h"

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <sys/prctl.h>
#endif

static struct host_park park;

static void
start(void)
{

	host_init(NULL);
	host_park_init(&park);
}

/* Park until the flag is set, because host_park() may return early. */
static void
park_for_token(struct host_park *hp, atomic_int *flag)
{

	while (!atomic_load(flag))
		(void)host_park(hp, HOST_FOREVER);
}

TEST_TC(token_first, "a token given before the park is taken without a "
    "sleep, once, and given twice is given once")
{
	int64_t t;

	start();
	host_unpark(&park);
	TEST_EQ(0, host_park(&park, HOST_FOREVER));
	host_unpark(&park);
	host_unpark(&park);
	host_unpark(&park);
	TEST_EQ(0, host_park(&park, HOST_FOREVER));
	/* There is no second token. */
	t = host_monotime();
	TEST_EQ(ETIMEDOUT, host_park(&park, t + 1000000));
}

TEST_TC(token_before_deadline, "a park takes its token even if the deadline is "
    "zero, negative or past")
{

	start();
	host_unpark(&park);
	TEST_EQ(0, host_park(&park, host_monotime() - 1));
	host_unpark(&park);
	TEST_EQ(0, host_park(&park, 0));
	host_unpark(&park);
	TEST_EQ(0, host_park(&park, -1));
	TEST_EQ(ETIMEDOUT, host_park(&park, host_monotime() - 1));
	TEST_EQ(ETIMEDOUT, host_park(&park, 0));
	TEST_EQ(ETIMEDOUT, host_park(&park, INT64_MIN));
}

TEST_TC(deadline, "without a token a park ends at the deadline, not before "
    "where it says so")
{
	int64_t end, late, best = INT64_MAX;
	int i;

	start();
	for (i = 0; i < 20; i++) {
		end = host_monotime() + 10000000;
		while (host_park(&park, end) == 0)
			continue;
		late = host_monotime() - end;
		ATF_REQUIRE_MSG(late >= 0, "%jd ns early", -(intmax_t)late);
		if (late < best)
			best = late;
	}
	ATF_REQUIRE_MSG(best < 100000000, "never less than %jd ns late",
	    (intmax_t)best);
}

/*
 * Two threads pass a token to and fro.
 */
static struct host_park side[2];
static atomic_int turn;
static int volley;

static void *
player(void *arg)
{
	int me = *(int *)arg, i;

	for (i = 0; i < volley; i++) {
		while (atomic_load(&turn) != me)
			(void)host_park(&side[me], HOST_FOREVER);
		atomic_store(&turn, !me);
		host_unpark(&side[!me]);
	}
	return NULL;
}

/* Let two threads park and unpark each other. */
static void
play(void *(*func)(void *), int n)
{
	pthread_t t[2];
	int i, no[2] = { 0, 1 };

	volley = TEST_SCALE(n);
	host_park_init(&side[0]);
	host_park_init(&side[1]);
	for (i = 0; i < 2; i++)
		t[i] = test_thread(func, &no[i]);
	test_join(t[0]);
	test_join(t[1]);
	TEST_EQ(0, turn);
}

TEST_TC(none_is_lost, "two threads that park and unpark each other 100,000 "
    "times never both sleep")
{

	start();
	play(player, 100000);
}

static void *
timed_player(void *arg)
{
	int me = *(int *)arg, i;

	for (i = 0; i < volley; i++) {
		/* The token and the deadline race. */
		while (atomic_load(&turn) != me) {
			(void)host_park(&side[me], host_monotime() +
			    i % 50 * 1000);
		}
		atomic_store(&turn, !me);
		host_unpark(&side[!me]);
	}
	return NULL;
}

TEST_TC(token_races_deadline, "a token that comes at the deadline does no "
    "harm to the next park")
{
	int i;

	start();
	play(timed_player, 50000);
	/* Tokens may be left, but a deadline still ends a park. */
	for (i = 0; i < 2; i++) {
		while (host_park(&side[i], host_monotime() + 1000000) == 0)
			continue;
	}
}

/*
 * Plain stores before the unpark are visible after the park.
 */
static int plain;

static void *
reader(void *arg)
{
	int i;

	for (i = 1; i <= volley; i++) {
		while (host_park(&side[0], HOST_FOREVER) != 0)
			continue;
		/* Only the token orders these accesses. */
		if (plain != i)
			++*(int *)arg;
		host_unpark(&side[1]);
	}
	return NULL;
}

TEST_TC(unpark_publishes, "the thread that takes the token sees what the other "
    "did before its unpark")
{
	pthread_t t;
	int i, wrong = 0;

	start();
	volley = TEST_SCALE(50000);
	host_park_init(&side[0]);
	host_park_init(&side[1]);
	t = test_thread(reader, &wrong);
	for (i = 1; i <= volley; i++) {
		plain = i;
		host_unpark(&side[0]);
		while (host_park(&side[1], HOST_FOREVER) != 0)
			continue;
	}
	test_join(t);
	TEST_EQ(0, wrong);
}

/*
 * Signals.
 */
static atomic_int handled;

static void
unpark_in_handler(int signo)
{

	(void)signo;
	host_unpark(&park);
	atomic_fetch_add(&handled, 1);
}

static void
only_count(int signo)
{

	(void)signo;
	atomic_fetch_add(&handled, 1);
}

static void
handle(int signo, void (*func)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = func;
	ATF_REQUIRE(sigaction(signo, &sa, NULL) == 0);
}

TEST_TC(unpark_in_handler, "an unpark in a signal handler on the thread that "
    "parks, or is about to, ends its park")
{
	int i;

	start();
	handle(SIGUSR1, unpark_in_handler);
	for (i = 0; i < 1000; i++) {
		raise(SIGUSR1);
		TEST_EQ(0, host_park(&park, HOST_FOREVER));
	}
	TEST_EQ(1000, handled);
}

static pthread_t parked_thread;
static atomic_int parked_ready, parked_done;

static void *
signaller(void *arg)
{

	(void)arg;
	while (!atomic_load(&parked_done)) {
		pthread_kill(parked_thread, SIGUSR1);
		test_pause();
	}
	return NULL;
}

TEST_TC(unpark_from_handler_wakes, "an unpark in a handler wakes the thread "
    "that it interrupts in park")
{
	pthread_t t;
	int i;

	start();
	handle(SIGUSR1, unpark_in_handler);
	parked_thread = pthread_self();
	t = test_thread(signaller, NULL);
	for (i = 0; i < 200; i++) {
		while (host_park(&park, HOST_FOREVER) != 0)
			continue;
	}
	atomic_store(&parked_done, 1);
	test_join(t);
	ATF_REQUIRE(handled >= 200);
}

TEST_TC(survives_eintr, "handlers that interrupt a park do not change when it "
    "ends")
{
	int64_t end;
	pthread_t t;
	int early = 0, i;

	start();
	handle(SIGUSR1, only_count);
	parked_thread = pthread_self();
	t = test_thread(signaller, NULL);
	for (i = 0; i < 20; i++) {
		end = host_monotime() + 20000000;
		while (host_park(&park, end) == 0)
			early++;
		ATF_REQUIRE(host_monotime() >= end);
	}
	atomic_store(&parked_done, 1);
	test_join(t);
	ATF_REQUIRE(handled > 0);
	TEST_EQ(0, early);
}

TEST_TC(unpark_keeps_errno, "unpark keeps errno, whether its owner sleeps or "
    "not")
{
	int i;

	start();
	for (i = 0; i < 1000; i++) {
		errno = 9876;
		host_unpark(&park);
		TEST_EQ(9876, errno);
	}
}

static void *
sleeper(void *arg)
{

	(void)arg;
	atomic_store(&parked_ready, 1);
	park_for_token(&park, &parked_done);
	return NULL;
}

TEST_TC(unpark_of_sleeper_keeps_errno, "unpark of a thread asleep wakes it "
    "and keeps errno")
{
	pthread_t t;
	int i;

	start();
	for (i = 0; i < 200; i++) {
		atomic_store(&parked_ready, 0);
		atomic_store(&parked_done, 0);
		t = test_thread(sleeper, NULL);
		TEST_AWAIT(atomic_load(&parked_ready));
		if (i % 2)
			test_pause();
		atomic_store(&parked_done, 1);
		errno = 6789;
		host_unpark(&park);
		TEST_EQ(6789, errno);
		test_join(t);
	}
}

TEST_TC(no_cancellation_point, "a thread that is cancelled in park sleeps on "
    "until its token")
{
	void *result;
	pthread_t t;
	int i;

	start();
	for (i = 0; i < 20; i++) {
		atomic_store(&parked_ready, 0);
		atomic_store(&parked_done, 0);
		host_park_init(&park);
		t = test_thread(sleeper, NULL);
		TEST_AWAIT(atomic_load(&parked_ready));
		test_pause();
		TEST_EQ(0, pthread_cancel(t));
		test_pause();
		atomic_store(&parked_done, 1);
		host_unpark(&park);
		TEST_EQ(0, pthread_join(t, &result));
		/* The thread returned normally, and was not cancelled. */
		ATF_REQUIRE(result == NULL);
	}
}

/*
 * Many threads give a token, and one takes it.
 */
static atomic_int given;

static void *
giver(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < volley; i++) {
		atomic_fetch_add(&given, 1);
		host_unpark(&park);
	}
	return NULL;
}

TEST_TC(many_givers, "a thread that parks while four others unpark it sees all "
    "that they gave")
{
	pthread_t t[4];
	int i;

	start();
	volley = TEST_SCALE(100000);
	for (i = 0; i < 4; i++)
		t[i] = test_thread(giver, NULL);
	while (atomic_load(&given) < 4 * volley)
		(void)host_park(&park, HOST_FOREVER);
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	/*
	 * The last thread may give its token after the last test, and so leave
	 * it.
	 */
	while (host_park(&park, host_monotime() + 1000000) == 0)
		continue;
}

/*
 * Do what host_unpark() does before it calls the system.
 */
static void
stopped_unpark(struct host_park *hp)
{
	typedef uint32_t __attribute__((__may_alias__)) word;
	word *p = (word *)hp, was;

	TEST_AWAIT(((was = __atomic_load_n(p, __ATOMIC_SEQ_CST)) &
	    (PARK_PARKED | PARK_TOKEN)) == PARK_PARKED &&
	    __atomic_compare_exchange_n(p, &was, was | PARK_TOKEN, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

TEST_TC(stopped_waker, "a waker that is stopped before it calls the system "
    "holds up no other waker")
{
	pthread_t t;
	int i;

	start();
	for (i = 0; i < 100; i++) {
		atomic_store(&parked_done, 0);
		t = test_thread(sleeper, NULL);
		stopped_unpark(&park);
		if (i % 2)
			test_pause();
		atomic_store(&parked_done, 1);
		host_unpark(&park);
		test_join(t);
	}
}

static void *
timed_sleeper(void *arg)
{

	(void)arg;
	while (!atomic_load(&parked_done))
		(void)host_park(&park, host_monotime() + 50000000);
	return NULL;
}

TEST_TC(stopped_waker_deadline, "a waker that is stopped before it calls the "
    "system does not hold up the deadline")
{
	pthread_t t;

	start();
	t = test_thread(timed_sleeper, NULL);
	stopped_unpark(&park);
	atomic_store(&parked_done, 1);
	test_join(t);
}

#ifdef __linux__
/*
 * Refuse futex_time64.  Only 32-bit systems have this call, and its number is
 * the same on all of them.
 */
static void
refuse_time64(int error)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 422, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (__u32)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { TEST_NELEM(f), f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == -1)
		atf_tc_skip("no filter of system calls");
}

static void
old_kernel(int error)
{
	int64_t end;

	start();
	refuse_time64(error);
	end = host_monotime() + 10000000;
	while (host_park(&park, end) == 0)
		continue;
	ATF_REQUIRE(host_monotime() >= end);
	play(timed_player, 10000);
}

TEST_TC(no_time64, "a park ends at its deadline and by its token on a kernel "
    "without futex_time64")
{

	old_kernel(ENOSYS);
}

TEST_TC(no_time64_filter, "the same under a filter that forbids the call")
{

	old_kernel(EPERM);
}
#endif

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, token_first);
	ATF_TP_ADD_TC(tp, token_before_deadline);
	ATF_TP_ADD_TC(tp, deadline);
	ATF_TP_ADD_TC(tp, none_is_lost);
	ATF_TP_ADD_TC(tp, token_races_deadline);
	ATF_TP_ADD_TC(tp, unpark_publishes);
	ATF_TP_ADD_TC(tp, unpark_in_handler);
	ATF_TP_ADD_TC(tp, unpark_from_handler_wakes);
	ATF_TP_ADD_TC(tp, survives_eintr);
	ATF_TP_ADD_TC(tp, unpark_keeps_errno);
	ATF_TP_ADD_TC(tp, unpark_of_sleeper_keeps_errno);
	ATF_TP_ADD_TC(tp, no_cancellation_point);
	ATF_TP_ADD_TC(tp, many_givers);
	ATF_TP_ADD_TC(tp, stopped_waker);
	ATF_TP_ADD_TC(tp, stopped_waker_deadline);
#ifdef __linux__
	ATF_TP_ADD_TC(tp, no_time64);
	ATF_TP_ADD_TC(tp, no_time64_filter);
#endif
	return atf_no_error();
}
