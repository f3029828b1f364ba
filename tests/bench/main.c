/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * wqbench: the driver.  In each round every workload runs with every peer, in
 * shuffled order, and each run has its own process.  So disturbances of the
 * machine affect all runs alike, and the peers are compared within a round.
 * See workqueue_bench(7).
 */

#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#ifdef __clang__
#define	STR1(x)		#x
#define	STR(x)		STR1(x)
#define	COMPILER	"clang " STR(__clang_major__) "."		\
			STR(__clang_minor__) "." STR(__clang_patchlevel__)
#else
#define	COMPILER	"gcc " __VERSION__
#endif

#define	TIMEOUT		30		/* seconds for one run */
#define	MAXROUNDS	999
#define	GRACE		10		/* seconds a late round may take */

/* From the Makefile: the sanitizer, and the compiler's flags. */
#ifndef BENCH_SAN
#define	BENCH_SAN	""
#endif
#ifndef BENCH_BUILD
#define	BENCH_BUILD	""
#endif

/* In the order of the tables: ours, the limits, the others. */
static const struct peer *const peers[] = {
	&peer_workqueue,
	&peer_lent,
	&peer_biglock,
	&peer_queuework,
	&peer_kthreadwork,
	&peer_limit,
	&peer_xchg,
	&peer_futex,
	&peer_spin,
	&peer_thread,
	&peer_listswap,
	&peer_listempty,
#ifdef HAVE_UV
	&peer_uv,
#endif
#ifdef HAVE_GLIB
	&peer_glib,
#endif
#ifdef HAVE_IVYKIS
	&peer_ivykis,
#endif
#ifdef HAVE_TBB
	&peer_tbb,
#endif
#ifdef HAVE_URCU
	&peer_urcu,
#endif
#ifdef HAVE_DISPATCH
	&peer_dispatch,
#endif
};
#define	NPEERS	(sizeof(peers) / sizeof(peers[0]))

/* Peers whose packages were not installed at build time. */
static const struct {
	const char	*m_name;	/* the peer's */
	const char	*m_title;
	const char	*m_package;
} missing[] = {
#ifndef HAVE_UV
	{ "libuv", "libuv", "Debian: libuv1-dev" },
#endif
#ifndef HAVE_GLIB
	{ "glib", "GLib", "Debian: libglib2.0-dev" },
#endif
#ifndef HAVE_IVYKIS
	{ "ivykis", "ivykis", "Debian: libivykis-dev" },
#endif
#ifndef HAVE_TBB
	{ "tbb", "oneTBB", "Debian: libtbb-dev" },
#endif
#ifndef HAVE_URCU
	{ "urcu", "liburcu", "Debian: liburcu-dev" },
#endif
#ifndef HAVE_DISPATCH
	{ "dispatch", "libdispatch", "Ubuntu, Alpine: libdispatch-dev" },
#endif
	{ NULL, NULL, NULL }
};

/* The message that the process of a run writes to us. */
struct message {
	struct result	 m_result;
	struct hist	 m_hist;
};

static int childfd = -1;

/*
 * Report why a run failed, and end its process.
 */
void
bench_fail(const char *fmt, ...)
{
	static struct message m;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m.m_result.r_error, sizeof(m.m_result.r_error), fmt, ap);
	va_end(ap);
	m.m_result.r_value = NAN;
	if (write(childfd, &m, sizeof(m)) != (ssize_t)sizeof(m))
		_exit(2);
	_exit(1);
}

static void
stuck(int signo)
{

	(void)signo;
	workload_stuck(TIMEOUT);
}

static void
child(const struct workload *w, const struct peer *p, const struct scale *sc,
    int fd)
{
	static struct message m;

	childfd = fd;
	(void)signal(SIGALRM, stuck);
	alarm(TIMEOUT);
	m.m_result.r_cpu = m.m_result.r_bytes = -1;
	w->w_run(w, p, sc, &m.m_result, &m.m_hist);
	if (write(fd, &m, sizeof(m)) != (ssize_t)sizeof(m))
		_exit(2);
	_exit(0);
}

/*
 * Get the time that all CPUs together have spent, and the part that our
 * terminated child processes have spent, in ns.
 */
static void
spent(double *all, double *ours)
{
	unsigned long long v[8] = { 0 };
	struct rusage ru;
	FILE *fp;

	*all = NAN;
	if ((fp = fopen("/proc/stat", "r")) != NULL) {
		/* user nice system idle iowait irq softirq steal */
		if (fscanf(fp, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
		    &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
		    &v[7]) == 8)
			*all = (double)(v[0] + v[1] + v[2] + v[5] + v[6] +
			    v[7]) * 1e9 / (double)sysconf(_SC_CLK_TCK);
		fclose(fp);
	}
	getrusage(RUSAGE_CHILDREN, &ru);
	*ours = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e9 +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e3;
}

/*
 * Make one run in a process of its own.
 */
static void
run1(const struct workload *w, const struct peer *p, const struct scale *sc,
    struct message *m)
{
	struct pollfd pfd;
	size_t have;
	ssize_t n;
	pid_t pid;
	int fds[2], status;
	int64_t end, left;

	memset(m, 0, sizeof(*m));
	fflush(NULL);
	if (pipe(fds) == -1)
		err(1, "pipe");
	switch (pid = fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(fds[0]);
		child(w, p, sc, fds[1]);
	}
	close(fds[1]);
	end = bench_now() + (int64_t)(TIMEOUT + 5) * 1000000000;
	for (have = 0; have < sizeof(*m); have += (size_t)n) {
		pfd.fd = fds[0];
		pfd.events = POLLIN;
		left = (end - bench_now()) / 1000000;
		if (left <= 0 || poll(&pfd, 1, (int)left) == 0) {
			kill(pid, SIGKILL);
			snprintf(m->m_result.r_error,
			    sizeof(m->m_result.r_error),
			    "no end within %d s", TIMEOUT + 5);
			break;
		}
		n = read(fds[0], (char *)m + have, sizeof(*m) - have);
		if (n <= 0)
			break;
	}
	close(fds[0]);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			err(1, "waitpid");
	}
	if (have < sizeof(*m) && m->m_result.r_error[0] == '\0') {
		if (WIFSIGNALED(status)) {
			snprintf(m->m_result.r_error,
			    sizeof(m->m_result.r_error), "%s",
			    strsignal(WTERMSIG(status)));
		} else {
			snprintf(m->m_result.r_error,
			    sizeof(m->m_result.r_error), "exit status %d",
			    WEXITSTATUS(status));
		}
	}
	if (m->m_result.r_error[0] != '\0')
		m->m_result.r_value = NAN;
}

/*
 * Make one run.  Repeat it if other programs used too large a share of the CPUs
 * meanwhile and time permits.  Disregard two clock ticks, the resolution of the
 * system's times.
 */
static void
run(const struct workload *w, const struct peer *p, const struct scale *sc,
    struct message *m, bool hurry)
{
	double all0, all1, ours0, ours1, others, wall;
	int64_t t;
	int i;

	for (i = 0; i < 3; i++) {
		spent(&all0, &ours0);
		t = bench_now();
		run1(w, p, sc, m);
		wall = (double)(bench_now() - t);
		spent(&all1, &ours1);
		others = (all1 - all0) - (ours1 - ours0) - 20e6;
		if (others < 0)
			others = 0;
		/* Store -1 if the system does not provide the times. */
		m->m_result.r_others = isnan(others) ? -1 :
		    100 * others / (wall * bench_ncpu());
		if (m->m_result.r_others < BENCH_DISTURBED || hurry ||
		    m->m_result.r_error[0] != '\0')
			break;
	}
}

/*
 * Return true if the workload needs two CPUs, because a thread spins for
 * another.
 */
static bool
needs_two(const struct workload *w)
{

	return w->w_conf.c_place == PLACE_APART ||
	    w->w_conf.c_place == PLACE_OWN;
}

static bool
can(const struct workload *w, const struct peer *p)
{

	if (bench_ncpu() == 1 && (needs_two(w) || (p->p_flags & PF_SPINS)))
		return false;
	if ((p->p_does & w->w_need) != w->w_need)
		return false;
	if ((p->p_flags & w->w_noflags) != 0)
		return false;
	if ((p->p_flags & w->w_flags) != w->w_flags)
		return false;
	if (w->w_only != NULL)
		return bench_inlist(w->w_only, p->p_name);
	return (p->p_flags & PF_NAMED) == 0;
}

static void
shuffle(size_t *v, size_t n, uint64_t *seed)
{
	size_t i, j, t;

	for (i = n; i > 1; i--) {
		j = bench_random(seed) % i;
		t = v[i - 1];
		v[i - 1] = v[j];
		v[j] = t;
	}
}

static const char *
machine(void)
{
	static char buf[512];
	char line[256], cpu[128] = "";
	struct utsname u;
	FILE *fp;

	if ((fp = fopen("/proc/cpuinfo", "r")) != NULL) {
		while (fgets(line, sizeof(line), fp) != NULL) {
			if (sscanf(line, "model name : %127[^\n]", cpu) == 1)
				break;
		}
		fclose(fp);
	}
	uname(&u);
	snprintf(buf, sizeof(buf), "%d CPU%s, %s%s%s, %s %s, %s", bench_ncpu(),
	    bench_ncpu() == 1 ? "" : "s", cpu,
	    cpu[0] != '\0' ? ", " : "", u.machine, u.sysname, u.release,
	    COMPILER);
	return buf;
}

static void
json_string(FILE *fp, const char *name, const char *p)
{

	fprintf(fp, "\"%s\":\"", name);
	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			putc('\\', fp);
		putc((unsigned char)*p < ' ' ? ' ' : *p, fp);
	}
	fputs("\",", fp);
}

static void
json(FILE *fp, const struct workload *w, const struct peer *p,
    unsigned round, size_t order, const struct result *r)
{
	size_t i;

	fprintf(fp, "{\"workload\":\"%s\",\"peer\":\"%s\",\"round\":%u,"
	    "\"order\":%zu,\"unit\":\"%s\",", w->w_id, p->p_name, round + 1,
	    order, w->w_unit);
	if (r->r_error[0] != '\0') {
		json_string(fp, "error", r->r_error);
		fprintf(fp, "\"value\":null}\n");
		return;
	}
	fprintf(fp, "\"value\":%.4g", r->r_value);
	if (r->r_others >= 0)
		fprintf(fp, ",\"others_percent\":%.3g", r->r_others);
	if (r->r_cpu >= 0)
		fprintf(fp, ",\"cpu_percent\":%.4g", r->r_cpu);
	if (r->r_bytes >= 0)
		fprintf(fp, ",\"bytes_per_item\":%.4g", r->r_bytes);
	if (r->r_hasq) {
		fprintf(fp, ",\"samples\":%u", r->r_n);
		for (i = 0; i < NQUANTILE; i++)
			fprintf(fp, ",\"p%g\":%.0f", quantiles[i] * 100,
			    r->r_q[i]);
	}
	fprintf(fp, "}\n");
}

/*
 * Show the progress: on a terminal update one line, elsewhere print a line now
 * and then.
 */
static void
progress(size_t done, size_t total, unsigned round, unsigned rounds,
    const char *w, const char *p, int64_t start, int64_t limit)
{
	static int tty = -1;
	static int64_t last;
	int64_t gone, left;

	if (tty == -1)
		tty = isatty(STDERR_FILENO);
	gone = (bench_now() - start) / 1000000000;
	if (!tty && gone < last + 10)
		return;
	last = gone;
	fprintf(stderr, "%s%3zu%%  round %u of %u  %-14s %-10s  "
	    "%jd:%02jd gone", tty ? "\r" : "", 100 * done / total, round + 1,
	    rounds, w, p, (intmax_t)(gone / 60), (intmax_t)(gone % 60));
	if (done * 20 > total) {
		left = gone * (int64_t)(total - done) / (int64_t)done;
		if (left > limit - gone)
			left = limit > gone ? limit - gone : 0;
		fprintf(stderr, ", %s%jd:%02jd left", tty ? "" : "about ",
		    (intmax_t)(left / 60), (intmax_t)(left % 60));
	}
	fprintf(stderr, tty ? " \033[K" : "\n");
}

static void
progress_end(void)
{

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/*
 * Have threads lent to queues that do not ask for their own.  The library reads
 * its environment before main(), so start the program again.
 */
#define	LEND	"WORKQUEUE_LEND=1"
static void
lend(char **argv)
{
	const char *p = getenv("WORKQUEUE_LEND");

	if (p != NULL && strcmp(p, "1") == 0)
		return;
	if (setenv("WORKQUEUE_LEND", "1", 1) == -1)
		err(1, NULL);
	execvp(argv[0], argv);
	err(1, "%s", argv[0]);
}

/*
 * Return this library's environment variables, which change its behaviour.
 */
static const char *
environment(void)
{
	extern char **environ;
	static char buf[512];
	size_t len = 0;
	char **e;

	for (e = environ; *e != NULL && len < sizeof(buf); e++) {
		if (strncmp(*e, "WORKQUEUE_", 10) == 0 &&
		    strcmp(*e, LEND) != 0)
			len += (size_t)snprintf(buf + len, sizeof(buf) - len,
			    "%s%s", len > 0 ? " " : "", *e);
	}
	return buf;
}

/*
 * Return why this library differs from a release, or NULL.
 */
static const char *
notrelease(void)
{
	const char *p;

	if (BENCH_SAN[0] != '\0')
		return "built with a sanitizer";
	p = getenv("WORKQUEUE_CHECK");
	if (p != NULL && p[0] != '\0' && strcmp(p, "0") != 0)
		return "WORKQUEUE_CHECK is on";
	return NULL;
}

static void __attribute__((__noreturn__))
usage(void)
{

	fprintf(stderr, "usage: wqbench [-lnq] [-o directory] [-p peers] "
	    "[-r rounds] [-s seed]\n"
	    "               [-t targets.tsv] [-w workloads]\n");
	exit(2);
}

static void
skips(FILE *fp)
{
	size_t i;

	for (i = 0; missing[i].m_name != NULL; i++)
		fprintf(fp, "%s is not installed (%s): skipped\n",
		    missing[i].m_title, missing[i].m_package);
}

static void
list(void)
{
	size_t i;

	for (i = 0; i < nworkloads; i++)
		printf("%-14s %s (%s)\n", workloads[i].w_id,
		    workloads[i].w_title, workloads[i].w_unit);
	printf("\n");
	for (i = 0; i < NPEERS; i++)
		printf("%-14s %s\n", peers[i]->p_name, peers[i]->p_mode);
	skips(stdout);
}

/*
 * Report selected workloads that need a second CPU.
 */
static void
skips_onecpu(const struct report *rp)
{
	size_t i;

	if (bench_ncpu() > 1)
		return;
	for (i = 0; i < nworkloads; i++) {
		if (needs_two(&workloads[i]) &&
		    bench_chosen(rp->rp_onlyw, workloads[i].w_id))
			printf("%s needs two CPUs: skipped\n",
			    workloads[i].w_id);
	}
	for (i = 0; i < NPEERS; i++) {
		if ((peers[i]->p_flags & PF_SPINS) &&
		    bench_chosen(rp->rp_onlyp, peers[i]->p_name))
			printf("%s needs two CPUs: skipped\n",
			    peers[i]->p_name);
	}
}

/*
 * Parse a number from min to max.
 */
static unsigned long long
argument(const char *what, const char *arg, unsigned long long min,
    unsigned long long max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || errno != 0 ||
	    v < min || v > max)
		errx(2, "%s is \"%s\"; it can be %llu to %llu", what, arg,
		    min, max);
	return v;
}

/* Return the name of workload or peer number i, or NULL. */
static const char *
workload_name(size_t i)
{

	return i < nworkloads ? workloads[i].w_id : NULL;
}

static const char *
peer_name(size_t i)
{

	return i < NPEERS ? peers[i]->p_name : missing[i - NPEERS].m_name;
}

/*
 * Check that each name in a list selects something.
 */
static void
names(const char *what, const char *list, const char *(*name)(size_t))
{
	char *tok;
	const char *p;
	size_t i, len;

	for (p = list;; p += len + 1) {
		len = strcspn(p, ",");
		if ((tok = strndup(p, len)) == NULL)
			err(1, NULL);
		for (i = 0; name(i) != NULL; i++) {
			if (bench_chosen(tok, name(i)))
				break;
		}
		if (name(i) == NULL) {
			warnx("no %s \"%s\"; there are:", what, tok);
			for (i = 0; name(i) != NULL; i++)
				fprintf(stderr, "%s%s", i > 0 ? ", " : "",
				    name(i));
			fprintf(stderr, "\n");
			exit(2);
		}
		free(tok);
		if (p[len] == '\0')
			return;
	}
}

/*
 * Make one round: every workload with every peer, in shuffled order.  Return
 * false if the time limit ended it early.
 */
static bool
one_round(struct report *rp, const struct scale *sc, unsigned round,
    size_t *done, size_t total, int64_t start, int64_t limit, FILE *fp)
{
	static struct message m;
	const struct workload *w;
	const struct peer *p;
	size_t worder[64], porder[NPEERS], i, j, order = 0;
	struct cell *c;
	int64_t gone;
	bool late = false;

	for (i = 0; i < nworkloads; i++)
		worder[i] = i;
	for (j = 0; j < NPEERS; j++)
		porder[j] = j;
	shuffle(worder, nworkloads, &rp->rp_state);
	for (i = 0; i < nworkloads; i++) {
		w = &workloads[worder[i]];
		shuffle(porder, NPEERS, &rp->rp_state);
		for (j = 0; j < NPEERS; j++) {
			p = peers[porder[j]];
			c = report_cell(rp, worder[i], porder[j]);
			if (c->c_r == NULL)
				continue;
			c->c_r[round].r_value = NAN;
			progress(*done, total, round, rp->rp_asked, w->w_id,
			    p->p_name, start, limit);
			++*done;
			if (w->w_every > 1 && round % w->w_every != 0)
				continue;
			gone = bench_now() - start;
			if (gone > (limit + GRACE) * 1000000000) {
				late = true;
				rp->rp_left++;
				continue;
			}
			run(w, p, sc, &m, (double)gone * (double)total >
			    (double)limit * 1e9 * (double)*done);
			rp->rp_made++;
			if (m.m_result.r_others >= BENCH_DISTURBED)
				rp->rp_disturbed++;
			if (m.m_result.r_error[0] != '\0')
				rp->rp_failed++;
			c->c_r[round] = m.m_result;
			hist_sum(c->c_hist, &m.m_hist);
			if (fp != NULL)
				json(fp, w, p, round, order++, &m.m_result);
		}
	}
	return !late;
}

int
main(int argc, char *argv[])
{
	/* Static, because it is used until exit. */
	static struct report rp = { .rp_peers = peers, .rp_npeers = NPEERS };
	struct scale sc = { 1, 1000000000 };
	char path[1024];
	size_t i, j, done, total;
	struct cell *c;
	unsigned round, rounds = 0;
	int64_t gone, limit, start;
	bool checkonly = false;
	FILE *fp = NULL;
	int ch;

	lend(argv);
	bench_cpus();
	rp.rp_seed = (uint64_t)bench_now();
	while ((ch = getopt(argc, argv, "lno:p:qr:s:t:w:")) != -1) {
		switch (ch) {
		case 'l':
			list();
			return 0;
		case 'n':
			checkonly = true;
			break;
		case 'o':
			rp.rp_dir = optarg;
			break;
		case 'p':
			names("peer", optarg, peer_name);
			rp.rp_onlyp = optarg;
			break;
		case 'q':
			rp.rp_quick = true;
			break;
		case 'r':
			rounds = (unsigned)argument("the number of rounds",
			    optarg, 1, MAXROUNDS);
			break;
		case 's':
			rp.rp_seed = argument("the seed", optarg, 0,
			    UINT64_MAX);
			break;
		case 't':
			report_other(optarg);
			break;
		case 'w':
			names("workload", optarg, workload_name);
			rp.rp_onlyw = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc != optind)
		usage();
	if (checkonly)
		return 0;
	if (rounds == 0)
		rounds = rp.rp_quick ? 3 : 7;
	if (rp.rp_quick) {
		sc.sc_div = 5;
		sc.sc_max /= 5;
	}
	limit = rp.rp_quick ? 165 : 1150;
	bench_calibrate();
	rp.rp_asked = rp.rp_rounds = rounds;
	rp.rp_state = rp.rp_seed;
	rp.rp_machine = machine();
	rp.rp_compiler = COMPILER;
	rp.rp_build = BENCH_BUILD;
	rp.rp_environ = environment();
	rp.rp_void = notrelease();
	rp.rp_cells = calloc(nworkloads * NPEERS, sizeof(*rp.rp_cells));
	if (rp.rp_cells == NULL)
		err(1, NULL);

	total = 0;
	for (i = 0; i < nworkloads; i++) {
		for (j = 0; j < NPEERS; j++) {
			c = report_cell(&rp, i, j);
			if (!can(&workloads[i], peers[j]) ||
			    !bench_chosen(rp.rp_onlyw, workloads[i].w_id) ||
			    !bench_chosen(rp.rp_onlyp, peers[j]->p_name))
				continue;
			c->c_r = calloc(rounds, sizeof(*c->c_r));
			c->c_hist = calloc(1, sizeof(*c->c_hist));
			if (c->c_r == NULL || c->c_hist == NULL)
				err(1, NULL);
			total += rounds;
		}
	}
	skips(stdout);
	skips_onecpu(&rp);
	if (total == 0)
		errx(1, "nothing to do; see wqbench -l");
	if (rp.rp_dir != NULL) {
		snprintf(path, sizeof(path), "%s/results.jsonl", rp.rp_dir);
		if ((fp = fopen(path, "w")) == NULL)
			err(1, "%s", path);
		fprintf(fp, "{");
		json_string(fp, "machine", rp.rp_machine);
		json_string(fp, "build", rp.rp_build);
		json_string(fp, "environment", rp.rp_environ);
		fprintf(fp, "\"seed\":%ju,\"rounds_asked\":%u,\"quick\":%s,"
		    "\"counts\":%s}\n", (uintmax_t)rp.rp_seed, rounds,
		    rp.rp_quick ? "true" : "false",
		    rp.rp_void == NULL ? "true" : "false");
	}

	start = bench_now();
	done = 0;
	for (round = 0; round < rounds; round++) {
		/* Do not begin a round that would end too late. */
		gone = (bench_now() - start) / 1000000000;
		if (round > 0 && gone + gone / round > limit)
			break;
		if (!one_round(&rp, &sc, round, &done, total, start, limit,
		    fp)) {
			round++;
			break;
		}
	}
	progress_end();
	rp.rp_rounds = round;
	rp.rp_seconds = (int)((bench_now() - start) / 1000000000);
	if (fp != NULL) {
		fprintf(fp, "{\"rounds_done\":%u,\"runs\":%u,\"left_out\":%u,"
		    "\"disturbed\":%u,\"failed\":%u,\"seconds\":%d}\n",
		    rp.rp_rounds, rp.rp_made, rp.rp_left, rp.rp_disturbed,
		    rp.rp_failed, rp.rp_seconds);
		if (fclose(fp) != 0)
			err(1, "%s", path);
	}
	report_head(&rp, stdout);
	report_table(&rp, stdout);
	report_targets(&rp, stdout);
	if (rp.rp_dir != NULL)
		report_files(&rp);
	if (rp.rp_failed != 0)
		errx(1, "%u run%s failed", rp.rp_failed,
		    rp.rp_failed == 1 ? "" : "s");
	return 0;
}
