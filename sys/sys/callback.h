/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callback(9): lists of functions to call.
 */

#ifndef _SYS_CALLBACK_H_
#define	_SYS_CALLBACK_H_

#include <sys/condvar.h>
#include <sys/mutex.h>

__WQ_BEGIN_DECLS

#define	CALLBACK_CHAIN_CONTINUE	0
#define	CALLBACK_CHAIN_ABORT	1

/* A registered function; embed it.  Its fields belong to the library. */
struct callback_entry {
	struct callback_entry	*ce_next;
	int			(*ce_func)(struct callback_entry *, void *,
				    void *);
	void			*ce_obj;
};

/* A list of functions; embed it.  Its fields belong to the library. */
struct callback_head {
	kmutex_t		 ch_lock;
	kcondvar_t		 ch_cv;
	struct callback_entry	*ch_first;
	struct callback_entry	*ch_last;
	struct callback_entry	*ch_next;	/* next one to run in turn */
	unsigned int		 ch_nentries;
	unsigned int		 ch_running;	/* runs in progress */
	unsigned int		 ch_unregister;	/* threads waiting for 0 */
	void			*ch_spare[2];	/* for later releases */
};

#define	callback_head_init	wqk_callback_head_init
#define	callback_head_destroy	wqk_callback_head_destroy
#define	callback_register	wqk_callback_register
#define	callback_unregister	wqk_callback_unregister
#define	callback_run		wqk_callback_run
#define	callback_runone		wqk_callback_runone
#define	callback_run_roundrobin	wqk_callback_run_roundrobin

/* Initialise a list, with its IPL.  Destroy an empty list. */
void	callback_head_init(struct callback_head *, int);
void	callback_head_destroy(struct callback_head *);

/* Append a function, which will get the entry, the object and the argument. */
void	callback_register(struct callback_head *, struct callback_entry *,
	    void *, int (*)(struct callback_entry *, void *, void *));

/* Wait until no run of the list is in progress, and remove a function. */
void	callback_unregister(struct callback_head *, struct callback_entry *);

/* Call the functions in order.  Stop if one returns CALLBACK_CHAIN_ABORT. */
int	callback_run(struct callback_head *, void *);

/* Call the next function in turn. */
int	callback_runone(struct callback_head *, void *);

/* Call each function once, starting with the next one in turn. */
int	callback_run_roundrobin(struct callback_head *, void *);

__WQ_END_DECLS

#endif	/* !_SYS_CALLBACK_H_ */
