/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * wqstat(1): show what each queue of a process is doing.  wqstat reads the
 * memory of the process, which need not do anything.  So it works even if the
 * process hangs.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wqstat.h"

#define	MOMENT	500000000	/* ns between the two samples without -i */

static struct target target;
static struct wqstat_piece pieces[BATCH + 1];
static struct wqstat_slot slots[BATCH], again[BATCH];
static char objects[BATCH][WQSTAT_OBJECTSIZE];

static void
usage(void)
{

	(void)fprintf(stderr,
	    "usage: wqstat [-j | -s] [-i seconds [-n samples]] pid\n"
	    "       wqstat [-j | -s] [-r root] -c core program\n");
	exit(EXIT_USAGE);
}

static void __attribute__((__format__(__printf__, 1, 0)))
message(const char *fmt, va_list ap)
{

	(void)fflush(stdout);
	(void)fprintf(stderr, "wqstat: ");
	(void)vfprintf(stderr, fmt, ap);
	(void)fprintf(stderr, "\n");
}

void
die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	exit(status);
}

void
warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
nap(int64_t until)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(until / 1000000000);
	ts.tv_nsec = (long)(until % 1000000000);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	    EINTR)
		continue;
}

/* Keep a sample of one queue. */
static bool
keep(struct wqstat_source *so, const struct workqueue_stat *ws)
{
	struct workqueue_stat *new;
	struct target *t;

	t = (struct target *)so;
	if (t->t_nnew == t->t_size) {
		t->t_size = t->t_size == 0 ? 64 : t->t_size * 2;
		t->t_new = realloc(t->t_new, t->t_size * sizeof(*t->t_new));
		t->t_old = realloc(t->t_old, t->t_size * sizeof(*t->t_old));
		if (t->t_new == NULL || t->t_old == NULL)
			die(EXIT_TARGET, "no memory");
	}
	/* Omit the history, which comes from the last sample. */
	new = &t->t_new[t->t_nnew++];
	memcpy(new, ws, offsetof(struct workqueue_stat, ws_history));
	new->ws_tid = proc_tid(t, ws->ws_tid);
	return true;
}

/* Keep a running callback. */
static bool
keep_run(struct wqstat_source *so, const struct workqueue_stat *ws,
    const struct wqstat_run *wn)
{
	struct target *t;
	struct run *r;

	t = (struct target *)so;
	/* The callback has just returned, or its thread is not known. */
	if (wn->wn_tid == 0)
		return true;
	if (t->t_nruns == t->t_runsize) {
		t->t_runsize = t->t_runsize == 0 ? 64 : t->t_runsize * 2;
		t->t_runs = realloc(t->t_runs, t->t_runsize *
		    sizeof(*t->t_runs));
		if (t->t_runs == NULL)
			die(EXIT_TARGET, "no memory");
	}
	r = &t->t_runs[t->t_nruns++];
	wqstat_plain(r->r_name, sizeof(r->r_name), ws->ws_name);
	r->r_tid = proc_tid(t, wn->wn_tid);
	return true;
}

/*
 * Return true if a callback has begun since the last sample.  Its function may
 * be in a module that was loaded meanwhile, at the address of another one.
 */
static bool
is_new(const struct workqueue_stat *ws, const struct workqueue_stat *old)
{

	return ws->ws_running != 0 && (old == NULL ||
	    old->ws_id != ws->ws_id || old->ws_gen != ws->ws_gen ||
	    old->ws_running == 0 || old->ws_run != ws->ws_run);
}

/* Take a sample, and compare it with the last one. */
static void
sample(struct target *t)
{
	const struct workqueue_stat *old;
	struct workqueue_stat *ws;
	size_t i, j;

	ws = t->t_old;
	t->t_old = t->t_new;
	t->t_new = ws;
	t->t_nold = t->t_nnew;
	t->t_nnew = t->t_nruns = 0;
	t->t_fresh = t->t_tidsfresh = false;
	t->t_oldtime = t->t_source.so_time;
	if (t->t_pid != 0)
		proc_state(t);
	/* A core has no time. */
	t->t_source.so_time = t->t_pid != 0 ? now() : 0;
	if (t->t_pid != 0 && !t->t_gone &&
	    wqstat_root_read(&t->t_source, t->t_root) != WQSTAT_OK &&
	    !t->t_gone) {
		if (t->t_errno == EPERM)
			proc_denied(t);
		die(EXIT_TARGET, "process %d has executed another program",
		    (int)t->t_pid);
	}
	if (t->t_first == 0)
		t->t_first = t->t_source.so_time;
	(void)wqstat_sample(&t->t_source);
	if (t->t_gone)
		die(EXIT_TARGET, "process %d has ended", (int)t->t_pid);
	for (i = j = 0; i < t->t_nnew; i++) {
		while (j < t->t_nold && t->t_old[j].ws_id < t->t_new[i].ws_id)
			j++;
		old = j < t->t_nold ? &t->t_old[j] : NULL;
		wqstat_compare(&t->t_new[i], old, t->t_first);
		if (is_new(&t->t_new[i], old))
			target_refresh(t);
	}
}

static long
number(const char *arg, const char *what, double scale, long max)
{
	char *end;
	double d;

	d = strtod(arg, &end);
	if (end == arg || *end != '\0' || !(d > 0) || d * scale < 1 ||
	    d * scale > (double)max)
		die(EXIT_USAGE, "%s: not a %s", arg, what);
	return (long)(d * scale);
}

/* The options. */
static const char *opt_core, *opt_root;
static bool opt_json, opt_stacks;
static long opt_interval;		/* milliseconds; 0: one sample */
static long opt_samples;

static void
options(int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "c:i:jn:r:s")) != -1)
		switch (ch) {
		case 'c':
			opt_core = optarg;
			break;
		case 'i':
			opt_interval = number(optarg, "number of seconds",
			    1000, 86400000);
			break;
		case 'j':
			opt_json = true;
			break;
		case 'n':
			opt_samples = number(optarg, "number of samples", 1,
			    1000000000);
			break;
		case 'r':
			opt_root = optarg;
			break;
		case 's':
			opt_stacks = true;
			break;
		default:
			usage();
		}
	if (argc - optind != 1 || (opt_json && opt_stacks) ||
	    (opt_core != NULL && opt_interval != 0) ||
	    (opt_core == NULL && opt_root != NULL) ||
	    (opt_samples != 0 && opt_interval == 0))
		usage();
}

static void
show(struct target *t, enum table which)
{

	if (opt_json)
		print_json(t);
	else
		print_table(t, which);
	if (opt_stacks)
		print_stacks(t);
	if (fflush(stdout) != 0)
		die(EXIT_TARGET, "cannot write: %s", strerror(errno));
}

/*
 * A program, a library or a core became shorter while it was mapped.
 */
static void
truncated(int sig)
{
	static const char text[] =
	    "wqstat: a file became shorter while it was read\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_TARGET);
}

int
main(int argc, char **argv)
{
	struct target *t;
	long n;
	int64_t interval, next;

	options(argc, argv);
	(void)signal(SIGBUS, truncated);
	interval = (int64_t)opt_interval * 1000000;
	t = &target;
	t->t_source.so_emit = keep;
	t->t_source.so_run = opt_stacks ? keep_run : NULL;
	t->t_source.so_iscode = target_iscode;
	t->t_source.so_pieces = pieces;
	t->t_source.so_slots = slots;
	t->t_source.so_again = again;
	t->t_source.so_objects = objects;
	t->t_source.so_batch = BATCH;
	t->t_source.so_links = 65536;
	t->t_files = opt_root != NULL ? opt_root : "";
	if (opt_core != NULL)
		core_open(t, opt_core, argv[optind]);
	else
		proc_open(t, argv[optind]);
	find_root(t);
	sample(t);
	next = t->t_source.so_time;
	if (opt_interval == 0) {
		/* A second sample, a moment later, shows which queues move. */
		if (opt_core == NULL) {
			nap(next + MOMENT);
			sample(t);
		}
		show(t, TABLE_ONLY);
		return 0;
	}
	for (n = 1;; n++) {
		show(t, n == 1 ? TABLE_FIRST : TABLE_NEXT);
		if (n == opt_samples)
			return 0;
		next += interval;
		/*
		 * If wqstat was stopped, do not take the samples that it has
		 * missed: in no time between two of them, nothing moves.
		 */
		if (next < t->t_source.so_time)
			next = t->t_source.so_time + interval;
		nap(next);
		sample(t);
	}
}
