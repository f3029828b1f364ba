/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * lwp_specific(9).  The values of a thread are in an array, to which the
 * thread's lwp points.
 *
 * The array belongs to the thread.  specific_lock guards the list of all
 * arrays, the table of keys, and the replacement of an array by a larger one.
 * A thread that ends takes its values out of the array by a swap.  So does a
 * thread that deletes the key.  So exactly one of the two calls the destructor.
 */

#include <errno.h>

#include "kern.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_specificdata.h"

#include <sys/condvar.h>

#define	SPECIFIC_KEYS	256
#define	SPECIFIC_GRAIN	8		/* array sizes are multiples */
#define	SPECIFIC_ROUNDS	4		/* the minimum of POSIX */

struct specificdata {
	struct specificdata *sd_next;	/* (l) */
	struct specificdata **sd_prevp;	/* (l) */
	unsigned	 sd_nvalues;
	void		*sd_values[];	/* (a) */
};

/* specific_lock guards all of it.  (a): also read without the lock. */
static struct {
	bool		 sk_used;	/* (a) */
	specificdata_dtor_t sk_dtor;
	int		 sk_calls;	/* calls by ending threads */
} specific_keys[SPECIFIC_KEYS];
static struct specificdata *specific_list;

KERN_MUTEX(specific_lock);
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
	/* Acquire: the destructor sees what the value points to. */
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

	KERN_CHECK(context_check_sleep("lwp_specific_key_delete"));
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
		/*
		 * The list may have changed, so begin again.  Values that were
		 * taken are no longer there.
		 */
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
	/*
	 * Acquire: a handler that has interrupted specific_grow() sees a
	 * complete array.  Pairs with the release there.
	 */
	sd = atomic_load_acquire(&l->l_specific);
	if (sd == NULL || key >= sd->sd_nvalues)
		return NULL;
	return atomic_load_relaxed(&sd->sd_values[key]);
}

/*
 * Replace a thread's array by one that has room for the key.
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
	/* Release: a handler on this thread sees a complete array. */
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

	/* No lock: the caller must ensure that the key exists. */
	specific_check(key, func);
	sd = l->l_specific;
	if (sd == NULL || key >= sd->sd_nvalues) {
		if (value == NULL)
			return;
		sd = specific_grow(l, key);
	}
	/*
	 * Release: if a thread deletes the key, it sees what value points to.
	 */
	atomic_store_release(&sd->sd_values[key], value);
}

__kern_public void
lwp_setspecific(specificdata_key_t key, void *value)
{

	specific_set(curlwp_get(), key, value, "lwp_setspecific");
}

/*
 * Set a value of another thread.  The caller ensures that the thread neither
 * runs nor has ended.
 */
__kern_public void
lwp_setspecific_by_lwp(struct lwp *l, specificdata_key_t key, void *value)
{

	specific_set(l, key, value, "lwp_setspecific_by_lwp");
}

/*
 * Call the destructors for the values of a thread that ends, once for each.
 * Return true if there were any.
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
	/* A destructor may replace the array by a larger one. */
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
 * Destroy the values of a thread that ends, and free its array.
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
 * Forget the values of the parent's other threads, in a forked child.
 */
void
specific_fork(struct lwp *l)
{
	struct specificdata *sd;
	unsigned key;

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
