/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * rnd(9): kernel drivers feed interrupt times to the entropy pool.  The
 * library has no pool; cprng(9) asks the host.  See accepted(9).
 */

#ifndef _WQK_SYS_RNDSOURCE_H_
#define	_WQK_SYS_RNDSOURCE_H_

#include <sys/types.h>

#define	RND_TYPE_UNKNOWN	0
#define	RND_TYPE_DISK		1
#define	RND_TYPE_NET		2
#define	RND_TYPE_TAPE		3
#define	RND_TYPE_TTY		4
#define	RND_TYPE_RNG		5
#define	RND_TYPE_SKEW		6
#define	RND_TYPE_ENV		7
#define	RND_TYPE_VM		8
#define	RND_TYPE_POWER		9

#define	RND_FLAG_COLLECT_TIME	0x00002000
#define	RND_FLAG_COLLECT_VALUE	0x00001000
#define	RND_FLAG_ESTIMATE_TIME	0x00004000
#define	RND_FLAG_ESTIMATE_VALUE	0x00008000
#define	RND_FLAG_HASCB		0x00010000
#define	RND_FLAG_DEFAULT						\
	(RND_FLAG_COLLECT_VALUE | RND_FLAG_COLLECT_TIME |		\
	    RND_FLAG_ESTIMATE_TIME)

/* A source.  Its field is unused. */
typedef struct krndsource {
	const char	*rs_name;
} krndsource_t;

#define	rnd_attach_source(rs, name, type, flags)			\
	((void)(type), (void)(flags), (void)((rs)->rs_name = (name)))
#define	rnd_detach_source(rs)		((void)(rs))
#define	rndsource_setcb(rs, func, arg)					\
	((void)(rs), (void)(func), (void)(arg))
#define	rnd_add_uint32(rs, val)		((void)(rs), (void)(val))
#define	rnd_add_data(rs, data, len, entropy)				\
	((void)(rs), (void)(data), (void)(len), (void)(entropy))
#define	rnd_add_data_sync(rs, data, len, entropy)			\
	rnd_add_data((rs), (data), (len), (entropy))

#endif	/* !_WQK_SYS_RNDSOURCE_H_ */
