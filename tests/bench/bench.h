/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A peer is a way to pass items to another thread: this library, another
 * library, or a bare limit of our own.  All peers do the same.  An item holds
 * the peer's own link and one pointer to its source.  The callback is
 * bench_ran(), which only checks the order and counts.
 */

#ifndef _BENCH_H_
#define	_BENCH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define	BENCH_UNLIKELY(x)	__builtin_expect(!!(x), 0)
#define	BENCH_LINE		64
#define	BENCH_DISTURBED		5	/* % of the CPUs used by others */
#define	BENCH_ALIGNED		__attribute__((__aligned__(BENCH_LINE)))

/*
 * A source: one producer's ring of items, which it submits in order, again and
 * again.  The worker uses the first cache line.
 */
struct source {
	char		*s_expect;	/* the item to run next */
	char		*s_base;	/* the ring */
	char		*s_end;
	size_t		 s_stride;	/* from item to item */
	uint64_t	 s_done;	/* items run; read by the producer */
	uint64_t	 s_trigger;	/* call s_hook at this s_done */
	void		(*s_hook)(struct source *, void *);
	unsigned	 s_wrong;	/* items run out of order */

	/* Used by the producer. */
	char		*s_next BENCH_ALIGNED;	/* the item to submit next */
	uint64_t	 s_sent;
	uint64_t	 s_seen;	/* items known to be free again */
	uint64_t	 s_back;	/* completions, if the peer has them */
	uint64_t	 s_ring;	/* items in the ring */
	void		*s_handle;	/* submit here */
	void		*s_arg;		/* for the workload's hooks */
	const struct peer *s_peer;
	void		(*s_submit)(void *, void *);
	bool		 s_any;		/* no order; s_sum is kept */
	struct source	*s_link;	/* next one of all sources */

	/* Used by the worker, for unordered peers. */
	uint64_t	 s_sum BENCH_ALIGNED; /* sum of offsets */
	int64_t		 s_stamp;	/* written by hook_stamp() */
};

/*
 * Do what every callback does: check that this item is the next, and count it.
 */
static inline void
bench_ran(struct source *s, void *item)
{
	char *next = (char *)item + s->s_stride;
	uint64_t done = s->s_done + 1;

	if (BENCH_UNLIKELY((char *)item != s->s_expect))
		s->s_wrong++;
	if (next == s->s_end)
		next = s->s_base;
	s->s_expect = next;
	__atomic_store_n(&s->s_done, done, __ATOMIC_RELEASE);
	if (BENCH_UNLIKELY(done == s->s_trigger))
		s->s_hook(s, item);
}

/*
 * The same for peers that promise no order.  Each item must run as often as it
 * was sent, so the sum of the items' offsets is known.
 */
static inline void
bench_ranany(struct source *s, void *item)
{
	uint64_t done = s->s_done + 1;

	s->s_sum += (uint64_t)((char *)item - s->s_base);
	__atomic_store_n(&s->s_done, done, __ATOMIC_RELEASE);
	if (BENCH_UNLIKELY(done == s->s_trigger))
		s->s_hook(s, item);
}

/*
 * The same for a pool whose threads run one source's items in parallel.
 */
static inline void
bench_ranshared(struct source *s, void *item)
{
	uint64_t done;

	__atomic_fetch_add(&s->s_sum,
	    (uint64_t)((char *)item - s->s_base), __ATOMIC_RELAXED);
	done = __atomic_add_fetch(&s->s_done, 1, __ATOMIC_ACQ_REL);
	if (BENCH_UNLIKELY(done == s->s_trigger))
		s->s_hook(s, item);
}

/* Placement of threads. */
enum place {
	PLACE_ANY,			/* unpinned */
	PLACE_SAME,			/* all on one CPU */
	PLACE_APART,			/* producers and workers on two CPUs */
	PLACE_OWN			/* each producer with its worker */
};

/*
 * The configuration of a run, for a peer.
 */
struct conf {
	enum place	 c_place;
	unsigned	 c_nqueues;
	unsigned	 c_nproducers;
	unsigned	 c_nworkers;	/* for peers with one pool for all */
};

/* p_flags */
#define	PF_SPINS	0x01	/* never sleeps: needs two CPUs */
#define	PF_ONEPROD	0x02	/* one producer per queue */
#define	PF_REAP		0x04	/* items come back through p_reap */
#define	PF_SIGSAFE	0x08	/* may submit from a signal handler */
#define	PF_ONEPOOL	0x10	/* one pool of workers for the process */
#define	PF_PINNED	0x20	/* binds its own workers for PLACE_OWN */
#define	PF_LIMIT	0x40	/* a bare limit, no library */
#define	PF_HEAVY	0x80	/* allocates per item: at most 10^6 */
#define	PF_NAMED	0x100	/* ours; only for workloads that name it */

/* p_does: groups of workloads. */
#define	DO_STREAM	0x01	/* W1, W2, W7, pending */
#define	DO_TRIP		0x02	/* W3 */
#define	DO_ENQ		0x04	/* W4 */
#define	DO_LIFE		0x08	/* W5 */
#define	DO_RSS		0x10	/* W6 */
#define	DO_MANY		0x20	/* 1 to 1,000 queues */
#define	DO_ALL		0x3f		/* idle, cold and refused name theirs */

struct peer {
	const char	*p_name;
	const char	*p_mode;	/* how it is used, as text */
	unsigned	 p_flags;
	unsigned	 p_does;
	size_t		 p_itemsize;

	/* Called once in a process, before the rest; may be NULL. */
	void	(*p_init)(const struct conf *);

	/* Make queue number n; return NULL if that is impossible. */
	void	*(*p_open)(const struct conf *, unsigned n);
	void	(*p_close)(void *);

	/*
	 * Called in a producer thread: get and release the handle for p_submit.
	 * If these are NULL, the handle is the queue.
	 */
	void	*(*p_enter)(void *);
	void	(*p_leave)(void *);

	/* Fill in an item. */
	void	(*p_prep)(void *item, struct source *);
	void	(*p_submit)(void *handle, void *item);
	/* Submit an item under PLACE_OWN, if that differs. */
	void	(*p_submitown)(void *handle, void *item);

	/* PF_REAP: wait until some items come back and collect them. */
	void	(*p_reap)(void *handle);
};

extern const struct peer peer_workqueue, peer_biglock, peer_lent;
extern const struct peer peer_queuework, peer_kthreadwork;
extern const struct peer peer_limit, peer_xchg, peer_futex, peer_spin;
extern const struct peer peer_thread, peer_listswap, peer_listempty;
extern const struct peer peer_uv, peer_glib, peer_ivykis, peer_tbb, peer_urcu;
extern const struct peer peer_dispatch;

/*
 * Latencies, in buckets of 1/64 octave.
 */
#define	HIST_SUB	64
#define	HIST_N		(40 * HIST_SUB)
struct hist {
	uint32_t	h_count[HIST_N];
};
void	hist_add(struct hist *, int64_t);
void	hist_sum(struct hist *, const struct hist *);
double	hist_quantile(const struct hist *, double);

/*
 * The result of one workload with one peer.
 */
#define	NQUANTILE	7
extern const double quantiles[NQUANTILE];
struct result {
	double		 r_value;	/* the value to compare */
	double		 r_cpu;		/* worker's CPU use in %, or -1 */
	double		 r_bytes;	/* memory per pending item, or -1 */
	double		 r_q[NQUANTILE];
	int		 r_hasq;
	unsigned	 r_n;		/* samples of this round in r_q */
	double		 r_others;	/* others' CPU use in %, or -1 */
	char		 r_error[120];	/* not empty: the run failed */
};

/* Scale of a run: full or quick. */
struct scale {
	unsigned	 sc_div;	/* divide item counts by this */
	int64_t		 sc_max;	/* send no more after this time */
};

struct workload {
	const char	*w_id;		/* "W1" */
	const char	*w_title;
	const char	*w_unit;
	unsigned	 w_need;	/* a DO_* bit */
	unsigned	 w_noflags;	/* excludes peers with these flags */
	unsigned	 w_flags;	/* excludes peers without these */
	const char	*w_ref;		/* limits; the best one counts */
	void		(*w_run)(const struct workload *, const struct peer *,
			    const struct scale *, struct result *,
			    struct hist *);
	struct conf	 w_conf;
	uint64_t	 w_items;
	uint64_t	 w_ring;
	unsigned	 w_gap;		/* W3: mean gap in ns, or 0 */
	bool		 w_wake;	/* W3: the callback wakes the client */
	bool		 w_apart64;	/* items 64 bytes apart */
	unsigned	 w_every;	/* run in every w_every'th round */
	const char	*w_only;	/* only these peers, or NULL */
	const char	*w_curve;	/* its growth curve */
	double		 w_x;		/* position on that curve */
};

/* refuse.c */
void	refuse_threads(int64_t);
unsigned refused_threads(void);

extern const struct workload workloads[];
extern const size_t nworkloads;
void	workload_stuck(int) __attribute__((__noreturn__));

/* Utilities: util.c. */
int64_t	bench_now(void);
void	bench_fail(const char *, ...)	/* report, and end the run */
	    __attribute__((__noreturn__, __format__(__printf__, 1, 2)));
void	bench_pin(int);			/* bind this thread to CPU n */
void	bench_unpin(void);
int	bench_ncpu(void);
void	bench_cpus(void);		/* read the set of CPUs */
void	bench_futex_wait(uint32_t *, uint32_t);
void	bench_futex_wake(uint32_t *, int);
void	bench_calibrate(void);
void	bench_pause_ns(unsigned);
static inline void
bench_pause(void)
{

#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm volatile("yield" ::: "memory");
#else
	__asm volatile("" ::: "memory");
#endif
}
uint64_t bench_random(uint64_t *);
size_t	bench_rss(void);		/* bytes */
int	bench_nthreads(void);		/* of this process */
bool	bench_inlist(const char *, const char *);
bool	bench_chosen(const char *, const char *);

/*
 * Report: report.c.  A cell is one workload with one peer.
 */
struct cell {
	struct result	*c_r;		/* by round; NULL: never run */
	struct hist	*c_hist;	/* all rounds together */
};
struct report {
	const struct peer *const *rp_peers;
	size_t		 rp_npeers;
	struct cell	*rp_cells;	/* [workload][peer] */
	const char	*rp_onlyw;	/* workloads selected, or NULL */
	const char	*rp_onlyp;	/* peers selected, or NULL */
	unsigned	 rp_asked;	/* rounds requested */
	unsigned	 rp_rounds;	/* rounds done */
	unsigned	 rp_made;	/* runs done */
	unsigned	 rp_left;	/* runs omitted for lack of time */
	unsigned	 rp_disturbed;
	unsigned	 rp_failed;
	int		 rp_seconds;
	uint64_t	 rp_seed;
	uint64_t	 rp_state;	/* of the shuffle */
	const char	*rp_dir;	/* output directory, or NULL */
	const char	*rp_machine;
	const char	*rp_compiler;
	const char	*rp_build;	/* variant and flags */
	const char	*rp_environ;	/* our variables, or "" */
	const char	*rp_void;	/* why targets do not count, or NULL */
	bool		 rp_quick;
};
struct cell *report_cell(const struct report *, size_t w, size_t p);
void	report_head(const struct report *, FILE *);
void	report_table(const struct report *, FILE *);
void	report_targets(const struct report *, FILE *);
void	report_files(const struct report *);
void	report_other(const char *);	/* a file targets.tsv */

#ifdef __cplusplus
}
#endif

#endif	/* !_BENCH_H_ */
