/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sysctl(9): the tree is not there.  Registrations are accepted and lead
 * nowhere; the functions that handle a node can still be called by hand.
 */

#ifndef _SYS_SYSCTL_H_
#define	_SYS_SYSCTL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef _KERNEL
#include <sys/cdefs.h>
#include <sys/types.h>
#endif

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

#define	CTL_MAXNAME	12
#define	SYSCTL_NAMELEN	32

/* What a node holds. */
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

/* Names, from the top. */
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

/* In the path of a new node. */
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

struct sysctlnode {
	uint32_t	 sysctl_flags;	/* and type */
	int32_t		 sysctl_num;
	char		 sysctl_name[SYSCTL_NAMELEN];
	uint32_t	 sysctl_ver;
	size_t		 sysctl_size;	/* of sysctl_data */
	sysctlfn	 sysctl_func;
	void		*sysctl_data;
	struct sysctlnode *sysctl_parent;
	const char	*sysctl_desc;
	int32_t		 sysctl_idata;
	uint64_t	 sysctl_qdata;
	bool		 sysctl_bdata;
};

#define	SYSCTL_TYPE(flags)	((flags) & 0xf)
#define	SYSCTL_DESCR(s)		(s)
#define	SYSCTL_FLAGS(flags)	((flags) & 0xfffffff0)

/* A function that makes nodes; nothing calls it by itself. */
#define	SYSCTL_SETUP_PROTO(f)	void f(struct sysctllog **)
#define	SYSCTL_SETUP(f, name)						\
	static void f(struct sysctllog **);				\
	__link_set_add_text(sysctl_funcs, f);				\
	static void f(struct sysctllog **clog __unused)

#define	sysctl_createv	wqk_sysctl_createv
#define	sysctl_destroyv	wqk_sysctl_destroyv
#define	sysctl_teardown	wqk_sysctl_teardown
#define	sysctl_lookup	wqk_sysctl_lookup

/* Accepted, and 0 returned; *cnode is a node of number 0. */
int	sysctl_createv(struct sysctllog **, int,
	    const struct sysctlnode **, const struct sysctlnode **,
	    int, int, const char *, const char *, sysctlfn, uint64_t,
	    void *, size_t, ...);
int	sysctl_destroyv(struct sysctlnode *, ...);
void	sysctl_teardown(struct sysctllog **);

/* Read and write the data of the node that a handler hands on. */
int	sysctl_lookup(SYSCTLFN_PROTO);

__WQ_END_DECLS

#endif	/* !_SYS_SYSCTL_H_ */
