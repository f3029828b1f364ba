/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the three rooms of checking mode share: subr_lockdebug.c (the objects
 * that live), subr_lockheld.c (what threads hold and wait for) and
 * subr_lockorder.c (in which order).  All of it is under ld_lock.
 */

#ifndef _KERN_SUBR_LOCKDEBUG_H_
#define	_KERN_SUBR_LOCKDEBUG_H_

#define	LD_OBJECTS	(1 << 17)
#define	LD_RUNS		(LD_OBJECTS / 2) /* of these, no locks */
#define	LD_EDGES	(1 << 17)
#define	LD_BUCKETS	32768		/* a power of two */
#define	LD_GRANULE	8		/* objects this close are neighbours */
#define	LD_HELD		32		/* locks that a thread holds */
#define	LD_WANTS	NIPL		/* a thread, and handlers in it */
#define	LD_PATH		8		/* threads of a deadlock */
#define	LD_LEAKS	16		/* lines at exit */
#define	LD_DESC		128		/* text: an object, a thread */
#define	LD_TEXT		440		/* text: a chain */

struct ld_edge;

struct ld_object {
	const void	*lo_addr;
	const char	*lo_kind;
	const char	*lo_name;	/* or NULL */
	uintptr_t	 lo_site;	/* where it was made */
	uintptr_t	 lo_func;	/* what ran last, if it is no lock */
	struct ld_object *lo_next;	/* in its bucket, or the next free */
	struct ld_edge	*lo_out;	/* orders: it is the first */
	struct ld_edge	*lo_in;		/* it is the second */
	struct ld_edge	*lo_via;	/* a search: the way to its goal */
	struct ld_object *lo_queue;	/* a search: to look at next */
	unsigned	 lo_mark;	/* the last search that met it */
	unsigned	 lo_holds;	/* how often it is held */
	unsigned	 lo_forkgen;	/* kern_forkgen when it was made */
	int		 lo_flags;	/* LOCKDEBUG_RUN, LOCKDEBUG_LOOSE */
	bool		 lo_keep;	/* ours: it never ends */
	bool		 lo_said;	/* read again by a reader */
};

struct ld_link {
	struct ld_edge	*ll_next;
	struct ld_edge	**ll_prevp;
};

struct ld_edge {
	struct ld_object *le_from;
	struct ld_object *le_to;
	struct ld_link	 le_hash;
	struct ld_link	 le_out;	/* on le_from's lo_out */
	struct ld_link	 le_in;		/* on le_to's lo_in */
	uintptr_t	 le_site;	/* where le_to was wanted first */
	int		 le_lid;	/* by whom */
	bool		 le_wrong;	/* against the others, and said */
};

struct ld_hold {
	struct ld_object *lh_object;
	const void	*lh_part;	/* of a workqueue: the queue */
	uintptr_t	 lh_site;	/* where it was taken */
	uint64_t	 lh_serial;	/* when */
	bool		 lh_shared;
};

struct ld_want {
	struct ld_object *lw_object;
	const void	*lw_part;	/* as lh_part; NULL: each */
	const int	*lw_done;	/* (a) not 0: waits no more; or NULL */
	struct ld_object *lw_interlock;	/* is not held as it waits; or NULL */
	uint64_t	 lw_serial;	/* no hold is meant that is younger */
	uint64_t	 lw_since;	/* what it holds since then it gives
					   back while it waits: a handler's */
	bool		 lw_shared;
};

/* A thread; there is one for each lwp, and as little as those it ends. */
struct lockdebug_lwp {
	struct lockdebug_lwp *ld_next;
	struct lwp	*ld_lwp;
	int		 ld_nheld;
	int		 ld_nwants;
	unsigned	 ld_mark;	/* the last search that met it */
	bool		 ld_off;	/* held too many: not watched */
	struct ld_hold	 ld_held[LD_HELD];	/* oldest first */
	struct ld_want	 ld_wants[LD_WANTS];	/* it waits for the last */
};

/*
 * subr_lockdebug.c
 */
extern struct kspin	ld_lock;
extern struct ld_object	*ld_objects;	/* (ld_lock) */
extern unsigned		ld_search;	/* (ld_lock) number of the last */

void	ld_append(char *, size_t *, const char *, ...)
	    __wq_printflike(3, 4);
const char *ld_object(const struct ld_object *, char *);
const char *ld_thread(const struct lockdebug_lwp *, char *);
struct ld_object **ld_findp(const void *);
struct ld_object *ld_find(const char *, const void *, const char *);

/*
 * subr_lockheld.c
 */
void	ld_heldinit(void);
struct lockdebug_lwp *ld_self(void);
int	ld_holds(const struct lockdebug_lwp *, const struct ld_object *);
void	ld_heldforget(const struct ld_object *);
void	ld_heldfork(void);

/*
 * subr_lockorder.c
 */
void	ld_orderinit(void);
void	ld_order(const char *, const struct lockdebug_lwp *,
	    struct ld_object *, const struct ld_object *, uintptr_t);
void	ld_orderforget(struct ld_object *);
void	ld_orderafter(struct ld_object *);

#endif	/* !_KERN_SUBR_LOCKDEBUG_H_ */
