/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * evcnt(9).
 */

#include <sys/evcnt.h>

#include "../../tests.h"

static struct evcnt ev_static = EVCNT_INITIALIZER(EVCNT_TYPE_TRAP, NULL,
    "static", "traps");
EVCNT_ATTACH_STATIC(ev_static);

static struct evcnt ev_several[] = {
	EVCNT_INITIALIZER(EVCNT_TYPE_MISC, NULL, "several", "zero"),
	EVCNT_INITIALIZER(EVCNT_TYPE_MISC, &ev_static, "several", "one")
};
EVCNT_ATTACH_STATIC2(ev_several, 0);
EVCNT_ATTACH_STATIC2(ev_several, 1);

static char list[1024];

static void
print(const struct evcnt *ev, void *arg)
{
	size_t len = strlen(list);

	TEST_EQ(strlen(ev->ev_group), ev->ev_grouplen);
	TEST_EQ(strlen(ev->ev_name), ev->ev_namelen);
	ATF_REQUIRE(arg == list);
	snprintf(list + len, sizeof(list) - len, "%s %s %ju%s\n",
	    ev->ev_group, ev->ev_name, (uintmax_t)ev->ev_count,
	    ev->ev_parent == &ev_static ? " of static" : "");
}

static const char *
show(int type)
{

	list[0] = '\0';
	evcnt_foreach(type, print, list);
	return list;
}

TEST_TC(static_, "counters are attached when the program starts")
{

	ev_static.ev_count += 3;
	ev_several[1].ev_count++;
	ATF_REQUIRE_STREQ("static traps 3\nseveral zero 0\n"
	    "several one 1 of static\n", show(EVCNT_TYPE_ANY));
	ATF_REQUIRE_STREQ("static traps 3\n", show(EVCNT_TYPE_TRAP));
	ATF_REQUIRE_STREQ("", show(EVCNT_TYPE_INTR));
}

TEST_TC(dynamic, "counters come and go")
{
	struct evcnt a, b;

	memset(&a, 0x55, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	b.ev_count = 7;
	evcnt_attach_dynamic(&a, EVCNT_TYPE_INTR, NULL, "dev0", "intr");
	evcnt_attach_dynamic_nozero(&b, EVCNT_TYPE_INTR, NULL, "dev1", "intr");
	ATF_REQUIRE_STREQ("dev0 intr 0\ndev1 intr 7\n", show(EVCNT_TYPE_INTR));
	evcnt_detach(&a);
	ATF_REQUIRE_STREQ("dev1 intr 7\n", show(EVCNT_TYPE_INTR));
	evcnt_attach_dynamic(&a, EVCNT_TYPE_INTR, NULL, "dev2", "intr");
	ATF_REQUIRE_STREQ("dev1 intr 7\ndev2 intr 0\n", show(EVCNT_TYPE_INTR));
	evcnt_detach(&a);
	evcnt_detach(&b);
	ATF_REQUIRE_STREQ("", show(EVCNT_TYPE_INTR));
}

/* The function may attach and detach. */
static void
detach(const struct evcnt *ev, void *arg)
{
	struct evcnt *all = arg;
	int i;

	if (sscanf(ev->ev_group, "d%d", &i) == 1)
		evcnt_detach(&all[i]);
}

TEST_TC(reentry, "the function of evcnt_foreach may attach and detach")
{
	static struct evcnt all[50];
	static char names[50][8];
	size_t i;

	for (i = 0; i < TEST_NELEM(all); i++) {
		snprintf(names[i], sizeof(names[i]), "d%zu", i);
		evcnt_attach_dynamic(&all[i], EVCNT_TYPE_INTR, NULL, names[i],
		    "x");
	}
	evcnt_foreach(EVCNT_TYPE_INTR, detach, all);
	ATF_REQUIRE_STREQ("", show(EVCNT_TYPE_INTR));
}

static void *
changer(void *arg)
{
	struct evcnt ev;
	char name[16];
	int i;

	snprintf(name, sizeof(name), "t%d", *(int *)arg);
	for (i = 0; i < TEST_SCALE(20000); i++) {
		evcnt_attach_dynamic(&ev, EVCNT_TYPE_MISC, NULL, name, "x");
		evcnt_detach(&ev);
	}
	return NULL;
}

static void
count(const struct evcnt *ev, void *arg)
{

	ATF_REQUIRE(ev->ev_group[0] != '\0');
	++*(int *)arg;
}

TEST_TC(threads, "threads attach, detach and list at the same time")
{
	pthread_t t[4];
	int i, n, numbers[4];

	for (i = 0; i < 4; i++) {
		numbers[i] = i;
		t[i] = test_thread(changer, &numbers[i]);
	}
	for (i = 0; i < TEST_SCALE(2000); i++) {
		n = 0;
		evcnt_foreach(EVCNT_TYPE_ANY, count, &n);
		ATF_REQUIRE(n >= 3 && n <= 7);
	}
	for (i = 0; i < 4; i++)
		test_join(t[i]);
}

static struct evcnt misused;

static void
detach_unattached(void)
{

	misused.ev_group = misused.ev_name = "m";
	evcnt_detach(&misused);
}

static void
no_name(void)
{

	evcnt_attach_dynamic(&misused, EVCNT_TYPE_MISC, NULL, "m", "");
}

static void
long_name(void)
{
	static char name[300];

	memset(name, 'x', sizeof(name) - 1);
	evcnt_attach_dynamic(&misused, EVCNT_TYPE_MISC, NULL, name, "m");
}

static void
attach_twice(void)
{

	evcnt_attach_dynamic(&misused, EVCNT_TYPE_MISC, NULL, "m", "n");
	evcnt_attach_dynamic(&misused, EVCNT_TYPE_MISC, NULL, "m", "n");
}

TEST_TC(misuse, "detaching an unattached counter and invalid names panic")
{

	test_env("WORKQUEUE_CHECK", NULL);
	test_panics(detach_unattached, "evcnt_detach: \"m m\" is not attached",
	    NULL);
	test_panics(no_name, "evcnt_attach: a name of 0 bytes", NULL);
	test_panics(long_name, "evcnt_attach: a group name of 299 bytes",
	    NULL);
}

TEST_TC(checking, "checking mode: attaching a counter twice panics")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_panics(attach_twice,
	    "evcnt_attach_dynamic: \"m n\" is attached already", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, static_);
	ATF_TP_ADD_TC(tp, dynamic);
	ATF_TP_ADD_TC(tp, reentry);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, checking);
	return atf_no_error();
}
