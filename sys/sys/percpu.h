/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * percpu(9): memory of which each CPU has a copy.
 */

#ifndef _SYS_PERCPU_H_
#define	_SYS_PERCPU_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <stddef.h>

__WQ_BEGIN_DECLS

typedef struct percpu percpu_t;

/* Of one copy: the copy, the argument, its CPU. */
typedef void (*percpu_callback_t)(void *, void *, struct cpu_info *);

#define	percpu_alloc		wqk_percpu_alloc
#define	percpu_create		wqk_percpu_create
#define	percpu_free		wqk_percpu_free
#define	percpu_getref		wqk_percpu_getref
#define	percpu_putref		wqk_percpu_putref
#define	percpu_foreach		wqk_percpu_foreach
#define	percpu_foreach_xcall	wqk_percpu_foreach_xcall

/* Zeroed copies of that size; waits for memory, never NULL. */
percpu_t *percpu_alloc(size_t);

/* The same, with a constructor and a destructor of each copy, or NULL. */
percpu_t *percpu_create(size_t, percpu_callback_t, percpu_callback_t,
	    void *);
void	 percpu_free(percpu_t *, size_t);

/* A copy that is the caller's alone until percpu_putref(). */
void	*percpu_getref(percpu_t *);
void	 percpu_putref(percpu_t *);

/* Call for each copy, which may be in use meanwhile. */
void	 percpu_foreach(percpu_t *, percpu_callback_t, void *);

/* Call for each copy on its CPU, when nobody uses it; xcall(9)'s flags. */
void	 percpu_foreach_xcall(percpu_t *, unsigned int, percpu_callback_t,
	    void *);

__WQ_END_DECLS

#endif	/* !_SYS_PERCPU_H_ */
