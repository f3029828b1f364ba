/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Descriptors, for any POSIX system: messages, and pipes that an event loop can
 * wait for.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <host/host_var.h>

/* POSIX has pipe2(2) since 2024.  Headers for older versions hide it. */
#ifndef __APPLE__
int	pipe2(int [2], int);
#define	HAVE_PIPE2
#endif

/*
 * Write everything, and return 0 or an errno value.  If soon is set, give up
 * after a second in total, and write only when poll(2) finds the descriptor
 * ready.  A ready pipe takes PIPE_BUF bytes at once, so write(2) does not block
 * even in blocking mode.
 */
static int
host_writefd(int fd, const char *s, size_t len, bool soon)
{
	struct pollfd pfd;
	int64_t end, now;
	ssize_t n;
	int error, ostate, serrno;

	error = 0;
	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	end = soon ? host_monotime() + 1000000000 : 0;
	pfd.fd = fd;
	pfd.events = POLLOUT;
	while (len > 0) {
		if (soon) {
			error = ETIMEDOUT;
			if ((now = host_monotime()) > end)
				break;
			pfd.revents = 0;
			(void)poll(&pfd, 1, (int)((end - now) / 1000000) + 1);
			if (pfd.revents == 0)
				continue;
		}
		n = write(fd, s, len > PIPE_BUF ? PIPE_BUF : len);
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		} else if (n == -1 && errno == EAGAIN) {
			/* The descriptor is in non-blocking mode. */
			if (!soon)
				(void)poll(&pfd, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			error = n == 0 ? EIO : errno;
			break;
		}
	}
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
	return len == 0 ? 0 : error;
}

/*
 * Write to standard error.  If its reader is gone, the write raises SIGPIPE in
 * the calling thread.  Discard this signal, which would end the process.
 */
static bool
host_writeerr(const char *s, size_t len, bool soon)
{
	sigset_t pipe, opending, mask, pending;
	int serrno, signo;
	bool all;

	serrno = errno;
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)sigpending(&opending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, &mask);
	all = host_writefd(STDERR_FILENO, s, len, soon) == 0;
	if (!sigismember(&opending, SIGPIPE) && sigpending(&pending) == 0 &&
	    sigismember(&pending, SIGPIPE))
		(void)sigwait(&pipe, &signo);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	errno = serrno;
	return all;
}

/*
 * Make a pipe whose descriptors do not block, and are closed by execve(2).
 * With pipe2(2) they are closed even if another thread executes a program at
 * the same moment.
 */
static int
host_pipe(int hp[2])
{
#ifdef HAVE_PIPE2

	return pipe2(hp, O_CLOEXEC | O_NONBLOCK) == -1 ? errno : 0;
#else
	int error, i;

	if (pipe(hp) == -1)
		return errno;
	for (i = 0; i < 2; i++)
		if (fcntl(hp[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(hp[i], F_SETFL, O_NONBLOCK) == -1) {
			error = errno;
			host_pollfd_close(hp);
			return error;
		}
	return 0;
#endif
}

/*
 * If the program runs with closed standard descriptors, the pipe must not take
 * their numbers.
 */
int
host_pollfd_open(int hp[2])
{
	int error, fd, i;

	error = host_pipe(hp);
	for (i = 0; error == 0 && i < 2; i++) {
		if (hp[i] > STDERR_FILENO)
			continue;
		fd = fcntl(hp[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd == -1) {
			error = errno;
			host_pollfd_close(hp);
			break;
		}
		(void)close(hp[i]);
		hp[i] = fd;
	}
	return error;
}

int
host_descriptors(int n)
{
	int error, hp[2];

	if (n <= 0)
		return 0;
	error = host_pipe(hp);
	if (error == 0) {
		error = host_descriptors(n - 2);
		host_pollfd_close(hp);
	}
	return error;
}

void
host_pollfd_notify(const int hp[2])
{
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	/* If the pipe is full, it is readable already. */
	while (write(hp[1], "", 1) == -1 && errno == EINTR)
		continue;
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

void
host_pollfd_clear(const int hp[2])
{
	char buf[64];
	ssize_t n;
	int ostate, serrno;

	serrno = errno;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	do {
		n = read(hp[0], buf, sizeof(buf));
	} while (n == (ssize_t)sizeof(buf) || (n == -1 && errno == EINTR));
	(void)pthread_setcancelstate(ostate, &ostate);
	errno = serrno;
}

void
host_pollfd_close(const int hp[2])
{
	int ostate;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ostate);
	(void)close(hp[0]);
	(void)close(hp[1]);
	(void)pthread_setcancelstate(ostate, &ostate);
}

void
host_write(const char *s, size_t len)
{

	(void)host_writeerr(s, len, false);
}

bool
host_write_soon(const char *s, size_t len)
{

	return host_writeerr(s, len, true);
}

void
host_write_out(const char *s, size_t len)
{

	(void)host_writefd(STDOUT_FILENO, s, len, false);
}

int
host_write_to(int fd, const char *s, size_t len)
{

	return host_writefd(fd, s, len, false);
}

/*
 * Copy memory through a pipe: the system returns an error if the memory is not
 * mapped.
 */
bool
host_peek_pipe(void *dst, uintptr_t src, size_t size)
{
	size_t len;
	ssize_t n;
	char *p;
	int hp[2], serrno;

	serrno = errno;
	if (host_pipe(hp) != 0) {
		errno = serrno;
		return false;
	}
	for (p = dst; size > 0; p += len, src += len, size -= len) {
		len = size < _POSIX_PIPE_BUF ? size : _POSIX_PIPE_BUF;
		/* Another thread may write to this memory. */
		host_racy_begin();
		do {
			n = write(hp[1], (const void *)src, len);
		} while (n == -1 && errno == EINTR);
		host_racy_end();
		if (n != (ssize_t)len)
			break;
		do {
			n = read(hp[0], p, len);
		} while (n == -1 && errno == EINTR);
		if (n != (ssize_t)len)
			break;
	}
	host_pollfd_close(hp);
	errno = serrno;
	return size == 0;
}
