/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * queue(9): lists with the links in their elements.
 *
 *	SLIST	single links; the head is one pointer
 *	LIST	next, and the address of the previous link; O(1) removal
 *	STAILQ	single links, and a tail pointer; also called SIMPLEQ
 *	TAILQ	links in both directions, and a tail pointer
 *	CIRCLEQ	links in both directions, in a ring through the head
 *
 * The macros take no locks.
 */

#ifndef _WQK_SYS_QUEUE_H_
#define	_WQK_SYS_QUEUE_H_

/* The host's header is not used, whether included before this or after. */
#ifdef _SYS_QUEUE_H_
#undef SLIST_HEAD
#undef SLIST_HEAD_INITIALIZER
#undef SLIST_ENTRY
#undef SLIST_INIT
#undef SLIST_INSERT_AFTER
#undef SLIST_INSERT_HEAD
#undef SLIST_REMOVE_HEAD
#undef SLIST_REMOVE
#undef SLIST_FOREACH
#undef SLIST_EMPTY
#undef SLIST_FIRST
#undef SLIST_NEXT
#undef LIST_HEAD
#undef LIST_HEAD_INITIALIZER
#undef LIST_ENTRY
#undef LIST_INIT
#undef LIST_INSERT_AFTER
#undef LIST_INSERT_BEFORE
#undef LIST_INSERT_HEAD
#undef LIST_REMOVE
#undef LIST_FOREACH
#undef LIST_EMPTY
#undef LIST_FIRST
#undef LIST_NEXT
#undef STAILQ_HEAD
#undef STAILQ_HEAD_INITIALIZER
#undef STAILQ_ENTRY
#undef STAILQ_INIT
#undef STAILQ_INSERT_HEAD
#undef STAILQ_INSERT_TAIL
#undef STAILQ_INSERT_AFTER
#undef STAILQ_REMOVE_HEAD
#undef STAILQ_REMOVE
#undef STAILQ_FOREACH
#undef STAILQ_CONCAT
#undef STAILQ_EMPTY
#undef STAILQ_FIRST
#undef STAILQ_NEXT
#undef SIMPLEQ_HEAD
#undef SIMPLEQ_HEAD_INITIALIZER
#undef SIMPLEQ_ENTRY
#undef SIMPLEQ_INIT
#undef SIMPLEQ_INSERT_HEAD
#undef SIMPLEQ_INSERT_TAIL
#undef SIMPLEQ_INSERT_AFTER
#undef SIMPLEQ_REMOVE_HEAD
#undef SIMPLEQ_REMOVE
#undef SIMPLEQ_FOREACH
#undef SIMPLEQ_EMPTY
#undef SIMPLEQ_FIRST
#undef SIMPLEQ_NEXT
#undef _TAILQ_HEAD
#undef TAILQ_HEAD
#undef TAILQ_HEAD_INITIALIZER
#undef _TAILQ_ENTRY
#undef TAILQ_ENTRY
#undef TAILQ_INIT
#undef TAILQ_INSERT_HEAD
#undef TAILQ_INSERT_TAIL
#undef TAILQ_INSERT_AFTER
#undef TAILQ_INSERT_BEFORE
#undef TAILQ_REMOVE
#undef TAILQ_FOREACH
#undef TAILQ_FOREACH_REVERSE
#undef TAILQ_CONCAT
#undef TAILQ_EMPTY
#undef TAILQ_FIRST
#undef TAILQ_NEXT
#undef TAILQ_LAST
#undef TAILQ_PREV
#undef CIRCLEQ_HEAD
#undef CIRCLEQ_HEAD_INITIALIZER
#undef CIRCLEQ_ENTRY
#undef CIRCLEQ_INIT
#undef CIRCLEQ_INSERT_AFTER
#undef CIRCLEQ_INSERT_BEFORE
#undef CIRCLEQ_INSERT_HEAD
#undef CIRCLEQ_INSERT_TAIL
#undef CIRCLEQ_REMOVE
#undef CIRCLEQ_FOREACH
#undef CIRCLEQ_FOREACH_REVERSE
#undef CIRCLEQ_EMPTY
#undef CIRCLEQ_FIRST
#undef CIRCLEQ_LAST
#undef CIRCLEQ_NEXT
#undef CIRCLEQ_PREV
#undef CIRCLEQ_LOOP_NEXT
#undef CIRCLEQ_LOOP_PREV
#endif
#define	_SYS_QUEUE_H_

/*
 * An invalid link.  With QUEUEDEBUG the links of a removed element fault when
 * they are followed.
 */
#if defined(QUEUEDEBUG)
#define	__QUEUE_DEAD(link)	((link) = (void *)1L)
#else
#define	__QUEUE_DEAD(link)	((void)0)
#endif

/* Swap two lvalues of one type. */
#define	__QUEUE_SWAP(a, b) do {						\
	__typeof__(a) __queue_swap = (a);				\
	(a) = (b);							\
	(b) = __queue_swap;						\
} while (0)

/*
 * SLIST: a stack.
 */
#define	SLIST_HEAD(name, type)						\
struct name {								\
	struct type *slh_first;	/* first element */			\
}
#define	SLIST_HEAD_INITIALIZER(head)	{ NULL }
#define	SLIST_ENTRY(type)						\
struct {								\
	struct type *sle_next;	/* next element */			\
}

#define	SLIST_FIRST(head)	((head)->slh_first)
#define	SLIST_END(head)		NULL
#define	SLIST_EMPTY(head)	((head)->slh_first == NULL)
#define	SLIST_NEXT(elm, field)	((elm)->field.sle_next)

#define	SLIST_FOREACH(var, head, field)					\
	for ((var) = SLIST_FIRST(head); (var) != SLIST_END(head);	\
	    (var) = SLIST_NEXT((var), field))
#define	SLIST_FOREACH_FROM(var, head, field)				\
	for ((var) = (var) != NULL ? (var) : SLIST_FIRST(head);		\
	    (var) != SLIST_END(head); (var) = SLIST_NEXT((var), field))
#define	SLIST_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = SLIST_FIRST(head);					\
	    (var) != SLIST_END(head) &&					\
	    ((tvar) = SLIST_NEXT((var), field), 1);			\
	    (var) = (tvar))

#define	SLIST_INIT(head) do {						\
	(head)->slh_first = NULL;					\
} while (0)
#define	SLIST_INSERT_HEAD(head, elm, field) do {			\
	(elm)->field.sle_next = (head)->slh_first;			\
	(head)->slh_first = (elm);					\
} while (0)
#define	SLIST_INSERT_AFTER(slistelm, elm, field) do {			\
	(elm)->field.sle_next = (slistelm)->field.sle_next;		\
	(slistelm)->field.sle_next = (elm);				\
} while (0)
#define	SLIST_REMOVE_HEAD(head, field) do {				\
	(head)->slh_first = (head)->slh_first->field.sle_next;		\
} while (0)
#define	SLIST_REMOVE_AFTER(slistelm, field) do {			\
	(slistelm)->field.sle_next =					\
	    (slistelm)->field.sle_next->field.sle_next;			\
} while (0)
#define	SLIST_REMOVE(head, elm, type, field) do {			\
	struct type **__slist_p = &(head)->slh_first;			\
	while (*__slist_p != (elm))					\
		__slist_p = &(*__slist_p)->field.sle_next;		\
	*__slist_p = (*__slist_p)->field.sle_next;			\
} while (0)
#define	SLIST_SWAP(head1, head2, type)					\
	__QUEUE_SWAP((head1)->slh_first, (head2)->slh_first)

/*
 * LIST: an element can be removed without the head.
 */
#define	LIST_HEAD(name, type)						\
struct name {								\
	struct type *lh_first;	/* first element */			\
}
#define	LIST_HEAD_INITIALIZER(head)	{ NULL }
#define	LIST_ENTRY(type)						\
struct {								\
	struct type *le_next;	/* next element */			\
	struct type **le_prev;	/* previous element's link */		\
}

#define	LIST_FIRST(head)	((head)->lh_first)
#define	LIST_END(head)		NULL
#define	LIST_EMPTY(head)	((head)->lh_first == NULL)
#define	LIST_NEXT(elm, field)	((elm)->field.le_next)

#define	LIST_FOREACH(var, head, field)					\
	for ((var) = LIST_FIRST(head); (var) != LIST_END(head);		\
	    (var) = LIST_NEXT((var), field))
#define	LIST_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = LIST_FIRST(head);					\
	    (var) != LIST_END(head) &&					\
	    ((tvar) = LIST_NEXT((var), field), 1);			\
	    (var) = (tvar))

#define	LIST_INIT(head) do {						\
	(head)->lh_first = NULL;					\
} while (0)
#define	LIST_INSERT_HEAD(head, elm, field) do {				\
	if (((elm)->field.le_next = (head)->lh_first) != NULL)		\
		(elm)->field.le_next->field.le_prev =			\
		    &(elm)->field.le_next;				\
	(head)->lh_first = (elm);					\
	(elm)->field.le_prev = &(head)->lh_first;			\
} while (0)
#define	LIST_INSERT_AFTER(listelm, elm, field) do {			\
	if (((elm)->field.le_next = (listelm)->field.le_next) != NULL)	\
		(elm)->field.le_next->field.le_prev =			\
		    &(elm)->field.le_next;				\
	(listelm)->field.le_next = (elm);				\
	(elm)->field.le_prev = &(listelm)->field.le_next;		\
} while (0)
#define	LIST_INSERT_BEFORE(listelm, elm, field) do {			\
	(elm)->field.le_prev = (listelm)->field.le_prev;		\
	(elm)->field.le_next = (listelm);				\
	*(listelm)->field.le_prev = (elm);				\
	(listelm)->field.le_prev = &(elm)->field.le_next;		\
} while (0)
#define	LIST_REMOVE(elm, field) do {					\
	if ((elm)->field.le_next != NULL)				\
		(elm)->field.le_next->field.le_prev =			\
		    (elm)->field.le_prev;				\
	*(elm)->field.le_prev = (elm)->field.le_next;			\
	__QUEUE_DEAD((elm)->field.le_next);				\
	__QUEUE_DEAD((elm)->field.le_prev);				\
} while (0)
#define	LIST_REPLACE(elm, elm2, field) do {				\
	if (((elm2)->field.le_next = (elm)->field.le_next) != NULL)	\
		(elm2)->field.le_next->field.le_prev =			\
		    &(elm2)->field.le_next;				\
	(elm2)->field.le_prev = (elm)->field.le_prev;			\
	*(elm2)->field.le_prev = (elm2);				\
	__QUEUE_DEAD((elm)->field.le_next);				\
	__QUEUE_DEAD((elm)->field.le_prev);				\
} while (0)
/* Move all of head1 to the empty head2. */
#define	LIST_MOVE(head1, head2, field) do {				\
	LIST_INIT(head2);						\
	if (!LIST_EMPTY(head1)) {					\
		(head2)->lh_first = (head1)->lh_first;			\
		(head2)->lh_first->field.le_prev = &(head2)->lh_first;	\
		LIST_INIT(head1);					\
	}								\
} while (0)
#define	LIST_SWAP(head1, head2, type, field) do {			\
	__QUEUE_SWAP((head1)->lh_first, (head2)->lh_first);		\
	if ((head1)->lh_first != NULL)					\
		(head1)->lh_first->field.le_prev = &(head1)->lh_first;	\
	if ((head2)->lh_first != NULL)					\
		(head2)->lh_first->field.le_prev = &(head2)->lh_first;	\
} while (0)

/*
 * STAILQ: a first in, first out queue.
 */
#define	STAILQ_HEAD(name, type)						\
struct name {								\
	struct type *stqh_first;	/* first element */		\
	struct type **stqh_last;	/* the last element's link */	\
}
#define	STAILQ_HEAD_INITIALIZER(head)	{ NULL, &(head).stqh_first }
#define	STAILQ_ENTRY(type)						\
struct {								\
	struct type *stqe_next;	/* next element */			\
}

#define	STAILQ_FIRST(head)	((head)->stqh_first)
#define	STAILQ_END(head)	NULL
#define	STAILQ_EMPTY(head)	((head)->stqh_first == NULL)
#define	STAILQ_NEXT(elm, field)	((elm)->field.stqe_next)
#define	STAILQ_LAST(head, type, field)					\
	(STAILQ_EMPTY(head) ? NULL :					\
	    (struct type *)(void *)((char *)(head)->stqh_last -		\
	    __builtin_offsetof(struct type, field)))

#define	STAILQ_FOREACH(var, head, field)				\
	for ((var) = STAILQ_FIRST(head); (var) != STAILQ_END(head);	\
	    (var) = STAILQ_NEXT((var), field))
#define	STAILQ_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = STAILQ_FIRST(head);				\
	    (var) != STAILQ_END(head) &&				\
	    ((tvar) = STAILQ_NEXT((var), field), 1);			\
	    (var) = (tvar))

#define	STAILQ_INIT(head) do {						\
	(head)->stqh_first = NULL;					\
	(head)->stqh_last = &(head)->stqh_first;			\
} while (0)
#define	STAILQ_INSERT_HEAD(head, elm, field) do {			\
	if (((elm)->field.stqe_next = (head)->stqh_first) == NULL)	\
		(head)->stqh_last = &(elm)->field.stqe_next;		\
	(head)->stqh_first = (elm);					\
} while (0)
#define	STAILQ_INSERT_TAIL(head, elm, field) do {			\
	(elm)->field.stqe_next = NULL;					\
	*(head)->stqh_last = (elm);					\
	(head)->stqh_last = &(elm)->field.stqe_next;			\
} while (0)
#define	STAILQ_INSERT_AFTER(head, listelm, elm, field) do {		\
	(elm)->field.stqe_next = (listelm)->field.stqe_next;		\
	if ((elm)->field.stqe_next == NULL)				\
		(head)->stqh_last = &(elm)->field.stqe_next;		\
	(listelm)->field.stqe_next = (elm);				\
} while (0)
#define	STAILQ_REMOVE_HEAD(head, field) do {				\
	(head)->stqh_first = (head)->stqh_first->field.stqe_next;	\
	if ((head)->stqh_first == NULL)					\
		(head)->stqh_last = &(head)->stqh_first;		\
} while (0)
#define	STAILQ_REMOVE_AFTER(head, elm, field) do {			\
	(elm)->field.stqe_next = (elm)->field.stqe_next->field.stqe_next; \
	if ((elm)->field.stqe_next == NULL)				\
		(head)->stqh_last = &(elm)->field.stqe_next;		\
} while (0)
#define	STAILQ_REMOVE(head, elm, type, field) do {			\
	struct type **__stailq_p = &(head)->stqh_first;			\
	while (*__stailq_p != (elm))					\
		__stailq_p = &(*__stailq_p)->field.stqe_next;		\
	if ((*__stailq_p = (elm)->field.stqe_next) == NULL)		\
		(head)->stqh_last = __stailq_p;				\
	__QUEUE_DEAD((elm)->field.stqe_next);				\
} while (0)
/* Append all of head2 to head1. */
#define	STAILQ_CONCAT(head1, head2) do {				\
	if (!STAILQ_EMPTY(head2)) {					\
		*(head1)->stqh_last = (head2)->stqh_first;		\
		(head1)->stqh_last = (head2)->stqh_last;		\
		STAILQ_INIT(head2);					\
	}								\
} while (0)
#define	STAILQ_SWAP(head1, head2, type) do {				\
	__QUEUE_SWAP((head1)->stqh_first, (head2)->stqh_first);		\
	__QUEUE_SWAP((head1)->stqh_last, (head2)->stqh_last);		\
	if (STAILQ_EMPTY(head1))					\
		(head1)->stqh_last = &(head1)->stqh_first;		\
	if (STAILQ_EMPTY(head2))					\
		(head2)->stqh_last = &(head2)->stqh_first;		\
} while (0)

/*
 * SIMPLEQ: another name for STAILQ.
 */
#define	SIMPLEQ_HEAD(name, type)					\
struct name {								\
	struct type *sqh_first;	/* first element */			\
	struct type **sqh_last;	/* the last element's link */		\
}
#define	SIMPLEQ_HEAD_INITIALIZER(head)	{ NULL, &(head).sqh_first }
#define	SIMPLEQ_ENTRY(type)						\
struct {								\
	struct type *sqe_next;	/* next element */			\
}

#define	SIMPLEQ_FIRST(head)	((head)->sqh_first)
#define	SIMPLEQ_END(head)	NULL
#define	SIMPLEQ_EMPTY(head)	((head)->sqh_first == NULL)
#define	SIMPLEQ_NEXT(elm, field)	((elm)->field.sqe_next)
#define	SIMPLEQ_LAST(head, type, field)					\
	(SIMPLEQ_EMPTY(head) ? NULL :					\
	    (struct type *)(void *)((char *)(head)->sqh_last -		\
	    __builtin_offsetof(struct type, field)))

#define	SIMPLEQ_FOREACH(var, head, field)				\
	for ((var) = SIMPLEQ_FIRST(head); (var) != SIMPLEQ_END(head);	\
	    (var) = SIMPLEQ_NEXT((var), field))
#define	SIMPLEQ_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = SIMPLEQ_FIRST(head);				\
	    (var) != SIMPLEQ_END(head) &&				\
	    ((tvar) = SIMPLEQ_NEXT((var), field), 1);			\
	    (var) = (tvar))

#define	SIMPLEQ_INIT(head) do {						\
	(head)->sqh_first = NULL;					\
	(head)->sqh_last = &(head)->sqh_first;				\
} while (0)
#define	SIMPLEQ_INSERT_HEAD(head, elm, field) do {			\
	if (((elm)->field.sqe_next = (head)->sqh_first) == NULL)	\
		(head)->sqh_last = &(elm)->field.sqe_next;		\
	(head)->sqh_first = (elm);					\
} while (0)
#define	SIMPLEQ_INSERT_TAIL(head, elm, field) do {			\
	(elm)->field.sqe_next = NULL;					\
	*(head)->sqh_last = (elm);					\
	(head)->sqh_last = &(elm)->field.sqe_next;			\
} while (0)
#define	SIMPLEQ_INSERT_AFTER(head, listelm, elm, field) do {		\
	(elm)->field.sqe_next = (listelm)->field.sqe_next;		\
	if ((elm)->field.sqe_next == NULL)				\
		(head)->sqh_last = &(elm)->field.sqe_next;		\
	(listelm)->field.sqe_next = (elm);				\
} while (0)
#define	SIMPLEQ_REMOVE_HEAD(head, field) do {				\
	(head)->sqh_first = (head)->sqh_first->field.sqe_next;		\
	if ((head)->sqh_first == NULL)					\
		(head)->sqh_last = &(head)->sqh_first;			\
} while (0)
#define	SIMPLEQ_REMOVE_AFTER(head, elm, field) do {			\
	(elm)->field.sqe_next = (elm)->field.sqe_next->field.sqe_next;	\
	if ((elm)->field.sqe_next == NULL)				\
		(head)->sqh_last = &(elm)->field.sqe_next;		\
} while (0)
#define	SIMPLEQ_REMOVE(head, elm, type, field) do {			\
	struct type **__simpleq_p = &(head)->sqh_first;			\
	while (*__simpleq_p != (elm))					\
		__simpleq_p = &(*__simpleq_p)->field.sqe_next;		\
	if ((*__simpleq_p = (elm)->field.sqe_next) == NULL)		\
		(head)->sqh_last = __simpleq_p;				\
	__QUEUE_DEAD((elm)->field.sqe_next);				\
} while (0)
/* Append all of head2 to head1. */
#define	SIMPLEQ_CONCAT(head1, head2) do {				\
	if (!SIMPLEQ_EMPTY(head2)) {					\
		*(head1)->sqh_last = (head2)->sqh_first;		\
		(head1)->sqh_last = (head2)->sqh_last;			\
		SIMPLEQ_INIT(head2);					\
	}								\
} while (0)
#define	SIMPLEQ_SWAP(head1, head2, type) do {				\
	__QUEUE_SWAP((head1)->sqh_first, (head2)->sqh_first);		\
	__QUEUE_SWAP((head1)->sqh_last, (head2)->sqh_last);		\
	if (SIMPLEQ_EMPTY(head1))					\
		(head1)->sqh_last = &(head1)->sqh_first;		\
	if (SIMPLEQ_EMPTY(head2))					\
		(head2)->sqh_last = &(head2)->sqh_first;		\
} while (0)

/*
 * TAILQ: insertion at both ends, traversal in both directions.  The head has
 * the layout of an element's links, so an element's predecessor is found
 * through the links alone.
 */
#define	_TAILQ_HEAD(name, type, qual)					\
struct name {								\
	qual type *tqh_first;		/* first element */		\
	qual type *qual *tqh_last;	/* the last element's link */	\
}
#define	TAILQ_HEAD(name, type)	_TAILQ_HEAD(name, struct type, )
#define	TAILQ_HEAD_INITIALIZER(head)	{ NULL, &(head).tqh_first }
#define	_TAILQ_ENTRY(type, qual)					\
struct {								\
	qual type *tqe_next;		/* next element */		\
	qual type *qual *tqe_prev;	/* the previous one's link */	\
}
#define	TAILQ_ENTRY(type)	_TAILQ_ENTRY(struct type, )

#define	TAILQ_FIRST(head)	((head)->tqh_first)
#define	TAILQ_END(head)		NULL
#define	TAILQ_EMPTY(head)	((head)->tqh_first == NULL)
#define	TAILQ_NEXT(elm, field)	((elm)->field.tqe_next)
#define	TAILQ_LAST(head, headname)					\
	(*((struct headname *)(void *)(head)->tqh_last)->tqh_last)
#define	TAILQ_PREV(elm, headname, field)				\
	(*((struct headname *)(void *)(elm)->field.tqe_prev)->tqh_last)

#define	TAILQ_FOREACH(var, head, field)					\
	for ((var) = TAILQ_FIRST(head); (var) != TAILQ_END(head);	\
	    (var) = TAILQ_NEXT((var), field))
#define	TAILQ_FOREACH_SAFE(var, head, field, next)			\
	for ((var) = TAILQ_FIRST(head);					\
	    (var) != TAILQ_END(head) &&					\
	    ((next) = TAILQ_NEXT((var), field), 1);			\
	    (var) = (next))
#define	TAILQ_FOREACH_REVERSE(var, head, headname, field)		\
	for ((var) = TAILQ_LAST((head), headname);			\
	    (var) != TAILQ_END(head);					\
	    (var) = TAILQ_PREV((var), headname, field))
#define	TAILQ_FOREACH_REVERSE_SAFE(var, head, headname, field, prev)	\
	for ((var) = TAILQ_LAST((head), headname);			\
	    (var) != TAILQ_END(head) &&					\
	    ((prev) = TAILQ_PREV((var), headname, field), 1);		\
	    (var) = (prev))

#define	TAILQ_INIT(head) do {						\
	(head)->tqh_first = NULL;					\
	(head)->tqh_last = &(head)->tqh_first;				\
} while (0)
#define	TAILQ_INSERT_HEAD(head, elm, field) do {			\
	if (((elm)->field.tqe_next = (head)->tqh_first) != NULL)	\
		(elm)->field.tqe_next->field.tqe_prev =			\
		    &(elm)->field.tqe_next;				\
	else								\
		(head)->tqh_last = &(elm)->field.tqe_next;		\
	(head)->tqh_first = (elm);					\
	(elm)->field.tqe_prev = &(head)->tqh_first;			\
} while (0)
#define	TAILQ_INSERT_TAIL(head, elm, field) do {			\
	(elm)->field.tqe_next = NULL;					\
	(elm)->field.tqe_prev = (head)->tqh_last;			\
	*(head)->tqh_last = (elm);					\
	(head)->tqh_last = &(elm)->field.tqe_next;			\
} while (0)
#define	TAILQ_INSERT_AFTER(head, listelm, elm, field) do {		\
	if (((elm)->field.tqe_next = (listelm)->field.tqe_next) != NULL) \
		(elm)->field.tqe_next->field.tqe_prev =			\
		    &(elm)->field.tqe_next;				\
	else								\
		(head)->tqh_last = &(elm)->field.tqe_next;		\
	(listelm)->field.tqe_next = (elm);				\
	(elm)->field.tqe_prev = &(listelm)->field.tqe_next;		\
} while (0)
#define	TAILQ_INSERT_BEFORE(listelm, elm, field) do {			\
	(elm)->field.tqe_prev = (listelm)->field.tqe_prev;		\
	(elm)->field.tqe_next = (listelm);				\
	*(listelm)->field.tqe_prev = (elm);				\
	(listelm)->field.tqe_prev = &(elm)->field.tqe_next;		\
} while (0)
#define	TAILQ_REMOVE(head, elm, field) do {				\
	if ((elm)->field.tqe_next != NULL)				\
		(elm)->field.tqe_next->field.tqe_prev =			\
		    (elm)->field.tqe_prev;				\
	else								\
		(head)->tqh_last = (elm)->field.tqe_prev;		\
	*(elm)->field.tqe_prev = (elm)->field.tqe_next;			\
	__QUEUE_DEAD((elm)->field.tqe_next);				\
	__QUEUE_DEAD((elm)->field.tqe_prev);				\
} while (0)
#define	TAILQ_REPLACE(head, elm, elm2, field) do {			\
	if (((elm2)->field.tqe_next = (elm)->field.tqe_next) != NULL)	\
		(elm2)->field.tqe_next->field.tqe_prev =		\
		    &(elm2)->field.tqe_next;				\
	else								\
		(head)->tqh_last = &(elm2)->field.tqe_next;		\
	(elm2)->field.tqe_prev = (elm)->field.tqe_prev;			\
	*(elm2)->field.tqe_prev = (elm2);				\
	__QUEUE_DEAD((elm)->field.tqe_next);				\
	__QUEUE_DEAD((elm)->field.tqe_prev);				\
} while (0)
/* Append all of head2 to head1. */
#define	TAILQ_CONCAT(head1, head2, field) do {				\
	if (!TAILQ_EMPTY(head2)) {					\
		*(head1)->tqh_last = (head2)->tqh_first;		\
		(head2)->tqh_first->field.tqe_prev = (head1)->tqh_last;	\
		(head1)->tqh_last = (head2)->tqh_last;			\
		TAILQ_INIT(head2);					\
	}								\
} while (0)
#define	TAILQ_SWAP(head1, head2, type, field) do {			\
	__QUEUE_SWAP((head1)->tqh_first, (head2)->tqh_first);		\
	__QUEUE_SWAP((head1)->tqh_last, (head2)->tqh_last);		\
	if ((head1)->tqh_first != NULL)					\
		(head1)->tqh_first->field.tqe_prev =			\
		    &(head1)->tqh_first;				\
	else								\
		(head1)->tqh_last = &(head1)->tqh_first;		\
	if ((head2)->tqh_first != NULL)					\
		(head2)->tqh_first->field.tqe_prev =			\
		    &(head2)->tqh_first;				\
	else								\
		(head2)->tqh_last = &(head2)->tqh_first;		\
} while (0)

/*
 * CIRCLEQ: a ring; the head marks its end.
 */
#define	CIRCLEQ_HEAD(name, type)					\
struct name {								\
	struct type *cqh_first;	/* first element, or the head */	\
	struct type *cqh_last;	/* last element, or the head */		\
}
#define	CIRCLEQ_HEAD_INITIALIZER(head)					\
	{ CIRCLEQ_END(&head), CIRCLEQ_END(&head) }
#define	CIRCLEQ_ENTRY(type)						\
struct {								\
	struct type *cqe_next;	/* next element, or the head */		\
	struct type *cqe_prev;	/* previous element, or the head */	\
}

#define	CIRCLEQ_END(head)	((void *)(head))
#define	CIRCLEQ_ENDC(head)	((const void *)(head))
#define	CIRCLEQ_FIRST(head)	((head)->cqh_first)
#define	CIRCLEQ_LAST(head)	((head)->cqh_last)
#define	CIRCLEQ_EMPTY(head)						\
	((const void *)(head)->cqh_first == CIRCLEQ_ENDC(head))
#define	CIRCLEQ_NEXT(elm, field)	((elm)->field.cqe_next)
#define	CIRCLEQ_PREV(elm, field)	((elm)->field.cqe_prev)
#define	CIRCLEQ_LOOP_NEXT(head, elm, field)				\
	((const void *)(elm)->field.cqe_next == CIRCLEQ_ENDC(head) ?	\
	    (head)->cqh_first : (elm)->field.cqe_next)
#define	CIRCLEQ_LOOP_PREV(head, elm, field)				\
	((const void *)(elm)->field.cqe_prev == CIRCLEQ_ENDC(head) ?	\
	    (head)->cqh_last : (elm)->field.cqe_prev)

#define	CIRCLEQ_FOREACH(var, head, field)				\
	for ((var) = CIRCLEQ_FIRST(head);				\
	    (const void *)(var) != CIRCLEQ_ENDC(head);			\
	    (var) = CIRCLEQ_NEXT((var), field))
#define	CIRCLEQ_FOREACH_REVERSE(var, head, field)			\
	for ((var) = CIRCLEQ_LAST(head);				\
	    (const void *)(var) != CIRCLEQ_ENDC(head);			\
	    (var) = CIRCLEQ_PREV((var), field))
#define	CIRCLEQ_FOREACH_SAFE(var, head, field, tvar)			\
	for ((var) = CIRCLEQ_FIRST(head);				\
	    (const void *)(var) != CIRCLEQ_ENDC(head) &&		\
	    ((tvar) = CIRCLEQ_NEXT((var), field), 1);			\
	    (var) = (tvar))
#define	CIRCLEQ_FOREACH_REVERSE_SAFE(var, head, field, tvar)		\
	for ((var) = CIRCLEQ_LAST(head);				\
	    (const void *)(var) != CIRCLEQ_ENDC(head) &&		\
	    ((tvar) = CIRCLEQ_PREV((var), field), 1);			\
	    (var) = (tvar))

#define	CIRCLEQ_INIT(head) do {						\
	(head)->cqh_first = CIRCLEQ_END(head);				\
	(head)->cqh_last = CIRCLEQ_END(head);				\
} while (0)
#define	CIRCLEQ_INSERT_AFTER(head, listelm, elm, field) do {		\
	(elm)->field.cqe_next = (listelm)->field.cqe_next;		\
	(elm)->field.cqe_prev = (listelm);				\
	if ((const void *)(listelm)->field.cqe_next ==			\
	    CIRCLEQ_ENDC(head))						\
		(head)->cqh_last = (elm);				\
	else								\
		(listelm)->field.cqe_next->field.cqe_prev = (elm);	\
	(listelm)->field.cqe_next = (elm);				\
} while (0)
#define	CIRCLEQ_INSERT_BEFORE(head, listelm, elm, field) do {		\
	(elm)->field.cqe_next = (listelm);				\
	(elm)->field.cqe_prev = (listelm)->field.cqe_prev;		\
	if ((const void *)(listelm)->field.cqe_prev ==			\
	    CIRCLEQ_ENDC(head))						\
		(head)->cqh_first = (elm);				\
	else								\
		(listelm)->field.cqe_prev->field.cqe_next = (elm);	\
	(listelm)->field.cqe_prev = (elm);				\
} while (0)
#define	CIRCLEQ_INSERT_HEAD(head, elm, field) do {			\
	(elm)->field.cqe_next = (head)->cqh_first;			\
	(elm)->field.cqe_prev = CIRCLEQ_END(head);			\
	if (CIRCLEQ_EMPTY(head))					\
		(head)->cqh_last = (elm);				\
	else								\
		(head)->cqh_first->field.cqe_prev = (elm);		\
	(head)->cqh_first = (elm);					\
} while (0)
#define	CIRCLEQ_INSERT_TAIL(head, elm, field) do {			\
	(elm)->field.cqe_next = CIRCLEQ_END(head);			\
	(elm)->field.cqe_prev = (head)->cqh_last;			\
	if (CIRCLEQ_EMPTY(head))					\
		(head)->cqh_first = (elm);				\
	else								\
		(head)->cqh_last->field.cqe_next = (elm);		\
	(head)->cqh_last = (elm);					\
} while (0)
#define	CIRCLEQ_REMOVE(head, elm, field) do {				\
	if ((const void *)(elm)->field.cqe_next == CIRCLEQ_ENDC(head))	\
		(head)->cqh_last = (elm)->field.cqe_prev;		\
	else								\
		(elm)->field.cqe_next->field.cqe_prev =			\
		    (elm)->field.cqe_prev;				\
	if ((const void *)(elm)->field.cqe_prev == CIRCLEQ_ENDC(head))	\
		(head)->cqh_first = (elm)->field.cqe_next;		\
	else								\
		(elm)->field.cqe_prev->field.cqe_next =			\
		    (elm)->field.cqe_next;				\
	__QUEUE_DEAD((elm)->field.cqe_next);				\
	__QUEUE_DEAD((elm)->field.cqe_prev);				\
} while (0)

#ifndef NULL
#include <stddef.h>
#endif

#endif	/* !_WQK_SYS_QUEUE_H_ */
