/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The host's header, and uiomove(9).
 */

#ifndef _WQK_SYS_UIO_H_
#define	_WQK_SYS_UIO_H_

#include_next <sys/uio.h>

#ifdef _KERNEL

#include <sys/types.h>
#include <sys/errno.h>

__WQ_BEGIN_DECLS

enum uio_rw {
	UIO_READ,		/* move to the uio */
	UIO_WRITE		/* move from the uio */
};

enum uio_seg {
	UIO_USERSPACE,		/* one address space: ignored */
	UIO_SYSSPACE
};

struct vmspace;

/* The data that remains to be moved. */
struct uio {
	struct iovec	*uio_iov;
	int		 uio_iovcnt;
	off_t		 uio_offset;
	size_t		 uio_resid;
	enum uio_rw	 uio_rw;
	struct vmspace	*uio_vmspace;
};

#define	UIO_SETUP_SYSSPACE(uio)		((uio)->uio_vmspace = NULL)
#define	VMSPACE_IS_KERNEL_P(vm)		((vm) == NULL)

/* Move at most n bytes between a buffer and a uio.  Return 0. */
static __inline __unused int
uiomove(void *buf, size_t n, struct uio *uio)
{
	struct iovec *iov;
	size_t len;

	while (n != 0 && uio->uio_resid != 0 && uio->uio_iovcnt != 0) {
		iov = uio->uio_iov;
		len = iov->iov_len < n ? iov->iov_len : n;
		if (len > uio->uio_resid)
			len = uio->uio_resid;
		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		if (uio->uio_rw == UIO_READ)
			__builtin_memcpy(iov->iov_base, buf, len);
		else
			__builtin_memcpy(buf, iov->iov_base, len);
		iov->iov_base = (char *)iov->iov_base + len;
		iov->iov_len -= len;
		uio->uio_resid -= len;
		uio->uio_offset += (off_t)len;
		buf = (char *)buf + len;
		n -= len;
	}
	return 0;
}

/* Move the part of a buffer from the uio's offset on.  Return 0 or EINVAL. */
static __inline __unused int
uiomove_frombuf(void *buf, size_t len, struct uio *uio)
{

	if (uio->uio_offset < 0)
		return EINVAL;
	if ((size_t)uio->uio_offset >= len)
		return 0;
	return uiomove((char *)buf + uio->uio_offset,
	    len - (size_t)uio->uio_offset, uio);
}

__WQ_END_DECLS

#endif	/* _KERNEL */

#endif	/* !_WQK_SYS_UIO_H_ */
