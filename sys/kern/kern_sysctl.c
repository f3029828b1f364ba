/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sysctl(9): registrations are accepted and lead nowhere.
 */

#include <errno.h>
#include <string.h>

#include <sys/sysctl.h>

#include "kern.h"

/* What every new node is said to be; never written. */
static const struct sysctlnode sysctl_node;

__kern_public int
sysctl_createv(struct sysctllog **log, int cflags,
    const struct sysctlnode **rnode, const struct sysctlnode **cnode,
    int flags, int type, const char *name, const char *desc, sysctlfn func,
    uint64_t qv, void *data, size_t len, ...)
{

	(void)log;
	(void)cflags;
	(void)rnode;
	(void)flags;
	(void)type;
	(void)name;
	(void)desc;
	(void)func;
	(void)qv;
	(void)data;
	(void)len;
	if (cnode != NULL)
		*cnode = &sysctl_node;
	return 0;
}

__kern_public int
sysctl_destroyv(struct sysctlnode *rnode, ...)
{

	(void)rnode;
	return 0;
}

__kern_public void
sysctl_teardown(struct sysctllog **log)
{

	*log = NULL;
}

/*
 * What a node's data is: its own, or what it points to.
 */
static const void *
sysctl_data(const struct sysctlnode *node, size_t *lenp)
{

	*lenp = node->sysctl_size;
	if ((node->sysctl_flags & CTLFLAG_IMMEDIATE) == 0) {
		if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING)
			*lenp = strlen(node->sysctl_data) + 1;
		return node->sysctl_data;
	}
	switch (SYSCTL_TYPE(node->sysctl_flags)) {
	case CTLTYPE_INT:
		*lenp = sizeof(node->sysctl_idata);
		return &node->sysctl_idata;
	case CTLTYPE_QUAD:
		*lenp = sizeof(node->sysctl_qdata);
		return &node->sysctl_qdata;
	case CTLTYPE_BOOL:
		*lenp = sizeof(node->sysctl_bdata);
		return &node->sysctl_bdata;
	default:
		return NULL;
	}
}

__kern_public int
sysctl_lookup(const int *name, unsigned int namelen, void *oldp,
    size_t *oldlenp, const void *newp, size_t newlen, const int *oname,
    struct lwp *l, const struct sysctlnode *node)
{
	const void *data;
	size_t len, size;

	(void)name;
	(void)oname;
	(void)l;
	if (namelen != 0)
		return ENOENT;
	if ((data = sysctl_data(node, &len)) == NULL)
		return EINVAL;
	if (newp != NULL) {
		if ((node->sysctl_flags & CTLFLAG_READWRITE) == 0)
			return EPERM;
		size = SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING ?
		    node->sysctl_size : len;
		if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING ?
		    newlen >= size : newlen != size)
			return EINVAL;
	}
	if (oldlenp != NULL) {
		size = *oldlenp;
		*oldlenp = len;
		if (oldp != NULL) {
			memcpy(oldp, data, size < len ? size : len);
			if (size < len)
				return ENOMEM;
		}
	}
	if (newp != NULL) {
		/* The copy of the node that handlers make is theirs. */
		memcpy((void *)(uintptr_t)data, newp, newlen);
		if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING)
			((char *)(uintptr_t)data)[newlen] = '\0';
	}
	return 0;
}
