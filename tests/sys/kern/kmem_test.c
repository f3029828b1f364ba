/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kmem(9).
 */

#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include "../../tests.h"
#include "memory.h"
#include "spin_malloc.h"

/* Run a function as an interrupt. */
static int (*intr_func)(void);
static int intr_result;

static int
intr_handler(void *arg)
{

	(void)arg;
	intr_result = (*intr_func)();
	return 1;
}

static int
in_interrupt(int (*func)(void))
{
	void *ih;

	ih = intr_establish(0, IPL_VM, INTR_MPSAFE, intr_handler, NULL);
	if (ih == NULL)
		return -1;
	intr_func = func;
	intr_result = -1;
	/* With a CPU, the handler runs at once. */
	kpreempt_disable();
	intr_inject(ih);
	kpreempt_enable();
	intr_disestablish(ih);
	return intr_result;
}

/* Run a function as a soft interrupt. */
static sem_t soft_done;

static void
soft_handler(void *arg)
{

	(void)arg;
	intr_result = (*intr_func)();
	sem_post(&soft_done);
}

static int
in_softint(int (*func)(void))
{
	void *sih;

	sih = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE, soft_handler,
	    NULL);
	if (sih == NULL)
		return -1;
	sem_init(&soft_done, 0, 0);
	intr_func = func;
	softint_schedule(sih);
	test_sem_wait(&soft_done);
	softint_disestablish(sih);
	return intr_result;
}

static void
sizes(void)
{
	static const size_t list[] = { 1, 2, 7, 8, 9, 31, 32, 33, 100, 4095,
	    4096, 4097, 100000, 3000000 };
	unsigned char *p[TEST_NELEM(list)];
	size_t i;

	for (i = 0; i < TEST_NELEM(list); i++) {
		p[i] = i % 2 == 0 ? kmem_alloc(list[i], KM_SLEEP) :
		    kmem_zalloc(list[i], KM_NOSLEEP);
		ATF_REQUIRE(p[i] != NULL);
		TEST_EQ(0, (uintptr_t)p[i] % _Alignof(max_align_t));
		ATF_REQUIRE(i % 2 == 0 || filled(p[i], 0, list[i]));
		memset(p[i], (int)i + 1, list[i]);
	}
	for (i = 0; i < TEST_NELEM(list); i++) {
		ATF_REQUIRE(filled(p[i], (int)i + 1, list[i]));
		kmem_free(p[i], list[i]);
	}
}

TEST_TC(alloc, "memory of any size is aligned, apart, and zeroed if asked")
{

	test_env("WORKQUEUE_CHECK", NULL);
	sizes();
}

TEST_TC(alloc_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	sizes();
}

TEST_TC(text, "texts are formatted and copied, and kmem_strfree() frees them")
{
	size_t size;
	char *s;

	test_env("WORKQUEUE_CHECK", "1");
	s = kmem_asprintf("%s-%d-%#lx", "abc", -7, 0x123UL);
	ATF_REQUIRE_STREQ("abc--7-0x123", s);
	kmem_free(s, strlen(s) + 1);
	s = kmem_asprintf("%s", "");
	ATF_REQUIRE_STREQ("", s);
	kmem_strfree(s);
	size = 0;
	s = kmem_strdupsize("seven c", &size, KM_SLEEP);
	ATF_REQUIRE_STREQ("seven c", s);
	TEST_EQ(8, size);
	kmem_free(s, size);
	s = kmem_strdup("again", KM_NOSLEEP);
	ATF_REQUIRE_STREQ("again", s);
	kmem_strfree(s);
	s = kmem_strndup("again", 3, KM_SLEEP);
	ATF_REQUIRE_STREQ("aga", s);
	kmem_strfree(s);
	s = kmem_strndup("again", 100, KM_SLEEP);
	ATF_REQUIRE_STREQ("again", s);
	kmem_strfree(s);
	kmem_strfree(NULL);
}

TEST_TC(tmpbuf, "a buffer on the stack is used if it is large enough")
{
	char buf[32], *p;

	test_env("WORKQUEUE_CHECK", "1");
	p = kmem_tmpbuf_alloc(sizeof(buf), buf, sizeof(buf), KM_SLEEP);
	ATF_REQUIRE(p == buf);
	kmem_tmpbuf_free(p, sizeof(buf), buf);
	p = kmem_tmpbuf_alloc(sizeof(buf) + 1, buf, sizeof(buf), KM_SLEEP);
	ATF_REQUIRE(p != NULL && p != buf);
	memset(p, 1, sizeof(buf) + 1);
	kmem_tmpbuf_free(p, sizeof(buf) + 1, buf);
}

TEST_TC(toomuch, "KM_NOSLEEP returns NULL for impossible sizes")
{

	ATF_REQUIRE(kmem_alloc(SIZE_MAX, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_alloc(SIZE_MAX / 2, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_zalloc(SIZE_MAX - 8, KM_NOSLEEP) == NULL);
	ATF_REQUIRE(kmem_intr_alloc(SIZE_MAX, KM_NOSLEEP) == NULL);
}

/*
 * Interrupt context.
 */
#define	NHELD	20000

static void *held[NHELD];
static int nheld;

static int
intr_exhaust(void)
{

	for (nheld = 0; nheld < NHELD; nheld++) {
		held[nheld] = kmem_intr_zalloc(100, KM_NOSLEEP);
		if (held[nheld] == NULL)
			return nheld;
		if (!filled(held[nheld], 0, 100))
			return -2;
		memset(held[nheld], 1, 100);
	}
	/*
	 * The reserve never ran out, because the helper on another CPU was fast
	 * enough.
	 */
	return nheld;
}

static int
intr_freeall(void)
{
	int i;

	for (i = 0; i < nheld; i++)
		kmem_intr_free(held[i], 100);
	return 0;
}

static int
intr_large(void)
{

	return kmem_intr_alloc(100000, KM_NOSLEEP) == NULL;
}

static void
interrupt(void)
{
	void *p;
	int i, n, round;

	for (round = 0; round < 3; round++) {
		n = in_interrupt(intr_exhaust);
		ATF_REQUIRE_MSG(n >= 16, "only %d pieces", n);
		TEST_EQ(1, in_interrupt(intr_large));
		/* A thread can still allocate, and may free these pieces. */
		p = kmem_intr_alloc(100, KM_NOSLEEP);
		ATF_REQUIRE(p != NULL);
		kmem_intr_free(p, 100);
		if (round == 1)
			(void)intr_freeall();
		else
			TEST_EQ(0, in_interrupt(intr_freeall));
	}
	/* Interrupts may free what threads have allocated. */
	nheld = 100;
	for (i = 0; i < nheld; i++)
		held[i] = i % 2 == 0 ? kmem_intr_alloc(100, KM_SLEEP) :
		    kmem_alloc(100, KM_SLEEP);
	TEST_EQ(0, in_interrupt(intr_freeall));
	kmem_free(kmem_alloc(1, KM_SLEEP), 1);
}

TEST_TC(intr, "kmem_intr_alloc() in interrupt context uses a limited reserve")
{

	test_env("WORKQUEUE_CHECK", NULL);
	interrupt();
}

TEST_TC(intr_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	interrupt();
}

/*
 * Misuse that panics in both modes.
 */
static void
size_0(void)
{

	(void)kmem_alloc(0, KM_SLEEP);
}

static void
flags_none(void)
{

	(void)kmem_alloc(1, 0);
}

static void
flags_both(void)
{

	(void)kmem_zalloc(1, KM_SLEEP | KM_NOSLEEP);
}

static void
free_null(void)
{

	kmem_free(NULL, 1);
}

static void
never(void)
{

	(void)kmem_alloc(SIZE_MAX / 2, KM_SLEEP);
}

static int
intr_sleep_func(void)
{

	(void)kmem_intr_alloc(1, KM_SLEEP);
	return 0;
}

static void
intr_sleep(void)
{

	(void)in_interrupt(intr_sleep_func);
}

TEST_TC(misuse, "size 0, wrong flags, NULL and impossible sizes panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(size_0, "kmem_alloc: size 0", NULL);
	test_panics(flags_none, "kmem_alloc: flags 0", NULL);
	test_panics(flags_both, "kmem_zalloc: flags 0x3", NULL);
	test_panics(free_null, "kmem_free: NULL", NULL);
	test_panics(never, "kmem_alloc: ", "can never be allocated", NULL);
	test_panics(intr_sleep, "kmem_intr_alloc: waiting for memory in "
	    "interrupt context", NULL);
}

/*
 * Misuse that panics in checking mode.
 */
static void
size_mismatch(void)
{

	kmem_free(kmem_alloc(24, KM_SLEEP), 32);
}

static void
strfree_cut(void)
{
	char *s;

	s = kmem_strdup("longer", KM_SLEEP);
	s[2] = '\0';
	kmem_strfree(s);
}

static void
double_free(void)
{
	void *p;

	p = kmem_alloc(24, KM_SLEEP);
	kmem_free(p, 24);
	kmem_free(p, 24);
}

static void
wrong_pointer(void)
{
	char *p;

	p = kmem_zalloc(100, KM_SLEEP);
	kmem_free(p + 48, 52);
}

static void
overrun(void)
{
	volatile char *p;

	p = kmem_alloc(25, KM_SLEEP);
	p[25] = 1;
	kmem_free((void *)(uintptr_t)p, 25);
}

static void
late_write(void)
{
	volatile char *p;
	int i;

	p = kmem_alloc(24, KM_SLEEP);
	kmem_free((void *)(uintptr_t)p, 24);
	p[3] = 1;
	for (i = 0; i < 1000; i++)
		kmem_free(kmem_alloc(24, KM_SLEEP), 24);
}

static int
alloc_func(void)
{

	(void)kmem_alloc(1, KM_NOSLEEP);
	return 0;
}

static void *to_free;

static int
free_func(void)
{

	kmem_free(to_free, 1);
	return 0;
}

static void
alloc_intr(void)
{

	(void)in_interrupt(alloc_func);
}

static void
free_intr(void)
{

	to_free = kmem_alloc(1, KM_SLEEP);
	(void)in_interrupt(free_func);
}

static void
alloc_softint(void)
{

	(void)in_softint(alloc_func);
}

static void
alloc_ipl_nosleep(void)
{
	int s;

	s = splvm();
	kmem_intr_free(kmem_intr_alloc(1, KM_NOSLEEP), 1);
	splx(s);
}

TEST_TC(checking, "checking mode finds size, double free, overrun and context "
    "errors")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(size_mismatch, "kmem_free: size mismatch: 0x",
	    "allocated 24 freed 32", "allocated at ", NULL);
	test_panics(strfree_cut, "kmem_strfree: size mismatch",
	    "allocated 7 freed 3", NULL);
	test_panics(double_free, "kmem_free: 0x", "is free already",
	    "allocated at ", NULL);
	test_panics(wrong_pointer, "kmem_free: 0x", "was not allocated", NULL);
	test_panics(overrun, "kmem_free: 0x",
	    "was written beyond its 25 bytes", NULL);
	test_panics(alloc_intr, "kmem_alloc: called in interrupt context",
	    NULL);
	test_panics(free_intr, "kmem_free: called in interrupt context", NULL);
	test_panics(alloc_softint, "kmem_alloc: called in softint context",
	    NULL);
	test_lives(alloc_ipl_nosleep);
}

TEST_TC(late, "checking mode finds a write after kmem_free()")
{
#ifdef TEST_ASAN
	struct test_child tc;
#endif

	test_env("WORKQUEUE_CHECK", "1");
#ifdef TEST_ASAN
	test_child(&tc, late_write);
	ATF_REQUIRE(tc.tc_status != 0);
	ATF_REQUIRE(strstr(tc.tc_err, "use-after-poison") != NULL);
#else
	test_panics(late_write, "was written to after it was freed",
	    "24 bytes", NULL);
#endif
}

/*
 * In a child of fork().
 */
static void *
churn(void *arg)
{
	void *p;

	(void)arg;
	while (!atomic_load(&stop)) {
		p = kmem_alloc(64, KM_SLEEP);
		kmem_free(p, 64);
	}
	return NULL;
}

static void
use(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		kmem_free(kmem_alloc(64, KM_SLEEP), 64);
	(void)in_interrupt(intr_exhaust);
	(void)in_interrupt(intr_freeall);
}

TEST_TC(fork, "kmem works in a child, whatever other threads were doing")
{

	test_env("WORKQUEUE_CHECK", "1");
	memory_forks(churn, use);
}

/*
 * Under a spin mutex: see spin_malloc.h.
 */
static void *
spin_intr_alloc(void)
{

	return kmem_intr_alloc(500, KM_NOSLEEP);
}

static void
spin_intr_free(void *p)
{

	kmem_intr_free(p, 500);
}

static struct spin_memory spin_memory = {
	spin_intr_alloc, spin_intr_free, 500, SPIN_BATCH
};

TEST_TC(spin, "kmem_intr_alloc() works under a spin mutex that a handler takes")
{

	test_env("WORKQUEUE_CHECK", NULL);
	spin_run(&spin_memory);
}

TEST_TC(spin_checking, "the same in checking mode")
{

	test_env("WORKQUEUE_CHECK", "1");
	spin_run(&spin_memory);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, alloc);
	ATF_TP_ADD_TC(tp, alloc_checking);
	ATF_TP_ADD_TC(tp, text);
	ATF_TP_ADD_TC(tp, tmpbuf);
	ATF_TP_ADD_TC(tp, toomuch);
	ATF_TP_ADD_TC(tp, intr);
	ATF_TP_ADD_TC(tp, intr_checking);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checking);
	ATF_TP_ADD_TC(tp, late);
	ATF_TP_ADD_TC(tp, spin);
	ATF_TP_ADD_TC(tp, spin_checking);
	ATF_TP_ADD_TC(tp, fork);
	return atf_no_error();
}
