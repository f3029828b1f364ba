/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The list of all queues, which a reader may walk from outside of the process.
 *
 * A reader finds the root record by its symbol or by its note.  It needs
 * nothing else, because the record says where everything is.
 *
 * The reader takes no lock, and the process does not know of the reader.  So
 * the memory that it reads may be changing, or may have been freed.  Therefore
 * the slots of the list are in memory that is never freed, and the reader
 * follows a limited number of links.
 *
 * wqstat(1) includes this header, too.
 */

#ifndef _KERN_SUBR_WQSTAT_H_
#define	_KERN_SUBR_WQSTAT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/workqueue_stat.h>

#define	WQSTAT_MAGIC	"wqstat\n"	/* 8 bytes */
#define	WQSTAT_LAYOUT	3		/* changed if readers must change */
#define	WQSTAT_NOTE	"libworkqueue"	/* owner of the note ... */
#define	WQSTAT_NOTETYPE	1		/* ... that has the root's place */

enum wqstat_kind {
	WQSTAT_FREE,
	WQSTAT_WORKQUEUE,		/* struct workqueue */
	WQSTAT_POOL			/* struct wqpool */
};

/*
 * A place in the list.  wqstat_enter() sets ss_object last, and wqstat_leave()
 * clears it first.
 */
struct wqstat_slot {
	const void	*ss_object;	/* (a) NULL: free */
	struct wqstat_slot *ss_free;	/* next free slot */
	unsigned	 ss_kind;	/* (a) enum wqstat_kind */
	unsigned	 ss_gen;	/* (a) counts the users of this slot */
};

#define	WQSTAT_SLOTS	64
struct wqstat_chunk {
	struct wqstat_chunk *sc_next;	/* (a) set once */
	struct wqstat_slot sc_slots[WQSTAT_SLOTS];
};

/*
 * The offsets of the fields that a reader needs, and the sizes of structures.
 * A reader copies a structure as a whole, so it checks that the numbers before
 * "inside" are at most WQSTAT_OFFSETMAX.
 */
#define	WQSTAT_OFFSETS(X)						\
	X(wq_size) X(wq_func) X(wq_name) X(wq_nqueues) X(wq_queues)	\
	X(q_size) X(q_inbox) X(q_done) X(q_begun) X(q_first)		\
	X(q_unturned) X(q_turned) X(q_base) X(q_batch) X(q_start)	\
	X(q_end) X(q_lwp) X(q_fdrunner) X(q_ci) X(q_refills) X(q_lock)	\
	X(p_size) X(p_inbox) X(p_first) X(p_runners) X(p_batcher)	\
	X(p_waiters) X(p_nthreads) X(p_nrunning) X(p_seq) X(p_ndone)	\
	X(p_func) X(p_arg) X(p_ci) X(p_name) X(p_kind)			\
	X(wr_size) X(wr_next) X(wr_lwp) X(wr_cur) X(wr_seq)		\
	X(wr_doing) X(wr_begun) X(wr_end) X(wr_batch)			\
	X(sc_size) X(sc_lwp) X(sc_first) X(sc_busy) X(sc_nthreads)	\
	X(sc_ndone)							\
	X(cr_size) X(cr_lwp) X(cr_running) X(cr_ndone)			\
	X(inside)							\
	X(ci_index) X(l_size) X(l_name) X(l_hosttid) X(l_wqq)		\
	X(l_subitem) X(l_subnumber)					\
	X(ls_nlwps) X(ls_next) X(pw_next) X(pw_pool)			\
	X(c_func) X(cs_size) X(cs_least) X(cr_n) X(sc_nlevels)		\
	X(si_next) X(si_hand) X(sh_func)

#define	WQSTAT_OFFSET(name)	WQO_##name,
enum wqstat_offset {
	WQSTAT_OFFSETS(WQSTAT_OFFSET)
	WQSTAT_NOFFSETS
};

#define	WQSTAT_OFFSETMAX	512
#define	WQSTAT_OBJECTSIZE	1088	/* two structures and a name */

/*
 * The root record.  A reader checks the first four fields before it reads more.
 */
struct wqstat_root {
	char		 wr_magic[8];
	uint32_t	 wr_layout;
	uint32_t	 wr_size;	/* of this record */
	uint32_t	 wr_pointer;	/* size of a pointer */
	char		 wr_version[20];
	const void	*wr_chunk;	/* the first struct wqstat_chunk */
	const void	*wr_lwp0;	/* the record of the first thread */
	const void	*wr_slabs;	/* pointer to the first other slab */
	const void	*wr_callouts;	/* callout_runners */
	const void	*wr_slots;	/* callout_slots */
	const void	*wr_mask;	/* callout_mask */
	const void	*wr_armed;	/* callout_count */
	const void	*wr_softcpus;	/* pointer to the first softcpu */
	const void	*wr_ncpu;
	uint32_t	 wr_wheels;	/* of callouts */
	uint32_t	 wr_unitshift;	/* of their times */
	uint32_t	 wr_offsets[WQSTAT_NOFFSETS];
};

/*
 * The use of a pool.  pk_mark and pk_hidden have offsets in the object to which
 * pa_arg points.
 *
 * Some pools do not see their items: those of iv_work.c, which has a ring and a
 * lane of items.  Then pk_hidden says where the counts are.  Each thread stores
 * the item that it runs in l_subitem, and the number of the item in
 * l_subnumber.  If the item came from the ring, the number is the low half of
 * PKH_RING just after the thread took the item.  If the item came from the
 * lane, the number is PKH_LANE just before the thread took the item.  PKH_LANE
 * starts at WQPOOL_LANE, so no number of the ring is so large.
 *
 * This structure is never const, because a core has no constant data: a reader
 * would need the file of the library.
 */
#define	WQPOOL_LANE	(UINT64_C(1) << 62)
struct wqpool_kind {
	char		 pk_name[WORKQUEUE_STAT_KIND];
	int32_t		 pk_func;	/* offset of the function in an item */
	uint32_t	 pk_mark;	/* an item of the library's; or 0 */
	uint32_t	 pk_hidden[5];	/* enum wqpool_hidden; or all 0 */
};
#define	WQPOOL_NOFUNC	INT32_MIN	/* pk_func: use p_func */

enum wqpool_hidden {
	PKH_SUBMITTED,			/* 64 bits each */
	PKH_CONTINUED,
	PKH_RING,			/* low half: items begun */
	PKH_LANE,			/* WQPOOL_LANE + items begun in it */
	PKH_ACTIVE			/* an int */
};

/*
 * A callback that is running.  A queue never uses a number twice, but if a
 * queue hides its items, its numbers may wrap around.
 */
struct wqstat_run {
	uint64_t	 wn_number;
	uintptr_t	 wn_item;	/* or 0 */
	uintptr_t	 wn_func;	/* or 0 */
	long		 wn_tid;	/* of its thread; or 0 */
};

/*
 * A source of memory for wqstat_sample().
 */
struct wqstat_piece {
	void		*sp_buf;
	uintptr_t	 sp_addr;
	size_t		 sp_size;
	bool		 sp_ok;		/* it was read */
};

struct wqstat_source {
	/* Read some pieces, and set sp_ok of each. */
	void	(*so_readv)(struct wqstat_source *, struct wqstat_piece *,
		    unsigned);
	/* Use a sample; false ends wqstat_sample(). */
	bool	(*so_emit)(struct wqstat_source *,
		    const struct workqueue_stat *);
	/*
	 * Use a running callback.  NULL: not needed.  The second argument is
	 * the sample of its queue, for which so_emit has not been called yet.
	 */
	bool	(*so_run)(struct wqstat_source *,
		    const struct workqueue_stat *, const struct wqstat_run *);
	/* May be NULL.  Returns true if a function may be there. */
	bool	(*so_iscode)(struct wqstat_source *, uintptr_t);
	void		*so_arg;	/* for these */

	/* Room to read some objects at once. */
	struct wqstat_piece *so_pieces;	/* one more than so_batch */
	struct wqstat_slot *so_slots;
	struct wqstat_slot *so_again;
	char		(*so_objects)[WQSTAT_OBJECTSIZE];
	unsigned	 so_batch;	/* elements of each */

	unsigned long	 so_links;	/* to follow at most, per list */
	int64_t		 so_time;	/* of this sample; 0: unknown */
	struct wqstat_root so_root;

	/* The slot of the object that is being sampled, or NULL. */
	const struct wqstat_slot *so_slot;
	uintptr_t	 so_slotaddr;
};

enum wqstat_error {
	WQSTAT_OK,
	WQSTAT_UNREADABLE,
	WQSTAT_NOTAROOT,
	WQSTAT_OTHERLAYOUT
};

/* See subr_wqstat_var.h for the files that have these. */
enum wqstat_error wqstat_root_read(struct wqstat_source *, uintptr_t);
bool	wqstat_sample(struct wqstat_source *);
void	wqstat_plain(char *, size_t, const char *);
void	wqstat_compare(struct workqueue_stat *, const struct workqueue_stat *,
	    int64_t);
#define	WQSTAT_TIMELEN	8
void	wqstat_time(char *, int64_t, bool);

/* subr_wqstat.c */
extern struct wqstat_root wqpool_statroot;

/*
 * Enter an object in the list.  If there is no memory, return NULL, and the
 * object stays out of the list.
 */
struct wqstat_slot *wqstat_enter(const void *, enum wqstat_kind);
void	wqstat_leave(struct wqstat_slot *, const void *);

/* Unless NULL, called after an object has entered.  Set at the start. */
extern void	(*wqstat_onenter)(void);

/*
 * subr_wqstat_report.c.  Sample this process, with these so_emit and so_run.
 */
void	wqstat_own(bool (*)(struct wqstat_source *,
	    const struct workqueue_stat *), bool (*)(struct wqstat_source *,
	    const struct workqueue_stat *, const struct wqstat_run *), void *);

/* subr_wqstat_watch.c */
void	wqstat_watch_init(void);

#endif	/* !_KERN_SUBR_WQSTAT_H_ */
