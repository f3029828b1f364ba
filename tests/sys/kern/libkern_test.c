/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Small functions of the kernel's headers: bits, bytes, rounding, times,
 * strings, random numbers, callback(9), ASSERT_SLEEPABLE(9).
 */

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/bitops.h>
#include <sys/callback.h>
#include <sys/container_of.h>
#include <sys/cprng.h>
#include <sys/endian.h>
#include <sys/intr.h>
#include <sys/proc.h>
#include <sys/time.h>

#include "../../tests.h"

TEST_TC(bits, "bit operations")
{
	int i;

	TEST_EQ(0, ffs32(0));
	TEST_EQ(0, fls32(0));
	TEST_EQ(0, ffs64(0));
	TEST_EQ(0, fls64(0));
	for (i = 0; i < 64; i++) {
		if (i < 32) {
			TEST_EQ(i + 1, ffs32(UINT32_C(0xffffffff) << i));
			TEST_EQ(i + 1, fls32(UINT32_C(0xffffffff) >> (31 - i)));
			TEST_EQ(i, ilog2(UINT32_C(1) << i));
		}
		TEST_EQ(i + 1, ffs64(~UINT64_C(0) << i));
		TEST_EQ(i + 1, fls64(~UINT64_C(0) >> (63 - i)));
		TEST_EQ(i, ilog2(UINT64_C(1) << i));
		ATF_REQUIRE(__BIT(i) == UINT64_C(1) << i);
	}
	ATF_REQUIRE(__BIT(64) == 0);
	ATF_REQUIRE(__BITS(63, 0) == UINT64_MAX);
	ATF_REQUIRE(__BITS(7, 4) == 0xf0 && __BITS(4, 7) == 0xf0);
	ATF_REQUIRE(__SHIFTIN(5, __BITS(7, 4)) == 0x50);
	ATF_REQUIRE(__SHIFTOUT(0xa5, __BITS(7, 4)) == 0xa);
	ATF_REQUIRE(popcount32(0xf0f0) == 8 && popcount64(~0ULL) == 64);
	ATF_REQUIRE(__type_max(int8_t) == 127 && __type_min(int8_t) == -128);
	ATF_REQUIRE(__type_max(uint64_t) == UINT64_MAX);
	ATF_REQUIRE(__type_min(int64_t) == INT64_MIN);
	ATF_REQUIRE(__type_fit(uint8_t, 255) && !__type_fit(uint8_t, 256));
	ATF_REQUIRE(__type_fit(int8_t, -128) && !__type_fit(int8_t, 128));
}

TEST_TC(bytes, "byte order functions work at any address")
{
	unsigned char b[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, c[9];

	ATF_REQUIRE(be16dec(b + 1) == 0x0102 && le16dec(b + 1) == 0x0201);
	ATF_REQUIRE(be32dec(b + 1) == 0x01020304);
	ATF_REQUIRE(le32dec(b + 1) == 0x04030201);
	ATF_REQUIRE(be64dec(b + 1) == UINT64_C(0x0102030405060708));
	ATF_REQUIRE(le64dec(b + 1) == UINT64_C(0x0807060504030201));
	be64enc(c + 1, be64dec(b + 1));
	TEST_EQ(0, memcmp(b + 1, c + 1, 8));
	le64enc(c + 1, le64dec(b + 1));
	TEST_EQ(0, memcmp(b + 1, c + 1, 8));
	be32enc(c + 1, 0x01020304);
	le16enc(c + 5, 0x0605);
	TEST_EQ(0, memcmp(b + 1, c + 1, 6));
	ATF_REQUIRE(bswap32(0x01020304) == 0x04030201);
	ATF_REQUIRE(be16toh(htobe16(0x1234)) == 0x1234);
}

TEST_TC(rounding, "rounding, counting, minimum and maximum are exact")
{

	TEST_EQ(16, roundup(13, 8));
	TEST_EQ(15, roundup(13, 5));
	TEST_EQ(10, rounddown(13, 5));
	TEST_EQ(16, roundup2(13, 8));
	TEST_EQ(16, roundup2(16, 8));
	TEST_EQ(0, roundup2(0, 8));
	TEST_EQ(8, rounddown2(13, 8));
	ATF_REQUIRE(rounddown2(UINT64_MAX, 4096) == UINT64_MAX - 4095);
	TEST_EQ(3, howmany(13, 5));
	ATF_REQUIRE(powerof2(64) && !powerof2(65));
	TEST_EQ(-3, imin(-3, 2));
	TEST_EQ(2, imax(-3, 2));
	ATF_REQUIRE(uimin(-1, 2) == 2 && ulmax(ULONG_MAX, 2) == ULONG_MAX);
	ATF_REQUIRE(min(3, 4) == 3 && max(3, 4) == 4 && lmin(-1, 1) == -1);
	ATF_REQUIRE(round_page(1) == PAGE_SIZE && trunc_page(4097) == 4096);
	ATF_REQUIRE(ALIGN(1) == ALIGNBYTES + 1);
	ATF_REQUIRE(COHERENCY_UNIT == coherency_unit && MAXCOMLEN == 16);
	TEST_EQ(hz, (int)mstohz(1000));
	TEST_EQ(1000, (int)hztoms(hz));
	TEST_EQ(3, (int)__arraycount(((int[]){ 1, 2, 3 })));
}

TEST_TC(times, "arithmetic on times")
{
	struct timespec a = { 1, 900000000 }, b = { 2, 200000000 }, c;
	struct bintime bt, bt2;
	struct timeval tv;

	timespecadd(&a, &b, &c);
	ATF_REQUIRE(c.tv_sec == 4 && c.tv_nsec == 100000000);
	timespecsub(&b, &a, &c);
	ATF_REQUIRE(c.tv_sec == 0 && c.tv_nsec == 300000000);
	ATF_REQUIRE(timespeccmp(&a, &b, <) && !timespeccmp(&a, &a, !=));
	ATF_REQUIRE(timespec2ns(&a) == 1900000000);
	timespec2bintime(&a, &bt);
	timespec2bintime(&b, &bt2);
	bintime_add(&bt, &bt2);
	bintime2timeval(&bt, &tv);
	ATF_REQUIRE(tv.tv_sec == 4 && tv.tv_usec / 10 == 9999);
	bintime_sub(&bt, &bt2);
	bintime2timespec(&bt, &c);
	ATF_REQUIRE(c.tv_sec == 1 && c.tv_nsec / 1000 == 899999);
	timeval2bintime(&tv, &bt2);
	ATF_REQUIRE(bintimecmp(&bt, &bt2, <));
	bt = ms2bintime(2500);
	ATF_REQUIRE(bt.sec == 2 && bt.frac == (uint64_t)1 << 63);
	TEST_EQ(2500, bintime2ms(&bt));
	bt = us2bintime(1000003);
	ATF_REQUIRE(bt.sec == 1);
	ATF_REQUIRE(bintime2us(&bt) - 1000002 <= 1);
	bt = ns2bintime(UINT64_C(7999999999));
	ATF_REQUIRE(bt.sec == 7);
	ATF_REQUIRE(bintime2ns(&bt) - UINT64_C(7999999998) <= 1);
	bt2 = *DEFAULT_TIMEOUT_EPSILON;
	TEST_EQ(999, bintime2us(&bt2));
}

TEST_TC(strings, "strlcpy and its like")
{
	char buf[8];

	TEST_EQ(3, strlcpy(buf, "abc", sizeof(buf)));
	TEST_EQ(6, strlcat(buf, "def", sizeof(buf)));
	ATF_REQUIRE_STREQ("abcdef", buf);
	TEST_EQ(12, strlcat(buf, "ghijkl", sizeof(buf)));
	ATF_REQUIRE_STREQ("abcdefg", buf);
	TEST_EQ(10, strlcpy(buf, "0123456789", sizeof(buf)));
	ATF_REQUIRE_STREQ("0123456", buf);
	TEST_EQ(5, strlcpy(buf, "xxxxx", 0));
	TEST_EQ(7, strlcat(buf, "xxxxx", 2));
	ATF_REQUIRE_STREQ("0123456", buf);
	ATF_REQUIRE(consttime_memequal("abc", "abc", 3));
	ATF_REQUIRE(!consttime_memequal("abc", "abd", 3));
	ATF_REQUIRE(consttime_memequal("abc", "abd", 2));
	explicit_memset(buf, 0, sizeof(buf));
	TEST_EQ(0, buf[0] | buf[7]);
	TEST_EQ(ENODEV, enodev());
	TEST_EQ(EPASSTHROUGH, enoioctl());
	TEST_EQ(0, nullop(NULL));
}

TEST_TC(random_numbers, "cprng returns different numbers each time")
{
	uint64_t a[2] = { 0, 0 }, b[2] = { 0, 0 };

	ATF_REQUIRE(cprng_fast64() != cprng_fast64());
	ATF_REQUIRE(cprng_strong64() != cprng_strong64());
	TEST_EQ(sizeof(a), cprng_strong(kern_cprng, a, sizeof(a), 0));
	TEST_EQ(sizeof(b) - 1, cprng_fast(b, sizeof(b) - 1));
	ATF_REQUIRE(a[0] != 0 && a[1] != 0 && b[0] != 0 && b[1] != 0);
	TEST_EQ(0, ((unsigned char *)b)[sizeof(b) - 1]);
	(void)cprng_fast32();
	(void)cprng_strong32();
}

static struct proc *kt_proc;

static void
in_child(void)
{

	if (curproc->p_pid != getpid() || curlwp->l_proc != curproc)
		_exit(1);
}

TEST_TC(process, "proc0 is this process, also after a fork")
{

	kt_proc = curproc;
	TEST_EQ(getpid(), curproc->p_pid);
	ATF_REQUIRE(&proc0 == curproc);
	ATF_REQUIRE(curlwp->l_proc == curproc);
	ATF_REQUIRE(strncmp(curproc->p_comm, "libkern_test", 12) == 0);
	test_lives(in_child);
}

/*
 * callback(9): a thread that removes a function waits for its calls.
 */
static struct callback_head cb_head;
static struct callback_entry cb_entry;
static sem_t cb_entered, cb_leave;
static atomic_int cb_calls, cb_left;

static int
cb_func(struct callback_entry *ce, void *obj, void *arg)
{

	(void)obj;
	(void)arg;
	atomic_fetch_add(&cb_calls, 1);
	sem_post(&cb_entered);
	test_sem_wait(&cb_leave);
	atomic_store(&cb_left, 1);
	return ce == &cb_entry ? CALLBACK_CHAIN_CONTINUE :
	    CALLBACK_CHAIN_ABORT;
}

static void *
cb_runner(void *arg)
{

	callback_run(&cb_head, arg);
	return NULL;
}

static void *
cb_remover(void *arg)
{
	int *resultp = arg;

	callback_unregister(&cb_head, &cb_entry);
	*resultp = atomic_load(&cb_left);
	return NULL;
}

TEST_TC(callback, "callback_unregister waits for the runs in progress")
{
	pthread_t run, rem;
	int result = -1;

	sem_init(&cb_entered, 0, 0);
	sem_init(&cb_leave, 0, 0);
	callback_head_init(&cb_head, IPL_NONE);
	callback_register(&cb_head, &cb_entry, NULL, cb_func);
	run = test_thread(cb_runner, NULL);
	test_sem_wait(&cb_entered);
	rem = test_thread(cb_remover, &result);
	test_pause();
	test_pause();
	sem_post(&cb_leave);
	test_join(rem);
	test_join(run);
	TEST_EQ(1, result);
	TEST_EQ(1, atomic_load(&cb_calls));
	TEST_EQ(CALLBACK_CHAIN_CONTINUE, callback_run(&cb_head, NULL));
	TEST_EQ(1, atomic_load(&cb_calls));
	callback_head_destroy(&cb_head);
}

static void
sleepable_softint(void *arg)
{

	(void)arg;
	ASSERT_SLEEPABLE();
}

static void
sleepable_in_softint(void)
{
	void *si;

	ASSERT_SLEEPABLE();
	si = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE,
	    sleepable_softint, NULL);
	softint_schedule(si);
	for (;;)
		pause();
}

TEST_TC(sleepable, "ASSERT_SLEEPABLE panics in a soft interrupt")
{

	test_panics(sleepable_in_softint, "assert_sleepable: in softint",
	    NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bits);
	ATF_TP_ADD_TC(tp, bytes);
	ATF_TP_ADD_TC(tp, rounding);
	ATF_TP_ADD_TC(tp, times);
	ATF_TP_ADD_TC(tp, strings);
	ATF_TP_ADD_TC(tp, random_numbers);
	ATF_TP_ADD_TC(tp, process);
	ATF_TP_ADD_TC(tp, callback);
	ATF_TP_ADD_TC(tp, sleepable);
	return atf_no_error();
}
