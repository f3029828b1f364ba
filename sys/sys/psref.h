/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * psref(9): passive references.  In a pserialize(9) read section, a bound
 * thread finds an object and acquires a reference to it.
 */

#ifndef _SYS_PSREF_H_
#define	_SYS_PSREF_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

struct lwp;
struct psref_class;

/* The target of references; embed it.  Its fields belong to the library. */
struct psref_target {
	struct psref_class *prt_class;
	unsigned int	 prt_refs;	/* (a) count, and a destroying bit */
	void		*prt_spare;	/* for later releases */
};

/* A reference, in its holder's memory.  Its fields belong to the library. */
struct psref {
	struct psref	*psref_next;	/* next one of this thread */
	const struct psref_target *psref_target;
	struct lwp	*psref_lwp;
	void		*psref_spare;	/* for later releases */
};

#define	psref_class_create	wqk_psref_class_create
#define	psref_class_destroy	wqk_psref_class_destroy
#define	psref_target_init	wqk_psref_target_init
#define	psref_target_destroy	wqk_psref_target_destroy
#define	psref_acquire		wqk_psref_acquire
#define	psref_release		wqk_psref_release
#define	psref_copy		wqk_psref_copy
#define	psref_held		wqk_psref_held

/* Create a class of targets.  References are taken at its IPL. */
struct psref_class *psref_class_create(const char *, int);
void	psref_class_destroy(struct psref_class *);

/* Initialise a target. */
void	psref_target_init(struct psref_target *, struct psref_class *);

/*
 * Wait until the target has no references.  Before this, the caller must make
 * sure that no other thread finds the target any more.
 */
void	psref_target_destroy(struct psref_target *, struct psref_class *);

/*
 * psref_acquire() acquires a reference.  The caller must be in a read section,
 * or hold another reference to the target.  psref_release() releases a
 * reference.
 */
void	psref_acquire(struct psref *, const struct psref_target *,
	    struct psref_class *);
void	psref_release(struct psref *, const struct psref_target *,
	    struct psref_class *);

/* Acquire one more reference to a target.  The caller holds one already. */
void	psref_copy(struct psref *, const struct psref *,
	    struct psref_class *);

/* Return true if the calling thread holds a reference to this target. */
bool	psref_held(const struct psref_target *, struct psref_class *);

__WQ_END_DECLS

#endif	/* !_SYS_PSREF_H_ */
