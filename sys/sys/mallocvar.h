/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * malloc(9): types of memory.
 */

#ifndef _SYS_MALLOCVAR_H_
#define	_SYS_MALLOCVAR_H_

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/* The purpose of memory.  In checking mode free() verifies the type. */
struct malloc_type {
	const char	*ks_shortdesc;
	const char	*ks_longdesc;
	void		*ks_spare[2];	/* for later releases */
};

#define	MALLOC_JUSTDEFINE_LIMIT(type, shortdesc, longdesc, limit)	\
	struct malloc_type type[1] = { {				\
		.ks_shortdesc = (shortdesc), .ks_longdesc = (longdesc)	\
	} }
#define	MALLOC_JUSTDEFINE(type, shortdesc, longdesc)			\
	MALLOC_JUSTDEFINE_LIMIT(type, shortdesc, longdesc, 0)
#define	MALLOC_DEFINE_LIMIT(type, shortdesc, longdesc, limit)		\
	MALLOC_JUSTDEFINE_LIMIT(type, shortdesc, longdesc, limit)
#define	MALLOC_DEFINE(type, shortdesc, longdesc)			\
	MALLOC_JUSTDEFINE_LIMIT(type, shortdesc, longdesc, 0)
#define	MALLOC_DECLARE(type)						\
	extern struct malloc_type type[1]

/* Do nothing: types need no registration. */
#define	malloc_type_attach(type)		((void)(type))
#define	malloc_type_detach(type)		((void)(type))
#define	malloc_type_setlimit(type, limit)	((void)(type), (void)(limit))

/* The library's types. */
#define	M_DEVBUF	wqk_M_DEVBUF
#define	M_DMAMAP	wqk_M_DMAMAP
#define	M_FREE		wqk_M_FREE
#define	M_PCB		wqk_M_PCB
#define	M_SOFTINTR	wqk_M_SOFTINTR
#define	M_TEMP		wqk_M_TEMP
MALLOC_DECLARE(M_DEVBUF);
MALLOC_DECLARE(M_DMAMAP);
MALLOC_DECLARE(M_FREE);
MALLOC_DECLARE(M_PCB);
MALLOC_DECLARE(M_SOFTINTR);
MALLOC_DECLARE(M_TEMP);

__WQ_END_DECLS

#endif	/* !_SYS_MALLOCVAR_H_ */
