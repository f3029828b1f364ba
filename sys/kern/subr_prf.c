/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * printf(9) and log(9), and the formatter that all messages use.  Everything
 * here may run in any context: it takes no lock of the C library and allocates
 * nothing.
 */

#include <string.h>

#include <sys/wq_prf.h>

#include "kern.h"
#include "subr_prf.h"
#include "subr_prf_var.h"

#define	PRINTF_MAX	512		/* bytes written at once */

static void
prf_flush(struct prf *p)
{

	if (p->p_len > p->p_done)
		(*p->p_write)(p->p_buf, p->p_len - p->p_done);
	p->p_done = p->p_len;
}

void
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
 * Put a text of len bytes into a field of the given width.
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

/* A va_list that can be passed by pointer. */
struct prf_args {
	va_list	pa_ap;
};

void
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
 * Put the names of the bits that are set in v, as in <LINK,FULL>.  For each
 * bit, "names" has a character, whose value is the number of the bit from 1 on,
 * and then the name of the bit.  The character is less than a blank, so it also
 * ends the name before it.
 */
void
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
 * Put the name of a function or an object (%pF), or of a site (%pS).  A site is
 * the address that a call returns to.  Only the library's own messages have
 * these formats.
 *
 * The text is NAME+0xOFFSET (MODULE+0xOFFSET).  If the name is unknown, the
 * address replaces it.  An unknown module is omitted.  This subtracts 1 from a
 * site, so that addr2line(1) finds the line of the call and not the next line.
 */
static void
prf_symbol(struct prf *p, uintptr_t addr, bool site)
{
	struct host_symbol hs;
	bool known;

	known = host_symbol(site && addr != 0 ? addr - 1 : addr, &hs);
	if (hs.hs_name[0] == '\0')
		prf_sub(p, "0x%jx", (uintmax_t)addr);
	else if (hs.hs_nameoff == 0)
		prf_sub(p, "%s", hs.hs_name);
	else
		prf_sub(p, "%s+0x%jx", hs.hs_name, (uintmax_t)hs.hs_nameoff);
	if (known)
		prf_sub(p, " (%s+0x%jx)", hs.hs_module,
		    (uintmax_t)hs.hs_offset);
}

/*
 * Put an address and, if it is in a variable, the variable's name.  This is
 * %pI of the library's own messages.
 */
static void
prf_item(struct prf *p, uintptr_t addr)
{
	struct host_symbol hs;

	prf_sub(p, "0x%jx", (uintmax_t)addr);
	(void)host_symbol(addr, &hs);
	if (hs.hs_name[0] != '\0' && hs.hs_nameoff == 0)
		prf_sub(p, " \"%s\"", hs.hs_name);
	else if (hs.hs_name[0] != '\0')
		prf_sub(p, " \"%s+0x%jx\"", hs.hs_name,
		    (uintmax_t)hs.hs_nameoff);
}

/*
 * Skip a length modifier.  Return the size of the integer that it denotes.
 * Look at the modifier itself, because int and long may have the same size.
 */
static int
prf_length(const char **fmtp)
{
	const char *fmt = *fmtp;
	size_t size;

	switch (*fmt++) {
	case 'h':
		size = sizeof(short);
		if (*fmt == 'h') {
			fmt++;
			size = sizeof(char);
		}
		break;
	case 'l':
		size = sizeof(long);
		if (*fmt == 'l') {
			fmt++;
			size = sizeof(long long);
		}
		break;
	case 'j':
	case 'q':
		size = sizeof(intmax_t);
		break;
	case 'z':
		size = sizeof(size_t);
		break;
	case 't':
		size = sizeof(ptrdiff_t);
		break;
	default:
		return (int)sizeof(int);
	}
	*fmtp = fmt;
	return (int)size;
}

/*
 * Read a number from the format or, for a '*', from the arguments.
 */
static const char *
prf_digits(const char *fmt, int *np, struct prf_args *pa)
{

	if (*fmt == '*') {
		*np = va_arg(pa->pa_ap, int);
		return fmt + 1;
	}
	for (*np = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
		*np = *np * 10 + (*fmt - '0');
	return fmt;
}

/*
 * Read flags, width, precision and length.  Return a pointer to the letter.
 */
static const char *
prf_spec(const char *fmt, struct prf_spec *ps, struct prf_args *pa)
{

	memset(ps, 0, sizeof(*ps));
	ps->ps_prec = -1;
	for (;; fmt++) {
		if (*fmt == '-')
			ps->ps_left = true;
		else if (*fmt == '0')
			ps->ps_zero = true;
		else if (*fmt == '#')
			ps->ps_alt = true;
		else if (*fmt == '+' || (*fmt == ' ' && ps->ps_sign == 0))
			ps->ps_sign = *fmt;
		else if (*fmt != ' ' && *fmt != '\'')
			break;
	}
	fmt = prf_digits(fmt, &ps->ps_width, pa);
	if (ps->ps_width < 0) {
		ps->ps_left = true;
		ps->ps_width = -ps->ps_width;
	}
	if (*fmt == '.')
		fmt = prf_digits(fmt + 1, &ps->ps_prec, pa);
	ps->ps_size = prf_length(&fmt);
	return fmt;
}

static intmax_t
prf_signed(const struct prf_spec *ps, struct prf_args *pa)
{
	int d;

	if (ps->ps_size > (int)sizeof(long))
		return va_arg(pa->pa_ap, long long);
	if (ps->ps_size > (int)sizeof(int))
		return va_arg(pa->pa_ap, long);
	d = va_arg(pa->pa_ap, int);
	if (ps->ps_size == 1)
		return (signed char)d;
	if (ps->ps_size == (int)sizeof(short))
		return (short)d;
	return d;
}

static uintmax_t
prf_unsigned(const struct prf_spec *ps, struct prf_args *pa)
{
	unsigned u;

	if (ps->ps_size > (int)sizeof(long))
		return va_arg(pa->pa_ap, unsigned long long);
	if (ps->ps_size > (int)sizeof(int))
		return va_arg(pa->pa_ap, unsigned long);
	u = va_arg(pa->pa_ap, unsigned);
	if (ps->ps_size == 1)
		return (unsigned char)u;
	if (ps->ps_size == (int)sizeof(short))
		return (unsigned short)u;
	return u;
}

/*
 * Put %p or, in the library's own messages, %pS, %pF or %pI.  Return how many
 * letters after the p belong to the format.
 */
static int
prf_pointer(struct prf *p, struct prf_spec *ps, uintptr_t u, char letter)
{

	if (p->p_symbols && (letter == 'S' || letter == 'F')) {
		prf_symbol(p, u, letter == 'S');
		return 1;
	}
	if (p->p_symbols && letter == 'I') {
		prf_item(p, u);
		return 1;
	}
	ps->ps_alt = true;
	if (u == 0)
		prf_text(p, "0x0", 3, ps->ps_width, ps->ps_left);
	else
		prf_number(p, u, 16, false, false, ps);
	return 0;
}

static void
prf_string(struct prf *p, const struct prf_spec *ps, const char *s)
{
	int n;

	if (s == NULL)
		s = "(null)";
	for (n = 0; (ps->ps_prec < 0 || n < ps->ps_prec) && s[n] != '\0'; n++)
		continue;
	prf_text(p, s, n, ps->ps_width, ps->ps_left);
}

/*
 * Put the two arguments of %b: an integer, and a text that contains the base
 * and then the names of the bits.
 */
static void
prf_bitmask(struct prf *p, struct prf_spec *ps, struct prf_args *pa)
{
	const char *names;
	uintmax_t u;

	if (ps->ps_size < (int)sizeof(int))
		ps->ps_size = (int)sizeof(int);
	u = prf_unsigned(ps, pa);
	names = va_arg(pa->pa_ap, const char *);
	prf_number(p, u, *names == 8 || *names == 16 ? (unsigned)*names : 10,
	    false, false, ps);
	if (*names != '\0')
		prf_bits(p, u, names + 1);
}

/*
 * Put an argument according to the letter of its conversion.  fmt points behind
 * the letter.  Return where the format continues after the conversion.
 */
static const char *
prf_convert(struct prf *p, char letter, const char *fmt, struct prf_spec *ps,
    struct prf_args *pa)
{
	uintmax_t u;
	intmax_t d;
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		d = prf_signed(ps, pa);
		u = d < 0 ? 0 - (uintmax_t)d : (uintmax_t)d;
		prf_number(p, u, 10, false, d < 0, ps);
		break;
	case 'o':
	case 'u':
	case 'x':
	case 'X':
		ps->ps_sign = 0;
		prf_number(p, prf_unsigned(ps, pa), letter == 'o' ? 8 :
		    letter == 'u' ? 10 : 16, letter == 'X', false, ps);
		break;
	case 'p':
		fmt += prf_pointer(p, ps,
		    (uintptr_t)va_arg(pa->pa_ap, void *), *fmt);
		break;
	case 'b':
		prf_bitmask(p, ps, pa);
		break;
	case 'c':
		c = (char)va_arg(pa->pa_ap, int);
		prf_text(p, &c, 1, ps->ps_width, ps->ps_left);
		break;
	case 's':
		prf_string(p, ps, va_arg(pa->pa_ap, const char *));
		break;
	case '\0':
		return fmt - 1;
	default:
		/* "%%", or a letter that is unknown: put it as is. */
		prf_put(p, letter);
		break;
	}
	return fmt;
}

/*
 * Format like the kernel's printf: b c d i o p s u x X %, with flags, width,
 * precision and the lengths hh h l ll j q t z.
 */
static void
prf_format(struct prf *p, const char *fmt, va_list ap)
{
	struct prf_args pa;
	struct prf_spec ps;
	char c;

	va_copy(pa.pa_ap, ap);
	while ((c = *fmt++) != '\0') {
		if (c != '%') {
			prf_put(p, c);
			continue;
		}
		fmt = prf_spec(fmt, &ps, &pa);
		c = *fmt++;
		fmt = prf_convert(p, c, fmt, &ps, &pa);
	}
	va_end(pa.pa_ap);
}

void
prf_sub(struct prf *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	prf_format(p, fmt, ap);
	va_end(ap);
}

/*
 * Format into memory.  Return the length of the whole text.  The buffer holds
 * as much of it as fits, and a NUL.
 */
static size_t
prf_memory(char *buf, size_t size, bool symbols, const char *fmt, va_list ap)
{
	struct prf p = {
		.p_buf = buf, .p_size = size, .p_symbols = symbols
	};

	prf_format(&p, fmt, ap);
	if (size != 0)
		buf[p.p_len < size ? p.p_len : size - 1] = '\0';
	return p.p_len;
}

size_t
kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{

	return prf_memory(buf, size, true, fmt, ap);
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
 * Write a prefix and the text by a function of the host, in one piece unless
 * they are longer than the buffer.
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
 * Log a text, with its priority in front, as in <3>.
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

/* Continue a text that log() has begun. */
__kern_public void
wqk_addlog(const char *fmt, ...)
{

	PRF(host_write, NULL, fmt);
}

__kern_public int
wqk_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{

	return (int)prf_memory(buf, size, false, fmt, ap);
}

__kern_public int
wqk_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = prf_memory(buf, size, false, fmt, ap);
	va_end(ap);
	return (int)len;
}
