/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * iv_work(3): ivykis' own header, and the declarations of its later versions.
 */

#ifndef _COMPAT_IVYKIS_IV_WORK_H_
#define	_COMPAT_IVYKIS_IV_WORK_H_

#ifdef __GNUC__
#pragma GCC system_header
#endif
#include_next <iv_work.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Like iv_work_pool_submit_work(), but from any thread.  Since ivykis 0.43. */
void	iv_work_pool_submit_continuation(struct iv_work_pool *,
	    struct iv_work_item *);

#ifdef __cplusplus
}
#endif

#endif	/* !_COMPAT_IVYKIS_IV_WORK_H_ */
