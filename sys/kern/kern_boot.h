/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The start of the library in a process, and the number of the process.
 */

#ifndef _KERN_KERN_BOOT_H_
#define	_KERN_KERN_BOOT_H_

#include "kern.h"

/*
 * kern_forkgen is the generation of this process, from 1 on.  If the host can
 * zero memory in a child, kern_forkgen is 0 there until the library notices the
 * fork.
 *
 * kern_forkkey is the same number, shifted left.  The keys of a process and of
 * any ancestor differ by more than the size of any table.  So if a pointer into
 * a table has been stored with the key added, one comparison checks both the
 * pointer and the process.
 */
#define	KERN_FORKSHIFT	20

union kern_forkpage {
	struct {
		uintptr_t	fp_key;
		unsigned	fp_gen;
	};
	unsigned char	fp_page[HOST_PAGEMAX];
} __attribute__((__aligned__(HOST_PAGEMAX)));
extern union kern_forkpage kern_forkpage __kern_hidden;
#define	kern_forkgen	(kern_forkpage.fp_gen)
#define	kern_forkkey	(kern_forkpage.fp_key)

void	kern_init(void);
void	kern_start(void);
void	kern_boot_gen(void);
bool	kern_boot_moved(void);
bool	kern_fork_unknown(void);
void	kern_fork_catchup(void);
void	kern_fork_anew(void);

#endif	/* !_KERN_KERN_BOOT_H_ */
