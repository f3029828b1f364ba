/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Objects in type-stable memory.
 */

#include "linux_var.h"

/*
 * The number of ended objects that are not reused.  If a client uses an ended
 * object, this can be reported only until the memory is reused.
 */
#define	STABLE_KEPT	16

KERN_MUTEX(stable_lock);

/*
 * Return the oldest object that may be reused, or NULL.
 */
struct __lwq_link *
lwq_stable_get(struct lwq_stable *ls)
{
	struct __lwq_link *l, **lp;
	int n;

	l = NULL;
	mutex_enter(&stable_lock);
	lp = &ls->ls_first;
	for (n = ls->ls_n; n > STABLE_KEPT; n--) {
		if (ls->ls_unused == NULL || (*ls->ls_unused)(*lp)) {
			l = *lp;
			*lp = l->__l_next;
			ls->ls_n--;
			break;
		}
		lp = &(*lp)->__l_next;
	}
	mutex_exit(&stable_lock);
	return l;
}

void
lwq_stable_put(struct lwq_stable *ls, struct __lwq_link *l)
{

	mutex_enter(&stable_lock);
	l->__l_next = NULL;
	*ls->ls_lastp = l;
	ls->ls_lastp = &l->__l_next;
	ls->ls_n++;
	mutex_exit(&stable_lock);
}

/*
 * Drop the list in a forked child, because it may be half changed.
 */
void
lwq_stable_fork(struct lwq_stable *ls)
{

	ls->ls_first = NULL;
	ls->ls_lastp = &ls->ls_first;
	ls->ls_n = 0;
}
