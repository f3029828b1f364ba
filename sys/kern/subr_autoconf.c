/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * device(9), aprint(9), and the part of autoconf(9) that calls a driver's
 * attach function.
 */

#include <string.h>

#include <sys/device.h>

#include "kern.h"
#include "kern_fork.h"
#include "kern_kspin.h"
#include "kern_lwp.h"
#include "kern_param.h"
#include "subr_prf.h"

/* The number of errors that aprint_error() has printed.  Atomic. */
static int aprint_errors;

/* All attached devices, newest first. */
static device_t	device_list;			/* (device_lock) */
struct kspin	device_lock;

__kern_public device_t
device_lookup(cfdriver_t cd, int unit)
{
	device_t dev;

	kspin_enter(&device_lock);
	for (dev = device_list; dev != NULL; dev = dev->dv_next)
		if (dev->dv_unit == unit &&
		    strcmp(dev->dv_name, cd->cd_name) == 0)
			break;
	kspin_exit(&device_lock);
	return dev;
}

__kern_public void *
device_lookup_private(cfdriver_t cd, int unit)
{

	return device_private(device_lookup(cd, unit));
}

__kern_public device_t
device_find_by_xname(const char *xname)
{
	device_t dev;

	kspin_enter(&device_lock);
	for (dev = device_list; dev != NULL; dev = dev->dv_next)
		if (strcmp(dev->dv_xname, xname) == 0)
			break;
	kspin_exit(&device_lock);
	return dev;
}

__kern_public const char *
device_xname(device_t dev)
{

	return dev == NULL ? "(null)" : dev->dv_xname;
}

__kern_public void *
device_private(device_t dev)
{

	return dev == NULL ? NULL : dev->dv_private;
}

__kern_public int
device_unit(device_t dev)
{

	return dev->dv_unit;
}

__kern_public device_t
device_parent(device_t dev)
{

	return dev->dv_parent;
}

__kern_public devclass_t
device_class(device_t dev)
{

	return dev->dv_class;
}

__kern_public cfdata_t
device_cfdata(device_t dev)
{

	return dev->dv_cfdata;
}

__kern_public bool
device_is_a(device_t dev, const char *name)
{

	return strcmp(dev->dv_name, name) == 0;
}

__kern_public bool
device_is_active(device_t dev)
{

	return atomic_load_relaxed(&dev->dv_active);
}

__kern_public void
device_set_private(device_t dev, void *private)
{

	KASSERTMSG(dev->dv_private == NULL,
	    "device_set_private: %s already has private data", dev->dv_xname);
	dev->dv_private = private;
}

__kern_public device_t
wqk_device_attach(const struct cfattach *ca, const char *name, int unit,
    device_t parent, void *aux)
{
	device_t dev;

	if ((dev = host_alloc(sizeof(*dev))) == NULL)
		panic("device_attach: no memory for %s%d", name, unit);
	if (ca->ca_devsize != 0 &&
	    (dev->dv_private = host_alloc(ca->ca_devsize)) == NULL)
		panic("device_attach: no memory for the softc of %s%d", name,
		    unit);
	(void)ksnprintf(dev->dv_name, sizeof(dev->dv_name), "%s", name);
	(void)ksnprintf(dev->dv_xname, sizeof(dev->dv_xname), "%s%d", name,
	    unit);
	dev->dv_unit = unit;
	dev->dv_parent = parent;
	dev->dv_cfattach = ca;
	dev->dv_cf.cf_name = dev->dv_name;
	dev->dv_cf.cf_atname = ca->ca_name;
	dev->dv_cf.cf_unit = unit;
	dev->dv_cfdata = &dev->dv_cf;
	atomic_store_relaxed(&dev->dv_active, true);
	if (ca->ca_match != NULL &&
	    (*ca->ca_match)(parent, dev->dv_cfdata, aux) == 0) {
		host_free(dev->dv_private);
		host_free(dev);
		return NULL;
	}
	kspin_enter(&device_lock);
	dev->dv_next = device_list;
	device_list = dev;
	kspin_exit(&device_lock);
	(*ca->ca_attach)(parent, dev, aux);
	return dev;
}

__kern_public int
wqk_device_detach(device_t dev, int flags)
{
	const struct cfattach *ca = dev->dv_cfattach;
	device_t *pp;
	int error;

	/* As in config_detach(9), the driver may refuse. */
	if (ca->ca_detach != NULL &&
	    (error = (*ca->ca_detach)(dev, flags)) != 0) {
		if ((flags & DETACH_FORCE) != 0)
			panic("device_detach: %s: forced detach failed: %d",
			    dev->dv_xname, error);
		return error;
	}
	kspin_enter(&device_lock);
	for (pp = &device_list; *pp != NULL; pp = &(*pp)->dv_next)
		if (*pp == dev) {
			*pp = dev->dv_next;
			break;
		}
	kspin_exit(&device_lock);
	if (ca->ca_devsize != 0)
		host_free(dev->dv_private);
	host_free(dev);
	return 0;
}

/*
 * Empty the list in a forked child, if a thread of the parent may have been
 * changing it.  Lookups then find no older device.
 */
void
device_fork(struct lwp *l)
{

	(void)l;
	if (kern_torn(&device_lock))
		device_list = NULL;
}

/*
 * Print to the console, if kern_verbose is at least "verbose".  0 always
 * prints, and -1 never.
 */
static void
aprint(device_t dev, int verbose, const char *fmt, va_list ap)
{
	char prefix[sizeof(dev->dv_xname) + 2];

	if (verbose < 0 || kern_verbose < verbose)
		return;
	if (dev != NULL)
		(void)ksnprintf(prefix, sizeof(prefix), "%s: ",
		    dev->dv_xname);
	kern_vprintf(dev == NULL ? NULL : prefix, fmt, ap);
}

__kern_public void
device_printf(device_t dev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	aprint(dev, 0, fmt, ap);
	va_end(ap);
}

#define	APRINT(name, verbose)						\
__kern_public void							\
wqk_aprint_##name(const char *fmt, ...)					\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	aprint(NULL, (verbose), fmt, ap);				\
	va_end(ap);							\
}									\
__kern_public void							\
wqk_aprint_##name##_dev(device_t dev, const char *fmt, ...)		\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	aprint(dev, (verbose), fmt, ap);				\
	va_end(ap);							\
}

APRINT(normal, 0)
APRINT(naive, -1)
APRINT(verbose, 1)
APRINT(debug, 2)

__kern_public void
wqk_aprint_error(const char *fmt, ...)
{
	va_list ap;

	(void)atomic_fetch_add_relaxed(&aprint_errors, 1);
	va_start(ap, fmt);
	aprint(NULL, 0, fmt, ap);
	va_end(ap);
}

__kern_public void
wqk_aprint_error_dev(device_t dev, const char *fmt, ...)
{
	va_list ap;

	(void)atomic_fetch_add_relaxed(&aprint_errors, 1);
	va_start(ap, fmt);
	aprint(dev, 0, fmt, ap);
	va_end(ap);
}

/* Return the number of errors since the last call. */
__kern_public int
wqk_aprint_get_error_count(void)
{

	return atomic_swap_acq_rel(&aprint_errors, 0);
}
