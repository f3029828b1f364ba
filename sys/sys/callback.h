/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callback(9): functions that wish to be called.
 */

#ifndef _SYS_CALLBACK_H_
#define	_SYS_CALLBACK_H_

#include <sys/condvar.h>
#include <sys/mutex.h>

__WQ_BEGIN_DECLS

#define	CALLBACK_CHAIN_CONTINUE	0
#define	CALLBACK_CHAIN_ABORT	1

/* One function; embed it.  Its fields are the library's. */
struct callback_entry {
	struct callback_entry	*ce_next;
	int			(*ce_func)(struct callback_entry *, void *,
				    void *);
	void			*ce_obj;
};

/* All of them; embed it.  Its fields are the library's, too. */
struct callback_head {
	kmutex_t		 ch_lock;
	kcondvar_t		 ch_cv;
	struct callback_entry	*ch_first;
	struct callback_entry	*ch_last;
	struct callback_entry	*ch_next;	/* the roundrobin's next */
	unsigned int		 ch_nentries;
	unsigned int		 ch_running;	/* runs under way */
	unsigned int		 ch_unregister;	/* threads that wait for 0 */
};

#define	callback_head_init	wqk_callback_head_init
#define	callback_head_destroy	wqk_callback_head_destroy
#define	callback_register	wqk_callback_register
#define	callback_unregister	wqk_callback_unregister
#define	callback_run		wqk_callback_run
#define	callback_runone		wqk_callback_runone
#define	callback_run_roundrobin	wqk_callback_run_roundrobin

void	callback_head_init(struct callback_head *, int);
void	callback_head_destroy(struct callback_head *);

/* Add a function at the end; it gets the entry, the object, the argument. */
void	callback_register(struct callback_head *, struct callback_entry *,
	    void *, int (*)(struct callback_entry *, void *, void *));

/* Remove one, after runs under way have ended. */
void	callback_unregister(struct callback_head *, struct callback_entry *);

/* Call all, in order, until one returns CALLBACK_CHAIN_ABORT. */
int	callback_run(struct callback_head *, void *);

/* Call one; the next time the next. */
int	callback_runone(struct callback_head *, void *);

/* Call each once, starting with the one whose turn it is. */
int	callback_run_roundrobin(struct callback_head *, void *);

__WQ_END_DECLS

#endif	/* !_SYS_CALLBACK_H_ */
