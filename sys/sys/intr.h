/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * spl(9): interrupt priority levels.  A level is a property of the thread.
 */

#ifndef _SYS_INTR_H_
#define	_SYS_INTR_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

typedef int ipl_t;
typedef struct {
	ipl_t	_ipl;
} ipl_cookie_t;

#define	splraiseipl	wqk_splraiseipl
#define	makeiplcookie	wqk_makeiplcookie
#define	splx		wqk_splx
#define	spl0		wqk_spl0
#define	splsoftclock()	(wqk_splraise(IPL_SOFTCLOCK))
#define	splsoftbio()	(wqk_splraise(IPL_SOFTBIO))
#define	splsoftnet()	(wqk_splraise(IPL_SOFTNET))
#define	splsoftserial()	(wqk_splraise(IPL_SOFTSERIAL))
#define	splvm()		(wqk_splraise(IPL_VM))
#define	splbio()	(wqk_splraise(IPL_BIO))
#define	splnet()	(wqk_splraise(IPL_NET))
#define	spltty()	(wqk_splraise(IPL_TTY))
#define	splsched()	(wqk_splraise(IPL_SCHED))
#define	splclock()	(wqk_splraise(IPL_CLOCK))
#define	splstatclock()	(wqk_splraise(IPL_STATCLOCK))
#define	splaudio()	(wqk_splraise(IPL_AUDIO))
#define	splserial()	(wqk_splraise(IPL_SERIAL))
#define	splhigh()	(wqk_splraise(IPL_HIGH))

/* Raise, never lower; the old level is returned. */
int		wqk_splraise(int);
int		splraiseipl(ipl_cookie_t);
ipl_cookie_t	makeiplcookie(ipl_t);

/* Restore a level that one of the above returned. */
void		splx(int);

/* Lower to IPL_NONE; the old level is returned. */
int		spl0(void);

__WQ_END_DECLS

#endif	/* !_SYS_INTR_H_ */
