/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The table, and JSON.
 */

#include <sys/ioctl.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

#define	LINE_MAX_	512

#define	WIDE	100			/* columns of a wide terminal */

/*
 * A terminal, on which each of several samples replaces the one before.
 */
struct screen {
	bool	sc_tty;
	int	sc_width, sc_rows;	/* 0: no limit */
	int	sc_used;
};

static void
screen_begin(struct screen *sc, enum table which)
{
	struct winsize win;
	const char *term;

	memset(sc, 0, sizeof(*sc));
	term = getenv("TERM");
	sc->sc_tty = which != TABLE_ONLY && isatty(STDOUT_FILENO) &&
	    term != NULL && strcmp(term, "dumb") != 0;
	if (!sc->sc_tty)
		return;
	(void)printf("%s", which == TABLE_FIRST ? "\033[H\033[2J" :
	    "\033[H");
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &win) == 0 && win.ws_row > 2) {
		sc->sc_width = win.ws_col;
		sc->sc_rows = win.ws_row - 1;
	}
}

static void __attribute__((__format__(__printf__, 2, 3)))
screen_line(struct screen *sc, const char *fmt, ...)
{
	char line[LINE_MAX_];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(line))
		len = (int)sizeof(line) - 1;
	if (sc->sc_width > 0 && len > sc->sc_width)
		len = sc->sc_width;
	while (len > 0 && line[len - 1] == ' ')
		len--;
	/* Clear first: behind a full row the cursor is on its last column. */
	if (sc->sc_tty)
		(void)fputs("\033[K", stdout);
	(void)fwrite(line, 1, (size_t)len, stdout);
	(void)putchar('\n');
	sc->sc_used++;
}

static bool
is_idle(const struct workqueue_stat *ws)
{

	return ws->ws_pending == 0 && ws->ws_running == 0;
}

/*
 * Return the last sample of the same queue, or NULL.
 */
static const struct workqueue_stat *
last_sample(const struct target *t, const struct workqueue_stat *ws)
{
	size_t lo, hi, mid;

	/* Usually the queue has the same index. */
	lo = (size_t)(ws - t->t_new);
	if (lo >= t->t_nold || t->t_old[lo].ws_id != ws->ws_id)
		for (lo = 0, hi = t->t_nold; lo < hi;) {
			mid = (lo + hi) / 2;
			if (t->t_old[mid].ws_id < ws->ws_id)
				lo = mid + 1;
			else
				hi = mid;
		}
	return lo < t->t_nold && t->t_old[lo].ws_id == ws->ws_id &&
	    t->t_old[lo].ws_gen == ws->ws_gen ? &t->t_old[lo] : NULL;
}

/*
 * Print a row.  A narrow terminal cuts the last column only.
 */
static void
print_row(struct screen *sc, const char *col[])
{
	char kind[WORKQUEUE_STAT_KIND + 1];

	kind[0] = '\0';
	if (sc->sc_width == 0 || sc->sc_width >= WIDE)
		(void)snprintf(kind, sizeof(kind), "%-14s ", col[1]);
	screen_line(sc, "%-16s %s%3s %7s %7s %3s %7s %7s %3s %s", col[0], kind,
	    col[2], col[3], col[4], col[5], col[6], col[7], col[8], col[9]);
}

/*
 * Write how many items run per second.  If the queue is stalled, write that
 * instead.
 */
static void
print_rate(const struct target *t, const struct workqueue_stat *ws, char *buf,
    size_t size)
{
	const struct workqueue_stat *old;

	old = last_sample(t, ws);
	if ((ws->ws_flags & WORKQUEUE_STAT_STALLED) != 0)
		(void)snprintf(buf, size, "STALLED");
	else if (old == NULL || ws->ws_time <= old->ws_time)
		(void)snprintf(buf, size, "-");
	else
		(void)snprintf(buf, size, "%.0f",
		    (double)(int64_t)(ws->ws_done - old->ws_done) * 1e9 /
		    (double)(ws->ws_time - old->ws_time));
}

static void
print_queue(struct target *t, struct screen *sc,
    const struct workqueue_stat *ws)
{
	char age[WQSTAT_TIMELEN], run[WQSTAT_TIMELEN], cpu[16], rate[32];
	char pend[32], func[256], running[16], threads[16];
	char name[WORKQUEUE_STAT_NAME], kind[WORKQUEUE_STAT_KIND], symbol[256];
	const char *col[] = { name, kind, cpu, pend, age,
	    running, run, rate, threads, func };

	wqstat_plain(name, sizeof(name), ws->ws_name);
	wqstat_plain(kind, sizeof(kind), ws->ws_kind);
	(void)strcpy(age, "-");
	if (ws->ws_oldest > 0)
		wqstat_time(age, ws->ws_oldest,
		    (ws->ws_flags & WORKQUEUE_STAT_OLDER) != 0);
	(void)strcpy(run, "-");
	if (ws->ws_runtime > 0)
		wqstat_time(run, ws->ws_runtime,
		    (ws->ws_flags & WORKQUEUE_STAT_LONGER) != 0);
	(void)strcpy(cpu, "-");
	if (ws->ws_cpu >= 0)
		(void)snprintf(cpu, sizeof(cpu), "%d", ws->ws_cpu);
	(void)snprintf(pend, sizeof(pend), "%ju%s", (uintmax_t)ws->ws_pending,
	    (ws->ws_flags & WORKQUEUE_STAT_MORE) != 0 ? "+" : "");
	print_rate(t, ws, rate, sizeof(rate));
	(void)snprintf(running, sizeof(running), "%d", ws->ws_running);
	(void)snprintf(threads, sizeof(threads), "%d", ws->ws_threads);
	(void)strcpy(func, "-");
	if (ws->ws_running != 0) {
		(void)strcpy(func, "?");
		if (ws->ws_func != NULL) {
			symbol_name(t, (uintptr_t)ws->ws_func, symbol,
			    sizeof(symbol));
			wqstat_plain(func, sizeof(func), symbol);
		}
	}
	print_row(sc, col);
}

void
print_table(struct target *t, enum table which)
{
	static const char *head[] = { "QUEUE", "KIND", "CPU", "PEND", "OLDEST",
	    "RUN", "FOR", "DONE/S", "THR", "NOW IN" };
	struct screen sc;
	size_t i, left;
	int pass;

	screen_begin(&sc, which);
	if (t->t_stopped)
		screen_line(&sc, "process %d is stopped", (int)t->t_pid);
	print_row(&sc, head);
	left = 0;
	/* If not all queues fit, show those first that are not idle. */
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < t->t_nnew; i++) {
			if (sc.sc_rows == 0 ||
			    t->t_nnew + 2 <= (size_t)sc.sc_rows) {
				if (pass == 0)
					print_queue(t, &sc, &t->t_new[i]);
				continue;
			}
			if (is_idle(&t->t_new[i]) != (pass == 1))
				continue;
			if (sc.sc_used < sc.sc_rows - 1)
				print_queue(t, &sc, &t->t_new[i]);
			else
				left++;
		}
	if (left != 0)
		screen_line(&sc, "and %zu more", left);
	if (sc.sc_tty)
		(void)printf("\033[J");
}

/*
 * JSON.
 */

/*
 * Return the length of the UTF-8 character at s if it has two bytes or more,
 * otherwise 0.
 */
static size_t
json_utf8(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i, n;

	n = u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : (u[0] & 0xf0) == 0xe0 ? 3 :
	    u[0] >= 0xf0 && u[0] < 0xf5 ? 4 : 0;
	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Refuse an overlong form, a surrogate, or too large a value. */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

static void
json_string(const char *s)
{
	size_t n;

	(void)putchar('"');
	for (; *s != '\0'; s += n) {
		n = 1;
		if (*s == '"' || *s == '\\')
			(void)printf("\\%c", *s);
		else if (*s >= ' ' && *s <= '~')
			(void)putchar(*s);
		else if ((n = json_utf8(s)) != 0)
			(void)fwrite(s, 1, n, stdout);
		else {
			n = 1;
			(void)printf("\\u%04x", (unsigned char)*s < ' ' ||
			    *s == 127 ? (unsigned)*s : 0xfffdu);
		}
	}
	(void)putchar('"');
}

static void
json_time(const char *name, int64_t ns, bool known)
{

	if (known)
		(void)printf(",\"%s\":%jd", name, (intmax_t)ns);
	else
		(void)printf(",\"%s\":null", name);
}

static void
json_queue(struct target *t, const struct workqueue_stat *ws)
{
	char func[256];

	(void)printf("{\"name\":");
	json_string(ws->ws_name);
	(void)printf(",\"kind\":");
	json_string(ws->ws_kind);
	if (ws->ws_cpu >= 0)
		(void)printf(",\"cpu\":%d", ws->ws_cpu);
	else
		(void)printf(",\"cpu\":null");
	(void)printf(",\"done\":%ju,\"pending\":%ju,\"running\":%d,"
	    "\"threads\":%d", (uintmax_t)ws->ws_done,
	    (uintmax_t)ws->ws_pending, ws->ws_running, ws->ws_threads);
	json_time("oldest_ns", ws->ws_oldest, t->t_pid != 0);
	json_time("running_ns", ws->ws_runtime, t->t_pid != 0);
	(void)printf(",\"function\":");
	if (ws->ws_running != 0 && ws->ws_func != NULL) {
		symbol_name(t, (uintptr_t)ws->ws_func, func, sizeof(func));
		json_string(func);
	} else
		(void)printf("null");
	if (ws->ws_tid != 0)
		(void)printf(",\"tid\":%ld", ws->ws_tid);
	else
		(void)printf(",\"tid\":null");
	(void)printf(",\"stalled\":%s}",
	    (ws->ws_flags & WORKQUEUE_STAT_STALLED) != 0 ? "true" : "false");
}

void
print_json(struct target *t)
{
	size_t i;

	(void)printf("{");
	if (t->t_pid != 0)
		(void)printf("\"pid\":%d,\"stopped\":%s,", (int)t->t_pid,
		    t->t_stopped ? "true" : "false");
	(void)printf("\"queues\":[");
	for (i = 0; i < t->t_nnew; i++) {
		if (i != 0)
			(void)printf(",");
		(void)printf("\n");
		json_queue(t, &t->t_new[i]);
	}
	(void)printf("]}\n");
}
