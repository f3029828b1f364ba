/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * wqbench: what the driver, the workloads and the peers share.
 *
 * A peer is a way to hand work to another thread: this library, another
 * library, or a bare limit of our own.  All of them do the same work: an
 * item holds the peer's own link and one pointer to its source; the callback
 * is bench_ran(), which checks the order, counts, and nothing else.
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
 * A source: one producer's items, a ring of them, which it submits in
 * order, round and round.  The first cache line is the worker's.
 */
struct source {
	char		*s_expect;	/* the item to run next */
	char		*s_base;	/* the ring */
	char		*s_end;
	size_t		 s_stride;	/* from item to item */
	uint64_t	 s_done;	/* items run; read by the producer */
	uint64_t	 s_trigger;	/* when s_done is this, call s_hook */
	void		(*s_hook)(struct source *, void *);
	unsigned	 s_wrong;	/* items run out of order */

	/* The producer's. */
	char		*s_next BENCH_ALIGNED;	/* the item to submit next */
	uint64_t	 s_sent;
	uint64_t	 s_seen;	/* items known to be free again */
	uint64_t	 s_back;	/* completions, if the peer has them */
	uint64_t	 s_ring;	/* items in the ring */
	void		*s_handle;	/* where to submit */
	void		*s_arg;		/* the workload's, for hooks */
	const struct peer *s_peer;
	void		(*s_submit)(void *, void *);
	bool		 s_any;		/* no order; s_sum is kept */
	struct source	*s_link;	/* the next of all */

	/* The worker's again, for unordered peers. */
	uint64_t	 s_sum BENCH_ALIGNED; /* of offsets */
	int64_t		 s_stamp;	/* written by hook_stamp() */
};

/*
 * What every callback does: is it the next, and how many are they?
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
 * The same for peers that promise no order: each item shall have run as
 * often as it was sent, so the sum of their offsets is known.
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
 * And for a pool whose threads run one source's items at the same time.
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

/* Where threads run. */
enum place {
	PLACE_ANY,			/* unpinned */
	PLACE_SAME,			/* all on one CPU */
	PLACE_APART,			/* producers and workers on two */
	PLACE_OWN			/* each producer with its worker */
};

/*
 * What a peer is told of the run.
 */
struct conf {
	enum place	 c_place;
	unsigned	 c_nqueues;
	unsigned	 c_nproducers;
	unsigned	 c_nworkers;	/* for peers with one pool for all */
};

/* p_flags */
#define	PF_SPINS	0x01	/* never sleeps: not for one CPU */
#define	PF_ONEPROD	0x02	/* one producer per queue */
#define	PF_REAP		0x04	/* items come back through p_reap */
#define	PF_SIGSAFE	0x08	/* may submit from a signal handler */
#define	PF_ONEPOOL	0x10	/* one pool of workers for the process */
#define	PF_PINNED	0x20	/* binds its workers itself for PLACE_OWN */
#define	PF_LIMIT	0x40	/* a bare limit, no library */
#define	PF_HEAVY	0x80	/* allocates per item: no more than 10^6 */
#define	PF_FACE		0x100	/* ours, for workloads that name it only */

/* p_does: groups of workloads. */
#define	DO_STREAM	0x01	/* W1, W2, W7, pending */
#define	DO_TRIP		0x02	/* W3 */
#define	DO_ENQ		0x04	/* W4 */
#define	DO_LIFE		0x08	/* W5 */
#define	DO_RSS		0x10	/* W6 */
#define	DO_MANY		0x20	/* 1 to 1,000 queues */
#define	DO_ALL		0x3f

struct peer {
	const char	*p_name;
	const char	*p_mode;	/* how it is used, in words */
	unsigned	 p_flags;
	unsigned	 p_does;
	size_t		 p_itemsize;

	/* Once in a process, before the rest; may be NULL. */
	void	(*p_init)(const struct conf *);

	/* Make queue number n; NULL means that it cannot. */
	void	*(*p_open)(const struct conf *, unsigned n);
	void	(*p_close)(void *);

	/*
	 * In a producer thread: what to submit to, and the end of that.
	 * May be NULL: the queue itself.
	 */
	void	*(*p_enter)(void *);
	void	(*p_leave)(void *);

	/* Fill in an item. */
	void	(*p_prep)(void *item, struct source *);
	void	(*p_submit)(void *handle, void *item);
	/* The same for PLACE_OWN, if that differs. */
	void	(*p_submitown)(void *handle, void *item);

	/* PF_REAP: wait until some items come back, and collect them. */
	void	(*p_reap)(void *handle);
};

extern const struct peer peer_workqueue, peer_biglock;
extern const struct peer peer_queuework, peer_kthreadwork;
extern const struct peer peer_limit, peer_xchg, peer_futex, peer_spin;
extern const struct peer peer_thread, peer_listswap, peer_listempty;
extern const struct peer peer_uv, peer_glib, peer_ivykis, peer_tbb, peer_urcu;

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
 * What a run of one workload with one peer gives.
 */
#define	NQUANTILE	7
extern const double quantiles[NQUANTILE];
struct result {
	double		 r_value;	/* the one that is compared */
	double		 r_cpu;		/* worker's CPU use in %, or -1 */
	double		 r_bytes;	/* memory per pending item, or -1 */
	double		 r_q[NQUANTILE];
	int		 r_hasq;
	unsigned	 r_n;		/* with those: samples of this round */
	double		 r_others;	/* CPU use of others in %, or -1 */
	char		 r_error[120];	/* not empty: it went wrong */
};

/* Scale of a run: full or quick. */
struct scale {
	unsigned	 sc_div;	/* divide item counts by this */
	int64_t		 sc_max;	/* who is slow, does less after this */
};

struct workload {
	const char	*w_id;		/* "W1" */
	const char	*w_title;
	const char	*w_unit;
	unsigned	 w_need;	/* a DO_* bit */
	unsigned	 w_noflags;	/* peers with these cannot */
	unsigned	 w_flags;	/* peers without these cannot */
	const char	*w_ref;		/* limits; the best one counts */
	void		(*w_run)(const struct workload *, const struct peer *,
			    const struct scale *, struct result *,
			    struct hist *);
	struct conf	 w_conf;
	uint64_t	 w_items;
	uint64_t	 w_ring;
	unsigned	 w_gap;		/* W3: mean gap in ns */
	bool		 w_apart64;	/* items 64 bytes apart */
	unsigned	 w_every;	/* run in every w_every'th round */
	const char	*w_only;	/* only these peers, or NULL */
	const char	*w_curve;	/* growth curve it is a point of */
	double		 w_x;		/* where on that */
};

extern const struct workload workloads[];
extern const size_t nworkloads;
void	workload_stuck(int) __attribute__((__noreturn__));

/* Odds and ends: util.c. */
int64_t	bench_now(void);
void	bench_fail(const char *, ...)	/* end the run, say why */
	    __attribute__((__noreturn__, __format__(__printf__, 1, 2)));
void	bench_pin(int);			/* the calling thread, to CPU n */
void	bench_unpin(void);
int	bench_ncpu(void);
void	bench_cpus(void);		/* read which CPUs there are */
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
bool	bench_inlist(const char *, const char *);
bool	bench_chosen(const char *, const char *);

/*
 * Report: report.c.  A cell is one workload with one peer.
 */
struct cell {
	struct result	*c_r;		/* by round; NULL: not run at all */
	struct hist	*c_hist;	/* of all rounds */
};
struct report {
	const struct peer *const *rp_peers;
	size_t		 rp_npeers;
	struct cell	*rp_cells;	/* [workload][peer] */
	const char	*rp_onlyw;	/* workloads asked for, or NULL */
	const char	*rp_onlyp;	/* peers asked for, or NULL */
	unsigned	 rp_asked;	/* rounds asked for */
	unsigned	 rp_rounds;	/* rounds done */
	unsigned	 rp_made;	/* runs made */
	unsigned	 rp_left;	/* runs left out for want of time */
	unsigned	 rp_disturbed;
	unsigned	 rp_failed;
	int		 rp_seconds;
	uint64_t	 rp_seed;
	uint64_t	 rp_state;	/* of the shuffling */
	const char	*rp_dir;	/* where files go, or NULL */
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
