/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The memory of a core.  A core omits memory whose contents are the same in a
 * file.  This memory is read from the file.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

#ifndef NT_FILE
#define	NT_FILE		0x46494c45
#endif
#ifndef NT_GNU_BUILD_ID
#define	NT_GNU_BUILD_ID	3
#endif

/*
 * Read from the file that was mapped at an address.
 */
static bool
core_readfile(struct target *t, char *buf, uintptr_t addr, size_t size)
{
	const struct map *m;
	ssize_t n;
	int fd;

	if ((m = target_map(t, addr)) == NULL || size > m->m_end - addr ||
	    (fd = target_mapfile(t, m)) == -1)
		return false;
	n = pread(fd, buf, size, (off_t)(m->m_offset + (addr - m->m_start)));
	(void)close(fd);
	return n == (ssize_t)size;
}

/*
 * Return true if the core itself has the memory at an address.
 */
bool
core_has(const struct target *t, uintptr_t addr)
{
	const ElfW(Phdr) *ph;
	size_t i;

	for (i = 0; i < t->t_nphdr; i++) {
		ph = &t->t_phdr[i];
		if (ph->p_type == PT_LOAD && addr >= ph->p_vaddr &&
		    addr - ph->p_vaddr < ph->p_filesz)
			return ph->p_offset < t->t_coresize &&
			    addr - ph->p_vaddr < t->t_coresize - ph->p_offset;
	}
	return false;
}

static bool
core_read(struct target *t, char *buf, uintptr_t addr, size_t size)
{
	const ElfW(Phdr) *ph;
	size_t i, n, off;

	for (i = 0; i < t->t_nphdr && size > 0; i++) {
		ph = &t->t_phdr[i];
		if (ph->p_type != PT_LOAD || addr < ph->p_vaddr ||
		    addr - ph->p_vaddr >= ph->p_filesz)
			continue;
		off = addr - ph->p_vaddr;
		n = ph->p_filesz - off < size ? ph->p_filesz - off : size;
		if (ph->p_offset > t->t_coresize ||
		    off + n > t->t_coresize - ph->p_offset)
			return false;
		memcpy(buf, t->t_core + ph->p_offset + off, n);
		if (n == size)
			return true;
		/* The rest may be in another segment. */
		return core_read(t, buf + n, addr + n, size - n);
	}
	return core_readfile(t, buf, addr, size);
}

static void
core_readv(struct wqstat_source *so, struct wqstat_piece *sp, unsigned n)
{

	for (; n > 0; n--, sp++)
		sp->sp_ok = core_read((struct target *)so, sp->sp_buf,
		    sp->sp_addr, sp->sp_size);
}

/*
 * Return the contents of the note at *atp, and advance to the next.  Return
 * NULL at the end.
 */
static const char *
core_note(const char *notes, size_t size, size_t *atp, const ElfW(Nhdr) **nhp)
{
	const ElfW(Nhdr) *nh;
	size_t desc;

	if (*atp > size || size - *atp < sizeof(*nh))
		return NULL;
	nh = (const void *)(notes + *atp);
	desc = *atp + sizeof(*nh) + ((nh->n_namesz + 3) & ~(size_t)3);
	if (nh->n_namesz > size || nh->n_descsz > size ||
	    desc + nh->n_descsz > size)
		return NULL;
	*atp = desc + ((nh->n_descsz + 3) & ~(size_t)3);
	*nhp = nh;
	return notes + desc;
}

/*
 * Find the build ID in notes.  Return its length, or 0.
 */
static size_t
core_buildid(const char *notes, size_t size, const char **idp)
{
	const ElfW(Nhdr) *nh;
	const char *desc;
	size_t at;

	at = 0;
	while ((desc = core_note(notes, size, &at, &nh)) != NULL)
		if (nh->n_type == NT_GNU_BUILD_ID && nh->n_namesz == 4 &&
		    memcmp(nh + 1, "GNU", 4) == 0) {
			*idp = desc;
			return nh->n_descsz;
		}
	return 0;
}

#define	HEAD	4096			/* of a file; has the build ID */
#define	IDLEN	64			/* of a build ID, as text */

union head {
	char		h_bytes[HEAD];
	ElfW(Ehdr)	h_align;
};

/*
 * Write as text the build ID that the beginning of a file has.  If it has none,
 * write "unknown".
 */
static void
core_idtext(const union head *h, char *buf)
{
	const ElfW(Phdr) *ph;
	const ElfW(Ehdr) *eh;
	const char *id;
	size_t i, k, len;

	(void)strcpy(buf, "unknown");
	eh = &h->h_align;
	if (eh->e_phoff > HEAD ||
	    eh->e_phnum * sizeof(*ph) > HEAD - eh->e_phoff)
		return;
	ph = (const void *)(h->h_bytes + eh->e_phoff);
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_NOTE || ph[i].p_offset > HEAD ||
		    ph[i].p_filesz > HEAD - ph[i].p_offset)
			continue;
		len = core_buildid(h->h_bytes + ph[i].p_offset, ph[i].p_filesz,
		    &id);
		for (k = 0; k < len && 2 * k + 2 < IDLEN; k++)
			(void)snprintf(buf + 2 * k, 3, "%02x",
			    (unsigned char)id[k]);
		if (len != 0)
			return;
	}
}

/*
 * Return true if two beginnings are of the same file.  A file may have no build
 * ID, so also compare the program headers.
 */
static bool
core_equal(const union head *a, const union head *b)
{
	const ElfW(Ehdr) *eh;
	char ida[IDLEN], idb[IDLEN];
	size_t len;

	eh = &a->h_align;
	len = eh->e_phnum * sizeof(ElfW(Phdr));
	if (memcmp(a, b, EI_NIDENT) != 0 || eh->e_phoff > HEAD ||
	    len > HEAD - eh->e_phoff || memcmp(a->h_bytes + eh->e_phoff,
	    b->h_bytes + eh->e_phoff, len) != 0)
		return false;
	core_idtext(a, ida);
	core_idtext(b, idb);
	return strcmp(ida, idb) == 0;
}

/*
 * Compare a file with its beginning in the core, if the core has that.
 */
static enum map_same
core_compare(struct target *t, const struct map *m)
{
	union head core, file;
	char had[IDLEN], has[IDLEN];
	const char *help;
	ssize_t n;
	int error, fd;

	if (!core_has(t, m->m_start) || !core_has(t, m->m_start + HEAD - 1) ||
	    !core_read(t, core.h_bytes, m->m_start, HEAD) ||
	    memcmp(core.h_bytes, ELFMAG, SELFMAG) != 0)
		return MAP_SAME;
	core_idtext(&core, had);
	help = strcmp(m->m_path, t->t_program) == 0 ? "" : "; the names of "
	    "its functions are missing; -r gives a directory with the files "
	    "that the process had";
	memset(&file, 0, sizeof(file));
	fd = target_file(t, m->m_path);
	n = fd == -1 ? -1 : pread(fd, file.h_bytes, HEAD, 0);
	error = errno;
	if (fd != -1)
		(void)close(fd);
	if (n == -1)
		warning("%s: %s: %s, build ID %s%s", t->t_name, m->m_path,
		    strerror(error), had, help);
	else if (!core_equal(&core, &file)) {
		core_idtext(&file, has);
		warning("%s: %s is not the file that the process had, build "
		    "ID %s, but %s%s", t->t_name, m->m_path, had, has, help);
	} else
		return MAP_SAME;
	return MAP_OTHER;
}

/*
 * Return true if a file is the one that the process had, as far as the core can
 * tell.  Say so once if it is not.
 */
bool
core_same(struct target *t, const struct map *m)
{
	struct map *first;
	size_t i;

	/* Find the mapping of the file's beginning, at a lower address. */
	first = NULL;
	for (i = 0; i < t->t_nmaps && t->t_maps[i].m_start <= m->m_start; i++)
		if (t->t_maps[i].m_offset == 0 &&
		    strcmp(t->t_maps[i].m_path, m->m_path) == 0)
			first = &t->t_maps[i];
	if (first == NULL)
		return true;
	if (first->m_same == MAP_UNKNOWN)
		first->m_same = core_compare(t, first);
	return first->m_same == MAP_SAME;
}

/*
 * Return true if an address may be in code that the core leaves out.  The cores
 * of gdb(1) leave code out.
 */
bool
core_iscode(struct target *t, uintptr_t addr)
{
	const ElfW(Phdr) *ph;
	struct map *m;
	size_t i;

	for (i = 0; i < t->t_nphdr; i++) {
		ph = &t->t_phdr[i];
		if (ph->p_type == PT_LOAD && addr >= ph->p_vaddr &&
		    addr - ph->p_vaddr < ph->p_memsz)
			return false;
	}
	return (m = target_map(t, addr)) != NULL && symbol_iscode(t, m, addr);
}

/*
 * Return a word of a note, which may not be aligned.
 */
static unsigned long
core_word(const char *desc, size_t i)
{
	unsigned long w;

	memcpy(&w, desc + i * sizeof(w), sizeof(w));
	return w;
}

/*
 * Learn which files were mapped where.  Replace the program's path in the core
 * by the given path.  entry is an address in the program.
 */
static void
core_files(struct target *t, const char *desc, size_t size, uintptr_t entry)
{
	const char *name, *end, *path, *program;
	size_t i, n;

	if (size < 2 * sizeof(long) || core_word(desc, 0) >
	    (size - 2 * sizeof(long)) / (3 * sizeof(long)))
		return;
	n = core_word(desc, 0);
	path = desc + (2 + 3 * n) * sizeof(long);
	end = desc + size;
	program = "";
	for (i = 0, name = path; i < n && name < end; i++) {
		if (entry >= core_word(desc, 2 + 3 * i) &&
		    entry < core_word(desc, 3 + 3 * i))
			program = name;
		name += strnlen(name, (size_t)(end - name)) + 1;
	}
	for (i = 0, name = path; i < n && name < end; i++) {
		if (memchr(name, '\0', (size_t)(end - name)) == NULL)
			break;
		if (name[0] == '/')
			(void)target_addmap(t, core_word(desc, 2 + 3 * i),
			    core_word(desc, 3 + 3 * i),
			    (uint64_t)core_word(desc, 4 + 3 * i) *
			    core_word(desc, 1), strcmp(name, program) == 0 ?
			    t->t_program : name);
		name += strlen(name) + 1;
	}
}

static void
core_notes(struct target *t, const char *notes, size_t size)
{
	const ElfW(Nhdr) *nh;
	const char *desc, *files;
	size_t at, filesize, i;
	uintptr_t entry;

	files = NULL;
	at = filesize = 0;
	entry = 0;
	while ((desc = core_note(notes, size, &at, &nh)) != NULL) {
		if (nh->n_type == NT_FILE) {
			files = desc;
			filesize = nh->n_descsz;
		} else if (nh->n_type == NT_AUXV) {
			/* A type and a value each. */
			for (i = 0; i < nh->n_descsz / sizeof(long) / 2; i++)
				if (core_word(desc, 2 * i) == AT_PHDR)
					entry = core_word(desc, 2 * i + 1);
		}
	}
	if (files == NULL)
		return;
	core_files(t, files, filesize, entry);
	for (i = 0; i < t->t_nmaps; i++)
		if (strcmp(t->t_maps[i].m_path, t->t_program) == 0 &&
		    !core_same(t, &t->t_maps[i]))
			exit(EXIT_TARGET);
}

/*
 * Check the given program, and make its path absolute.
 */
static void
core_program(struct target *t, const char *program)
{
	static char path[4096];
	char ident[SELFMAG];
	int fd;

	if (realpath(program, path) == NULL ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		die(EXIT_TARGET, "%s: %s", program, strerror(errno));
	if (read(fd, ident, SELFMAG) != SELFMAG ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0)
		die(EXIT_TARGET, "%s: not a program", program);
	(void)close(fd);
	t->t_program = path;
}

/*
 * Read the segments of a core.
 */
static void
core_segments(struct target *t)
{
	const ElfW(Phdr) *ph;
	size_t i;

	for (i = 0; i < t->t_nphdr; i++) {
		ph = &t->t_phdr[i];
		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0)
			target_addcode(t, ph->p_vaddr,
			    ph->p_vaddr + ph->p_memsz);
		if (ph->p_offset > t->t_coresize ||
		    ph->p_filesz > t->t_coresize - ph->p_offset)
			t->t_truncated = true;
		else if (ph->p_type == PT_NOTE)
			core_notes(t, t->t_core + ph->p_offset, ph->p_filesz);
	}
	if (t->t_nmaps == 0 && !t->t_truncated)
		die(EXIT_TARGET, "%s: the core does not say which files the "
		    "process had (NT_FILE)", t->t_name);
}

void
core_open(struct target *t, const char *core, const char *program)
{
	ElfW(Ehdr) own;
	const ElfW(Ehdr) *eh;
	struct stat st;
	void *p;
	int fd;

	core_program(t, program);
	t->t_name = core;
	t->t_source.so_readv = core_readv;
	t->t_corefd = open(core, O_RDONLY | O_CLOEXEC);
	if (t->t_corefd == -1 || fstat(t->t_corefd, &st) == -1)
		die(EXIT_TARGET, "%s: %s", core, strerror(errno));
	t->t_coresize = (size_t)st.st_size;
	p = t->t_coresize < sizeof(*eh) ? MAP_FAILED : mmap(NULL,
	    t->t_coresize, PROT_READ, MAP_PRIVATE, t->t_corefd, 0);
	if (p == MAP_FAILED)
		die(EXIT_TARGET, "%s: not a core", core);
	t->t_core = p;
	eh = p;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		die(EXIT_TARGET, "%s: not a core", core);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd == -1 || read(fd, &own, sizeof(own)) != (ssize_t)sizeof(own))
		die(EXIT_TARGET, "/proc/self/exe: %s", strerror(errno));
	(void)close(fd);
	if (memcmp(eh->e_ident, own.e_ident, EI_VERSION) != 0 ||
	    eh->e_machine != own.e_machine)
		die(EXIT_TARGET, "%s: of another architecture; use the wqstat "
		    "of that architecture", core);
	if (eh->e_type != ET_CORE || eh->e_phentsize != sizeof(*t->t_phdr) ||
	    eh->e_phoff > t->t_coresize || eh->e_phnum >
	    (t->t_coresize - eh->e_phoff) / sizeof(*t->t_phdr))
		die(EXIT_TARGET, "%s: not a core", core);
	t->t_phdr = (const void *)(t->t_core + eh->e_phoff);
	t->t_nphdr = eh->e_phnum;
	core_segments(t);
}
