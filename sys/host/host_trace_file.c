/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The trace: the file.  Each write ends with a whole line, so the file can be
 * read even if the program crashes or the disk is full.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/host_trace_var.h>
#include <host/host_var.h>

#define	TRACE_LINE	512		/* no event is longer in the file */
#define	FUNCS		1024		/* a power of two */
#define	FUNCS_WINDOW	16

struct out		trace_out;

/*
 * The names of functions.
 */

enum func_state {
	FUNC_NEW,
	FUNC_SOUGHT,			/* a thread writes f_symbol */
	FUNC_KNOWN
};
struct func {
	uintptr_t	 f_func;	/* (a) 0: unused */
	int		 f_state;	/* (a) enum func_state */
	struct host_symbol f_symbol;
};

/* trace_out_open() allocates this, before there are other threads. */
static struct func	*trace_funcs;

static struct func *
func_find(uintptr_t func, bool add)
{
	struct func *f;
	uintptr_t old;
	unsigned i, h;

	h = (unsigned)(func >> 4 ^ func >> 14);
	for (i = 0; i < FUNCS_WINDOW; i++) {
		f = &trace_funcs[(h + i) % FUNCS];
		old = atomic_load_relaxed(&f->f_func);
		if (old == func)
			return f;
		if (old == 0 && (!add ||
		    atomic_cas_relaxed(&f->f_func, &old, func)))
			return add ? f : NULL;
		if (old == func)
			return f;
	}
	return NULL;
}

void
host_trace_function(uintptr_t func)
{
	struct func *f;
	int old;

	if ((f = func_find(func, true)) == NULL)
		return;
	old = FUNC_NEW;
	if (atomic_load_relaxed(&f->f_state) != FUNC_NEW ||
	    !atomic_cas_relaxed(&f->f_state, &old, FUNC_SOUGHT))
		return;
	(void)host_symbol(func, &f->f_symbol);
	/* Release: publish the name. */
	atomic_store_release(&f->f_state, FUNC_KNOWN);
}

/*
 * Writing.
 */

/*
 * Discard SIGPIPE, which a pipe without a reader causes, and SIGXFSZ, which a
 * file that is too long causes.  Either would end the program.  Such a signal
 * is pending, because the writer blocks signals.
 */
static void
out_signals(void)
{
	sigset_t pending, set;
	int signo;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)sigaddset(&set, SIGXFSZ);
	if (sigpending(&pending) == 0 && (sigismember(&pending, SIGPIPE) ||
	    sigismember(&pending, SIGXFSZ)))
		(void)sigwait(&set, &signo);
}

/*
 * Write the buffer.  If a part of it cannot be written, remove the incomplete
 * line at the end of the file.
 */
static void
out_flush(struct out *o)
{
	struct stat st;
	const char *p;
	ssize_t n;

	if (o->o_error != 0) {
		o->o_len = 0;
		return;
	}
	/*
	 * The program may have closed the descriptor, and opened another file
	 * with the same number.
	 */
	if (fstat(o->o_fd, &st) == -1 || st.st_dev != o->o_dev ||
	    st.st_ino != o->o_ino)
		o->o_error = EBADF;
	for (p = o->o_buf; o->o_len > 0 && o->o_error == 0;) {
		n = write(o->o_fd, p, o->o_len);
		if (n > 0) {
			p += n;
			o->o_len -= (size_t)n;
		} else if (n == -1 && errno == EAGAIN)
			host_yield();
		else if (n == 0 || errno != EINTR)
			o->o_error = n == 0 ? EIO : errno;
	}
	if (o->o_error != 0)
		while (p > o->o_buf && p[-1] != '\n')
			p--;
	o->o_whole += p - o->o_buf;
	if (o->o_error != 0 && o->o_error != EBADF)
		/* This fails for a pipe, from which nothing can be removed. */
		(void)!ftruncate(o->o_fd, o->o_whole);
	if (o->o_error == EPIPE || o->o_error == EFBIG)
		out_signals();
	o->o_len = 0;
}

static void
out_put(struct out *o, const char *s, size_t len)
{
	size_t n;

	for (; len > 0; s += n, len -= n) {
		if (o->o_len == sizeof(o->o_buf))
			out_flush(o);
		n = sizeof(o->o_buf) - o->o_len;
		if (n > len)
			n = len;
		memcpy(o->o_buf + o->o_len, s, n);
		o->o_len += n;
	}
}

static void
out_page(struct page_out *po, const char *s, size_t len)
{

	out_put((struct out *)po, s, len);
}

static void
out_text(struct out *o, const char *s)
{

	out_put(o, s, strlen(s));
}

/*
 * Write text inside a JSON string.  Escape each character that is special in
 * JSON or HTML.
 */
static void
out_string(struct out *o, const char *s)
{
	static const char digits[] = "0123456789abcdef";
	char buf[6] = "\\u00";
	unsigned char c;

	for (; (c = (unsigned char)*s) != '\0'; s++)
		if (c > '~')
			out_put(o, "?", 1);
		else if (c < ' ' || c == '"' || c == '\\' || c == '<' ||
		    c == '>' || c == '&') {
			buf[4] = digits[c >> 4];
			buf[5] = digits[c & 15];
			out_put(o, buf, sizeof(buf));
		} else
			out_put(o, s, 1);
}

static void
out_number(struct out *o, uint64_t v, unsigned base)
{
	char buf[24];
	int i = (int)sizeof(buf);

	do {
		buf[--i] = "0123456789abcdef"[v % base];
	} while ((v /= base) != 0);
	out_put(o, buf + i, sizeof(buf) - (size_t)i);
}

/* Write a time, in microseconds since the start of the trace. */
static void
out_time(struct out *o, int64_t time)
{
	uint64_t ns;

	ns = time > o->o_start ? (uint64_t)(time - o->o_start) : 0;
	out_number(o, ns / 1000, 10);
	out_text(o, ns % 1000 < 10 ? ".00" : ns % 1000 < 100 ? ".0" : ".");
	out_number(o, ns % 1000, 10);
}

static void
out_head(struct out *o, const char *ph, const struct event *e)
{

	out_text(o, "{\"ph\":\"");
	out_text(o, ph);
	out_text(o, "\",\"pid\":");
	out_number(o, (uint64_t)o->o_pid, 10);
	out_text(o, ",\"tid\":");
	out_number(o, (uint64_t)e->e_thread, 10);
	out_text(o, ",\"ts\":");
	out_time(o, e->e_time);
}

static void
out_arrow(struct out *o, const char *ph, const struct event *e)
{

	out_head(o, ph, e);
	out_text(o, ",\"cat\":\"workqueue\",\"name\":\"item\",\"id\":");
	out_number(o, e->e_from, 10);
	out_text(o, "},\n");
}

static void
out_args(struct out *o, const struct event *e)
{

	out_text(o, ",\"args\":{\"queue\":\"");
	out_string(o, e->e_name);
	out_text(o, "\",\"item\":\"0x");
	out_number(o, e->e_item, 16);
}

static void
out_func(struct out *o, const struct event *e)
{
	const struct func *f;

	f = func_find(e->e_func, false);
	/* Acquire: pairs with the release in host_trace_function(). */
	if (f != NULL && atomic_load_acquire(&f->f_state) != FUNC_KNOWN)
		f = NULL;
	if (f != NULL && f->f_symbol.hs_name[0] != '\0')
		out_string(o, f->f_symbol.hs_name);
	else if (f != NULL && f->f_symbol.hs_module[0] != '\0') {
		out_string(o, f->f_symbol.hs_module);
		out_text(o, "+0x");
		out_number(o, f->f_symbol.hs_offset, 16);
	} else {
		out_text(o, "0x");
		out_number(o, e->e_func, 16);
	}
}

void
trace_out_event(int kind, const struct event *e)
{
	struct out *o = &trace_out;

	/* Each write(2) ends with a line. */
	if (o->o_len > sizeof(o->o_buf) - 2 * TRACE_LINE)
		out_flush(o);
	switch (kind) {
	case HOST_TRACE_THREAD:
		out_head(o, "M", e);
		out_text(o, ",\"name\":\"thread_name\",\"args\":{\"name\":\"");
		out_string(o, e->e_name);
		out_text(o, "\"}},\n");
		break;
	case HOST_TRACE_ENQUEUE:
		/* An arrow must begin in a slice, so make a slice. */
		out_head(o, "X", e);
		out_text(o, ",\"dur\":0.001,\"cat\":\"workqueue\","
		    "\"name\":\"enqueue\"");
		out_args(o, e);
		out_text(o, "\"}},\n");
		out_arrow(o, "s", e);
		break;
	case HOST_TRACE_BEGIN:
		out_head(o, "B", e);
		out_text(o, ",\"cat\":\"workqueue\",\"name\":\"");
		out_func(o, e);
		out_text(o, "\"");
		out_args(o, e);
		out_text(o, "\"}},\n");
		if (e->e_from != 0) {
			/* The arrow ends at this slice. */
			out_head(o, "f", e);
			out_text(o, ",\"bp\":\"e\",\"cat\":\"workqueue\","
			    "\"name\":\"item\",\"id\":");
			out_number(o, e->e_from, 10);
			out_text(o, "},\n");
		}
		break;
	case HOST_TRACE_END:
		out_head(o, "E", e);
		out_text(o, "},\n");
		break;
	}
}

/*
 * Write the beginning of the file.
 */
void
trace_out_begin(void)
{
	struct out *o = &trace_out;

	if (o->o_html)
		page_timeline(&o->o_page, host_getprogname());
	out_text(o, "[\n{\"ph\":\"M\",\"pid\":");
	out_number(o, (uint64_t)o->o_pid, 10);
	out_text(o, ",\"name\":\"process_name\",\"args\":{\"name\":\"");
	out_string(o, host_getprogname());
	out_text(o, "\"}},\n");
	out_flush(o);
}

/* Write the end: a last event, which has no comma after it. */
void
trace_out_end(void)
{
	struct out *o = &trace_out;

	out_text(o, "{\"ph\":\"M\",\"pid\":");
	out_number(o, (uint64_t)o->o_pid, 10);
	out_text(o, ",\"name\":\"process_labels\",\"args\":{\"labels\":"
	    "\"libworkqueue\"}}\n]\n");
	if (o->o_html)
		page_timeline_end(&o->o_page);
	out_flush(o);
}

void
trace_out_flush(void)
{

	out_flush(&trace_out);
}

/*
 * The beginning.
 */

/*
 * Open the file, on a descriptor above those of stdio.  A program that this
 * process executes has the same environment, and must not write the same file.
 * So lock the file.
 */
int
trace_out_open(const char *name)
{
	struct out *o = &trace_out;
	struct flock fl;
	struct stat st;
	size_t len;
	int error, fd;

	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd == -1)
		return errno;
	o->o_fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	error = o->o_fd == -1 ? errno : 0;
	(void)close(fd);
	if (error != 0)
		return error;
	memset(&fl, 0, sizeof(fl));
	fl.l_type = F_WRLCK;
	fl.l_whence = SEEK_SET;
	if (fstat(o->o_fd, &st) == -1)
		error = errno;
	else if (S_ISREG(st.st_mode) && fcntl(o->o_fd, F_SETLK, &fl) == -1 &&
	    (errno == EACCES || errno == EAGAIN))
		error = EBUSY;
	else if (S_ISREG(st.st_mode) && ftruncate(o->o_fd, 0) == -1)
		error = errno;
	if (error == 0 && (trace_funcs = calloc(FUNCS,
	    sizeof(*trace_funcs))) == NULL)
		error = ENOMEM;
	if (error != 0) {
		(void)close(o->o_fd);
		return error;
	}
	o->o_dev = st.st_dev;
	o->o_ino = st.st_ino;
	len = strlen(name);
	o->o_html = len > 5 && strcmp(name + len - 5, ".html") == 0;
	o->o_page.po_write = out_page;
	o->o_pid = host_getpid();
	o->o_start = host_monotime();
	return 0;
}
