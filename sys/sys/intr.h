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
#include <stdint.h>

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

/* Raise the level, never lower it, and return the old level. */
int		wqk_splraise(int);
int		splraiseipl(ipl_cookie_t);
ipl_cookie_t	makeiplcookie(ipl_t);

/* Restore a level that one of the above returned. */
void		splx(int);

/* Lower the level to IPL_NONE and return the old level. */
int		spl0(void);

/*
 * intr_establish(9): signals as interrupts.
 */
#define	intr_establish	wqk_intr_establish
#define	intr_disestablish wqk_intr_disestablish
#define	intr_inject	wqk_intr_inject
#define	intr_count	wqk_intr_count
#define	cpu_intr_p	wqk_cpu_intr_p
#define	cpu_softintr_p	wqk_cpu_softintr_p

#define	INTR_MPSAFE	0x01	/* call without the kernel lock */

/*
 * intr_establish() makes the library call a function whenever a signal arrives.
 * Arguments: the signal, or 0 for none; a level from IPL_VM to IPL_HIGH; flags;
 * the function and its argument.  It returns a handle, or NULL.
 * intr_disestablish() removes the handler.
 */
void		*intr_establish(int, int, int, int (*)(void *), void *);
void		 intr_disestablish(void *);

/* Raise the interrupt in the calling thread.  For tests. */
void		 intr_inject(void *);

/* Return how often the interrupt has arrived. */
uint64_t	 intr_count(void *);

/* Return true in an interrupt handler, or in a soft interrupt. */
int		 cpu_intr_p(void);
int		 cpu_softintr_p(void);

/*
 * softint(9): functions that run at a soft interrupt level.
 */
#define	softint_establish	wqk_softint_establish
#define	softint_disestablish	wqk_softint_disestablish
#define	softint_schedule	wqk_softint_schedule
#define	softint_schedule_cpu	wqk_softint_schedule_cpu

#define	SOFTINT_CLOCK	0x0000
#define	SOFTINT_BIO	0x0001
#define	SOFTINT_NET	0x0002
#define	SOFTINT_SERIAL	0x0003
#define	SOFTINT_COUNT	0x0004
#define	SOFTINT_LVLMASK	0x00ff
#define	SOFTINT_MPSAFE	0x0100

/* Establish a soft interrupt at a level.  Return a handle, or NULL. */
void		*softint_establish(unsigned int, void (*)(void *), void *);

/* Remove a soft interrupt, after waiting until it is idle. */
void		 softint_disestablish(void *);

/*
 * Schedule the soft interrupt on this CPU, or on the given one.  This has no
 * effect if it is already pending.
 */
void		 softint_schedule(void *);
void		 softint_schedule_cpu(void *, struct cpu_info *);

__WQ_END_DECLS

#endif	/* !_SYS_INTR_H_ */
