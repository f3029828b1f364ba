/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Linux: copy memory that another thread may unmap.
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif

#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <unistd.h>

#include <host/host_var.h>

bool
host_peek(void *dst, uintptr_t src, size_t size)
{
	struct iovec local, remote;
	ssize_t n;
	int serrno;

	serrno = errno;
	local.iov_base = dst;
	remote.iov_base = (void *)src;
	local.iov_len = remote.iov_len = size;
	/*
	 * Use syscall(2).  In the C library's process_vm_readv(), sanitizers
	 * would report the race that this function expects.
	 */
	n = syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL,
	    0UL);
	/* A sandbox may refuse the call. */
	if (n == -1 && errno != EFAULT)
		n = host_peek_pipe(dst, src, size) ? (ssize_t)size : -1;
	errno = serrno;
	return n == (ssize_t)size;
}
