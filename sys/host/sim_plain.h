/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * In the simulator, the compiler includes this header before each source above
 * the host: see sim_plain.c.
 */

#ifndef _HOST_SIM_PLAIN_H_
#define	_HOST_SIM_PLAIN_H_

#include <stddef.h>
#include <string.h>

void	*__tsan_memcpy(void *, const void *, size_t);
void	*__tsan_memmove(void *, const void *, size_t);
void	*__tsan_memset(void *, int, size_t);

#undef	memcpy
#undef	memmove
#undef	memset
#define	memcpy(dst, src, size)	__tsan_memcpy(dst, src, size)
#define	memmove(dst, src, size)	__tsan_memmove(dst, src, size)
#define	memset(dst, c, size)	__tsan_memset(dst, c, size)

#endif	/* !_HOST_SIM_PLAIN_H_ */
