/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic(9), KASSERT(9), kernel_lock(9).
 */

#ifndef _SYS_SYSTM_H_
#define	_SYS_SYSTM_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/* The Linux interface has its own panic() in <linux/kernel.h>. */
#undef panic
#define	panic		wqk_panic
#define	kern_assert	wqk_kern_assert
#define	kern_assertmsg	wqk_kern_assertmsg

/* Print a line that starts with "panic: " to standard error, and abort. */
void	panic(const char *, ...) __wq_noreturn __wq_printflike(1, 2);
void	kern_assert(const char *, ...) __wq_noreturn __wq_printflike(1, 2);

/*
 * Panic because an assertion failed.  Arguments: its kind, expression, file and
 * line, and a message.
 */
void	kern_assertmsg(const char *, const char *, const char *, int,
	    const char *, ...) __wq_noreturn __wq_printflike(5, 6);

#define	__WQ_KASSERTSTR							\
	"kernel %sassertion \"%s\" failed: file \"%s\", line %d "

#ifdef __cplusplus
#define	CTASSERT(x)	static_assert(x, #x)
#else
#define	CTASSERT(x)	_Static_assert(x, #x)
#endif

/* KASSERT is compiled in unless the client defines NDIAGNOSTIC. */
#ifndef NDIAGNOSTIC
#define	KASSERTMSG(e, ...)						\
	(__wq_predict_false(!(e)) ?					\
	    kern_assertmsg("diagnostic ", #e, __FILE__, __LINE__,	\
	    __VA_ARGS__) : (void)0)
#define	KASSERT(e)							\
	(__wq_predict_false(!(e)) ?					\
	    kern_assert(__WQ_KASSERTSTR, "diagnostic ", #e,		\
	    __FILE__, __LINE__) : (void)0)
#else
#define	KASSERTMSG(e, ...)	((void)0)
#define	KASSERT(e)		((void)0)
#endif

/* KDASSERT is compiled in if the client defines DEBUG. */
#ifdef DEBUG
#define	KDASSERTMSG(e, ...)						\
	(__wq_predict_false(!(e)) ?					\
	    kern_assertmsg("debugging ", #e, __FILE__, __LINE__,	\
	    __VA_ARGS__) : (void)0)
#define	KDASSERT(e)							\
	(__wq_predict_false(!(e)) ?					\
	    kern_assert(__WQ_KASSERTSTR, "debugging ", #e,		\
	    __FILE__, __LINE__) : (void)0)
#else
#define	KDASSERTMSG(e, ...)		((void)0)
#define	KDASSERT(e)			((void)0)
#endif

/*
 * The kernel lock: one per process, recursive in a thread.  The lwp argument is
 * NULL or curlwp, and has no effect.
 */
void	wqk_kernel_lock(int);
void	wqk_kernel_unlock(int, int *);
int	wqk_kernel_locked_p(void);

#define	KERNEL_LOCK(n, l)	((void)(l), wqk_kernel_lock(n))
#define	KERNEL_UNLOCK_ALL(l, p)	((void)(l), wqk_kernel_unlock(0, (p)))
#define	KERNEL_UNLOCK_ONE(l)	((void)(l), wqk_kernel_unlock(1, 0))
#define	KERNEL_UNLOCK_LAST(l)	((void)(l), wqk_kernel_unlock(-1, 0))
#define	KERNEL_LOCKED_P()	(wqk_kernel_locked_p())

__WQ_END_DECLS

/*
 * Other names that kernel sources expect from this header.
 */
#ifdef _KERNEL

#include <sys/types.h>
#include <sys/intr.h>
#include <sys/lwp.h>
#include <sys/wq_prf.h>
#include <sys/wq_libkern.h>
#include <lib/libkern/libkern.h>

__WQ_BEGIN_DECLS

/* <sys/device.h> */
struct device;
typedef struct device *device_t;

#define	printf		wqk_printf
#define	vprintf		wqk_vprintf
#define	printf_nolog	wqk_printf_nolog
#define	printf_tolog	wqk_printf_tolog
#define	uprintf		wqk_uprintf
#define	snprintf	wqk_snprintf
#define	vsnprintf	wqk_vsnprintf
#define	snprintb	wqk_snprintb
#define	hexdump		wqk_hexdump

#define	assert_sleepable wqk_assert_sleepable
#define	ASSERT_SLEEPABLE() (wqk_assert_sleepable())

/* Functions for tables: they do nothing, or return an error. */
#define	voidop		wqk_voidop
#define	nullop		wqk_nullop
#define	enodev		wqk_enodev
#define	enosys		wqk_enosys
#define	enoioctl	wqk_enoioctl
#define	enxio		wqk_enxio
#define	eopnotsupp	wqk_eopnotsupp

/* A panic ends the process, so clients never see these set. */
#define	panicstr	((const char *)0)
#define	doing_shutdown	0

/* Clients and the kernel share memory, so these copy. */
#define	copyin(from, to, len)	(memcpy((to), (from), (len)), 0)
#define	copyout(from, to, len)	(memcpy((to), (from), (len)), 0)
#define	kcopy(from, to, len)	(memmove((to), (from), (len)), 0)

__WQ_END_DECLS

/* Shutdown hooks; tsleep(), kpause() and wakeup(). */
#include <sys/hook.h>
#include <sys/proc.h>

#endif	/* _KERNEL */

#endif	/* !_SYS_SYSTM_H_ */
