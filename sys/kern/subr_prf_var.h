/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The formatter, for subr_prf.c and subr_snprintb.c.
 */

#ifndef _KERN_SUBR_PRF_VAR_H_
#define	_KERN_SUBR_PRF_VAR_H_

#include "kern.h"

/* The destination of the text. */
struct prf {
	char	*p_buf;
	size_t	 p_size;		/* of p_buf, with the NUL */
	size_t	 p_len;			/* of the whole text */
	size_t	 p_done;		/* of it, already written */
	void	(*p_write)(const char *, size_t); /* when full, or NULL */
	bool	 p_symbols;		/* %pS, %pF, %pI: see prf_pointer() */
};

/* The flags, width, precision and length of a conversion. */
struct prf_spec {
	bool	ps_left, ps_zero, ps_alt;
	char	ps_sign;		/* '+', ' ' or 0 */
	int	ps_width, ps_prec;	/* ps_prec -1: none */
	int	ps_size;		/* of the argument, or less */
};

void	prf_put(struct prf *, char);
void	prf_number(struct prf *, uintmax_t, unsigned, bool, bool,
	    const struct prf_spec *);
void	prf_bits(struct prf *, uintmax_t, const char *);
void	prf_sub(struct prf *, const char *, ...) __wq_printflike(2, 3);

#endif	/* !_KERN_SUBR_PRF_VAR_H_ */
