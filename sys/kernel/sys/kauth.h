/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _WQK_SYS_KAUTH_H_
#define	_WQK_SYS_KAUTH_H_

#include <sys/types.h>

/*
 * kauth(9): every action is permitted, because the process owns all that is in
 * it.  See accepted(9).
 */
typedef struct kauth_cred	*kauth_cred_t;
typedef struct kauth_scope	*kauth_scope_t;
typedef struct kauth_listener	*kauth_listener_t;
typedef uint32_t		kauth_action_t;

#define	KAUTH_RESULT_ALLOW	0
#define	KAUTH_RESULT_DENY	1
#define	KAUTH_RESULT_DEFER	2

#define	NOCRED			((kauth_cred_t)-1)
#define	FSCRED			((kauth_cred_t)-2)

#define	kauth_cred_get()	((kauth_cred_t)NULL)
#define	kauth_cred_hold(cred)	((void)(cred))
#define	kauth_cred_free(cred)	((void)(cred))
#define	kauth_authorize_generic(cred, action, arg)			\
	((void)(cred), (void)(arg), 0)
#define	kauth_authorize_system(cred, action, req, a1, a2, a3)		\
	((void)(cred), (void)(a1), (void)(a2), (void)(a3), 0)
#define	kauth_authorize_device(cred, action, a0, a1, a2, a3)		\
	((void)(cred), (void)(a0), (void)(a1), (void)(a2), (void)(a3), 0)
#define	KAUTH_GENERIC_ISSUSER	1

#endif	/* !_WQK_SYS_KAUTH_H_ */
