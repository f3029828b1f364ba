/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue_stat(9): the queues of this process.
 *
 * Another thread may destroy a queue while it is sampled.  A handler that calls
 * workqueue_stat() may have interrupted any function of the library.  So this
 * file takes no lock, and reads the queues with host_peek().
 */

#include <errno.h>
#include <string.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_fork.h"
#include "subr_prf.h"
#include "subr_wqstat.h"

#define	STAT_BATCH	2		/* objects on the stack */
#define	STAT_LINKS	65536
#define	STAT_KEPT	64		/* queues whose ages a report knows */

/* The buffers of a sample. */
struct stat_room {
	struct wqstat_piece sr_pieces[STAT_BATCH + 1];
	struct wqstat_slot sr_slots[STAT_BATCH];
	struct wqstat_slot sr_again[STAT_BATCH];
	char		 sr_objects[STAT_BATCH][WQSTAT_OBJECTSIZE];
};

static void
stat_readv(struct wqstat_source *so, struct wqstat_piece *sp, unsigned n)
{

	(void)so;
	for (; n > 0; n--, sp++)
		sp->sp_ok = host_peek(sp->sp_buf, sp->sp_addr, sp->sp_size);
}

/*
 * Return true if a function may be at the address.  If host_symbol() does not
 * know this library either, it knows nothing, and a function may be anywhere.
 */
static bool
stat_iscode(struct wqstat_source *so, uintptr_t addr)
{
	struct host_symbol hs;

	(void)so;
	return host_symbol(addr, &hs) ? hs.hs_code :
	    !host_symbol((uintptr_t)&wqpool_statroot, &hs);
}

static void
stat_source(struct wqstat_source *so, struct stat_room *sr,
    bool (*emit)(struct wqstat_source *, const struct workqueue_stat *),
    void *arg)
{

	so->so_readv = stat_readv;
	so->so_emit = emit;
	so->so_run = NULL;
	so->so_iscode = stat_iscode;
	so->so_arg = arg;
	so->so_pieces = sr->sr_pieces;
	so->so_slots = sr->sr_slots;
	so->so_again = sr->sr_again;
	so->so_objects = sr->sr_objects;
	so->so_batch = STAT_BATCH;
	so->so_links = STAT_LINKS;
	so->so_time = host_monotime();
	so->so_root = wqpool_statroot;
}

void
wqstat_own(bool (*emit)(struct wqstat_source *, const struct workqueue_stat *),
    bool (*run)(struct wqstat_source *, const struct workqueue_stat *,
    const struct wqstat_run *), void *arg)
{
	struct stat_room sr;
	struct wqstat_source so;

	stat_source(&so, &sr, emit, arg);
	so.so_run = run;
	(void)wqstat_sample(&so);
}

/*
 * The arrays of a call.  Both have the order of wqstat_sample().
 */
struct stat_arrays {
	struct workqueue_stat *sa_new;
	size_t		 sa_nnew;	/* that fit */
	size_t		 sa_count;	/* that there are */
	const struct workqueue_stat *sa_old;
	size_t		 sa_nold;
	int64_t		 sa_first;	/* time of the first sample */
};

static void
stat_arrays(struct stat_arrays *sa, struct workqueue_stat *new, size_t nnew,
    const struct workqueue_stat *old, size_t nold, int64_t now)
{

	sa->sa_new = new;
	sa->sa_nnew = nnew;
	sa->sa_count = 0;
	sa->sa_old = old;
	sa->sa_nold = nold;
	/*
	 * If the old sample is empty, all queues of the new one have come
	 * since.
	 */
	sa->sa_first = old == NULL ? now : nold == 0 ? 0 : old->ws_first;
}

/*
 * Compare a sample with the one in the old array.
 */
static void
stat_compare(struct stat_arrays *sa, struct workqueue_stat *ws)
{

	for (; sa->sa_nold != 0 && sa->sa_old->ws_id < ws->ws_id;
	    sa->sa_nold--)
		sa->sa_old++;
	wqstat_compare(ws, sa->sa_nold != 0 ? sa->sa_old : NULL,
	    sa->sa_first);
}

static bool
stat_store(struct wqstat_source *so, const struct workqueue_stat *ws)
{
	struct stat_arrays *sa;
	struct workqueue_stat *new;

	sa = so->so_arg;
	if (sa->sa_count++ < sa->sa_nnew) {
		new = &sa->sa_new[sa->sa_count - 1];
		*new = *ws;
		stat_compare(sa, new);
	}
	return true;
}

__kern_public size_t
workqueue_stat(struct workqueue_stat *new, size_t nnew,
    const struct workqueue_stat *old, size_t nold)
{
	struct stat_arrays sa;
	struct stat_room sr;
	struct wqstat_source so;

	kern_init();
	kern_fork_catchup();
	stat_source(&so, &sr, stat_store, &sa);
	stat_arrays(&sa, new, nnew, old, nold, so.so_time);
	(void)wqstat_sample(&so);
	return sa.sa_count;
}

/*
 * A report.  It keeps the samples of the first STAT_KEPT queues, so that the
 * next report knows how long each queue has been in its state.
 */
static struct workqueue_stat stat_kept[2][STAT_KEPT]; /* (stat_reporting) */
static size_t		stat_nkept;		/* (stat_reporting) */
static int		stat_which;		/* (stat_reporting) */
static int		stat_reporting;		/* (a) */

struct stat_report {
	struct stat_arrays sp_arrays;
	bool		 sp_keep;	/* the caller has stat_reporting */
	int		 sp_fd;
	int		 sp_error;
};

static void
stat_line(struct stat_report *sp, const struct workqueue_stat *ws)
{
	char age[WQSTAT_TIMELEN], run[WQSTAT_TIMELEN], cpu[12], line[400];
	char name[WORKQUEUE_STAT_NAME];
	size_t len;

	memcpy(age, "-", 2);
	if (ws->ws_oldest != 0)
		wqstat_time(age, ws->ws_oldest,
		    (ws->ws_flags & WORKQUEUE_STAT_OLDER) != 0);
	memcpy(run, "-", 2);
	if (ws->ws_runtime != 0)
		wqstat_time(run, ws->ws_runtime,
		    (ws->ws_flags & WORKQUEUE_STAT_LONGER) != 0);
	memcpy(cpu, "-", 2);
	if (ws->ws_cpu >= 0)
		(void)ksnprintf(cpu, sizeof(cpu), "%d", ws->ws_cpu);
	wqstat_plain(name, sizeof(name), ws->ws_name);
	len = ksnprintf(line, sizeof(line) - 1,
	    "%-16s %-14s %3s %6ju%s %7s %3d/%-3d %7s ", name,
	    ws->ws_kind, cpu, (uintmax_t)ws->ws_pending,
	    (ws->ws_flags & WORKQUEUE_STAT_MORE) != 0 ? "+" : " ", age,
	    ws->ws_running, ws->ws_threads, run);
	if (ws->ws_running == 0)
		len += ksnprintf(line + len, sizeof(line) - 1 - len, "-");
	else if (ws->ws_func == NULL)
		len += ksnprintf(line + len, sizeof(line) - 1 - len, "?");
	else
		len += ksnprintf(line + len, sizeof(line) - 1 - len, "%pF",
		    ws->ws_func);
	if (len < sizeof(line) - 1 && ws->ws_tid != 0)
		len += ksnprintf(line + len, sizeof(line) - 1 - len,
		    ", thread %ld", ws->ws_tid);
	if (len < sizeof(line) - 1 &&
	    (ws->ws_flags & WORKQUEUE_STAT_STALLED) != 0)
		len += ksnprintf(line + len, sizeof(line) - 1 - len,
		    ", STALLED");
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	sp->sp_error = host_write_to(sp->sp_fd, line, len);
}

static bool
stat_print(struct wqstat_source *so, const struct workqueue_stat *sample)
{
	struct workqueue_stat ws;
	struct stat_report *sp;
	struct stat_arrays *sa;

	sp = so->so_arg;
	sa = &sp->sp_arrays;
	ws = *sample;
	stat_compare(sa, &ws);
	if (sp->sp_keep && sa->sa_count < sa->sa_nnew)
		sa->sa_new[sa->sa_count++] = ws;
	stat_line(sp, &ws);
	return sp->sp_error == 0;
}

__kern_public int
workqueue_report(int fd)
{
	static const char head[] = "QUEUE            KIND           CPU   "
	    "PEND   OLDEST  RUN/THR     FOR NOW IN\n";
	struct stat_report sp;
	struct stat_room sr;
	struct wqstat_source so;
	char probe;

	if (!host_peek(&probe, (uintptr_t)&wqpool_statroot, sizeof(probe)))
		return ENOSYS;
	stat_source(&so, &sr, stat_print, &sp);
	/*
	 * If a handler has interrupted a report, it must not use the samples of
	 * that report.  Acquire: this report sees the samples of the last one.
	 */
	sp.sp_keep = atomic_swap_acquire(&stat_reporting, 1) == 0;
	sp.sp_fd = fd;
	sp.sp_error = host_write_to(fd, head, sizeof(head) - 1);
	if (sp.sp_keep)
		stat_arrays(&sp.sp_arrays, stat_kept[!stat_which], STAT_KEPT,
		    stat_nkept == 0 ? NULL : stat_kept[stat_which], stat_nkept,
		    so.so_time);
	else
		stat_arrays(&sp.sp_arrays, NULL, 0, NULL, 0, so.so_time);
	if (sp.sp_error == 0)
		(void)wqstat_sample(&so);
	if (sp.sp_keep) {
		stat_which = !stat_which;
		stat_nkept = sp.sp_arrays.sa_count;
		/* Release: publish the samples. */
		atomic_store_release(&stat_reporting, 0);
	}
	return sp.sp_error;
}

/*
 * In a forked child, forget the samples: another thread may have been in a
 * report.
 */
void
wqstat_report_fork(struct lwp *l)
{

	(void)l;
	stat_nkept = 0;
	atomic_store_relaxed(&stat_reporting, 0);
}
