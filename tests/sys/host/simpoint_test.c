/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The scheduling points of a source that is compiled with _WQ_SIM.  This
 * program has a wqk_simpoint() of its own, which records its calls.
 */

#define	_WQ_SIM

#include <stddef.h>
#include <stdint.h>

#include <atf-c.h>

#include <sys/atomic.h>

#include "../../tests.h"

static struct point {
	const volatile void	*p_addr;
	unsigned		p_kind;
	int			p_order;
	uint32_t		p_value;	/* of the word, at the point */
	unsigned		p_size;
} last;
static unsigned points;
static uint32_t word;
static void *instead;

void *
wqk_simpoint(const volatile void *addr, unsigned int kind, int order)
{

	points++;
	last.p_addr = addr;
	last.p_kind = _WQ_SIM_KIND(kind);
	last.p_size = _WQ_SIM_SIZE(kind);
	last.p_order = order;
	last.p_value = word;
	return instead != NULL ? instead : (void *)(uintptr_t)addr;
}

/*
 * Check that an operation has one point, of this kind and order, before the
 * word changes.
 */
#define	POINT(op, addr, kind, order) do {				\
	points = 0;							\
	word = 5;							\
	op;								\
	TEST_EQ(1, points);						\
	ATF_CHECK_MSG(last.p_addr == (addr), "%s: the address", #op);	\
	ATF_CHECK_MSG(last.p_kind == (kind), "%s: kind %u", #op,	\
	    last.p_kind);						\
	ATF_CHECK_MSG(last.p_size == ((addr) == NULL ? 0 :		\
	    (const void *)(addr) == &word ? sizeof(word) :		\
	    sizeof(void *)), "%s: size %u", #op, last.p_size);		\
	ATF_CHECK_MSG(last.p_order == (order), "%s: order %d", #op,	\
	    last.p_order);						\
	ATF_CHECK_MSG(last.p_value == 5, "%s: the point is late", #op);	\
} while (0)

TEST_TC(loadstore, "each operation that names its order is one point, "
    "of its kind and order, before the access")
{
	uint32_t v = 5;

	POINT((void)atomic_load_relaxed(&word), &word, _WQ_SIM_LOAD,
	    __ATOMIC_RELAXED);
	POINT((void)atomic_load_acquire(&word), &word, _WQ_SIM_LOAD,
	    __ATOMIC_ACQUIRE);
	POINT((void)atomic_load_seq_cst(&word), &word, _WQ_SIM_LOAD,
	    __ATOMIC_SEQ_CST);
	POINT(atomic_store_relaxed(&word, 7), &word, _WQ_SIM_STORE,
	    __ATOMIC_RELAXED);
	TEST_EQ(7, word);
	POINT(atomic_store_release(&word, 7), &word, _WQ_SIM_STORE,
	    __ATOMIC_RELEASE);
	POINT(atomic_store_seq_cst(&word, 7), &word, _WQ_SIM_STORE,
	    __ATOMIC_SEQ_CST);
	POINT(TEST_EQ(5, atomic_swap_acq_rel(&word, 7)), &word, _WQ_SIM_RMW,
	    __ATOMIC_ACQ_REL);
	POINT(TEST_EQ(5, atomic_fetch_add_relaxed(&word, 7)), &word,
	    _WQ_SIM_RMW, __ATOMIC_RELAXED);
	TEST_EQ(12, word);
	POINT((void)atomic_fetch_or_seq_cst(&word, 8), &word, _WQ_SIM_RMW,
	    __ATOMIC_SEQ_CST);
	POINT(ATF_CHECK(atomic_cas_release(&word, &v, 7)), &word, _WQ_SIM_RMW,
	    __ATOMIC_RELEASE);
	TEST_EQ(7, word);
}

TEST_TC(ops, "each operation of atomic_ops(3) is one point")
{
	void *p, *q;

	POINT(atomic_add_32(&word, 2), &word, _WQ_SIM_RMW, last.p_order);
	TEST_EQ(7, word);
	POINT((void)atomic_add_32_nv(&word, 2), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT(atomic_inc_32(&word), &word, _WQ_SIM_RMW, last.p_order);
	POINT((void)atomic_inc_32_nv(&word), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT(atomic_dec_32(&word), &word, _WQ_SIM_RMW, last.p_order);
	POINT((void)atomic_dec_32_nv(&word), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT(atomic_and_32(&word, 4), &word, _WQ_SIM_RMW, last.p_order);
	POINT((void)atomic_and_32_nv(&word, 4), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT(atomic_or_32(&word, 8), &word, _WQ_SIM_RMW, last.p_order);
	POINT((void)atomic_or_32_nv(&word, 8), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT((void)atomic_swap_32(&word, 8), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT((void)atomic_cas_32(&word, 5, 8), &word, _WQ_SIM_RMW,
	    last.p_order);
	POINT((void)atomic_cas_32_ni(&word, 5, 8), &word, _WQ_SIM_RMW,
	    last.p_order);

	p = &word;
	POINT((void)atomic_swap_ptr(&p, &q), &p, _WQ_SIM_RMW, last.p_order);
	ATF_CHECK(p == &q);
	POINT((void)atomic_cas_ptr(&p, &q, &word), &p, _WQ_SIM_RMW,
	    last.p_order);
	ATF_CHECK(p == &word);
	POINT((void)atomic_add_ptr_nv(&p, 4), &p, _WQ_SIM_RMW, last.p_order);
}

TEST_TC(barriers, "each barrier is one point; that against the handlers of "
    "the own thread is a point for interrupts")
{

	POINT(membar_acquire(), NULL, _WQ_SIM_FENCE, __ATOMIC_ACQUIRE);
	POINT(membar_release(), NULL, _WQ_SIM_FENCE, __ATOMIC_RELEASE);
	POINT(membar_producer(), NULL, _WQ_SIM_FENCE, __ATOMIC_RELEASE);
	POINT(membar_consumer(), NULL, _WQ_SIM_FENCE, __ATOMIC_ACQUIRE);
	POINT(membar_sync(), NULL, _WQ_SIM_FENCE, __ATOMIC_SEQ_CST);
	POINT(atomic_signal_barrier(), NULL, _WQ_SIM_SIGNAL,
	    __ATOMIC_SEQ_CST);
}

TEST_TC(once, "the address of an operation is evaluated once")
{
	uint32_t words[2] = { 1, 2 }, *p = words;

	TEST_EQ(1, atomic_load_relaxed(p++));
	TEST_EQ(2, atomic_swap_relaxed(p++, 3));
	ATF_CHECK(p == words + 2);
}

TEST_TC(value, "the value of a store is evaluated before its point")
{
	unsigned before = 1;

	points = 0;
	atomic_store_relaxed(&word, (before = points, 7));
	TEST_EQ(0, before);
	TEST_EQ(1, points);
	TEST_EQ(7, word);
}

TEST_TC(instead, "a load and a store access the address that the point "
    "returns")
{
	uint32_t entry = 1;

	word = 5;
	instead = &entry;
	TEST_EQ(1, atomic_load_relaxed(&word));
	atomic_store_release(&word, 2);
	TEST_EQ(2, atomic_load_acquire(&word));
	TEST_EQ(5, word);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, loadstore);
	ATF_TP_ADD_TC(tp, ops);
	ATF_TP_ADD_TC(tp, barriers);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, value);
	ATF_TP_ADD_TC(tp, instead);
	return atf_no_error();
}
