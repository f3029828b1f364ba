/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Declarations for the three files of checking mode.  subr_lockdebug.c has the
 * objects that exist, subr_lockheld.c the locks that threads hold and wait for,
 * and subr_lockorder.c their order.  ld_lock guards everything.
 */

#ifndef _KERN_SUBR_LOCKDEBUG_VAR_H_
#define	_KERN_SUBR_LOCKDEBUG_VAR_H_

#include <sys/intr.h>

#include "kern.h"
#include "subr_lockdebug.h"
#include "subr_prf.h"

#define	LD_OBJECTS	(1 << 17)
#define	LD_RUNS		(LD_OBJECTS / 2) /* of these, LOCKDEBUG_RUN */
#define	LD_EDGES	(1 << 17)
#define	LD_BUCKETS	32768		/* a power of two */
#define	LD_GRANULE	8		/* log2 of the bytes of a bucket */
#define	LD_HELD		32		/* locks that a thread holds */
#define	LD_WANTS	NIPL		/* waits of a thread and its handlers */
#define	LD_PATH		8		/* threads in a deadlock */
#define	LD_LEAKS	16		/* leaks reported at exit */
#define	LD_DESC		256		/* bytes for an object or a thread */
#define	LD_TEXT		800		/* bytes for a chain of orders */

struct ld_edge;

struct ld_object {
	const void	*lo_addr;
	const char	*lo_kind;
	const char	*lo_name;	/* or NULL */
	uintptr_t	 lo_site;	/* where it was made */
	uintptr_t	 lo_func;	/* LOCKDEBUG_RUN: last callback */
	struct ld_object *lo_next;	/* in its bucket, or the next free */
	struct ld_edge	*lo_out;	/* orders in which it is first */
	struct ld_edge	*lo_in;		/* orders in which it is second */
	struct ld_edge	*lo_via;	/* in a search: next step to goal */
	struct ld_object *lo_queue;	/* in a search: the next to look at */
	unsigned	 lo_mark;	/* the last search that met it */
	unsigned	 lo_holds;	/* threads that hold it */
	unsigned	 lo_forkgen;	/* kern_forkgen when it was made */
	int		 lo_flags;	/* LOCKDEBUG_* */
	bool		(*lo_busy)(const void *); /* in use?  NULL: it must be
					   destroyed */
	bool		 lo_keep;	/* the library's: it never ends */
	bool		 lo_said;	/* it was reported once */
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
	int		 le_lid;	/* by which thread */
	bool		 le_wrong;	/* contradicts others; reported */
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
	const void	*lw_part;	/* as lh_part; NULL: all parts */
	const int	*lw_done;	/* (a) not 0: wait is over; or NULL */
	struct ld_object *lw_interlock;	/* released during the wait; or NULL */
	uint64_t	 lw_serial;	/* waits only for older holds */
	uint64_t	 lw_since;	/* younger holds are a handler's, which
					   releases them during the wait */
	bool		 lw_shared;
};

/* A thread.  Each lwp has one; neither is ever freed. */
struct lockdebug_lwp {
	struct lockdebug_lwp *ld_next;
	struct lwp	*ld_lwp;
	int		 ld_nheld;
	int		 ld_nwants;
	unsigned	 ld_mark;	/* the last search that met it */
	bool		 ld_off;	/* held too many locks: not watched */
	struct ld_hold	 ld_held[LD_HELD];	/* oldest first */
	struct ld_want	 ld_wants[LD_WANTS];	/* it waits for the last */
};

/*
 * subr_lockdebug.c
 */
extern struct ld_object	*ld_objects;	/* (ld_lock) */
extern unsigned		ld_search;	/* (ld_lock) the last search */

void	ld_append(char *, size_t *, const char *, ...)
	    __wq_printflike(3, 4);
const char *ld_name(const struct ld_object *, char *);
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
void	ld_heldanew(void);

/*
 * subr_lockorder.c
 */
void	ld_orderinit(void);
void	ld_orderfork(void);
void	ld_order(const char *, const struct lockdebug_lwp *,
	    struct ld_object *, const struct ld_object *, uintptr_t);
void	ld_orderforget(struct ld_object *);
void	ld_orderafter(struct ld_object *);

#endif	/* !_KERN_SUBR_LOCKDEBUG_VAR_H_ */
