/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * hook(9): lists of functions that a client calls at an event, and functions
 * to call when the process exits.
 */

#ifndef _SYS_HOOK_H_
#define	_SYS_HOOK_H_

#include <sys/wq_types.h>
#include <sys/mutex.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

#define	HOOKNAMSIZ	128

typedef struct khook_list khook_list_t;
typedef struct hook_desc khook_t;

#define	simplehook_create	wqk_simplehook_create
#define	simplehook_destroy	wqk_simplehook_destroy
#define	simplehook_dohooks	wqk_simplehook_dohooks
#define	simplehook_establish	wqk_simplehook_establish
#define	simplehook_disestablish	wqk_simplehook_disestablish
#define	simplehook_has_hooks	wqk_simplehook_has_hooks

/* Make an empty list.  The text is the wait message of waiting threads. */
khook_list_t *simplehook_create(int, const char *);

/* Destroy a list, which must be empty and not in use. */
void	 simplehook_destroy(khook_list_t *);

/* Call the hooks, latest first.  Return 0, or EBUSY if a call is active. */
int	 simplehook_dohooks(khook_list_t *);

/* Add a hook: a function and its argument. */
khook_t	*simplehook_establish(khook_list_t *, void (*)(void *), void *);

/*
 * Remove a hook, and wait until it is not running.  The mutex is NULL or held
 * by the caller.  simplehook_disestablish() releases the mutex while it waits.
 */
void	 simplehook_disestablish(khook_list_t *, khook_t *, kmutex_t *);

/* Return true if the list has hooks. */
bool	 simplehook_has_hooks(khook_list_t *);

/*
 * Call a function when the process exits: see hook(9).
 * shutdownhook_establish() returns a handle, or NULL if there is no memory.
 * shutdownhook_disestablish() cancels the call.
 */
#define	shutdownhook_establish		wqk_shutdownhook_establish
#define	shutdownhook_disestablish	wqk_shutdownhook_disestablish
#define	doshutdownhooks			wqk_doshutdownhooks
void	*shutdownhook_establish(void (*)(void *), void *);
void	 shutdownhook_disestablish(void *);

/* Call the shutdown hooks now, latest first, each once. */
void	 doshutdownhooks(void);

__WQ_END_DECLS

#endif	/* !_SYS_HOOK_H_ */
