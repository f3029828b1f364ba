/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * evcnt(9): event counters, on one list.
 */

#include <string.h>

#include <sys/evcnt.h>

#include "kern.h"
#include "kern_boot.h"
#include "kern_context.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_kmem.h"

struct kspin		evcnt_lock;
static struct evcnt	*evcnt_first;			/* (evcnt_lock) */
static struct evcnt	**evcnt_lastp = &evcnt_first;	/* (evcnt_lock) */
static bool		evcnt_dropped;	/* list lost: see evcnt_fork() */

static bool
evcnt_listed(const struct evcnt *ev)
{
	const struct evcnt *o;

	for (o = evcnt_first; o != NULL; o = o->ev_list.tqe_next)
		if (o == ev)
			return true;
	return false;
}

static void
evcnt_attach(struct evcnt *ev, const char *func)
{

	kspin_enter(&evcnt_lock);
	if (KERN_CHECKING() && evcnt_listed(ev))
		panic("%s: \"%s %s\" is attached already", func,
		    ev->ev_group, ev->ev_name);
	ev->ev_list.tqe_next = NULL;
	ev->ev_list.tqe_prev = evcnt_lastp;
	*evcnt_lastp = ev;
	evcnt_lastp = &ev->ev_list.tqe_next;
	kspin_exit(&evcnt_lock);
}

__kern_public void
evcnt_attach_static(struct evcnt *ev)
{

	kern_init();
	evcnt_attach(ev, "evcnt_attach_static");
}

__kern_public void
evcnt_attach_dynamic_nozero(struct evcnt *ev, int type,
    const struct evcnt *parent, const char *group, const char *name)
{
	size_t grouplen, namelen;

	kern_init();
	grouplen = strlen(group);
	namelen = strlen(name);
	KASSERTMSG(grouplen != 0 && grouplen <= EVCNT_STRING_MAX,
	    "evcnt_attach: a group name of %zu bytes", grouplen);
	KASSERTMSG(namelen != 0 && namelen <= EVCNT_STRING_MAX,
	    "evcnt_attach: a name of %zu bytes", namelen);
	ev->ev_type = (unsigned char)type;
	ev->ev_grouplen = (unsigned char)grouplen;
	ev->ev_namelen = (unsigned char)namelen;
	ev->ev_pad1 = 0;
	ev->ev_parent = parent;
	ev->ev_group = group;
	ev->ev_name = name;
	evcnt_attach(ev, "evcnt_attach_dynamic");
}

__kern_public void
evcnt_attach_dynamic(struct evcnt *ev, int type, const struct evcnt *parent,
    const char *group, const char *name)
{

	ev->ev_count = 0;
	evcnt_attach_dynamic_nozero(ev, type, parent, group, name);
}

__kern_public void
evcnt_detach(struct evcnt *ev)
{

	kspin_enter(&evcnt_lock);
	KASSERTMSG(ev->ev_list.tqe_prev != NULL,
	    "evcnt_detach: \"%s %s\" is not attached", ev->ev_group,
	    ev->ev_name);
	if (__predict_false(evcnt_dropped) && !evcnt_listed(ev)) {
		ev->ev_list.tqe_prev = NULL;
		kspin_exit(&evcnt_lock);
		return;
	}
	*ev->ev_list.tqe_prev = ev->ev_list.tqe_next;
	if (ev->ev_list.tqe_next != NULL)
		ev->ev_list.tqe_next->ev_list.tqe_prev = ev->ev_list.tqe_prev;
	else
		evcnt_lastp = ev->ev_list.tqe_prev;
	ev->ev_list.tqe_next = NULL;
	ev->ev_list.tqe_prev = NULL;
	kspin_exit(&evcnt_lock);
}

/*
 * Copy the counters of a type, each with its names, if there is room for all of
 * them.  Store their number.  Return the room that they need.
 */
static size_t
evcnt_copy(int type, struct evcnt *to, size_t room, size_t *np)
{
	const struct evcnt *ev;
	struct evcnt *end;
	size_t n, size;
	char *s;

	kspin_enter(&evcnt_lock);
	size = n = 0;
	for (ev = evcnt_first; ev != NULL; ev = ev->ev_list.tqe_next) {
		if (type != EVCNT_TYPE_ANY && ev->ev_type != type)
			continue;
		size += sizeof(*ev) + ev->ev_grouplen + ev->ev_namelen + 2u;
		n++;
	}
	*np = n;
	if (n != 0 && size <= room) {
		end = to + n;
		s = (char *)end;
		for (ev = evcnt_first; ev != NULL; ev = ev->ev_list.tqe_next) {
			if (type != EVCNT_TYPE_ANY && ev->ev_type != type)
				continue;
			memset(to, 0, sizeof(*to));
			/* The owner may be counting meanwhile. */
			to->ev_count = atomic_load_relaxed(
			    (const __atomic64_t *)&ev->ev_count);
			to->ev_type = ev->ev_type;
			to->ev_grouplen = ev->ev_grouplen;
			to->ev_namelen = ev->ev_namelen;
			to->ev_parent = ev->ev_parent;
			to->ev_group = memcpy(s, ev->ev_group,
			    ev->ev_grouplen);
			s += ev->ev_grouplen;
			*s++ = '\0';
			to->ev_name = memcpy(s, ev->ev_name, ev->ev_namelen);
			s += ev->ev_namelen;
			*s++ = '\0';
			to++;
		}
	}
	kspin_exit(&evcnt_lock);
	return size;
}

__kern_public void
evcnt_foreach(int type, void (*func)(const struct evcnt *, void *),
    void *arg)
{
	struct kmem_wait kw = { 0, 0 };
	struct evcnt *copies;
	size_t i, n, room, size;

	kern_init();
	KERN_CHECK(context_check_sleep("evcnt_foreach"));
	copies = NULL;
	for (room = 0; (size = evcnt_copy(type, copies, room, &n)) > room;) {
		host_free(copies);
		room = size;
		while ((copies = host_alloc(room)) == NULL)
			kmem_backoff(&kw, "evcnt_foreach", room);
	}
	for (i = 0; i < n; i++)
		(*func)(&copies[i], arg);
	host_free(copies);
}

/*
 * In a forked child, drop the list if it may be inconsistent, because it could
 * lead into freed memory.  The counters still count, but evcnt_foreach() does
 * not show them.
 */
void
evcnt_fork(struct lwp *l)
{

	(void)l;
	if (!kern_torn(&evcnt_lock))
		return;
	evcnt_first = NULL;
	evcnt_lastp = &evcnt_first;
	evcnt_dropped = true;
}
