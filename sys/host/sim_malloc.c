/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The client's memory, in the simulator.  With f=malloc the strategy may refuse
 * memory to the program and its libraries, with three exceptions.  The C
 * library and the dynamic linker could not report that.  For this library there
 * is f=alloc.
 *
 * The functions below call those of the next library that has them.  Before the
 * constructor of this library has run, they call the C library's.
 */

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include <host/sim.h>

void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);
void	*__libc_memalign(size_t, size_t);
void	__libc_free(void *);
void	*__tls_get_addr(void *);

static int
malloc_posix(void **pp, size_t align, size_t size)
{

	*pp = __libc_memalign(align, size);
	return *pp == NULL ? ENOMEM : 0;
}

static struct {
	void	*(*m_malloc)(size_t);
	void	*(*m_calloc)(size_t, size_t);
	void	*(*m_realloc)(void *, size_t);
	void	*(*m_aligned)(size_t, size_t);
	int	(*m_posix)(void **, size_t, size_t);
	void	(*m_free)(void *);
} next = { __libc_malloc, __libc_calloc, __libc_realloc, __libc_memalign,
    malloc_posix, __libc_free };

/* The code of the modules to which the strategy refuses no memory. */
#define	MALLOC_SPARED	3

static struct {
	uintptr_t	s_start, s_end;
} spared[MALLOC_SPARED];

static void
malloc_find(const char *name, void *fp)
{
	void *p;

	if ((p = dlsym(RTLD_NEXT, name)) != NULL)
		memcpy(fp, &p, sizeof(p));
}

static int
malloc_spare(struct dl_phdr_info *info, size_t size, void *arg)
{
	const ElfW(Phdr) *ph;
	uintptr_t addr, start;
	int i, *np = arg;

	(void)size;
	addr = *np == 0 ? (uintptr_t)malloc_spare : *np == 1 ?
	    (uintptr_t)__libc_malloc : (uintptr_t)__tls_get_addr;
	for (i = 0; i < info->dlpi_phnum; i++) {
		ph = &info->dlpi_phdr[i];
		start = info->dlpi_addr + ph->p_vaddr;
		if (ph->p_type == PT_LOAD && addr - start < ph->p_memsz) {
			spared[*np].s_start = start;
			spared[*np].s_end = start + ph->p_memsz;
			return 1;
		}
	}
	return 0;
}

void
sim_malloc_init(void)
{
	int i;

	malloc_find("malloc", &next.m_malloc);
	malloc_find("calloc", &next.m_calloc);
	malloc_find("realloc", &next.m_realloc);
	malloc_find("aligned_alloc", &next.m_aligned);
	malloc_find("posix_memalign", &next.m_posix);
	malloc_find("free", &next.m_free);
	for (i = 0; i < MALLOC_SPARED; i++)
		(void)dl_iterate_phdr(malloc_spare, &i);
}

static bool
malloc_refused(uintptr_t site)
{
	int i;

	if ((sim.sim_set.ss_faults & SIM_FAULT_MALLOC) == 0)
		return false;
	for (i = 0; i < MALLOC_SPARED; i++)
		if (site >= spared[i].s_start && site < spared[i].s_end)
			return false;
	return sim_fault(SIM_FAULT_MALLOC, "refused memory of the program");
}

SIM_PUBLIC void *
malloc(size_t size)
{

	if (malloc_refused(SIM_SITE())) {
		errno = ENOMEM;
		return NULL;
	}
	return (*next.m_malloc)(size);
}

SIM_PUBLIC void *
calloc(size_t n, size_t size)
{

	if (malloc_refused(SIM_SITE())) {
		errno = ENOMEM;
		return NULL;
	}
	return (*next.m_calloc)(n, size);
}

SIM_PUBLIC void *
realloc(void *p, size_t size)
{

	/* A smaller size would need no memory, but the old size is unknown. */
	if (size != 0 && malloc_refused(SIM_SITE())) {
		errno = ENOMEM;
		return NULL;
	}
	return (*next.m_realloc)(p, size);
}

SIM_PUBLIC void *
aligned_alloc(size_t align, size_t size)
{

	if (malloc_refused(SIM_SITE())) {
		errno = ENOMEM;
		return NULL;
	}
	return (*next.m_aligned)(align, size);
}

SIM_PUBLIC int
posix_memalign(void **pp, size_t align, size_t size)
{

	return malloc_refused(SIM_SITE()) ? ENOMEM :
	    (*next.m_posix)(pp, align, size);
}

/*
 * Drain the store buffer first, because other code may then use the memory, for
 * example by plain stores.
 */
SIM_PUBLIC void
free(void *p)
{

	if (sim_self != NULL && sim_self->st_buffer.b_n > 0)
		sim_drain(sim_self);
	(*next.m_free)(p);
}
