/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: find out from /proc whether a thread sleeps.
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/host_linux.h>
#include <host/host_var.h>

#ifndef SYS_close_range
#define	SYS_close_range	436		/* the same on all machines */
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define	CLOSE_RANGE_UNSHARE 0x2
#endif

long
host_tid(void)
{

	return syscall(SYS_gettid);
}

/*
 * A descriptor for the directory of the process' threads, or -1.  It is in the
 * calling thread's own descriptor table.
 */
static _Thread_local int host_taskfd = -1;

/*
 * Open a file by a system call.  ThreadSanitizer assumes that all threads share
 * one descriptor table, so it would report races in the C library's functions.
 */
static int
task_open(const char *name, int flags)
{

	return (int)syscall(SYS_openat, host_taskfd != -1 ? host_taskfd :
	    AT_FDCWD, name, O_RDONLY | O_CLOEXEC | flags);
}

static ssize_t
task_read(int fd, char *buf, size_t size)
{

	return (ssize_t)syscall(SYS_read, fd, buf, size);
}

/*
 * Give the calling thread its own descriptor table.  In that table the thread
 * always finds a free descriptor, and no other thread closes the directory.
 *
 * Close the copies of the program's descriptors at once.  Otherwise the reader
 * of a pipe would not see end-of-file while the copy of the writing end is
 * open.
 *
 * close_range(2) came with Linux 5.9.  Without it, each call of host_asleep()
 * needs /proc and a descriptor of the process.
 */
bool
host_asleep_prepare(void)
{

	if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == -1)
		return host_asleep_known();
	host_taskfd = task_open(HOST_PROC "/task", O_DIRECTORY);
	return host_taskfd != -1;
}

/* Return the value after key at the start of a line, or NULL. */
static const char *
status_field(const char *status, const char *key)
{
	const char *p;

	/* A thread's name has no newline: the kernel escapes it. */
	p = strstr(status, key);
	return p != NULL ? p + strlen(key) : NULL;
}

uint64_t
host_asleep(long tid)
{
	char buf[4096], name[64];
	const char *inv, *state, *vol;
	ssize_t len, n;
	int fd, serrno;

	serrno = errno;
	(void)snprintf(name, sizeof(name), "%s%ld/status",
	    host_taskfd == -1 ? HOST_PROC "/task/" : "", tid);
	len = 0;
	fd = task_open(name, 0);
	if (fd != -1) {
		while ((size_t)len < sizeof(buf) - 1 && (n = task_read(fd,
		    buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
			len += n;
		(void)syscall(SYS_close, fd);
	}
	errno = serrno;
	buf[len] = '\0';
	state = status_field(buf, "\nState:\t");
	vol = status_field(buf, "\nvoluntary_ctxt_switches:\t");
	inv = status_field(buf, "\nnonvoluntary_ctxt_switches:\t");
	if (state == NULL || *state != 'S' || vol == NULL || inv == NULL)
		return 0;
	return strtoull(vol, NULL, 10) + strtoull(inv, NULL, 10) + 1;
}

/* Return true if /proc has the fields that host_asleep() reads. */
static bool
asleep_look(void)
{
	char buf[4096];
	ssize_t len;
	int fd;

	fd = open(HOST_PROC "/status", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	len = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (len < 0)
		return false;
	buf[len] = '\0';
	return status_field(buf, "\nState:\t") != NULL &&
	    status_field(buf, "\nnonvoluntary_ctxt_switches:\t") != NULL &&
	    access(HOST_PROC "/task", R_OK | X_OK) == 0;
}

bool
host_asleep_known(void)
{
	static int known;		/* 0: not known; else 1 or -1 */

	/* Relaxed: no other data depends on it. */
	if (atomic_load_relaxed(&known) == 0)
		atomic_store_relaxed(&known, asleep_look() ? 1 : -1);
	return atomic_load_relaxed(&known) == 1;
}
