/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Lists, hash chains, bits and small macros, each against a plain array.
 */

#include <sys/queue.h>

#define	TEST_OTHERLIB
#include "../../../tests.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/string.h>

struct thing {
	int		 number;
	struct list_head link;
	struct hlist_node hash;
};

#define	N	8

static struct thing things[N];

/* LIST_HEAD() serves both BSD's lists and Linux's. */
static LIST_HEAD(, thing) bsd;
static LIST_HEAD(declared);

/*
 * Check that the list has these numbers, which end with -1, in both directions.
 */
static void
is(struct list_head *head, ...)
{
	struct thing *t;
	struct list_head *p;
	int n, numbers[N + 1];
	va_list ap;

	va_start(ap, head);
	for (n = 0; (numbers[n] = va_arg(ap, int)) >= 0; n++)
		continue;
	va_end(ap);
	TEST_EQ(n == 0, list_empty(head));
	TEST_EQ(n == 0, list_empty_careful(head));
	TEST_EQ(n == 1, list_is_singular(head));
	n = 0;
	list_for_each_entry(t, head, link)
		TEST_EQ(numbers[n++], t->number);
	TEST_EQ(-1, numbers[n]);
	list_for_each_entry_reverse(t, head, link)
		TEST_EQ(numbers[--n], t->number);
	TEST_EQ(0, n);
	list_for_each(p, head)
		TEST_EQ(numbers[n++],
		    list_entry(p, struct thing, link)->number);
	list_for_each_prev(p, head)
		TEST_EQ(numbers[--n],
		    list_entry(p, struct thing, link)->number);
	TEST_EQ(0, n);
}

static void
fill(struct list_head *head, int from, int to)
{

	INIT_LIST_HEAD(head);
	for (; from < to; from++) {
		things[from].number = from;
		list_add_tail(&things[from].link, head);
	}
}

TEST_TC(list, "a list has what was inserted and not removed, in order")
{
	struct list_head head, other;
	struct thing *t;

	is(&declared, -1);
	ATF_REQUIRE(LIST_FIRST(&bsd) == NULL);
	fill(&head, 0, 3);
	is(&head, 0, 1, 2, -1);
	list_add(&things[3].link, &head);
	things[3].number = 3;
	is(&head, 3, 0, 1, 2, -1);
	list_del(&things[0].link);
	is(&head, 3, 1, 2, -1);
	list_del_init(&things[3].link);
	ATF_REQUIRE(list_empty(&things[3].link));
	is(&head, 1, 2, -1);
	list_replace(&things[1].link, &things[3].link);
	is(&head, 3, 2, -1);
	list_replace_init(&things[2].link, &things[1].link);
	ATF_REQUIRE(list_empty(&things[2].link));
	is(&head, 3, 1, -1);
	list_move_tail(&things[3].link, &head);
	is(&head, 1, 3, -1);
	list_move(&things[3].link, &head);
	is(&head, 3, 1, -1);
	list_rotate_left(&head);
	is(&head, 1, 3, -1);
	ATF_REQUIRE(list_is_first(&things[1].link, &head));
	ATF_REQUIRE(list_is_last(&things[3].link, &head));
	ATF_REQUIRE(!list_is_last(&things[1].link, &head));
	t = list_first_entry(&head, struct thing, link);
	TEST_EQ(1, t->number);
	TEST_EQ(3, list_next_entry(t, link)->number);
	t = list_last_entry(&head, struct thing, link);
	TEST_EQ(3, t->number);
	TEST_EQ(1, list_prev_entry(t, link)->number);
	INIT_LIST_HEAD(&other);
	ATF_REQUIRE(list_first_entry_or_null(&other, struct thing, link) ==
	    NULL);
	ATF_REQUIRE(list_first_entry_or_null(&head, struct thing, link) ==
	    &things[1]);
}

TEST_TC(splice, "lists are joined and cut, and the source is emptied if the "
    "name says so")
{
	struct list_head head, other;

	fill(&head, 0, 2);
	fill(&other, 2, 4);
	list_splice(&other, &head);
	is(&head, 2, 3, 0, 1, -1);
	fill(&head, 0, 2);
	fill(&other, 2, 4);
	list_splice_tail_init(&other, &head);
	is(&head, 0, 1, 2, 3, -1);
	is(&other, -1);
	list_splice_init(&other, &head);
	list_splice_tail(&other, &head);
	is(&head, 0, 1, 2, 3, -1);
	list_cut_position(&other, &head, &things[2].link);
	is(&other, 0, 1, 2, -1);
	is(&head, 3, -1);
	list_cut_position(&other, &head, &head);
	is(&other, -1);
	list_cut_position(&other, &head, &things[3].link);
	is(&other, 3, -1);
	is(&head, -1);
}

TEST_TC(safe, "in the safe loops the body may remove or free the entry")
{
	struct list_head head, *p, *q;
	struct thing *t, *n;
	int i, sum;

	INIT_LIST_HEAD(&head);
	for (i = 0; i < N; i++) {
		ATF_REQUIRE((t = malloc(sizeof(*t))) != NULL);
		t->number = i;
		list_add_tail(&t->link, &head);
	}
	sum = 0;
	list_for_each_entry_safe(t, n, &head, link)
		if (t->number % 2 == 0) {
			list_del(&t->link);
			free(t);
		} else
			sum += t->number;
	TEST_EQ(1 + 3 + 5 + 7, sum);
	list_for_each_entry_safe_reverse(t, n, &head, link)
		if (t->number > 3) {
			list_del(&t->link);
			free(t);
		}
	is(&head, 1, 3, -1);
	t = list_first_entry(&head, struct thing, link);
	n = t;
	list_for_each_entry_continue(t, &head, link)
		TEST_EQ(3, t->number);
	sum = 0;
	list_for_each_entry_from(n, &head, link)
		sum += n->number;
	TEST_EQ(4, sum);
	list_for_each_safe(p, q, &head) {
		list_del(p);
		free(list_entry(p, struct thing, link));
	}
	is(&head, -1);
	fill(&head, 0, 3);
	list_for_each_prev_safe(p, q, &head)
		list_del_init(p);
	is(&head, -1);
}

TEST_TC(hash, "chains, in both dialects of their loops")
{
	struct hlist_head head;
	struct hlist_node *p, *q;
	struct thing *t;
	int i, sum;

	INIT_HLIST_HEAD(&head);
	ATF_REQUIRE(hlist_empty(&head));
	for (i = 0; i < N; i++) {
		things[i].number = i;
		INIT_HLIST_NODE(&things[i].hash);
		ATF_REQUIRE(hlist_unhashed(&things[i].hash));
	}
	hlist_add_head(&things[2].hash, &head);
	hlist_add_head(&things[0].hash, &head);
	hlist_add_behind(&things[3].hash, &things[2].hash);
	hlist_add_before(&things[1].hash, &things[2].hash);
	ATF_REQUIRE(!hlist_unhashed(&things[2].hash));
	i = 0;
	hlist_for_each_entry(t, &head, hash)
		TEST_EQ(i++, t->number);
	TEST_EQ(4, i);
	i = 0;
	hlist_for_each_entry(t, p, &head, hash)
		TEST_EQ(i++, t->number);
	TEST_EQ(4, i);
	i = 0;
	hlist_for_each(p, &head)
		i++;
	TEST_EQ(4, i);
	hlist_for_each_entry_safe(t, p, &head, hash)
		if (t->number == 1)
			hlist_del(&t->hash);
	hlist_for_each_entry_safe(t, p, q, &head, hash)
		if (t->number == 0)
			hlist_del_init(&t->hash);
	hlist_del_init(&things[0].hash);
	sum = 0;
	hlist_for_each_entry(t, &head, hash)
		sum = sum * 10 + t->number;
	TEST_EQ(23, sum);
	hlist_for_each_safe(p, q, &head)
		hlist_del(p);
	ATF_REQUIRE(hlist_empty(&head));
}

TEST_TC(bits, "bits are found, counted, set and cleared as in an array of "
    "bool")
{
	DECLARE_BITMAP(map, 200);
	bool plain[200] = { false };
	unsigned int seed = 1;
	unsigned long bit, want;
	int i, round;

	memset(map, 0, sizeof(map));
	for (round = 0; round < 2000; round++) {
		i = (int)(rand_r(&seed) % 200);
		switch (rand_r(&seed) % 6) {
		case 0:
			set_bit(i, map);
			plain[i] = true;
			break;
		case 1:
			clear_bit(i, map);
			plain[i] = false;
			break;
		case 2:
			change_bit(i, map);
			plain[i] = !plain[i];
			break;
		case 3:
			TEST_EQ(plain[i], test_and_set_bit(i, map));
			plain[i] = true;
			break;
		case 4:
			TEST_EQ(plain[i], test_and_clear_bit(i, map));
			plain[i] = false;
			break;
		case 5:
			TEST_EQ(plain[i], test_and_change_bit(i, map));
			plain[i] = !plain[i];
			break;
		}
		TEST_EQ(plain[i], test_bit(i, map));
		want = (unsigned long)i;
		while (want < 200 && !plain[want])
			want++;
		TEST_EQ(want, find_next_bit(map, 200, (unsigned long)i));
		want = (unsigned long)i;
		while (want < 200 && plain[want])
			want++;
		TEST_EQ(want, find_next_zero_bit(map, 200, (unsigned long)i));
	}
	i = 0;
	for_each_set_bit(bit, map, 200) {
		ATF_REQUIRE(plain[bit]);
		i++;
	}
	for_each_clear_bit(bit, map, 200) {
		ATF_REQUIRE(!plain[bit]);
		i++;
	}
	TEST_EQ(200, i);
	memset(map, 0, sizeof(map));
	TEST_EQ(200, find_first_bit(map, 200));
	memset(map, 0xff, sizeof(map));
	TEST_EQ(200, find_first_zero_bit(map, 200));
	__clear_bit(63, map);
	TEST_EQ(63, find_first_zero_bit(map, 200));
	TEST_EQ(0, __test_and_set_bit(63, map));
	TEST_EQ(1, __test_and_clear_bit(63, map));
	TEST_EQ(0, __test_and_change_bit(63, map));
	__change_bit(63, map);
	__set_bit(63, map);
	TEST_EQ(200, find_first_zero_bit(map, 200));

	TEST_EQ(0, __ffs(1));
	TEST_EQ(BITS_PER_LONG - 1, __fls(~0UL));
	TEST_EQ(3, ffz(7UL));
	TEST_EQ(0, fls(0));
	TEST_EQ(32, fls(0x80000000u));
	TEST_EQ(0, fls64(0));
	TEST_EQ(33, fls64(UINT64_C(1) << 32));
	TEST_EQ(4, hweight32(0xf0u));
	TEST_EQ(64, hweight64(~UINT64_C(0)));
	TEST_EQ(0x3, rol32(0x80000001u, 1));
	TEST_EQ(0x80000001u, ror32(0x3, 1));
	TEST_EQ(0x3, rol32(0x3, 0));
	TEST_EQ(0xf0, GENMASK(7, 4));
	TEST_EQ(-1, (long)GENMASK(BITS_PER_LONG - 1, 0));
}

TEST_TC(macros, "min, max, clamp and swap evaluate once; strings are "
    "truncated")
{
	char buf[4], *copy;
	int a = 1, b = 2;

	TEST_EQ(1, min(a++, b++));
	TEST_EQ(2, a);
	TEST_EQ(3, b);
	TEST_EQ(3, max(a, b));
	TEST_EQ(2, min_t(long, a, b));
	TEST_EQ(3, max_t(unsigned char, 259, 2));
	TEST_EQ(5, clamp(9, 1, 5));
	TEST_EQ(1, clamp(-9, 1, 5));
	swap(a, b);
	TEST_EQ(3, a);
	TEST_EQ(2, b);
	BUILD_BUG_ON(sizeof(buf) != 4);
	TEST_EQ(3, strscpy(buf, "abc", sizeof(buf)));
	TEST_EQ(-E2BIG, strscpy(buf, "abcd", sizeof(buf)));
	ATF_REQUIRE_STREQ("abc", buf);
	TEST_EQ(5, strlcpy(buf, "vwxyz", sizeof(buf)));
	ATF_REQUIRE_STREQ("vwx", buf);
	ATF_REQUIRE((copy = kstrdup("text", GFP_KERNEL)) != NULL);
	ATF_REQUIRE_STREQ("text", copy);
	kfree(copy);
	ATF_REQUIRE(kstrdup(NULL, GFP_KERNEL) == NULL);
	ATF_REQUIRE((copy = kmemdup("a\0b", 4, GFP_KERNEL)) != NULL);
	TEST_EQ(0, memcmp(copy, "a\0b", 4));
	kfree(copy);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, list);
	ATF_TP_ADD_TC(tp, splice);
	ATF_TP_ADD_TC(tp, safe);
	ATF_TP_ADD_TC(tp, hash);
	ATF_TP_ADD_TC(tp, bits);
	ATF_TP_ADD_TC(tp, macros);
	return atf_no_error();
}
