/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Registration with the kernel: a module, a sysctl tree, probes.
 */

#include <sys/cdefs.h>
#include <sys/param.h>
#include <sys/module.h>
#include <sys/sysctl.h>
#include <sys/sdt.h>

SDT_PROVIDER_DEFINE(sdt);
SDT_PROBE_DEFINE0(sdt, kernel, foo, start);
SDT_PROBE_DEFINE2(sdt, kernel, foo, done, "int"/*error*/, "int"/*n*/);

MODULE(MODULE_CLASS_MISC, foo, NULL);

static struct sysctllog *foo_log;
static int foo_limit = 7;
static int foo_ups;

static int
foo_sysctl_limit(SYSCTLFN_ARGS)
{
	struct sysctlnode node = *rnode;
	int error, limit = foo_limit;

	node.sysctl_data = &limit;
	error = sysctl_lookup(SYSCTLFN_CALL(&node));
	if (error || newp == NULL)
		return error;
	if (limit < 0)
		return EINVAL;
	foo_limit = limit;
	return 0;
}

SYSCTL_SETUP(sysctl_foo_setup, "sysctl foo subtree")
{
	const struct sysctlnode *rnode;

	sysctl_createv(clog, 0, NULL, &rnode, CTLFLAG_PERMANENT,
	    CTLTYPE_NODE, "foo", SYSCTL_DESCR("foo controls"), NULL, 0, NULL,
	    0, CTL_HW, CTL_CREATE, CTL_EOL);
	sysctl_createv(clog, 0, &rnode, NULL,
	    CTLFLAG_PERMANENT | CTLFLAG_READWRITE, CTLTYPE_INT, "limit",
	    SYSCTL_DESCR("how much foo"), foo_sysctl_limit, 0, NULL, 0,
	    CTL_CREATE, CTL_EOL);
}

static int
foo_modcmd(modcmd_t cmd, void *arg)
{

	switch (cmd) {
	case MODULE_CMD_INIT:
		SDT_PROBE0(sdt, kernel, foo, start);
		sysctl_foo_setup(&foo_log);
		foo_ups++;
		return 0;
	case MODULE_CMD_FINI:
		sysctl_teardown(&foo_log);
		foo_ups--;
		SDT_PROBE2(sdt, kernel, foo, done, 0, foo_ups);
		return 0;
	default:
		return ENOTTY;
	}
}

__link_set_decl(modules, struct modinfo);

int register_test(void);

int
register_test(void)
{
	struct modinfo *const *mip;
	int error, new, old;
	size_t len = sizeof(old);

	__link_set_foreach(mip, modules) {
		error = (*(*mip)->mi_modcmd)(MODULE_CMD_INIT, NULL);
		if (error)
			return error;
	}
	if (foo_ups != 1)
		return 1;
	new = 9;
	error = wqk_sysctlbyname("hw.foo.limit", &old, &len, &new,
	    sizeof(new));
	if (error || old != 7 || foo_limit != 9)
		return 1;
	new = -1;
	if (wqk_sysctlbyname("hw.foo.limit", NULL, NULL, &new,
	    sizeof(new)) != EINVAL)
		return 1;
	__link_set_foreach(mip, modules)
		(*(*mip)->mi_modcmd)(MODULE_CMD_FINI, NULL);
	return foo_ups;
}
