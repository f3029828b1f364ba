/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The results of the rounds: the table, the targets, the page, and the
 * pictures, which gnuplot draws from the script that this file writes.
 */

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "median.h"

/*
 * Selects a number of a result: its value, a quantile, or the worker's CPU use.
 */
enum what {
	WHAT_VALUE = -1,
	WHAT_P50 = 0,
	WHAT_P999 = NQUANTILE - 1,
	WHAT_CPU = NQUANTILE
};

struct stat3 {
	double	st_median, st_min, st_max;
};

#define	POOLS		"libuv,glib,ivykis,tbb"
#define	SLEEPERS	"listswap,libuv,glib,ivykis"

/*
 * The targets.  In each round, t_peer is compared with the best of t_refs.
 * T_ATMOST: at most t_bound times as much.  T_FASTER: at least t_bound times
 * faster.  T_ABS: at most t_bound.
 */
static const struct target {
	const char	*t_w;
	const char	*t_peer;
	enum { T_ATMOST, T_FASTER, T_ABS } t_kind;
	double		 t_bound;
	const char	*t_refw;	/* another workload, or NULL */
	const char	*t_refs;
	enum what	 t_what;
} targets[] = {
	{ "W1", "workqueue", T_ATMOST, 1.25, NULL, "limit", WHAT_VALUE },
	{ "W1", "workqueue", T_FASTER, 4, NULL, "listswap", WHAT_VALUE },
	{ "W1", "workqueue", T_FASTER, 6, NULL, POOLS, WHAT_VALUE },
	{ "W1/ring1000", "workqueue", T_ATMOST, 1.33, "W1", "workqueue",
	    WHAT_VALUE },
	{ "W1/lock", "biglock", T_ATMOST, 1.5, NULL, "workqueue",
	    WHAT_VALUE },
	{ "W2", "workqueue", T_ATMOST, 1.3, NULL, "limit", WHAT_VALUE },
	{ "W3/steady", "workqueue", T_ATMOST, 2, NULL, "spin", WHAT_P50 },
	{ "W3/steady", "workqueue", T_FASTER, 5, NULL, SLEEPERS, WHAT_P50 },
	{ "W3/steady", "workqueue", T_ATMOST, 1.5, NULL, SLEEPERS,
	    WHAT_P999 },
	{ "W3/slow", "workqueue", T_ATMOST, 1.05, NULL, "futex", WHAT_P50 },
	{ "W3/slow", "workqueue", T_ATMOST, 1.5, NULL, SLEEPERS, WHAT_P999 },
	{ "W3/slow", "workqueue", T_ABS, 0.5, NULL, NULL, WHAT_CPU },
	{ "W3/same", "workqueue", T_ATMOST, 1.05, NULL, "futex", WHAT_P50 },
	{ "W3/same", "workqueue", T_ATMOST, 1.5, NULL, SLEEPERS, WHAT_P999 },
	{ "W3/slowsame", "workqueue", T_ATMOST, 1.05, NULL, "futex",
	    WHAT_P50 },
	{ "W3/slowsame", "workqueue", T_ATMOST, 1.5, NULL, SLEEPERS,
	    WHAT_P999 },
	{ "W3/turns", "workqueue", T_ATMOST, 1.2, NULL,
	    "limit,futex,listswap,listempty,libuv,glib,ivykis", WHAT_P50 },
	{ "W3/turnssame", "workqueue", T_ATMOST, 1.05, NULL, "futex",
	    WHAT_P50 },
	{ "W3/slow", "lent", T_ATMOST, 1.02, NULL, "workqueue", WHAT_P50 },
	{ "W3/slowsame", "lent", T_ATMOST, 1.02, NULL, "workqueue",
	    WHAT_P50 },
	{ "W4", "workqueue", T_ATMOST, 1.1, NULL, "limit,xchg", WHAT_VALUE },
	{ "W5", "workqueue", T_ATMOST, 1.1, NULL, "thread", WHAT_VALUE },
	{ "W6", "workqueue", T_ABS, 10, NULL, NULL, WHAT_VALUE },
	{ "W6", "workqueue", T_ABS, 0.5, NULL, NULL, WHAT_CPU },
	{ "W7", "workqueue", T_ATMOST, 1.15, NULL, "limit", WHAT_VALUE },
	{ "idle/threads", "lent", T_ABS, 2, NULL, NULL, WHAT_VALUE },
	{ "idle/bytes", "lent", T_ABS, 512, NULL, NULL, WHAT_VALUE },
	{ "idle/life", "lent", T_ABS, 0.5, NULL, NULL, WHAT_VALUE },
	{ "cold/idle", "lent", T_ATMOST, 1.15, NULL, "workqueue", WHAT_P50 },
	{ "refused", "lent", T_ABS, 100, NULL, NULL, WHAT_VALUE },
	{ "queues/1000", "workqueue", T_ATMOST, 1.2, NULL, "futex",
	    WHAT_VALUE },
	{ "linux/enqueue", "queue_work", T_ATMOST, 1.25, NULL, "workqueue",
	    WHAT_VALUE },
	{ "linux/enqueue", "kthread", T_ATMOST, 1.25, NULL, "workqueue",
	    WHAT_VALUE },
};
#define	NTARGETS	(sizeof(targets) / sizeof(targets[0]))

/*
 * A target and its outcome.
 */
struct outcome {
	char	o_text[80];
	double	o_value;
	bool	o_met;
	bool	o_wanted;	/* its workload and peers were selected */
	bool	o_ran;		/* the target was measured */
};

/* The targets of runs with other compilers. */
#define	NOTHERS		4
static struct other {
	char	ot_name[256];
	struct {
		char	ot_text[80];
		double	ot_value;
		bool	ot_met;
	} ot_targets[NTARGETS];
	size_t	ot_n;
} others[NOTHERS];
static size_t nothers;

struct cell *
report_cell(const struct report *rp, size_t w, size_t p)
{

	return &rp->rp_cells[w * rp->rp_npeers + p];
}

/*
 * Compute statistics without the NaNs.  Return NaNs if there is nothing else.
 */
static struct stat3
statistics(const double *v, unsigned n)
{
	struct stat3 st = { NAN, NAN, NAN };
	double *s;
	unsigned i, k;

	if ((s = calloc(n, sizeof(*s))) == NULL)
		err(1, NULL);
	for (i = k = 0; i < n; i++) {
		if (!isnan(v[i]))
			s[k++] = v[i];
	}
	if (k > 0) {
		st.st_median = median(s, k);
		st.st_min = s[0];
		st.st_max = s[k - 1];
	}
	free(s);
	return st;
}

static double
pick(const struct cell *c, unsigned round, enum what what)
{
	const struct result *r = &c->c_r[round];

	if (isnan(r->r_value))
		return NAN;
	switch (what) {
	case WHAT_VALUE:
		return r->r_value;
	case WHAT_CPU:
		return r->r_cpu;
	default:
		return r->r_hasq ? r->r_q[what] : NAN;
	}
}

static struct stat3
cell_stat(const struct report *rp, const struct cell *c, enum what what)
{
	struct stat3 st;
	double *v;
	unsigned i;

	if ((v = calloc(rp->rp_rounds, sizeof(*v))) == NULL)
		err(1, NULL);
	for (i = 0; i < rp->rp_rounds; i++)
		v[i] = pick(c, i, what);
	st = statistics(v, rp->rp_rounds);
	free(v);
	return st;
}

/*
 * Return true if this percentile is taken from the samples of all rounds
 * together, because a round has too few: at least one sample must lie beyond
 * p99.9.
 */
static bool
pooled(const struct report *rp, const struct cell *c, enum what what)
{
	unsigned i;

	if (what != WHAT_P999)
		return false;
	for (i = 0; i < rp->rp_rounds; i++) {
		if (!isnan(c->c_r[i].r_value) && c->c_r[i].r_n < 1000)
			return true;
	}
	return false;
}

static unsigned
samples(const struct report *rp, const struct cell *c)
{
	unsigned i, least = 0, sum = 0;

	for (i = 0; i < rp->rp_rounds; i++) {
		if (isnan(c->c_r[i].r_value))
			continue;
		sum += c->c_r[i].r_n;
		if (least == 0 || c->c_r[i].r_n < least)
			least = c->c_r[i].r_n;
	}
	return pooled(rp, c, WHAT_P999) ? sum : least;
}

/*
 * Return the ratio of percentiles over all rounds together.
 */
static double
pooled_ratio(const struct report *rp, const struct cell *c, size_t refw,
    const char *refs, double q)
{
	const struct cell *ref;
	double best = NAN, x;
	size_t p;

	for (p = 0; p < rp->rp_npeers; p++) {
		ref = report_cell(rp, refw, p);
		if (ref->c_r == NULL || !bench_inlist(refs,
		    rp->rp_peers[p]->p_name))
			continue;
		x = hist_quantile(ref->c_hist, q);
		if (!isnan(x) && (isnan(best) || x < best))
			best = x;
	}
	return hist_quantile(c->c_hist, q) / best;
}

/*
 * Compare a cell with the best of some peers, round by round.  Omit rounds that
 * lack one of the two.
 */
static struct stat3
cell_ratio(const struct report *rp, const struct cell *c, size_t refw,
    const char *refs, enum what what)
{
	const struct cell *ref;
	struct stat3 st;
	double best, *v, x;
	unsigned i;
	size_t p;

	if ((v = calloc(rp->rp_rounds, sizeof(*v))) == NULL)
		err(1, NULL);
	for (i = 0; i < rp->rp_rounds; i++) {
		best = NAN;
		for (p = 0; p < rp->rp_npeers; p++) {
			ref = report_cell(rp, refw, p);
			if (ref->c_r == NULL || !bench_inlist(refs,
			    rp->rp_peers[p]->p_name))
				continue;
			x = pick(ref, i, what);
			if (!isnan(x) && (isnan(best) || x < best))
				best = x;
		}
		v[i] = pick(c, i, what) / best;
	}
	st = statistics(v, rp->rp_rounds);
	free(v);
	return st;
}

static bool
workload_ran(const struct report *rp, size_t w)
{
	size_t p;

	for (p = 0; p < rp->rp_npeers; p++) {
		if (report_cell(rp, w, p)->c_r != NULL)
			return true;
	}
	return false;
}

static const char *
number(double v, char *buf, size_t len)
{

	if (isnan(v))
		snprintf(buf, len, "-");
	else if (v >= 1000)
		snprintf(buf, len, "%.0f", v);
	else if (v >= 100)
		snprintf(buf, len, "%.1f", v);
	else
		snprintf(buf, len, "%.2f", v);
	return buf;
}

/* Return the meaning of a workload's value. */
static const char *
value_name(const struct workload *w)
{

	return w->w_need == DO_TRIP ? "ns, p50" : w->w_unit;
}

/*
 * Return the heading of the column that compares with w_ref.
 */
static const char *
reference(const struct workload *w)
{

	return strcmp(w->w_ref, "workqueue") == 0 ? "/workqueue" :
	    strcmp(w->w_ref, "lent") == 0 ? "/lent" :
	    strcmp(w->w_ref, "dispatch") == 0 ? "/dispatch" : "/limit";
}

/*
 * Print which runs were made, and how reliable the results are.
 */
void
report_head(const struct report *rp, FILE *fp)
{
	const char *s = rp->rp_rounds == 1 ? "" : "s";

	fprintf(fp, "%s\n%s; seed %ju\n", rp->rp_machine, rp->rp_build,
	    (uintmax_t)rp->rp_seed);
	if (rp->rp_environ[0] != '\0')
		fprintf(fp, "environment: %s\n", rp->rp_environ);
	if (rp->rp_rounds < rp->rp_asked)
		fprintf(fp, "asked for %u rounds, time for %u; %d s\n",
		    rp->rp_asked, rp->rp_rounds, rp->rp_seconds);
	else
		fprintf(fp, "%u round%s in %d s%s\n", rp->rp_rounds, s,
		    rp->rp_seconds, rp->rp_quick ? ", a quick run" : "");
	if (rp->rp_left != 0)
		fprintf(fp, "time was up in the last round: %u runs were "
		    "left out\n", rp->rp_left);
	fprintf(fp, "%u of %u runs were disturbed: other programs used "
	    "more than %d%% of the CPUs\n", rp->rp_disturbed, rp->rp_made,
	    BENCH_DISTURBED);
	if (rp->rp_failed != 0)
		fprintf(fp, "%u of %u runs FAILED\n", rp->rp_failed,
		    rp->rp_made);
}

void
report_table(const struct report *rp, FILE *fp)
{
	char b[8][24];
	const struct workload *w;
	const struct cell *c;
	const struct result *some;
	struct stat3 st, lim, ls;
	size_t i, p;
	unsigned r;

	for (i = 0; i < nworkloads; i++) {
		if (!workload_ran(rp, i))
			continue;
		w = &workloads[i];
		fprintf(fp, "\n%s: %s\n", w->w_id, w->w_title);
		fprintf(fp, "  %-10s %10s %10s %10s %10s %9s\n",
		    value_name(w),
		    "median", "min", "max", reference(w), "listswap/");
		for (p = 0; p < rp->rp_npeers; p++) {
			c = report_cell(rp, i, p);
			if (c->c_r == NULL)
				continue;
			for (r = 0; r < rp->rp_rounds; r++) {
				if (c->c_r[r].r_error[0] != '\0')
					fprintf(fp, "  %-10s round %u: %s\n",
					    rp->rp_peers[p]->p_name, r + 1,
					    c->c_r[r].r_error);
			}
			st = cell_stat(rp, c, WHAT_VALUE);
			if (isnan(st.st_median))
				continue;
			lim = cell_ratio(rp, c, i, w->w_ref, WHAT_VALUE);
			ls = cell_ratio(rp, c, i, "listswap", WHAT_VALUE);
			fprintf(fp, "  %-10s %10s %10s %10s %10s %9s",
			    rp->rp_peers[p]->p_name,
			    number(st.st_median, b[0], sizeof(b[0])),
			    number(st.st_min, b[1], sizeof(b[1])),
			    number(st.st_max, b[2], sizeof(b[2])),
			    number(lim.st_median, b[3], sizeof(b[3])),
			    number(1 / ls.st_median, b[4], sizeof(b[4])));
			/*
			 * Take the last round that was run.  All rounds are
			 * alike.
			 */
			for (r = rp->rp_rounds - 1; r > 0 &&
			    isnan(c->c_r[r].r_value); r--)
				continue;
			some = &c->c_r[r];
			if (some->r_hasq)
				fprintf(fp, "  p99.9 %s of %u%s",
				    number(pooled(rp, c, WHAT_P999) ?
				    hist_quantile(c->c_hist, 0.999) :
				    cell_stat(rp, c, WHAT_P999).st_median,
				    b[5], sizeof(b[5])), samples(rp, c),
				    pooled(rp, c, WHAT_P999) ? "" :
				    " a round");
			st = cell_stat(rp, c, WHAT_CPU);
			if (st.st_median >= 0)
				fprintf(fp, "  CPU %s%%",
				    number(st.st_median, b[6], sizeof(b[6])));
			if (some->r_bytes >= 0)
				fprintf(fp, "  %s bytes/item",
				    number(some->r_bytes, b[7],
				    sizeof(b[7])));
			fprintf(fp, "\n");
		}
	}
}

static bool
find(const struct report *rp, const char *id, const char *peer, size_t *wp,
    size_t *pp)
{
	size_t p, w;

	for (w = 0; w < nworkloads; w++) {
		if (strcmp(workloads[w].w_id, id) != 0)
			continue;
		for (p = 0; p < rp->rp_npeers; p++) {
			if (strcmp(rp->rp_peers[p]->p_name, peer) == 0 &&
			    report_cell(rp, w, p)->c_r != NULL) {
				*wp = w;
				*pp = p;
				return true;
			}
		}
	}
	return false;
}

/*
 * Return true if the workloads and peers that the target compares were
 * selected.
 */
static bool
wanted(const struct report *rp, const struct target *t)
{
	char *last, *list, *tok;
	bool any = false;

	if (!bench_chosen(rp->rp_onlyw, t->t_w) ||
	    !bench_chosen(rp->rp_onlyp, t->t_peer))
		return false;
	if (t->t_refs == NULL)
		return true;
	if (t->t_refw != NULL && !bench_chosen(rp->rp_onlyw, t->t_refw))
		return false;
	if ((list = strdup(t->t_refs)) == NULL)
		err(1, NULL);
	for (tok = strtok_r(list, ",", &last); tok != NULL && !any;
	    tok = strtok_r(NULL, ",", &last))
		any = bench_chosen(rp->rp_onlyp, tok);
	free(list);
	return any;
}

/* Return the unit of a workload. */
static const char *
unit(const char *id)
{
	size_t w;

	for (w = 0; w < nworkloads; w++)
		if (strcmp(workloads[w].w_id, id) == 0)
			return workloads[w].w_unit;
	return "";
}

static void
outcome(const struct report *rp, const struct target *t, struct outcome *o)
{
	const struct cell *c;
	const char *ours, *refs, *what;
	size_t p, refp, refw, w;

	memset(o, 0, sizeof(*o));
	o->o_value = NAN;
	o->o_wanted = wanted(rp, t);
	what = t->t_what == WHAT_P50 ? " p50" : t->t_what == WHAT_P999 ?
	    " p99.9" : t->t_what == WHAT_CPU ? " CPU use, %" : "";
	ours = strcmp(t->t_peer, "workqueue") == 0 ? "" : t->t_peer;
	if (t->t_kind == T_ABS) {
		snprintf(o->o_text, sizeof(o->o_text), "%s%s%s%s%s%s", t->t_w,
		    ours[0] != '\0' ? " " : "", ours, what,
		    what[0] != '\0' ? "" : " ",
		    what[0] != '\0' ? "" : unit(t->t_w));
	} else {
		refs = strcmp(t->t_refs, POOLS) == 0 ? "any pool" :
		    strcmp(t->t_refs, SLEEPERS) == 0 ? "any sleeper" :
		    t->t_refs;
		snprintf(o->o_text, sizeof(o->o_text),
		    "%s%s%s%s, times %s%s%s%s", t->t_w,
		    ours[0] != '\0' ? " " : "", ours, what,
		    t->t_kind == T_FASTER ? "faster than " : "",
		    t->t_refw != NULL ? t->t_refw : "",
		    t->t_refw != NULL ? " " : "", refs);
	}
	if (!find(rp, t->t_w, t->t_peer, &w, &p))
		return;
	refw = w;
	if (t->t_refw != NULL && !find(rp, t->t_refw, t->t_refs, &refw, &refp))
		return;
	c = report_cell(rp, w, p);
	if (t->t_kind == T_ABS)
		o->o_value = cell_stat(rp, c, t->t_what).st_median;
	else if (pooled(rp, c, t->t_what))
		o->o_value = pooled_ratio(rp, c, refw, t->t_refs,
		    quantiles[t->t_what]);
	else
		o->o_value = cell_ratio(rp, c, refw, t->t_refs,
		    t->t_what).st_median;
	if (t->t_kind == T_FASTER)
		o->o_value = 1 / o->o_value;
	o->o_ran = !isnan(o->o_value);
	o->o_met = o->o_ran && (t->t_kind == T_FASTER ?
	    o->o_value >= t->t_bound : o->o_value <= t->t_bound);
}

/*
 * Read a file with the targets of another run.
 */
void
report_other(const char *path)
{
	struct other *ot = &others[nothers];
	char line[512], met[8];
	size_t n;
	FILE *fp;

	if (nothers == NOTHERS)
		errx(2, "%s: no more than %d files of targets", path, NOTHERS);
	if ((fp = fopen(path, "r")) == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		n = ot->ot_n;
		if (line[0] == '#')
			(void)sscanf(line, "# %255[^\n]", ot->ot_name);
		else if (n < NTARGETS && sscanf(line, "%79[^\t]\t%lf\t%7s",
		    ot->ot_targets[n].ot_text, &ot->ot_targets[n].ot_value,
		    met) == 3) {
			ot->ot_targets[n].ot_met = strcmp(met, "met") == 0;
			ot->ot_n++;
		}
	}
	fclose(fp);
	if (ot->ot_n > 0)
		nothers++;
}

static void
outcome_other(const struct other *ot, const char *text, FILE *fp,
    const char *fmt)
{
	char b[24], cell[40];
	size_t i;

	cell[0] = '\0';
	for (i = 0; i < ot->ot_n; i++)
		if (strcmp(ot->ot_targets[i].ot_text, text) == 0)
			snprintf(cell, sizeof(cell), "%s %s",
			    number(ot->ot_targets[i].ot_value, b, sizeof(b)),
			    ot->ot_targets[i].ot_met ? "met" : "MISSED");
	fprintf(fp, fmt, cell);
}

static const char *
verdict(const struct outcome *o)
{

	return !o->o_ran ? "not measured" : o->o_met ? "met" : "MISSED";
}

static void
targets_note(const struct report *rp, FILE *fp)
{
	size_t k;

	fprintf(fp, "This run: %s; %s%s%s.", rp->rp_compiler, rp->rp_build,
	    rp->rp_environ[0] != '\0' ? "; " : "", rp->rp_environ);
	for (k = 0; k < nothers; k++)
		fprintf(fp, " [%zu]: %s.", k + 1, others[k].ot_name);
	if (rp->rp_rounds < 7)
		fprintf(fp, " Fewer than 7 rounds: a hint, no result.");
	fprintf(fp, "\n");
}

void
report_targets(const struct report *rp, FILE *fp)
{
	const struct target *t;
	struct outcome o;
	size_t i, k, met = 0, n = 0;

	if (rp->rp_void != NULL) {
		fprintf(fp, "\nNo targets: %s.\n", rp->rp_void);
		return;
	}
	for (i = 0; i < NTARGETS; i++) {
		t = &targets[i];
		outcome(rp, t, &o);
		if (!o.o_wanted)
			continue;
		if (n == 0) {
			fprintf(fp, "\n%-48s %9s %9s", "Target",
			    "measured", "bound");
			for (k = 0; k < nothers; k++)
				fprintf(fp, "%*s[%zu]", k == 0 ? 16 : 11, "",
				    k + 1);
			fprintf(fp, "\n");
		}
		fprintf(fp, "%-48s ", o.o_text);
		if (o.o_ran)
			fprintf(fp, "%9.2f", o.o_value);
		else
			fprintf(fp, "%9s", "-");
		fprintf(fp, " %s %6.2f  %*s", t->t_kind == T_FASTER ? ">=" :
		    "<=", t->t_bound, nothers > 0 ? -12 : 0, verdict(&o));
		for (k = 0; k < nothers; k++)
			outcome_other(&others[k], o.o_text, fp,
			    k + 1 < nothers ? "  %-12s" : "  %s");
		fprintf(fp, "\n");
		n++;
		met += o.o_met;
	}
	if (n == 0)
		return;
	fprintf(fp, "%zu of %zu met.  ", met, n);
	targets_note(rp, fp);
}

static void
html_targets(const struct report *rp, FILE *html)
{
	const struct target *t;
	struct outcome o;
	size_t i, k, n = 0;

	if (rp->rp_void != NULL) {
		fprintf(html, "<p>No targets: %s.</p>\n", rp->rp_void);
		return;
	}
	for (i = 0; i < NTARGETS; i++) {
		t = &targets[i];
		outcome(rp, t, &o);
		if (!o.o_wanted)
			continue;
		if (n++ == 0) {
			fprintf(html, "<h2>Targets</h2>\n<table>\n<tr>"
			    "<th>target</th><th>measured</th>"
			    "<th>bound</th><th></th>");
			for (k = 0; k < nothers; k++)
				fprintf(html, "<th>[%zu]</th>", k + 1);
			fprintf(html, "</tr>\n");
		}
		fprintf(html, "<tr><td>%s</td><td class=\"n\">", o.o_text);
		if (o.o_ran)
			fprintf(html, "%.2f", o.o_value);
		else
			fprintf(html, "-");
		fprintf(html, "</td><td class=\"n\">%s %.2f</td>"
		    "<td class=\"%s\">%s</td>", t->t_kind == T_FASTER ?
		    "&ge;" : "&le;", t->t_bound,
		    !o.o_ran ? "not" : o.o_met ? "met" : "missed",
		    verdict(&o));
		for (k = 0; k < nothers; k++)
			outcome_other(&others[k], o.o_text, html,
			    "<td>%s</td>");
		fprintf(html, "</tr>\n");
	}
	if (n == 0)
		return;
	fprintf(html, "</table>\n<p>");
	targets_note(rp, html);
	fprintf(html, "</p>\n");
}

/*
 * Write the targets, for a run with another compiler to read.
 */
static void
targets_file(const struct report *rp)
{
	struct outcome o;
	char path[1024];
	size_t i;
	FILE *fp;

	snprintf(path, sizeof(path), "%s/targets.tsv", rp->rp_dir);
	if ((fp = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	fprintf(fp, "# %s; %s%s%s; %u round%s%s\n", rp->rp_compiler,
	    rp->rp_build, rp->rp_environ[0] != '\0' ? "; " : "",
	    rp->rp_environ, rp->rp_rounds, rp->rp_rounds == 1 ? "" : "s",
	    rp->rp_quick ? ", quick" : "");
	for (i = 0; i < NTARGETS && rp->rp_void == NULL; i++) {
		outcome(rp, &targets[i], &o);
		if (o.o_ran && o.o_wanted)
			fprintf(fp, "%s\t%.3f\t%s\n", o.o_text, o.o_value,
			    verdict(&o));
	}
	if (fclose(fp) != 0)
		err(1, "%s", path);
}

/*
 * Pictures.
 */
static const char *
colour(const struct peer *p)
{
	static const struct {
		const char *name, *rgb;
	} colours[] = {
		{ "workqueue", "0xd9480f" }, { "lent", "0xe8590c" },
		{ "biglock", "0xf59f00" },
		{ "queue_work", "0xff922b" }, { "kthread", "0xffc078" },
		{ "limit", "0x495057" }, { "xchg", "0x868e96" },
		{ "futex", "0x212529" }, { "spin", "0x868e96" },
		{ "thread", "0x495057" }, { "listswap", "0x1864ab" },
		{ "listempty", "0x748ffc" },
		{ "libuv", "0x4dabf7" }, { "glib", "0x0b7285" },
		{ "ivykis", "0x66a80f" }, { "tbb", "0x9c36b5" },
		{ "urcu", "0x5f3dc4" }, { "dispatch", "0xa61e4d" }
	};
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (strcmp(colours[i].name, p->p_name) == 0)
			return colours[i].rgb;
	}
	return "0x74a9d8";
}

/*
 * Print the style of a peer's curve.  Limits are grey, each with its own
 * dashes.
 */
static void
curve_style(const struct peer *p, FILE *gp)
{
	const char *dashes = "";

	if (p->p_flags & PF_LIMIT)
		dashes = strcmp(p->p_name, "futex") == 0 ? " dt 3" :
		    strcmp(p->p_name, "spin") == 0 ? " dt 4" : " dt 2";
	fprintf(gp, " lw %d lc rgb %s%s title '%s'",
	    strcmp(p->p_name, "workqueue") == 0 ? 4 : 2, colour(p), dashes,
	    p->p_name);
}

static void
filename(const char *id, char *buf, size_t len)
{
	char *p;

	snprintf(buf, len, "%s", id);
	for (p = buf; *p != '\0'; p++) {
		if (*p == '/')
			*p = '-';
	}
}

/*
 * Bars: the median, with a line from minimum to maximum.
 */
static void
plot_bars(const struct report *rp, size_t w, FILE *gp, FILE *html)
{
	const struct workload *wl = &workloads[w];
	const struct cell *c;
	struct stat3 st;
	double lo = INFINITY, hi = 0;
	char name[64], text[24];
	size_t n, p;

	filename(wl->w_id, name, sizeof(name));
	fprintf(gp, "$data << EOD\n");
	for (n = p = 0; p < rp->rp_npeers; p++) {
		c = report_cell(rp, w, p);
		if (c->c_r == NULL)
			continue;
		st = cell_stat(rp, c, WHAT_VALUE);
		if (isnan(st.st_median))
			continue;
		fprintf(gp, "%s %g %g %g %s %s\n", rp->rp_peers[p]->p_name,
		    st.st_median, st.st_min, st.st_max,
		    colour(rp->rp_peers[p]),
		    number(st.st_median, text, sizeof(text)));
		if (st.st_median < lo)
			lo = st.st_median;
		if (st.st_max > hi)
			hi = st.st_max;
		n++;
	}
	fprintf(gp, "EOD\n");
	if (n == 0)
		return;
	fprintf(gp, "set output '%s.svg'\n", name);
	fprintf(gp, "set title \"%s: %s\" noenhanced\n", wl->w_id,
	    wl->w_title);
	/* A logarithmic axis has no zero, so begin it at a whole decade. */
	if (hi > 40 * lo)
		fprintf(gp, "set ylabel '%s, logarithmic'\nset logscale y\n"
		    "set yrange [%g:%g]\n", value_name(wl),
		    pow(10, floor(log10(lo / 3))), hi * 3);
	else
		fprintf(gp, "set ylabel '%s'\nunset logscale\n"
		    "set yrange [0:%g]\n", value_name(wl), hi * 1.15);
	fprintf(gp, "plot $data using 0:2:5:xtic(1) with boxes "
	    "lc rgb variable notitle, "
	    "'' using 0:3:(0):($4-$3) with vectors nohead lw 1.5 "
	    "lc rgb '#212529' notitle, "
	    "'' using 0:4:6 with labels offset 0,0.7 font ',10' notitle\n");
	fprintf(html, "<img src=\"%s.svg\" alt=\"%s: %s\">\n", name, wl->w_id,
	    wl->w_title);
}

/*
 * Latency: all rounds together, from p50 to p99.9.  The x axis counts nines.
 */
static void
plot_latency(const struct report *rp, size_t w, FILE *gp, FILE *html)
{
	const struct workload *wl = &workloads[w];
	const struct cell *c;
	char name[64];
	double q, x;
	size_t p;
	bool any = false, first;

	filename(wl->w_id, name, sizeof(name));
	for (p = 0; p < rp->rp_npeers; p++) {
		c = report_cell(rp, w, p);
		if (c->c_r == NULL || isnan(hist_quantile(c->c_hist, 0.5)))
			continue;
		any = true;
		fprintf(gp, "$d%zu << EOD\n", p);
		for (x = 0.301; x <= 3.0001; x += 0.0771) {
			q = 1 - pow(10, -x);
			fprintf(gp, "%.4f %.5g\n", x,
			    hist_quantile(c->c_hist, q) / 1000);
		}
		fprintf(gp, "EOD\n");
	}
	if (!any)
		return;
	fprintf(gp, "set output '%s-curve.svg'\n", name);
	fprintf(gp, "set title \"%s: %s\" noenhanced\n", wl->w_id,
	    wl->w_title);
	fprintf(gp, "set format y '%%g'\nset ylabel 'us, logarithmic'\n"
	    "set xlabel 'of the round trips'\n"
	    "set logscale y\nset yrange [*:*]\nset xrange [0.301:3.02]\n"
	    "set key outside right\n"
	    "set xtics norotate\n"
	    "set xtics ('50%%%%' 0.301, '75%%%%' 0.602, '90%%%%' 1, "
	    "'99%%%%' 2, '99.9%%%%' 3)\n");
	first = true;
	for (p = 0; p < rp->rp_npeers; p++) {
		c = report_cell(rp, w, p);
		if (c->c_r == NULL || isnan(hist_quantile(c->c_hist, 0.5)))
			continue;
		fprintf(gp, "%s$d%zu with lines", first ? "plot " : ", ", p);
		curve_style(rp->rp_peers[p], gp);
		first = false;
	}
	fprintf(gp, "\nset xtics autofreq\nset xtics rotate by -35\n"
	    "unset xlabel\nunset key\nset xrange [*:*]\n");
	fprintf(html, "<img src=\"%s-curve.svg\" alt=\"%s, latencies\">\n",
	    name, wl->w_id);
}

/*
 * Growth: workloads that are points of one curve.
 */
static bool
growth_ran(const struct report *rp, const char *curve)
{
	unsigned n = 0;
	size_t w;

	for (w = 0; w < nworkloads; w++) {
		if (workloads[w].w_curve != NULL && workload_ran(rp, w) &&
		    strcmp(workloads[w].w_curve, curve) == 0)
			n++;
	}
	return n > 1;
}

static void
plot_growth(const struct report *rp, const char *curve, const char *xlabel,
    FILE *gp, FILE *html)
{
	const struct cell *c;
	struct stat3 st;
	size_t p, w;
	bool any, first = true;
	bool *has;

	if (!growth_ran(rp, curve))
		return;
	if ((has = calloc(rp->rp_npeers, sizeof(*has))) == NULL)
		err(1, NULL);
	for (p = 0; p < rp->rp_npeers; p++) {
		any = false;
		for (w = 0; w < nworkloads; w++) {
			c = report_cell(rp, w, p);
			if (workloads[w].w_curve == NULL || c->c_r == NULL ||
			    strcmp(workloads[w].w_curve, curve) != 0)
				continue;
			st = cell_stat(rp, c, WHAT_VALUE);
			if (isnan(st.st_median))
				continue;
			if (!any)
				fprintf(gp, "$d%zu << EOD\n", p);
			any = true;
			fprintf(gp, "%g %g\n", workloads[w].w_x,
			    st.st_median);
		}
		if (any)
			fprintf(gp, "EOD\n");
		has[p] = any;
	}
	for (p = 0; p < rp->rp_npeers; p++) {
		if (!has[p])
			continue;
		if (first) {
			fprintf(gp, "set output '%s.svg'\n"
			    "set title 'Growth: %s'\nset xlabel '%s'\n"
			    "set ylabel 'ns/item'\nset logscale xy\n"
			    "set xtics norotate\nset termoption enhanced\n"
			    "set format x '10^{%%L}'\n"
			    "set format y '%%.0s%%c'\n"
			    "set yrange [*:*]\nset key outside right\nplot ",
			    curve, xlabel, xlabel);
			fprintf(html, "<img src=\"%s.svg\" alt=\"%s\">\n",
			    curve, xlabel);
		}
		fprintf(gp, "%s$d%zu with linespoints pt 7 ps 0.5",
		    first ? "" : ", ", p);
		curve_style(rp->rp_peers[p], gp);
		first = false;
	}
	if (!first)
		fprintf(gp, "\nunset logscale\nset format\nunset xlabel\n"
		    "set termoption noenhanced\n"
		    "unset key\nset xtics rotate by -35\n");
	free(has);
}

static void
escaped(FILE *from, FILE *to)
{
	int ch;

	rewind(from);
	while ((ch = getc(from)) != EOF) {
		switch (ch) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		default:
			putc(ch, to);
		}
	}
}

static void
insert(const struct report *rp, void (*write)(const struct report *, FILE *),
    FILE *html)
{
	FILE *text;

	if ((text = tmpfile()) == NULL)
		err(1, "temporary file");
	write(rp, text);
	escaped(text, html);
	fclose(text);
}

static FILE *
create(const char *dir, const char *name)
{
	char path[1024];
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fp = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	return fp;
}

void
report_files(const struct report *rp)
{
	FILE *gp, *html;
	size_t i;
	bool any;

	gp = create(rp->rp_dir, "wqbench.gp");
	html = create(rp->rp_dir, "index.html");
	fprintf(gp, "set terminal svg size 640,360 dynamic noenhanced "
	    "font 'sans,12' background rgb 'white'\n"
	    "set style fill solid 0.9 noborder\nset boxwidth 0.7\n"
	    "set grid ytics lc rgb '#dee2e6'\nset border 3\n"
	    "set tics nomirror\nset xtics rotate by -35\nunset key\n");
	fprintf(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>wqbench</title>\n<style>\n"
	    "body { font-family: sans-serif; max-width: 1340px; "
	    "margin: 1em auto; padding: 0 1em }\n"
	    "img { width: 640px; max-width: 100%% }\n"
	    "table { border-collapse: collapse }\n"
	    "th, td { text-align: left; padding: 0.2em 0.8em; "
	    "border-bottom: 1px solid #dee2e6 }\n"
	    "td.n { text-align: right }\n"
	    "td.met { color: #2b8a3e }\n"
	    "td.missed { color: #c92a2a; font-weight: bold }\n"
	    "pre { overflow-x: auto; background: #f1f3f5; padding: 1em }\n"
	    "</style>\n</head>\n<body>\n<h1>wqbench</h1>\n<pre>");
	insert(rp, report_head, html);
	fprintf(html, "</pre>\n<p>Bars show the median, lines the minimum and "
	    "the maximum; less is better everywhere. Orange is this library, "
	    "grey and dashed are bare limits. How to read this: "
	    "workqueue_bench(7).</p>\n");
	html_targets(rp, html);
	targets_file(rp);
	for (i = 0, any = false; i < nworkloads; i++) {
		if (!workload_ran(rp, i) || workloads[i].w_need != DO_TRIP)
			continue;
		if (!any)
			fprintf(html, "<h2>Latency</h2>\n");
		any = true;
		plot_latency(rp, i, gp, html);
	}
	if (growth_ran(rp, "queues") || growth_ran(rp, "pending"))
		fprintf(html, "<h2>Growth</h2>\n");
	plot_growth(rp, "queues", "queues at once", gp, html);
	plot_growth(rp, "pending", "items pending", gp, html);
	fprintf(html, "<h2>Workloads</h2>\n");
	for (i = 0; i < nworkloads; i++) {
		if (workload_ran(rp, i))
			plot_bars(rp, i, gp, html);
	}
	fprintf(html, "<h2>Peers</h2>\n<dl>\n");
	for (i = 0; i < rp->rp_npeers; i++)
		fprintf(html, "<dt>%s</dt><dd>%s</dd>\n",
		    rp->rp_peers[i]->p_name, rp->rp_peers[i]->p_mode);
	fprintf(html, "</dl>\n<h2>Table</h2>\n<pre>");
	insert(rp, report_table, html);
	fprintf(html, "</pre>\n<p>All runs: <a href=\"results.jsonl\">"
	    "results.jsonl</a></p>\n</body>\n</html>\n");
	if (fclose(gp) != 0 || fclose(html) != 0)
		err(1, "%s", rp->rp_dir);
}
