/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: the CPUs that the process may use, and the CPU that a thread runs on.
 * The affinity mask and the quotas of the control groups, cgroups(7), limit the
 * CPUs of the process.
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * On these machines this file can find the thread pointer, and from it the
 * rseq(2) area of the C library.
 */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || \
    defined(__arm__) || defined(__powerpc64__) || defined(__riscv) || \
    defined(__s390x__)
#ifdef __has_include
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define	HAVE_RSEQ
#endif
#endif
#endif

#include <host/host_linux.h>
#include <host/host_var.h>

/*
 * Get the mask of the main thread.  The calling thread may be bound to a CPU,
 * for example if it opens a plug-in that uses the library.
 */
cpu_set_t *
host_cpumask(size_t *sizep)
{
	cpu_set_t *set;
	int n;

	for (n = CPU_SETSIZE; n <= 1024 * CPU_SETSIZE; n *= 2) {
		set = CPU_ALLOC((size_t)n);
		if (set == NULL)
			return NULL;
		*sizep = CPU_ALLOC_SIZE((size_t)n);
		CPU_ZERO_S(*sizep, set);
		if (sched_getaffinity(getpid(), *sizep, set) == 0)
			return set;
		CPU_FREE(set);
		/* EINVAL: the kernel's mask is larger. */
		if (errno != EINVAL)
			return NULL;
	}
	return NULL;
}

/* Return true if word is in the comma-separated list. */
static bool
list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (;;) {
		if (strncmp(list, word, len) == 0 &&
		    (list[len] == ',' || list[len] == '\0'))
			return true;
		list = strchr(list, ',');
		if (list == NULL)
			return false;
		list++;
	}
}

/*
 * Get the path of the process' group, in the unified hierarchy or in that of
 * the cpu controller.
 */
static bool
cgroup_path(bool unified, char *path, size_t size)
{
	char *line = NULL, *list, *p;
	bool found = false;
	size_t linesize = 0;
	ssize_t len;
	FILE *fp;

	fp = fopen(HOST_PROC "/cgroup", "re");
	if (fp == NULL)
		return false;
	/* A line is hierarchy:controller,controller:path. */
	while (!found && (len = getline(&line, &linesize, fp)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		list = strchr(line, ':');
		if (list == NULL)
			continue;
		*list++ = '\0';
		p = strchr(list, ':');
		if (p == NULL)
			continue;
		*p++ = '\0';
		if (unified ? strcmp(line, "0") != 0 || *list != '\0' :
		    !list_has(list, "cpu"))
			continue;
		found = strlen(p) < size;
		if (found)
			memcpy(path, p, strlen(p) + 1);
	}
	free(line);
	(void)fclose(fp);
	return found;
}

/*
 * Get the directory of the group: the mount point, and then the part of the
 * path below the root of the mount.  If the path is not below that root, use
 * the mount point alone.  Store the length of the mount point in *toplen.  The
 * mount point is the highest directory to read.
 */
static bool
cgroup_dir(bool unified, const char *path, char *dir, size_t size,
    size_t *toplen)
{
	char *field[5], *line = NULL, *last, *opts, *tail, *type;
	const char *rest;
	bool exact = false, found = false;
	size_t len, linesize = 0;
	FILE *fp;
	int i, n;

	fp = fopen(HOST_PROC "/mountinfo", "re");
	if (fp == NULL)
		return false;
	/* id parent dev root point options ... - type source options */
	while (!exact && getline(&line, &linesize, fp) > 0) {
		tail = strstr(line, " - ");
		if (tail == NULL)
			continue;
		*tail = '\0';
		tail += 3;
		type = strtok_r(tail, " \n", &last);
		(void)strtok_r(NULL, " \n", &last);
		opts = strtok_r(NULL, " \n", &last);
		if (type == NULL || opts == NULL)
			continue;
		if (unified ? strcmp(type, "cgroup2") != 0 :
		    strcmp(type, "cgroup") != 0 || !list_has(opts, "cpu"))
			continue;
		for (i = 0; i < 5; i++) {
			field[i] = strtok_r(i == 0 ? line : NULL, " ", &last);
			if (field[i] == NULL)
				break;
		}
		if (i < 5)
			continue;
		len = strcmp(field[3], "/") == 0 ? 0 : strlen(field[3]);
		rest = path + len;
		exact = strncmp(path, field[3], len) == 0 &&
		    (*rest == '/' || *rest == '\0') &&
		    strncmp(rest, "/..", 3) != 0;
		if (!exact) {
			if (found)
				continue;
			rest = "";
		}
		n = snprintf(dir, size, "%s%s", field[4], rest);
		if (n < 0 || (size_t)n >= size) {
			exact = false;
			continue;
		}
		*toplen = strlen(field[4]);
		found = true;
	}
	free(line);
	(void)fclose(fp);
	return found;
}

/* Read the first line of a file of a group. */
static bool
cgroup_read(const char *dir, const char *file, char *buf, int size)
{
	char name[PATH_MAX];
	bool ok;
	FILE *fp;
	int n;

	n = snprintf(name, sizeof(name), "%s/%s", dir, file);
	if (n < 0 || (size_t)n >= sizeof(name))
		return false;
	fp = fopen(name, "re");
	if (fp == NULL)
		return false;
	ok = fgets(buf, size, fp) != NULL;
	(void)fclose(fp);
	return ok;
}

/*
 * Return the quota of a group in thousandths of a CPU, or INT64_MAX if it has
 * none.
 */
static int64_t
cgroup_quota(bool unified, const char *dir)
{
	char buf[64];
	long long period, quota;

	if (unified) {
		/* "max 100000" means no quota. */
		if (!cgroup_read(dir, "cpu.max", buf, sizeof(buf)) ||
		    sscanf(buf, "%lld %lld", &quota, &period) != 2)
			return INT64_MAX;
	} else {
		if (!cgroup_read(dir, "cpu.cfs_quota_us", buf, sizeof(buf)) ||
		    sscanf(buf, "%lld", &quota) != 1 ||
		    !cgroup_read(dir, "cpu.cfs_period_us", buf, sizeof(buf)) ||
		    sscanf(buf, "%lld", &period) != 1)
			return INT64_MAX;
	}
	if (quota <= 0 || period <= 0 || quota > INT64_MAX / 2000)
		return INT64_MAX;
	return (quota * 1000 + period - 1) / period;
}

/*
 * Return the smallest quota among the process' group and the groups above it.
 */
static int64_t
quota_get(void)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int64_t least = INT64_MAX, q;
	size_t toplen;
	char *slash;
	int i;

	for (i = 0; i < 2; i++) {
		if (!cgroup_path(i == 0, path, sizeof(path)) ||
		    !cgroup_dir(i == 0, path, dir, sizeof(dir), &toplen))
			continue;
		for (;;) {
			q = cgroup_quota(i == 0, dir);
			if (q < least)
				least = q;
			slash = strrchr(dir, '/');
			if (slash == NULL || (size_t)(slash - dir) < toplen)
				break;
			*slash = '\0';
		}
	}
	return least;
}

bool
host_quota_known(void)
{

	return access(HOST_PROC "/cgroup", R_OK) == 0 &&
	    access(HOST_PROC "/mountinfo", R_OK) == 0;
}

int
host_cpus(int *ids, int max, bool *bindp)
{
	int64_t quota;
	cpu_set_t *set;
	size_t size;
	int cpu, n, ncpu, stored;

	set = host_cpumask(&size);
	ncpu = set != NULL ? CPU_COUNT_S(size, set) : 0;
	if (ncpu < 1)
		ncpu = 1;
	n = ncpu;
	*bindp = set != NULL;
	quota = quota_get();
	if (quota < (int64_t)ncpu * 1000) {
		/*
		 * Do not bind threads.  Otherwise the threads of all containers
		 * would share the first CPUs.
		 */
		*bindp = false;
		n = (int)((quota + 999) / 1000);
	}
	stored = 0;
	for (cpu = 0; set != NULL && (size_t)cpu < size * CHAR_BIT; cpu++)
		if (stored < n && stored < max && CPU_ISSET_S(cpu, size, set))
			ids[stored++] = cpu;
	if (stored == 0 && max > 0)
		ids[0] = 0;
	if (set != NULL)
		CPU_FREE(set);
	return n;
}

#ifdef HAVE_RSEQ
/* Some compilers lack __builtin_thread_pointer() on some machines. */
static inline char *
thread_pointer(void)
{
#if defined(__x86_64__) || defined(__i386__) || defined(__powerpc64__)
	char *tp;

#if defined(__x86_64__)
	__asm("movq %%fs:0, %0" : "=r" (tp));
#elif defined(__i386__)
	__asm("movl %%gs:0, %0" : "=r" (tp));
#else
	__asm("mr %0, 13" : "=r" (tp));
#endif
	return tp;
#else
	return __builtin_thread_pointer();
#endif
}
#endif

__host_hot int
host_curcpu(void)
{
	int cpu, serrno;
#ifdef HAVE_RSEQ
	struct rseq *rs;

	if (__rseq_size != 0) {
		rs = (struct rseq *)(void *)(thread_pointer() + __rseq_offset);
		/* Relaxed: the kernel writes it when this thread moves. */
		cpu = (int)atomic_load_relaxed(&rs->cpu_id);
		if (cpu >= 0)
			return cpu;
	}
#endif
	serrno = errno;
	cpu = sched_getcpu();
	errno = serrno;
	return cpu;
}
