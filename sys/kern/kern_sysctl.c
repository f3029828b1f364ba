/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sysctl(9): a tree of nodes.  A program reads and writes a node by name.
 *
 * sysctl_treelock guards the tree.  A thread holds this lock while it calls the
 * function of a node, and holds it to write if the function may set a value.
 * So a function that sets a value runs alone, and a node is not destroyed while
 * its function runs.
 */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <sys/kmem.h>
#include <sys/once.h>
#include <sys/rwlock.h>
#include <sys/sysctl.h>
#include <sys/wq_libkern.h>

#include "kern.h"
#include "kern_lwp.h"
#include "kern_mutex.h"
#include "kern_param.h"
#include "subr_lockdebug.h"
#include "subr_lockdebug_var.h"
#include "subr_prf.h"

#define	SYSCTL_FIRSTNUM	1024		/* CTL_CREATE: the least number */

/* An entry of a log: a node that sysctl_createv() created or found. */
struct sysctllog {
	struct sysctllog *log_next;
	struct sysctlnode *log_node;	/* may be gone: see sysctl_isthere() */
	uint32_t	 log_ver;	/* its version, which is unique */
};

static krwlock_t	sysctl_treelock;
KERN_FORKLOCK(sysctl_treelock, rw_word);
static uint32_t		sysctl_lastver;		/* (sysctl_treelock) */

/* The root, and the built-in nodes below it. */
static struct sysctlnode sysctl_root = {
	.sysctl_flags = CTLFLAG_ROOT | CTLFLAG_READWRITE | CTLTYPE_NODE
};
static struct sysctlnode sysctl_top[] = {
#define	TOP(number, name)						\
	{ .sysctl_flags = CTLFLAG_PERMANENT | CTLTYPE_NODE,		\
	  .sysctl_num = (number), .sysctl_name = name }
	TOP(CTL_KERN, "kern"), TOP(CTL_VM, "vm"), TOP(CTL_VFS, "vfs"),
	TOP(CTL_NET, "net"), TOP(CTL_DEBUG, "debug"), TOP(CTL_HW, "hw"),
	TOP(CTL_MACHDEP, "machdep"), TOP(CTL_USER, "user"),
	TOP(CTL_DDB, "ddb"), TOP(CTL_PROC, "proc"),
	TOP(CTL_VENDOR, "vendor"), TOP(CTL_EMUL, "emul"),
	TOP(CTL_SECURITY, "security")
#undef TOP
};

static int
sysctl_init(void)
{
	size_t i;

	rw_init(&sysctl_treelock);
	KERN_CHECK(lockdebug_keep(&sysctl_treelock));
	for (i = __arraycount(sysctl_top); i-- > 0;) {
		sysctl_top[i].sysctl_parent = &sysctl_root;
		sysctl_top[i].sysctl_sibling = sysctl_root.sysctl_child;
		sysctl_root.sysctl_child = &sysctl_top[i];
	}
	return 0;
}

__kern_public void
sysctl_lock(bool write)
{
	static ONCE_DECL(once);

	(void)RUN_ONCE(&once, sysctl_init);
	rw_enter(&sysctl_treelock, write ? RW_WRITER : RW_READER);
}

__kern_public void
sysctl_unlock(void)
{

	/* Record for sysctl_relock() whether the lock is held to write. */
	curlwp_get()->l_sysctlwrite =
	    rw_lock_op(&sysctl_treelock) == RW_WRITER;
	rw_exit(&sysctl_treelock);
}

__kern_public void
sysctl_relock(void)
{

	sysctl_lock(curlwp_get()->l_sysctlwrite);
}

/*
 * Find a child of a node by number, or return NULL.  sysctl_byname() finds a
 * child by the first len bytes of name.
 */
static struct sysctlnode *
sysctl_bynumber(const struct sysctlnode *node, int num)
{
	struct sysctlnode *n;

	for (n = node->sysctl_child; n != NULL; n = n->sysctl_sibling)
		if (n->sysctl_num == num)
			break;
	return n;
}

static struct sysctlnode *
sysctl_byname(const struct sysctlnode *node, const char *name, size_t len)
{
	struct sysctlnode *n;

	for (n = node->sysctl_child; n != NULL; n = n->sysctl_sibling)
		if (strncmp(n->sysctl_name, name, len) == 0 &&
		    n->sysctl_name[len] == '\0')
			break;
	return n;
}

/*
 * Follow a path of numbers from *rnode, or from the root if *rnode is NULL.
 * Stop at a node with a function, which interprets the rest of the path.  Store
 * the last node in *rnode, and the length of the path to it in *nip.
 */
__kern_public int
sysctl_locate(struct lwp *l, const int *name, unsigned int namelen,
    const struct sysctlnode **rnode, int *nip)
{
	const struct sysctlnode *n, *next;
	unsigned int i;
	int error;

	(void)l;
	error = 0;
	n = *rnode != NULL ? *rnode : &sysctl_root;
	for (i = 0; i < namelen; i++, n = next) {
		if (n->sysctl_func != NULL)
			break;
		if (SYSCTL_TYPE(n->sysctl_flags) != CTLTYPE_NODE) {
			error = ENOTDIR;
			break;
		}
		if ((next = sysctl_bynumber(n, name[i])) == NULL) {
			error = ENOENT;
			break;
		}
	}
	*rnode = n;
	if (nip != NULL)
		*nip = (int)i;
	return error;
}

/*
 * Return the size of the data of a type, or 0 if it is not fixed.
 */
static size_t
sysctl_typesize(int type)
{

	switch (type) {
	case CTLTYPE_INT:
		return sizeof(int);
	case CTLTYPE_QUAD:
		return sizeof(uint64_t);
	case CTLTYPE_BOOL:
		return sizeof(bool);
	case CTLTYPE_LONG:
		return sizeof(long);
	default:
		return 0;
	}
}

static bool
sysctl_goodname(const char *name)
{
	size_t i;
	char c;

	for (i = 0; (c = name[i]) != '\0'; i++) {
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '_')
			continue;
		if (i == 0 || !((c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return i != 0 && i < SYSCTL_NAMELEN;
}

static int
sysctl_einval(const char *name, const char *text)
{

	return kern_einval("sysctl_createv", "\"%.32s\": %s", name, text);
}

/*
 * Set the data of a new node.  Return 0 or EINVAL.
 */
static int
sysctl_fill(struct sysctlnode *node, int type, uint64_t qv, void *data,
    size_t len)
{

	if (type < CTLTYPE_NODE || type > CTLTYPE_LONG)
		return sysctl_einval(node->sysctl_name, "no such type");
	if (type == CTLTYPE_NODE)
		return data == NULL && len == 0 ? 0 :
		    sysctl_einval(node->sysctl_name, "CTLTYPE_NODE with data");
	node->sysctl_size = len != 0 ? len : sysctl_typesize(type);
	if (sysctl_typesize(type) != 0 &&
	    node->sysctl_size < sysctl_typesize(type))
		return sysctl_einval(node->sysctl_name, "the length is less "
		    "than the type's");
	if ((node->sysctl_flags & CTLFLAG_IMMEDIATE) != 0) {
		switch (type) {
		case CTLTYPE_INT:
			node->sysctl_idata = (int32_t)qv;
			return 0;
		case CTLTYPE_QUAD:
			node->sysctl_qdata = qv;
			return 0;
		case CTLTYPE_BOOL:
			node->sysctl_bdata = qv != 0;
			return 0;
		default:
			return sysctl_einval(node->sysctl_name, "not a type "
			    "for CTLFLAG_IMMEDIATE");
		}
	}
	if (type == CTLTYPE_STRING && len == 0 && data != NULL)
		node->sysctl_size = strlen(data) + 1;
	if ((node->sysctl_flags & CTLFLAG_OWNDATA) != 0) {
		if (node->sysctl_size == 0)
			return sysctl_einval(node->sysctl_name,
			    "CTLFLAG_OWNDATA without a length");
		node->sysctl_data = kmem_zalloc(node->sysctl_size, KM_SLEEP);
		if (data != NULL && type == CTLTYPE_STRING)
			(void)wqk_strlcpy(node->sysctl_data, data,
			    node->sysctl_size);
		else if (data != NULL)
			memcpy(node->sysctl_data, data, node->sysctl_size);
		return 0;
	}
	node->sysctl_data = data;
	/* A node needs data or a function. */
	return data != NULL || node->sysctl_func != NULL ? 0 :
	    sysctl_einval(node->sysctl_name, "neither data nor a function");
}

static void
sysctl_freenode(struct sysctlnode *node)
{

	if ((node->sysctl_flags & CTLFLAG_OWNDATA) != 0 &&
	    node->sysctl_data != NULL)
		kmem_free(node->sysctl_data, node->sysctl_size);
	if ((node->sysctl_flags & CTLFLAG_OWNDESC) != 0 &&
	    node->sysctl_desc != NULL)
		kmem_strfree((char *)(uintptr_t)node->sysctl_desc);
	kmem_free(node, sizeof(*node));
}

/*
 * Find the parent of a new node by its path.  If a node has the same name or
 * number as the new one, store that node in *oldp.
 */
static int
sysctl_place(struct sysctlnode *node, const struct sysctlnode *root,
    const int *path, unsigned int len, struct sysctlnode **oldp)
{
	const struct sysctlnode *parent;
	struct sysctlnode *n;
	int error, ni;

	KERN_CHECK(KASSERT(rw_write_held(&sysctl_treelock)));
	parent = root;
	error = sysctl_locate(NULL, path, len - 1, &parent, &ni);
	if (error != 0)
		return error;
	if (SYSCTL_TYPE(parent->sysctl_flags) != CTLTYPE_NODE ||
	    parent->sysctl_func != NULL)
		return ENOTDIR;
	node->sysctl_parent = (struct sysctlnode *)(uintptr_t)parent;
	*oldp = sysctl_byname(parent, node->sysctl_name,
	    strlen(node->sysctl_name));
	if (path[len - 1] >= 0) {
		node->sysctl_num = path[len - 1];
		if (*oldp == NULL)
			*oldp = sysctl_bynumber(parent, node->sysctl_num);
		return 0;
	}
	node->sysctl_num = SYSCTL_FIRSTNUM;
	for (n = parent->sysctl_child; n != NULL; n = n->sysctl_sibling)
		if (n->sysctl_num >= node->sysctl_num)
			node->sysctl_num = n->sysctl_num + 1;
	return 0;
}

/*
 * Append a node to the children of its parent.
 */
static void
sysctl_attach(struct sysctlnode *node)
{
	struct sysctlnode **np;

	KERN_CHECK(KASSERT(rw_write_held(&sysctl_treelock)));
	for (np = &node->sysctl_parent->sysctl_child; *np != NULL;
	    np = &(*np)->sysctl_sibling)
		continue;
	node->sysctl_sibling = NULL;
	*np = node;
	node->sysctl_ver = ++sysctl_lastver;
}

/*
 * Take a node out of the tree; the caller frees it.
 */
static int
sysctl_detach(struct sysctlnode *node)
{
	struct sysctlnode **np;

	KERN_CHECK(KASSERT(rw_write_held(&sysctl_treelock)));
	/* Only the built-in nodes have no version. */
	if (node->sysctl_ver == 0)
		return EPERM;
	if (node->sysctl_child != NULL)
		return ENOTEMPTY;
	for (np = &node->sysctl_parent->sysctl_child; *np != node;
	    np = &(*np)->sysctl_sibling)
		continue;
	*np = node->sysctl_sibling;
	return 0;
}

/*
 * Read a path from the arguments.  CTL_EOL or CTL_CREATE ends it.  Return its
 * length, or 0 if it is empty or too long.
 */
static unsigned int
sysctl_path(int *path, va_list ap)
{
	unsigned int n;
	int num;

	for (n = 0; (num = va_arg(ap, int)) != CTL_EOL; n++) {
		if (n == CTL_MAXNAME)
			return 0;
		path[n] = num;
		if (num == CTL_CREATE)
			return n + 1;
	}
	return n;
}

/*
 * Put a new node into the tree.  Several callers may create the same node of
 * CTLTYPE_NODE and share it: if it exists already, leave the tree as it is.
 * Store the node of the tree in *madep.  Return 0 or an errno value.
 */
static int
sysctl_share(struct sysctlnode *node, const struct sysctlnode *root,
    const int *path, unsigned int len, struct sysctlnode **madep)
{
	struct sysctlnode *old;
	int error;

	old = NULL;
	error = sysctl_place(node, root, path, len, &old);
	if (error != 0)
		return error;
	if (old == NULL) {
		sysctl_attach(node);
		*madep = node;
		return 0;
	}
	if (SYSCTL_TYPE(node->sysctl_flags) != CTLTYPE_NODE ||
	    node->sysctl_func != NULL ||
	    SYSCTL_TYPE(old->sysctl_flags) != CTLTYPE_NODE ||
	    strcmp(old->sysctl_name, node->sysctl_name) != 0 ||
	    (path[len - 1] >= 0 && path[len - 1] != old->sysctl_num))
		return EEXIST;
	*madep = old;
	return 0;
}

__kern_public int
sysctl_createv(struct sysctllog **log, int cflags,
    const struct sysctlnode **rnode, const struct sysctlnode **cnode,
    int flags, int type, const char *name, const char *desc, sysctlfn func,
    uint64_t qv, void *data, size_t len, ...)
{
	struct sysctlnode *made, *node;
	struct sysctllog *entry;
	unsigned int n;
	va_list ap;
	int error, path[CTL_MAXNAME];

	va_start(ap, len);
	n = sysctl_path(path, ap);
	va_end(ap);
	if (cnode != NULL)
		*cnode = NULL;
	if (name == NULL || !sysctl_goodname(name))
		return sysctl_einval(name == NULL ? "" : name, "not a name");
	if (n == 0 || (path[n - 1] < 0 && path[n - 1] != CTL_CREATE))
		return sysctl_einval(name, "not a path");

	node = kmem_zalloc(sizeof(*node), KM_SLEEP);
	node->sysctl_flags = SYSCTL_FLAGS((uint32_t)flags) |
	    ((uint32_t)cflags & CTLFLAG_OWNDESC) | (uint32_t)type;
	(void)wqk_strlcpy(node->sysctl_name, name, sizeof(node->sysctl_name));
	node->sysctl_func = func;
	if ((error = sysctl_fill(node, type, qv, data, len)) != 0) {
		sysctl_freenode(node);
		return error;
	}
	node->sysctl_desc = desc;
	if (desc != NULL && (node->sysctl_flags & CTLFLAG_OWNDESC) != 0)
		node->sysctl_desc = kmem_strdupsize(desc, NULL, KM_SLEEP);
	entry = log != NULL ? kmem_zalloc(sizeof(*entry), KM_SLEEP) : NULL;

	made = NULL;
	sysctl_lock(true);
	error = sysctl_share(node, rnode != NULL ? *rnode : NULL, path, n,
	    &made);
	if (error == 0) {
		made->sysctl_refs++;
		if (entry != NULL) {
			entry->log_node = made;
			entry->log_ver = made->sysctl_ver;
			entry->log_next = *log;
			*log = entry;
			entry = NULL;
		}
		if (cnode != NULL)
			*cnode = made;
	}
	rw_exit(&sysctl_treelock);
	if (made != node)
		sysctl_freenode(node);
	if (entry != NULL)
		kmem_free(entry, sizeof(*entry));
	return error;
}

__kern_public int
sysctl_destroyv(struct sysctlnode *rnode, ...)
{
	const struct sysctlnode *node;
	struct sysctlnode *dead;
	unsigned int n;
	va_list ap;
	int error, ni, path[CTL_MAXNAME];

	va_start(ap, rnode);
	n = sysctl_path(path, ap);
	va_end(ap);
	if (n == 0)
		return kern_einval("sysctl_destroyv", "not a path");
	sysctl_lock(true);
	node = rnode;
	error = sysctl_locate(NULL, path, n, &node, &ni);
	if (error == 0 && (unsigned int)ni != n)
		error = ENOENT;
	dead = (struct sysctlnode *)(uintptr_t)node;
	if (error == 0)
		error = sysctl_detach(dead);
	rw_exit(&sysctl_treelock);
	if (error == 0)
		sysctl_freenode(dead);
	/* As in NetBSD, ignore a node that is gone or has children. */
	return error == ENOENT || error == ENOTEMPTY ? 0 : error;
}

/*
 * Return true if a node is in the tree below top.
 */
static bool
sysctl_isthere(const struct sysctlnode *top, const struct sysctlnode *node,
    uint32_t ver)
{
	const struct sysctlnode *n;

	for (n = top->sysctl_child; n != NULL; n = n->sysctl_sibling)
		if ((n == node && n->sysctl_ver == ver) ||
		    sysctl_isthere(n, node, ver))
			return true;
	return false;
}

__kern_public void
sysctl_teardown(struct sysctllog **log)
{
	struct sysctllog *entry;
	struct sysctlnode *dead;

	while ((entry = *log) != NULL) {
		*log = entry->log_next;
		dead = NULL;
		sysctl_lock(true);
		if (sysctl_isthere(&sysctl_root, entry->log_node,
		    entry->log_ver) && --entry->log_node->sysctl_refs == 0 &&
		    sysctl_detach(entry->log_node) == 0)
			dead = entry->log_node;
		rw_exit(&sysctl_treelock);
		if (dead != NULL)
			sysctl_freenode(dead);
		kmem_free(entry, sizeof(*entry));
	}
}

/*
 * Return the data of a node and store its length.  The data is in the node, or
 * where the node points.
 */
static void *
sysctl_data(const struct sysctlnode *node, size_t *lenp)
{
	struct sysctlnode *n;

	/*
	 * The node is writable: it is a function's own copy or a node of the
	 * tree.
	 */
	n = (struct sysctlnode *)(uintptr_t)node;
	*lenp = node->sysctl_size;
	if ((node->sysctl_flags & CTLFLAG_IMMEDIATE) == 0) {
		if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING &&
		    n->sysctl_data != NULL)
			*lenp = strlen(n->sysctl_data) + 1;
		return n->sysctl_data;
	}
	switch (SYSCTL_TYPE(node->sysctl_flags)) {
	case CTLTYPE_INT:
		*lenp = sizeof(n->sysctl_idata);
		return &n->sysctl_idata;
	case CTLTYPE_QUAD:
		*lenp = sizeof(n->sysctl_qdata);
		return &n->sysctl_qdata;
	case CTLTYPE_BOOL:
		*lenp = sizeof(n->sysctl_bdata);
		return &n->sysctl_bdata;
	default:
		return NULL;
	}
}

/*
 * Return true if a new value has the right size for the node.
 */
static bool
sysctl_fits(const struct sysctlnode *node, size_t len, const char *newp,
    size_t newlen)
{

	if (SYSCTL_TYPE(node->sysctl_flags) != CTLTYPE_STRING)
		return newlen == len;
	return newlen < node->sysctl_size || (newlen == node->sysctl_size &&
	    newlen != 0 && newp[newlen - 1] == '\0');
}

__kern_public int
sysctl_lookup(const int *name, unsigned int namelen, void *oldp,
    size_t *oldlenp, const void *newp, size_t newlen, const int *oname,
    struct lwp *l, const struct sysctlnode *node)
{
	size_t len, size;
	void *data;

	(void)name;
	(void)oname;
	(void)l;
	if (namelen != 0)
		return ENOENT;
	if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_NODE)
		return EISDIR;
	if ((data = sysctl_data(node, &len)) == NULL)
		return EINVAL;
	if (newp != NULL) {
		if ((node->sysctl_flags & CTLFLAG_READWRITE) == 0)
			return EPERM;
		if (!sysctl_fits(node, len, newp, newlen))
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
		memcpy(data, newp, newlen);
		if (SYSCTL_TYPE(node->sysctl_flags) == CTLTYPE_STRING &&
		    newlen < node->sysctl_size)
			((char *)data)[newlen] = '\0';
	}
	return 0;
}

/*
 * Call the function of a node, or sysctl_lookup() if it has none.
 */
__kern_public int
sysctl_dispatch(const int *name, unsigned int namelen, void *oldp,
    size_t *oldlenp, const void *newp, size_t newlen, const int *oname,
    struct lwp *l, const struct sysctlnode *rnode)
{
	sysctlfn func;
	int error, ni;

	KASSERTMSG(rw_lock_held(&sysctl_treelock),
	    "sysctl_dispatch: the tree is not locked");
	error = sysctl_locate(l, name, namelen, &rnode, &ni);
	if (error != 0)
		return error;
	func = rnode->sysctl_func != NULL ? rnode->sysctl_func :
	    sysctl_lookup;
	return (*func)(name + ni, namelen - (unsigned int)ni, oldp, oldlenp,
	    newp, newlen, oname, l, rnode);
}

/*
 * Translate a name into a path of numbers.  A part of the name may be a number,
 * which stands for itself.  Below a node with a function each part must be a
 * number, because there are no nodes and so no names.
 */
static int
sysctl_translate(const char *s, int *path, unsigned int *np)
{
	const struct sysctlnode *node, *next;
	unsigned int n;
	size_t i, len;
	int num;

	KERN_CHECK(KASSERT(rw_lock_held(&sysctl_treelock)));
	node = &sysctl_root;
	for (n = 0;; s += len + 1) {
		for (len = 0; s[len] != '\0' && s[len] != '.'; len++)
			continue;
		if (len == 0 || n == CTL_MAXNAME)
			return ENOENT;
		for (i = 0, num = 0; i < len && i < 9 && s[i] >= '0' &&
		    s[i] <= '9'; i++)
			num = num * 10 + (s[i] - '0');
		next = NULL;
		if (node != NULL && node->sysctl_func == NULL) {
			if (SYSCTL_TYPE(node->sysctl_flags) != CTLTYPE_NODE)
				return ENOTDIR;
			next = i == len ? sysctl_bynumber(node, num) :
			    sysctl_byname(node, s, len);
			if (next == NULL)
				return ENOENT;
			num = next->sysctl_num;
		} else if (i != len)
			return ENOENT;
		node = next;
		path[n++] = num;
		if (s[len] == '\0')
			break;
	}
	*np = n;
	return 0;
}

__kern_public int
wqk_sysctlbyname(const char *name, void *oldp, size_t *oldlenp,
    const void *newp, size_t newlen)
{
	unsigned int n;
	size_t have, len;
	int error, path[CTL_MAXNAME];

	/* As in a kernel, pass a size even if the caller has none. */
	have = len = oldp != NULL && oldlenp != NULL ? *oldlenp : 0;
	sysctl_lock(newp != NULL);
	error = sysctl_translate(name, path, &n);
	if (error != 0) {
		rw_exit(&sysctl_treelock);
		return error;
	}
	error = sysctl_dispatch(path, n, oldp, &len, newp, newlen, path,
	    curlwp_get(), NULL);
	rw_exit(&sysctl_treelock);
	if (oldlenp != NULL)
		*oldlenp = len;
	/* A function need not report that it copied only a part. */
	return error == 0 && oldp != NULL && have < len ? ENOMEM : error;
}

__kern_public const struct sysctlnode *
wqk_sysctlnode(const char *name)
{
	const struct sysctlnode *node;
	unsigned int n;
	int ni, path[CTL_MAXNAME];

	node = NULL;
	sysctl_lock(false);
	if (sysctl_translate(name, path, &n) != 0 ||
	    sysctl_locate(NULL, path, n, &node, &ni) != 0 ||
	    (unsigned int)ni != n)
		node = NULL;
	rw_exit(&sysctl_treelock);
	return node;
}
