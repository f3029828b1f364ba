/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A network interface.  Its packets go through a pcq to a soft interrupt; it
 * has handlers on a pslist, hooks for link changes and a sysctl node, and uses
 * the other kernel interfaces that such a driver calls.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/hash.h>
#include <sys/hook.h>
#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/lockdebug.h>
#include <sys/mutex.h>
#include <sys/pcq.h>
#include <sys/pserialize.h>
#include <sys/pslist.h>
#include <sys/rndsource.h>
#include <sys/sysctl.h>

#include <uvm/uvm_extern.h>

struct packet {
	const char	*p_name;
};

struct proto {
	struct pslist_entry	pr_entry;
	uint32_t		pr_hash;
	volatile unsigned int	pr_count;
};

static struct ifq_softc {
	pcq_t		*sc_q;
	void		*sc_si;
	kmutex_t	sc_lock;
	kcondvar_t	sc_cv;
	int		sc_done;
	int		sc_up;
	struct pslist_head sc_protos;
	pserialize_t	sc_psz;
	khook_list_t	*sc_linkhooks;
	krndsource_t	sc_rnd;
	struct sysctllog *sc_log;
} sc;

static void
ifq_softint(void *arg)
{
	struct packet *p;
	struct proto *pr;
	int n = 0, s;

	(void)arg;
	while ((p = pcq_get(sc.sc_q)) != NULL) {
		s = pserialize_read_enter();
		PSLIST_READER_FOREACH(pr, &sc.sc_protos, struct proto,
		    pr_entry)
			if (pr->pr_hash == hash32_str(p->p_name,
			    HASH32_STR_INIT))
				pr->pr_count++;
		pserialize_read_exit(s);
		LOCKDEBUG_MEM_CHECK(p, sizeof(*p));
		n++;
	}
	mutex_enter(&sc.sc_lock);
	sc.sc_done += n;
	cv_broadcast(&sc.sc_cv);
	mutex_exit(&sc.sc_lock);
}

static int
ifq_sysctl_up(SYSCTLFN_ARGS)
{
	struct sysctlnode node = *rnode;
	int error, up = sc.sc_up;

	node.sysctl_data = &up;
	error = sysctl_lookup(SYSCTLFN_CALL(&node));
	if (error || newp == NULL)
		return error;
	sc.sc_up = up;
	return simplehook_dohooks(sc.sc_linkhooks);
}

static void
ifq_linkchange(void *arg)
{

	*(int *)arg = sc.sc_up;
}

SYSCTL_SETUP_PROTO(sysctl_ifq_setup);
SYSCTL_SETUP(sysctl_ifq_setup, "sysctl ifq subtree")
{
	const struct sysctlnode *rnode;

	sysctl_createv(clog, 0, NULL, &rnode, CTLFLAG_PERMANENT,
	    CTLTYPE_NODE, "ifq", NULL, NULL, 0, NULL, 0, CTL_NET, CTL_CREATE,
	    CTL_EOL);
	sysctl_createv(clog, 0, &rnode, NULL,
	    CTLFLAG_PERMANENT | CTLFLAG_READWRITE, CTLTYPE_INT, "up", NULL,
	    ifq_sysctl_up, 0, NULL, 0, CTL_CREATE, CTL_EOL);
}

int ifqueue_test(void);

int
ifqueue_test(void)
{
	static struct packet packets[] = {
		{ "ip" }, { "arp" }, { "ip" }, { "ip6" }, { "ip" }
	};
	struct proto ip = { .pr_hash = hash32_str("ip", HASH32_STR_INIT) };
	khook_t *hk;
	vm_prot_t prot = VM_PROT_READ;
	int link = -1, up = 1;
	size_t i;

	mutex_init(&sc.sc_lock, MUTEX_DEFAULT, IPL_SOFTNET);
	cv_init(&sc.sc_cv, "ifq");
	sc.sc_q = pcq_create(8, KM_SLEEP);
	sc.sc_si = softint_establish(SOFTINT_NET | SOFTINT_MPSAFE,
	    ifq_softint, NULL);
	sc.sc_psz = pserialize_create();
	PSLIST_INIT(&sc.sc_protos);
	PSLIST_ENTRY_INIT(&ip, pr_entry);
	mutex_enter(&sc.sc_lock);
	PSLIST_WRITER_INSERT_HEAD(&sc.sc_protos, &ip, pr_entry);
	mutex_exit(&sc.sc_lock);
	rnd_attach_source(&sc.sc_rnd, "ifq0", RND_TYPE_NET, RND_FLAG_DEFAULT);
	sc.sc_linkhooks = simplehook_create(IPL_NONE, "iflink");
	hk = simplehook_establish(sc.sc_linkhooks, ifq_linkchange, &link);
	sysctl_ifq_setup(&sc.sc_log);

	/* One notification, because one thread drains the queue. */
	for (i = 0; i < __arraycount(packets); i++) {
		if (!pcq_put(sc.sc_q, &packets[i]))
			return 1;
		rnd_add_uint32(&sc.sc_rnd, (uint32_t)i);
	}
	softint_schedule(sc.sc_si);
	mutex_enter(&sc.sc_lock);
	while (sc.sc_done < (int)__arraycount(packets))
		cv_wait(&sc.sc_cv, &sc.sc_lock);
	PSLIST_WRITER_REMOVE(&ip, pr_entry);
	pserialize_perform(sc.sc_psz);
	mutex_exit(&sc.sc_lock);
	LOCKDEBUG_BARRIER(NULL, 0);
	if (ip.pr_count != 3)
		return 2;
	if (wqk_sysctlbyname("net.ifq.up", NULL, NULL, &up, sizeof(up)) != 0 ||
	    link != 1)
		return 3;

	sysctl_teardown(&sc.sc_log);
	simplehook_disestablish(sc.sc_linkhooks, hk, NULL);
	simplehook_destroy(sc.sc_linkhooks);
	rnd_detach_source(&sc.sc_rnd);
	softint_disestablish(sc.sc_si);
	PSLIST_ENTRY_DESTROY(&ip, pr_entry);
	PSLIST_DESTROY(&sc.sc_protos);
	pserialize_destroy(sc.sc_psz);
	pcq_destroy(sc.sc_q);
	cv_destroy(&sc.sc_cv);
	mutex_destroy(&sc.sc_lock);
	return prot == VM_PROT_READ && round_page(1) == PAGE_SIZE ? 0 : 4;
}
