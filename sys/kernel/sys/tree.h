/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * tree(3): the host's header, or libbsd's.
 */

#ifndef _WQK_SYS_TREE_H_
#define	_WQK_SYS_TREE_H_

#if __has_include_next(<sys/tree.h>)
#include_next <sys/tree.h>
#else
#include <sys/cdefs.h>
#include <bsd/sys/tree.h>
#endif

#endif	/* !_WQK_SYS_TREE_H_ */
