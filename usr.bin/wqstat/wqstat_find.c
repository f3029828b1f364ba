/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Find the root record.  Each program or library that contains the engine has a
 * note with its address.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wqstat.h"

#define	NOTES_MAX	65536
#define	PHDRS_MAX	64

#if __SIZEOF_POINTER__ == 8
#define	OUR_CLASS	ELFCLASS64
#else
#define	OUR_CLASS	ELFCLASS32
#endif

bool
target_read(struct target *t, void *buf, uintptr_t addr, size_t size)
{
	struct wqstat_piece sp;

	sp.sp_buf = buf;
	sp.sp_addr = addr;
	sp.sp_size = size;
	sp.sp_ok = false;
	(*t->t_source.so_readv)(&t->t_source, &sp, 1);
	return sp.sp_ok;
}

struct map *
target_addmap(struct target *t, uintptr_t start, uintptr_t end,
    uint64_t offset, const char *path)
{
	struct map *m;

	t->t_maps = realloc(t->t_maps, (t->t_nmaps + 1) * sizeof(*m));
	if (t->t_maps == NULL)
		die(EXIT_TARGET, "no memory");
	m = &t->t_maps[t->t_nmaps++];
	memset(m, 0, sizeof(*m));
	m->m_start = start;
	m->m_end = end;
	m->m_offset = offset;
	if ((m->m_path = strdup(path)) == NULL)
		die(EXIT_TARGET, "no memory");
	return m;
}

void
target_addcode(struct target *t, uintptr_t start, uintptr_t end)
{

	t->t_code = realloc(t->t_code, (t->t_ncode + 1) * sizeof(*t->t_code));
	if (t->t_code == NULL)
		die(EXIT_TARGET, "no memory");
	t->t_code[t->t_ncode].co_start = start;
	t->t_code[t->t_ncode++].co_end = end;
}

static bool
find_code(const struct target *t, uintptr_t addr)
{
	size_t i;

	for (i = 0; i < t->t_ncode; i++)
		if (addr >= t->t_code[i].co_start && addr < t->t_code[i].co_end)
			return true;
	return false;
}

/*
 * Read the maps of a process, if this sample has not.
 */
void
target_refresh(struct target *t)
{

	if (t->t_pid != 0 && !t->t_fresh) {
		t->t_fresh = true;
		proc_maps(t);
	}
}

struct map *
target_map(const struct target *t, uintptr_t addr)
{
	size_t i;

	for (i = 0; i < t->t_nmaps; i++)
		if (addr >= t->t_maps[i].m_start && addr < t->t_maps[i].m_end)
			return &t->t_maps[i];
	return NULL;
}

/*
 * Return true if the target may execute code at that address.  Since the last
 * sample, the process may have loaded other code there.
 */
bool
target_iscode(struct wqstat_source *so, uintptr_t addr)
{
	struct target *t;

	t = (struct target *)so;
	if (t->t_pid == 0)
		return find_code(t, addr) || core_iscode(t, addr);
	if (find_code(t, addr))
		return true;
	target_refresh(t);
	return find_code(t, addr);
}

/*
 * Open a file by the name that the target has for it.
 */
int
target_file(const struct target *t, const char *path)
{
	char name[8200];

	if (t->t_pid != 0)
		(void)snprintf(name, sizeof(name), "/proc/%d/root%s",
		    (int)t->t_tid, path);
	else
		(void)snprintf(name, sizeof(name), "%s%s",
		    strcmp(path, t->t_program) == 0 ? "" : t->t_files, path);
	/* Do not wait for the writer of a FIFO of that name. */
	return open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/*
 * Open the file that the target has mapped, and not another one that has its
 * name now.
 */
int
target_mapfile(struct target *t, const struct map *m)
{

	if (t->t_pid != 0)
		return proc_file(t, m);
	return core_same(t, m) ? target_file(t, m->m_path) : -1;
}

/*
 * Return the address in the note of the engine, or 0.
 */
static uintptr_t
find_note(struct target *t, uintptr_t addr, size_t size)
{
	static union {
		char		u_bytes[NOTES_MAX];
		ElfW(Nhdr)	u_align;
	} notes;
	const ElfW(Nhdr) *nh;
	size_t at, desc;
	int32_t distance;

	if (size > sizeof(notes) || !target_read(t, &notes, addr, size))
		return 0;
	for (at = 0; at + sizeof(*nh) <= size;) {
		nh = (const void *)&notes.u_bytes[at];
		desc = at + sizeof(*nh) + ((nh->n_namesz + 3) & ~(size_t)3);
		if (nh->n_namesz > size || nh->n_descsz > size ||
		    desc + nh->n_descsz > size)
			break;
		if (nh->n_type == WQSTAT_NOTETYPE &&
		    nh->n_namesz == sizeof(WQSTAT_NOTE) &&
		    nh->n_descsz == sizeof(distance) &&
		    memcmp(nh + 1, WQSTAT_NOTE, sizeof(WQSTAT_NOTE)) == 0) {
			memcpy(&distance, &notes.u_bytes[desc],
			    sizeof(distance));
			return addr + desc + (uintptr_t)(intptr_t)distance;
		}
		at = desc + ((nh->n_descsz + 3) & ~(size_t)3);
	}
	return 0;
}

/*
 * Return the address of the root record of a module, or 0.
 */
static uintptr_t
find_module(struct target *t, const struct map *m, bool *otherp)
{
	ElfW(Phdr) ph[PHDRS_MAX];
	ElfW(Ehdr) eh;
	uintptr_t bias, root;
	unsigned i;

	if (!target_read(t, &eh, m->m_start, sizeof(eh)) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	if (eh.e_ident[EI_CLASS] != OUR_CLASS) {
		*otherp = true;
		return 0;
	}
	if (eh.e_phentsize != sizeof(ph[0]) || eh.e_phnum > PHDRS_MAX ||
	    !target_read(t, ph, m->m_start + eh.e_phoff,
	    eh.e_phnum * sizeof(ph[0])))
		return 0;
	for (i = 0; i < eh.e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			break;
	if (i == eh.e_phnum)
		return 0;
	bias = m->m_start - (ph[i].p_vaddr - ph[i].p_offset);
	for (i = 0; i < eh.e_phnum; i++)
		if (ph[i].p_type == PT_NOTE && (root = find_note(t,
		    bias + ph[i].p_vaddr, ph[i].p_filesz)) != 0)
			return root;
	return 0;
}

/*
 * Find the root record.  If there is none, print the reason and exit.
 */
void
find_root(struct target *t)
{
	enum wqstat_error error, worst;
	uintptr_t root;
	size_t i;
	bool other;

	other = false;
	worst = WQSTAT_OK;
	for (i = 0; i < t->t_nmaps; i++) {
		if (t->t_maps[i].m_offset != 0 ||
		    (root = find_module(t, &t->t_maps[i], &other)) == 0)
			continue;
		error = wqstat_root_read(&t->t_source, root);
		/* Memory from a file does not have the state of the process. */
		if (error == WQSTAT_OK && t->t_pid == 0 &&
		    (!core_has(t, root) || !core_has(t,
		    (uintptr_t)t->t_source.so_root.wr_chunk)))
			error = WQSTAT_UNREADABLE;
		if (error == WQSTAT_OK) {
			if (t->t_pid == 0)
				(void)core_same(t, &t->t_maps[i]);
			t->t_root = root;
			return;
		}
		worst = error;
	}
	if (t->t_pid != 0 && t->t_gone)
		die(EXIT_TARGET, "process %s has ended", t->t_name);
	if (t->t_pid != 0 && t->t_errno == EPERM)
		proc_denied(t);
	if (t->t_pid != 0 && t->t_errno == ENOSYS)
		die(EXIT_TARGET, "the system, or a sandbox, does not have "
		    "process_vm_readv(2)");
	if (t->t_truncated)
		die(EXIT_TARGET, "%s: the end of the core is missing; see "
		    "RLIMIT_CORE in getrlimit(2)", t->t_name);
	if (worst == WQSTAT_OTHERLAYOUT)
		die(EXIT_TARGET, "%s: uses libworkqueue %s, which this wqstat "
		    "does not know", t->t_name,
		    t->t_source.so_root.wr_version);
	if (worst != WQSTAT_OK)
		die(EXIT_TARGET, "%s: uses libworkqueue, but its memory is "
		    "%s", t->t_name, t->t_pid == 0 ? "not in the core; see "
		    "coredump_filter in core(5)" : "not readable");
	if (other)
		die(EXIT_TARGET, "%s: a program of another architecture; use "
		    "the wqstat of that architecture", t->t_name);
	die(EXIT_TARGET, "%s: does not use libworkqueue", t->t_name);
}
