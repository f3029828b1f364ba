/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pserialize(9): readers without locks, and writers that wait for them.
 */

#ifndef _SYS_PSERIALIZE_H_
#define	_SYS_PSERIALIZE_H_

#include <sys/wq_types.h>
#include <stdbool.h>

__WQ_BEGIN_DECLS

struct pserialize;
typedef struct pserialize *pserialize_t;

#define	pserialize_create	wqk_pserialize_create
#define	pserialize_destroy	wqk_pserialize_destroy
#define	pserialize_perform	wqk_pserialize_perform
#define	pserialize_read_enter	wqk_pserialize_read_enter
#define	pserialize_read_exit	wqk_pserialize_read_exit
#define	pserialize_in_read_section wqk_pserialize_in_read_section
#define	pserialize_not_in_read_section wqk_pserialize_not_in_read_section

/* Create or destroy the state that writers share. */
pserialize_t pserialize_create(void);
void	pserialize_destroy(pserialize_t);

/* Wait until all read sections that are in progress have ended. */
void	pserialize_perform(pserialize_t);

/*
 * Enter or leave a read section.  It is at IPL_SOFTSERIAL and must not sleep.
 * Read sections nest.
 */
int	pserialize_read_enter(void);
void	pserialize_read_exit(int);

/*
 * Return true if the caller is in a read section; if the caller is in no read
 * section.  For assertions.
 */
bool	pserialize_in_read_section(void);
bool	pserialize_not_in_read_section(void);

__WQ_END_DECLS

#endif	/* !_SYS_PSERIALIZE_H_ */
