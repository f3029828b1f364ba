/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * RUN_ONCE(9): initialise once.
 */

#ifndef _SYS_ONCE_H_
#define	_SYS_ONCE_H_

#include <sys/atomic.h>
#include <sys/wq_types.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

/* A control; its fields are the library's.  Zero bytes are an unused one. */
typedef struct {
	int		 o_error;	/* what the function returned */
	uint16_t	 o_refcnt;	/* INIT_ONCE() less FINI_ONCE() */
	uint16_t	 o_status;
	struct lwp	*o_lwp;		/* who runs the function */
} once_t;

#define	ONCE_VIRGIN	0
#define	ONCE_RUNNING	1
#define	ONCE_DONE	2

#define	ONCE_DECL(o)	once_t o = { 0, 0, ONCE_VIRGIN, 0 }

/* Have the function called once; what it returned. */
#define	RUN_ONCE(o, fn)							\
	(atomic_load_acquire(&(o)->o_status) == ONCE_DONE ?		\
	    (o)->o_error : wqk_init_once((o), (fn)))

/* The same, counting; the last FINI_ONCE() undoes it. */
#define	INIT_ONCE(o, fn)	wqk_init_once((o), (fn))
#define	FINI_ONCE(o, fn)	wqk_fini_once((o), (fn))

int	wqk_init_once(once_t *, int (*)(void));
void	wqk_fini_once(once_t *, void (*)(void));

__WQ_END_DECLS

#endif	/* !_SYS_ONCE_H_ */
