/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * evcnt(9): event counters.
 */

#ifndef _SYS_EVCNT_H_
#define	_SYS_EVCNT_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

#define	EVCNT_STRING_MAX	255	/* longest name */

#define	EVCNT_TYPE_ANY		(-1)
#define	EVCNT_TYPE_MISC		0
#define	EVCNT_TYPE_INTR		1
#define	EVCNT_TYPE_TRAP		2

/*
 * A counter.  Its owner updates ev_count.  The other fields belong to the
 * library, which sets them when the counter is attached.
 */
struct evcnt {
	uint64_t	 ev_count __attribute__((__aligned__(8)));
	struct {
		struct evcnt	*tqe_next;
		struct evcnt	**tqe_prev;	/* NULL: not attached */
	} ev_list;
	unsigned char	 ev_type;
	unsigned char	 ev_grouplen;
	unsigned char	 ev_namelen;
	char		 ev_pad1;
	const struct evcnt *ev_parent;
	const char	*ev_group;
	const char	*ev_name;
};

/* Initialise a counter for EVCNT_ATTACH_STATIC(). */
#define	EVCNT_INITIALIZER(type, parent, group, name)			\
	{ 0, { 0, 0 }, (type), sizeof(group) - 1, sizeof(name) - 1, 0,	\
	    (parent), (group), (name) }

/* Attach a counter when the program starts. */
#define	EVCNT_ATTACH_STATIC(ev)						\
	static void __attribute__((__constructor__))			\
	ev##_evcnt_attach(void)						\
	{								\
									\
		wqk_evcnt_attach_static(&ev);				\
	}								\
	extern int wqk_evcnt_unused
#define	EVCNT_ATTACH_STATIC2(ev, n)					\
	static void __attribute__((__constructor__))			\
	ev##n##_evcnt_attach(void)					\
	{								\
									\
		wqk_evcnt_attach_static(&ev[n]);			\
	}								\
	extern int wqk_evcnt_unused

#define	evcnt_attach_static		wqk_evcnt_attach_static
#define	evcnt_attach_dynamic		wqk_evcnt_attach_dynamic
#define	evcnt_attach_dynamic_nozero	wqk_evcnt_attach_dynamic_nozero
#define	evcnt_detach			wqk_evcnt_detach
#define	evcnt_foreach			wqk_evcnt_foreach

/* Attach a counter initialised by EVCNT_INITIALIZER(). */
void	evcnt_attach_static(struct evcnt *);

/*
 * Attach a counter.  Arguments: counter, type, parent or NULL, group, name.
 * The strings are not copied.
 */
void	evcnt_attach_dynamic(struct evcnt *, int, const struct evcnt *,
	    const char *, const char *);

/* The same, but keep the count. */
void	evcnt_attach_dynamic_nozero(struct evcnt *, int,
	    const struct evcnt *, const char *, const char *);

/* Detach a counter. */
void	evcnt_detach(struct evcnt *);

/*
 * Extension: call a function with a copy of each counter of a type, in the
 * order of attachment.  EVCNT_TYPE_ANY stands for all types.
 */
void	evcnt_foreach(int, void (*)(const struct evcnt *, void *), void *);

__WQ_END_DECLS

#endif	/* !_SYS_EVCNT_H_ */
