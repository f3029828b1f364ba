/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * RUN_ONCE(9): one-time initialisation.
 */

#ifndef _SYS_ONCE_H_
#define	_SYS_ONCE_H_

#include <sys/atomic.h>
#include <sys/wq_types.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

/*
 * The state of one initialisation, all zero at first.  Its fields belong to the
 * library.
 */
typedef struct {
	int		 o_error;	/* the function's result */
	uint16_t	 o_refcnt;	/* INIT_ONCE() less FINI_ONCE() calls */
	uint16_t	 o_status;
	struct lwp	*o_lwp;		/* thread that runs the function */
} once_t;

#define	ONCE_VIRGIN	0
#define	ONCE_RUNNING	1
#define	ONCE_DONE	2

#define	ONCE_DECL(o)	once_t o = { 0, 0, ONCE_VIRGIN, 0 }

/* Call the function once.  Return its value to every caller. */
#define	RUN_ONCE(o, fn)							\
	(atomic_load_acquire(&(o)->o_status) == ONCE_DONE ?		\
	    (o)->o_error : wqk_init_once((o), (fn)))

/*
 * INIT_ONCE() does the same and counts its calls.  The FINI_ONCE() that brings
 * the count back to 0 calls its function.
 */
#define	INIT_ONCE(o, fn)	wqk_init_once((o), (fn))
#define	FINI_ONCE(o, fn)	wqk_fini_once((o), (fn))

/* The functions that the macros call. */
int	wqk_init_once(once_t *, int (*)(void));
void	wqk_fini_once(once_t *, void (*)(void));

__WQ_END_DECLS

#endif	/* !_SYS_ONCE_H_ */
