/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * percpu(9): memory with one copy per CPU.
 */

#ifndef _SYS_PERCPU_H_
#define	_SYS_PERCPU_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <stddef.h>

__WQ_BEGIN_DECLS

typedef struct percpu percpu_t;

/* The function gets a copy, the argument, and the copy's CPU. */
typedef void (*percpu_callback_t)(void *, void *, struct cpu_info *);

#define	percpu_alloc		wqk_percpu_alloc
#define	percpu_create		wqk_percpu_create
#define	percpu_free		wqk_percpu_free
#define	percpu_getref		wqk_percpu_getref
#define	percpu_putref		wqk_percpu_putref
#define	percpu_getptr_remote	wqk_percpu_getptr_remote
#define	percpu_foreach		wqk_percpu_foreach
#define	percpu_foreach_xcall	wqk_percpu_foreach_xcall

/* Allocate zeroed copies.  May sleep.  Never returns NULL. */
percpu_t *percpu_alloc(size_t);

/*
 * The same, with a constructor and a destructor for each copy.  Each may be
 * NULL.
 */
percpu_t *percpu_create(size_t, percpu_callback_t, percpu_callback_t,
	    void *);
void	 percpu_free(percpu_t *, size_t);

/* Get a copy that only the caller uses until percpu_putref(). */
void	*percpu_getref(percpu_t *);
void	 percpu_putref(percpu_t *);

/* Get the copy of a CPU.  A thread of that CPU may use it at the same time. */
void	*percpu_getptr_remote(percpu_t *, struct cpu_info *);

/* Call a function for each copy, even if a thread of its CPU uses the copy. */
void	 percpu_foreach(percpu_t *, percpu_callback_t, void *);

/*
 * Call a function for each copy, on the copy's CPU, while the copy is not in
 * use.  The flags are those of xcall(9).
 */
void	 percpu_foreach_xcall(percpu_t *, unsigned int, percpu_callback_t,
	    void *);

__WQ_END_DECLS

#endif	/* !_SYS_PERCPU_H_ */
