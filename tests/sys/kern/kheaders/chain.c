/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A controller's driver: headers that such sources include beside those that
 * they use, and the lookup of a unit.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/kernel.h>
#include <sys/buf.h>
#include <sys/conf.h>
#include <sys/device.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/kauth.h>
#include <sys/poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/specificdata.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <machine/cpu.h>
#include <machine/endian.h>
#include <machine/intr.h>
#include <machine/limits.h>
#include <machine/lock.h>
#include <machine/param.h>
#include <machine/stdarg.h>
#include <machine/types.h>

struct bar_softc {
	device_t	sc_dev;
	int		sc_opens;
};

CFDRIVER_DECL(bar, DV_DULL, NULL);
extern struct cfdriver bar_cd;

static struct timeval bar_last;
static const struct timeval bar_interval = { .tv_sec = 3600 };

static int
bar_match(device_t parent, cfdata_t match, void *aux)
{

	return 1;
}

static void
bar_attach(device_t parent, device_t self, void *aux)
{
	struct bar_softc *sc = device_private(self);

	sc->sc_dev = self;
}

CFATTACH_DECL_NEW(bar, sizeof(struct bar_softc), bar_match, bar_attach, NULL,
    NULL);

static int
bar_open(dev_t dev, int flag, int mode, struct lwp *l)
{
	struct bar_softc *sc;
	int error;

	sc = device_lookup_private(&bar_cd, minor(dev));
	if (sc == NULL)
		return ENXIO;
	error = kauth_authorize_device(kauth_cred_get(), 0, sc, NULL, NULL,
	    NULL);
	if (error)
		return error;
	if ((flag & FWRITE) != 0 && ratecheck(&bar_last, &bar_interval))
		sc->sc_opens += 10;
	sc->sc_opens++;
	return 0;
}

int chain_test(void);

int
chain_test(void)
{
	struct bar_softc *sc;
	device_t dev;
	int error;

	if (bar_open(makedev(0, 2), 0, 0, curlwp) != ENXIO)
		return 1;
	dev = wqk_device_attach(&bar_ca, "bar", 2, NULL, NULL);
	KASSERT(device_lookup(&bar_cd, 2) == dev);
	KASSERT(device_lookup(&bar_cd, 1) == NULL);
	KASSERT(device_find_by_xname("bar2") == dev);
	KASSERT(device_find_by_xname("bar") == NULL);
	error = bar_open(makedev(0, 2), FWRITE, 0, curlwp);
	if (error == 0)
		error = bar_open(makedev(0, 2), FWRITE, 0, curlwp);
	if (error)
		return error;
	sc = device_private(dev);
	if (sc->sc_opens != 12 || !CPU_IS_PRIMARY(cpu_lookup(0)))
		return 1;
	error = wqk_device_detach(dev, 0);
	KASSERT(device_lookup_private(&bar_cd, 2) == NULL);
	return error;
}
