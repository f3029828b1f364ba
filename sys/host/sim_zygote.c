/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The zygote is the process that has loaded the program.  It runs the schedules
 * in children, and judges how each child ended.  It examines the first failure
 * and exits; with the setting k it only counts failures.  A child runs one
 * schedule, or several if it calls wqsim_run().
 */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>
#include <host/sim_main.h>
#include <host/sim_trace.h>

#define	RUNS		1000		/* schedules of a process, at most */
/* Limits of processor time. */
#define	MINIMISE_NS	2500000000	/* to shorten a schedule */
#define	SEARCH_NS	4500000000	/* to find a simpler one, too */
#define	SLOW_NS		300000000	/* minimise no slower schedule */

int64_t
zygote_clock(void)
{
	struct timespec ts;

	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Return the processor time that this process and its children have used. */
int64_t
zygote_used(void)
{
	static const int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage ru;
	int64_t us = 0;
	int i;

	for (i = 0; i < 2; i++) {
		(void)getrusage(who[i], &ru);
		us += ((int64_t)ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) *
		    1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
	}
	return us * 1000;
}

/* Wait for a schedule, and return its status. */
static int
zygote_wait(pid_t pid)
{
	struct pollfd pfd;
	int status;

	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pfd.events = POLLIN;
	if (pfd.fd != -1) {
		sim_stuck_begin();
		while (poll(&pfd, 1, SIM_STUCK_TICK) == 0)
			if (sim_stuck_is(pid)) {
				sim_stuck(pid);
				break;
			}
		(void)close(pfd.fd);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return status;
}

/*
 * End the processes that a schedule has left, which are now children of the
 * zygote.
 */
static void
zygote_leftover(void)
{
	char path[64], text[32];
	ssize_t n;
	int fd, left, status;

	while (waitpid(-1, &status, WNOHANG) == 0) {
		(void)snprintf(path, sizeof(path),
		    "/proc/self/task/%d/children", (int)getpid());
		n = -1;
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
			n = read(fd, text, sizeof(text) - 1);
			(void)close(fd);
		}
		if (n <= 0)
			return;
		text[n] = '\0';
		if ((left = atoi(text)) <= 0)
			return;
		(void)kill(left, SIGKILL);
		(void)waitpid(left, &status, 0);
	}
}

/* Judge how a schedule ended, and store its failure. */
static bool
zygote_failed(int status)
{
	struct sim_result *sr = sim.sim_result;

	if (sr->sr_what[0] != '\0')
		return true;
	if (WIFSIGNALED(status))
		(void)snprintf(sr->sr_what, sizeof(sr->sr_what),
		    "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(sr->sr_what, sizeof(sr->sr_what),
		    "exit status %d", WEXITSTATUS(status));
	return sr->sr_what[0] != '\0';
}

bool
zygote_run(uint64_t seed)
{
	struct sim_result *sr = sim.sim_result;
	pid_t pid;
	bool failed;

	memset(sr, 0, offsetof(struct sim_result, sr_decisions));
	sr->sr_seed = seed;
	if ((pid = _Fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		sim_schedule(seed);
	}
	if (pid == -1) {
		sim_say("wqsim: fork: %s\n", strerror(errno));
		_exit(SIM_EXIT_USAGE);
	}
	failed = zygote_failed(zygote_wait(pid));
	zygote_leftover();
	return failed;
}

/* Run the schedule of a seed, and record a trace. */
static void
zygote_trace(uint64_t seed, bool reads)
{

	/* Expect as many points as the last run had. */
	if (sim_trace_set(true, sim.sim_result->sr_points, reads)) {
		(void)zygote_run(seed);
		trace_last->tr_thread = sim.sim_result->sr_thread;
	}
	(void)sim_trace_set(false, 0, false);
}

/*
 * Find out where two runs of a seed differ, and report it.
 */
static void
zygote_differs(uint64_t seed)
{

	zygote_trace(seed, true);
	sim_trace_save();
	zygote_trace(seed, true);
	sim_say("wqsim: seed %llu does not determine the schedule\n",
	    (unsigned long long)seed);
	if (!sim_trace_differs())
		sim_say("wqsim: two more runs do not differ\n");
}

static void
zygote_page(void)
{
	struct sim_settings *ss = &sim.sim_set;
	FILE *fp;
	int error;

	if ((fp = fopen(ss->ss_pagefile, "we")) == NULL)
		error = errno;
	else {
		error = sim_trace_page(fp, sim_argv[0], output_kept());
		if (fclose(fp) != 0 && error == 0)
			error = errno;
	}
	if (error != 0)
		sim_say("wqsim: %s: %s\n", ss->ss_pagefile,
		    strerror(error));
}

static void
zygote_minimal(const struct sim_result *sr)
{
	char rare[40] = "";

	if (sr->sr_rare > 0)
		(void)snprintf(rare, sizeof(rare), ", %u other event%s",
		    sr->sr_rare, sr->sr_rare == 1 ? "" : "s");
	sim_say("wqsim: the minimal schedule that fails so: %llu points, "
	    "%u preemption%s%s\n", (unsigned long long)sr->sr_points,
	    sr->sr_preemptions, sr->sr_preemptions == 1 ? "" : "s", rare);
}

/*
 * Minimise a schedule that has failed, and print the trace.  duration is the
 * time that the schedule took.
 */
static void
zygote_examine(uint64_t seed, int64_t duration)
{
	static struct sim_result first;
	struct sim_settings *ss = &sim.sim_set;
	struct sim_result *sr = sim.sim_result;
	const struct sim_strategy *strategy = sim.sim_strategy;
	int64_t now = zygote_used();
	bool minimal = false;

	memcpy(&first, sr, sizeof(first));
	output_hide();
	if (duration < SLOW_NS) {
		sim.sim_strategy = &sim_list_strategy;
		minimal = sim_minimise(seed, now + MINIMISE_NS,
		    now + SEARCH_NS);
		if (!minimal)
			sim.sim_strategy = strategy;
	}
	zygote_trace(seed, false);
	if (minimal)
		zygote_minimal(sr);
	else if (sr->sr_hash != first.sr_hash)
		zygote_differs(seed);
	sim_trace_print();
	if (ss->ss_writefile != NULL && minimal)
		sim_replay_write(ss->ss_writefile, seed, sim_argc, sim_argv);
	else if (ss->ss_writefile != NULL)
		sim_say("wqsim: %s: not written: the schedule cannot be "
		    "minimised\n", ss->ss_writefile);
	sim.sim_strategy = strategy;
	memcpy(sr, &first, sizeof(first));
}

static void
zygote_prepare(void)
{
	struct rlimit rl = { 0, 0 };
	cpu_set_t cpus;

	/* Switching between threads is several times faster on one CPU. */
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
	(void)setrlimit(RLIMIT_CORE, &rl);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sim_stuck_init();
	sim_warm();
	output_capture();
}

static void
zygote_line(uint64_t seed, bool failed)
{
	const struct sim_result *sr = sim.sim_result;

	if (sim.sim_set.ss_verbose)
		sim_say("wqsim: seed %llu: %s, %llu points, trace %016llx\n",
		    (unsigned long long)seed, failed ? sr->sr_what : "passed",
		    (unsigned long long)sr->sr_points,
		    (unsigned long long)sr->sr_hash);
}

/*
 * The failures after which the search went on, counted by reason.
 */
#define	REASONS		16

static struct reason {
	char		r_what[sizeof(((struct sim_result *)0)->sr_what)];
	uint64_t	r_count;
	uint64_t	r_seed;		/* the first */
} reasons[REASONS];
static uint64_t reasons_count;

static void
reasons_add(uint64_t seed)
{
	const char *what = sim.sim_result->sr_what;
	unsigned i;

	reasons_count++;
	for (i = 0; i < REASONS - 1 && reasons[i].r_count > 0; i++)
		if (strcmp(reasons[i].r_what, what) == 0)
			break;
	if (reasons[i].r_count++ == 0) {
		reasons[i].r_seed = seed;
		memcpy(reasons[i].r_what, what, sizeof(reasons[i].r_what));
	}
	/* The last entry stands for all other reasons. */
	if (i == REASONS - 1)
		(void)strcpy(reasons[i].r_what, "other reasons");
}

static void
reasons_say(void)
{
	unsigned i;

	for (i = 0; i < REASONS && reasons[i].r_count > 0; i++)
		sim_say("wqsim: %llu times, first with seed %llu: %s\n",
		    (unsigned long long)reasons[i].r_count,
		    (unsigned long long)reasons[i].r_seed, reasons[i].r_what);
}

/*
 * Report that schedule i has failed, and exit.  duration is the time that it
 * took.
 */
static void __attribute__((__noreturn__))
zygote_report(uint64_t i, uint64_t seed, int64_t duration, int64_t start)
{
	const struct sim_settings *ss = &sim.sim_set;

	output_strategy();
	output_keep();
	output_show();
	sim_say("wqsim: schedule %llu%s failed: %s\n",
	    (unsigned long long)i + 1, output_limit(),
	    sim.sim_result->sr_what);
	zygote_examine(seed, duration);
	output_command(seed);
	if (ss->ss_pagefile != NULL)
		zygote_page();
	output_junit(true, start);
	_exit(1);
}

/*
 * Run the last schedule once more.  If it now behaves differently, report that,
 * and exit.
 */
static void
zygote_again(uint64_t seed, int64_t start)
{
	static struct sim_result first;
	struct sim_result *sr = sim.sim_result;

	memcpy(&first, sr, offsetof(struct sim_result, sr_decisions));
	(void)zygote_run(seed);
	if (sr->sr_hash == first.sr_hash &&
	    strcmp(sr->sr_what, first.sr_what) == 0)
		return;
	output_strategy();
	output_keep();
	zygote_differs(seed);
	output_command(seed);
	(void)snprintf(sr->sr_what, sizeof(sr->sr_what), "two runs differ");
	output_junit(true, start);
	_exit(1);
}

/*
 * Report that all n schedules have been run, and exit.  ended says that the
 * strategy has ended by itself.
 */
static void __attribute__((__noreturn__))
zygote_end(uint64_t n, bool ended, int64_t start)
{
	const struct sim_settings *ss = &sim.sim_set;
	const struct sim_strategy *sst = sim.sim_strategy;
	char verdict[160];
	uint64_t ms;

	ms = (uint64_t)(zygote_clock() - start) / 1000000;
	if (reasons_count > 0) {
		output_keep();
		reasons_say();
	}
	if (sst->sst_verdict != NULL)
		(*sst->sst_verdict)(verdict, sizeof(verdict), n, reasons_count,
		    ended);
	else if (reasons_count > 0)
		(void)snprintf(verdict, sizeof(verdict), "%llu of %llu "
		    "schedules failed", (unsigned long long)reasons_count,
		    (unsigned long long)n);
	else
		(void)snprintf(verdict, sizeof(verdict), "no failure in %llu "
		    "schedule%s", (unsigned long long)n, n == 1 ? "" : "s");
	sim_say("wqsim: %s (%s, %s, seed%s %llu), %llu a second\n",
	    verdict, ss->ss_strategy, ss->ss_model,
	    sst->sst_next != NULL ? "" : "s from",
	    (unsigned long long)ss->ss_seed,
	    (unsigned long long)(n * 1000 / (ms > 0 ? ms : 1)));
	output_junit(reasons_count > 0, start);
	_exit(reasons_count > 0 ? 1 : 0);
}

/*
 * Run a schedule, or up to n schedules if the program calls wqsim_run().
 * Return true if one failed, and store its seed.
 */
static bool
zygote_some(uint64_t *seed, uint64_t n)
{
	bool failed;

	/*
	 * A strategy with sst_next() chooses the next schedule after one
	 * process has ended and before the next one starts.  So run one
	 * schedule at a time with such a strategy, and also if each schedule is
	 * run twice.
	 */
	sim.sim_runs = sim.sim_strategy->sst_next != NULL ||
	    sim.sim_set.ss_twice ? 1 : n < RUNS ? n : RUNS;
	failed = zygote_run(*seed);
	sim.sim_runs = 1;
	*seed = sim.sim_result->sr_seed;
	return failed;
}

void
sim_zygote(void)
{
	const struct sim_settings *ss = &sim.sim_set;
	const struct sim_strategy *sst = sim.sim_strategy;
	const struct sim_result *sr = sim.sim_result;
	int64_t begun, start, used;
	uint64_t i, seed;
	bool ended = false, failed;

	zygote_prepare();
	start = zygote_clock();
	for (i = 0;; i++) {
		seed = ss->ss_seed + i;
		if (sst->sst_next != NULL && !(*sst->sst_next)(i, &seed))
			ended = true;
		if (ended || i == ss->ss_schedules)
			break;
		begun = zygote_used();
		failed = zygote_some(&seed, ss->ss_schedules - i);
		used = (zygote_used() - begun) / (int64_t)(sr->sr_ran + 1);
		if (sr->sr_ran > 0)
			i += sr->sr_ran - (failed ? 0 : 1);
		zygote_line(seed, failed);
		if (failed && !ss->ss_keep)
			zygote_report(i, seed, used, start);
		if (failed)
			reasons_add(seed);
		if (ss->ss_twice)
			zygote_again(seed, start);
		output_drop();
		if (!failed && sst->sst_done != NULL)
			(*sst->sst_done)(sr);
		output_progress(i, start);
	}
	zygote_end(i, ended, start);
}
