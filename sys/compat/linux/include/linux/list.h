/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Doubly linked lists, and hash chains.  A list is a ring that includes its
 * head.  The head of a chain is a single pointer.
 */

#ifndef _LWQ_LINUX_LIST_H_
#define	_LWQ_LINUX_LIST_H_

#include <linux/container_of.h>

#include <stdbool.h>

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_head {
	struct hlist_node *first;
};

/* pprev points to the pointer to this node. */
struct hlist_node {
	struct hlist_node *next, **pprev;
};

#define	LIST_HEAD_INIT(name)	{ .next = &(name), .prev = &(name) }

/*
 * With one argument, define a list of Linux.  With two, if <sys/queue.h> was
 * included before, define the type of a head.
 */
#undef LIST_HEAD
#define	_LWQ_LIST_ARG2(a, b, name, ...)	name
#define	LIST_HEAD(...)							\
	_LWQ_LIST_ARG2(__VA_ARGS__, _LWQ_BSD_HEAD, _LWQ_LIST_HEAD, 0)	\
	    (__VA_ARGS__)
#define	_LWQ_LIST_HEAD(name)	struct list_head name = LIST_HEAD_INIT(name)
#define	_LWQ_BSD_HEAD(name, type)					\
	struct name { struct type *lh_first; }

static inline void
INIT_LIST_HEAD(struct list_head *head)
{

	head->next = head->prev = head;
}

static inline void
__lwq_list_link(struct list_head *prev, struct list_head *next)
{

	prev->next = next;
	next->prev = prev;
}

static inline void
__lwq_list_insert(struct list_head *e, struct list_head *prev,
    struct list_head *next)
{

	__lwq_list_link(prev, e);
	__lwq_list_link(e, next);
}

/* Insert an entry after the head, or after any other entry. */
static inline void
list_add(struct list_head *e, struct list_head *head)
{

	__lwq_list_insert(e, head, head->next);
}

/* Insert an entry before the head, that is, at the end of the list. */
static inline void
list_add_tail(struct list_head *e, struct list_head *head)
{

	__lwq_list_insert(e, head->prev, head);
}

/* Remove an entry, whose links are then invalid. */
static inline void
list_del(struct list_head *e)
{

	__lwq_list_link(e->prev, e->next);
	e->next = e->prev = (struct list_head *)0;
}

/* Remove an entry, and make it an empty list. */
static inline void
list_del_init(struct list_head *e)
{

	__lwq_list_link(e->prev, e->next);
	INIT_LIST_HEAD(e);
}

/* Replace one entry by another. */
static inline void
list_replace(struct list_head *old, struct list_head *e)
{

	__lwq_list_insert(e, old->prev, old->next);
}

static inline void
list_replace_init(struct list_head *old, struct list_head *e)
{

	list_replace(old, e);
	INIT_LIST_HEAD(old);
}

static inline void
list_move(struct list_head *e, struct list_head *head)
{

	__lwq_list_link(e->prev, e->next);
	list_add(e, head);
}

static inline void
list_move_tail(struct list_head *e, struct list_head *head)
{

	__lwq_list_link(e->prev, e->next);
	list_add_tail(e, head);
}

static inline bool
list_empty(const struct list_head *head)
{

	return head->next == head;
}

/* The same, because here a list that threads share needs a lock. */
static inline bool
list_empty_careful(const struct list_head *head)
{

	return head->next == head && head->prev == head;
}

static inline bool
list_is_first(const struct list_head *e, const struct list_head *head)
{

	return e->prev == head;
}

static inline bool
list_is_last(const struct list_head *e, const struct list_head *head)
{

	return e->next == head;
}

/* Return true if the list has exactly one entry. */
static inline bool
list_is_singular(const struct list_head *head)
{

	return head->next != head && head->next == head->prev;
}

/* Move the first entry to the end. */
static inline void
list_rotate_left(struct list_head *head)
{

	if (!list_empty(head))
		list_move_tail(head->next, head);
}

static inline void
__lwq_list_splice(struct list_head *from, struct list_head *prev,
    struct list_head *next)
{

	if (!list_empty(from)) {
		__lwq_list_link(prev, from->next);
		__lwq_list_link(from->prev, next);
	}
}

/* Insert all of a list after the head of another, or at its end. */
static inline void
list_splice(struct list_head *from, struct list_head *head)
{

	__lwq_list_splice(from, head, head->next);
}

static inline void
list_splice_tail(struct list_head *from, struct list_head *head)
{

	__lwq_list_splice(from, head->prev, head);
}

static inline void
list_splice_init(struct list_head *from, struct list_head *head)
{

	list_splice(from, head);
	INIT_LIST_HEAD(from);
}

static inline void
list_splice_tail_init(struct list_head *from, struct list_head *head)
{

	list_splice_tail(from, head);
	INIT_LIST_HEAD(from);
}

/* Move the entries up to and including e to the list "to". */
static inline void
list_cut_position(struct list_head *to, struct list_head *head,
    struct list_head *e)
{
	struct list_head *rest;

	if (list_empty(head) || e == head) {
		INIT_LIST_HEAD(to);
		return;
	}
	rest = e->next;
	__lwq_list_link(to, head->next);
	__lwq_list_link(e, to);
	__lwq_list_link(head, rest);
}

/*
 * Get the structure that contains a link.
 */
#define	list_entry(p, type, member)	container_of(p, type, member)
#define	list_first_entry(head, type, member)				\
	list_entry((head)->next, type, member)
#define	list_last_entry(head, type, member)				\
	list_entry((head)->prev, type, member)
#define	list_first_entry_or_null(head, type, member)			\
	(list_empty(head) ? (type *)0 : list_first_entry(head, type, member))
#define	list_next_entry(pos, member)					\
	list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define	list_prev_entry(pos, member)					\
	list_entry((pos)->member.prev, __typeof__(*(pos)), member)

/*
 * Loop over all entries.  The "safe" macros read the next entry, n, before the
 * body runs, so the body may remove and free the current one.
 */
#define	list_for_each(pos, head)					\
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
#define	list_for_each_prev(pos, head)					\
	for ((pos) = (head)->prev; (pos) != (head); (pos) = (pos)->prev)
#define	list_for_each_safe(pos, n, head)				\
	for ((pos) = (head)->next, (n) = (pos)->next; (pos) != (head);	\
	    (pos) = (n), (n) = (pos)->next)
#define	list_for_each_prev_safe(pos, n, head)				\
	for ((pos) = (head)->prev, (n) = (pos)->prev; (pos) != (head);	\
	    (pos) = (n), (n) = (pos)->prev)

#define	list_entry_is_head(pos, head, member)	(&(pos)->member == (head))

#define	list_for_each_entry(pos, head, member)				\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member); \
	    !list_entry_is_head(pos, head, member);			\
	    (pos) = list_next_entry(pos, member))
#define	list_for_each_entry_reverse(pos, head, member)			\
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member);	\
	    !list_entry_is_head(pos, head, member);			\
	    (pos) = list_prev_entry(pos, member))

/* Continue after pos, or with pos. */
#define	list_for_each_entry_continue(pos, head, member)			\
	for ((pos) = list_next_entry(pos, member);			\
	    !list_entry_is_head(pos, head, member);			\
	    (pos) = list_next_entry(pos, member))
#define	list_for_each_entry_from(pos, head, member)			\
	for (; !list_entry_is_head(pos, head, member);			\
	    (pos) = list_next_entry(pos, member))

#define	list_for_each_entry_safe(pos, n, head, member)			\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member), \
	    (n) = list_next_entry(pos, member);				\
	    !list_entry_is_head(pos, head, member);			\
	    (pos) = (n), (n) = list_next_entry(n, member))
#define	list_for_each_entry_safe_reverse(pos, n, head, member)		\
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member),	\
	    (n) = list_prev_entry(pos, member);				\
	    !list_entry_is_head(pos, head, member);			\
	    (pos) = (n), (n) = list_prev_entry(n, member))

/*
 * Hash chains.
 */
#define	HLIST_HEAD_INIT			{ .first = (struct hlist_node *)0 }
#define	HLIST_HEAD(name)		struct hlist_head name = HLIST_HEAD_INIT
#define	INIT_HLIST_HEAD(head)						\
	((void)((head)->first = (struct hlist_node *)0))

static inline void
INIT_HLIST_NODE(struct hlist_node *e)
{

	e->next = (struct hlist_node *)0;
	e->pprev = (struct hlist_node **)0;
}

/* Return true if the initialised node is on no chain. */
static inline bool
hlist_unhashed(const struct hlist_node *e)
{

	return e->pprev == (struct hlist_node **)0;
}

static inline bool
hlist_empty(const struct hlist_head *head)
{

	return head->first == (struct hlist_node *)0;
}

static inline void
__lwq_hlist_insert(struct hlist_node *e, struct hlist_node **place)
{

	e->next = *place;
	e->pprev = place;
	if (e->next != (struct hlist_node *)0)
		e->next->pprev = &e->next;
	*place = e;
}

static inline void
hlist_add_head(struct hlist_node *e, struct hlist_head *head)
{

	__lwq_hlist_insert(e, &head->first);
}

static inline void
hlist_add_before(struct hlist_node *e, struct hlist_node *next)
{

	__lwq_hlist_insert(e, next->pprev);
}

static inline void
hlist_add_behind(struct hlist_node *e, struct hlist_node *prev)
{

	__lwq_hlist_insert(e, &prev->next);
}

static inline void
hlist_del(struct hlist_node *e)
{

	*e->pprev = e->next;
	if (e->next != (struct hlist_node *)0)
		e->next->pprev = e->pprev;
	INIT_HLIST_NODE(e);
}

/* Do nothing if the node is on no chain. */
static inline void
hlist_del_init(struct hlist_node *e)
{

	if (!hlist_unhashed(e))
		hlist_del(e);
}

#define	hlist_entry(p, type, member)	container_of(p, type, member)
#define	hlist_entry_safe(p, type, member)				\
	((p) == (struct hlist_node *)0 ? (type *)0 :			\
	    hlist_entry(p, type, member))

#define	hlist_for_each(pos, head)					\
	for ((pos) = (head)->first; (pos) != (struct hlist_node *)0;	\
	    (pos) = (pos)->next)
#define	hlist_for_each_safe(pos, n, head)				\
	for ((pos) = (head)->first;					\
	    (pos) != (struct hlist_node *)0 && ((n) = (pos)->next, 1);	\
	    (pos) = (n))

/*
 * The arguments are (pos, head, member); before Linux 3.9 they were (pos, node,
 * head, member).
 */
#define	_LWQ_HLIST_ARG4(a, b, c, d, name, ...)	name
#define	hlist_for_each_entry(...)					\
	_LWQ_HLIST_ARG4(__VA_ARGS__, _LWQ_HLIST_OLD, _LWQ_HLIST_NEW,	\
	    0, 0)(__VA_ARGS__)
#define	_LWQ_HLIST_NEW(pos, head, member)				\
	for ((pos) = hlist_entry_safe((head)->first,			\
	    __typeof__(*(pos)), member); (pos) != (__typeof__(pos))0;	\
	    (pos) = hlist_entry_safe((pos)->member.next,		\
	    __typeof__(*(pos)), member))
#define	_LWQ_HLIST_OLD(pos, node, head, member)				\
	for ((node) = (head)->first;					\
	    (node) != (struct hlist_node *)0 && ((pos) =		\
	    hlist_entry(node, __typeof__(*(pos)), member), 1);		\
	    (node) = (node)->next)

/* (pos, n, head, member), or (pos, node, n, head, member). */
#define	_LWQ_HLIST_ARG5(a, b, c, d, e, name, ...) name
#define	hlist_for_each_entry_safe(...)					\
	_LWQ_HLIST_ARG5(__VA_ARGS__, _LWQ_HLIST_SAFE_OLD,		\
	    _LWQ_HLIST_SAFE_NEW, 0, 0)(__VA_ARGS__)
#define	_LWQ_HLIST_SAFE_NEW(pos, n, head, member)			\
	for ((pos) = hlist_entry_safe((head)->first,			\
	    __typeof__(*(pos)), member); (pos) != (__typeof__(pos))0 &&	\
	    ((n) = (pos)->member.next, 1);				\
	    (pos) = hlist_entry_safe(n, __typeof__(*(pos)), member))
#define	_LWQ_HLIST_SAFE_OLD(pos, node, n, head, member)			\
	for ((node) = (head)->first;					\
	    (node) != (struct hlist_node *)0 && ((n) = (node)->next,	\
	    (pos) = hlist_entry(node, __typeof__(*(pos)), member), 1);	\
	    (node) = (n))

#endif	/* !_LWQ_LINUX_LIST_H_ */
