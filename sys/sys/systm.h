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

#define	panic		wqk_panic
#define	kern_assert	wqk_kern_assert
#define	kern_assertmsg	wqk_kern_assertmsg

/* Print one line that starts with "panic: " to standard error; abort. */
void	panic(const char *, ...) __wq_noreturn __wq_printflike(1, 2);
void	kern_assert(const char *, ...) __wq_noreturn __wq_printflike(1, 2);

/* What KASSERTMSG calls: kind, expression, file, line, and the message. */
void	kern_assertmsg(const char *, const char *, const char *, int,
	    const char *, ...) __wq_noreturn __wq_printflike(5, 6);

#define	__WQ_KASSERTSTR							\
	"kernel %sassertion \"%s\" failed: file \"%s\", line %d "

#ifdef __cplusplus
#define	CTASSERT(x)	static_assert(x, #x)
#else
#define	CTASSERT(x)	_Static_assert(x, #x)
#endif

/* KASSERT is compiled in unless the client says NDIAGNOSTIC. */
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

/* KDASSERT is compiled in when the client says DEBUG. */
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
 * The kernel lock: one for the process, recursive per thread.  The lwp
 * argument is NULL or curlwp and is not used.
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

#endif	/* !_SYS_SYSTM_H_ */
