/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * pserialize(9): readers that take no lock, and writers that wait for them.
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

pserialize_t pserialize_create(void);
void	pserialize_destroy(pserialize_t);

/* Wait until all have left that were between the two below. */
void	pserialize_perform(pserialize_t);

/* Read, at IPL_SOFTSERIAL, without sleeping; they nest. */
int	pserialize_read_enter(void);
void	pserialize_read_exit(int);

/* For assertions: is the caller between them?  Surely not? */
bool	pserialize_in_read_section(void);
bool	pserialize_not_in_read_section(void);

__WQ_END_DECLS

#endif	/* !_SYS_PSERIALIZE_H_ */
