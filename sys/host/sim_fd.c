/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Reads, writes and polls of descriptors, in the simulator.
 *
 * Descriptors are real, but the simulator avoids calls that would block.
 * Instead, the thread blocks in the simulator until the descriptor is ready.
 * In this process, only the thread with the baton can change the contents of a
 * pipe.  So after each call that may change it, sim_fd_changed() wakes the
 * threads whose descriptors are now ready.  A regular file is always ready.
 *
 * Some calls may block although poll(2) finds the descriptor ready.  A write to
 * a pipe is split into pieces that do not block.  A socket gets sendmsg(2) with
 * MSG_DONTWAIT.  A socket does not block while it connects.  A write that would
 * overflow an eventfd, and output to a stopped terminal, still block.
 *
 * Another process may make a descriptor ready, too: see sim_outside.c.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/sim.h>

#define	MS		1000000

/*
 * For a strategy all descriptors are one object, because a call on one may make
 * another one ready, such as the other end of a pipe.
 */
static const char fd_chan;

static int
fd_poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec ts;

	ts.tv_sec = ms / 1000;
	ts.tv_nsec = (long)(ms % 1000) * MS;
	return (int)syscall(SYS_ppoll, fds, n, &ts, NULL, (size_t)0);
}

/*
 * Block until one of the descriptors is ready.  Return 0, ETIMEDOUT, or EINTR.
 * EINTR means that a signal handler ran and the call must not be restarted.
 */
static int
fd_block(struct sim_thread *t, struct pollfd *fds, nfds_t n, const char *kind,
    int64_t deadline, bool restarts)
{
	int error;

	pthread_testcancel();
	t->st_fds = fds;
	t->st_nfds = (unsigned)n;
	sim.sim_waitfds++;
	sim.sim_vain = false;
	error = sim_block(t, &fd_chan, kind, deadline);
	sim.sim_waitfds--;
	t->st_fds = NULL;
	pthread_testcancel();
	if (t->st_intr && !(restarts && t->st_restart))
		return EINTR;
	return error;
}

void
sim_fd_changed(void)
{
	struct sim_thread *t;
	unsigned i;

	if (sim.sim_waitfds == 0)
		return;
	for (i = 0; i < sim.sim_nthreads; i++) {
		t = sim.sim_threads[i];
		if (t->st_state == SIM_BLOCKED && sim_fd_ready(t))
			sim_interrupt(t);
	}
}

/* Return true if the thread waits for descriptors, and one is ready. */
bool
sim_fd_ready(const struct sim_thread *t)
{

	return t->st_chan == &fd_chan && fd_poll(t->st_fds, t->st_nfds, 0) !=
	    0;
}

/* Return true if any other process may make the descriptor ready. */
static bool
fd_leadsout(int fd)
{
	struct sockaddr sa;
	socklen_t len = sizeof(sa);
	struct stat sb;

	if (fd >= 0 && fd <= STDERR_FILENO)
		return true;
	if (fstat(fd, &sb) == -1)
		return false;
	if (S_ISSOCK(sb.st_mode))
		return getsockname(fd, &sa, &len) == 0 &&
		    sa.sa_family != AF_UNIX;
	/*
	 * Pipes and eventfds lead nowhere.  A device may lead out of the
	 * process.
	 */
	return S_ISCHR(sb.st_mode);
}

/* Return true if another process may end the thread's wait. */
bool
sim_fd_leadsout(const struct sim_thread *t, bool kin)
{
	unsigned i;

	if (t->st_chan != &fd_chan)
		return false;
	for (i = 0; i < t->st_nfds && !kin; i++)
		kin = fd_leadsout(t->st_fds[i].fd);
	return kin;
}

/*
 * Wait until a transfer would not block.  Return false with errno set if a
 * signal handler interrupts the wait.
 */
static bool
fd_begin(struct sim_thread *t, int fd, short events, const char *what)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	char kind[48] = "";
	int fl;

	sim_point(t, &fd_chan, SIM_CALL, 0);
	while (events != 0 && fd_poll(&pfd, 1, 0) == 0) {
		fl = fcntl(fd, F_GETFL);
		if (fl == -1 || (fl & O_NONBLOCK) != 0)
			break;
		if (kind[0] == '\0')
			(void)snprintf(kind, sizeof(kind),
			    "%s descriptor %d", what, fd);
		if (fd_block(t, &pfd, 1, kind, SIM_FOREVER, true) ==
		    EINTR) {
			errno = EINTR;
			return false;
		}
	}
	return true;
}

/*
 * Let other threads run before the next attempt.  This is for an attempt that
 * may fail although poll(2) finds the descriptor ready.  Return false with
 * errno set if a signal handler interrupts this.
 */
static bool
fd_retry(struct sim_thread *t)
{

	t->st_intr = false;
	sim_yield(t);
	if (t->st_intr && !t->st_restart) {
		errno = EINTR;
		return false;
	}
	return true;
}

#define	FD_IN	"to read"
#define	FD_OUT	"to write"

/* With MSG_DONTWAIT the call cannot block, so it waits for no event. */
#define	FD_UNLESS(flags, events)					\
	((short)(((flags) & MSG_DONTWAIT) != 0 ? 0 : (events)))

/*
 * Define a function that reads from a descriptor, or accepts a connection.
 */
#define	TRANSFER(type, func, events, what, params, args)		\
SIM_PUBLIC type								\
func params								\
{									\
	struct sim_thread *t;						\
	type result;							\
	int serrno;							\
									\
	if ((t = SIM_ENTER()) == NULL)					\
		return SIM_REAL(func) args;				\
	if (!fd_begin(t, fd, events, what))			\
		return -1;						\
	result = SIM_REAL(func) args;					\
	serrno = errno;							\
	sim_trace_read(t, "the length of " #func "(2)",			\
	    (uint64_t)result);						\
	sim_fd_changed();						\
	errno = serrno;							\
	return result;							\
}

/* A program that is compiled with _FORTIFY_SOURCE calls these. */
ssize_t	__read_chk(int, void *, size_t, size_t);
ssize_t	__recv_chk(int, void *, size_t, size_t, int);
ssize_t	__recvfrom_chk(int, void *restrict, size_t, size_t, int,
	    __SOCKADDR_ARG, socklen_t *restrict);
int	__poll_chk(struct pollfd *, nfds_t, int, size_t);
int	__ppoll_chk(struct pollfd *, nfds_t, const struct timespec *,
	    const sigset_t *, size_t);

SIM_PUBLIC ssize_t
read(int fd, void *buf, size_t len)
{
	struct sim_thread *t;
	uint64_t first = 0;
	ssize_t n;
	int serrno;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(read)(fd, buf, len);
	if (!fd_begin(t, fd, POLLIN, FD_IN))
		return -1;
	n = SIM_REAL(read)(fd, buf, len);
	serrno = errno;
	if (n > 0)
		memcpy(&first, buf, (size_t)n < sizeof(first) ? (size_t)n :
		    sizeof(first));
	sim_trace_read(t, "the bytes of read(2)", first);
	sim_trace_read(t, "the length of read(2)", (uint64_t)n);
	sim_fd_changed();
	errno = serrno;
	return n;
}

TRANSFER(ssize_t, __read_chk, POLLIN, FD_IN,
    (int fd, void *buf, size_t len, size_t size), (fd, buf, len, size))
TRANSFER(ssize_t, readv, POLLIN, FD_IN,
    (int fd, const struct iovec *iov, int n), (fd, iov, n))
TRANSFER(ssize_t, recvmsg, FD_UNLESS(flags, POLLIN), FD_IN,
    (int fd, struct msghdr *msg, int flags), (fd, msg, flags))
TRANSFER(int, accept4, POLLIN, "to accept at",
    (int fd, __SOCKADDR_ARG sa, socklen_t *restrict len, int flags),
    (fd, sa, len, flags))
TRANSFER(int, accept, POLLIN, "to accept at",
    (int fd, __SOCKADDR_ARG sa, socklen_t *restrict len), (fd, sa, len))

#define	RECEIVE(func, params, args)					\
	TRANSFER(ssize_t, func, FD_UNLESS(flags, POLLIN), FD_IN, params, args)
RECEIVE(recv, (int fd, void *buf, size_t len, int flags),
    (fd, buf, len, flags))
RECEIVE(__recv_chk, (int fd, void *buf, size_t len, size_t size, int flags),
    (fd, buf, len, size, flags))
RECEIVE(recvfrom, (int fd, void *restrict buf, size_t len, int flags,
    __SOCKADDR_ARG sa, socklen_t *restrict salen),
    (fd, buf, len, flags, sa, salen))
RECEIVE(__recvfrom_chk, (int fd, void *restrict buf, size_t len, size_t size,
    int flags, __SOCKADDR_ARG sa, socklen_t *restrict salen),
    (fd, buf, len, size, flags, sa, salen))

/*
 * Send a message to a socket, or a part of it to a stream.
 */
static ssize_t
fd_sendpart(struct sim_thread *t, int fd, const struct msghdr *msg, int flags)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	ssize_t n;
	int fl, serrno;

	sim_point(t, &fd_chan, SIM_CALL, 0);
	while ((n = SIM_REAL(sendmsg)(fd, msg, flags | MSG_DONTWAIT)) == -1 &&
	    errno == EAGAIN && (flags & MSG_DONTWAIT) == 0) {
		fl = fcntl(fd, F_GETFL);
		if (fl == -1 || (fl & O_NONBLOCK) != 0) {
			errno = EAGAIN;
			break;
		}
		/*
		 * The queue of the receiver may be full.  poll(2) sees this
		 * only if the socket is connected.
		 */
		if (fd_poll(&pfd, 1, 0) != 0 && !fd_retry(t))
			return -1;
		if (!fd_begin(t, fd, POLLOUT, FD_OUT))
			return -1;
	}
	serrno = errno;
	sim_trace_read(t, "the length of sendmsg(2)", (uint64_t)n);
	sim_fd_changed();
	errno = serrno;
	return n;
}

/*
 * Send a message to a socket.  A stream takes what fits.  Then send the rest,
 * without the ancillary data.
 */
static ssize_t
fd_send(struct sim_thread *t, int fd, const struct msghdr *msg, int flags)
{
	struct msghdr rest;
	struct iovec iov;
	size_t done, i, skip;
	ssize_t n;

	if ((n = fd_sendpart(t, fd, msg, flags)) == -1)
		return -1;
	done = skip = (size_t)n;
	memset(&rest, 0, sizeof(rest));
	rest.msg_iov = &iov;
	rest.msg_iovlen = 1;
	for (i = 0; i < msg->msg_iovlen; i++) {
		iov = msg->msg_iov[i];
		while (iov.iov_len > skip) {
			iov.iov_base = (char *)iov.iov_base + skip;
			iov.iov_len -= skip;
			n = fd_sendpart(t, fd, &rest, flags | MSG_NOSIGNAL);
			if (n == -1)
				return (ssize_t)done;
			skip = (size_t)n;
			done += skip;
		}
		skip -= iov.iov_len;
	}
	return (ssize_t)done;
}

static ssize_t
fd_sendbuf(struct sim_thread *t, int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *sa, socklen_t salen)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_name = (void *)(uintptr_t)sa;
	msg.msg_namelen = salen;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	return fd_send(t, fd, &msg, flags);
}

/*
 * Write to a pipe, in pieces of at most PIPE_BUF bytes.  If poll(2) finds it
 * ready, writing such a piece does not block.
 */
static ssize_t
fd_write(struct sim_thread *t, int fd, const char *buf, size_t len)
{
	size_t done = 0, part;
	ssize_t n = 0;
	int serrno;

	do {
		if (!fd_begin(t, fd, POLLOUT, FD_OUT))
			return done > 0 ? (ssize_t)done : -1;
		part = len - done < PIPE_BUF ? len - done : PIPE_BUF;
		n = SIM_REAL(write)(fd, buf + done, part);
		serrno = errno;
		sim_fd_changed();
		errno = serrno;
		if (n > 0)
			done += (size_t)n;
	} while (n == (ssize_t)part && done < len);
	return done > 0 ? (ssize_t)done : n;
}

/* Write more than PIPE_BUF bytes to a pipe. */
static ssize_t
fd_writev(struct sim_thread *t, int fd, const struct iovec *iov, int count)
{
	size_t done = 0;
	ssize_t n;
	int i;

	for (i = 0; i < count; i++) {
		if (iov[i].iov_len == 0)
			continue;
		n = fd_write(t, fd, iov[i].iov_base, iov[i].iov_len);
		if (n == -1)
			return done > 0 ? (ssize_t)done : -1;
		done += (size_t)n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return (ssize_t)done;
}

/* Return the type of a descriptor, such as S_IFSOCK, or 0. */
static mode_t
fd_type(int fd)
{
	struct stat sb;

	return fstat(fd, &sb) == 0 ? sb.st_mode & S_IFMT : 0;
}

SIM_PUBLIC ssize_t
write(int fd, const void *buf, size_t len)
{
	struct sim_thread *t;
	mode_t type;
	ssize_t n;
	int serrno;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(write)(fd, buf, len);
	if ((type = fd_type(fd)) == S_IFSOCK)
		return fd_sendbuf(t, fd, buf, len, 0, NULL, 0);
	if (len > PIPE_BUF && type == S_IFIFO)
		return fd_write(t, fd, buf, len);
	if (!fd_begin(t, fd, POLLOUT, FD_OUT))
		return -1;
	n = SIM_REAL(write)(fd, buf, len);
	serrno = errno;
	sim_fd_changed();
	errno = serrno;
	return n;
}

SIM_PUBLIC ssize_t
writev(int fd, const struct iovec *iov, int count)
{
	struct sim_thread *t;
	struct msghdr msg;
	size_t len = 0;
	mode_t type;
	ssize_t n;
	int i, serrno;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(writev)(fd, iov, count);
	type = count >= 0 && count <= IOV_MAX ? fd_type(fd) : 0;
	if (type == S_IFSOCK) {
		memset(&msg, 0, sizeof(msg));
		msg.msg_iov = (struct iovec *)(uintptr_t)iov;
		msg.msg_iovlen = (size_t)count;
		return fd_send(t, fd, &msg, 0);
	}
	for (i = 0; i < count && type == S_IFIFO; i++)
		len += iov[i].iov_len;
	if (len > PIPE_BUF && len <= SSIZE_MAX)
		return fd_writev(t, fd, iov, count);
	if (!fd_begin(t, fd, POLLOUT, FD_OUT))
		return -1;
	n = SIM_REAL(writev)(fd, iov, count);
	serrno = errno;
	sim_fd_changed();
	errno = serrno;
	return n;
}

SIM_PUBLIC ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sendmsg)(fd, msg, flags);
	return fd_send(t, fd, msg, flags);
}

SIM_PUBLIC ssize_t
sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG sa,
    socklen_t salen)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(sendto)(fd, buf, len, flags, sa, salen);
	return fd_sendbuf(t, fd, buf, len, flags, sa.__sockaddr__, salen);
}

SIM_PUBLIC ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(send)(fd, buf, len, flags);
	return fd_sendbuf(t, fd, buf, len, flags, NULL, 0);
}

SIM_PUBLIC int
eventfd_read(int fd, eventfd_t *value)
{

	return read(fd, value, sizeof(*value)) == (ssize_t)sizeof(*value) ?
	    0 : -1;
}

SIM_PUBLIC int
eventfd_write(int fd, eventfd_t value)
{

	return write(fd, &value, sizeof(value)) == (ssize_t)sizeof(value) ?
	    0 : -1;
}

/*
 * Define a function that does not block, but may make a descriptor ready.
 */
#define	CHANGE(func, params, args)					\
SIM_PUBLIC int								\
func params								\
{									\
	struct sim_thread *t;						\
	int result, serrno;						\
									\
	if ((t = SIM_ENTER()) == NULL)					\
		return SIM_REAL(func) args;				\
	sim_point(t, &fd_chan, SIM_CALL, 0);				\
	result = SIM_REAL(func) args;					\
	serrno = errno;							\
	sim_fd_changed();						\
	errno = serrno;							\
	return result;							\
}

/* These calls close a descriptor, which may be that of a timer. */
#define	REPLACE(func, params, args)					\
SIM_PUBLIC int								\
func params								\
{									\
	struct sim_thread *t;						\
	int result, serrno;						\
									\
	if ((t = SIM_ENTER()) == NULL)					\
		return SIM_REAL(func) args;				\
	sim_point(t, &fd_chan, SIM_CALL, 0);				\
	result = SIM_REAL(func) args;					\
	serrno = errno;							\
	if (result != -1 && from != to)					\
		sim_timer_closed(to);					\
	sim_fd_changed();						\
	errno = serrno;							\
	return result;							\
}

REPLACE(dup2, (int from, int to), (from, to))
REPLACE(dup3, (int from, int to, int flags), (from, to, flags))
CHANGE(shutdown, (int fd, int how), (fd, how))
CHANGE(epoll_ctl, (int ep, int op, int fd, struct epoll_event *ev),
    (ep, op, fd, ev))

/*
 * Connect a socket that is in blocking mode.  Make it non-blocking during the
 * real call.  A local socket then fails with EAGAIN while the queue of the
 * listening socket is full.  Any other socket may still be connecting when the
 * real call returns.
 */
static int
fd_connect(struct sim_thread *t, int fd, __CONST_SOCKADDR_ARG sa, socklen_t len,
    int fl)
{
	int error, result, serrno;
	socklen_t size = sizeof(error);

	for (;;) {
		(void)fcntl(fd, F_SETFL, fl | O_NONBLOCK);
		result = SIM_REAL(connect)(fd, sa, len);
		serrno = errno;
		(void)fcntl(fd, F_SETFL, fl);
		errno = serrno;
		if (result != -1 || errno != EAGAIN)
			break;
		if (!fd_retry(t))
			return -1;
	}
	if (result != -1 || (errno != EINPROGRESS && errno != EALREADY))
		return result;
	if (!fd_begin(t, fd, POLLOUT, "to connect"))
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		return -1;
	errno = error;
	return error != 0 ? -1 : 0;
}

SIM_PUBLIC int
connect(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	struct sim_thread *t;
	int fl, result, serrno;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(connect)(fd, sa, len);
	sim_point(t, &fd_chan, SIM_CALL, 0);
	fl = fcntl(fd, F_GETFL);
	result = fl == -1 || (fl & O_NONBLOCK) != 0 ?
	    SIM_REAL(connect)(fd, sa, len) : fd_connect(t, fd, sa, len, fl);
	serrno = errno;
	sim_fd_changed();
	errno = serrno;
	return result;
}

SIM_PUBLIC int
close(int fd)
{
	struct sim_thread *t;
	int result, serrno;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(close)(fd);
	sim_point(t, &fd_chan, SIM_CALL, 0);
	sim_timer_closed(fd);
	result = SIM_REAL(close)(fd);
	serrno = errno;
	sim_fd_changed();
	errno = serrno;
	return result;
}

/*
 * Polls.
 */

static int64_t
fd_deadline_ms(int ms)
{

	return ms < 0 ? SIM_FOREVER : sim.sim_now + (int64_t)ms * MS;
}

static int64_t
fd_deadline_ts(const struct timespec *ts)
{
	int64_t sec;		/* time_t may have 32 bits */

	if (ts == NULL || (sec = ts->tv_sec) >= SIM_FOREVER / 1000000000 / 2)
		return SIM_FOREVER;
	return sim.sim_now + sec * 1000000000 + ts->tv_nsec;
}

/*
 * Take the pending signals that the mask does not block.  Return true if a
 * handler has run.
 */
static bool
fd_sigmask(struct sim_thread *t, const sigset_t *mask)
{
	sigset_t old, pending;
	int flags, signo;
	bool run = false;

	if (mask == NULL || sigpending(&pending) == -1)
		return false;
	for (signo = 1; signo <= SIGRTMAX && !run; signo++)
		run = sigismember(&pending, signo) == 1 &&
		    sigismember(mask, signo) == 0 &&
		    sim_signal_handled(signo, &flags);
	t->st_sigmask = NULL;
	(void)sim_signal_mask(t, SIG_SETMASK, mask, &old);
	(void)SIM_REAL(pthread_sigmask)(SIG_SETMASK, &old, NULL);
	t->st_sigmask = mask;
	return run;
}

/*
 * The thread no longer has the mask.  Take the signals that the mask has
 * blocked.
 */
static int
fd_masked(struct sim_thread *t, int result)
{

	t->st_sigmask = NULL;
	if (t->st_nsigs > 0)
		sim_signal_take(t);
	return result;
}

static int
fd_pollloop(struct sim_thread *t, struct pollfd *fds, nfds_t n,
    int64_t deadline, const sigset_t *mask)
{
	char kind[48];
	int error = 0, ready;

	sim_point(t, &fd_chan, SIM_CALL, 0);
	if (n == 0)
		(void)snprintf(kind, sizeof(kind), "%s", mask != NULL ?
		    "signal" : "sleep");
	else if (n == 1)
		(void)snprintf(kind, sizeof(kind), "poll of descriptor %d",
		    fds[0].fd);
	else
		(void)snprintf(kind, sizeof(kind), "poll of %lu descriptors",
		    (unsigned long)n);
	for (;;) {
		if (fd_sigmask(t, mask)) {
			errno = EINTR;
			return -1;
		}
		ready = fd_poll(fds, n, 0);
		if (ready != 0 || error == ETIMEDOUT)
			return ready;
		/*
		 * If the time is over, as in a poll that does not wait, the
		 * client may repeat the call in a loop, so yield.
		 */
		if (deadline <= sim.sim_now)
			sim_yield(t);
		error = fd_block(t, fds, n, kind, deadline, false);
		if (error == EINTR) {
			errno = EINTR;
			return -1;
		}
	}
}

/* Poll until the deadline.  The mask is NULL if the caller has none. */
static int
fd_pollwait(struct sim_thread *t, struct pollfd *fds, nfds_t n,
    int64_t deadline, const sigset_t *mask)
{

	t->st_sigmask = mask;
	return fd_masked(t, fd_pollloop(t, fds, n, deadline, mask));
}

int
sim_fd_suspend(struct sim_thread *t, const sigset_t *mask)
{

	return fd_pollwait(t, NULL, 0, SIM_FOREVER, mask);
}

SIM_PUBLIC int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(poll)(fds, n, ms);
	return fd_pollwait(t, fds, n, fd_deadline_ms(ms), NULL);
}

SIM_PUBLIC int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(ppoll)(fds, n, ts, mask);
	return fd_pollwait(t, fds, n, fd_deadline_ts(ts), mask);
}

SIM_PUBLIC int
__poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL || size / sizeof(*fds) < n)
		return SIM_REAL(__poll_chk)(fds, n, ms, size);
	return fd_pollwait(t, fds, n, fd_deadline_ms(ms), NULL);
}

SIM_PUBLIC int
__ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask, size_t size)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL || size / sizeof(*fds) < n)
		return SIM_REAL(__ppoll_chk)(fds, n, ts, mask, size);
	return fd_pollwait(t, fds, n, fd_deadline_ts(ts), mask);
}

/*
 * Poll like select(2).  FD_SETSIZE pollfds are enough, because a descriptor
 * gets at most one.
 */
static int
fd_select(struct sim_thread *t, int n, fd_set *in, fd_set *out, fd_set *ex,
    int64_t deadline, const sigset_t *mask)
{
	struct pollfd fds[FD_SETSIZE], *p;
	fd_set *from[3] = { in, out, ex }, sets[3];
	struct timeval zero;
	nfds_t count = 0;
	short events;
	int fd, i, polled, ready;

	if (n < 0 || n > FD_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	for (fd = 0; fd < n; fd++) {
		events = 0;
		if (in != NULL && FD_ISSET(fd, in))
			events |= POLLIN;
		if (out != NULL && FD_ISSET(fd, out))
			events |= POLLOUT;
		if (ex != NULL && FD_ISSET(fd, ex))
			events |= POLLPRI;
		if (events != 0) {
			fds[count].fd = fd;
			fds[count++].events = events;
		}
	}
	/*
	 * Let the real call decide to which sets an event belongs.  If it
	 * returns 0, the event is an error or a hang-up, and is in none of the
	 * client's sets.  A further poll would return it at once, so poll only
	 * the other descriptors.
	 */
	for (;;) {
		polled = fd_pollwait(t, fds, count, deadline, mask);
		if (polled == -1)
			return -1;
		for (i = 0; i < 3; i++)
			if (from[i] != NULL)
				sets[i] = *from[i];
			else
				FD_ZERO(&sets[i]);
		zero.tv_sec = zero.tv_usec = 0;
		ready = SIM_REAL(select)(n, &sets[0], &sets[1], &sets[2],
		    &zero);
		if (ready == -1)
			return -1;
		if (ready > 0 || polled == 0)
			break;
		for (p = fds; p < &fds[count]; p++)
			if (p->revents != 0)
				p->fd = -1;
	}
	for (i = 0; i < 3; i++)
		if (from[i] != NULL)
			*from[i] = sets[i];
	return ready;
}

SIM_PUBLIC int
select(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict ex,
    struct timeval *restrict tv)
{
	struct sim_thread *t;
	struct timespec ts;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(select)(n, in, out, ex, tv);
	if (tv != NULL) {
		if (tv->tv_sec < 0 || tv->tv_usec < 0) {
			errno = EINVAL;
			return -1;
		}
		ts.tv_sec = tv->tv_sec;
		ts.tv_nsec = tv->tv_usec * 1000;
	}
	return fd_select(t, n, in, out, ex,
	    fd_deadline_ts(tv != NULL ? &ts : NULL), NULL);
}

SIM_PUBLIC int
pselect(int n, fd_set *restrict in, fd_set *restrict out,
    fd_set *restrict ex, const struct timespec *restrict ts,
    const sigset_t *restrict mask)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(pselect)(n, in, out, ex, ts, mask);
	return fd_select(t, n, in, out, ex, fd_deadline_ts(ts), mask);
}

static int
fd_epollloop(struct sim_thread *t, int ep, struct epoll_event *ev, int max,
    int64_t deadline, const sigset_t *mask)
{
	struct pollfd pfd = { .fd = ep, .events = POLLIN };
	char kind[48];
	int error = 0, ready;

	(void)snprintf(kind, sizeof(kind), "epoll descriptor %d", ep);
	sim_point(t, &fd_chan, SIM_CALL, 0);
	for (;;) {
		if (fd_sigmask(t, mask)) {
			errno = EINTR;
			return -1;
		}
		ready = SIM_REAL(epoll_wait)(ep, ev, max, 0);
		if (ready != 0 || error == ETIMEDOUT)
			return ready;
		if (deadline <= sim.sim_now)
			sim_yield(t);
		error = fd_block(t, &pfd, 1, kind, deadline, false);
		if (error == EINTR) {
			errno = EINTR;
			return -1;
		}
	}
}

static int
fd_epoll(struct sim_thread *t, int ep, struct epoll_event *ev, int max,
    int64_t deadline, const sigset_t *mask)
{

	t->st_sigmask = mask;
	return fd_masked(t, fd_epollloop(t, ep, ev, max, deadline, mask));
}

SIM_PUBLIC int
epoll_wait(int ep, struct epoll_event *ev, int max, int ms)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(epoll_wait)(ep, ev, max, ms);
	return fd_epoll(t, ep, ev, max, fd_deadline_ms(ms), NULL);
}

SIM_PUBLIC int
epoll_pwait(int ep, struct epoll_event *ev, int max, int ms,
    const sigset_t *mask)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(epoll_pwait)(ep, ev, max, ms, mask);
	return fd_epoll(t, ep, ev, max, fd_deadline_ms(ms), mask);
}

#if __GLIBC_PREREQ(2, 35)
SIM_PUBLIC int
epoll_pwait2(int ep, struct epoll_event *ev, int max,
    const struct timespec *ts, const sigset_t *mask)
{
	struct sim_thread *t;

	if ((t = SIM_ENTER()) == NULL)
		return SIM_REAL(epoll_pwait2)(ep, ev, max, ts, mask);
	return fd_epoll(t, ep, ev, max, fd_deadline_ts(ts), mask);
}
#endif
