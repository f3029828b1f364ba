/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Pools: what the threads of a pool do for waiters.  subr_wqpool_wait.c has the
 * calls that wait.
 */

#include "kern.h"
#include "kern_lwp.h"
#include "subr_wqpool.h"
#include "subr_wqpool_var.h"

/*
 * Return true if every run up to pw_seq has ended.  If pw_work is not NULL,
 * only the runs of that item count.
 */
bool
wqpool_passed(struct wqpool *p, const struct wqpool_waiter *pw)
{
	struct wqpool_runner *wr;

	for (wr = p->p_runners; wr != NULL; wr = wr->wr_next) {
		if (pw->pw_self != NULL && wr->wr_lwp == pw->pw_lwp)
			continue;
		if (wr->wr_cur != NULL && wr->wr_seq <= pw->pw_seq &&
		    (pw->pw_work == NULL || pw->pw_work == wr->wr_cur))
			return false;
		if (wr->wr_again != NULL && wr->wr_againseq <= pw->pw_seq &&
		    (pw->pw_work == NULL || pw->pw_work == wr->wr_again))
			return false;
	}
	return true;
}

/*
 * Remove a waiter from the list, and wake it.
 */
static void
wqpool_tell(struct wqpool_waiter **pwp)
{
	struct wqpool_waiter *pw;
	struct lwp *l;

	pw = *pwp;
	*pwp = pw->pw_next;
	l = pw->pw_lwp;
	/* Release: publish what the items did.  From here on pw may be gone. */
	atomic_store_release(&pw->pw_done, 1);
	lwp_unpark(l);
}

/*
 * Wake each waiter whose wait is over.  Call this after the end of a run, or
 * when a waiter's pw_seq has become known.
 */
void
wqpool_wake_passed(struct wqpool *p)
{
	struct wqpool_waiter *pw, **pwp;

	for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
		if (pw->pw_known && wqpool_passed(p, pw))
			wqpool_tell(pwp);
		else
			pwp = &pw->pw_next;
	}
}

/*
 * Give each waiter for this pending item the number of the run.
 */
void
wqpool_number(struct wqpool *p, const struct work *wk, uint64_t seq)
{
	struct wqpool_waiter *pw;

	for (pw = p->p_waiters; pw != NULL; pw = pw->pw_next)
		if (pw->pw_work == wk && !pw->pw_known) {
			pw->pw_known = true;
			pw->pw_seq = seq;
		}
}

void
wqpool_wake_quiet(struct wqpool *p)
{
	struct wqpool_waiter *pw, **pwp;

	KASSERT(mutex_owned(&p->p_lock));
	if (!wqpool_isquiet(p))
		return;
	for (pwp = &p->p_waiters; (pw = *pwp) != NULL;) {
		if (pw->pw_quiet)
			wqpool_tell(pwp);
		else
			pwp = &pw->pw_next;
	}
}

/*
 * Remove the marks of flushes from the head of the list.
 */
void
wqpool_marks(struct wqpool *p)
{
	struct wqpool_waiter *pw;

	KASSERT(mutex_owned(&p->p_lock));
	for (pw = p->p_waiters; pw != NULL && p->p_first != NULL;) {
		if (p->p_first != &pw->pw_mark.pk_work) {
			pw = pw->pw_next;
			continue;
		}
		wqpool_unlink(p, p->p_first);
		pw->pw_known = true;
		pw->pw_seq = p->p_seq;
		wqpool_wake_passed(p);
		pw = p->p_waiters;
	}
}
