/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Types of kernel sources, besides the host's own <linux/types.h>.
 */

#ifndef _LWQ_LINUX_TYPES_H_
#define	_LWQ_LINUX_TYPES_H_

#include <linux/lwq_host_types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t		u8;
typedef uint16_t	u16;
typedef uint32_t	u32;
typedef uint64_t	u64;
typedef int8_t		s8;
typedef int16_t		s16;
typedef int32_t		s32;
typedef int64_t		s64;
typedef unsigned int	gfp_t;

/* Types for atomic access, which are aligned to their size on every machine. */
typedef uint64_t	__lwq_u64 __attribute__((__aligned__(8)));
typedef int64_t		__lwq_s64 __attribute__((__aligned__(8)));

#endif	/* !_LWQ_LINUX_TYPES_H_ */
