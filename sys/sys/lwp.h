/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kthread(9), curlwp(9): the threads that the library knows.
 */

#ifndef _SYS_LWP_H_
#define	_SYS_LWP_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

struct proc;
typedef struct lwp lwp_t;

/*
 * A thread.  Clients hold pointers and read these fields; the library's own
 * follow them.
 */
struct lwp {
	struct cpu_info	*l_cpu;		/* CPU it is bound to, or NULL */
	struct proc	*l_proc;	/* its process: &proc0 */
	const char	*l_name;	/* its name */
	const char	*l_wmesg;	/* why it sleeps, or NULL */
	int		 l_lid;		/* its number, from 1 on */
	pri_t		 l_priority;	/* the priority asked for */
	int		 l_flag;	/* LW_* */
#ifdef __LWP_KERN_FIELDS
	__LWP_KERN_FIELDS
#endif
};

#define	LW_SYSTEM	0x00000200	/* a thread of the library's */
#define	LW_BOUND	0x00000400	/* bound to l_cpu */

/* The calling thread; it becomes known on its first call. */
#define	curlwp		(wqk_curlwp())
struct lwp	*wqk_curlwp(void);

/*
 * Have curcpu() say the same to the calling thread until it is undone, with
 * what the first one returned.
 */
#define	curlwp_bind	wqk_curlwp_bind
#define	curlwp_bindx	wqk_curlwp_bindx
int	curlwp_bind(void);
void	curlwp_bindx(int);

/* The thread that the library started in. */
#define	lwp0		(*wqk_lwp0())
struct lwp	*wqk_lwp0(void);

/*
 * kpreempt(9): own a CPU slot alone until the matching enable.
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
 * lwp_specific(9), specificdata(9): per-thread data by key.
 */
typedef unsigned int specificdata_key_t;
typedef void (*specificdata_dtor_t)(void *);
#define	lwp_specific_key_create	wqk_lwp_specific_key_create
#define	lwp_specific_key_delete	wqk_lwp_specific_key_delete
#define	lwp_getspecific		wqk_lwp_getspecific
#define	lwp_setspecific		wqk_lwp_setspecific
#define	lwp_setspecific_by_lwp	wqk_lwp_setspecific_by_lwp
/* 0, or EAGAIN: all keys are in use.  The destructor may be NULL. */
int	 lwp_specific_key_create(specificdata_key_t *, specificdata_dtor_t);

/* The destructor is called with what threads still have. */
void	 lwp_specific_key_delete(specificdata_key_t);

/* The calling thread's value for a key; NULL until set. */
void	*lwp_getspecific(specificdata_key_t);
void	 lwp_setspecific(specificdata_key_t, void *);

/* That of another, which does not run yet, or not any more. */
void	 lwp_setspecific_by_lwp(struct lwp *, specificdata_key_t, void *);

__WQ_END_DECLS

#endif	/* !_SYS_LWP_H_ */
