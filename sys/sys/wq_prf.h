/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * printf(9), log(9) and snprintb(9), under their linker names.  Kernel sources
 * get the usual names from <sys/systm.h>, <sys/syslog.h> and <sys/device.h>.
 */

#ifndef _SYS_WQ_PRF_H_
#define	_SYS_WQ_PRF_H_

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/wq_types.h>

__WQ_BEGIN_DECLS

/* Print to standard output, without a buffer.  Each call is one write. */
void	wqk_printf(const char *, ...) __wq_printflike(1, 2);
void	wqk_vprintf(const char *, va_list) __wq_printflike(1, 0);
void	wqk_printf_nolog(const char *, ...) __wq_printflike(1, 2);
void	wqk_uprintf(const char *, ...) __wq_printflike(1, 2);

/* Print to standard error. */
void	wqk_printf_tolog(const char *, ...) __wq_printflike(1, 2);
void	wqk_log(int, const char *, ...) __wq_printflike(2, 3);
void	wqk_vlog(int, const char *, va_list) __wq_printflike(2, 0);
void	wqk_addlog(const char *, ...) __wq_printflike(1, 2);

/* Format into memory.  Return the length of the complete text. */
int	wqk_snprintf(char *, size_t, const char *, ...)
	    __wq_printflike(3, 4);
int	wqk_vsnprintf(char *, size_t, const char *, va_list)
	    __wq_printflike(3, 0);
int	wqk_snprintb(char *, size_t, const char *, uint64_t);

/* Print memory in hexadecimal, 16 bytes to a line. */
void	wqk_hexdump(void (*)(const char *, ...) __wq_printflike(1, 2),
	    const char *, const void *, size_t);

/*
 * aprint(9): messages during device attachment.  The environment variable
 * WORKQUEUE_VERBOSE, which the library reads at its start, selects the messages
 * to print.
 */
#define	aprint_normal		wqk_aprint_normal
#define	aprint_naive		wqk_aprint_naive
#define	aprint_verbose		wqk_aprint_verbose
#define	aprint_debug		wqk_aprint_debug
#define	aprint_error		wqk_aprint_error
#define	aprint_get_error_count	wqk_aprint_get_error_count
void	wqk_aprint_normal(const char *, ...) __wq_printflike(1, 2);
void	wqk_aprint_naive(const char *, ...) __wq_printflike(1, 2);
void	wqk_aprint_verbose(const char *, ...) __wq_printflike(1, 2);
void	wqk_aprint_debug(const char *, ...) __wq_printflike(1, 2);
void	wqk_aprint_error(const char *, ...) __wq_printflike(1, 2);
int	wqk_aprint_get_error_count(void);

__WQ_END_DECLS

#endif	/* !_SYS_WQ_PRF_H_ */
