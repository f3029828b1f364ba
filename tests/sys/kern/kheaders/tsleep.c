/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Code older than condition variables: malloc(9), tsleep(9), spl(9).
 */

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/kernel.h>
#include <sys/proc.h>
#include <sys/malloc.h>
#include <sys/errno.h>

MALLOC_DEFINE(M_BAR, "bar", "bar's buffers");

struct bar {
	int	b_flags;
	char	b_name[MAXCOMLEN + 1];
};

int tsleep_test(void);

int
tsleep_test(void)
{
	struct bar *b;
	int error, s;

	b = malloc(sizeof(*b), M_BAR, M_WAITOK | M_ZERO);
	strlcpy(b->b_name, "a name that is longer than the array",
	    sizeof(b->b_name));
	KASSERT(strlen(b->b_name) == MAXCOMLEN);
	s = splbio();
	b->b_flags |= 1;
	splx(s);
	error = tsleep(b, PRIBIO | PCATCH, "barwait", MAX(1, hz / 100));
	if (error != EWOULDBLOCK)
		printf("%s: tsleep: %d\n", __func__, error);
	wakeup(b);
	free(b, M_BAR);
	if (curproc->p_pid != curlwp->l_proc->p_pid)
		return 1;
	if (imin(3, -2) != -2 || ulmax(3, 4) != 4 || uimin(7, 3) != 3)
		return 1;
	if (roundup2(13, 8) != 16 || howmany(13, 8) != 2 || !powerof2(64))
		return 1;
	return error == EWOULDBLOCK ? 0 : 1;
}
