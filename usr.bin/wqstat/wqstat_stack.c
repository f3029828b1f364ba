/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The stacks of the threads that run items, unwound by gdb(1).
 */

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

/*
 * Start gdb, and return a stream of its output.  Its error messages go to
 * "errors".
 */
static FILE *
stacks_open(const struct target *t, pid_t *pidp, FILE *errors)
{
	char pid[32], root[4200];
	int fd[2], null;

	(void)snprintf(pid, sizeof(pid), "%d", (int)t->t_pid);
	(void)snprintf(root, sizeof(root), "set sysroot %s", t->t_files);
	if (pipe(fd) == -1 || (*pidp = fork()) == -1)
		die(EXIT_TARGET, "cannot start gdb(1): %s", strerror(errno));
	if (*pidp == 0) {
		null = open("/dev/null", O_RDWR);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(fd[1], STDOUT_FILENO);
		(void)dup2(fileno(errors), STDERR_FILENO);
		(void)close(fd[0]);
		(void)close(fd[1]);
		if (t->t_pid != 0)
			(void)execlp("gdb", "gdb", "-nx", "-batch", "-p", pid,
			    "-ex", "thread apply all backtrace 40",
			    (char *)NULL);
		else
			(void)execlp("gdb", "gdb", "-nx", "-batch",
			    "-iex", t->t_files[0] != '\0' ? root : "",
			    "-ex", "thread apply all backtrace 40",
			    t->t_program, t->t_name, (char *)NULL);
		_exit(127);
	}
	(void)close(fd[1]);
	return fdopen(fd[0], "r");
}

/*
 * Return the callback that a thread runs, or NULL.
 */
static const struct run *
stacks_run(const struct target *t, long tid)
{
	size_t i;

	for (i = 0; i < t->t_nruns; i++)
		if (t->t_runs[i].r_tid == tid)
			return &t->t_runs[i];
	return NULL;
}

/*
 * Print the stacks of threads that run an item.  Return false if gdb names no
 * thread at all.  A callback may have returned before gdb looks.
 */
static bool
stacks_filter(struct target *t, FILE *f)
{
	const struct run *r;
	size_t size;
	char *line, *p;
	bool any;

	line = NULL;
	size = 0;
	r = NULL;
	any = false;
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "Thread ", 7) == 0) {
			any = true;
			p = strstr(line, "LWP ");
			r = p == NULL ? NULL :
			    stacks_run(t, strtol(p + 4, NULL, 10));
			if (r != NULL)
				(void)printf("\n%s, thread %ld:\n", r->r_name,
				    r->r_tid);
		} else if (r != NULL && line[0] == '#')
			(void)printf("    %s", line);
	}
	free(line);
	return any;
}

void
print_stacks(struct target *t)
{
	char line[200];
	FILE *errors, *f;
	pid_t pid;
	int status;
	bool any;

	(void)fflush(stdout);
	if ((errors = tmpfile()) == NULL)
		die(EXIT_TARGET, "cannot make a file: %s", strerror(errno));
	if ((f = stacks_open(t, &pid, errors)) == NULL)
		die(EXIT_TARGET, "no memory");
	any = stacks_filter(t, f);
	(void)fclose(f);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		die(EXIT_TARGET, "-s needs gdb(1), which is not installed");
	if (!any || status != 0) {
		rewind(errors);
		if (fgets(line, sizeof(line), errors) == NULL)
			line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		die(EXIT_TARGET, "gdb(1) could not read the stacks%s%s",
		    line[0] != '\0' ? ": " : "", line);
	}
	(void)fclose(errors);
}
