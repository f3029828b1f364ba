/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * snprintb(9): numbers with the names of their bits.
 */

#include <sys/wq_prf.h>

#include "kern.h"
#include "subr_prf_var.h"

/*
 * Read a field of the new format of snprintb(9), after its letter.  Return the
 * field's bits of v, and advance *fmtp to the field's text.
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
 * Put the text of an entry, and return where it ends.
 */
static const char *
prf_name(struct prf *p, const char *s)
{

	for (; *s != '\0'; s++)
		prf_put(p, *s);
	return s;
}

/*
 * Put v in the new format of snprintb(9).
 *
 * Each entry of the format ends with a NUL, and one more NUL ends the format.
 * The letter b begins a bit, f a field that is shown as a number, and F a field
 * whose values have names.  After F, each = or : names one value.  A * names
 * any other value: its text is a format for one uintmax_t.
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
			prf_put(p, sep);
			sep = ',';
			fmt = prf_name(p, fmt);
			break;
		case 'f':
		case 'F':
			f = prf_field(&fmt, type, v);
			matched = false;
			prf_put(p, sep);
			sep = ',';
			if (type == 'F')
				break;
			fmt = prf_name(p, fmt);
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
			fmt = prf_name(p, fmt);
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
