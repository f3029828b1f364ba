/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rwlock(9): sharing, exclusion, the next holder, and misuse.
 */

#include <sys/intr.h>
#include <sys/rwlock.h>
#include <sys/systm.h>

#include "../../tests.h"

#define	NTHREADS	4

static krwlock_t rw;
static int shared, shadow;		/* under rw; plain, always equal */

/*
 * The state of the lock as other threads see it.
 */
static void *
try_both(void *arg)
{
	int *got = arg;

	got[0] = got[1] = 0;
	if (rw_tryenter(&rw, RW_READER)) {
		got[0] = 1;
		rw_exit(&rw);
	}
	if (rw_tryenter(&rw, RW_WRITER)) {
		got[1] = 1;
		rw_exit(&rw);
	}
	got[2] = rw_read_held(&rw);
	got[3] = rw_write_held(&rw);
	got[4] = rw_lock_held(&rw);
	return NULL;
}

static void
others_see(int reader, int writer, int rheld, int wheld, int held)
{
	int got[5];

	test_join(test_thread(try_both, got));
	TEST_EQ(reader, got[0]);
	TEST_EQ(writer, got[1]);
	TEST_EQ(rheld, got[2] != 0);
	TEST_EQ(wheld, got[3] != 0);
	TEST_EQ(held, got[4] != 0);
}

TEST_TC(holding, "readers share the lock, a writer is alone, and the queries "
    "are right")
{

	ATF_REQUIRE(sizeof(krwlock_t) <= 2 * sizeof(void *));
	rw_init(&rw);
	ATF_REQUIRE(!rw_read_held(&rw));
	ATF_REQUIRE(!rw_write_held(&rw));
	ATF_REQUIRE(!rw_lock_held(&rw));
	others_see(1, 1, 0, 0, 0);

	rw_enter(&rw, RW_READER);
	ATF_REQUIRE(rw_read_held(&rw));
	ATF_REQUIRE(!rw_write_held(&rw));
	ATF_REQUIRE(rw_lock_held(&rw));
	TEST_EQ(RW_READER, rw_lock_op(&rw));
	others_see(1, 0, 1, 0, 1);
	rw_exit(&rw);

	rw_enter(&rw, RW_WRITER);
	ATF_REQUIRE(!rw_read_held(&rw));
	ATF_REQUIRE(rw_write_held(&rw));
	ATF_REQUIRE(rw_lock_held(&rw));
	TEST_EQ(RW_WRITER, rw_lock_op(&rw));
	/* Only the writer itself knows that it writes. */
	others_see(0, 0, 0, 0, 1);
	TEST_EQ(0, rw_tryenter(&rw, RW_READER));
	TEST_EQ(0, rw_tryenter(&rw, RW_WRITER));
	rw_exit(&rw);
	others_see(1, 1, 0, 0, 0);
	rw_destroy(&rw);
}

static void *
hold_to_read(void *arg)
{
	sem_t *sem = arg;

	rw_enter(&rw, RW_READER);
	sem_post(&sem[0]);
	test_sem_wait(&sem[1]);
	rw_exit(&rw);
	return NULL;
}

TEST_TC(upgrade, "rw_tryupgrade succeeds for the only reader, rw_downgrade "
    "always, and neither lets go")
{
	pthread_t t;
	sem_t sem[2];

	rw_init(&rw);
	rw_enter(&rw, RW_READER);
	ATF_REQUIRE(rw_tryupgrade(&rw));
	ATF_REQUIRE(rw_write_held(&rw));
	others_see(0, 0, 0, 0, 1);
	rw_downgrade(&rw);
	ATF_REQUIRE(rw_read_held(&rw));
	others_see(1, 0, 1, 0, 1);

	sem_init(&sem[0], 0, 0);
	sem_init(&sem[1], 0, 0);
	t = test_thread(hold_to_read, sem);
	test_sem_wait(&sem[0]);
	ATF_REQUIRE(!rw_tryupgrade(&rw));
	ATF_REQUIRE(rw_read_held(&rw));
	sem_post(&sem[1]);
	test_join(t);
	ATF_REQUIRE(rw_tryupgrade(&rw));
	rw_exit(&rw);
	others_see(1, 1, 0, 0, 0);
	rw_destroy(&rw);
}

/*
 * Exclusion.
 */
static void *
mixed(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int i, n;

	for (i = 0; i < TEST_SCALE(60000); i++) {
		seed = seed * 1103515245 + 12345;
		switch ((seed >> 16) % 8) {
		case 0:
			while (!rw_tryenter(&rw, RW_WRITER))
				sched_yield();
			break;
		case 1:
		case 2:
			rw_enter(&rw, RW_WRITER);
			break;
		case 3:
			rw_enter(&rw, RW_READER);
			TEST_EQ(shared, shadow);
			if (rw_tryupgrade(&rw))
				break;
			rw_exit(&rw);
			continue;
		case 4:
			if (!rw_tryenter(&rw, RW_READER))
				continue;
			TEST_EQ(shared, shadow);
			rw_exit(&rw);
			continue;
		default:
			rw_enter(&rw, RW_READER);
			n = shared;
			if (i % 64 == 0)
				sched_yield();
			TEST_EQ(n, shadow);
			rw_exit(&rw);
			continue;
		}
		n = shared;
		shared = n + 1;
		if (i % 1024 == 0)
			test_pause();
		else if (i % 64 == 0)
			sched_yield();
		shadow = n + 1;
		if (i % 2 == 0) {
			rw_downgrade(&rw);
			TEST_EQ(n + 1, shared);
		}
		rw_exit(&rw);
	}
	return NULL;
}

static void
excludes(void)
{
	pthread_t t[NTHREADS];
	int i;

	rw_init(&rw);
	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(mixed, (void *)(uintptr_t)(i + 1));
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
	TEST_EQ(shared, shadow);
	ATF_REQUIRE(!rw_lock_held(&rw));
	rw_destroy(&rw);
}

TEST_TC(exclusion, "readers never see a writer, and a writer nobody")
{

	excludes();
}

TEST_TC(checked_exclusion, "checking: the same, without a false report")
{

	test_env("WORKQUEUE_CHECK", "1");
	excludes();
}

/*
 * Nobody starves.
 */
static atomic_int stop;

static void *
reads_for_ever(void *arg)
{
	int64_t end;

	(void)arg;
	while (!atomic_load(&stop)) {
		rw_enter(&rw, RW_READER);
		end = test_now() + 100000;
		while (test_now() < end)
			continue;
		rw_exit(&rw);
	}
	return NULL;
}

static void *
writes_for_ever(void *arg)
{

	(void)arg;
	while (!atomic_load(&stop)) {
		rw_enter(&rw, RW_WRITER);
		shared++;
		rw_exit(&rw);
	}
	return NULL;
}

TEST_TC(writer_gets_it, "while two readers always overlap a writer gets the "
    "lock")
{
	pthread_t t[2];
	int i;

	rw_init(&rw);
	for (i = 0; i < 2; i++)
		t[i] = test_thread(reads_for_ever, NULL);
	for (i = 0; i < 100; i++) {
		rw_enter(&rw, RW_WRITER);
		shared++;
		rw_exit(&rw);
		test_pause();
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 2; i++)
		test_join(t[i]);
	TEST_EQ(100, shared);
}

TEST_TC(reader_gets_it, "while writers always write a reader gets the lock")
{
	pthread_t t[3];
	int i;

	rw_init(&rw);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(writes_for_ever, NULL);
	for (i = 0; i < 100; i++) {
		rw_enter(&rw, RW_READER);
		rw_exit(&rw);
		test_pause();
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
}

/*
 * A waiting writer keeps new readers out and gets the lock first.  After it,
 * all waiting readers get the lock together.
 */
static atomic_int turn, coming;

struct comer {
	krw_t	c_op;
	int	c_turn;
	sem_t	*c_hold;		/* keep the lock until then */
};

static void *
comes(void *arg)
{
	struct comer *c = arg;

	atomic_fetch_add(&coming, 1);
	rw_enter(&rw, c->c_op);
	c->c_turn = atomic_fetch_add(&turn, 1);
	if (c->c_hold != NULL)
		test_sem_wait(c->c_hold);
	rw_exit(&rw);
	return NULL;
}

/* Wait until n threads are nearly asleep. */
static void
await_coming(int n)
{

	TEST_AWAIT(atomic_load(&coming) == n);
	test_letrun();
}

/* Test whether a new reader must wait. */
static void *
tries_to_read(void *arg)
{

	*(int *)arg = rw_tryenter(&rw, RW_READER);
	if (*(int *)arg)
		rw_exit(&rw);
	return NULL;
}

static int
readable(void)
{
	int got;

	test_join(test_thread(tries_to_read, &got));
	return got;
}

TEST_TC(order, "a waiting writer keeps new readers out and is next; then all "
    "waiting readers; then the next writer")
{
	struct comer c[4];
	pthread_t t[4];
	sem_t hold;
	int i;

	sem_init(&hold, 0, 0);
	rw_init(&rw);
	rw_enter(&rw, RW_READER);
	ATF_REQUIRE(readable());
	for (i = 0; i < 4; i++) {
		c[i].c_op = i == 0 || i == 3 ? RW_WRITER : RW_READER;
		c[i].c_hold = i == 0 || i == 3 ? NULL : &hold;
		t[i] = test_thread(comes, &c[i]);
		if (i == 0)
			TEST_AWAIT(!readable());
		else
			await_coming(i + 1);
	}
	ATF_REQUIRE(!rw_tryenter(&rw, RW_READER));
	TEST_EQ(0, atomic_load(&turn));
	rw_exit(&rw);
	/* The writer has had the lock; now both readers hold it. */
	TEST_AWAIT(atomic_load(&turn) == 3);
	sem_post(&hold);
	sem_post(&hold);
	for (i = 0; i < 4; i++)
		test_join(t[i]);
	TEST_EQ(0, c[0].c_turn);
	TEST_EQ(3, c[3].c_turn);
	rw_destroy(&rw);
}

TEST_TC(downgrade_lets_in, "rw_downgrade admits waiting readers, even if a "
    "writer waits, too")
{
	struct comer c[3];
	pthread_t t[3];
	int i;

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	for (i = 0; i < 3; i++) {
		c[i].c_op = i == 1 ? RW_WRITER : RW_READER;
		c[i].c_hold = NULL;
		t[i] = test_thread(comes, &c[i]);
	}
	await_coming(3);
	TEST_EQ(0, atomic_load(&turn));
	rw_downgrade(&rw);
	TEST_AWAIT(atomic_load(&turn) == 2);
	ATF_REQUIRE(rw_read_held(&rw));
	rw_exit(&rw);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	TEST_EQ(2, c[1].c_turn);
	rw_destroy(&rw);
}

/*
 * The last thread to leave frees it.
 */
struct object {
	krwlock_t	o_rw;
	atomic_int	o_refs;
};

static struct object *_Atomic object;
static atomic_int object_round, object_done;

static void *
drop_references(void *arg)
{
	struct object *o;
	int refs, round;

	for (round = 1; round <= TEST_SCALE(20000); round++) {
		while (atomic_load(&object_round) != round)
			sched_yield();
		o = atomic_load(&object);
		rw_enter(&o->o_rw, ((uintptr_t)arg + (uintptr_t)round) % 3 == 0
		    ? RW_WRITER : RW_READER);
		refs = atomic_fetch_sub(&o->o_refs, 1);
		/*
		 * The last thread takes the lock as a writer, so all others
		 * have left.
		 */
		if (refs == 1) {
			rw_exit(&o->o_rw);
			rw_enter(&o->o_rw, RW_WRITER);
			rw_exit(&o->o_rw);
			rw_destroy(&o->o_rw);
			memset(o, 0xff, sizeof(*o));
			free(o);
		} else
			rw_exit(&o->o_rw);
		atomic_fetch_add(&object_done, 1);
	}
	return NULL;
}

TEST_TC(freed_by_last, "the last holder may free the lock, even if the "
    "previous one is still in rw_exit")
{
	struct object *o;
	pthread_t t[NTHREADS];
	int i, round;

	for (i = 0; i < NTHREADS; i++)
		t[i] = test_thread(drop_references, (void *)(uintptr_t)i);
	for (round = 1; round <= TEST_SCALE(20000); round++) {
		o = malloc(sizeof(*o));
		ATF_REQUIRE(o != NULL);
		rw_init(&o->o_rw);
		atomic_init(&o->o_refs, NTHREADS);
		atomic_store(&object_done, 0);
		atomic_store(&object, o);
		atomic_store(&object_round, round);
		while (atomic_load(&object_done) != NTHREADS)
			sched_yield();
	}
	for (i = 0; i < NTHREADS; i++)
		test_join(t[i]);
}

/*
 * A waiter releases the kernel lock.
 */
static void *
with_kernel_lock(void *arg)
{
	int n;

	KERNEL_LOCK(3, NULL);
	sem_post(arg);
	rw_enter(&rw, RW_READER);
	ATF_REQUIRE(KERNEL_LOCKED_P());
	shared++;
	rw_exit(&rw);
	KERNEL_UNLOCK_ALL(NULL, &n);
	TEST_EQ(3, n);
	return NULL;
}

TEST_TC(kernel_lock_dropped, "a thread that sleeps for the lock releases the "
    "kernel lock, and gets it again at its depth")
{
	pthread_t t;
	sem_t sem;

	sem_init(&sem, 0, 0);
	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	t = test_thread(with_kernel_lock, &sem);
	test_sem_wait(&sem);
	/* The other thread holds the kernel lock until it sleeps. */
	KERNEL_LOCK(1, NULL);
	TEST_EQ(0, shared);
	KERNEL_UNLOCK_ONE(NULL);
	rw_exit(&rw);
	test_join(t);
	TEST_EQ(1, shared);
}

/*
 * Misuse.
 */
static void
write_twice(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	rw_enter(&rw, RW_WRITER);
}

static void
read_after_write(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	rw_enter(&rw, RW_READER);
}

static void
exit_free(void)
{

	rw_init(&rw);
	rw_exit(&rw);
}

static void *
exit_others(void *arg)
{

	(void)arg;
	rw_exit(&rw);
	return NULL;
}

static void
exit_by_other(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	test_join(test_thread(exit_others, NULL));
}

static void
destroy_written(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	rw_destroy(&rw);
}

static void
destroy_read(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_READER);
	rw_destroy(&rw);
}

static void
destroy_twice(void)
{

	rw_init(&rw);
	rw_destroy(&rw);
	rw_destroy(&rw);
}

static void
read_destroyed(void)
{

	rw_init(&rw);
	rw_destroy(&rw);
	rw_enter(&rw, RW_READER);
}

static void
write_destroyed(void)
{

	rw_init(&rw);
	rw_destroy(&rw);
	rw_enter(&rw, RW_WRITER);
}

static void
try_destroyed(void)
{

	rw_init(&rw);
	rw_destroy(&rw);
	(void)rw_tryenter(&rw, RW_READER);
}

static void
upgrade_free(void)
{

	rw_init(&rw);
	(void)rw_tryupgrade(&rw);
}

static void
upgrade_written(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_WRITER);
	(void)rw_tryupgrade(&rw);
}

static void
downgrade_free(void)
{

	rw_init(&rw);
	rw_downgrade(&rw);
}

static void
downgrade_read(void)
{

	rw_init(&rw);
	rw_enter(&rw, RW_READER);
	rw_downgrade(&rw);
}

static void
op_free(void)
{

	rw_init(&rw);
	(void)rw_lock_op(&rw);
}

TEST_TC(misuse, "each misuse panics and names itself")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(write_twice, "rw_enter: ", "locking against myself",
	    NULL);
	test_panics(read_after_write, "rw_enter: ", "locking against myself",
	    NULL);
	test_panics(exit_free, "rw_exit: ", "not held", NULL);
	test_panics(exit_by_other, "rw_exit: ", "not held", NULL);
	test_panics(destroy_written, "rw_destroy: ", "is held", NULL);
	test_panics(destroy_read, "rw_destroy: ", "is held", NULL);
	test_panics(destroy_twice, "rw_destroy: ", "is destroyed", NULL);
	test_panics(read_destroyed, "rw_enter: ", "is destroyed", NULL);
	test_panics(write_destroyed, "rw_enter: ", "is destroyed", NULL);
	test_panics(try_destroyed, "rw_tryenter: ", "is destroyed", NULL);
	test_panics(upgrade_free, "rw_tryupgrade: ", "not held to read",
	    NULL);
	test_panics(upgrade_written, "rw_tryupgrade: ", "not held to read",
	    NULL);
	test_panics(downgrade_free, "rw_downgrade: ", "not held to write",
	    NULL);
	test_panics(downgrade_read, "rw_downgrade: ", "not held to write",
	    NULL);
	test_panics(op_free, "rw_lock_op: ", "not held", NULL);
}

static int
enter_in_handler(void *arg)
{

	(void)arg;
	rw_enter(&rw, RW_READER);
	rw_exit(&rw);
	return 1;
}

static int
tryenter_in_handler(void *arg)
{

	(void)arg;
	if (rw_tryenter(&rw, RW_WRITER))
		rw_exit(&rw);
	return 1;
}

static void
enter_in_interrupt(void)
{

	rw_init(&rw);
	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE, enter_in_handler,
	    NULL));
}

static void
tryenter_in_interrupt(void)
{

	rw_init(&rw);
	intr_inject(intr_establish(0, IPL_VM, INTR_MPSAFE,
	    tryenter_in_handler, NULL));
}

static void
enter_at_soft_level(void)
{
	int s;

	rw_init(&rw);
	s = splsoftserial();
	rw_enter(&rw, RW_WRITER);
	rw_exit(&rw);
	splx(s);
}

TEST_TC(checked_context, "checking: the lock in an interrupt panics, held or "
    "not; at a soft level it does not")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(enter_in_interrupt, "rw_enter: ", "in interrupt context",
	    NULL);
	test_panics(tryenter_in_interrupt, "rw_tryenter: ",
	    "in interrupt context", NULL);
	test_lives(enter_at_soft_level);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, holding);
	ATF_TP_ADD_TC(tp, upgrade);
	ATF_TP_ADD_TC(tp, exclusion);
	ATF_TP_ADD_TC(tp, checked_exclusion);
	ATF_TP_ADD_TC(tp, writer_gets_it);
	ATF_TP_ADD_TC(tp, reader_gets_it);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, downgrade_lets_in);
	ATF_TP_ADD_TC(tp, freed_by_last);
	ATF_TP_ADD_TC(tp, kernel_lock_dropped);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checked_context);
	return atf_no_error();
}
