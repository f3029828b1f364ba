/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Containers and sandboxes: the tour works without the services that they
 * refuse.  These must be missing before the library is loaded, so the tour is a
 * program of its own, h_tour.
 */

#include <sys/mount.h>
#include <sys/prctl.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <dlfcn.h>
#include <sched.h>
#include <stddef.h>

#include "../../tests.h"
#include "../../confine.h"

static char *tour[3];			/* h_tour and its arguments */
static void (*tour_prepare)(void);

static void
tour_exec(void)
{

	(*tour_prepare)();
	(void)execv(tour[0], tour);
	_exit(2);
}

/*
 * Prepare a sandbox in a child, and run h_tour there.  It must find ncpu CPUs,
 * or any number if ncpu is 0.
 */
static void
tour_in(const atf_tc_t *tc, void (*prepare)(void), int ncpu)
{
	static char n[16], path[4096];

	(void)snprintf(path, sizeof(path), "%s/h_tour",
	    atf_tc_get_config_var(tc, "srcdir"));
	(void)snprintf(n, sizeof(n), "%d", ncpu);
	tour[0] = path;
	tour[1] = n;
	tour_prepare = prepare;
	confined(tour_exec);
}

#if defined(TEST_TSAN) || defined(TEST_ASAN)
#define	NO_SANITIZER()							\
	atf_tc_skip("a sanitizer needs what is refused here")
#else
#define	NO_SANITIZER()	((void)0)
#endif

/*
 * Filters of system calls.
 */

static const int *filter_calls;
static size_t filter_ncalls;
static int filter_error;

static void
filter(void)
{
	struct sock_filter f[40];
	struct sock_fprog prog = { .filter = f };
	size_t i;
	unsigned short n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr));
	for (i = 0; i < filter_ncalls; i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
		    BPF_K, (unsigned)filter_calls[i], 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    SECCOMP_RET_ERRNO | (unsigned)filter_error);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		_exit(CONFINE_NOT);
}

static void
refuse(const atf_tc_t *tc, const int *calls, size_t n)
{
	static const int errors[] = { EPERM, ENOSYS };
	size_t i;

	NO_SANITIZER();
	filter_calls = calls;
	filter_ncalls = n;
	for (i = 0; i < TEST_NELEM(errors); i++) {
		filter_error = errors[i];
		tour_in(tc, filter, 0);
	}
}

#define	REFUSE_TC(name, ...)						\
TEST_TC(name, "the tour, where a filter refuses " #__VA_ARGS__)		\
{									\
	static const int calls[] = { __VA_ARGS__ };			\
									\
	refuse(test_tc, calls, TEST_NELEM(calls));			\
}

REFUSE_TC(membarrier, SYS_membarrier)
REFUSE_TC(rseq, SYS_rseq)
REFUSE_TC(setaffinity, SYS_sched_setaffinity)
REFUSE_TC(getaffinity, SYS_sched_getaffinity)
REFUSE_TC(prctl, SYS_prctl)
REFUSE_TC(setpriority, SYS_setpriority)
REFUSE_TC(setscheduler, SYS_sched_setscheduler)
REFUSE_TC(eventfd, SYS_eventfd2)
REFUSE_TC(getcpu, SYS_getcpu, SYS_rseq)
REFUSE_TC(getrandom, SYS_getrandom)

/*
 * All system calls that the page lists for the linux back end, except those on
 * files.
 */
REFUSE_TC(linux_row, SYS_membarrier, SYS_prctl, SYS_getpriority,
    SYS_setpriority, SYS_sched_getaffinity, SYS_sched_setaffinity,
    SYS_sched_getscheduler, SYS_sched_getparam, SYS_sched_setscheduler,
    SYS_close_range, SYS_rseq, SYS_getcpu, SYS_eventfd2)

/*
 * Files.
 */

/*
 * The dynamic linker finds a library beside the program through /proc, so name
 * the library's directory.
 */
static void
name_libraries(void)
{
	static char path[4096];
	Dl_info di;
	char *slash;

	CONFINE_REQUIRE(dladdr((void *)(uintptr_t)workqueue_create, &di) != 0);
	CONFINE_REQUIRE(realpath(di.dli_fname, path) != NULL);
	CONFINE_REQUIRE((slash = strrchr(path, '/')) != NULL);
	*slash = '\0';
	CONFINE_REQUIRE(setenv("LD_LIBRARY_PATH", path, 1) == 0);
}

static void
hide_files(void)
{

	name_libraries();
	/* An ordinary user can be root in a new user namespace. */
	if (unshare(CLONE_NEWNS) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		_exit(CONFINE_NOT);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) == -1 ||
	    mount("none", "/sys", "tmpfs", 0, NULL) == -1)
		_exit(CONFINE_NOT);
	CONFINE_REQUIRE(access("/proc/self", F_OK) == -1);
	CONFINE_REQUIRE(access("/sys/fs", F_OK) == -1);
}

TEST_TC(no_proc_no_sys, "the tour, without /proc and /sys")
{

	NO_SANITIZER();
	tour_in(test_tc, hide_files, 0);
}

static void
close_standard(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
}

TEST_TC(closed_descriptors, "the tour, with descriptors 0 to 2 closed: the "
    "library takes none of them")
{

	tour_in(test_tc, close_standard, 0);
}

/*
 * CPUs.
 */

static int cpu_only;

static void
one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu_only, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == -1)
		_exit(CONFINE_NOT);
}

TEST_TC(one_cpu, "the tour on one CPU, be it the first or the last")
{
	cpu_set_t set;
	int cpu, i;

	ATF_REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (cpu = i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			cpu = i;
	for (cpu_only = 0; !CPU_ISSET(cpu_only, &set); cpu_only++)
		continue;
	TEST_NEED(TEST_CAP_AFFINITY, "no affinity");
	tour_in(test_tc, one_cpu, 1);
	cpu_only = cpu;
	tour_in(test_tc, one_cpu, 1);
}

/*
 * Limits.
 */

static atomic_int runs;

static void
count(struct work *wk, void *arg)
{

	(void)wk;
	(void)arg;
	atomic_fetch_add(&runs, 1);
}

static int
create(struct workqueue **wqp)
{

	return workqueue_create(wqp, "sandbox", count, NULL, PRI_NONE,
	    IPL_NONE, WQ_MPSAFE | WQ_DEDICATED);
}

/*
 * Under a limit that permits no more threads, no workqueue can be created, but
 * an existing one still works.  When the limit is gone, creation succeeds
 * again.
 */
static void
limited(int resource, rlim_t limit)
{
	struct rlimit old, rl;
	struct workqueue *wq[2];
	struct work wk;
	int error;

	CONFINE_REQUIRE(create(&wq[0]) == 0);
	CONFINE_REQUIRE(getrlimit(resource, &old) == 0);
	rl = old;
	rl.rlim_cur = limit;
	CONFINE_REQUIRE(setrlimit(resource, &rl) == 0);
	error = create(&wq[1]);
	CONFINE_REQUIRE(error == EAGAIN || error == ENOMEM);
	workqueue_enqueue(wq[0], &wk, NULL);
	workqueue_wait(wq[0], &wk);
	CONFINE_REQUIRE(atomic_load(&runs) == 1);
	CONFINE_REQUIRE(setrlimit(resource, &old) == 0);
	CONFINE_REQUIRE(create(&wq[1]) == 0);
	workqueue_enqueue(wq[1], &wk, NULL);
	workqueue_destroy(wq[1]);
	CONFINE_REQUIRE(atomic_load(&runs) == 2);
	workqueue_destroy(wq[0]);
}

static void
limit_nproc(void)
{

	/*
	 * Root has no such limit, so become a user without any other process.
	 */
	if (geteuid() == 0 && (setgid(61234) == -1 || setuid(61234) == -1))
		_exit(CONFINE_NOT);
	limited(RLIMIT_NPROC, 1);
}

TEST_TC(rlimit_nproc, "RLIMIT_NPROC: no thread, so no workqueue, and an error; "
    "what is there works")
{

	confined(limit_nproc);
}

static void
limit_as(void)
{

	limited(RLIMIT_AS, 1 << 20);
}

TEST_TC(rlimit_as, "so does RLIMIT_AS")
{

	NO_SANITIZER();
	confined(limit_as);
}

static void
little_memory(void)
{
	struct rlimit rl = { 256 << 20, 256 << 20 };

	CONFINE_REQUIRE(setrlimit(RLIMIT_AS, &rl) == 0);
	/* Threads get stacks of this size. */
	rl.rlim_cur = rl.rlim_max = 1 << 20;
	CONFINE_REQUIRE(setrlimit(RLIMIT_STACK, &rl) == 0);
}

TEST_TC(little_memory, "the tour in an address space of 256 megabytes")
{

	NO_SANITIZER();
	tour_in(test_tc, little_memory, 0);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, membarrier);
	ATF_TP_ADD_TC(tp, rseq);
	ATF_TP_ADD_TC(tp, setaffinity);
	ATF_TP_ADD_TC(tp, getaffinity);
	ATF_TP_ADD_TC(tp, prctl);
	ATF_TP_ADD_TC(tp, setpriority);
	ATF_TP_ADD_TC(tp, setscheduler);
	ATF_TP_ADD_TC(tp, eventfd);
	ATF_TP_ADD_TC(tp, getcpu);
	ATF_TP_ADD_TC(tp, getrandom);
	ATF_TP_ADD_TC(tp, linux_row);
	ATF_TP_ADD_TC(tp, no_proc_no_sys);
	ATF_TP_ADD_TC(tp, closed_descriptors);
	ATF_TP_ADD_TC(tp, one_cpu);
	ATF_TP_ADD_TC(tp, rlimit_nproc);
	ATF_TP_ADD_TC(tp, rlimit_as);
	ATF_TP_ADD_TC(tp, little_memory);
	return atf_no_error();
}
