/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The output of the zygote: its messages, the output of a schedule that failed,
 * the command that replays the schedule, and the result for a CI system.
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>
#include <host/sim_main.h>
#include <host/host_page.h>

#define	PROGRESS_NS	200000000
#define	OUTPUT_MAX	(256 * 1024)	/* bytes shown of a schedule's output */

static int	output_file = -1;	/* what the schedules write */
static int	output_stderr = STDERR_FILENO;
static bool	output_progressed;	/* a progress line is shown */

/* The messages about a failure, for JUnit and the page. */
static char	output_log[65536];
static size_t	output_loglen;
static bool	output_logs;

void
sim_say(const char *fmt, ...)
{
	char buf[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 1)
		n = (int)sizeof(buf) - 1;
	if (n <= 0)
		return;
	if (output_progressed) {
		(void)!write(output_stderr, "\r\033[K", 4);
		output_progressed = false;
	}
	(void)!write(output_stderr, buf, (size_t)n);
	if (output_logs && (size_t)n < sizeof(output_log) - output_loglen) {
		memcpy(output_log + output_loglen, buf, (size_t)n);
		output_loglen += (size_t)n;
	}
}

/* From now on, keep the messages. */
void
output_keep(void)
{

	output_logs = true;
}

const char *
output_kept(void)
{

	return output_log;
}

void
output_hide(void)
{

	if (output_file == -1)
		return;
	(void)dup2(output_file, STDOUT_FILENO);
	(void)dup2(output_file, STDERR_FILENO);
}

/*
 * Make the schedules write to a file in memory, unless their output is wanted.
 */
void
output_capture(void)
{

	output_file = (int)syscall(SYS_memfd_create, "wqsim", 1U);
	output_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	if (output_file == -1 || output_stderr == -1) {
		output_file = -1;
		output_stderr = STDERR_FILENO;
		return;
	}
	if (!sim.sim_set.ss_output)
		output_hide();
}

void
output_show(void)
{
	char buf[4096];
	ssize_t n;
	off_t at;

	if (output_file == -1)
		return;
	for (at = 0; at < OUTPUT_MAX; at += n) {
		n = pread(output_file, buf, sizeof(buf), at);
		if (n <= 0)
			break;
		(void)!write(output_stderr, buf, (size_t)n);
	}
}

void
output_drop(void)
{

	if (output_file == -1 || lseek(output_file, 0, SEEK_CUR) == 0)
		return;
	(void)!ftruncate(output_file, 0);
	(void)lseek(output_file, 0, SEEK_SET);
}

/*
 * The strategy's parameters may change while the schedule is minimised, so this
 * is a copy.
 */
static char output_name[SIM_STRATEGY];

void
output_strategy(void)
{

	if (sim_searcher->sst_replay != NULL)
		(*sim_searcher->sst_replay)(output_name, sizeof(output_name));
	else
		memcpy(output_name, sim.sim_set.ss_strategy,
		    sizeof(output_name));
}

/*
 * Print the options that a replay file would contain.
 */
static void
output_options(void)
{
	const struct sim_settings *ss = &sim.sim_set;
	const char *s;
	unsigned fault = 0;

	while ((s = sim_fault_name(ss->ss_faults, &fault)) != NULL)
		sim_say(" -f %s", s);
	if (ss->ss_mayexit)
		sim_say(" -e");
	if (ss->ss_interrupts != 0)
		sim_say(" -i %u", ss->ss_interrupts);
	if (ss->ss_budget != SIM_BUDGET)
		sim_say(" -b %llu", (unsigned long long)ss->ss_budget);
}

/* Print the command that replays a schedule, quoted for the shell. */
void
output_command(uint64_t seed)
{
	struct sim_settings *ss = &sim.sim_set;
	const char *s;
	int i;

	if (ss->ss_readfile != NULL)
		sim_say("wqsim: replay: wqsim -r %s", ss->ss_readfile);
	else
		sim_say("wqsim: replay: wqsim -r %s,%s,%llu", output_name,
		    ss->ss_model, (unsigned long long)seed);
	if (ss->ss_readfile == NULL)
		output_options();
	for (i = 0; i < sim_argc; i++) {
		s = sim_argv[i];
		if (*s != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%") ==
		    strlen(s)) {
			sim_say(" %s", s);
			continue;
		}
		sim_say(" '");
		for (; *s != '\0'; s++)
			if (*s == '\'')
				sim_say("'\\''");
			else
				sim_say("%c", *s);
		sim_say("'");
	}
	sim_say("\n");
}

/* Return the limit of schedules as " of N", or "" if there is none. */
const char *
output_limit(void)
{
	static char buf[32];

	if (sim.sim_set.ss_schedules != UINT64_MAX)
		(void)snprintf(buf, sizeof(buf), " of %llu",
		    (unsigned long long)sim.sim_set.ss_schedules);
	return buf;
}

/* Show the progress, on a terminal. */
void
output_progress(uint64_t i, int64_t start)
{
	static int tty = -1;
	static int64_t last;
	int64_t now;
	char buf[128];
	int n;

	if (tty == -1)
		tty = isatty(output_stderr);
	if (tty == 0)
		return;
	now = zygote_clock();
	if (now - last < PROGRESS_NS || now == start)
		return;
	last = now;
	n = snprintf(buf, sizeof(buf), "\rwqsim: %llu%s schedules, "
	    "%llu a second", (unsigned long long)i, output_limit(),
	    (unsigned long long)((double)i * 1e9 / (double)(now - start)));
	(void)!write(output_stderr, buf, (size_t)n);
	output_progressed = true;
}

/*
 * Write the result for a CI system: one test case, which is the program.
 */
void
output_junit(bool failed, int64_t start)
{
	struct sim_settings *ss = &sim.sim_set;
	double seconds = (double)(zygote_clock() - start) / 1e9;
	FILE *fp;
	int i;

	if (ss->ss_junitfile == NULL)
		return;
	if ((fp = fopen(ss->ss_junitfile, "we")) == NULL) {
		sim_say("wqsim: %s: %s\n", ss->ss_junitfile,
		    strerror(errno));
		_exit(SIM_EXIT_USAGE);
	}
	(void)fprintf(fp, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites>\n<testsuite name=\"wqsim\" tests=\"1\" "
	    "failures=\"%d\" time=\"%.3f\">\n<testcase classname=\"wqsim\" "
	    "name=\"", failed, seconds);
	for (i = 0; i < sim_argc; i++) {
		if (i > 0)
			(void)fputc(' ', fp);
		page_escape(fp, sim_argv[i]);
	}
	(void)fprintf(fp, "\" time=\"%.3f\">\n", seconds);
	if (failed) {
		(void)fputs("<failure message=\"", fp);
		page_escape(fp, sim.sim_result->sr_what);
		(void)fputs("\">", fp);
		page_escape(fp, output_log);
		(void)fputs("</failure>\n", fp);
	}
	(void)fputs("</testcase>\n</testsuite>\n</testsuites>\n", fp);
	if (fclose(fp) != 0) {
		sim_say("wqsim: %s: %s\n", ss->ss_junitfile,
		    strerror(errno));
		_exit(SIM_EXIT_USAGE);
	}
}
