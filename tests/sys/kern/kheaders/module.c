/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A module with a device, like the examples in NetBSD's sys/modules: it does
 * not include <sys/systm.h>.
 */

#include <sys/cdefs.h>
__KERNEL_RCSID(0, "$NetBSD$");

#include <sys/param.h>
#include <sys/module.h>
#include <sys/callout.h>
#include <sys/condvar.h>
#include <sys/conf.h>
#include <sys/device.h>
#include <sys/ioccom.h>
#include <sys/kernel.h>
#include <sys/mutex.h>
#include <sys/once.h>

#define	COUNT_GET	_IOR('C', 1, int)

struct count_softc {
	kmutex_t	sc_lock;
	kcondvar_t	sc_cv;
	callout_t	sc_callout;
	bool		sc_busy;
	int		sc_ticks;
};

static struct count_softc sc;

dev_type_open(count_open);
dev_type_close(count_close);
dev_type_read(count_read);
dev_type_ioctl(count_ioctl);

static struct cdevsw count_cdevsw = {
	.d_open = count_open,
	.d_close = count_close,
	.d_read = count_read,
	.d_write = nowrite,
	.d_ioctl = count_ioctl,
	.d_stop = nostop,
	.d_tty = notty,
	.d_poll = nopoll,
	.d_mmap = nommap,
	.d_kqfilter = nokqfilter,
	.d_discard = nodiscard,
	.d_flag = D_OTHER | D_MPSAFE,
};

int
count_open(dev_t self __unused, int flag __unused, int mode __unused,
    struct lwp *l __unused)
{
	int error = 0;

	mutex_enter(&sc.sc_lock);
	while (sc.sc_busy && error == 0)
		error = cv_wait_sig(&sc.sc_cv, &sc.sc_lock);
	if (error == 0)
		sc.sc_busy = true;
	mutex_exit(&sc.sc_lock);
	return error;
}

int
count_close(dev_t self __unused, int flag __unused, int mode __unused,
    struct lwp *l __unused)
{

	mutex_enter(&sc.sc_lock);
	KASSERT(sc.sc_busy);
	sc.sc_busy = false;
	cv_signal(&sc.sc_cv);
	mutex_exit(&sc.sc_lock);
	return 0;
}

int
count_read(dev_t self __unused, struct uio *uio, int flags __unused)
{
	char line[16];
	int len;

	mutex_enter(&sc.sc_lock);
	while (sc.sc_ticks == 0)
		cv_wait(&sc.sc_cv, &sc.sc_lock);
	len = snprintf(line, sizeof(line), "%d\n", sc.sc_ticks);
	mutex_exit(&sc.sc_lock);
	return uiomove(line, len, uio);
}

int
count_ioctl(dev_t self __unused, u_long cmd, void *data, int flag __unused,
    struct lwp *l __unused)
{

	switch (cmd) {
	case COUNT_GET:
		*(int *)data = sc.sc_ticks;
		return 0;
	default:
		return ENOTTY;
	}
}

static ONCE_DECL(count_once);

static int
count_init(void)
{

	mutex_init(&sc.sc_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&sc.sc_cv, "count");
	return 0;
}

static void
count_tick(void *arg)
{

	mutex_enter(&sc.sc_lock);
	sc.sc_ticks++;
	cv_broadcast(&sc.sc_cv);
	mutex_exit(&sc.sc_lock);
	callout_schedule(&sc.sc_callout, mstohz(10));
}

MODULE(MODULE_CLASS_MISC, count, NULL);

static int
count_modcmd(modcmd_t cmd, void *arg __unused)
{
	int bmajor = -1, cmajor = -1;

	switch (cmd) {
	case MODULE_CMD_INIT:
		if (devsw_attach("count", NULL, &bmajor, &count_cdevsw,
		    &cmajor))
			return ENXIO;
		RUN_ONCE(&count_once, count_init);
		callout_init(&sc.sc_callout, 0);
		callout_reset(&sc.sc_callout, mstohz(10), count_tick, NULL);
		return cmajor == -1 ? ENXIO : 0;
	case MODULE_CMD_FINI:
		callout_halt(&sc.sc_callout, NULL);
		callout_destroy(&sc.sc_callout);
		devsw_detach(NULL, &count_cdevsw);
		return 0;
	default:
		return ENOTTY;
	}
}

int module_test(void);

int
module_test(void)
{
	const struct cdevsw *d = &count_cdevsw;
	char first, rest[16];
	struct iovec iov[2] = {
		{ .iov_base = &first, .iov_len = 1 },
		{ .iov_base = rest, .iov_len = sizeof(rest) }
	};
	struct uio uio = {
		.uio_iov = iov, .uio_iovcnt = 2, .uio_resid = 17,
		.uio_rw = UIO_READ
	};
	dev_t dev = makedev(7, 1);
	int error, n = 0;

	UIO_SETUP_SYSSPACE(&uio);
	if (major(dev) != 7 || minor(dev) != 1)
		return 1;
	error = count_modcmd(MODULE_CMD_INIT, NULL);
	if (error)
		return error;
	error = (*d->d_open)(dev, 0, 0, curlwp);
	if (error)
		return error;
	error = (*d->d_read)(dev, &uio, 0);
	if (error || first < '1' || first > '9' || uio.uio_resid > 15)
		return 1;
	if ((*d->d_write)(dev, &uio, 0) != ENODEV)
		return 1;
	error = (*d->d_ioctl)(dev, COUNT_GET, &n, 0, curlwp);
	if (error || n == 0)
		return 1;
	error = (*d->d_close)(dev, 0, 0, curlwp);
	if (error)
		return error;
	return count_modcmd(MODULE_CMD_FINI, NULL);
}
