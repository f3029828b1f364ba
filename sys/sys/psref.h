/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * psref(9): passive references, which a thread that is bound holds to
 * something that it has found under pserialize(9).
 */

#ifndef _SYS_PSREF_H_
#define	_SYS_PSREF_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

struct lwp;
struct psref_class;

/* What is referred to; embed it.  Its fields are the library's. */
struct psref_target {
	struct psref_class *prt_class;
	unsigned int	 prt_refs;	/* (a) and a bit: being destroyed */
};

/* A reference, in the holder's memory.  Its fields are the library's. */
struct psref {
	struct psref	*psref_next;	/* of the same thread */
	const struct psref_target *psref_target;
	struct lwp	*psref_lwp;
};

#define	psref_class_create	wqk_psref_class_create
#define	psref_class_destroy	wqk_psref_class_destroy
#define	psref_target_init	wqk_psref_target_init
#define	psref_target_destroy	wqk_psref_target_destroy
#define	psref_acquire		wqk_psref_acquire
#define	psref_release		wqk_psref_release
#define	psref_copy		wqk_psref_copy
#define	psref_held		wqk_psref_held

/* A kind of target, and the level at which references are taken. */
struct psref_class *psref_class_create(const char *, int);
void	psref_class_destroy(struct psref_class *);

void	psref_target_init(struct psref_target *, struct psref_class *);

/* Wait until nobody refers to it; nobody can find it any more. */
void	psref_target_destroy(struct psref_target *, struct psref_class *);

/* Between pserialize_read_enter() and exit, or with another reference. */
void	psref_acquire(struct psref *, const struct psref_target *,
	    struct psref_class *);
void	psref_release(struct psref *, const struct psref_target *,
	    struct psref_class *);

/* Another one, to what one that is held refers to. */
void	psref_copy(struct psref *, const struct psref *,
	    struct psref_class *);

/* Does the calling thread hold one? */
bool	psref_held(const struct psref_target *, struct psref_class *);

__WQ_END_DECLS

#endif	/* !_SYS_PSREF_H_ */
