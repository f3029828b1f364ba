/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Names of functions, from the files that the target has mapped, or from the
 * files of their debugging information.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

#define	DEBUGDIR	"/usr/lib/debug/.build-id"
#define	KNOWN		256		/* names kept; a power of two */

struct elf_file {
	const char	*ef_data;
	size_t		 ef_size;
	const ElfW(Shdr) *ef_shdr;
	size_t		 ef_nshdr;
	const ElfW(Phdr) *ef_phdr;
	size_t		 ef_nphdr;
	const ElfW(Sym)	*ef_sym;
	size_t		 ef_nsym;
	const char	*ef_names;
	size_t		 ef_namelen;
	char		 ef_debugpath[128]; /* of debugging information ... */
	struct elf_file	*ef_debug;	/* ... and the file, or NULL */
	struct known {
		uintptr_t	 k_addr;
		const char	*k_name;	/* or NULL */
	} ef_known[KNOWN];		/* hashed by address */
};

static bool
elf_has(const struct elf_file *ef, uint64_t off, uint64_t size)
{

	return off <= ef->ef_size && size <= ef->ef_size - off;
}

/*
 * Use the symbol table of this type, if there is one.
 */
static bool
elf_symbols(struct elf_file *ef, unsigned type)
{
	const ElfW(Shdr) *sh, *str;
	size_t i;

	for (i = 0; i < ef->ef_nshdr; i++) {
		sh = &ef->ef_shdr[i];
		if (sh->sh_type != type || sh->sh_link >= ef->ef_nshdr ||
		    !elf_has(ef, sh->sh_offset, sh->sh_size))
			continue;
		str = &ef->ef_shdr[sh->sh_link];
		if (!elf_has(ef, str->sh_offset, str->sh_size) ||
		    str->sh_size == 0 || ef->ef_data[str->sh_offset +
		    str->sh_size - 1] != '\0')
			continue;
		ef->ef_sym = (const void *)(ef->ef_data + sh->sh_offset);
		ef->ef_nsym = sh->sh_size / sizeof(*ef->ef_sym);
		ef->ef_names = ef->ef_data + str->sh_offset;
		ef->ef_namelen = str->sh_size;
		return true;
	}
	return false;
}

/*
 * Compute the name of the file with the debugging information, by the build ID.
 */
static void
elf_buildid(struct elf_file *ef)
{
	const ElfW(Nhdr) *nh;
	const unsigned char *id;
	char *path;
	size_t i, k, n, size;

	for (i = 0; i < ef->ef_nshdr; i++) {
		if (ef->ef_shdr[i].sh_type != SHT_NOTE ||
		    !elf_has(ef, ef->ef_shdr[i].sh_offset,
		    ef->ef_shdr[i].sh_size) ||
		    ef->ef_shdr[i].sh_size < sizeof(*nh) + 4)
			continue;
		nh = (const void *)(ef->ef_data + ef->ef_shdr[i].sh_offset);
		if (nh->n_type != NT_GNU_BUILD_ID || nh->n_namesz != 4 ||
		    nh->n_descsz < 2 || nh->n_descsz > 20 ||
		    nh->n_descsz > ef->ef_shdr[i].sh_size - sizeof(*nh) - 4 ||
		    memcmp(nh + 1, "GNU", 4) != 0)
			continue;
		id = (const unsigned char *)(nh + 1) + 4;
		path = ef->ef_debugpath;
		size = sizeof(ef->ef_debugpath);
		n = (size_t)snprintf(path, size, "%s/%02x/", DEBUGDIR, id[0]);
		for (k = 1; k < nh->n_descsz; k++)
			n += (size_t)snprintf(path + n, size - n, "%02x",
			    id[k]);
		(void)snprintf(path + n, size - n, ".debug");
		return;
	}
}

void
symbol_close(struct elf_file *ef)
{

	if (ef == NULL)
		return;
	symbol_close(ef->ef_debug);
	(void)munmap((void *)(uintptr_t)ef->ef_data, ef->ef_size);
	free(ef);
}

static struct elf_file *
elf_open(int fd)
{
	const ElfW(Ehdr) *eh;
	struct elf_file *ef;
	struct stat st;
	void *p;

	if (fd == -1)
		return NULL;
	p = fstat(fd, &st) == -1 || (size_t)st.st_size < sizeof(*eh) ?
	    MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return NULL;
	if ((ef = calloc(1, sizeof(*ef))) == NULL)
		die(EXIT_TARGET, "no memory");
	eh = p;
	ef->ef_data = p;
	ef->ef_size = (size_t)st.st_size;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_phentsize != sizeof(ElfW(Phdr)) ||
	    !elf_has(ef, eh->e_phoff, eh->e_phnum * sizeof(ElfW(Phdr)))) {
		symbol_close(ef);
		return NULL;
	}
	ef->ef_phdr = (const void *)(ef->ef_data + eh->e_phoff);
	ef->ef_nphdr = eh->e_phnum;
	if (eh->e_shentsize == sizeof(ElfW(Shdr)) &&
	    elf_has(ef, eh->e_shoff, eh->e_shnum * sizeof(ElfW(Shdr)))) {
		ef->ef_shdr = (const void *)(ef->ef_data + eh->e_shoff);
		ef->ef_nshdr = eh->e_shnum;
	}
	return ef;
}

static struct elf_file *
symbol_file(struct target *t, struct map *m)
{
	struct elf_file *debug, *ef;

	if (m->m_tried)
		return m->m_file;
	m->m_tried = true;
	if ((ef = elf_open(target_mapfile(t, m))) == NULL)
		return NULL;
	m->m_file = ef;
	if (elf_symbols(ef, SHT_SYMTAB))
		return ef;
	elf_buildid(ef);
	debug = NULL;
	if (ef->ef_debugpath[0] != '\0' &&
	    (debug = elf_open(target_file(t, ef->ef_debugpath))) == NULL)
		debug = elf_open(open(ef->ef_debugpath, O_RDONLY | O_CLOEXEC));
	ef->ef_debug = debug;
	if (debug != NULL && elf_symbols(debug, SHT_SYMTAB)) {
		ef->ef_sym = debug->ef_sym;
		ef->ef_nsym = debug->ef_nsym;
		ef->ef_names = debug->ef_names;
		ef->ef_namelen = debug->ef_namelen;
	} else
		(void)elf_symbols(ef, SHT_DYNSYM);
	return ef;
}

/*
 * Return the name of a function, or NULL.
 */
static const char *
symbol_search(const struct elf_file *ef, uintptr_t vaddr)
{
	const ElfW(Sym) *sym;
	size_t i;

	for (i = 0; i < ef->ef_nsym; i++) {
		sym = &ef->ef_sym[i];
		if ((sym->st_info & 0xf) == STT_FUNC &&
		    sym->st_shndx != SHN_UNDEF &&
		    sym->st_name < ef->ef_namelen &&
		    (vaddr & ~(uintptr_t)1) == (sym->st_value & ~(uintptr_t)1))
			return ef->ef_names + sym->st_name;
	}
	return NULL;
}

/*
 * Find a symbol as symbol_search() does, and remember it.  A program has many
 * symbols, and few of them are callbacks.
 */
static const char *
symbol_find(struct elf_file *ef, uintptr_t vaddr)
{
	struct known *k;

	k = &ef->ef_known[vaddr / 16 % KNOWN];
	if (k->k_addr != vaddr) {
		k->k_addr = vaddr;
		k->k_name = symbol_search(ef, vaddr);
	}
	return k->k_name;
}

/*
 * Return the program header of the part of a file that was mapped at an
 * address, or NULL.
 */
static const ElfW(Phdr) *
symbol_segment(const struct elf_file *ef, const struct map *m, uintptr_t addr)
{
	const ElfW(Phdr) *ph;
	uintptr_t off;

	off = addr - m->m_start + (uintptr_t)m->m_offset;
	for (ph = ef->ef_phdr; ph < ef->ef_phdr + ef->ef_nphdr; ph++)
		if (ph->p_type == PT_LOAD && off >= ph->p_offset &&
		    off - ph->p_offset < ph->p_filesz)
			return ph;
	return NULL;
}

/*
 * Return true if the file has code there, or is not known.
 */
bool
symbol_iscode(struct target *t, struct map *m, uintptr_t addr)
{
	const struct elf_file *ef;
	const ElfW(Phdr) *ph;

	return (ef = symbol_file(t, m)) == NULL ||
	    ((ph = symbol_segment(ef, m, addr)) != NULL &&
	    (ph->p_flags & PF_X) != 0);
}

/*
 * Write the name of the function at an address, or its file and the offset for
 * addr2line(1).
 */
void
symbol_name(struct target *t, uintptr_t addr, char *buf, size_t size)
{
	struct elf_file *ef;
	const ElfW(Phdr) *ph;
	const char *name;
	struct map *m;
	uintptr_t off;

	if ((m = target_map(t, addr)) == NULL) {
		target_refresh(t);
		m = target_map(t, addr);
	}
	if (m == NULL) {
		(void)snprintf(buf, size, "0x%lx", (unsigned long)addr);
		return;
	}
	off = addr - m->m_start + (uintptr_t)m->m_offset;
	name = NULL;
	if ((ef = symbol_file(t, m)) != NULL) {
		if ((ph = symbol_segment(ef, m, addr)) != NULL)
			off = off - ph->p_offset + ph->p_vaddr;
		name = symbol_find(ef, off);
	}
	if (name != NULL)
		(void)snprintf(buf, size, "%s", name);
	else
		(void)snprintf(buf, size, "%s+0x%lx",
		    strrchr(m->m_path, '/') + 1, (unsigned long)off);
}
