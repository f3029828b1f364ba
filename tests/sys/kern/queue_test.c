/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * <sys/queue.h>: compare each operation with an array of what the list must
 * hold.
 */

#include <sys/queue.h>

#include "../../tests.h"

#define	QT_MAX	12

struct qt_elm {
	SLIST_ENTRY(qt_elm)	qe_slist;
	LIST_ENTRY(qt_elm)	qe_list;
	STAILQ_ENTRY(qt_elm)	qe_stailq;
	SIMPLEQ_ENTRY(qt_elm)	qe_simpleq;
	TAILQ_ENTRY(qt_elm)	qe_tailq;
	CIRCLEQ_ENTRY(qt_elm)	qe_circleq;
	char			qe_name;
};

SLIST_HEAD(qt_slist, qt_elm);
LIST_HEAD(qt_list, qt_elm);
STAILQ_HEAD(qt_stailq, qt_elm);
SIMPLEQ_HEAD(qt_simpleq, qt_elm);
TAILQ_HEAD(qt_tailq, qt_elm);
CIRCLEQ_HEAD(qt_circleq, qt_elm);

static struct qt_elm elms[26];

static struct qt_elm *
elm(char name)
{

	elms[name - 'a'].qe_name = name;
	return &elms[name - 'a'];
}

#define	E(name)	elm((#name)[0])

/* Collect the names that a loop visits, and compare. */
#define	QT_IS(want, loop) do {						\
	char qt_is_[64];						\
	size_t qt_n_ = 0;						\
	loop								\
		qt_is_[qt_n_++] = e->qe_name;				\
	qt_is_[qt_n_] = '\0';						\
	ATF_REQUIRE_MSG(strcmp(qt_is_, (want)) == 0,			\
	    "holds \"%s\", must hold \"%s\"", qt_is_, (want));		\
} while (0)

static void
slist_is(struct qt_slist *h, const char *want)
{
	struct qt_elm *e, *next;

	QT_IS(want, SLIST_FOREACH(e, h, qe_slist));
	QT_IS(want, SLIST_FOREACH_SAFE(e, h, qe_slist, next));
	TEST_EQ(*want == '\0', SLIST_EMPTY(h));
}

/*
 * The heads are static, as the elements are: compilers warn about an element
 * that outlives what it points to.
 */

TEST_TC(slist, "SLIST")
{
	static struct qt_slist h = SLIST_HEAD_INITIALIZER(h), h2;
	struct qt_elm *e, *next;

	slist_is(&h, "");
	SLIST_INSERT_HEAD(&h, E(c), qe_slist);
	SLIST_INSERT_HEAD(&h, E(a), qe_slist);
	SLIST_INSERT_AFTER(E(a), E(b), qe_slist);
	SLIST_INSERT_AFTER(E(c), E(d), qe_slist);
	slist_is(&h, "abcd");
	ATF_REQUIRE(SLIST_FIRST(&h) == E(a));
	ATF_REQUIRE(SLIST_NEXT(E(d), qe_slist) == SLIST_END(&h));
	SLIST_REMOVE(&h, E(c), qt_elm, qe_slist);
	slist_is(&h, "abd");
	SLIST_REMOVE(&h, E(d), qt_elm, qe_slist);
	slist_is(&h, "ab");
	SLIST_REMOVE_AFTER(E(a), qe_slist);
	slist_is(&h, "a");
	SLIST_INIT(&h2);
	SLIST_INSERT_HEAD(&h2, E(z), qe_slist);
	SLIST_SWAP(&h, &h2, qt_elm);
	slist_is(&h, "z");
	slist_is(&h2, "a");
	SLIST_REMOVE_HEAD(&h, qe_slist);
	slist_is(&h, "");
	SLIST_INSERT_HEAD(&h2, E(b), qe_slist);
	SLIST_FOREACH_SAFE(e, &h2, qe_slist, next) {
		SLIST_REMOVE(&h2, e, qt_elm, qe_slist);
		memset(e, 0xff, sizeof(*e));
	}
	slist_is(&h2, "");
}

static void
list_is(struct qt_list *h, const char *want)
{
	struct qt_elm *e, *next, **pp;

	QT_IS(want, LIST_FOREACH(e, h, qe_list));
	QT_IS(want, LIST_FOREACH_SAFE(e, h, qe_list, next));
	TEST_EQ(*want == '\0', LIST_EMPTY(h));
	pp = &LIST_FIRST(h);
	LIST_FOREACH(e, h, qe_list) {
		ATF_REQUIRE(e->qe_list.le_prev == pp);
		pp = &e->qe_list.le_next;
	}
}

TEST_TC(list, "LIST")
{
	static struct qt_list h = LIST_HEAD_INITIALIZER(h), h2;

	list_is(&h, "");
	LIST_INSERT_HEAD(&h, E(b), qe_list);
	LIST_INSERT_HEAD(&h, E(a), qe_list);
	LIST_INSERT_AFTER(E(a), E(x), qe_list);
	LIST_INSERT_AFTER(E(b), E(c), qe_list);
	LIST_INSERT_BEFORE(E(a), E(y), qe_list);
	LIST_INSERT_BEFORE(E(c), E(z), qe_list);
	list_is(&h, "yaxbzc");
	LIST_REMOVE(E(y), qe_list);
	LIST_REMOVE(E(b), qe_list);
	LIST_REMOVE(E(c), qe_list);
	list_is(&h, "axz");
	LIST_REPLACE(E(x), E(b), qe_list);
	LIST_REPLACE(E(z), E(c), qe_list);
	list_is(&h, "abc");
	LIST_MOVE(&h, &h2, qe_list);
	list_is(&h, "");
	list_is(&h2, "abc");
	LIST_INSERT_HEAD(&h, E(k), qe_list);
	LIST_SWAP(&h, &h2, qt_elm, qe_list);
	list_is(&h, "abc");
	list_is(&h2, "k");
	ATF_REQUIRE(LIST_NEXT(E(a), qe_list) == E(b));
	ATF_REQUIRE(LIST_NEXT(E(c), qe_list) == LIST_END(&h));
}

#define	Q(op)		STAILQ_##op
#define	QT(name)	stailq_##name
#define	QT_HEAD		qt_stailq
#define	QT_FIRST	stqh_first
#define	QT_LAST		stqh_last
#define	QT_LINK		qe_stailq
#include "queue_tail.h"

TEST_TC(stailq, "STAILQ")
{

	stailq_all();
}

#define	Q(op)		SIMPLEQ_##op
#define	QT(name)	simpleq_##name
#define	QT_HEAD		qt_simpleq
#define	QT_FIRST	sqh_first
#define	QT_LAST		sqh_last
#define	QT_LINK		qe_simpleq
#include "queue_tail.h"

TEST_TC(simpleq, "SIMPLEQ")
{

	simpleq_all();
}

static void
reverse(char *rev, const char *s)
{
	size_t i, n;

	n = strlen(s);
	for (i = 0; i < n; i++)
		rev[i] = s[n - 1 - i];
	rev[n] = '\0';
}

static void
tailq_is(struct qt_tailq *h, const char *want)
{
	struct qt_elm *e, *other;
	char rev[QT_MAX + 1];

	reverse(rev, want);
	QT_IS(want, TAILQ_FOREACH(e, h, qe_tailq));
	QT_IS(want, TAILQ_FOREACH_SAFE(e, h, qe_tailq, other));
	QT_IS(rev, TAILQ_FOREACH_REVERSE(e, h, qt_tailq, qe_tailq));
	QT_IS(rev, TAILQ_FOREACH_REVERSE_SAFE(e, h, qt_tailq, qe_tailq,
	    other));
	TEST_EQ(*want == '\0', TAILQ_EMPTY(h));
}

TEST_TC(tailq, "TAILQ")
{
	static struct qt_tailq h = TAILQ_HEAD_INITIALIZER(h), h2;
	struct qt_elm *e, *prev;

	tailq_is(&h, "");
	ATF_REQUIRE(TAILQ_LAST(&h, qt_tailq) == NULL);
	TAILQ_INSERT_HEAD(&h, E(c), qe_tailq);
	TAILQ_INSERT_HEAD(&h, E(a), qe_tailq);
	TAILQ_INSERT_TAIL(&h, E(f), qe_tailq);
	TAILQ_INSERT_AFTER(&h, E(a), E(b), qe_tailq);
	TAILQ_INSERT_AFTER(&h, E(f), E(g), qe_tailq);
	TAILQ_INSERT_BEFORE(E(f), E(d), qe_tailq);
	TAILQ_INSERT_BEFORE(E(a), E(x), qe_tailq);
	tailq_is(&h, "xabcdfg");
	ATF_REQUIRE(TAILQ_LAST(&h, qt_tailq) == E(g));
	ATF_REQUIRE(TAILQ_PREV(E(b), qt_tailq, qe_tailq) == E(a));
	ATF_REQUIRE(TAILQ_PREV(E(x), qt_tailq, qe_tailq) == NULL);
	TAILQ_REMOVE(&h, E(x), qe_tailq);
	TAILQ_REMOVE(&h, E(d), qe_tailq);
	TAILQ_REMOVE(&h, E(g), qe_tailq);
	tailq_is(&h, "abcf");
	TAILQ_REPLACE(&h, E(f), E(d), qe_tailq);
	TAILQ_REPLACE(&h, E(a), E(k), qe_tailq);
	tailq_is(&h, "kbcd");
	TAILQ_INIT(&h2);
	TAILQ_CONCAT(&h, &h2, qe_tailq);
	tailq_is(&h, "kbcd");
	TAILQ_INSERT_TAIL(&h2, E(y), qe_tailq);
	TAILQ_INSERT_TAIL(&h2, E(z), qe_tailq);
	TAILQ_CONCAT(&h, &h2, qe_tailq);
	tailq_is(&h, "kbcdyz");
	tailq_is(&h2, "");
	TAILQ_SWAP(&h, &h2, qt_elm, qe_tailq);
	tailq_is(&h, "");
	tailq_is(&h2, "kbcdyz");
	TAILQ_INSERT_TAIL(&h, E(a), qe_tailq);
	TAILQ_SWAP(&h, &h2, qt_elm, qe_tailq);
	tailq_is(&h, "kbcdyz");
	tailq_is(&h2, "a");
	TAILQ_FOREACH_REVERSE_SAFE(e, &h, qt_tailq, qe_tailq, prev) {
		TAILQ_REMOVE(&h, e, qe_tailq);
		memset(e, 0xff, sizeof(*e));
	}
	tailq_is(&h, "");
}

static void
circleq_is(struct qt_circleq *h, const char *want)
{
	struct qt_elm *e, *other;
	char rev[QT_MAX + 1];

	reverse(rev, want);
	QT_IS(want, CIRCLEQ_FOREACH(e, h, qe_circleq));
	QT_IS(want, CIRCLEQ_FOREACH_SAFE(e, h, qe_circleq, other));
	QT_IS(rev, CIRCLEQ_FOREACH_REVERSE(e, h, qe_circleq));
	QT_IS(rev, CIRCLEQ_FOREACH_REVERSE_SAFE(e, h, qe_circleq, other));
	TEST_EQ(*want == '\0', CIRCLEQ_EMPTY(h));
}

TEST_TC(circleq, "CIRCLEQ")
{
	static struct qt_circleq h = CIRCLEQ_HEAD_INITIALIZER(h);

	circleq_is(&h, "");
	CIRCLEQ_INIT(&h);
	CIRCLEQ_INSERT_HEAD(&h, E(b), qe_circleq);
	CIRCLEQ_INSERT_HEAD(&h, E(a), qe_circleq);
	CIRCLEQ_INSERT_TAIL(&h, E(d), qe_circleq);
	CIRCLEQ_INSERT_AFTER(&h, E(b), E(c), qe_circleq);
	CIRCLEQ_INSERT_AFTER(&h, E(d), E(e), qe_circleq);
	CIRCLEQ_INSERT_BEFORE(&h, E(a), E(x), qe_circleq);
	CIRCLEQ_INSERT_BEFORE(&h, E(e), E(y), qe_circleq);
	circleq_is(&h, "xabcdye");
	ATF_REQUIRE(CIRCLEQ_FIRST(&h) == E(x));
	ATF_REQUIRE(CIRCLEQ_LAST(&h) == E(e));
	ATF_REQUIRE(CIRCLEQ_LOOP_NEXT(&h, E(e), qe_circleq) == E(x));
	ATF_REQUIRE(CIRCLEQ_LOOP_PREV(&h, E(x), qe_circleq) == E(e));
	ATF_REQUIRE(CIRCLEQ_LOOP_NEXT(&h, E(x), qe_circleq) == E(a));
	ATF_REQUIRE(CIRCLEQ_PREV(E(b), qe_circleq) == E(a));
	CIRCLEQ_REMOVE(&h, E(x), qe_circleq);
	CIRCLEQ_REMOVE(&h, E(e), qe_circleq);
	CIRCLEQ_REMOVE(&h, E(c), qe_circleq);
	circleq_is(&h, "abdy");
	CIRCLEQ_REMOVE(&h, E(a), qe_circleq);
	CIRCLEQ_REMOVE(&h, E(b), qe_circleq);
	CIRCLEQ_REMOVE(&h, E(d), qe_circleq);
	CIRCLEQ_REMOVE(&h, E(y), qe_circleq);
	circleq_is(&h, "");
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, slist);
	ATF_TP_ADD_TC(tp, list);
	ATF_TP_ADD_TC(tp, stailq);
	ATF_TP_ADD_TC(tp, simpleq);
	ATF_TP_ADD_TC(tp, tailq);
	ATF_TP_ADD_TC(tp, circleq);
	return atf_no_error();
}
