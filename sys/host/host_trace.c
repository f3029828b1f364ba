/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace: events in memory.
 *
 * Events are in chunks.  A few chunks are open.  The address of a thread's own
 * data selects the chunk in which the thread records, so threads rarely share
 * one.  To record, a thread takes the next event of the chunk by an atomic
 * addition, fills the event, and then stores its kind.  If the chunk has no
 * event left, the thread opens another chunk.  So a signal handler may record
 * while its thread is recording, and a thread that ends leaves nothing behind.
 *
 * The life of a chunk: a thread that needs a chunk makes it OPEN; when all its
 * events are taken, it is FULL; when it is written to the file, it is FREE.
 * While a chunk is not open, tc_next is at least CHUNK_EVENTS.  So a thread
 * that still has the address of such a chunk takes no event from it.
 *
 * One thread at a time writes the file: it has set trace_writer.  This thread
 * blocks signals meanwhile.  Otherwise a handler that interrupts it could wait
 * for free chunks, which only the interrupted thread can provide.
 */

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/host_trace_var.h>
#include <host/host_var.h>

#define	CHUNK_EVENTS	256
#define	CHUNKS		256
#define	CHUNKS_OPEN	16		/* a power of two */
#define	CHUNK_OLDEST	0x40000000u	/* no chunk is as old as this */
#define	CHUNKS_WRITE	8		/* full ones that justify a write */
#define	TRACE_WAIT	INT64_C(1000000000) /* ns, for the last events */

enum chunk_state {
	CHUNK_FREE,
	CHUNK_OPEN,
	CHUNK_FULL
};

struct chunk {
	int		 tc_state;	/* (a) enum chunk_state */
	unsigned	 tc_next;	/* (a) first event not taken */
	unsigned	 tc_count;	/* when it is full: events taken */
	unsigned	 tc_serial;	/* number, in the order of opening */
	struct event	 tc_events[CHUNK_EVENTS];
};

/* host_trace_open() allocates these, before there are other threads. */
static struct chunk	*trace_chunks;
static unsigned		trace_open[CHUNKS_OPEN]; /* (a) index of a chunk */

static int		trace_on;	/* (a) events are recorded */
static int		trace_writer;	/* (a) a thread writes */
static int		trace_error;	/* (a) the file cannot be written */
static unsigned		trace_nfull;	/* (a) full chunks, about */
static unsigned		trace_serial;	/* (a) chunks opened */
static long		trace_nthreads;	/* (a) threads without host_tid() */

/*
 * The number of the calling thread, or 0 before it records for the first time.
 */
static _Thread_local long trace_thread;
static _Thread_local int trace_writing;	/* it is trace_writer */

/*
 * Recording.
 */

static void
chunk_close(struct chunk *tc)
{
	unsigned n;

	/*
	 * From here on, no thread takes an event.  Acq_rel: observe the earlier
	 * takers.
	 */
	n = atomic_swap_acq_rel(&tc->tc_next, (unsigned)CHUNK_EVENTS);
	tc->tc_count = n < CHUNK_EVENTS ? n : CHUNK_EVENTS;
	/* Release: publish tc_count to the writer. */
	atomic_store_release(&tc->tc_state, CHUNK_FULL);
	(void)atomic_fetch_add_relaxed(&trace_nfull, 1u);
}

/*
 * Find a free chunk and open it, or return NULL.
 */
static struct chunk *
chunk_take(void)
{
	struct chunk *tc;
	int old;

	for (tc = trace_chunks; tc < trace_chunks + CHUNKS; tc++) {
		old = CHUNK_FREE;
		/* Acquire: pairs with the release in trace_free(). */
		if (atomic_load_relaxed(&tc->tc_state) != CHUNK_FREE ||
		    !atomic_cas_acquire(&tc->tc_state, &old, CHUNK_OPEN))
			continue;
		tc->tc_serial = atomic_fetch_add_relaxed(&trace_serial, 1u);
		/* Release: publish tc_serial. */
		atomic_store_release(&tc->tc_next, 0u);
		return tc;
	}
	return NULL;
}

/*
 * Replace a chunk that has no event left.  Return false if no chunk is free.
 */
static bool
chunk_replace(unsigned *openp, unsigned old)
{
	struct chunk *tc;

	if ((tc = chunk_take()) == NULL)
		return false;
	/* Acq_rel: publish the new chunk; observe the old one's takers. */
	if (atomic_cas_acq_rel(openp, &old, (unsigned)(tc - trace_chunks)))
		chunk_close(&trace_chunks[old]);
	else
		/*
		 * Another thread was faster.  A thread that still has the
		 * address of tc may have taken an event, so close tc as usual.
		 */
		chunk_close(tc);
	return true;
}

static void	trace_flush(void);

/*
 * Take an event.  Return NULL if the trace has ended, or if the calling thread
 * is the writer and no chunk is free.
 */
static struct event *
event_take(uint64_t *numberp)
{
	struct chunk *tc;
	unsigned i, n, old, turns;
	uintptr_t key;

	key = host_selfkey();
	i = (unsigned)(key >> 12 ^ key >> 20) % CHUNKS_OPEN;
	for (turns = 0; atomic_load_relaxed(&trace_on) != 0;) {
		/* Acquire: observe the chunk as it was opened. */
		old = atomic_load_acquire(&trace_open[i]);
		tc = &trace_chunks[old];
		n = CHUNK_EVENTS;
		/* Read first, so that tc_next cannot overflow. */
		if (atomic_load_relaxed(&tc->tc_next) < CHUNK_EVENTS)
			/* Acquire: observe tc_serial. */
			n = atomic_fetch_add_acq_rel(&tc->tc_next, 1u);
		if (n < CHUNK_EVENTS) {
			/* 0 means no number. */
			*numberp = (uint64_t)tc->tc_serial * CHUNK_EVENTS + n +
			    1;
			return &tc->tc_events[n];
		}
		if (chunk_replace(&trace_open[i], old))
			continue;
		if (trace_writing)
			return NULL;
		trace_flush();
		host_relax(&turns);
	}
	return NULL;
}

static uint64_t
event_add(enum host_trace_kind kind, const struct host_trace_event *te)
{
	struct event *e;
	uint64_t number;
	size_t i;

	if ((e = event_take(&number)) == NULL)
		return 0;
	e->e_thread = trace_thread;
	e->e_time = te->te_time;
	e->e_from = kind == HOST_TRACE_ENQUEUE ? number : te->te_from;
	e->e_item = te->te_item;
	e->e_func = te->te_func;
	for (i = 0; te->te_name != NULL && i < TRACE_NAME - 1 &&
	    te->te_name[i] != '\0'; i++)
		e->e_name[i] = te->te_name[i];
	e->e_name[i] = '\0';
	/* Release: publish the event to the writer. */
	atomic_store_release(&e->e_kind, (int)kind);
	return number;
}

/*
 * Record the calling thread.
 */
static void
thread_add(const char *name)
{
	struct host_trace_event te;

	if ((trace_thread = host_tid()) <= 0)
		trace_thread = atomic_fetch_add_relaxed(&trace_nthreads, 1L) +
		    1;
	memset(&te, 0, sizeof(te));
	te.te_name = name != NULL ? name :
	    trace_thread == trace_out.o_pid ? "main" : "thread";
	(void)event_add(HOST_TRACE_THREAD, &te);
}

uint64_t
host_trace_add(enum host_trace_kind kind, const struct host_trace_event *te)
{

	if (__builtin_expect(trace_thread == 0, 0))
		thread_add(te->te_thread);
	return event_add(kind, te);
}

/*
 * Writing.
 */

static bool
chunk_complete(const struct chunk *tc)
{
	unsigned i;

	for (i = 0; i < tc->tc_count; i++)
		if (atomic_load_relaxed(&tc->tc_events[i].e_kind) ==
		    HOST_TRACE_NONE)
			return false;
	return true;
}

/*
 * Write a full chunk, and free it.
 */
static void
trace_free(struct chunk *tc)
{
	struct event *e;
	unsigned i;
	int kind;

	for (i = 0; i < tc->tc_count; i++) {
		e = &tc->tc_events[i];
		/* Acquire: pairs with the release in event_add(). */
		kind = atomic_load_acquire(&e->e_kind);
		trace_out_event(kind, e);
		atomic_store_relaxed(&e->e_kind, HOST_TRACE_NONE);
	}
	(void)atomic_fetch_add_relaxed(&trace_nfull, -1u);
	/* Release: pairs with the acquire in chunk_take(). */
	atomic_store_release(&tc->tc_state, CHUNK_FREE);
}

/*
 * Write the full chunks in their order, so that the file has the events of each
 * thread in their order.  If all is false, skip a chunk with an event that is
 * still being recorded: the caller may be a handler that has interrupted the
 * recording thread.
 */
static void
trace_write(bool all)
{
	struct chunk *tc, *first;
	unsigned next;

	/* No chunk is as old as this. */
	next = atomic_load_relaxed(&trace_serial) - CHUNK_OLDEST;
	for (;;) {
		first = NULL;
		for (tc = trace_chunks; tc < trace_chunks + CHUNKS; tc++)
			/* Acquire: pairs with the release in chunk_close(). */
			if (atomic_load_acquire(&tc->tc_state) == CHUNK_FULL &&
			    (int)(tc->tc_serial - next) >= 0 &&
			    (first == NULL ||
			    (int)(tc->tc_serial - first->tc_serial) < 0))
				first = tc;
		if (first == NULL)
			break;
		next = first->tc_serial + 1;
		if (all || chunk_complete(first))
			trace_free(first);
	}
	trace_out_flush();
}

/*
 * Block signals and become the writer.  Return false if another thread is the
 * writer, or if the trace is another process's.
 */
static bool
trace_lock(sigset_t *mask)
{
	sigset_t all;
	int old;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, mask);
	old = 0;
	/* Acquire: observe what the last writer did. */
	if (host_getpid() == trace_out.o_pid &&
	    atomic_cas_acquire(&trace_writer, &old, 1)) {
		trace_writing = 1;
		return true;
	}
	(void)pthread_sigmask(SIG_SETMASK, mask, NULL);
	return false;
}

static void
trace_unlock(const sigset_t *mask)
{

	trace_writing = 0;
	/* Release: publish everything to the next writer. */
	atomic_store_release(&trace_writer, 0);
	(void)pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/*
 * End the trace if the file cannot be written.
 */
static void
trace_check(void)
{

	if (trace_out.o_error == 0)
		return;
	atomic_store_relaxed(&trace_on, 0);
	atomic_store_relaxed(&trace_error, trace_out.o_error);
}

static void
trace_flush(void)
{
	sigset_t mask;
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	if (trace_lock(&mask)) {
		trace_write(false);
		trace_check();
		trace_unlock(&mask);
	}
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

int
host_trace_write(void)
{
	static int told;
	int error;

	if (atomic_load_relaxed(&trace_nfull) >= CHUNKS_WRITE &&
	    atomic_load_relaxed(&trace_on) != 0)
		trace_flush();
	/* Relaxed: the value is only for a message. */
	error = atomic_load_relaxed(&trace_error);
	return error != 0 && atomic_swap_relaxed(&told, 1) == 0 ? error : 0;
}

int
host_trace_close(void)
{
	sigset_t mask;
	struct chunk *tc;
	int64_t until;
	unsigned i, n;

	if (atomic_swap_acq_rel(&trace_on, 0) == 0 || trace_writing)
		return host_trace_write();
	until = host_monotime() + TRACE_WAIT;
	for (n = 0; !trace_lock(&mask);) {
		if (host_getpid() != trace_out.o_pid ||
		    host_monotime() > until)
			return 0;
		host_relax(&n);
	}
	for (i = 0; i < CHUNKS_OPEN; i++)
		chunk_close(&trace_chunks[atomic_load_acquire(
		    &trace_open[i])]);
	/* Other threads may be in the middle of an event. */
	for (tc = trace_chunks, n = 0; tc < trace_chunks + CHUNKS; tc++)
		while (atomic_load_acquire(&tc->tc_state) == CHUNK_FULL &&
		    !chunk_complete(tc) && host_monotime() < until)
			host_relax(&n);
	trace_write(true);
	trace_out_end();
	trace_check();
	trace_unlock(&mask);
	return host_trace_write();
}

/*
 * The beginning.
 */

/*
 * Put the process ID in place of %p.  Return false if the name is too long.
 */
static bool
trace_name(const char *file, char *buf, size_t size)
{
	char num[24];
	size_t i, j;
	int pid;

	for (i = 0; *file != '\0'; file++) {
		if (i + sizeof(num) >= size)
			return false;
		if (file[0] != '%' || file[1] != 'p') {
			buf[i++] = *file;
			continue;
		}
		file++;
		j = sizeof(num);
		pid = host_getpid();
		do {
			num[--j] = (char)('0' + pid % 10);
		} while ((pid /= 10) != 0);
		memcpy(buf + i, num + j, sizeof(num) - j);
		i += sizeof(num) - j;
	}
	buf[i] = '\0';
	return true;
}

static int
trace_alloc(void)
{
	struct chunk *tc;
	unsigned i;

	trace_chunks = calloc(CHUNKS, sizeof(*trace_chunks));
	if (trace_chunks == NULL)
		return ENOMEM;
	for (i = 0; i < CHUNKS; i++)
		trace_chunks[i].tc_next = CHUNK_EVENTS;
	for (i = 0; i < CHUNKS_OPEN; i++) {
		tc = chunk_take();
		trace_open[i] = (unsigned)(tc - trace_chunks);
	}
	return 0;
}

int
host_trace_open(const char *file)
{
	char name[4096];
	int error;

#ifdef _WQ_SIM
	/* The simulator has its own traces. */
	return ENOTSUP;
#endif
	if (!trace_name(file, name, sizeof(name)))
		return ENAMETOOLONG;
	if ((error = trace_out_open(name)) != 0)
		return error;
	if ((error = trace_alloc()) != 0) {
		(void)close(trace_out.o_fd);
		return error;
	}
	trace_out_begin();
	if (trace_out.o_error != 0)
		return trace_out.o_error;
	host_symbol_init();
	atomic_store_relaxed(&trace_on, 1);
	return 0;
}

void
host_trace_forked(void)
{
	struct stat st;

	if (atomic_swap_relaxed(&trace_on, 0) != 0 &&
	    fstat(trace_out.o_fd, &st) == 0 &&
	    st.st_dev == trace_out.o_dev && st.st_ino == trace_out.o_ino)
		(void)close(trace_out.o_fd);
}
