/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): items in checking mode.
 */

#include "iv_impl.h"

void
iv_item_checkin(struct iv_work_item *item, const void *where,
    const char *func)
{

	if (wqpool_checkin(iv_item_work(item), where) != NULL)
		iv_fatal("%s: item %p is submitted already", func,
		    (void *)item);
	wqpool_trace_enqueue(iv_item_work(item), "iv_work");
}

/*
 * Call the function of an item.  The item may be gone when this returns.
 */
void
iv_item_call(struct iv_work_item *item)
{

	wqpool_trace_begin(iv_item_work(item), "iv_work",
	    (uintptr_t)item->work);
	(*item->work)(item->cookie);
	wqpool_trace_end();
}

/*
 * Call the function of an item that has a completion.  If a tool watches, show
 * it that the owner's submission comes before the function, and that the
 * owner's completion comes after the function.
 */
void
iv_item_callback(struct iv_work_item *item)
{

	wqpool_after(iv_item_work(item));
	iv_item_call(item);
	wqpool_before(iv_item_work(item));
}

void
iv_item_checkout(struct iv_work_item *item)
{

	wqpool_checkout(iv_item_work(item));
}
