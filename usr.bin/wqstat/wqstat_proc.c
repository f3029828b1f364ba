/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The memory of a process.
 */

#include <sys/stat.h>
#include <sys/uio.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

/*
 * Read pieces with as few calls as possible.  A call ends at the first piece
 * that cannot be read.
 */
static void
proc_readv(struct wqstat_source *so, struct wqstat_piece *sp, unsigned n)
{
	struct iovec local[BATCH + 1], remote[BATCH + 1];
	struct target *t;
	ssize_t got;
	unsigned i, first;

	t = (struct target *)so;
	for (i = 0; i < n && i < BATCH + 1; i++) {
		local[i].iov_base = sp[i].sp_buf;
		remote[i].iov_base = (void *)sp[i].sp_addr;
		local[i].iov_len = remote[i].iov_len = sp[i].sp_size;
		sp[i].sp_ok = false;
	}
	n = i;
	for (first = 0; first < n; first = i + 1) {
		got = process_vm_readv(t->t_tid, local + first, n - first,
		    remote + first, n - first, 0);
		if (got == -1) {
			t->t_errno = errno;
			if (errno == ESRCH) {
				t->t_gone = true;
				return;
			}
			got = 0;
		}
		for (i = first; i < n && got >= (ssize_t)sp[i].sp_size; i++) {
			got -= (ssize_t)sp[i].sp_size;
			sp[i].sp_ok = true;
		}
	}
}

/*
 * Read a line of /proc/PID/status, without its name.  Return false if there is
 * none.
 */
static bool
proc_status(long tid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t len;
	FILE *f;
	bool found;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", tid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	len = strlen(name);
	found = false;
	while (!found && fgets(buf, (int)size, f) != NULL)
		found = strncmp(buf, name, len) == 0 && buf[len] == ':';
	(void)fclose(f);
	if (found)
		memmove(buf, buf + len + 1, strlen(buf + len + 1) + 1);
	return found;
}

/*
 * Return an ID of the process that is not the caller's, or the caller's.
 */
static unsigned
proc_otherid(const struct target *t, const char *name, unsigned own)
{
	unsigned id[3];
	char line[256];
	int i;

	if (proc_status(t->t_tid, name, line, sizeof(line)) &&
	    sscanf(line, "%u %u %u", &id[0], &id[1], &id[2]) == 3)
		for (i = 0; i < 3; i++)
			if (id[i] != own)
				return id[i];
	return own;
}

/*
 * Return true if the system hides the memory of the process even from its user.
 * Then its files belong to root.
 */
static bool
proc_undumpable(const struct target *t)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->t_tid);
	return stat(path, &st) == 0 && st.st_uid == 0 && getuid() != 0;
}

/*
 * Print why the process cannot be read and what helps, and exit.  See "Ptrace
 * access mode checking" in ptrace(2) for the conditions.
 */
void
proc_denied(const struct target *t)
{
	const char *help = "run wqstat as root, or let the program call "
	    "workqueue_report(9)";
	int pid = (int)t->t_pid;
	unsigned id;
	FILE *f;
	int scope;

	scope = 0;
	if ((f = fopen("/proc/sys/kernel/yama/ptrace_scope", "r")) != NULL) {
		if (fscanf(f, "%d", &scope) != 1)
			scope = 0;
		(void)fclose(f);
	}
	/* The highest scope holds for root, too. */
	if (scope >= 3)
		die(EXIT_TARGET, "process %d: permission denied: "
		    "kernel.yama.ptrace_scope is %d, until the system is "
		    "booted again; let the program call workqueue_report(9)",
		    pid, scope);
	if (geteuid() == 0)
		die(EXIT_TARGET, "process %d: permission denied: this needs "
		    "CAP_SYS_PTRACE; run wqstat as root outside of a "
		    "container, or let the program call workqueue_report(9)",
		    pid);
	if ((id = proc_otherid(t, "Uid", getuid())) != getuid())
		die(EXIT_TARGET, "process %d: permission denied: it belongs to "
		    "user %u; run wqstat as that user or as root, or let the "
		    "program call workqueue_report(9)", pid, id);
	if ((id = proc_otherid(t, "Gid", getgid())) != getgid())
		die(EXIT_TARGET, "process %d: permission denied: it belongs to "
		    "group %u; %s", pid, id, help);
	if (proc_undumpable(t))
		die(EXIT_TARGET, "process %d: permission denied: it is not "
		    "dumpable, see PR_SET_DUMPABLE in prctl(2); %s", pid, help);
	if (scope != 0)
		die(EXIT_TARGET, "process %d: permission denied: "
		    "kernel.yama.ptrace_scope is %d; %s", pid, scope, help);
	die(EXIT_TARGET, "process %d: permission denied: this needs "
	    "CAP_SYS_PTRACE; %s", pid, help);
}

/*
 * Return the state of a thread as in proc(5), or 0 if there is no such thread.
 */
static char
proc_thread(pid_t tid)
{
	char buf[512], *p;
	FILE *f;
	size_t n;

	(void)snprintf(buf, sizeof(buf), "/proc/%d/stat", (int)tid);
	if ((f = fopen(buf, "r")) == NULL)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	(void)fclose(f);
	buf[n] = '\0';
	/* The name may contain anything. */
	p = strrchr(buf, ')');
	return p != NULL && p[1] == ' ' && p[2] != 'Z' && p[2] != 'X' ? p[2] :
	    0;
}

/*
 * Find out whether the process exists, and whether it is stopped.  Memory
 * cannot be read through a thread that has ended, and the first thread may end
 * before the others.  So find a thread that has not ended.
 */
void
proc_state(struct target *t)
{
	char path[64], state;
	struct dirent *d;
	DIR *dir;

	if ((state = proc_thread(t->t_tid)) == 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task",
		    (int)t->t_pid);
		if ((dir = opendir(path)) != NULL) {
			while (state == 0 && (d = readdir(dir)) != NULL) {
				t->t_tid = (pid_t)atoi(d->d_name);
				if (t->t_tid > 0)
					state = proc_thread(t->t_tid);
			}
			(void)closedir(dir);
		}
	}
	t->t_stopped = state == 'T' || state == 't';
	if (state == 0)
		t->t_gone = true;
}

/*
 * Keep the open files of maps that are still there.  Both lists are sorted.
 */
static void
proc_keep(struct map *old, size_t nold, struct map *new, size_t nnew)
{
	struct map *m;
	size_t i;

	for (i = 0, m = new; i < nold; i++) {
		while (m < new + nnew && m->m_start < old[i].m_start)
			m++;
		if (m < new + nnew && m->m_start == old[i].m_start &&
		    m->m_end == old[i].m_end &&
		    m->m_offset == old[i].m_offset &&
		    m->m_inode == old[i].m_inode &&
		    strcmp(m->m_path, old[i].m_path) == 0) {
			m->m_file = old[i].m_file;
			m->m_tried = old[i].m_tried;
		} else
			symbol_close(old[i].m_file);
		free(old[i].m_path);
	}
	free(old);
}

/*
 * Add a line of the maps.
 */
static void
proc_map(struct target *t, char *line)
{
	static const char gone[] = " (deleted)";
	unsigned long start, end, offset, inode;
	char mode[8], *name;
	struct map *m;
	size_t len;
	int at;

	at = 0;
	if (sscanf(line, "%lx-%lx %7s %lx %*s %lu %n", &start, &end, mode,
	    &offset, &inode, &at) != 5 || at == 0)
		return;
	if (mode[2] == 'x')
		target_addcode(t, start, end);
	name = line + at;
	name[strcspn(name, "\n")] = '\0';
	if (name[0] != '/')
		return;
	m = target_addmap(t, start, end, offset, name);
	m->m_inode = inode;
	len = strlen(name);
	if (len >= sizeof(gone) &&
	    strcmp(name + len - (sizeof(gone) - 1), gone) == 0) {
		m->m_path[len - (sizeof(gone) - 1)] = '\0';
		m->m_deleted = true;
	}
}

void
proc_maps(struct target *t)
{
	struct map *old;
	char path[64], *line;
	size_t nold, size;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)t->t_tid);
	if ((f = fopen(path, "r")) == NULL) {
		if (errno == EACCES || errno == EPERM)
			proc_denied(t);
		die(EXIT_TARGET, "process %d has ended", (int)t->t_pid);
	}
	old = t->t_maps;
	nold = t->t_nmaps;
	t->t_maps = NULL;
	t->t_nmaps = t->t_ncode = 0;
	line = NULL;
	size = 0;
	errno = 0;
	while (getline(&line, &size, f) > 0)
		proc_map(t, line);
	if (errno == EACCES || errno == EPERM)
		proc_denied(t);
	free(line);
	(void)fclose(f);
	proc_keep(old, nold, t->t_maps, t->t_nmaps);
}

/*
 * Open the file of a map.  If another file has its name now, or none, the
 * system still has it.
 */
int
proc_file(const struct target *t, const struct map *m)
{
	char name[128], exe[4200];
	ssize_t n;
	int fd;

	if (!m->m_deleted)
		return target_file(t, m->m_path);
	(void)snprintf(name, sizeof(name), "/proc/%d/map_files/%lx-%lx",
	    (int)t->t_tid, (unsigned long)m->m_start, (unsigned long)m->m_end);
	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) != -1)
		return fd;
	/* That is for root; this is not. */
	(void)snprintf(name, sizeof(name), "/proc/%d/exe", (int)t->t_tid);
	n = readlink(name, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	n = (ssize_t)strlen(m->m_path);
	return strncmp(exe, m->m_path, (size_t)n) == 0 &&
	    strcmp(exe + n, " (deleted)") == 0 ?
	    open(name, O_RDONLY | O_CLOEXEC) : -1;
}

/*
 * Threads of a process in another PID namespace.
 */

/*
 * Learn the number that a thread has in its own namespace: the last one.
 */
static long
proc_theirs(long tid)
{
	char line[256], *p;

	if (!proc_status(tid, "NSpid", line, sizeof(line)))
		return tid;
	line[strcspn(line, "\n")] = '\0';
	p = strrchr(line, '\t');
	return strtol(p != NULL ? p : line, NULL, 10);
}

static void
proc_tids(struct target *t)
{
	char path[64];
	struct dirent *d;
	struct tid *ti;
	DIR *dir;
	long tid;

	t->t_ntids = 0;
	t->t_tidsfresh = true;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)t->t_pid);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		if ((tid = strtol(d->d_name, NULL, 10)) <= 0)
			continue;
		ti = realloc(t->t_tids, (t->t_ntids + 1) * sizeof(*ti));
		if (ti == NULL)
			die(EXIT_TARGET, "no memory");
		t->t_tids = ti;
		ti += t->t_ntids++;
		ti->ti_ours = tid;
		ti->ti_theirs = proc_theirs(tid);
	}
	(void)closedir(dir);
}

/*
 * Return the number of a thread in the caller's namespace, or 0 if it is not
 * known.
 */
long
proc_tid(struct target *t, long tid)
{
	size_t i;

	if (t->t_pid == 0 || !t->t_inside || tid == 0)
		return tid;
	for (;;) {
		for (i = 0; i < t->t_ntids; i++)
			if (t->t_tids[i].ti_theirs == tid)
				break;
		/* The list may be of an earlier sample. */
		if (i < t->t_ntids && (t->t_tidsfresh ||
		    proc_theirs(t->t_tids[i].ti_ours) == tid))
			return t->t_tids[i].ti_ours;
		if (t->t_tidsfresh)
			return 0;
		proc_tids(t);
	}
}

void
proc_open(struct target *t, const char *arg)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(arg, &end, 10);
	if (errno != 0 || end == arg || *end != '\0' || pid <= 0 ||
	    pid > INT_MAX)
		die(EXIT_USAGE, "%s: not a process ID", arg);
	t->t_pid = t->t_tid = (pid_t)pid;
	t->t_name = arg;
	t->t_source.so_readv = proc_readv;
	proc_state(t);
	if (t->t_gone)
		die(EXIT_TARGET, "process %ld does not exist", pid);
	t->t_inside = proc_theirs(t->t_tid) != t->t_tid;
	proc_maps(t);
}
