/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callback(9).  A thread changes the list, under ch_lock, only while no thread
 * walks it: then ch_running is 0.  While a thread waits for this, no other
 * thread begins to walk the list.
 */

#include <sys/callback.h>
#include <sys/condvar.h>

#include "kern.h"
#include "kern_mutex.h"
#include "kern_param.h"

__kern_public void
callback_head_init(struct callback_head *ch, int ipl)
{

	mutex_init(&ch->ch_lock, MUTEX_DEFAULT, ipl);
	cv_init(&ch->ch_cv, "callback");
	ch->ch_first = ch->ch_last = ch->ch_next = NULL;
	ch->ch_nentries = ch->ch_running = ch->ch_unregister = 0;
}

__kern_public void
callback_head_destroy(struct callback_head *ch)
{

	KASSERTMSG(ch->ch_running == 0,
	    "callback_head_destroy: %p runs callbacks", (void *)ch);
	cv_destroy(&ch->ch_cv);
	mutex_destroy(&ch->ch_lock);
}

/*
 * Wait until no thread walks the list.
 */
static void
callback_settle(struct callback_head *ch)
{

	KERN_CHECK(KASSERT(mutex_owned(&ch->ch_lock)));
	ch->ch_unregister++;
	while (ch->ch_running != 0)
		cv_wait(&ch->ch_cv, &ch->ch_lock);
	if (--ch->ch_unregister == 0)
		cv_broadcast(&ch->ch_cv);
}

static void
callback_run_enter(struct callback_head *ch)
{

	mutex_enter(&ch->ch_lock);
	/* Let threads that change the list go first, or they could starve. */
	while (ch->ch_unregister != 0)
		cv_wait(&ch->ch_cv, &ch->ch_lock);
	ch->ch_running++;
	mutex_exit(&ch->ch_lock);
}

static void
callback_run_leave(struct callback_head *ch)
{

	mutex_enter(&ch->ch_lock);
	KASSERT(ch->ch_running > 0);
	if (--ch->ch_running == 0)
		cv_broadcast(&ch->ch_cv);
	mutex_exit(&ch->ch_lock);
}

__kern_public void
callback_register(struct callback_head *ch, struct callback_entry *ce,
    void *obj, int (*func)(struct callback_entry *, void *, void *))
{

	ce->ce_func = func;
	ce->ce_obj = obj;
	ce->ce_next = NULL;

	mutex_enter(&ch->ch_lock);
	callback_settle(ch);
	if (ch->ch_last == NULL)
		ch->ch_first = ce;
	else
		ch->ch_last->ce_next = ce;
	ch->ch_last = ce;
	ch->ch_nentries++;
	mutex_exit(&ch->ch_lock);
}

__kern_public void
callback_unregister(struct callback_head *ch, struct callback_entry *ce)
{
	struct callback_entry **cep, *prev;

	mutex_enter(&ch->ch_lock);
	callback_settle(ch);
	prev = NULL;
	for (cep = &ch->ch_first; *cep != ce; cep = &(*cep)->ce_next) {
		KASSERTMSG(*cep != NULL,
		    "callback_unregister: %p is not in %p", (void *)ce,
		    (void *)ch);
		prev = *cep;
	}
	*cep = ce->ce_next;
	if (ch->ch_last == ce)
		ch->ch_last = prev;
	if (ch->ch_next == ce)
		ch->ch_next = ce->ce_next;
	ch->ch_nentries--;
	mutex_exit(&ch->ch_lock);
}

__kern_public int
callback_run(struct callback_head *ch, void *arg)
{
	struct callback_entry *ce;
	int result;

	result = CALLBACK_CHAIN_CONTINUE;
	callback_run_enter(ch);
	for (ce = ch->ch_first; ce != NULL; ce = ce->ce_next) {
		result = (*ce->ce_func)(ce, ce->ce_obj, arg);
		if (result != CALLBACK_CHAIN_CONTINUE)
			break;
	}
	callback_run_leave(ch);
	return result;
}

/*
 * Return the next entry to call.  The list cannot change, because the caller is
 * counted in ch_running.
 */
static struct callback_entry *
callback_turn(struct callback_head *ch)
{
	struct callback_entry *ce;

	mutex_enter(&ch->ch_lock);
	if ((ce = ch->ch_next) == NULL)
		ce = ch->ch_first;
	if (ce != NULL)
		ch->ch_next = ce->ce_next;
	mutex_exit(&ch->ch_lock);
	return ce;
}

__kern_public int
callback_runone(struct callback_head *ch, void *arg)
{
	struct callback_entry *ce;
	int result;

	result = CALLBACK_CHAIN_CONTINUE;
	callback_run_enter(ch);
	if ((ce = callback_turn(ch)) != NULL)
		result = (*ce->ce_func)(ce, ce->ce_obj, arg);
	callback_run_leave(ch);
	return result;
}

__kern_public int
callback_run_roundrobin(struct callback_head *ch, void *arg)
{
	struct callback_entry *ce;
	unsigned i, n;
	int result;

	result = CALLBACK_CHAIN_CONTINUE;
	callback_run_enter(ch);
	n = ch->ch_nentries;
	for (i = 0; i < n && (ce = callback_turn(ch)) != NULL; i++) {
		result = (*ce->ce_func)(ce, ce->ce_obj, arg);
		if (result != CALLBACK_CHAIN_CONTINUE)
			break;
	}
	callback_run_leave(ch);
	return result;
}
