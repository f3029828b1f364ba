/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9), curlwp(9): the threads known to the library.
 */

#ifndef _SYS_LWP_H_
#define	_SYS_LWP_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

struct proc;
typedef struct lwp lwp_t;
typedef struct proc proc_t;

/*
 * A thread.  Clients hold pointers, read these fields, and may write l_name.
 * kern_lwp.h has these fields and, after them, the library's own.
 */
#ifndef _KERN_KERN_LWP_H_
struct lwp {
	struct cpu_info	*l_cpu;		/* CPU it is bound to, or NULL */
	struct proc	*l_proc;	/* its process: &proc0 */
	char		*l_name;	/* its name */
	const char	*l_wmesg;	/* reason of its sleep, or NULL */
	int		 l_lid;		/* number, from 1 on */
	pri_t		 l_priority;	/* priority requested */
	int		 l_flag;	/* LW_* */
	int		 l_pflag;	/* LP_* */
	int		 l_nopreempt;	/* (a) kpreempt_disable() depth */
};
#endif

#define	LW_SYSTEM	0x00000200	/* the library started it */
#define	LW_BOUND	0x00000400	/* bound to l_cpu */

#define	LP_BOUND	0x00000080	/* bound to l_cpu */

/* The calling thread.  The first use makes the thread known to the library. */
#define	curlwp		(wqk_curlwp())
struct lwp	*wqk_curlwp(void);

/*
 * Keep curcpu() constant in the calling thread until curlwp_bindx(), which gets
 * the value that curlwp_bind() returned.
 */
#define	curlwp_bind	wqk_curlwp_bind
#define	curlwp_bindx	wqk_curlwp_bindx
int	curlwp_bind(void);
void	curlwp_bindx(int);

/*
 * Take or release the spin mutex of a thread, at IPL_SCHED.  Clients that write
 * fields of the thread use this mutex to exclude each other.  The library does
 * not use it.
 */
#define	lwp_lock	wqk_lwp_lock
#define	lwp_unlock	wqk_lwp_unlock
void	lwp_lock(struct lwp *);
void	lwp_unlock(struct lwp *);

/* The thread in which the library started. */
#define	lwp0		(*wqk_lwp0())
struct lwp	*wqk_lwp0(void);

/*
 * kpreempt(9): kpreempt_disable() makes the thread own a CPU until the matching
 * kpreempt_enable().
 */
#define	kpreempt_disable	wqk_kpreempt_disable
#define	kpreempt_enable		wqk_kpreempt_enable
#define	kpreempt_disabled	wqk_kpreempt_disabled
void	kpreempt_disable(void);
void	kpreempt_enable(void);
int	kpreempt_disabled(void);
#define	KPREEMPT_DISABLE(l)	((void)(l), kpreempt_disable())
#define	KPREEMPT_ENABLE(l)	((void)(l), kpreempt_enable())

/*
 * lwp_specific(9), specificdata(9): data for each thread, by key.
 */
typedef unsigned int specificdata_key_t;
typedef void (*specificdata_dtor_t)(void *);
#define	lwp_specific_key_create	wqk_lwp_specific_key_create
#define	lwp_specific_key_delete	wqk_lwp_specific_key_delete
#define	lwp_getspecific		wqk_lwp_getspecific
#define	lwp_setspecific		wqk_lwp_setspecific
#define	lwp_setspecific_by_lwp	wqk_lwp_setspecific_by_lwp
/*
 * Create a key.  The destructor may be NULL.  Return 0, or EAGAIN if no key is
 * free.
 */
int	 lwp_specific_key_create(specificdata_key_t *, specificdata_dtor_t);

/* Delete a key, and call its destructor with the remaining values. */
void	 lwp_specific_key_delete(specificdata_key_t);

/* Get or set the calling thread's value, which is NULL at first. */
void	*lwp_getspecific(specificdata_key_t);
void	 lwp_setspecific(specificdata_key_t, void *);

/* Set a thread's value.  The thread must wait until this returns. */
void	 lwp_setspecific_by_lwp(struct lwp *, specificdata_key_t, void *);

__WQ_END_DECLS

#endif	/* !_SYS_LWP_H_ */
