/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * STAILQ and SIMPLEQ, two names of the same queue.  A source defines these
 * macros before it includes this file, which undefines them:
 *
 *	Q(op)		a macro of the queue
 *	QT(name)	a function here
 *	QT_HEAD		the head's type, and QT_FIRST, QT_LAST, its fields
 *	QT_LINK		the field of an element
 */

static void
QT(is)(struct QT_HEAD *h, const char *want)
{
	struct qt_elm *e, *next;

	QT_IS(want, Q(FOREACH)(e, h, QT_LINK));
	QT_IS(want, Q(FOREACH_SAFE)(e, h, QT_LINK, next));
	TEST_EQ(*want == '\0', Q(EMPTY)(h));
	e = Q(LAST)(h, qt_elm, QT_LINK);
	if (*want == '\0') {
		ATF_REQUIRE(e == NULL);
		ATF_REQUIRE(h->QT_LAST == &h->QT_FIRST);
	} else
		TEST_EQ(want[strlen(want) - 1], e->qe_name);
	ATF_REQUIRE(*h->QT_LAST == NULL);
}

static void
QT(all)(void)
{
	struct QT_HEAD h = Q(HEAD_INITIALIZER)(h), h2;
	struct qt_elm *e, *next;

	QT(is)(&h, "");
	Q(INSERT_TAIL)(&h, E(b), QT_LINK);
	Q(INSERT_TAIL)(&h, E(d), QT_LINK);
	Q(INSERT_HEAD)(&h, E(a), QT_LINK);
	Q(INSERT_AFTER)(&h, E(b), E(c), QT_LINK);
	Q(INSERT_AFTER)(&h, E(d), E(e), QT_LINK);
	QT(is)(&h, "abcde");
	Q(REMOVE)(&h, E(e), qt_elm, QT_LINK);
	QT(is)(&h, "abcd");
	Q(REMOVE)(&h, E(b), qt_elm, QT_LINK);
	QT(is)(&h, "acd");
	Q(REMOVE_AFTER)(&h, E(c), QT_LINK);
	QT(is)(&h, "ac");
	Q(INIT)(&h2);
	Q(CONCAT)(&h, &h2);
	QT(is)(&h, "ac");
	Q(INSERT_HEAD)(&h2, E(z), QT_LINK);
	Q(INSERT_HEAD)(&h2, E(y), QT_LINK);
	Q(CONCAT)(&h, &h2);
	QT(is)(&h, "acyz");
	QT(is)(&h2, "");
	Q(CONCAT)(&h2, &h);
	QT(is)(&h2, "acyz");
	Q(SWAP)(&h, &h2, qt_elm);
	QT(is)(&h, "acyz");
	QT(is)(&h2, "");
	Q(REMOVE_HEAD)(&h, QT_LINK);
	QT(is)(&h, "cyz");
	ATF_REQUIRE(Q(FIRST)(&h) == E(c));
	ATF_REQUIRE(Q(NEXT)(E(z), QT_LINK) == Q(END)(&h));
	Q(FOREACH_SAFE)(e, &h, QT_LINK, next) {
		Q(REMOVE_HEAD)(&h, QT_LINK);
		memset(e, 0xff, sizeof(*e));
	}
	QT(is)(&h, "");
}

#undef	Q
#undef	QT
#undef	QT_HEAD
#undef	QT_FIRST
#undef	QT_LAST
#undef	QT_LINK
