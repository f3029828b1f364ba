/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * lwp_specific(9): a thread's values are an array that its lwp points to.
 *
 * The array is the thread's own; the lock is for the list of all of them, the
 * table of keys, and the exchange of an array for a larger one.  A value is
 * taken out by a swap, so that of the thread's end and the key's exactly one
 * calls the destructor.
 */

#include <errno.h>

#include "kern.h"

#include <sys/condvar.h>

#define	SPECIFIC_KEYS	256
#define	SPECIFIC_GRAIN	8		/* values more at a time */
#define	SPECIFIC_ROUNDS	4		/* as POSIX asks at least */

struct specificdata {
	struct specificdata *sd_next;	/* (l) */
	struct specificdata **sd_prevp;	/* (l) */
	unsigned	 sd_nvalues;
	void		*sd_values[];	/* (a) */
};

/* All under specific_lock; (a) also read without. */
static struct {
	bool		 sk_used;	/* (a) */
	specificdata_dtor_t sk_dtor;
	int		 sk_calls;	/* of the destructor */
} specific_keys[SPECIFIC_KEYS];
static struct specificdata *specific_list;

/* Zeros are an adaptive mutex that is free, and not watched. */
static kmutex_t		specific_lock = KMUTEX_INITIALIZER;
static kcondvar_t	specific_cv = { .cv_wmesg = "specific" };

__kern_public int
lwp_specific_key_create(specificdata_key_t *keyp, specificdata_dtor_t dtor)
{
	specificdata_key_t key;

	mutex_enter(&specific_lock);
	for (key = 0; key < SPECIFIC_KEYS; key++)
		if (!specific_keys[key].sk_used)
			break;
	if (key < SPECIFIC_KEYS) {
		atomic_store_relaxed(&specific_keys[key].sk_used, true);
		specific_keys[key].sk_dtor = dtor;
	}
	mutex_exit(&specific_lock);
	if (key == SPECIFIC_KEYS)
		return EAGAIN;
	*keyp = key;
	return 0;
}

static void *
specific_take(struct specificdata *sd, specificdata_key_t key)
{

	if (key >= sd->sd_nvalues ||
	    atomic_load_relaxed(&sd->sd_values[key]) == NULL)
		return NULL;
	/* Acquire: what is behind the value, for the destructor. */
	return atomic_swap_acq_rel(&sd->sd_values[key], NULL);
}

static void
specific_check(specificdata_key_t key, const char *func)
{

	KASSERTMSG(key < SPECIFIC_KEYS &&
	    atomic_load_relaxed(&specific_keys[key].sk_used),
	    "%s: no key %u", func, key);
}

__kern_public void
lwp_specific_key_delete(specificdata_key_t key)
{
	struct specificdata *sd;
	specificdata_dtor_t dtor;
	void *value;

	if (KERN_CHECKING())
		wqcheck_sleepable("lwp_specific_key_delete");
	mutex_enter(&specific_lock);
	specific_check(key, "lwp_specific_key_delete");
	dtor = specific_keys[key].sk_dtor;
	for (sd = specific_list; sd != NULL;) {
		if ((value = specific_take(sd, key)) == NULL || dtor == NULL) {
			sd = sd->sd_next;
			continue;
		}
		mutex_exit(&specific_lock);
		(*dtor)(value);
		mutex_enter(&specific_lock);
		/* The list may have changed; what was taken is gone. */
		sd = specific_list;
	}
	while (specific_keys[key].sk_calls != 0)
		cv_wait(&specific_cv, &specific_lock);
	atomic_store_relaxed(&specific_keys[key].sk_used, false);
	mutex_exit(&specific_lock);
}

__kern_public void *
lwp_getspecific(specificdata_key_t key)
{
	struct specificdata *sd;
	struct lwp *l;

	if ((l = host_self()) == NULL)
		return NULL;
	/* Acquire: pairs with the release in specific_grow(), for handlers. */
	sd = atomic_load_acquire(&l->l_specific);
	if (sd == NULL || key >= sd->sd_nvalues)
		return NULL;
	return atomic_load_relaxed(&sd->sd_values[key]);
}

/*
 * Have room for a key.
 */
static struct specificdata *
specific_grow(struct lwp *l, specificdata_key_t key)
{
	struct specificdata *old, *sd;
	unsigned i, n;

	old = l->l_specific;
	n = key - key % SPECIFIC_GRAIN + SPECIFIC_GRAIN;
	sd = host_alloc(sizeof(*sd) + n * sizeof(sd->sd_values[0]));
	if (sd == NULL)
		panic("lwp_setspecific: no memory");
	sd->sd_nvalues = n;
	mutex_enter(&specific_lock);
	if (old != NULL) {
		for (i = 0; i < old->sd_nvalues; i++)
			sd->sd_values[i] = old->sd_values[i];
		*old->sd_prevp = old->sd_next;
		if (old->sd_next != NULL)
			old->sd_next->sd_prevp = old->sd_prevp;
	}
	sd->sd_next = specific_list;
	sd->sd_prevp = &specific_list;
	if (sd->sd_next != NULL)
		sd->sd_next->sd_prevp = &sd->sd_next;
	specific_list = sd;
	/* Release: a handler on this thread finds one that is filled. */
	atomic_store_release(&l->l_specific, sd);
	mutex_exit(&specific_lock);
	host_free(old);
	return sd;
}

static void
specific_set(struct lwp *l, specificdata_key_t key, void *value,
    const char *func)
{
	struct specificdata *sd;

	/* Not under the lock: who may use the key knows that it is made. */
	specific_check(key, func);
	sd = l->l_specific;
	if (sd == NULL || key >= sd->sd_nvalues) {
		if (value == NULL)
			return;
		sd = specific_grow(l, key);
	}
	/* Release: the key's deletion, by another thread, finds what it is. */
	atomic_store_release(&sd->sd_values[key], value);
}

__kern_public void
lwp_setspecific(specificdata_key_t key, void *value)
{

	specific_set(curlwp_get(), key, value, "lwp_setspecific");
}

/*
 * The caller sees to it that the thread does not run, and is not ended.
 */
__kern_public void
lwp_setspecific_by_lwp(struct lwp *l, specificdata_key_t key, void *value)
{

	specific_set(l, key, value, "lwp_setspecific_by_lwp");
}

/*
 * One round over the values of a thread that ends; true if there were any.
 */
static bool
specific_round(struct lwp *l)
{
	struct specificdata *sd;
	specificdata_dtor_t dtor;
	specificdata_key_t key;
	void *value;
	bool any;

	any = false;
	/* A destructor may have it grow. */
	for (key = 0; key < l->l_specific->sd_nvalues; key++) {
		sd = l->l_specific;
		mutex_enter(&specific_lock);
		dtor = NULL;
		if ((value = specific_take(sd, key)) != NULL &&
		    (dtor = specific_keys[key].sk_dtor) != NULL)
			specific_keys[key].sk_calls++;
		mutex_exit(&specific_lock);
		if (dtor == NULL)
			continue;
		any = true;
		(*dtor)(value);
		mutex_enter(&specific_lock);
		if (--specific_keys[key].sk_calls == 0)
			cv_broadcast(&specific_cv);
		mutex_exit(&specific_lock);
	}
	return any;
}

/*
 * A thread ends.
 */
void
specific_exit(struct lwp *l)
{
	struct specificdata *sd;
	int i;

	if (l->l_specific == NULL)
		return;
	for (i = 0; i < SPECIFIC_ROUNDS && specific_round(l); i++)
		continue;
	sd = l->l_specific;
	mutex_enter(&specific_lock);
	*sd->sd_prevp = sd->sd_next;
	if (sd->sd_next != NULL)
		sd->sd_next->sd_prevp = sd->sd_prevp;
	mutex_exit(&specific_lock);
	atomic_store_relaxed(&l->l_specific, NULL);
	host_free(sd);
}

/*
 * In a forked child: the others' values are nobody's.
 */
void
specific_fork(struct lwp *l)
{
	struct specificdata *sd;
	unsigned key;

	atomic_store_relaxed(&specific_lock.mtx_owner, (uintptr_t)0);
	specific_cv.cv_waiters = 0;
	for (key = 0; key < SPECIFIC_KEYS; key++)
		specific_keys[key].sk_calls = 0;
	specific_list = NULL;
	if (l != NULL && (sd = l->l_specific) != NULL) {
		sd->sd_next = NULL;
		sd->sd_prevp = &specific_list;
		specific_list = sd;
	}
}
