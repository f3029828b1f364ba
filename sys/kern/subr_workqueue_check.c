/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * workqueue(9): checks for errors of the client.  Some are made only in
 * checking mode, others always.
 */

#include <limits.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"
#include "subr_workqueue.h"
#include "subr_wqcheck.h"
#include "subr_wqtrace.h"

#define	WQ_FLAGS	(WQ_MPSAFE | WQ_PERCPU | WQ_FPU | WQ_DEDICATED)

/*
 * Check the arguments of a function that creates a queue.  "who" is the name of
 * the function.  Return 0 or an errno value.
 */
int
workqueue_check_args(const char *who, const char *name,
    void (*func)(struct work *, void *), pri_t prio, int ipl, int flags)
{

	if (name == NULL)
		return kern_einval(who, "the name is NULL");
	if (func == NULL)
		return kern_einval(who, "\"%.32s\": the function is NULL",
		    name);
	if ((flags & ~WQ_FLAGS) != 0)
		return kern_einval(who, "\"%.32s\": flags %#x, of which %#x "
		    "are unknown", name, (unsigned)flags,
		    (unsigned)(flags & ~WQ_FLAGS));
	if (prio < PRI_NONE || prio >= PRI_COUNT)
		return kern_einval(who, "\"%.32s\": priority %d, not %d to %d",
		    name, prio, PRI_NONE, PRI_COUNT - 1);
	if (ipl < IPL_NONE || ipl > IPL_HIGH)
		return kern_einval(who, "\"%.32s\": IPL %d, not %d to %d",
		    name, ipl, IPL_NONE, IPL_HIGH);
	return 0;
}

/*
 * Check a call of a function that sleeps.  Panic if the workqueue is NULL.  In
 * checking mode, also panic if it is destroyed or the caller must not sleep.
 */
void
workqueue_check_call(struct workqueue *wq, const char *func)
{

	if (wq == NULL)
		panic("%s: the workqueue is NULL", func);
	kern_fork_catchup();
	if (KERN_CHECKING()) {
		if (!wqcheck_alive(wq))
			panic("%s: workqueue %p is destroyed", func,
			    (void *)wq);
		context_check_sleep_on(func, wq, "workqueue");
	}
}

/*
 * Panic: see workqueue_check_process().
 */
void
workqueue_parents(const char *func, const struct workqueue *wq)
{

	panic("%s: \"%s\" belongs to the parent of this process", func,
	    wq->wq_name);
}

/*
 * Check a call of workqueue_enqueue(), in checking mode.
 */
void
workqueue_check_enqueue(struct workqueue *wq, struct work *wk, uintptr_t site)
{
	const struct workqueue *other;
	const struct lwp *l;

	if (!wqcheck_alive(wq))
		panic("workqueue_enqueue: workqueue %p is destroyed",
		    (void *)wq);
	workqueue_check_process(wq, "workqueue_enqueue");
	/*
	 * In a kernel, two kinds of call can hang.  First, a handler above the
	 * queue's level may have interrupted workqueue_enqueue() for the same
	 * queue.  Second, the lock of the queue may be an adaptive mutex, which
	 * the holder of a spin mutex must not take.
	 */
	if ((l = host_self()) != NULL && l->l_ipl > wq->wq_ipl &&
	    (l->l_intrdepth != 0 || KERN_STRICT() ||
	    (l->l_mtxcount != 0 && wq->wq_ipl < IPL_VM)))
		panic("workqueue_enqueue: \"%s\" has IPL %d, called at IPL "
		    "%d%s", wq->wq_name, wq->wq_ipl, l->l_ipl,
		    lockdebug_made(wq));
	if (wk == NULL)
		panic("workqueue_enqueue: \"%s\": the item is NULL",
		    wq->wq_name);
	if ((other = wqcheck_enqueue(wk, wq, site)) != NULL)
		panic("workqueue_enqueue: item %pI enqueued on \"%s\"%s is "
		    "already pending on \"%s\"%s", (void *)wk, wq->wq_name,
		    lockdebug_made(wq), other->wq_name,
		    lockdebug_made(other));
}

/*
 * Check a pending item.  Checking mode has recorded the contents of its word.
 * If the word has changed, the item's memory was overwritten or freed, or its
 * stack frame is gone.  Then the items behind it are lost.
 */
void
workqueue_check_item(struct workqueue_queue *q, const struct work *wk)
{
	uintptr_t site;

	if (KERN_WATCHED()) {
		host_happens_after(wk);
		host_check_item(wk);
	}
	if (KERN_CHECKING() && !wqcheck_linked(wk, wk->wk_dummy, &site))
		panic("workqueue \"%s\"%s: item %pI, enqueued at %pS, was "
		    "overwritten or freed while pending", q->q_wq->wq_name,
		    lockdebug_made(q->q_wq), (const void *)wk, (void *)site);
}

/*
 * Do what checking mode, a tool and the trace need before a callback is called.
 * workqueue_call_end() does what they need after the callback has returned.
 */
void
workqueue_call_begin(struct workqueue *wq, struct workqueue_queue *q,
    struct work *wk)
{

	if (KERN_CHECKING()) {
		wqcheck_dequeue(wk);
		(void)lockdebug_call_begin(wq, q, (uintptr_t)wq->wq_func);
	}
	if (KERN_WATCHED()) {
		host_happens_after(wk);
		host_access_item(wk);
	}
	if (KERN_TRACING())
		wqtrace_begin(wqtrace_take(wk), wk, wq->wq_name,
		    (uintptr_t)wq->wq_func);
}

void
workqueue_call_end(struct workqueue *wq, struct workqueue_queue *q,
    struct lwp *l, int held)
{

	KERN_BEFORE(q);
	if (KERN_TRACING())
		wqtrace_end();
	if (KERN_CHECKING())
		workqueue_check_return(wq, l, held);
}

/*
 * In checking mode, check that a callback has not changed the state of its
 * thread.
 */
void
workqueue_check_return(struct workqueue *wq, struct lwp *l, int biglocks)
{
	struct context cx = { IPL_NONE, biglocks, 0 };
	const void *f;

	f = (const void *)(uintptr_t)wq->wq_func;
	lockdebug_call_end("workqueue", wq, f, INT_MAX);
	context_check(l, &cx, "%s: function %pF returned",
	    lockdebug_text(wq, "workqueue"), f);
}
