/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pcq(9): a queue of pointers for many producers and one consumer at a time.
 */

#ifndef _SYS_PCQ_H_
#define	_SYS_PCQ_H_

#include <sys/wq_types.h>
#include <sys/kmem.h>
#include <stdbool.h>
#include <stddef.h>

__WQ_BEGIN_DECLS

#define	PCQ_MAXLEN	0xffff		/* longest queue */

typedef struct pcq pcq_t;

#define	pcq_create	wqk_pcq_create
#define	pcq_destroy	wqk_pcq_destroy
#define	pcq_put		wqk_pcq_put
#define	pcq_get		wqk_pcq_get
#define	pcq_peek	wqk_pcq_peek
#define	pcq_maxitems	wqk_pcq_maxitems

/* Create a queue for n items.  Return NULL if there is no memory. */
pcq_t	*pcq_create(size_t, km_flag_t);

/* Free a queue that is not in use. */
void	 pcq_destroy(pcq_t *);

/* Add an item.  Return false if the queue is full.  Any context. */
bool	 pcq_put(pcq_t *, void *);

/*
 * pcq_get() removes and returns the oldest item.  pcq_peek() only returns it.
 * Both return NULL if there is no item.
 */
void	*pcq_get(pcq_t *);
void	*pcq_peek(pcq_t *);

/* Return the capacity of the queue. */
size_t	 pcq_maxitems(pcq_t *);

__WQ_END_DECLS

#endif	/* !_SYS_PCQ_H_ */
