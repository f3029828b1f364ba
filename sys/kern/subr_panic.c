/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic(9), the assertions of KASSERT(9), and the library's own warnings.
 * Everything here may run in any context: it takes no lock of the C library
 * and allocates nothing.
 */

#include <errno.h>

#include "kern.h"
#include "kern_param.h"
#include "subr_prf.h"

#define	PANIC_MAX	1536		/* bytes of a panic line and newline */
#define	PANIC_SITE	200		/* of them, reserved for the site */
#define	PANIC_FRAMES	24		/* lines of a backtrace */
#define	PANIC_OWNFRAMES	16		/* frames of the library, at most */
#define	PANIC_WAIT	INT64_C(5000000000) /* ns to wait for the first panic */
#ifdef __thumb__
/* The unwinder clears the bit that marks Thumb code in an address. */
#define	PANIC_CALLER()	((uintptr_t)__builtin_return_address(0) & -2)
#else
#define	PANIC_CALLER()	((uintptr_t)__builtin_return_address(0))
#endif

/*
 * Write one line to standard error.  It ends with the site of the call, if
 * site is not 0.
 */
static void
prf_line(const char *prefix, uintptr_t site, const char *fmt, va_list ap)
{
	char buf[PANIC_MAX];
	size_t len, n, size;

	size = site != 0 ? sizeof(buf) - PANIC_SITE : sizeof(buf);
	len = ksnprintf(buf, size, "%s", prefix);
	n = kvsnprintf(buf + len, size - len, fmt, ap);
	len = n < size - len ? len + n : size - 1;
	/* Newlines in the text become blanks: the output is one line. */
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	if (site != 0) {
		n = ksnprintf(buf + len, sizeof(buf) - len,
		    ", called from %pS", (void *)site);
		len = n < sizeof(buf) - len ? len + n : sizeof(buf) - 1;
	}
	for (n = 0; n < len; n++)
		if (buf[n] == '\n')
			buf[n] = ' ';
	buf[len++] = '\n';
	(void)host_write_soon(buf, len);
}

static bool
panic_outside(uintptr_t pc)
{
	struct host_symbol hs;

	return host_symbol(pc - 1, &hs) && !hs.hs_own;
}

/*
 * Return the site where the client called the library, or 0.  The search begins
 * at the frame that returns to "caller".  It walks only the library's own
 * frames, so a damaged stack of the client cannot prevent the message.
 *
 * Return 0 if the client called panic() itself.  Also return 0 if the library
 * is linked statically, because its frames then look like the client's.
 */
static uintptr_t
panic_site(uintptr_t caller)
{
	uintptr_t pcs[PANIC_OWNFRAMES];
	int i, n;

	if (panic_outside((uintptr_t)&panic_site + 1))
		return 0;
	n = host_backtrace(pcs, PANIC_OWNFRAMES, panic_outside);
	for (i = 0; i < n && pcs[i] != caller; i++)
		continue;
	return i < n - 1 && panic_outside(pcs[n - 1]) ? pcs[n - 1] : 0;
}

/*
 * Write the stack, beginning at the client's call of the library.  If all
 * frames are the library's, as in a thread that runs no callback, write
 * nothing.
 */
static void
panic_backtrace(uintptr_t caller, uintptr_t site)
{
	uintptr_t pcs[PANIC_FRAMES + PANIC_OWNFRAMES];
	char buf[PANIC_SITE];
	size_t len;
	int first, i, n;

	n = host_backtrace(pcs, (int)__arraycount(pcs), NULL);
	for (i = 0; i < n && pcs[i] != (site != 0 ? site : caller); i++)
		continue;
	first = i;
	while (i < n && !panic_outside(pcs[i]))
		i++;
	if (i == n)
		return;
	for (i = first; i < n && i - first < PANIC_FRAMES; i++) {
		len = ksnprintf(buf, sizeof(buf), "\tat %pS", (void *)pcs[i]);
		len = len < sizeof(buf) ? len : sizeof(buf) - 1;
		buf[len++] = '\n';
		if (!host_write_soon(buf, len))
			break;
	}
}

static __wq_noreturn void
vpanic(uintptr_t caller, const char *fmt, va_list ap)
{
	static uintptr_t panicking;	/* host_selfkey() of its thread */
	uintptr_t o, site;
	int64_t end;
	unsigned n;

	/* Report only the first panic.  Other threads wait meanwhile. */
	o = 0;
	if (!atomic_cas_acq_rel(&panicking, &o, host_selfkey())) {
		end = host_monotime() + PANIC_WAIT;
		if (o != host_selfkey())
			for (n = 0; host_monotime() < end;)
				host_relax(&n);
		host_abort();
	}
	site = panic_site(caller);
	prf_line("panic: ", site, fmt, ap);
	/* The line is written, so it is safe to open the program's file. */
	host_symbol_init();
	panic_backtrace(caller, site);
	host_abort();
}

__kern_public void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(PANIC_CALLER(), fmt, ap);
}

__kern_public void
kern_assert(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(PANIC_CALLER(), fmt, ap);
}

static __wq_noreturn __wq_printflike(2, 3) void
panic_at(uintptr_t caller, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(caller, fmt, ap);
}

__kern_public void
kern_assertmsg(const char *kind, const char *expr, const char *file, int line,
    const char *fmt, ...)
{
	char msg[PANIC_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)kvsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	panic_at(PANIC_CALLER(), __WQ_KASSERTSTR "%s", kind, expr, file, line,
	    msg);
}

/*
 * Write a warning and go on.
 */
void
kern_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	prf_line("workqueue: ", 0, fmt, ap);
	va_end(ap);
}

/*
 * Report a suspicious call, for KERN_SUSPECT().  Panic in strict mode.
 * Otherwise warn once for each saidp.
 */
void
kern_suspect(int *saidp, const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	if (!KERN_STRICT() && atomic_swap_relaxed(saidp, 1) != 0)
		return;
	va_start(ap, fmt);
	(void)kvsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (KERN_STRICT())
		panic("%s", buf);
	kern_warn("%s", buf);
}

int
kern_einval(const char *func, const char *fmt, ...)
{
	char msg[128];
	va_list ap;

	if (KERN_CHECKING()) {
		va_start(ap, fmt);
		(void)kvsnprintf(msg, sizeof(msg), fmt, ap);
		va_end(ap);
		kern_warn("%s: EINVAL: %s", func, msg);
	}
	return EINVAL;
}
