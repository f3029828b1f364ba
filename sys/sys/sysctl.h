/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sysctl(9): a tree of variables.  A program accesses them by name.
 */

#ifndef _SYS_SYSCTL_H_
#define	_SYS_SYSCTL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef _KERNEL
#include <sys/param.h>
#include <sys/proc.h>
#endif

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

#define	CTL_MAXNAME	12
#define	SYSCTL_NAMELEN	32

/* Types of a node. */
#define	CTLTYPE_NODE	1
#define	CTLTYPE_INT	2
#define	CTLTYPE_STRING	3
#define	CTLTYPE_QUAD	4
#define	CTLTYPE_STRUCT	5
#define	CTLTYPE_BOOL	6
#define	CTLTYPE_LONG	7

/* Flags of a node. */
#define	CTLFLAG_READONLY	0x00000000
#define	CTLFLAG_READWRITE	0x00000070
#define	CTLFLAG_ANYWRITE	0x00000080
#define	CTLFLAG_PRIVATE		0x00000100
#define	CTLFLAG_PERMANENT	0x00000200
#define	CTLFLAG_OWNDATA		0x00000400
#define	CTLFLAG_IMMEDIATE	0x00000800
#define	CTLFLAG_HEX		0x00001000
#define	CTLFLAG_ROOT		0x00002000
#define	CTLFLAG_ANYNUMBER	0x00004000
#define	CTLFLAG_HIDDEN		0x00008000
#define	CTLFLAG_ALIAS		0x00010000
#define	CTLFLAG_MMAP		0x00020000
#define	CTLFLAG_OWNDESC		0x00040000
#define	CTLFLAG_UNSIGNED	0x00080000

/* Top-level identifiers. */
#define	CTL_UNSPEC	0
#define	CTL_KERN	1
#define	CTL_VM		2
#define	CTL_VFS		3
#define	CTL_NET		4
#define	CTL_DEBUG	5
#define	CTL_HW		6
#define	CTL_MACHDEP	7
#define	CTL_USER	8
#define	CTL_DDB		9
#define	CTL_PROC	10
#define	CTL_VENDOR	11
#define	CTL_EMUL	12
#define	CTL_SECURITY	13

/* Pseudo-identifiers in a path. */
#define	CTL_EOL		(-1)
#define	CTL_QUERY	(-2)
#define	CTL_CREATE	(-3)
#define	CTL_CREATESYM	(-4)
#define	CTL_DESTROY	(-5)
#define	CTL_MMAP	(-6)
#define	CTL_DESCRIBE	(-7)

struct lwp;
struct sysctllog;
struct sysctlnode;

#define	SYSCTLFN_PROTO							\
	const int *, unsigned int, void *, size_t *, const void *, size_t, \
	const int *, struct lwp *, const struct sysctlnode *
#define	SYSCTLFN_ARGS							\
	const int *name __unused, unsigned int namelen __unused,	\
	void *oldp __unused, size_t *oldlenp __unused,			\
	const void *newp __unused, size_t newlen __unused,		\
	const int *oname __unused, struct lwp *l __unused,		\
	const struct sysctlnode *rnode __unused
#define	SYSCTLFN_CALL(node)						\
	name, namelen, oldp, oldlenp, newp, newlen, oname, l, node

typedef int (*sysctlfn)(SYSCTLFN_PROTO);

/* A node.  Clients read its fields.  A handler modifies a copy. */
struct sysctlnode {
	uint32_t	 sysctl_flags;	/* flags and type */
	int32_t		 sysctl_num;
	char		 sysctl_name[SYSCTL_NAMELEN];
	uint32_t	 sysctl_ver;	/* unique to this node */
	size_t		 sysctl_size;	/* size of sysctl_data */
	sysctlfn	 sysctl_func;
	void		*sysctl_data;
	struct sysctlnode *sysctl_parent;
	struct sysctlnode *sysctl_child;	/* first child */
	struct sysctlnode *sysctl_sibling;	/* next sibling */
	const char	*sysctl_desc;
	unsigned int	 sysctl_refs;	/* sysctl_createv() calls for it */
	int32_t		 sysctl_idata;
	uint64_t	 sysctl_qdata;
	bool		 sysctl_bdata;
	void		*sysctl_spare[2]; /* for later releases */
};

#define	SYSCTL_TYPE(flags)	((flags) & 0xf)
#define	SYSCTL_DESCR(s)		(s)
#define	SYSCTL_FLAGS(flags)	((flags) & 0xfffffff0U)

/* A function that creates nodes.  The program must call it. */
#define	SYSCTL_SETUP_PROTO(f)	void f(struct sysctllog **)
#define	SYSCTL_SETUP(f, name)						\
	SYSCTL_SETUP_PROTO(f);						\
	__link_set_add_text(sysctl_funcs, f);				\
	void f(struct sysctllog **clog __unused)

#define	sysctl_createv	wqk_sysctl_createv
#define	sysctl_destroyv	wqk_sysctl_destroyv
#define	sysctl_teardown	wqk_sysctl_teardown
#define	sysctl_lookup	wqk_sysctl_lookup
#define	sysctl_locate	wqk_sysctl_locate
#define	sysctl_dispatch	wqk_sysctl_dispatch
#define	sysctl_lock	wqk_sysctl_lock
#define	sysctl_unlock	wqk_sysctl_unlock
#define	sysctl_relock	wqk_sysctl_relock

/*
 * Create a node.  Arguments: log; flags of the call; parent; where to store the
 * node; flags, type, name and description of the node; handler; immediate
 * value; variable and its size; and the path.
 */
int	sysctl_createv(struct sysctllog **, int,
	    const struct sysctlnode **, const struct sysctlnode **,
	    int, int, const char *, const char *, sysctlfn, uint64_t,
	    void *, size_t, ...);

/* Destroy the node at the given path, or all nodes in the log. */
int	sysctl_destroyv(struct sysctlnode *, ...);
void	sysctl_teardown(struct sysctllog **);

/* Read and write the data of the node passed to a handler. */
int	sysctl_lookup(SYSCTLFN_PROTO);

/* Find a node by numbers, or find a node and perform its operation. */
int	sysctl_locate(struct lwp *, const int *, unsigned int,
	    const struct sysctlnode **, int *);
int	sysctl_dispatch(SYSCTLFN_PROTO);

/*
 * sysctl_lock() locks the tree, to write if the argument is true.
 * sysctl_unlock() unlocks the tree.  sysctl_relock() takes the last lock again.
 */
void	sysctl_lock(bool);
void	sysctl_unlock(void);
void	sysctl_relock(void);

/* Clients and the kernel share memory, so these only copy. */
#define	sysctl_copyin(l, from, to, len)					\
	((void)(l), memcpy((to), (from), (len)), 0)
#define	sysctl_copyout(l, from, to, len)				\
	((void)(l), memcpy((to), (from), (len)), 0)

/*
 * Extension: read and write a node from the program.  Arguments: a name such as
 * "kern.foo"; where to store the old value, and its size; the new value and its
 * size.  Return 0, or the error that sysctlbyname(3) would store in errno.
 */
int	wqk_sysctlbyname(const char *, void *, size_t *, const void *, size_t);

/* Return the node with that name, or NULL. */
const struct sysctlnode *wqk_sysctlnode(const char *);

__WQ_END_DECLS

#endif	/* !_SYS_SYSCTL_H_ */
