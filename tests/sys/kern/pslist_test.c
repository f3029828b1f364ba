/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pslist(9) and hash(9), as kernel sources use them.
 */

#include <sys/param.h>
#include <sys/hash.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/pserialize.h>
#include <sys/pslist.h>

#include "../../tests.h"

struct route {
	struct pslist_entry	r_entry;
	int			r_key;
	int			r_value;	/* 2 * r_key while valid */
};

static struct pslist_head routes = PSLIST_INITIALIZER;
static pserialize_t psz;
static kmutex_t lock;
static atomic_int stop, rounds;

static void
keys(const char *want)
{
	struct route *r;
	char wr[16], rd[16];
	size_t n;

	n = 0;
	PSLIST_WRITER_FOREACH(r, &routes, struct route, r_entry)
		wr[n++] = (char)('a' + r->r_key);
	wr[n] = '\0';
	n = 0;
	PSLIST_READER_FOREACH(r, &routes, struct route, r_entry)
		rd[n++] = (char)('a' + r->r_key);
	rd[n] = '\0';
	ATF_CHECK_STREQ(want, wr);
	ATF_CHECK_STREQ(want, rd);
}

TEST_TC(order, "entries are in the order of insertion; a removed one still "
    "leads on")
{
	struct route r[5];
	int i;

	for (i = 0; i < 5; i++) {
		r[i].r_key = i;
		PSLIST_ENTRY_INIT(&r[i], r_entry);
	}
	PSLIST_INIT(&routes);
	keys("");
	ATF_CHECK(PSLIST_WRITER_FIRST(&routes, struct route, r_entry) ==
	    NULL);
	PSLIST_WRITER_INSERT_HEAD(&routes, &r[1], r_entry);
	PSLIST_WRITER_INSERT_HEAD(&routes, &r[0], r_entry);
	PSLIST_WRITER_INSERT_AFTER(&r[1], &r[4], r_entry);
	PSLIST_WRITER_INSERT_BEFORE(&r[4], &r[3], r_entry);
	PSLIST_WRITER_INSERT_AFTER(&r[1], &r[2], r_entry);
	keys("abcde");
	PSLIST_WRITER_REMOVE(&r[2], r_entry);
	PSLIST_WRITER_REMOVE(&r[0], r_entry);
	PSLIST_WRITER_REMOVE(&r[4], r_entry);
	keys("bd");
	/* Continue as a reader that was at the removed entry would. */
	ATF_CHECK(PSLIST_READER_NEXT(&r[2], struct route, r_entry) == &r[3]);
	ATF_CHECK(PSLIST_READER_NEXT(&r[3], struct route, r_entry) == NULL);
	PSLIST_ENTRY_DESTROY(&r[2], r_entry);
	PSLIST_ENTRY_INIT(&r[0], r_entry);
	PSLIST_WRITER_INSERT_BEFORE(&r[1], &r[0], r_entry);
	keys("abd");
	PSLIST_WRITER_REMOVE(&r[0], r_entry);
	PSLIST_WRITER_REMOVE(&r[1], r_entry);
	PSLIST_WRITER_REMOVE(&r[3], r_entry);
	PSLIST_DESTROY(&routes);
}

static void *
reader(void *arg)
{
	struct route *r;
	int last, s;

	(void)arg;
	while (!atomic_load(&stop)) {
		s = pserialize_read_enter();
		last = -1;
		PSLIST_READER_FOREACH(r, &routes, struct route, r_entry) {
			/* This finds freed memory, or an incomplete entry. */
			ATF_REQUIRE(r->r_value == 2 * r->r_key);
			ATF_REQUIRE(r->r_key > last);
			last = r->r_key;
		}
		pserialize_read_exit(s);
		atomic_fetch_add(&rounds, 1);
		sched_yield();
	}
	return NULL;
}

static struct route *
add(struct route *after, int key)
{
	struct route *r;

	r = kmem_alloc(sizeof(*r), KM_SLEEP);
	r->r_key = key;
	r->r_value = 2 * key;
	PSLIST_ENTRY_INIT(r, r_entry);
	mutex_enter(&lock);
	if (after != NULL)
		PSLIST_WRITER_INSERT_AFTER(after, r, r_entry);
	else
		PSLIST_WRITER_INSERT_HEAD(&routes, r, r_entry);
	mutex_exit(&lock);
	return r;
}

static void
drop(struct route *r)
{

	mutex_enter(&lock);
	PSLIST_WRITER_REMOVE(r, r_entry);
	pserialize_perform(psz);
	mutex_exit(&lock);
	PSLIST_ENTRY_DESTROY(r, r_entry);
	r->r_value = -1;
	kmem_free(r, sizeof(*r));
}

TEST_TC(readers, "readers see complete entries in order while a writer adds "
    "and removes")
{
	struct route *r[8];
	pthread_t t[3];
	size_t i;
	int n;

	psz = pserialize_create();
	mutex_init(&lock, MUTEX_DEFAULT, IPL_NONE);
	r[0] = add(NULL, 0);
	for (i = 1; i < 8; i++)
		r[i] = add(r[i - 1], (int)i);
	for (i = 0; i < 3; i++)
		t[i] = test_thread(reader, NULL);
	for (n = 0; n < TEST_SCALE(2000) || rounds < 10; n++) {
		i = (size_t)n * 5 % 7 + 1;
		drop(r[i]);
		r[i] = add(r[i - 1], (int)i);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++)
		test_join(t[i]);
	for (i = 0; i < 8; i++)
		drop(r[i]);
	pserialize_destroy(psz);
	mutex_destroy(&lock);
}

#define	NREPLACED	200
static struct route replaced[NREPLACED];

static void *
first_reader(void *arg)
{
	struct route *r;

	(void)arg;
	do {
		r = PSLIST_READER_FIRST(&routes, struct route, r_entry);
		ATF_REQUIRE(r->r_value == 2 * r->r_key);
	} while (r->r_key != NREPLACED - 1);
	return NULL;
}

/* If a removal did not release the next entry, TSan would report a race. */
TEST_TC(replace, "a reader that reaches an entry through the place of a "
    "removed one sees all of it")
{
	struct route *r;
	pthread_t t;
	int i;

	PSLIST_ENTRY_INIT(&replaced[0], r_entry);
	PSLIST_WRITER_INSERT_HEAD(&routes, &replaced[0], r_entry);
	t = test_thread(first_reader, NULL);
	for (i = 1; i < NREPLACED; i++) {
		r = &replaced[i];
		PSLIST_ENTRY_INIT(r, r_entry);
		r->r_key = i;
		r->r_value = 2 * i;
		PSLIST_WRITER_INSERT_AFTER(&replaced[i - 1], r, r_entry);
		PSLIST_WRITER_REMOVE(&replaced[i - 1], r_entry);
		sched_yield();
	}
	test_join(t);
	PSLIST_WRITER_REMOVE(&replaced[NREPLACED - 1], r_entry);
	PSLIST_DESTROY(&routes);
}

static void
removes_twice(void)
{
	struct route r = { .r_entry = PSLIST_ENTRY_INITIALIZER };

	PSLIST_WRITER_INSERT_HEAD(&routes, &r, r_entry);
	PSLIST_WRITER_REMOVE(&r, r_entry);
	PSLIST_WRITER_REMOVE(&r, r_entry);
}

static void
destroys_linked(void)
{
	struct route r = { .r_entry = PSLIST_ENTRY_INITIALIZER };

	PSLIST_WRITER_INSERT_HEAD(&routes, &r, r_entry);
	PSLIST_ENTRY_DESTROY(&r, r_entry);
}

TEST_TC(misuse, "removing an entry twice and destroying it too early panic")
{

	test_panics(removes_twice, "ple_prevp", NULL);
	test_panics(destroys_linked, "ple_prevp", NULL);
}

TEST_TC(hash, "hash(9) is 33 times the hash so far, and one byte after "
    "another")
{
	static char path[99] = "usr/src";
	const char *end;

	TEST_EQ(5381, hash32_buf("", 0, HASH32_BUF_INIT));
	TEST_EQ(5381 * 33 + 'a', hash32_buf("a", 1, HASH32_BUF_INIT));
	TEST_EQ((5381 * 33 + 'a') * 33 + 0xff,
	    hash32_buf("a\xff", 2, HASH32_BUF_INIT));
	TEST_EQ(hash32_buf("kernel", 6, HASH32_STR_INIT),
	    hash32_str("kernel", HASH32_STR_INIT));
	TEST_EQ(hash32_str("nel", hash32_str("ker", HASH32_STR_INIT)),
	    hash32_str("kernel", HASH32_STR_INIT));
	TEST_EQ(hash32_str("ker", 1), hash32_strn("kernel", 3, 1));
	TEST_EQ(hash32_str("kernel", 1), hash32_strn("kernel", 99, 1));
	TEST_EQ(hash32_str("usr", 1), hash32_stre("usr/src", '/', &end, 1));
	ATF_CHECK_STREQ("/src", end);
	TEST_EQ(hash32_str("usr", 1), hash32_stre("usr", '/', NULL, 1));
	TEST_EQ(hash32_str("us", 1), hash32_strne("usr/src", 2, '/', &end,
	    1));
	ATF_CHECK_STREQ("r/src", end);
	TEST_EQ(hash32_str("usr", 1), hash32_strne(path, sizeof(path), '/',
	    &end, 1));
	ATF_CHECK_STREQ("/src", end);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, readers);
	ATF_TP_ADD_TC(tp, replace);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, hash);
	return atf_no_error();
}
