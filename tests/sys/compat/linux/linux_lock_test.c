/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Spin locks, reader-writer spin locks, mutexes and semaphores of Linux.
 */

#define	TEST_OTHERLIB
#include "../../../tests.h"

#include <asm/semaphore.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define	THREADS	4
#define	ROUNDS	TEST_SCALE(20000)

static spinlock_t old_lock = SPIN_LOCK_UNLOCKED;
static DEFINE_SPINLOCK(lock);
static DEFINE_SPINLOCK(inner);
static DEFINE_RWLOCK(rw);
static DEFINE_MUTEX(mtx);
static DEFINE_SEMAPHORE(sem);
static DEFINE_SEMAPHORE(sem3, 3);
static DECLARE_MUTEX_LOCKED(closed);

static atomic_int arrived;
static int device;

/* The interrupt handler; the interrupt is a signal. */
static irqreturn_t
handler(int irq, void *dev)
{

	if (irq == SIGUSR1 && dev == &device)
		atomic_fetch_add(&arrived, 1);
	return IRQ_HANDLED;
}

static void
establish(void)
{

	atomic_store(&arrived, 0);
	TEST_EQ(0, request_irq(SIGUSR1, handler, 0, "test", &device));
}

/* Send this thread a signal, and return how many have been served. */
static int
interrupt(void)
{

	raise(SIGUSR1);
	return atomic_load(&arrived);
}

TEST_TC(irqsave, "spin_lock_irqsave blocks interrupts of this thread, even "
    "with nested locks; the last restore permits them")
{
	unsigned long flags, more;

	establish();
	TEST_EQ(1, interrupt());
	TEST_EQ(0, irqs_disabled());
	spin_lock_irqsave(&lock, flags);
	TEST_EQ(1, irqs_disabled());
	TEST_EQ(1, interrupt());
	spin_lock_irqsave(&inner, more);
	TEST_EQ(1, interrupt());
	spin_unlock_irqrestore(&inner, more);
	TEST_EQ(1, atomic_load(&arrived));
	spin_unlock_irqrestore(&lock, flags);
	TEST_EQ(3, atomic_load(&arrived));
	TEST_EQ(4, interrupt());

	local_irq_save(flags);
	TEST_EQ(4, interrupt());
	spin_lock(&lock);
	spin_unlock_irqrestore(&lock, flags);
	TEST_EQ(5, atomic_load(&arrived));

	spin_lock_irqsave(&lock, flags);
	spin_unlock(&lock);
	local_irq_restore(flags);
	TEST_EQ(6, interrupt());

	local_irq_save(flags);
	local_irq_save(more);
	local_irq_restore(more);
	TEST_EQ(6, interrupt());
	local_irq_restore(flags);
	TEST_EQ(7, atomic_load(&arrived));
	ATF_REQUIRE(free_irq(SIGUSR1, &device) != NULL);
}

TEST_TC(irq, "spin_unlock_irq and local_irq_enable permit interrupts, "
    "whatever the former level")
{
	unsigned long flags;

	establish();
	spin_lock_irq(&lock);
	TEST_EQ(0, interrupt());
	spin_unlock_irq(&lock);
	TEST_EQ(1, atomic_load(&arrived));
	local_irq_disable();
	spin_lock(&lock);
	TEST_EQ(1, interrupt());
	spin_unlock_irq(&lock);
	TEST_EQ(2, atomic_load(&arrived));
	local_irq_disable();
	TEST_EQ(2, interrupt());
	local_irq_enable();
	TEST_EQ(3, atomic_load(&arrived));
	TEST_EQ(1, spin_trylock_irqsave(&lock, flags));
	TEST_EQ(3, interrupt());
	TEST_EQ(1, spin_is_locked(&lock));
	assert_spin_locked(&lock);
	lockdep_assert_held(&lock);
	spin_unlock_irqrestore(&lock, flags);
	TEST_EQ(0, spin_is_locked(&lock));
	TEST_EQ(4, atomic_load(&arrived));

	write_lock_irqsave(&rw, flags);
	TEST_EQ(4, interrupt());
	write_unlock_irqrestore(&rw, flags);
	TEST_EQ(5, atomic_load(&arrived));
	read_lock_irq(&rw);
	TEST_EQ(5, interrupt());
	read_unlock_irq(&rw);
	TEST_EQ(6, atomic_load(&arrived));
	ATF_REQUIRE(free_irq(SIGUSR1, &device) != NULL);
}

static int shared, hands;

static irqreturn_t
sharer(int irq, void *dev)
{
	unsigned long flags;

	(void)irq;
	spin_lock_irqsave(&lock, flags);
	(*(int *)dev)++;
	spin_unlock_irqrestore(&lock, flags);
	return IRQ_HANDLED;
}

static void *
spinner(void *arg)
{
	unsigned long flags;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		spin_lock_irqsave(&lock, flags);
		shared++;
		if (arg != NULL && i % 16 == 0)
			raise(SIGUSR1);
		spin_unlock_irqrestore(&lock, flags);
		spin_lock_bh(&old_lock);
		hands++;
		spin_unlock_bh(&old_lock);
	}
	return NULL;
}

static int
shared_now(void)
{
	unsigned long flags;
	int n;

	spin_lock_irqsave(&lock, flags);
	n = shared;
	spin_unlock_irqrestore(&lock, flags);
	return n;
}

TEST_TC(spin, "a spin lock excludes threads and their handlers: no count is "
    "lost, and nothing deadlocks")
{
	pthread_t t[THREADS];
	int i;

	TEST_EQ(0, request_irq(SIGUSR1, sharer, 0, "test", &shared));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, spinner, &shared));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	/* An interrupt thread may have to serve the last ones. */
	TEST_AWAIT(shared_now() == THREADS * (ROUNDS + (ROUNDS + 15) / 16));
	ATF_REQUIRE(free_irq(SIGUSR1, &shared) != NULL);
	TEST_EQ(THREADS * ROUNDS, hands);
}

static atomic_int readers, most, writers;

static void *
reader(void *arg)
{
	int i, n;

	(void)arg;
	for (i = 0; i < ROUNDS / 10; i++) {
		read_lock(&rw);
		n = atomic_fetch_add(&readers, 1) + 1;
		if (n > atomic_load(&most))
			atomic_store(&most, n);
		if (atomic_load(&writers) != 0)
			abort();
		/* Read locks nest. */
		read_lock(&rw);
		n = shared;
		read_unlock(&rw);
		if (n < 0)
			abort();
		atomic_fetch_sub(&readers, 1);
		read_unlock(&rw);
	}
	return NULL;
}

static void *
writer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS / 10; i++) {
		write_lock(&rw);
		if (atomic_fetch_add(&writers, 1) != 0 ||
		    atomic_load(&readers) != 0)
			abort();
		shared++;
		atomic_fetch_sub(&writers, 1);
		write_unlock(&rw);
	}
	return NULL;
}

TEST_TC(rwlock, "readers share, a writer is alone")
{
	pthread_t t[THREADS];
	int i;

	shared = 0;
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL,
		    i % 2 == 0 ? reader : writer, NULL));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	TEST_EQ(THREADS / 2 * (ROUNDS / 10), shared);
	TEST_EQ(1, read_trylock(&rw));
	TEST_EQ(1, read_trylock(&rw));
	TEST_EQ(0, write_trylock(&rw));
	read_unlock(&rw);
	read_unlock(&rw);
	TEST_EQ(1, write_trylock(&rw));
	TEST_EQ(0, read_trylock(&rw));
	TEST_EQ(0, write_trylock(&rw));
	write_unlock(&rw);
}

static void *
other(void *arg)
{

	*(int *)arg = mutex_trylock(&mtx);
	return NULL;
}

static int
try_elsewhere(void)
{
	pthread_t t;
	int got = -1;

	TEST_EQ(0, pthread_create(&t, NULL, other, &got));
	TEST_EQ(0, pthread_join(t, NULL));
	return got;
}

static void *
mutexer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		mutex_lock(&mtx);
		shared++;
		mutex_unlock(&mtx);
	}
	return NULL;
}

TEST_TC(mutex, "a mutex excludes, and can be tested")
{
	struct mutex made;
	pthread_t t[THREADS];
	int i;

	ATF_REQUIRE(!mutex_is_locked(&mtx));
	mutex_lock(&mtx);
	ATF_REQUIRE(mutex_is_locked(&mtx));
	lockdep_assert_held(&mtx);
	TEST_EQ(0, try_elsewhere());
	mutex_unlock(&mtx);
	TEST_EQ(0, mutex_lock_interruptible(&mtx));
	mutex_unlock(&mtx);
	shared = 0;
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, mutexer, NULL));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	TEST_EQ(THREADS * ROUNDS, shared);
	/* An initialised mutex is free, whatever its memory held. */
	memset(&made, 0x5a, sizeof(made));
	mutex_init(&made);
	ATF_REQUIRE(!mutex_is_locked(&made));
	TEST_EQ(1, mutex_trylock(&made));
	mutex_unlock(&made);
	mutex_destroy(&made);
}

TEST_TC(same, "a declared lock is the same as an initialised one")
{
	static spinlock_t made;
	spinlock_t assigned;
	static struct semaphore one;

	spin_lock_init(&made);
	TEST_EQ(0, memcmp(&made, &lock, sizeof(made)));
	assigned = SPIN_LOCK_UNLOCKED;
	spin_lock(&assigned);
	TEST_EQ(0, spin_trylock(&assigned));
	spin_unlock(&assigned);
	sema_init(&one, 1);
	TEST_EQ(0, memcmp(&one.__se_lock, &sem.__se_lock,
	    sizeof(one.__se_lock)));
	TEST_EQ(0, down_trylock(&one));
	TEST_EQ(1, down_trylock(&one));
	init_MUTEX_LOCKED(&one);
	TEST_EQ(1, down_trylock(&one));
}

static void *
downer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		down(&sem);
		shared++;
		up(&sem);
	}
	down(&closed);
	return NULL;
}

static irqreturn_t
upper(int irq, void *dev, struct pt_regs *regs)
{

	(void)irq;
	ATF_REQUIRE(regs == NULL);
	up(dev);
	return IRQ_HANDLED;
}

TEST_TC(semaphore, "as many threads pass as the count and up() permit; a "
    "handler may call up()")
{
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < 3; i++)
		TEST_EQ(0, down_trylock(&sem3));
	TEST_EQ(1, down_trylock(&sem3));
	TEST_EQ(-ETIME, down_timeout(&sem3, 2));
	up(&sem3);
	TEST_EQ(0, down_timeout(&sem3, 2));
	up(&sem3);
	TEST_EQ(0, down_interruptible(&sem3));
	shared = 0;
	TEST_EQ(0, request_irq(SIGUSR1, upper, 0, "test", &closed));
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_create(&t[i], NULL, downer, NULL));
	for (i = 0; i < THREADS; i++)
		raise(SIGUSR1);
	for (i = 0; i < THREADS; i++)
		TEST_EQ(0, pthread_join(t[i], NULL));
	TEST_EQ(THREADS * ROUNDS, shared);
	free_irq(SIGUSR1, &closed);
}

static void
twice(void)
{

	spin_lock(&lock);
	spin_lock(&lock);
}

static void
not_held(void)
{

	spin_unlock(&lock);
}

static void
mutex_twice(void)
{

	mutex_lock(&mtx);
	mutex_lock(&mtx);
}

static void
no_reader(void)
{

	read_unlock(&rw);
}

static void
no_writer(void)
{

	read_lock(&rw);
	write_unlock(&rw);
}

static void
returns_held(struct work_struct *w)
{

	(void)w;
	spin_lock(&lock);
}

static void
work_holds(void)
{
	struct work_struct w;

	INIT_WORK(&w, returns_held);
	schedule_work(&w);
	flush_work(&w);
}

TEST_TC(misuse, "locking twice, releasing a free lock, and returning with a "
    "spin lock panic")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_aborts(twice, "locking against myself", NULL);
	test_aborts(mutex_twice, "locking against myself", NULL);
	test_aborts(not_held, "not held", NULL);
	test_aborts(no_reader, "read_unlock: rwlock", "not held by a reader",
	    NULL);
	test_aborts(no_writer, "write_unlock: rwlock", "not held by a writer",
	    NULL);
	test_aborts(work_holds, "pool ", " returned ", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, irqsave);
	ATF_TP_ADD_TC(tp, irq);
	ATF_TP_ADD_TC(tp, spin);
	ATF_TP_ADD_TC(tp, rwlock);
	ATF_TP_ADD_TC(tp, mutex);
	ATF_TP_ADD_TC(tp, same);
	ATF_TP_ADD_TC(tp, semaphore);
	ATF_TP_ADD_TC(tp, misuse);
	return atf_no_error();
}
