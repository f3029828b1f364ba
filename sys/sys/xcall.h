/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * xcall(9): call a function on other CPUs.
 */

#ifndef _SYS_XCALL_H_
#define	_SYS_XCALL_H_

#include <sys/types.h>
#include <sys/wq_types.h>
#include <stdint.h>

__WQ_BEGIN_DECLS

typedef void (*xcfunc_t)(void *, void *);

/* Call in softint context, at IPL_SOFTSERIAL or at the given level. */
#define	XC_HIGHPRI		0x01
#define	XC_HIGHPRI_IPL(ipl)	(XC_HIGHPRI | (unsigned int)(ipl) << 8)

#define	xc_encode_ipl(ipl)	XC_HIGHPRI_IPL(ipl)

#define	xc_broadcast	wqk_xc_broadcast
#define	xc_unicast	wqk_xc_unicast
#define	xc_wait		wqk_xc_wait
#define	xc_barrier	wqk_xc_barrier

/* Call on every CPU, or on one.  Return a handle for xc_wait(). */
uint64_t xc_broadcast(unsigned int, xcfunc_t, void *, void *);
uint64_t xc_unicast(unsigned int, xcfunc_t, void *, void *,
	    struct cpu_info *);

/* Wait until all calls of the handle have returned. */
void	 xc_wait(uint64_t);

/* Wait until every thread with preemption disabled has enabled it. */
void	 xc_barrier(unsigned int);

__WQ_END_DECLS

#endif	/* !_SYS_XCALL_H_ */
