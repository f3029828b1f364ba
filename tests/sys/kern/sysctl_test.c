/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sysctl(9): nodes exist, and are accessed by name.
 */

#include <sys/param.h>
#include <sys/sysctl.h>

#include "../../tests.h"

static struct sysctllog *clog;
static const struct sysctlnode *foo, *node;

static int
make(const struct sysctlnode **up, const struct sysctlnode **np, int flags,
    int type, const char *name, sysctlfn func, uint64_t qv, void *data,
    size_t len)
{

	return sysctl_createv(&clog, 0, up, np, flags, type, name,
	    SYSCTL_DESCR("what it is"), func, qv, data, len, CTL_CREATE,
	    CTL_EOL);
}

static void
make_foo(void)
{

	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, &foo, CTLFLAG_PERMANENT,
	    CTLTYPE_NODE, "foo", NULL, NULL, 0, NULL, 0, CTL_KERN,
	    CTL_CREATE, CTL_EOL));
}

static int
read_int(const char *name)
{
	size_t len;
	int v;

	len = sizeof(v);
	v = -1;
	TEST_EQ(0, wqk_sysctlbyname(name, &v, &len, NULL, 0));
	TEST_EQ(sizeof(v), len);
	return v;
}

static int
write_int(const char *name, int v)
{

	return wqk_sysctlbyname(name, NULL, NULL, &v, sizeof(v));
}

TEST_TC(variables, "a variable of each type is read and written by name")
{
	static char text[8] = "abc";
	static int i = 1;
	static long g = -2;
	static uint64_t q = 1ULL << 40;
	static bool b = true;
	static struct pair {
		int	a, b;
	} pair = { 1, 2 }, more = { 3, 4 }, got;
	char buf[8];
	size_t len;

	make_foo();
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_INT, "i", NULL,
	    0, &i, 0));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_LONG, "g",
	    NULL, 0, &g, 0));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_QUAD, "q",
	    NULL, 0, &q, 0));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_BOOL, "b",
	    NULL, 0, &b, 0));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_STRUCT, "s",
	    NULL, 0, &pair, sizeof(pair)));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_STRING, "t",
	    NULL, 0, text, sizeof(text)));

	TEST_EQ(1, read_int("kern.foo.i"));
	TEST_EQ(0, write_int("kern.foo.i", 5));
	TEST_EQ(5, i);
	len = sizeof(g);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.g", &g, &len, NULL, 0));
	TEST_EQ(-2, g);
	TEST_EQ(EINVAL, write_int("kern.foo.q", 1));
	len = sizeof(got);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.s", &got, &len, &more,
	    sizeof(more)));
	TEST_EQ(2, got.b);
	TEST_EQ(4, pair.b);

	/* Write a string, with and without its NUL. */
	len = sizeof(buf);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.t", buf, &len, "defghij", 8));
	TEST_EQ(4, len);
	ATF_CHECK_STREQ("abc", buf);
	ATF_CHECK_STREQ("defghij", text);
	TEST_EQ(EINVAL, wqk_sysctlbyname("kern.foo.t", NULL, NULL, "defghijk",
	    8));
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.t", NULL, NULL, "kl", 2));
	ATF_CHECK_STREQ("kl", text);

	/* Get only the length, and read into a buffer that is too small. */
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.t", NULL, &len, NULL, 0));
	TEST_EQ(3, len);
	len = 2;
	TEST_EQ(ENOMEM, wqk_sysctlbyname("kern.foo.t", buf, &len, NULL, 0));
	TEST_EQ(3, len);
	sysctl_teardown(&clog);
	TEST_EQ(ENOENT, write_int("kern.foo.i", 5));
}

TEST_TC(own, "a node may contain the value itself")
{
	char name[] = "own", text[] = "mine", desc[] = "said";
	size_t len;
	char buf[16];

	make_foo();
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE | CTLFLAG_IMMEDIATE,
	    CTLTYPE_INT, "i", NULL, 7, NULL, 0));
	TEST_EQ(0, sysctl_createv(&clog, CTLFLAG_OWNDESC, &foo, &node,
	    CTLFLAG_READWRITE | CTLFLAG_OWNDATA, CTLTYPE_STRING, name, desc,
	    NULL, 0, text, 16, CTL_CREATE, CTL_EOL));
	memset(name, 'x', 3);
	memset(text, 'x', 4);
	memset(desc, 'x', 4);
	TEST_EQ(7, read_int("kern.foo.i"));
	TEST_EQ(0, write_int("kern.foo.i", 8));
	TEST_EQ(8, read_int("kern.foo.i"));
	len = sizeof(buf);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.own", buf, &len, "yours", 6));
	ATF_CHECK_STREQ("mine", buf);
	ATF_CHECK_STREQ("said", node->sysctl_desc);
	ATF_CHECK_STREQ("yours", (const char *)node->sysctl_data);
	sysctl_teardown(&clog);
}

static int value = 41, refused;

static int
handler(SYSCTLFN_ARGS)
{
	struct sysctlnode copy = *rnode;
	int error, v = value;

	copy.sysctl_data = &v;
	error = sysctl_lookup(SYSCTLFN_CALL(&copy));
	if (error != 0 || newp == NULL)
		return error;
	if (v < 0) {
		refused++;
		return ERANGE;
	}
	value = v;
	return 0;
}

/* A handler that interprets the rest of the name. */
static int
rest(SYSCTLFN_ARGS)
{
	int v;

	if (namelen != 2 || l != curlwp || newp != NULL)
		return ENOENT;
	v = name[0] * 100 + name[1];
	TEST_EQ(CTL_KERN, oname[0]);
	if (*oldlenp < sizeof(v))
		return ENOMEM;
	*oldlenp = sizeof(v);
	return sysctl_copyout(l, &v, oldp, sizeof(v));
}

TEST_TC(functions, "a node's handler is called with the rest of the name")
{

	make_foo();
	TEST_EQ(0, make(&foo, &node, CTLFLAG_READWRITE, CTLTYPE_INT, "bar",
	    handler, 0, NULL, 0));
	ATF_CHECK(node->sysctl_func == handler);
	TEST_EQ(sizeof(int), node->sysctl_size);
	ATF_CHECK_STREQ("bar", node->sysctl_name);
	ATF_CHECK(wqk_sysctlnode("kern.foo.bar") == node);
	ATF_CHECK_STREQ("what it is", node->sysctl_desc);
	TEST_EQ(41, read_int("kern.foo.bar"));
	TEST_EQ(0, write_int("kern.foo.bar", 42));
	TEST_EQ(42, value);
	TEST_EQ(ERANGE, write_int("kern.foo.bar", -1));
	TEST_EQ(42, read_int("kern.foo.bar"));
	TEST_EQ(1, refused);

	TEST_EQ(0, make(&foo, NULL, 0, CTLTYPE_NODE, "rest", rest, 0, NULL,
	    0));
	TEST_EQ(307, read_int("kern.foo.rest.3.7"));
	TEST_EQ(ENOENT, write_int("kern.foo.rest.3", 1));
	TEST_EQ(ENOENT, write_int("kern.foo.rest.3.x", 1));
	sysctl_teardown(&clog);
}

/* A handler that, like many, assumes that there is a size. */
static int
words(SYSCTLFN_ARGS)
{
	static const int all[3] = { 1, 2, 3 };
	size_t n;

	n = MIN(*oldlenp, sizeof(all));
	*oldlenp = sizeof(all);
	return oldp != NULL ? sysctl_copyout(l, all, oldp, n) : 0;
}

TEST_TC(sizes, "a handler always gets a size, and need not compare it with the "
    "node's")
{
	int got[3];
	size_t len;

	make_foo();
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_STRUCT,
	    "words", words, 0, NULL, 0));
	TEST_EQ(0, write_int("kern.foo.words", 1));
	len = 1;
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.words", NULL, &len, NULL, 0));
	TEST_EQ(sizeof(got), len);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.words", got, &len, NULL, 0));
	TEST_EQ(3, got[2]);
	memset(got, 0, sizeof(got));
	len = 2 * sizeof(got[0]);
	TEST_EQ(ENOMEM, wqk_sysctlbyname("kern.foo.words", got, &len, NULL,
	    0));
	TEST_EQ(sizeof(got), len);
	TEST_EQ(2, got[1]);
	TEST_EQ(0, got[2]);
	TEST_EQ(ENOMEM, wqk_sysctlbyname("kern.foo.words", got, NULL, NULL,
	    0));
	sysctl_teardown(&clog);
}

TEST_TC(numbers, "nodes are found by their given or assigned numbers")
{
	static int v = 3;
	const struct sysctlnode *root;
	struct sysctllog *other;
	int got, ni, path[3];
	size_t len;

	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, NULL, 0, CTLTYPE_INT, "v",
	    NULL, NULL, 0, &v, 0, CTL_HW, 77, CTL_EOL));
	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, &node, 0, CTLTYPE_INT, "w",
	    NULL, NULL, 0, &v, 0, CTL_HW, CTL_CREATE, CTL_EOL));
	ATF_CHECK(node->sysctl_num > 77);
	TEST_EQ(3, read_int("hw.v"));
	TEST_EQ(3, read_int("6.77"));
	path[0] = CTL_HW;
	path[1] = 77;
	root = NULL;
	sysctl_lock(false);
	TEST_EQ(0, sysctl_locate(curlwp, path, 2, &root, &ni));
	TEST_EQ(2, ni);
	len = sizeof(got);
	got = 0;
	TEST_EQ(0, sysctl_dispatch(path, 2, &got, &len, NULL, 0, path, curlwp,
	    NULL));
	sysctl_unlock();
	TEST_EQ(3, got);
	TEST_EQ(EEXIST, sysctl_createv(&clog, 0, NULL, NULL, 0, CTLTYPE_INT,
	    "u", NULL, NULL, 0, &v, 0, CTL_HW, 77, CTL_EOL));
	TEST_EQ(0, sysctl_destroyv(NULL, CTL_HW, 77, CTL_EOL));
	ATF_CHECK(wqk_sysctlnode("hw.v") == NULL);
	/* The node is gone already, which counts as success. */
	TEST_EQ(0, sysctl_destroyv(NULL, CTL_HW, 77, CTL_EOL));
	/* The log has a destroyed node, whose memory may be reused. */
	other = NULL;
	TEST_EQ(0, sysctl_createv(&other, 0, NULL, NULL, 0, CTLTYPE_INT, "x",
	    NULL, NULL, 0, &v, 0, CTL_HW, CTL_CREATE, CTL_EOL));
	sysctl_teardown(&clog);
	ATF_CHECK(clog == NULL);
	ATF_CHECK(wqk_sysctlnode("hw.w") == NULL);
	ATF_CHECK(wqk_sysctlnode("hw.x") != NULL);
	sysctl_teardown(&other);
	ATF_CHECK(wqk_sysctlnode("hw.x") == NULL);
}

TEST_TC(shared, "an existing node is shared, and stays while it has children")
{
	static int v = 1;
	const struct sysctlnode *again;
	struct sysctllog *other;

	make_foo();
	node = foo;
	other = NULL;
	TEST_EQ(0, sysctl_createv(&other, 0, NULL, &again, 0, CTLTYPE_NODE,
	    "foo", NULL, NULL, 0, NULL, 0, CTL_KERN, CTL_CREATE, CTL_EOL));
	ATF_CHECK(again == foo);
	TEST_EQ(0, sysctl_createv(&other, 0, &again, NULL, 0, CTLTYPE_INT,
	    "v", NULL, NULL, 0, &v, 0, CTL_CREATE, CTL_EOL));
	TEST_EQ(EEXIST, make(&foo, NULL, 0, CTLTYPE_INT, "v", NULL, 0, &v,
	    0));
	TEST_EQ(EEXIST, sysctl_createv(&other, 0, NULL, NULL, 0, CTLTYPE_INT,
	    "foo", NULL, NULL, 0, &v, 0, CTL_KERN, CTL_CREATE, CTL_EOL));
	sysctl_teardown(&clog);
	TEST_EQ(1, read_int("kern.foo.v"));
	sysctl_teardown(&other);
	ATF_CHECK(wqk_sysctlnode("kern.foo") == NULL);

	/*
	 * The same without children, because the second log may still create
	 * one.
	 */
	make_foo();
	TEST_EQ(0, sysctl_createv(&other, 0, NULL, &again, 0, CTLTYPE_NODE,
	    "foo", NULL, NULL, 0, NULL, 0, CTL_KERN, CTL_CREATE, CTL_EOL));
	sysctl_teardown(&clog);
	ATF_CHECK(wqk_sysctlnode("kern.foo") == again);
	sysctl_teardown(&other);
	ATF_CHECK(wqk_sysctlnode("kern.foo") == NULL);
}

TEST_TC(top, "a top-level node is destroyed as others are; the predefined ones "
    "stay")
{
	static int v = 1;
	const struct sysctlnode *mine;

	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, &mine, 0, CTLTYPE_NODE,
	    "mine", NULL, NULL, 0, NULL, 0, CTL_CREATE, CTL_EOL));
	TEST_EQ(0, make(&mine, NULL, 0, CTLTYPE_INT, "v", NULL, 0, &v, 0));
	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, NULL, 0, CTLTYPE_NODE,
	    "kern", NULL, NULL, 0, NULL, 0, CTL_KERN, CTL_EOL));
	TEST_EQ(1, read_int("mine.v"));
	sysctl_teardown(&clog);
	ATF_CHECK(wqk_sysctlnode("mine") == NULL);
	ATF_CHECK(wqk_sysctlnode("kern") != NULL);

	TEST_EQ(0, sysctl_createv(NULL, 0, NULL, NULL, 0, CTLTYPE_NODE,
	    "mine", NULL, NULL, 0, NULL, 0, 100, CTL_EOL));
	TEST_EQ(0, sysctl_destroyv(NULL, 100, CTL_EOL));
	ATF_CHECK(wqk_sysctlnode("mine") == NULL);

	/* CTL_CREATE ends a path, too: the rest is not read. */
	TEST_EQ(0, sysctl_createv(&clog, 0, NULL, NULL, 0, CTLTYPE_INT, "v",
	    NULL, NULL, 0, &v, 0, CTL_KERN, CTL_CREATE, 4711, CTL_EOL));
	TEST_EQ(1, read_int("kern.v"));
	sysctl_teardown(&clog);
}

TEST_TC(errors, "invalid requests are refused")
{
	static int v = 1;
	size_t len;

	make_foo();
	TEST_EQ(0, make(&foo, NULL, 0, CTLTYPE_INT, "v", NULL, 0, &v, 0));
	TEST_EQ(EPERM, write_int("kern.foo.v", 2));
	TEST_EQ(EISDIR, write_int("kern.foo", 2));
	TEST_EQ(ENOTDIR, write_int("kern.foo.v.x", 2));
	TEST_EQ(ENOENT, write_int("kern.foo.x", 2));
	TEST_EQ(ENOENT, write_int("nowhere", 2));
	TEST_EQ(ENOENT, write_int("", 2));
	TEST_EQ(ENOENT, write_int("kern..v", 2));
	TEST_EQ(ENOENT, write_int("kern.foo.", 2));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "1x", NULL, 0, &v,
	    0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "a.b", NULL, 0, &v,
	    0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "", NULL, 0, &v, 0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT,
	    "a_name_of_more_than_thirty_one_bytes", NULL, 0, &v, 0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "none", NULL, 0,
	    NULL, 0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_QUAD, "small", NULL, 0,
	    &v, sizeof(v)));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, 99, "type", NULL, 0, &v, 0));
	TEST_EQ(ENOENT, sysctl_createv(&clog, 0, NULL, NULL, 0, CTLTYPE_INT,
	    "v", NULL, NULL, 0, &v, 0, CTL_KERN, 4711, CTL_CREATE, CTL_EOL));
	TEST_EQ(0, sysctl_destroyv(NULL, CTL_KERN, foo->sysctl_num, CTL_EOL));
	TEST_EQ(1, read_int("kern.foo.v"));
	TEST_EQ(EINVAL, sysctl_destroyv(NULL, CTL_EOL));
	/* A path that is too long is not treated as an empty one. */
	TEST_EQ(0, make(&foo, &node, 0, CTLTYPE_INT, "w", NULL, 0, &v, 0));
	TEST_EQ(EINVAL, sysctl_destroyv((struct sysctlnode *)(uintptr_t)node,
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, CTL_EOL));
	ATF_CHECK(wqk_sysctlnode("kern.foo.w") == node);
	TEST_EQ(EPERM, sysctl_destroyv(NULL, CTL_KERN, CTL_EOL));
	len = sizeof(v);
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.v", &v, &len, NULL, 0));
	sysctl_teardown(&clog);
	sysctl_teardown(&clog);
}

static int plain;			/* ordered by the tree's lock */
static atomic_int inside;

static int
counter(SYSCTLFN_ARGS)
{
	struct sysctlnode copy = *rnode;
	int error, shown, v;

	if (newp != NULL)
		TEST_EQ(0, atomic_fetch_add(&inside, 1));
	shown = v = plain;
	copy.sysctl_data = &shown;
	error = sysctl_lookup(SYSCTLFN_CALL(&copy));
	if (newp != NULL) {
		sched_yield();
		plain = v + 1;
		atomic_fetch_sub(&inside, 1);
	}
	return error;
}

static void *
user(void *arg)
{
	int i, last, v;

	(void)arg;
	last = 0;
	for (i = 0; i < TEST_SCALE(2000); i++) {
		TEST_EQ(0, write_int("kern.foo.count", 1));
		v = read_int("kern.foo.count");
		ATF_REQUIRE(v > last);
		last = v;
	}
	return NULL;
}

static void *
maker(void *arg)
{
	const struct sysctlnode *np, *top;
	struct sysctllog *log;
	char name[8];
	int i;

	snprintf(name, sizeof(name), "m%zu", (size_t)(uintptr_t)arg);
	for (i = 0; i < TEST_SCALE(2000); i++) {
		log = NULL;
		TEST_EQ(0, sysctl_createv(&log, 0, NULL, &top, 0,
		    CTLTYPE_NODE, name, NULL, NULL, 0, NULL, 0, CTL_KERN,
		    CTL_CREATE, CTL_EOL));
		TEST_EQ(0, sysctl_createv(&log, 0, &top, &np,
		    CTLFLAG_READWRITE | CTLFLAG_IMMEDIATE, CTLTYPE_INT, "v",
		    NULL, NULL, (uint64_t)i, NULL, 0, CTL_CREATE, CTL_EOL));
		ATF_REQUIRE(np != NULL && np->sysctl_parent == top);
		sysctl_teardown(&log);
	}
	return NULL;
}

TEST_TC(threads, "handlers that write run alone, while others create and "
    "destroy")
{
	pthread_t t[2], u[2];
	size_t i;

	make_foo();
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_INT, "count",
	    counter, 0, NULL, 0));
	for (i = 0; i < 2; i++) {
		t[i] = test_thread(user, NULL);
		u[i] = test_thread(maker, (void *)(uintptr_t)i);
	}
	for (i = 0; i < 2; i++) {
		test_join(t[i]);
		test_join(u[i]);
	}
	TEST_EQ(2 * TEST_SCALE(2000), plain);
	sysctl_teardown(&clog);
}

static atomic_int nread;
static pthread_t late;

static void *
late_reader(void *arg)
{

	(void)arg;
	(void)read_int("kern.foo.bar");
	atomic_store(&nread, 1);
	return NULL;
}

/* Release the lock, and take it again in the same mode. */
static int
relocks(SYSCTLFN_ARGS)
{
	int error, i;

	sysctl_unlock();
	error = write_int("kern.foo.bar", 43);
	sysctl_relock();
	if (newp != NULL) {
		late = test_thread(late_reader, NULL);
		for (i = 0; i < 20; i++)
			test_pause();
		TEST_EQ(0, nread);
	}
	return error;
}

TEST_TC(relock, "a handler may release the lock")
{

	make_foo();
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_INT, "bar",
	    handler, 0, NULL, 0));
	TEST_EQ(0, make(&foo, NULL, CTLFLAG_READWRITE, CTLTYPE_INT, "relock",
	    relocks, 0, NULL, 0));
	TEST_EQ(0, wqk_sysctlbyname("kern.foo.relock", NULL, NULL, NULL, 0));
	TEST_EQ(43, value);
	TEST_EQ(0, write_int("kern.foo.relock", 1));
	test_join(late);
	TEST_EQ(1, nread);
	sysctl_teardown(&clog);
}

static void
unlocked(void)
{
	int path[] = { CTL_KERN };

	(void)sysctl_dispatch(path, 1, NULL, NULL, NULL, 0, path, curlwp,
	    NULL);
}

TEST_TC(misuse, "errors of the caller panic")
{

	make_foo();
	test_panics(unlocked, "sysctl_dispatch: the tree is not locked",
	    NULL);
	sysctl_teardown(&clog);
}

static void
wrong_arguments(void)
{
	static int v;

	make_foo();
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "1x", NULL, 0, &v,
	    0));
	TEST_EQ(EINVAL, make(&foo, NULL, 0, CTLTYPE_INT, "v", NULL, 0, NULL,
	    0));
}

TEST_TC(explained, "checking mode: EINVAL says which argument is wrong")
{

	test_env("WORKQUEUE_CHECK", "1");
	test_says(wrong_arguments, "sysctl_createv: EINVAL: \"1x\": not a "
	    "name\n", "sysctl_createv: EINVAL: \"v\": neither data nor a "
	    "function\n", NULL);
}

static void
looks(void)
{

	if (write_int("nowhere", 2) != ENOENT)
		_exit(10);
	exit(0);
}

TEST_TC(kept, "strict: the lock of the tree is not reported at exit")
{

	test_env("WORKQUEUE_CHECK", "strict");
	test_lives(looks);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, variables);
	ATF_TP_ADD_TC(tp, own);
	ATF_TP_ADD_TC(tp, functions);
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, numbers);
	ATF_TP_ADD_TC(tp, shared);
	ATF_TP_ADD_TC(tp, top);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, relock);
	ATF_TP_ADD_TC(tp, misuse);
	ATF_TP_ADD_TC(tp, explained);
	ATF_TP_ADD_TC(tp, kept);
	return atf_no_error();
}
