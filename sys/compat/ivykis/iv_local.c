/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): items without a pool.  The thread that submits them runs them.
 */

#include "iv_impl.h"

#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/once.h>
#include <sys/proc.h>

/*
 * A thread's items without a pool.  Only that thread uses this.
 */
struct iv_local {
	struct iv_task	 il_task;
	struct iv_work_item *il_first;	/* oldest; NULL: none */
	struct iv_work_item *il_last;
	bool		 il_worker;	/* has no loop and no il_task */
};

static ONCE_DECL(iv_once);
static specificdata_key_t iv_localkey;	/* set once; key of struct iv_local */
int	iv_workerlocal;		/* (a) a worker has such items */

static void
iv_local_free(void *arg)
{

	kmem_free(arg, sizeof(struct iv_local));
}

static int
iv_init_once(void)
{

	return lwp_specific_key_create(&iv_localkey, iv_local_free);
}

/*
 * Run the items that have been submitted.  Items that the callbacks submit wait
 * for the next call.
 */
static void
iv_local_run(void *arg)
{
	struct iv_work_item *item, *next;
	struct iv_local *il;
	bool checking;

	il = arg;
	checking = wqpool_checking();
	next = il->il_first;
	il->il_first = NULL;
	while ((item = next) != NULL) {
		next = iv_item_next(item);
		if (item->completion == NULL) {
			if (checking)
				iv_item_checkout(item);
			iv_item_call(item);
			continue;
		}
		iv_item_call(item);
		if (checking)
			iv_item_checkout(item);
		(*item->completion)(item->cookie);
	}
}

static struct iv_local *
iv_local_get(bool worker)
{
	struct iv_local *il;

	if (RUN_ONCE(&iv_once, iv_init_once) != 0)
		iv_fatal("iv_work: no key for data of threads");
	if ((il = lwp_getspecific(iv_localkey)) != NULL)
		return il;
	il = kmem_zalloc(sizeof(*il), KM_SLEEP);
	il->il_worker = worker;
	IV_TASK_INIT(&il->il_task);
	il->il_task.cookie = il;
	il->il_task.handler = iv_local_run;
	lwp_setspecific(iv_localkey, il);
	return il;
}

/*
 * Prepare the calling worker.
 */
void
iv_local_init(void)
{

	(void)iv_local_get(true);
}

void
iv_local_submit(struct iv_work_item *item, const char *func)
{
	struct iv_local *il;

	if (!iv_inited())
		iv_fatal("%s: iv_init() was not called in this thread", func);
	il = iv_local_get(false);
	if (wqpool_checking())
		iv_item_checkin(item, il, func);
	iv_item_setnext(item, NULL);
	if (il->il_first == NULL)
		il->il_first = item;
	else
		iv_item_setnext(il->il_last, item);
	il->il_last = item;
	if (il->il_worker)
		atomic_store_relaxed(&iv_workerlocal, 1);
	else if (!iv_task_registered(&il->il_task))
		iv_task_register(&il->il_task);
}

/*
 * Run all items of the calling worker.
 */
void
iv_local_loop(void)
{
	struct iv_local *il;

	il = lwp_getspecific(iv_localkey);
	while (il->il_first != NULL)
		iv_local_run(il);
}
