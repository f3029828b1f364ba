/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A table that is read without locks, as in network code.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/atomic.h>
#include <sys/cpu.h>
#include <sys/kcpuset.h>
#include <sys/kmem.h>
#include <sys/localcount.h>
#include <sys/mutex.h>
#include <sys/pserialize.h>
#include <sys/psref.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/workqueue.h>
#include <sys/xcall.h>

struct entry {
	LIST_ENTRY(entry)	e_link;
	RB_ENTRY(entry)		e_node;
	struct psref_target	e_target;
	int			e_key;
};

static LIST_HEAD(, entry) entries = LIST_HEAD_INITIALIZER(entries);
static RB_HEAD(entry_tree, entry) entry_tree = RB_INITIALIZER(&entry_tree);
static kmutex_t *entry_lock;
static pserialize_t entry_psz;
static struct psref_class *entry_class;

static int
entry_cmp(struct entry *a, struct entry *b)
{

	return a->e_key - b->e_key;
}
RB_PROTOTYPE_STATIC(entry_tree, entry, e_node, entry_cmp)
RB_GENERATE_STATIC(entry_tree, entry, e_node, entry_cmp)

static struct entry *
entry_get(int key, struct psref *psref)
{
	struct entry *e;
	int s;

	s = pserialize_read_enter();
	LIST_FOREACH(e, &entries, e_link)
		if (e->e_key == key)
			break;
	if (e != NULL)
		psref_acquire(psref, &e->e_target, entry_class);
	pserialize_read_exit(s);
	return e;
}

static void
entry_add(int key)
{
	struct entry *e;

	e = kmem_zalloc(sizeof(*e), KM_SLEEP);
	e->e_key = key;
	psref_target_init(&e->e_target, entry_class);
	mutex_enter(entry_lock);
	LIST_INSERT_HEAD(&entries, e, e_link);
	RB_INSERT(entry_tree, &entry_tree, e);
	mutex_exit(entry_lock);
}

static void
entry_remove(struct entry *e)
{

	mutex_enter(entry_lock);
	LIST_REMOVE(e, e_link);
	RB_REMOVE(entry_tree, &entry_tree, e);
	pserialize_perform(entry_psz);
	mutex_exit(entry_lock);
	psref_target_destroy(&e->e_target, entry_class);
	kmem_free(e, sizeof(*e));
}

static void
entry_here(void *arg1, void *arg2)
{

	kcpuset_atomic_set(arg1, cpu_index(curcpu()));
}

int lookup_test(void);

int
lookup_test(void)
{
	struct entry *e, key = { .e_key = 5 };
	struct psref psref;
	kcpuset_t *kcp;
	int bound, i;

	entry_lock = mutex_obj_alloc(MUTEX_DEFAULT, IPL_SOFTNET);
	entry_psz = pserialize_create();
	entry_class = psref_class_create("entry", IPL_SOFTNET);
	for (i = 0; i < 10; i++)
		entry_add(i);

	bound = curlwp_bind();
	e = entry_get(5, &psref);
	if (e == NULL || !psref_held(&e->e_target, entry_class))
		return 1;
	psref_release(&psref, &e->e_target, entry_class);
	if (entry_get(10, &psref) != NULL)
		return 1;
	curlwp_bindx(bound);
	if (RB_FIND(entry_tree, &entry_tree, &key) != e)
		return 1;

	kcpuset_create(&kcp, true);
	xc_wait(xc_broadcast(xc_encode_ipl(IPL_SOFTNET), entry_here, kcp,
	    NULL));
	if (!kcpuset_match(kcp, kcpuset_running) ||
	    (unsigned)kcpuset_countset(kcp) > maxcpus)
		return 1;
	kcpuset_destroy(kcp);

	i = 0;
	while ((e = RB_MIN(entry_tree, &entry_tree)) != NULL) {
		if (e->e_key != i++)
			return 1;
		entry_remove(e);
	}
	psref_class_destroy(entry_class);
	pserialize_destroy(entry_psz);
	return mutex_obj_free(entry_lock) && i == 10 ? 0 : 1;
}
