/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * device(9), aprint(9), and the part of autoconf(9) that a driver's attach
 * function needs.
 */

#ifndef _SYS_DEVICE_H_
#define	_SYS_DEVICE_H_

#include <stdbool.h>
#include <stddef.h>
#ifdef _KERNEL
#include <sys/cdefs.h>
#include <sys/types.h>
#include <sys/queue.h>
#endif

#include <sys/evcnt.h>
#include <sys/systm.h>
#include <sys/wq_prf.h>

__WQ_BEGIN_DECLS

typedef enum devclass {
	DV_DULL,
	DV_CPU,
	DV_DISK,
	DV_IFNET,
	DV_TAPE,
	DV_TTY,
	DV_AUDIODEV,
	DV_DISPLAYDEV,
	DV_BUS,
	DV_VIRTUAL
} devclass_t;

enum devact {
	DVACT_DEACTIVATE
};
typedef enum devact devact_t;

struct cfattach;
struct cfdriver;

struct cfdata {
	const char	*cf_name;	/* driver's name */
	const char	*cf_atname;	/* attachment's name */
	int		 cf_unit;
	int		*cf_loc;
	int		 cf_flags;
};
typedef struct cfdata *cfdata_t;

/*
 * A device.  Drivers access it by the functions below.  A program has no
 * autoconf(9), so it calls wqk_device_attach(), or fills in a device itself.
 */
typedef struct device *device_t;
struct device {
	devclass_t	 dv_class;
	int		 dv_unit;
	char		 dv_xname[16];	/* name and unit */
	char		 dv_name[16];	/* driver's name */
	device_t	 dv_parent;
	void		*dv_private;	/* the softc */
	cfdata_t	 dv_cfdata;
	bool		 dv_active;
	const struct cfattach *dv_cfattach;
	struct cfdata	 dv_cf;
	device_t	 dv_next;	/* next attached device */
};

/* Print the name of a device; see autoconf(9). */
typedef int (*cfprint_t)(void *, const char *);

/* A driver's attachment: its functions, and the size of its softc. */
struct cfattach {
	const char	*ca_name;
	size_t		 ca_devsize;	/* size of the softc */
	int		 ca_flags;
	int		(*ca_match)(device_t, cfdata_t, void *);
	void		(*ca_attach)(device_t, device_t, void *);
	int		(*ca_detach)(device_t, int);
	int		(*ca_activate)(device_t, enum devact);
	int		(*ca_rescan)(device_t, const char *, const int *);
	void		(*ca_childdetached)(device_t, device_t);
	void		*ca_spare[2];	/* for later releases */
};

#define	DVF_DETACH_SHUTDOWN	0x0080

#define	DETACH_FORCE	0x01
#define	DETACH_QUIET	0x02
#define	DETACH_SHUTDOWN	0x04
#define	DETACH_POWEROFF	0x08

#define	CFATTACH_DECL3_NEW(name, size, match, attach, detach, activate,	\
    rescan, childdet, flags)						\
struct cfattach name##_ca = {						\
	.ca_name = #name,						\
	.ca_devsize = (size),						\
	.ca_flags = (flags),						\
	.ca_match = (match),						\
	.ca_attach = (attach),						\
	.ca_detach = (detach),						\
	.ca_activate = (activate),					\
	.ca_rescan = (rescan),						\
	.ca_childdetached = (childdet)					\
}
#define	CFATTACH_DECL2_NEW(name, size, match, attach, detach, activate,	\
    rescan, childdet)							\
	CFATTACH_DECL3_NEW(name, size, match, attach, detach, activate,	\
	    rescan, childdet, 0)
#define	CFATTACH_DECL_NEW(name, size, match, attach, detach, activate)	\
	CFATTACH_DECL3_NEW(name, size, match, attach, detach, activate,	\
	    NULL, NULL, 0)

/* Return values of match and print functions. */
#define	QUIET		0
#define	UNCONF		1
#define	UNSUPP		2
#define	UNKNOWNUNIT	(-1)

/* A driver.  In a kernel config(1) makes it; here the program does. */
struct cfdriver {
	const char	*cd_name;
	devclass_t	 cd_class;
	void		*cd_spare[2];	/* for later releases */
};
typedef struct cfdriver *cfdriver_t;
#define	CFDRIVER_DECL(name, class, attrs)				\
	struct cfdriver name##_cd = { .cd_name = #name, .cd_class = (class) }

#define	device_lookup		wqk_device_lookup
#define	device_lookup_private	wqk_device_lookup_private
#define	device_find_by_xname	wqk_device_find_by_xname

/*
 * Find an attached device by its unit or its name.  Return the device or its
 * softc, or NULL if there is none.
 */
device_t	 device_lookup(cfdriver_t, int);
void		*device_lookup_private(cfdriver_t, int);
device_t	 device_find_by_xname(const char *);

#define	device_xname		wqk_device_xname
#define	device_private		wqk_device_private
#define	device_unit		wqk_device_unit
#define	device_parent		wqk_device_parent
#define	device_class		wqk_device_class
#define	device_cfdata		wqk_device_cfdata
#define	device_is_a		wqk_device_is_a
#define	device_is_active	wqk_device_is_active
#define	device_is_enabled	wqk_device_is_active
#define	device_has_power(dev)	((void)(dev), true)
#define	device_set_private	wqk_device_set_private
#define	device_printf		wqk_device_printf

/* Get or set the properties of a device. */
const char	*device_xname(device_t);
void		*device_private(device_t);
int		 device_unit(device_t);
device_t	 device_parent(device_t);
devclass_t	 device_class(device_t);
cfdata_t	 device_cfdata(device_t);
bool		 device_is_a(device_t, const char *);
bool		 device_is_active(device_t);
void		 device_set_private(device_t, void *);

/* Print like printf(9), after the device's name. */
void		 device_printf(device_t, const char *, ...)
		    __wq_printflike(2, 3);

/*
 * Extensions.  wqk_device_attach() makes a device with its softc, and calls the
 * driver's attach function.  It returns NULL if the driver's match function
 * returns 0.
 *
 * wqk_device_detach() detaches and frees a device.  It returns 0, or the value
 * of the driver's detach function.
 */
device_t	 wqk_device_attach(const struct cfattach *, const char *, int,
		    device_t, void *);
int		 wqk_device_detach(device_t, int);

/*
 * Print like aprint(9), after the device's name.
 */
#define	aprint_normal_dev	wqk_aprint_normal_dev
#define	aprint_naive_dev	wqk_aprint_naive_dev
#define	aprint_verbose_dev	wqk_aprint_verbose_dev
#define	aprint_debug_dev	wqk_aprint_debug_dev
#define	aprint_error_dev	wqk_aprint_error_dev

void	aprint_normal_dev(device_t, const char *, ...) __wq_printflike(2, 3);
void	aprint_naive_dev(device_t, const char *, ...) __wq_printflike(2, 3);
void	aprint_verbose_dev(device_t, const char *, ...) __wq_printflike(2, 3);
void	aprint_debug_dev(device_t, const char *, ...) __wq_printflike(2, 3);
void	aprint_error_dev(device_t, const char *, ...) __wq_printflike(2, 3);

/*
 * pmf(9): there is no power management.
 */
typedef struct pmf_qual *pmf_qual_t;
#define	PMF_Q_NONE	((pmf_qual_t)0)
#define	pmf_device_register(dev, suspend, resume)			\
	((void)(dev), (void)(suspend), (void)(resume), true)
#define	pmf_device_register1(dev, suspend, resume, shutdown)		\
	((void)(dev), (void)(suspend), (void)(resume), (void)(shutdown), true)
#define	pmf_device_deregister(dev)	((void)(dev))

__WQ_END_DECLS

#endif	/* !_SYS_DEVICE_H_ */
