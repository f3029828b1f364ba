/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pcksum: the SHA256 of every file in some trees, on all CPUs.
 *
 * It shows one queue per CPU (WQ_PERCPU), items embedded in the client's own
 * records, choosing a CPU by its load, waiting for single items, and signal
 * handlers that only enqueue items.
 *
 * cc pcksum.c $(pkg-config --cflags --libs workqueue) -lmd
 *
 * usage: pcksum [-e name] ... [path ...]
 *
 * Without a path it reads the current directory's tree.  -e excludes entries
 * of that name below a path.  The output has the lines of sha256sum(1), in the
 * order of the arguments, and within each argument in the order that
 * "LC_ALL=C sort" gives to the paths.  The exit status is 0, or 1 if something
 * could not be read, or 130 after ^C.
 */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <sys/cpu.h>
#include <sys/systm.h>
#include <sys/workqueue.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <sha2.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define	BUFFERSIZE	(256 * 1024)	/* each CPU's read buffer */
#define	FILECOST	(32 * 1024)	/* cost of an open, as bytes to hash */
#define	ENOTREG		(-1)		/* f_error: not a regular file */

/*
 * Files in flight are in a ring, oldest first.  The walk adds at ring_tail, the
 * main thread prints lines from ring_head, and the workers finish the files in
 * between in any order.
 *
 * An array of all results would need a million records for a million files, and
 * the first line would come after the last hash.  A ring bounds the memory.  It
 * has 4096 entries, so that the other CPUs have files for some time while one
 * CPU hashes a huge file.
 */
#define	RINGSIZE	4096
#define	RINGBATCH	256

struct file {
	struct work	 f_work;	/* first: hash() casts it back */
	struct load	*f_load;	/* the CPU that hashes it */
	char		*f_path;
	uint64_t	 f_cost;
	int		 f_error;
	char		 f_hex[SHA256_DIGEST_STRING_LENGTH];
	atomic_bool	 f_done;	/* f_error and f_hex are valid */
};

/* One per CPU.  Only that CPU's worker uses the buffer, so it needs no lock. */
struct load {
	_Alignas(64) _Atomic uint64_t l_cost;	/* assigned, not yet done */
	uint8_t		*l_buffer;
};

static struct workqueue	*hashwq;	/* the files, one queue per CPU */
static struct workqueue	*ctlwq;		/* requests made by signals */
static struct load	*loads;		/* by CPU index */

/* Used by the main thread only. */
static struct file	 ring[RINGSIZE];
static size_t		 ring_head, ring_tail;
static char		**excludes;
static size_t		 nexcludes;
static bool		 failed;	/* something could not be read */
static bool		 truncated;	/* a line was lost: print no more */

/* Written by signal handlers or callbacks, read by any thread. */
static struct work	 cancelwork, tickwork;
static atomic_bool	 tickpending;
static atomic_bool	 cancelled;
static _Atomic uint64_t	 donefiles, donebytes;

/* The progress bar. */
static bool		 progress;	/* standard error is a terminal */
static bool		 shared;	/* and standard output is one, too */
static bool		 barshown;	/* under the kernel lock */
static struct timespec	 starttime;	/* others read it after "counted" */
static _Atomic uint64_t	 totalfiles, totalbytes;
static atomic_bool	 counted;	/* the totals are final */

static void	addfile(const char *, uint64_t, int);
static void	control(struct work *, void *);
static void	hash(struct work *, void *);
static void	onalarm(int);
static void	oninterrupt(int);
static void	printready(void);
static void	setup(void);
static void	summary(void);
static void	teardown(void);
static void	usage(void) __attribute__((__noreturn__));
static void	waitfor(size_t);
static void	walk(char *, bool);

int
main(int argc, char *argv[])
{
	static char dot[] = ".", *dotv[] = { dot, NULL };
	int ch, i;

	while ((ch = getopt(argc, argv, "e:")) != -1) {
		switch (ch) {
		case 'e':
			excludes = realloc(excludes,
			    (nexcludes + 1) * sizeof(*excludes));
			if (excludes == NULL)
				err(EXIT_FAILURE, NULL);
			excludes[nexcludes++] = optarg;
			break;
		default:
			usage();
		}
	}
	argv += optind;
	argc -= optind;
	if (argc == 0) {
		argv = dotv;
		argc = 1;
	}

	setup();

	/* A progress bar needs the total, so walk twice if there is a bar. */
	if (progress) {
		for (i = 0; i < argc; i++)
			walk(argv[i], true);
		clock_gettime(CLOCK_MONOTONIC, &starttime);
		atomic_store(&counted, true);
	}
	for (i = 0; i < argc; i++)
		walk(argv[i], false);
	while (ring_head != ring_tail)
		waitfor(ring_head + 1);

	teardown();

	if (fflush(stdout) == EOF || ferror(stdout))
		err(EXIT_FAILURE, "standard output");
	if (atomic_load(&cancelled))
		return 128 + SIGINT;
	if (progress)
		summary();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void
usage(void)
{

	fprintf(stderr, "usage: pcksum [-e name] ... [path ...]\n");
	exit(EXIT_FAILURE);
}

/*
 * Create the queues, then install the signal handlers that use them.
 */
static void
setup(void)
{
	static const struct itimerval tenth = {
		.it_interval.tv_usec = 100000,
		.it_value.tv_usec = 100000
	};
	struct sigaction sa, osa;
	int error, i;

	progress = isatty(STDERR_FILENO);
	shared = progress && isatty(STDOUT_FILENO);

	if ((loads = aligned_alloc(_Alignof(struct load),
	    (size_t)ncpu * sizeof(*loads))) == NULL)
		err(EXIT_FAILURE, NULL);
	for (i = 0; i < ncpu; i++) {
		atomic_init(&loads[i].l_cost, 0);
		if ((loads[i].l_buffer = malloc(BUFFERSIZE)) == NULL)
			err(EXIT_FAILURE, NULL);
	}

	error = workqueue_create(&hashwq, "pcksum", hash, NULL, PRI_NONE,
	    IPL_NONE, WQ_PERCPU | WQ_MPSAFE);
	if (error != 0) {
		errno = error;
		err(EXIT_FAILURE, "workqueue_create");
	}

	/* A handler may interrupt its thread at any level: IPL_HIGH. */
	error = workqueue_create(&ctlwq, "pcksumctl", control, NULL, PRI_NONE,
	    IPL_HIGH, WQ_MPSAFE);
	if (error != 0) {
		errno = error;
		err(EXIT_FAILURE, "workqueue_create");
	}

	/*
	 * SA_RESETHAND: the handler runs only once, so it does not enqueue its
	 * item while the item is pending.  A second ^C ends the program at
	 * once, even if it is stuck behind a pipe.  If interrupts are ignored,
	 * because a shell has started the program with &, do not catch them.
	 */
	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = oninterrupt;
	sa.sa_flags = SA_RESTART | SA_RESETHAND;
	if (sigaction(SIGINT, NULL, &osa) == 0 && osa.sa_handler != SIG_IGN)
		sigaction(SIGINT, &sa, NULL);

	if (progress) {
		sa.sa_handler = onalarm;
		sa.sa_flags = SA_RESTART;
		sigaction(SIGALRM, &sa, NULL);
		setitimer(ITIMER_REAL, &tenth, NULL);
	}
}

/*
 * Stop the signals and free what setup() has created.  The workers block all
 * signals, so the handlers run in this thread only.  After the handlers are
 * removed, no enqueue is half done, and the queue may be destroyed.
 * workqueue_destroy() runs the items that are still pending.
 */
static void
teardown(void)
{
	static const struct itimerval never;
	int i;

	workqueue_destroy(hashwq);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	signal(SIGINT, SIG_DFL);
	workqueue_destroy(ctlwq);
	for (i = 0; i < ncpu; i++)
		free(loads[i].l_buffer);
	free(loads);
	free(excludes);
}

/*
 * The terminal belongs to the holder of the kernel lock.  A writer removes the
 * bar before it writes a line.
 */
static void
term_enter(void)
{

	KERNEL_LOCK(1, NULL);
	if (barshown) {
		fputs("\r\033[K", stderr);
		barshown = false;
	}
}

static void
term_exit(void)
{

	KERNEL_UNLOCK_ONE(NULL);
}

static double
elapsed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - starttime.tv_sec) +
	    (double)(now.tv_nsec - starttime.tv_nsec) / 1e9;
}

static void
drawbar(void)
{
	struct winsize ws;
	char line[512], text[128], bar[256];
	uint64_t done, total, files, bytes;
	double fraction, seconds;
	size_t len, width, filled;

	files = atomic_load(&donefiles);
	bytes = atomic_load(&donebytes);
	total = atomic_load(&totalbytes) + atomic_load(&totalfiles) * FILECOST;
	done = bytes + files * FILECOST;

	/* The trees may have grown since the count. */
	fraction = total == 0 || done >= total ? 1.0 :
	    (double)done / (double)total;

	if (!atomic_load(&counted)) {
		snprintf(text, sizeof(text), "%" PRIu64 " files found",
		    atomic_load(&totalfiles));
		fraction = 0;
	} else {
		seconds = elapsed();
		snprintf(text, sizeof(text), "%3d%% %" PRIu64 "/%" PRIu64
		    " files %6.0f files/s %6.1f MB/s", (int)(fraction * 100),
		    files, atomic_load(&totalfiles), (double)files / seconds,
		    (double)bytes / 1e6 / seconds);
	}

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		ws.ws_col = 80;
	len = strlen(text);
	width = ws.ws_col > len + 4 ? ws.ws_col - len - 4 : 0;
	if (width >= sizeof(bar))
		width = sizeof(bar) - 1;
	filled = (size_t)(fraction * (double)width);
	memset(bar, '=', filled);
	memset(bar + filled, ' ', width - filled);
	if (filled > 0 && filled < width)
		bar[filled - 1] = '>';
	bar[width] = '\0';

	/* In too narrow a terminal a line would wrap; \r cannot undo that. */
	if (width >= 8)
		snprintf(line, sizeof(line), "[%s] %s", bar, text);
	else
		snprintf(line, ws.ws_col < sizeof(line) ? ws.ws_col :
		    sizeof(line), "%s", text);

	/* Overwrite the old bar; erasing it first would flicker. */
	KERNEL_LOCK(1, NULL);
	if (!atomic_load(&cancelled)) {
		fprintf(stderr, "\r%s\033[K", line);
		barshown = true;
	}
	KERNEL_UNLOCK_ONE(NULL);
}

static void
summary(void)
{
	double mb, seconds;
	uint64_t files;

	files = atomic_load(&donefiles);
	mb = (double)atomic_load(&donebytes) / 1e6;
	seconds = elapsed();
	term_enter();
	fprintf(stderr, "%" PRIu64 " files, %.1f MB in %.1f s on %d CPUs: "
	    "%.0f files/s, %.1f MB/s\n", files, mb, seconds, ncpu,
	    (double)files / seconds, mb / seconds);
	term_exit();
}

/*
 * The signal handlers.  They interrupt this thread anywhere, in malloc or in
 * workqueue_enqueue() itself.  This is harmless, because a handler is allowed
 * to enqueue items anywhere.  control() does the rest in a thread, where printf
 * and locks are allowed.
 */
static void
oninterrupt(int signo)
{

	(void)signo;
	workqueue_enqueue(ctlwq, &cancelwork, NULL);
}

/*
 * An item must not be enqueued while it is pending.  But the timer may expire
 * again before the item of the last tick has run.  tickpending is true while
 * the item is pending.
 */
static void
onalarm(int signo)
{

	(void)signo;
	if (!atomic_exchange(&tickpending, true))
		workqueue_enqueue(ctlwq, &tickwork, NULL);
}

static void
control(struct work *wk, void *arg)
{

	(void)arg;
	if (wk == &cancelwork) {
		atomic_store(&cancelled, true);
		term_enter();
		fprintf(stderr, "pcksum: interrupted\n");
		term_exit();
	} else {
		atomic_store(&tickpending, false);
		drawbar();
	}
}

/*
 * Order the entries of a directory by their bytes.  A directory sorts as if its
 * name ended in the slash that will follow it, so the walk meets all paths in
 * the order of their bytes.
 */
static int
compare(const FTSENT **ap, const FTSENT **bp)
{
	const FTSENT *a = *ap, *b = *bp;
	size_t i;
	int ca, cb;

	for (i = 0; a->fts_name[i] == b->fts_name[i]; i++) {
		if (a->fts_name[i] == '\0')
			return 0;
	}
	ca = (unsigned char)a->fts_name[i];
	cb = (unsigned char)b->fts_name[i];
	if (ca == '\0' && a->fts_info == FTS_D)
		ca = '/';
	if (cb == '\0' && b->fts_info == FTS_D)
		cb = '/';
	return ca < cb ? -1 : ca > cb;
}

static bool
excluded(const FTSENT *e)
{
	size_t i;

	if (e->fts_level == FTS_ROOTLEVEL)
		return false;
	for (i = 0; i < nexcludes; i++) {
		if (strcmp(e->fts_name, excludes[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Walk one tree and count its files, or enqueue them.  An unreadable file takes
 * its place among the others, so that error messages keep the order, too.
 */
static void
walk(char *path, bool counting)
{
	char *paths[] = { path, NULL };
	FTSENT *e;
	FTS *fts;
	int error;

	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
	    compare);
	if (fts == NULL) {
		if (!counting)
			addfile(path, 0, errno);
		return;
	}
	while (!atomic_load(&cancelled) && (errno = 0,
	    e = fts_read(fts)) != NULL) {
		if (excluded(e)) {
			fts_set(fts, e, FTS_SKIP);
			continue;
		}
		switch (e->fts_info) {
		case FTS_F:
			error = 0;
			break;
		case FTS_D:
		case FTS_DP:
			continue;
		case FTS_DC:
			error = ELOOP;
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			error = e->fts_errno;
			break;
		case FTS_SLNONE:
			/* A dangling link; only arguments are followed. */
			if (e->fts_level != FTS_ROOTLEVEL)
				continue;
			error = ENOENT;
			break;
		default:
			/* Links, devices and so on only as arguments. */
			if (e->fts_level != FTS_ROOTLEVEL)
				continue;
			error = ENOTREG;
			break;
		}
		if (!counting)
			addfile(e->fts_path, error == 0 ?
			    (uint64_t)e->fts_statp->st_size : 0, error);
		else if (error == 0) {
			atomic_fetch_add(&totalfiles, 1);
			atomic_fetch_add(&totalbytes,
			    (uint64_t)e->fts_statp->st_size);
		}
	}
	if (!atomic_load(&cancelled) && errno != 0 && !counting)
		addfile(path, 0, errno);
	fts_close(fts);
}

/*
 * Return the CPU with the least to do.  With ci NULL all items would go to the
 * CPU that the walk runs on.  With round robin, small files would wait behind a
 * large one while other CPUs are idle.
 */
static struct cpu_info *
leastloaded(void)
{
	CPU_INFO_ITERATOR cii;
	struct cpu_info *ci, *best = NULL;
	uint64_t cost, bestcost = UINT64_MAX;

	for (CPU_INFO_FOREACH(cii, ci)) {
		cost = atomic_load_explicit(&loads[cpu_index(ci)].l_cost,
		    memory_order_relaxed);
		if (cost < bestcost) {
			bestcost = cost;
			best = ci;
		}
	}
	return best;
}

static void
addfile(const char *path, uint64_t size, int error)
{
	struct cpu_info *ci;
	struct file *f;

	if (ring_tail - ring_head == RINGSIZE)
		waitfor(ring_head + RINGBATCH);

	f = &ring[ring_tail++ % RINGSIZE];
	if ((f->f_path = strdup(path)) == NULL)
		err(EXIT_FAILURE, NULL);
	f->f_error = error;
	f->f_cost = size + FILECOST;
	if (error != 0)
		atomic_store(&f->f_done, true);
	else {
		ci = leastloaded();
		f->f_load = &loads[cpu_index(ci)];
		atomic_fetch_add(&f->f_load->l_cost, f->f_cost);
		atomic_store(&f->f_done, false);
		workqueue_enqueue(hashwq, &f->f_work, ci);
	}
	printready();
}

/*
 * The callback.  It runs on the CPU of f, in parallel with other CPUs.
 */
static void
hash(struct work *wk, void *arg)
{
	struct file *f = (struct file *)wk;
	struct load *l = f->f_load;
	struct stat st;
	SHA2_CTX ctx;
	ssize_t n = 0;
	int error, fd;

	(void)arg;
	/* O_NONBLOCK: the file may have been replaced by a FIFO. */
	error = 0;
	fd = -1;
	if (atomic_load(&cancelled))
		error = ECANCELED;
	else if ((fd = open(f->f_path, O_RDONLY | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC)) == -1 || fstat(fd, &st) == -1)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = ENOTREG;

	/* Read until read(2) reports the end, whatever the size was. */
	SHA256Init(&ctx);
	while (error == 0 && (n = read(fd, l->l_buffer, BUFFERSIZE)) != 0) {
		if (n == -1) {
			if (errno != EINTR)
				error = errno;
			continue;
		}
		SHA256Update(&ctx, l->l_buffer, (size_t)n);
		atomic_fetch_add(&donebytes, (uint64_t)n);
		if (atomic_load(&cancelled))
			error = ECANCELED;
	}
	SHA256End(&ctx, f->f_hex);
	if (fd != -1)
		close(fd);

	f->f_error = error;
	atomic_fetch_sub(&l->l_cost, f->f_cost);
	atomic_fetch_add(&donefiles, 1);

	/*
	 * Once the main thread sees this, it may print f and enqueue it again,
	 * even before this function has returned.  The library released the
	 * item when it called us, and from here on we do not access it either.
	 */
	atomic_store_explicit(&f->f_done, true, memory_order_release);
}

/*
 * Print one line as sha256sum(1) does.  A name with a backslash or a line
 * break is escaped, and a backslash at the start of the line says so.
 */
static void
printline(const char *hex, const char *path)
{
	const char *p;

	if (path[strcspn(path, "\\\n\r")] == '\0') {
		printf("%s  %s\n", hex, path);
		return;
	}
	printf("\\%s  ", hex);
	for (p = path; *p != '\0'; p++) {
		switch (*p) {
		case '\\':
			fputs("\\\\", stdout);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		case '\r':
			fputs("\\r", stdout);
			break;
		default:
			putchar(*p);
			break;
		}
	}
	putchar('\n');
}

static void
printfile(const struct file *f)
{

	if (f->f_error == ECANCELED)
		truncated = true;
	if (truncated)
		return;
	if (f->f_error == 0) {
		if (shared)
			term_enter();
		printline(f->f_hex, f->f_path);
		if (shared)
			term_exit();
		if (ferror(stdout))
			err(EXIT_FAILURE, "standard output");
		return;
	}
	failed = true;
	term_enter();
	if (f->f_error == ENOTREG)
		warnx("%s: not a regular file", f->f_path);
	else {
		errno = f->f_error;
		warn("%s", f->f_path);
	}
	term_exit();
}

/*
 * Print the finished files at the head of the ring.
 */
static void
printready(void)
{
	struct file *f;

	while (ring_head != ring_tail) {
		f = &ring[ring_head % RINGSIZE];
		if (!atomic_load_explicit(&f->f_done, memory_order_acquire))
			break;
		printfile(f);
		free(f->f_path);
		ring_head++;
	}
}

/*
 * Wait until all files before index "end" are done, and print them.
 *
 * Each CPU's queue is in order, so once its newest file is done, all older
 * ones are.  So check the files from the newest on: then only about one file
 * per CPU needs a real wait.  That matters when the ring is full, because
 * workqueue_wait() looks through all pending items.
 */
static void
waitfor(size_t end)
{
	struct file *f;
	size_t i;

	for (i = end; i-- > ring_head;) {
		f = &ring[i % RINGSIZE];
		if (!atomic_load_explicit(&f->f_done, memory_order_acquire))
			workqueue_wait(hashwq, &f->f_work);
	}
	printready();
}
