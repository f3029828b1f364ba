/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: futex(2), membarrier(2), sched(7), cgroups(7).
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <linux/membarrier.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __has_include
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define	HAVE_RSEQ
#endif
#endif

#include <host/host_var.h>

/* Where the process finds itself; a test may put files of its own there. */
#ifndef HOST_PROC
#define	HOST_PROC	"/proc/self"
#endif

#define	YIELD_SLEEP	32		/* yields of a spin between sleeps */
#define	SLEEP_NS	50000
#define	TSAN_SLICE_NS	10000000

struct parker {
	uint32_t	p_state;	/* PARK_*; the futex */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct parker) <= sizeof(struct host_park),
    "struct parker does not fit hp_space");

/* HT_MD: the creator is bound to a CPU, which the new thread is not to be. */
#define	MD_UNBIND	1UL

/* The calling thread was bound by us. */
static _Thread_local bool host_bound;

/* The affinity mask at the start, or NULL.  Written by host_init() only. */
static cpu_set_t *host_mask;
static size_t host_masksize;

static bool	asleep_known(void);

unsigned
host_caps(void)
{
	unsigned caps;
	int serrno = errno;

	caps = HOST_CAP_NAMES | HOST_CAP_AFFINITY | HOST_CAP_PRIORITY |
	    HOST_CAP_CURCPU;
	if (access(HOST_PROC "/cgroup", R_OK) == 0 &&
	    access(HOST_PROC "/mountinfo", R_OK) == 0)
		caps |= HOST_CAP_QUOTA;
	if (host_asymfence)
		caps |= HOST_CAP_ASYMFENCE;
	if (asleep_known())
		caps |= HOST_CAP_ASLEEP;
	errno = serrno;
	return caps;
}

const char *
host_name(void)
{

	return "linux";
}

const char *
host_getenv(const char *name)
{

#ifdef __GLIBC__
	/* A set-user-ID program's caller has no say. */
	return secure_getenv(name);
#else
	return getenv(name);
#endif
}

/*
 * Futexes.  The 32-bit systems have a second call, whose time is as wide as
 * everybody else's.
 */

#ifdef SYS_futex_time64
#define	HOST_SYS_FUTEX	SYS_futex_time64
struct futex_time {
	int64_t		tv_sec;
	int64_t		tv_nsec;
};
#else
#define	HOST_SYS_FUTEX	SYS_futex
#define	futex_time	timespec
#endif

/*
 * Sleep while *word is val, until the deadline on host_monotime()'s scale.
 * 0 or an errno value.
 */
static __host_hot int
futex_wait(uint32_t *word, uint32_t val, int64_t deadline)
{
	struct futex_time ft, *ftp = NULL;

	if (deadline != HOST_FOREVER) {
		ft.tv_sec = deadline / 1000000000;
		ft.tv_nsec = deadline % 1000000000;
		ftp = &ft;
	}
	if (syscall(HOST_SYS_FUTEX, word,
	    FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, val, ftp, NULL,
	    FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno;
}

/*
 * This cannot fail, as the word is there, and so leaves errno alone: to save
 * that would be to touch three more pages, which are cold.
 */
static __host_hot void
futex_wake(uint32_t *word)
{

	(void)syscall(HOST_SYS_FUTEX, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
	    1, NULL, NULL, 0);
}

void
host_park_init(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;

	memset(hp, 0, sizeof(*hp));
	/* Relaxed: whoever hands the record on publishes it. */
	atomic_store_relaxed(&p->p_state, PARK_EMPTY);
}

/*
 * The owner alone moves the word to EMPTY and to PARKED, unpark to TOKEN.
 * Each unpark is an exchange, so the taker, which reads the last of them,
 * sees what went before all of them.
 */
__host_hot int
host_park(struct host_park *hp, int64_t deadline)
{
	struct parker *p = (struct parker *)hp;
	uint32_t state = PARK_EMPTY;
	int64_t until;
	int error;

	(void)host_point(HOST_POINT_PARK, hp);

	/* Relaxed: the exchange that takes the token acquires. */
	if (atomic_load_relaxed(&p->p_state) != PARK_TOKEN) {
		if (deadline != HOST_FOREVER &&
		    (deadline <= 0 || deadline <= host_monotime()))
			return ETIMEDOUT;
		/* Relaxed: unpark's decision hangs on this word alone. */
		if (atomic_cas_relaxed(&p->p_state, &state, PARK_PARKED)) {
			/* Relaxed: as above. */
			while (atomic_load_relaxed(&p->p_state) ==
			    PARK_PARKED) {
				until = deadline;
#ifdef HOST_TSAN
				/*
				 * TSan runs handlers of asynchronous signals
				 * in calls that it knows; the clock is one.
				 */
				until = host_monotime() + TSAN_SLICE_NS;
				if (until > deadline)
					until = deadline;
#endif
				error = futex_wait(&p->p_state, PARK_PARKED,
				    until);
				if (error == ETIMEDOUT && until == deadline)
					break;
				if (error != 0 && error != EINTR &&
				    error != EAGAIN && error != ETIMEDOUT)
					host_die("panic: host_park: "
					    "futex refused\n");
			}
		}
	}
	/* Acquire: what went before the unpark. */
	if (atomic_swap_acquire(&p->p_state, PARK_EMPTY) == PARK_TOKEN)
		return 0;
	return ETIMEDOUT;
}

bool
host_parkready(const struct host_park *hp)
{
	const struct parker *p = (const struct parker *)hp;

	/* Relaxed: it is a hint. */
	return atomic_load_relaxed(&p->p_state) == PARK_TOKEN;
}

__host_hot void
host_unpark(struct host_park *hp)
{
	struct parker *p = (struct parker *)hp;

	(void)host_point(HOST_POINT_UNPARK, hp);

	/* Release: what the sleeper is woken for; pairs with host_park(). */
	if (atomic_swap_acq_rel(&p->p_state, PARK_TOKEN) == PARK_PARKED)
		futex_wake(&p->p_state);
}

/*
 * A real-time thread that only yields keeps the one it waits for off the
 * CPU, so a long spin sleeps, by a call that is no cancellation point.
 */
void
host_md_yield(unsigned n)
{
	uint32_t word = 0;

	if (n % YIELD_SLEEP != 0)
		(void)sched_yield();
	else
		(void)futex_wait(&word, 0, host_monotime() + SLEEP_NS);
}

/*
 * The asymmetric fence.
 */

static bool
membarrier_register(void)
{

	return syscall(SYS_membarrier,
	    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static bool
membarrier_fence(void)
{

	return syscall(SYS_membarrier,
	    MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void
host_fence_heavy(void)
{
	int serrno;

	if (!host_asymfence)
		return;
	serrno = errno;
	/*
	 * A child of fork(2) inherits the registration; should a kernel not
	 * think so, it is made good here.  Without the fence wake-ups would
	 * be lost, so a filter that comes late is fatal.
	 */
	if (!membarrier_fence() &&
	    (!membarrier_register() || !membarrier_fence()))
		host_die("panic: host_fence_heavy: membarrier refused\n");
	errno = serrno;
}

/*
 * CPUs.
 */

/* The caller's affinity mask, for CPU_FREE(), or NULL. */
static cpu_set_t *
mask_get(size_t *sizep)
{
	cpu_set_t *set;
	int n;

	for (n = CPU_SETSIZE; n <= 1024 * CPU_SETSIZE; n *= 2) {
		set = CPU_ALLOC((size_t)n);
		if (set == NULL)
			return NULL;
		*sizep = CPU_ALLOC_SIZE((size_t)n);
		CPU_ZERO_S(*sizep, set);
		if (sched_getaffinity(0, *sizep, set) == 0)
			return set;
		CPU_FREE(set);
		/* EINVAL: the kernel's mask is larger. */
		if (errno != EINVAL)
			return NULL;
	}
	return NULL;
}

/* Is word one of the comma-separated words of list? */
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

/* The path of our group: in the unified tree, or in the cpu controller's. */
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
	/* hierarchy:controller,controller:path */
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
 * The directory of the group: the mount point and what the path has beyond
 * the mount's root.  *toplen is the length of the former, where going up
 * ends.  A path out of the mount's sight stands for the mount point.
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
	/* id parent major:minor root point options ... - type source options */
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

/* The first line of a file of a group. */
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

/* The quota of one group in thousandths of a CPU; INT64_MAX if none. */
static int64_t
cgroup_quota(bool unified, const char *dir)
{
	char buf[64];
	long long period, quota;

	if (unified) {
		/* "max 100000" has none. */
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

/* The tightest quota from our group upwards, as above. */
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

int
host_cpus(int *ids, int max, bool *bindp)
{
	int64_t quota;
	cpu_set_t *set;
	size_t size;
	int cpu, n, ncpu, stored;

	set = mask_get(&size);
	ncpu = set != NULL ? CPU_COUNT_S(size, set) : 0;
	if (ncpu < 1)
		ncpu = 1;
	n = ncpu;
	*bindp = set != NULL;
	quota = quota_get();
	if (quota < (int64_t)ncpu * 1000) {
		/* Bound, all containers of a machine would share its first. */
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

__host_hot int
host_curcpu(void)
{
	int cpu, serrno;
#ifdef HAVE_RSEQ
	struct rseq *rs;
	char *tp;

	if (__rseq_size != 0) {
#ifdef __x86_64__
		__asm("movq %%fs:0, %0" : "=r" (tp));
#else
		tp = __builtin_thread_pointer();
#endif
		rs = (struct rseq *)(void *)(tp + __rseq_offset);
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

/*
 * Threads.
 */

void
host_md_thread_prepare(struct host_thread *ht)
{

	if (host_bound && ht->ht_hostcpu < 0)
		ht->ht_space[HT_MD] = MD_UNBIND;
}

void
host_md_thread_start(struct host_thread *ht)
{
	cpu_set_t *set;
	size_t size;

	/* The kernel cuts what is longer than 15. */
	if (ht->ht_name[0] != '\0')
		(void)prctl(PR_SET_NAME, (unsigned long)ht->ht_name, 0, 0, 0);

	if (ht->ht_hostcpu >= 0) {
		set = CPU_ALLOC((size_t)ht->ht_hostcpu + 1);
		if (set == NULL)
			return;
		size = CPU_ALLOC_SIZE((size_t)ht->ht_hostcpu + 1);
		CPU_ZERO_S(size, set);
		CPU_SET_S((size_t)ht->ht_hostcpu, size, set);
		if (sched_setaffinity(0, size, set) == 0)
			host_bound = true;
		CPU_FREE(set);
	} else if (ht->ht_space[HT_MD] == MD_UNBIND && host_mask != NULL)
		(void)sched_setaffinity(0, host_masksize, host_mask);
}

/*
 * Does a thread sleep?
 */

long
host_tid(void)
{

	return syscall(SYS_gettid);
}

/* A line of the file has "key:\t", and then the value.  NULL: it has not. */
static const char *
status_field(const char *status, const char *key)
{
	const char *p;

	/* A name has no newline in it: the kernel writes it as \n. */
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
	(void)snprintf(name, sizeof(name), HOST_PROC "/task/%ld/status", tid);
	len = 0;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		while ((size_t)len < sizeof(buf) - 1 && (n = read(fd,
		    buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
			len += n;
		(void)close(fd);
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

/* Has the file what host_asleep() looks for? */
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

static bool
asleep_known(void)
{
	static int known;		/* 0: not looked yet; anybody, same */

	/* Relaxed: the number is all there is. */
	if (atomic_load_relaxed(&known) == 0)
		atomic_store_relaxed(&known, asleep_look() ? 1 : -1);
	return atomic_load_relaxed(&known) == 1;
}

/* The calling thread's class and its real-time level.  0 or an errno value. */
static int
sched_read(bool *rt, int *level)
{
	struct sched_param sp = { .sched_priority = 0 };
	long policy;

	/* The calls themselves: the C library may mean the whole process. */
	policy = syscall(SYS_sched_getscheduler, 0);
	if (policy == -1 || syscall(SYS_sched_getparam, 0, &sp) == -1)
		return errno;
	*rt = sp.sched_priority > 0;
	*level = sp.sched_priority;
	return 0;
}

int
host_setsched(bool rt, int level)
{
	struct sched_param sp = { .sched_priority = 0 };
	int error, olevel, onice, serrno;
	bool ort;

	serrno = errno;
	if (rt) {
		sp.sched_priority = level;
		error = syscall(SYS_sched_setscheduler, 0, SCHED_RR,
		    &sp) == -1 ? errno : 0;
		goto out;
	}
	error = sched_read(&ort, &olevel);
	if (error != 0)
		goto out;
	/*
	 * 0 is the calling thread here.  The nice value first: it may be
	 * refused, and leaving the real-time class may not.
	 */
	onice = getpriority(PRIO_PROCESS, 0);
	if (setpriority(PRIO_PROCESS, 0, level) == -1) {
		error = errno;
		goto out;
	}
	if (ort && syscall(SYS_sched_setscheduler, 0, SCHED_OTHER,
	    &sp) == -1) {
		error = errno;
		(void)setpriority(PRIO_PROCESS, 0, onice);
	}
out:
	errno = serrno;
	return error;
}

void
host_getsched(bool *rt, int *level)
{
	int serrno;

	serrno = errno;
	if (sched_read(rt, level) != 0)
		*rt = false;
	if (!*rt)
		*level = getpriority(PRIO_PROCESS, 0);
	errno = serrno;
}

void
host_md_init(void)
{

	host_mask = mask_get(&host_masksize);
	/* Both calls: a system call filter may permit one of them. */
	host_asymfence = membarrier_register() && membarrier_fence();
}
