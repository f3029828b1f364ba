/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Work that the zygote does once, so that no schedule has to do it.
 *
 * A schedule is a short process, so most of its time goes into page faults.
 * fork(2) does not copy the page tables of a file that is mapped, unless the
 * process has written to that mapping.  So each child would take a fault for
 * each part of the code that it runs.  To avoid this, the zygote writes one
 * byte to each such mapping, but does not change the byte's value.
 */

#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/sim.h>
#include <host/sim_main.h>

#define	WARM_MAX	128		/* mappings */
#define	WARM_SIZE	(64UL << 20)	/* leave larger ones alone */

struct mapping {
	uintptr_t	m_start;
	uintptr_t	m_end;
	int		m_prot;
};

/* Find the mappings of files, except writable mappings. */
static unsigned
warm_find(struct mapping *maps, unsigned max)
{
	char line[512], perms[8], path[256];
	unsigned long end, start;
	struct mapping *m;
	unsigned n = 0;
	FILE *fp;

	if ((fp = fopen("/proc/self/maps", "re")) == NULL)
		return 0;
	while (n < max && fgets(line, sizeof(line), fp) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end,
		    perms, path) != 4 || path[0] != '/' || perms[0] != 'r' ||
		    perms[1] != '-' || perms[3] != 'p' ||
		    end - start > WARM_SIZE)
			continue;
		m = &maps[n];
		m->m_start = start;
		m->m_end = end;
		m->m_prot = PROT_READ | (perms[2] == 'x' ? PROT_EXEC : 0);
		n++;
	}
	(void)fclose(fp);
	return n;
}

/* Write to a mapping.  If the system refuses, schedules are only slower. */
static void
warm_write(const struct mapping *m)
{
	void *start = (void *)m->m_start;
	volatile char *p = start;
	size_t size = m->m_end - m->m_start;

#ifdef MADV_POPULATE_READ
	(void)madvise(start, size, MADV_POPULATE_READ);
#endif
	if (mprotect(start, size, m->m_prot | PROT_WRITE) == -1)
		return;
	*p = *p;
	(void)mprotect(start, size, m->m_prot);
}

void
sim_warm(void)
{
	static struct mapping maps[WARM_MAX];
	unsigned i, n;

	n = warm_find(maps, WARM_MAX);
	for (i = 0; i < n; i++)
		warm_write(&maps[i]);
	/* Initialise the allocator, and find the functions of SIM_REAL(). */
	free(malloc(1));
	sim_real_all();
}
