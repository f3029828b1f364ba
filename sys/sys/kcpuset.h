/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kcpuset(9): sets of CPUs, by index.
 */

#ifndef _SYS_KCPUSET_H_
#define	_SYS_KCPUSET_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

struct kcpuset;
typedef struct kcpuset kcpuset_t;

#define	kcpuset_create		wqk_kcpuset_create
#define	kcpuset_clone		wqk_kcpuset_clone
#define	kcpuset_destroy		wqk_kcpuset_destroy
#define	kcpuset_use		wqk_kcpuset_use
#define	kcpuset_unuse		wqk_kcpuset_unuse
#define	kcpuset_copy		wqk_kcpuset_copy
#define	kcpuset_zero		wqk_kcpuset_zero
#define	kcpuset_fill		wqk_kcpuset_fill
#define	kcpuset_set		wqk_kcpuset_set
#define	kcpuset_clear		wqk_kcpuset_clear
#define	kcpuset_isset		wqk_kcpuset_isset
#define	kcpuset_isotherset	wqk_kcpuset_isotherset
#define	kcpuset_iszero		wqk_kcpuset_iszero
#define	kcpuset_match		wqk_kcpuset_match
#define	kcpuset_intersecting_p	wqk_kcpuset_intersecting_p
#define	kcpuset_intersect	wqk_kcpuset_intersect
#define	kcpuset_merge		wqk_kcpuset_merge
#define	kcpuset_remove		wqk_kcpuset_remove
#define	kcpuset_ffs		wqk_kcpuset_ffs
#define	kcpuset_ffs_intersecting wqk_kcpuset_ffs_intersecting
#define	kcpuset_countset	wqk_kcpuset_countset
#define	kcpuset_atomic_set	wqk_kcpuset_atomic_set
#define	kcpuset_atomic_clear	wqk_kcpuset_atomic_clear
#define	kcpuset_atomicly_intersect wqk_kcpuset_atomicly_intersect
#define	kcpuset_atomicly_merge	wqk_kcpuset_atomicly_merge
#define	kcpuset_atomicly_remove	wqk_kcpuset_atomicly_remove
#define	kcpuset_attached	(wqk_kcpuset_all())
#define	kcpuset_running		(wqk_kcpuset_all())

/*
 * kcpuset_create() creates a set.  The set is empty if the argument is true,
 * and otherwise undefined.  kcpuset_clone() creates a copy of a set.  Both may
 * sleep.
 */
void	kcpuset_create(kcpuset_t **, bool);
void	kcpuset_clone(kcpuset_t **, const kcpuset_t *);

/* kcpuset_use() adds a reference.  The others drop one. */
void	kcpuset_destroy(kcpuset_t *);
void	kcpuset_use(kcpuset_t *);
void	kcpuset_unuse(kcpuset_t *, kcpuset_t **);
/* Copy a set.  Remove or add all CPUs.  Add or remove one CPU. */
void	kcpuset_copy(kcpuset_t *, const kcpuset_t *);
void	kcpuset_zero(kcpuset_t *);
void	kcpuset_fill(kcpuset_t *);
void	kcpuset_set(kcpuset_t *, unsigned long);
void	kcpuset_clear(kcpuset_t *, unsigned long);
/*
 * Return true if the CPU is a member; if another CPU is a member; if the set is
 * empty; if two sets are equal; if they have a common member.
 */
bool	kcpuset_isset(const kcpuset_t *, unsigned long);
bool	kcpuset_isotherset(const kcpuset_t *, unsigned long);
bool	kcpuset_iszero(const kcpuset_t *);
bool	kcpuset_match(const kcpuset_t *, const kcpuset_t *);
bool	kcpuset_intersecting_p(const kcpuset_t *, const kcpuset_t *);

/* Store the intersection, the union, or the difference in the first set. */
void	kcpuset_intersect(kcpuset_t *, const kcpuset_t *);
void	kcpuset_merge(kcpuset_t *, const kcpuset_t *);
void	kcpuset_remove(kcpuset_t *, const kcpuset_t *);

/*
 * Return the first member of a set, or of both sets, counted from 1, or 0 if
 * there is none.  Return the number of members.
 */
unsigned long kcpuset_ffs(const kcpuset_t *);
unsigned long kcpuset_ffs_intersecting(const kcpuset_t *, const kcpuset_t *);
int	kcpuset_countset(const kcpuset_t *);

/*
 * The same operations, while other threads may modify the set.  Each CPU's bit
 * changes atomically.
 */
void	kcpuset_atomic_set(kcpuset_t *, unsigned long);
void	kcpuset_atomic_clear(kcpuset_t *, unsigned long);
void	kcpuset_atomicly_intersect(kcpuset_t *, const kcpuset_t *);
void	kcpuset_atomicly_merge(kcpuset_t *, const kcpuset_t *);
void	kcpuset_atomicly_remove(kcpuset_t *, const kcpuset_t *);

/* Return the set of all CPUs; read-only. */
kcpuset_t *wqk_kcpuset_all(void);

__WQ_END_DECLS

#endif	/* !_SYS_KCPUSET_H_ */
