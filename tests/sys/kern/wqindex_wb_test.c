/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * White box: the index of a list of items.
 */

#include <string.h>

#include <kern/kern.h>
#include <kern/subr_wqindex.h>

#include "../../tests.h"

#define	NKEYS	4
#define	LENGTH	8			/* calls, in all sequences */
#define	MANY	20000

static struct work keys[MANY];
static int failing;			/* allocations fail */

static int
hook(enum host_point point, void *arg)
{

	(void)arg;
	return point == HOST_POINT_ALLOC && failing ? ENOMEM : 0;
}

/*
 * Compare an index with its expected contents, in order.
 */
static void
check(const struct wqindex *wi, struct work *const *want, size_t n)
{
	const struct wqindex_entry *we, *prev = NULL;
	size_t chained = 0, i = 0;

	for (we = wi->wi_first; we != NULL; prev = we, we = we->we_next) {
		ATF_REQUIRE_MSG(i < n && we->we_work == want[i],
		    "entry %zu of %zu is wrong", i, n);
		ATF_REQUIRE(we->we_prev == prev);
		ATF_REQUIRE(wqindex_find(wi, we->we_work) == we);
		i++;
	}
	ATF_REQUIRE(wi->wi_last == prev);
	TEST_EQ(n, i);
	TEST_EQ(n, wi->wi_count);
	for (i = 0; i < (size_t)1 << wi->wi_bits; i++)
		for (we = wi->wi_hash[i]; we != NULL; we = we->we_chain)
			chained++;
	TEST_EQ(n, chained);
	chained = 0;
	for (we = wi->wi_free; we != NULL; we = we->we_chain)
		chained++;
	TEST_EQ(wi->wi_nfree, chained);
}

/*
 * All sequences of LENGTH calls, each of which appends a key or, if it is
 * present, removes it; with one chain, two, and 1,024.
 */
TEST_TC(all_ways, "after any sequence of calls the index equals the list, in "
    "its order, and finds each item and no other")
{
	struct wqindex_entry *we;
	struct work *list[NKEYS];
	struct wqindex *wi;
	unsigned bits, code, k, ways;
	size_t i, n;

	ways = 1;
	for (i = 0; i < LENGTH; i++)
		ways *= NKEYS;
	for (bits = 1; bits <= 10; bits += 9)
		for (code = 0; code < ways; code++) {
			ATF_REQUIRE((wi = wqindex_create()) != NULL);
			wi->wi_bits = bits;
			ATF_REQUIRE(wqindex_reserve(wi, 1));
			n = 0;
			for (i = 0, k = code; i < LENGTH; i++, k /= NKEYS) {
				struct work *wk = &keys[k % NKEYS];
				size_t at;

				for (at = 0; at < n && list[at] != wk;)
					at++;
				we = wqindex_find(wi, wk);
				ATF_REQUIRE_EQ(at < n, we != NULL);
				if (we == NULL) {
					wqindex_append(wi, wk);
					list[n++] = wk;
				} else {
					ATF_REQUIRE(we->we_work == wk);
					wqindex_remove(wi, we);
					n--;
					memmove(&list[at], &list[at + 1],
					    (n - at) * sizeof(list[0]));
				}
				if (code % 7 == 0 || i == LENGTH - 1)
					check(wi, list, n);
			}
			wqindex_destroy(wi);
		}
}

TEST_TC(grows, "an index of many items finds each one, has short chains, and "
    "uses the room of those that were removed again")
{
	const struct wqindex_entry *we;
	struct work **list;
	struct wqindex *wi;
	size_t i, len, longest, n, nfree;

	ATF_REQUIRE((list = calloc(MANY, sizeof(*list))) != NULL);
	ATF_REQUIRE((wi = wqindex_create()) != NULL);
	for (i = 0; i < MANY; i++) {
		ATF_REQUIRE(wqindex_reserve(wi, 1));
		wqindex_append(wi, &keys[i]);
		list[i] = &keys[i];
	}
	check(wi, list, MANY);
	longest = 0;
	for (i = 0; i < (size_t)1 << wi->wi_bits; i++) {
		len = 0;
		for (we = wi->wi_hash[i]; we != NULL; we = we->we_chain)
			len++;
		if (len > longest)
			longest = len;
	}
	ATF_CHECK_MSG(longest <= 16, "%zu in a chain", longest);
	nfree = wi->wi_nfree;
	for (i = n = 0; i < MANY; i++)
		if (i % 3 == 1)
			list[n++] = &keys[i];
		else
			wqindex_remove(wi, wqindex_find(wi, &keys[i]));
	check(wi, list, n);
	TEST_EQ(nfree + MANY - n, wi->wi_nfree);
	/* While there is room, no memory is allocated. */
	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	failing = 1;
	ATF_REQUIRE(wqindex_reserve(wi, MANY - n));
	for (i = 0; i < MANY; i++)
		if (i % 3 != 1) {
			wqindex_append(wi, &keys[i]);
			list[n++] = &keys[i];
		}
	check(wi, list, n);
	failing = 0;
	wqindex_destroy(wi);
	free(list);
}

TEST_TC(no_memory, "without memory no index is made, an existing one keeps its "
    "items, and it grows when there is memory again")
{
	struct work **list;
	struct wqindex *wi;
	unsigned bits;
	size_t i;

	ATF_REQUIRE((list = calloc(MANY, sizeof(*list))) != NULL);
	__atomic_store_n(&host_hook, hook, __ATOMIC_SEQ_CST);
	failing = 1;
	ATF_REQUIRE(wqindex_create() == NULL);
	failing = 0;
	ATF_REQUIRE((wi = wqindex_create()) != NULL);
	bits = wi->wi_bits;
	for (i = 0; i < MANY; i++) {
		/* The table of chains must not grow. */
		failing = wi->wi_nfree != 0;
		ATF_REQUIRE(wqindex_reserve(wi, 1));
		wqindex_append(wi, &keys[i]);
		list[i] = &keys[i];
	}
	failing = 1;
	ATF_REQUIRE(!wqindex_reserve(wi, wi->wi_nfree + 1));
	check(wi, list, MANY);
	failing = 0;
	ATF_REQUIRE(wqindex_reserve(wi, MANY));
	ATF_CHECK(wi->wi_bits > bits);
	check(wi, list, MANY);
	wqindex_destroy(wi);
	free(list);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, all_ways);
	ATF_TP_ADD_TC(tp, grows);
	ATF_TP_ADD_TC(tp, no_memory);
	return atf_no_error();
}
