/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The device switch, through which a kernel calls a driver's functions.  Here a
 * test calls the functions through the tables.  See accepted(9).
 */

#ifndef _WQK_SYS_CONF_H_
#define	_WQK_SYS_CONF_H_

#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wq_libkern.h>

__WQ_BEGIN_DECLS

struct buf;
struct cdevsw;
struct bdevsw;
struct knote;
struct lwp;
struct tty;

/* d_flag */
#define	D_OTHER		0x0000
#define	D_TAPE		0x0001
#define	D_DISK		0x0002
#define	D_TTY		0x0003
#define	D_TYPEMASK	0x00ff
#define	D_MPSAFE	0x0100
#define	D_NEGOFFSAFE	0x0200

#define	dev_type_open(n)	int n(dev_t, int, int, struct lwp *)
#define	dev_type_cancel(n)	int n(dev_t, int, int, struct lwp *)
#define	dev_type_close(n)	int n(dev_t, int, int, struct lwp *)
#define	dev_type_read(n)	int n(dev_t, struct uio *, int)
#define	dev_type_write(n)	int n(dev_t, struct uio *, int)
#define	dev_type_ioctl(n)						\
	int n(dev_t, unsigned long, void *, int, struct lwp *)
#define	dev_type_stop(n)	void n(struct tty *, int)
#define	dev_type_tty(n)		struct tty *n(dev_t)
#define	dev_type_poll(n)	int n(dev_t, int, struct lwp *)
#define	dev_type_mmap(n)	paddr_t n(dev_t, off_t, int)
#define	dev_type_strategy(n)	void n(struct buf *)
#define	dev_type_dump(n)	int n(dev_t, int64_t, void *, size_t)
#define	dev_type_size(n)	int n(dev_t)
#define	dev_type_kqfilter(n)	int n(dev_t, struct knote *)
#define	dev_type_discard(n)	int n(dev_t, off_t, off_t)

struct cdevsw {
	dev_type_open((*d_open));
	dev_type_cancel((*d_cancel));
	dev_type_close((*d_close));
	dev_type_read((*d_read));
	dev_type_write((*d_write));
	dev_type_ioctl((*d_ioctl));
	dev_type_stop((*d_stop));
	dev_type_tty((*d_tty));
	dev_type_poll((*d_poll));
	dev_type_mmap((*d_mmap));
	dev_type_kqfilter((*d_kqfilter));
	dev_type_discard((*d_discard));
	int		(*d_devtounit)(dev_t);
	struct cfdriver	*d_cfdriver;
	int		d_flag;
};

struct bdevsw {
	dev_type_open((*d_open));
	dev_type_cancel((*d_cancel));
	dev_type_close((*d_close));
	dev_type_strategy((*d_strategy));
	dev_type_ioctl((*d_ioctl));
	dev_type_dump((*d_dump));
	dev_type_size((*d_psize));
	dev_type_discard((*d_discard));
	int		(*d_devtounit)(dev_t);
	struct cfdriver	*d_cfdriver;
	int		d_flag;
};

/*
 * Missing operations: functions that return ENODEV or 0, and null pointers.
 */
#define	__CONF_ENODEV(name, proto)					\
static __inline __unused int						\
name proto								\
{									\
\
	return wqk_enodev();						\
}
#define	__CONF_NULL(name, proto)					\
static __inline __unused int						\
name proto								\
{									\
\
	return 0;							\
}
#define	__CONF_OPEN							\
	(dev_t dev __unused, int flag __unused, int mode __unused,	\
	    struct lwp *l __unused)
#define	__CONF_RW							\
	(dev_t dev __unused, struct uio *uio __unused, int flag __unused)
#define	__CONF_IOCTL							\
	(dev_t dev __unused, unsigned long cmd __unused,		\
	    void *data __unused, int flag __unused, struct lwp *l __unused)

__CONF_ENODEV(noopen, __CONF_OPEN)
__CONF_ENODEV(noclose, __CONF_OPEN)
__CONF_ENODEV(noread, __CONF_RW)
__CONF_ENODEV(nowrite, __CONF_RW)
__CONF_ENODEV(noioctl, __CONF_IOCTL)
__CONF_ENODEV(nodump, (dev_t dev __unused, int64_t blkno __unused,
    void *va __unused, size_t size __unused))
__CONF_ENODEV(nokqfilter, (dev_t dev __unused, struct knote *kn __unused))
__CONF_ENODEV(nodiscard, (dev_t dev __unused, off_t pos __unused,
    off_t len __unused))
__CONF_NULL(nullopen, __CONF_OPEN)
__CONF_NULL(nullclose, __CONF_OPEN)
__CONF_NULL(nullread, __CONF_RW)
__CONF_NULL(nullwrite, __CONF_RW)
__CONF_NULL(nullioctl, __CONF_IOCTL)
#undef __CONF_ENODEV
#undef __CONF_NULL
#undef __CONF_OPEN
#undef __CONF_RW
#undef __CONF_IOCTL

#define	nostop		((dev_type_stop((*)))0)
#define	nullstop	((dev_type_stop((*)))0)
#define	notty		((dev_type_tty((*)))0)
#define	nopoll		((dev_type_poll((*)))0)
#define	nullpoll	((dev_type_poll((*)))0)
#define	nommap		((dev_type_mmap((*)))0)
#define	nostrategy	((dev_type_strategy((*)))0)
#define	nosize		((dev_type_size((*)))0)

/*
 * devsw_attach() gives a major number to each table that has none, and
 * returns 0.  devsw_detach() does nothing.
 */
#define	devsw_attach	wqk_devsw_attach
#define	devsw_detach(b, c) ((void)(b), (void)(c))

__WQ_END_DECLS

#endif	/* !_WQK_SYS_CONF_H_ */
