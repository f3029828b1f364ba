/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pslist(9): a list that readers traverse without a lock while one writer at a
 * time changes it.
 *
 * A writer stores the link to a new entry last, with release order, and a
 * reader loads each link with acquire order.  So a reader that reaches an
 * entry sees all that the writer did to it before.  A removed entry keeps its
 * own link, so a reader that is at the entry continues along the list.  The
 * writer waits for such readers, for example in pserialize_perform(), before
 * it reuses the entry.
 */

#ifndef _WQK_SYS_PSLIST_H_
#define	_WQK_SYS_PSLIST_H_

#include <sys/types.h>
#include <sys/atomic.h>
#include <sys/container_of.h>
#include <sys/systm.h>

struct pslist_entry;

struct pslist_head {
	struct pslist_entry	*plh_first;
};

/* For the writer: ple_prevp is the link to this entry, or NULL. */
struct pslist_entry {
	struct pslist_entry	**ple_prevp;
	struct pslist_entry	*ple_next;
};

#define	PSLIST_INITIALIZER		{ .plh_first = NULL }
#define	PSLIST_ENTRY_INITIALIZER	{ .ple_prevp = NULL, .ple_next = NULL }

static __inline __unused void
pslist_init(struct pslist_head *head)
{

	head->plh_first = NULL;
}

static __inline __unused void
pslist_destroy(struct pslist_head *head)
{

	KASSERT(head->plh_first == NULL);
}

static __inline __unused void
pslist_entry_init(struct pslist_entry *entry)
{

	entry->ple_prevp = NULL;
	entry->ple_next = NULL;
}

/* Destroy an entry that is off its list and that no reader uses. */
static __inline __unused void
pslist_entry_destroy(struct pslist_entry *entry)
{

	KASSERT(entry->ple_prevp == NULL);
	entry->ple_next = NULL;
}

/* Insert an entry at a link. */
static __inline __unused void
__pslist_insert(struct pslist_entry **linkp, struct pslist_entry *entry)
{
	struct pslist_entry *next = *linkp;

	KASSERT(entry->ple_prevp == NULL && entry->ple_next == NULL);
	entry->ple_prevp = linkp;
	entry->ple_next = next;
	if (next != NULL)
		next->ple_prevp = &entry->ple_next;
	/* Release: pairs with a reader's acquire. */
	atomic_store_release(linkp, entry);
}

static __inline __unused void
pslist_writer_insert_head(struct pslist_head *head,
    struct pslist_entry *entry)
{

	__pslist_insert(&head->plh_first, entry);
}

static __inline __unused void
pslist_writer_insert_before(struct pslist_entry *entry,
    struct pslist_entry *newentry)
{

	KASSERT(entry->ple_prevp != NULL);
	__pslist_insert(entry->ple_prevp, newentry);
}

static __inline __unused void
pslist_writer_insert_after(struct pslist_entry *entry,
    struct pslist_entry *newentry)
{

	KASSERT(entry->ple_prevp != NULL);
	__pslist_insert(&entry->ple_next, newentry);
}

static __inline __unused void
pslist_writer_remove(struct pslist_entry *entry)
{

	KASSERT(entry->ple_prevp != NULL);
	if (entry->ple_next != NULL)
		entry->ple_next->ple_prevp = entry->ple_prevp;
	/*
	 * Release: a reader may now reach the next entry through this link, but
	 * the insertion of that entry was released through another link only.
	 */
	atomic_store_release(entry->ple_prevp, entry->ple_next);
	entry->ple_prevp = NULL;
}

static __inline __unused struct pslist_entry *
pslist_writer_first(const struct pslist_head *head)
{

	return head->plh_first;
}

static __inline __unused struct pslist_entry *
pslist_writer_next(const struct pslist_entry *entry)
{

	return entry->ple_next;
}

static __inline __unused struct pslist_entry *
pslist_reader_first(const struct pslist_head *head)
{

	/* Acquire: pairs with __pslist_insert(). */
	return atomic_load_acquire(&head->plh_first);
}

static __inline __unused struct pslist_entry *
pslist_reader_next(const struct pslist_entry *entry)
{

	return atomic_load_acquire(&entry->ple_next);
}

/* The object that contains an entry, or NULL. */
#define	__PSLIST_OBJECT(entry, type, field) __extension__ ({		\
	struct pslist_entry *__psl_entry = (entry);			\
	__psl_entry == NULL ? (type *)NULL :				\
	    container_of(__psl_entry, type, field);			\
})

#define	PSLIST_INIT(head)		pslist_init(head)
#define	PSLIST_DESTROY(head)		pslist_destroy(head)
#define	PSLIST_ENTRY_INIT(elm, field)	pslist_entry_init(&(elm)->field)
#define	PSLIST_ENTRY_DESTROY(elm, field)				\
	pslist_entry_destroy(&(elm)->field)

#define	PSLIST_WRITER_INSERT_HEAD(head, elm, field)			\
	pslist_writer_insert_head((head), &(elm)->field)
#define	PSLIST_WRITER_INSERT_BEFORE(elm, newelm, field)			\
	pslist_writer_insert_before(&(elm)->field, &(newelm)->field)
#define	PSLIST_WRITER_INSERT_AFTER(elm, newelm, field)			\
	pslist_writer_insert_after(&(elm)->field, &(newelm)->field)
#define	PSLIST_WRITER_REMOVE(elm, field)				\
	pslist_writer_remove(&(elm)->field)
#define	PSLIST_WRITER_FIRST(head, type, field)				\
	__PSLIST_OBJECT(pslist_writer_first(head), type, field)
#define	PSLIST_WRITER_NEXT(elm, type, field)				\
	__PSLIST_OBJECT(pslist_writer_next(&(elm)->field), type, field)
#define	PSLIST_WRITER_FOREACH(var, head, type, field)			\
	for ((var) = PSLIST_WRITER_FIRST((head), type, field);		\
	    (var) != NULL;						\
	    (var) = PSLIST_WRITER_NEXT((var), type, field))

#define	PSLIST_READER_FIRST(head, type, field)				\
	__PSLIST_OBJECT(pslist_reader_first(head), type, field)
#define	PSLIST_READER_NEXT(elm, type, field)				\
	__PSLIST_OBJECT(pslist_reader_next(&(elm)->field), type, field)
#define	PSLIST_READER_FOREACH(var, head, type, field)			\
	for ((var) = PSLIST_READER_FIRST((head), type, field);		\
	    (var) != NULL;						\
	    (var) = PSLIST_READER_NEXT((var), type, field))

#endif	/* !_WQK_SYS_PSLIST_H_ */
