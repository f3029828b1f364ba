/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic and the formatter under it.  Everything here may run in any context:
 * it takes no lock of the C library and allocates nothing.
 */

#include <string.h>

#include "kern.h"

#define	PANIC_MAX	512		/* a panic line, with its newline */

struct prf {
	char	*p_buf;
	size_t	 p_size;		/* of p_buf, with the NUL */
	size_t	 p_len;			/* of the whole text */
};

static void
prf_put(struct prf *p, char c)
{

	if (p->p_len + 1 < p->p_size)
		p->p_buf[p->p_len] = c;
	p->p_len++;
}

static void
prf_pad(struct prf *p, char c, int n)
{

	while (n-- > 0)
		prf_put(p, c);
}

/*
 * A text of len bytes in a field.
 */
static void
prf_text(struct prf *p, const char *s, int len, int width, bool left)
{

	if (!left)
		prf_pad(p, ' ', width - len);
	for (int i = 0; i < len; i++)
		prf_put(p, s[i]);
	if (left)
		prf_pad(p, ' ', width - len);
}

struct prf_spec {
	bool	ps_left, ps_zero, ps_alt;
	char	ps_sign;		/* '+', ' ' or 0 */
	int	ps_width, ps_prec;	/* ps_prec -1: none */
};

static void
prf_number(struct prf *p, uintmax_t v, unsigned base, bool upper, bool neg,
    const struct prf_spec *ps)
{
	const char *digits, *prefix;
	char buf[sizeof(v) * 8 + 1];
	int i, len, zeros, plen, prec;
	char sign;

	digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	prefix = "";
	if (ps->ps_alt && v != 0 && base == 16)
		prefix = upper ? "0X" : "0x";
	else if (ps->ps_alt && v != 0 && base == 8)
		prefix = "0";
	i = (int)sizeof(buf);
	for (; v != 0; v /= base)
		buf[--i] = digits[v % base];
	len = (int)sizeof(buf) - i;
	prec = ps->ps_prec < 0 ? 1 : ps->ps_prec;
	zeros = len < prec ? prec - len : 0;
	sign = neg ? '-' : ps->ps_sign;
	plen = (int)strlen(prefix) + (sign != 0);
	if (ps->ps_zero && !ps->ps_left && ps->ps_prec < 0 &&
	    ps->ps_width > plen + len + zeros)
		zeros = ps->ps_width - plen - len;
	if (!ps->ps_left)
		prf_pad(p, ' ', ps->ps_width - plen - zeros - len);
	if (sign != 0)
		prf_put(p, sign);
	for (; *prefix != '\0'; prefix++)
		prf_put(p, *prefix);
	prf_pad(p, '0', zeros);
	for (; i < (int)sizeof(buf); i++)
		prf_put(p, buf[i]);
	if (ps->ps_left)
		prf_pad(p, ' ', ps->ps_width - plen - zeros - len);
}

/*
 * The kernel's printf formats: d i u o x X c s p %, with flags, width,
 * precision and the lengths hh h l ll j z t.  The length of the whole text is
 * returned; what does not fit is left out; the buffer is terminated.
 */
size_t
kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct prf p;
	struct prf_spec ps;
	const char *s;
	uintmax_t u;
	intmax_t d;
	unsigned base;
	bool neg;
	char c;
	int n, size_of;

	p.p_buf = buf;
	p.p_size = size;
	p.p_len = 0;
	while ((c = *fmt++) != '\0') {
		if (c != '%') {
			prf_put(&p, c);
			continue;
		}
		memset(&ps, 0, sizeof(ps));
		ps.ps_prec = -1;
		for (;; fmt++) {
			if (*fmt == '-')
				ps.ps_left = true;
			else if (*fmt == '0')
				ps.ps_zero = true;
			else if (*fmt == '#')
				ps.ps_alt = true;
			else if (*fmt == '+' || (*fmt == ' ' &&
			    ps.ps_sign == 0))
				ps.ps_sign = *fmt;
			else if (*fmt != ' ' && *fmt != '\'')
				break;
		}
		if (*fmt == '*') {
			ps.ps_width = va_arg(ap, int);
			if (ps.ps_width < 0) {
				ps.ps_left = true;
				ps.ps_width = -ps.ps_width;
			}
			fmt++;
		} else
			for (; *fmt >= '0' && *fmt <= '9'; fmt++)
				ps.ps_width = ps.ps_width * 10 + (*fmt - '0');
		if (*fmt == '.') {
			fmt++;
			ps.ps_prec = 0;
			if (*fmt == '*') {
				ps.ps_prec = va_arg(ap, int);
				fmt++;
			} else
				for (; *fmt >= '0' && *fmt <= '9'; fmt++)
					ps.ps_prec = ps.ps_prec * 10 +
					    (*fmt - '0');
		}
		size_of = (int)sizeof(int);
		for (;; fmt++) {
			if (*fmt == 'h')
				size_of = size_of == (int)sizeof(int) ?
				    (int)sizeof(short) : 1;
			else if (*fmt == 'l')
				size_of = size_of == (int)sizeof(int) ?
				    (int)sizeof(long) : (int)sizeof(long long);
			else if (*fmt == 'j' || *fmt == 'q')
				size_of = (int)sizeof(intmax_t);
			else if (*fmt == 'z' || *fmt == 't')
				size_of = (int)sizeof(size_t);
			else
				break;
		}
		base = 10;
		switch (c = *fmt++) {
		case 'd':
		case 'i':
			if (size_of > (int)sizeof(long))
				d = va_arg(ap, long long);
			else if (size_of > (int)sizeof(int))
				d = va_arg(ap, long);
			else {
				d = va_arg(ap, int);
				if (size_of == 1)
					d = (signed char)d;
				else if (size_of == (int)sizeof(short))
					d = (short)d;
			}
			neg = d < 0;
			u = neg ? 0 - (uintmax_t)d : (uintmax_t)d;
			prf_number(&p, u, base, false, neg, &ps);
			break;
		case 'x':
		case 'X':
			base = 16;
			goto number;
		case 'o':
			base = 8;
			goto number;
		case 'u':
 number:
			if (size_of > (int)sizeof(long))
				u = va_arg(ap, unsigned long long);
			else if (size_of > (int)sizeof(int))
				u = va_arg(ap, unsigned long);
			else {
				u = va_arg(ap, unsigned);
				if (size_of == 1)
					u = (unsigned char)u;
				else if (size_of == (int)sizeof(short))
					u = (unsigned short)u;
			}
			ps.ps_sign = 0;
			prf_number(&p, u, base, c == 'X', false, &ps);
			break;
		case 'p':
			u = (uintptr_t)va_arg(ap, void *);
			ps.ps_alt = true;
			if (u == 0) {
				prf_text(&p, "0x0", 3, ps.ps_width,
				    ps.ps_left);
				break;
			}
			prf_number(&p, u, 16, false, false, &ps);
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			prf_text(&p, &c, 1, ps.ps_width, ps.ps_left);
			break;
		case 's':
			s = va_arg(ap, const char *);
			if (s == NULL)
				s = "(null)";
			for (n = 0; (ps.ps_prec < 0 || n < ps.ps_prec) &&
			    s[n] != '\0'; n++)
				continue;
			prf_text(&p, s, n, ps.ps_width, ps.ps_left);
			break;
		case '\0':
			fmt--;
			break;
		default:
			/* "%%", and what is not known stands for itself. */
			prf_put(&p, c);
			break;
		}
	}
	if (size != 0)
		buf[p.p_len < size ? p.p_len : size - 1] = '\0';
	return p.p_len;
}

size_t
ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

/*
 * One line to standard error.
 */
static void
prf_line(const char *prefix, const char *fmt, va_list ap)
{
	char buf[PANIC_MAX];
	size_t len, n;

	len = ksnprintf(buf, sizeof(buf), "%s", prefix);
	n = kvsnprintf(buf + len, sizeof(buf) - len, fmt, ap);
	len = n < sizeof(buf) - len ? len + n : sizeof(buf) - 1;
	/* One line, whatever the text held. */
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	for (n = 0; n < len; n++)
		if (buf[n] == '\n')
			buf[n] = ' ';
	buf[len++] = '\n';
	host_write(buf, len);
}

static __wq_noreturn void
vpanic(const char *fmt, va_list ap)
{
	static uintptr_t panicking;		/* host_selfkey() of the first */
	uintptr_t o;
	unsigned n;

	/* The first panic is the one to read; the others wait for its end. */
	o = 0;
	if (!atomic_cas_acq_rel(&panicking, &o, host_selfkey())) {
		if (o != host_selfkey())
			for (n = 0; n < 1000 * 1000;)
				host_relax(&n);
		host_abort();
	}
	prf_line("panic: ", fmt, ap);
	host_abort();
}

__kern_public void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(fmt, ap);
}

__kern_public void
kern_assert(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(fmt, ap);
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
	kern_assert(__WQ_KASSERTSTR "%s", kind, expr, file, line, msg);
}

/*
 * Something that the user should know and that stops nobody.
 */
void
kern_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	prf_line("workqueue: ", fmt, ap);
	va_end(ap);
}
