/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * module(9): the description of a module.  A program can find the description.
 * The library does not use it.
 */

#ifndef _SYS_MODULE_H_
#define	_SYS_MODULE_H_

#include <sys/cdefs.h>
#include <sys/types.h>
#include <errno.h>

typedef enum modclass {
	MODULE_CLASS_ANY,
	MODULE_CLASS_MISC,
	MODULE_CLASS_VFS,
	MODULE_CLASS_DRIVER,
	MODULE_CLASS_EXEC,
	MODULE_CLASS_SECMODEL,
	MODULE_CLASS_BUFQ,
	MODULE_CLASS_MAX
} modclass_t;

typedef enum modcmd {
	MODULE_CMD_INIT,	/* start */
	MODULE_CMD_FINI,	/* end */
	MODULE_CMD_STAT,
	MODULE_CMD_AUTOUNLOAD
} modcmd_t;

/* The description of a module.  MODULE() fills it in. */
typedef struct modinfo {
	unsigned int	 mi_version;
	modclass_t	 mi_class;
	int		(*mi_modcmd)(modcmd_t, void *);
	const char	*mi_name;
	const char	*mi_required;	/* comma-separated names, or NULL */
} const modinfo_t;

#define	MODULE(class, name, required)					\
	static int name##_modcmd(modcmd_t, void *);			\
	static modinfo_t name##_modinfo = {				\
		.mi_version = __NetBSD_Version__,			\
		.mi_class = (class),					\
		.mi_modcmd = name##_modcmd,				\
		.mi_name = #name,					\
		.mi_required = (required)				\
	};								\
	__link_set_add_rodata(modules, name##_modinfo)

/*
 * The library never loads or unloads a module: module_autoload() fails.
 */
typedef struct module module_t;
#define	module_hold(mod)		((void)(mod))
#define	module_rele(mod)		((void)(mod))
#define	module_autoload(name, class)	((void)(name), (void)(class), ENOENT)

#ifndef __NetBSD_Version__
#define	__NetBSD_Version__	1000000000
#endif

#endif	/* !_SYS_MODULE_H_ */
