/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * panic(9), printf(9), log(9), snprintb(9) and the formatter under them.
 * Everything here may run in any context: it takes no lock of the C library
 * and allocates nothing.
 */

#include <string.h>

#include <sys/wq_prf.h>

#include "kern.h"

#define	PANIC_MAX	512		/* a panic line, with its newline */
#define	PRINTF_MAX	512		/* what is written in one piece */
#define	HEXDUMP_LINE	16

struct prf {
	char	*p_buf;
	size_t	 p_size;		/* of p_buf, with the NUL */
	size_t	 p_len;			/* of the whole text */
	size_t	 p_done;		/* of it, what was written */
	void	(*p_write)(const char *, size_t); /* when full, or NULL */
};

static void
prf_flush(struct prf *p)
{

	if (p->p_len > p->p_done)
		(*p->p_write)(p->p_buf, p->p_len - p->p_done);
	p->p_done = p->p_len;
}

static void
prf_put(struct prf *p, char c)
{

	if (p->p_write != NULL && p->p_len - p->p_done == p->p_size)
		prf_flush(p);
	if (p->p_write != NULL)
		p->p_buf[p->p_len - p->p_done] = c;
	else if (p->p_len + 1 < p->p_size)
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
 * The bits that are set in v by their names, as in <LINK,FULL>.  names holds,
 * for each, the number of the bit, from 1 on, and the name: the number is a
 * character below the blank, which ends the name before it.
 */
static void
prf_bits(struct prf *p, uintmax_t v, const char *names)
{
	char sep;
	int n;

	for (sep = '<'; (n = *names++) != '\0';) {
		if (n > 0 && n <= 64 && (v >> (n - 1) & 1) != 0) {
			for (prf_put(p, sep); *names > ' '; names++)
				prf_put(p, *names);
			sep = ',';
		} else
			while (*names > ' ')
				names++;
	}
	if (sep != '<')
		prf_put(p, '>');
}

/*
 * The kernel's printf formats: d i u o x X c s p %, with flags, width,
 * precision and the lengths hh h l ll j z t; and b, whose second argument is
 * the base and then the names of bits.
 */
static void
prf_format(struct prf *p, const char *fmt, va_list ap)
{
	struct prf_spec ps;
	const char *s;
	uintmax_t u;
	intmax_t d;
	unsigned base;
	bool neg;
	char c;
	int n, size_of;

	while ((c = *fmt++) != '\0') {
		if (c != '%') {
			prf_put(p, c);
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
			prf_number(p, u, base, false, neg, &ps);
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
			prf_number(p, u, base, c == 'X', false, &ps);
			break;
		case 'p':
			u = (uintptr_t)va_arg(ap, void *);
			ps.ps_alt = true;
			if (u == 0) {
				prf_text(p, "0x0", 3, ps.ps_width,
				    ps.ps_left);
				break;
			}
			prf_number(p, u, 16, false, false, &ps);
			break;
		case 'b':
			u = size_of > (int)sizeof(long) ?
			    va_arg(ap, unsigned long long) :
			    size_of > (int)sizeof(int) ?
			    va_arg(ap, unsigned long) : va_arg(ap, unsigned);
			s = va_arg(ap, const char *);
			base = *s == 8 || *s == 16 ? (unsigned)*s : 10;
			prf_number(p, u, base, false, false, &ps);
			if (*s != '\0')
				prf_bits(p, u, s + 1);
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			prf_text(p, &c, 1, ps.ps_width, ps.ps_left);
			break;
		case 's':
			s = va_arg(ap, const char *);
			if (s == NULL)
				s = "(null)";
			for (n = 0; (ps.ps_prec < 0 || n < ps.ps_prec) &&
			    s[n] != '\0'; n++)
				continue;
			prf_text(p, s, n, ps.ps_width, ps.ps_left);
			break;
		case '\0':
			fmt--;
			break;
		default:
			/* "%%", and what is not known stands for itself. */
			prf_put(p, c);
			break;
		}
	}
}

/*
 * Into memory: the length of the whole text is returned; what does not fit
 * is left out; the buffer is terminated.
 */
size_t
kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct prf p = { .p_buf = buf, .p_size = size };

	prf_format(&p, fmt, ap);
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
	static uintptr_t panicking;	/* host_selfkey() of the first */
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

/*
 * The text after a prefix to a descriptor of the host's, in one piece unless
 * it is longer than the buffer.
 */
static void
prf_write(void (*func)(const char *, size_t), const char *prefix,
    const char *fmt, va_list ap)
{
	char buf[PRINTF_MAX];
	struct prf p = {
		.p_buf = buf, .p_size = sizeof(buf), .p_write = func
	};

	if (prefix != NULL)
		for (; *prefix != '\0'; prefix++)
			prf_put(&p, *prefix);
	prf_format(&p, fmt, ap);
	prf_flush(&p);
}

void
kern_vprintf(const char *prefix, const char *fmt, va_list ap)
{

	prf_write(host_write_out, prefix, fmt, ap);
}

#define	PRF(func, prefix, fmt) do {					\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	prf_write((func), (prefix), (fmt), ap);				\
	va_end(ap);							\
} while (0)

__kern_public void
wqk_printf(const char *fmt, ...)
{

	PRF(host_write_out, NULL, fmt);
}

__kern_public void
wqk_vprintf(const char *fmt, va_list ap)
{

	prf_write(host_write_out, NULL, fmt, ap);
}

__kern_public void
wqk_printf_nolog(const char *fmt, ...)
{

	PRF(host_write_out, NULL, fmt);
}

__kern_public void
wqk_uprintf(const char *fmt, ...)
{

	PRF(host_write_out, NULL, fmt);
}

__kern_public void
wqk_printf_tolog(const char *fmt, ...)
{

	PRF(host_write, NULL, fmt);
}

/*
 * Each text begins with its priority, as in <3>.
 */
__kern_public void
wqk_vlog(int pri, const char *fmt, va_list ap)
{
	char tag[16];

	(void)ksnprintf(tag, sizeof(tag), "<%d>", pri);
	prf_write(host_write, tag, fmt, ap);
}

__kern_public void
wqk_log(int pri, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	wqk_vlog(pri, fmt, ap);
	va_end(ap);
}

/* More of a text that log() has begun. */
__kern_public void
wqk_addlog(const char *fmt, ...)
{

	PRF(host_write, NULL, fmt);
}

__kern_public int
wqk_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{

	return (int)kvsnprintf(buf, size, fmt, ap);
}

__kern_public int
wqk_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return (int)len;
}

static void
prf_sub(struct prf *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	prf_format(p, fmt, ap);
	va_end(ap);
}

/*
 * A field of the new format of snprintb(9), past its letter: its bits, and
 * where its text begins.
 */
static uint64_t
prf_field(const char **fmtp, char type, uint64_t v)
{
	const char *fmt = *fmtp;
	unsigned bit, width;

	bit = (unsigned char)*fmt++;
	width = 1;
	if (type != 'b')
		width = (unsigned char)*fmt++;
	*fmtp = fmt;
	if (bit > 63)
		return 0;
	return (v >> bit) & (width > 63 ? ~(uint64_t)0 :
	    ((uint64_t)1 << width) - 1);
}

/*
 * The new format: a sequence of fields, each ended by a NUL, one more at
 * their end.  b: a bit; f: a field, shown as a number; F: a field, whose =
 * (and :) that follow name its values, with * for any other, a format of one
 * uintmax_t.
 */
static void
prf_fields(struct prf *p, uint64_t v, unsigned base, const char *fmt)
{
	struct prf_spec ps = { .ps_prec = -1, .ps_alt = true };
	uint64_t f;
	char sep, type;
	bool matched;

	sep = '<';
	f = 0;
	matched = true;
	while ((type = *fmt++) != '\0') {
		switch (type) {
		case 'b':
			if (prf_field(&fmt, type, v) == 0)
				break;
			for (prf_put(p, sep), sep = ','; *fmt != '\0'; fmt++)
				prf_put(p, *fmt);
			break;
		case 'f':
		case 'F':
			f = prf_field(&fmt, type, v);
			matched = false;
			prf_put(p, sep);
			sep = ',';
			if (type == 'F')
				break;
			for (; *fmt != '\0'; fmt++)
				prf_put(p, *fmt);
			prf_put(p, '=');
			prf_number(p, f, base, false, false, &ps);
			break;
		case '=':
		case ':':
			if ((unsigned char)*fmt++ != f || matched)
				break;
			matched = true;
			if (type == '=')
				prf_put(p, '=');
			for (; *fmt != '\0'; fmt++)
				prf_put(p, *fmt);
			break;
		case '*':
			if (matched)
				break;
			matched = true;
			prf_sub(p, fmt, (uintmax_t)f);
			break;
		default:
			break;
		}
		while (*fmt++ != '\0')
			continue;
	}
	if (sep != '<')
		prf_put(p, '>');
}

__kern_public int
wqk_snprintb(char *buf, size_t size, const char *fmt, uint64_t v)
{
	struct prf p = { .p_buf = buf, .p_size = size };
	struct prf_spec ps = { .ps_prec = -1, .ps_alt = true };
	unsigned base;
	bool new;

	new = *fmt == '\177';
	if (new)
		fmt++;
	base = *fmt == 8 || *fmt == 16 ? (unsigned)*fmt : 10;
	prf_number(&p, v, base, false, false, &ps);
	if (*fmt != '\0') {
		if (new)
			prf_fields(&p, v, base, fmt + 1);
		else
			prf_bits(&p, v, fmt + 1);
	}
	if (size != 0)
		buf[p.p_len < size ? p.p_len : size - 1] = '\0';
	return (int)p.p_len;
}

__kern_public void
wqk_hexdump(void (*pr)(const char *, ...) __wq_printflike(1, 2),
    const char *msg, const void *ptr, size_t len)
{
	char line[8 + 3 * HEXDUMP_LINE + 4 + HEXDUMP_LINE + 2];
	const unsigned char *s = ptr;
	size_t i, k, n;

	if (msg != NULL)
		(*pr)("%s: %zu bytes @ %p\n", msg, len, ptr);
	for (i = 0; i < len; i += n) {
		n = len - i < HEXDUMP_LINE ? len - i : HEXDUMP_LINE;
		k = ksnprintf(line, sizeof(line), "%03zx ", i);
		for (size_t j = 0; j < HEXDUMP_LINE; j++)
			k += ksnprintf(line + k, sizeof(line) - k,
			    j < n ? " %02x" : "   ", j < n ? s[i + j] : 0);
		k += ksnprintf(line + k, sizeof(line) - k, "  |");
		for (size_t j = 0; j < n; j++)
			line[k++] = s[i + j] >= ' ' && s[i + j] < 0x7f ?
			    (char)s[i + j] : '.';
		line[k++] = '|';
		line[k] = '\0';
		(*pr)("%s\n", line);
	}
}
