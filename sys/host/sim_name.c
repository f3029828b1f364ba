/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The names in a trace: functions, objects, files and lines.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/host.h>
#include <host/sim.h>
#include <host/sim_trace.h>

#define	NAME_LABELS	64		/* of addresses without a symbol */

uintptr_t name_own[2], name_libc[2];

/*
 * Modules.
 */

struct module {
	uintptr_t	 m_addr;
	uintptr_t	 m_base, m_start, m_end;
	char		 m_path[256];	/* empty: the program */
};

static int
module_match(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = arg;
	const ElfW(Phdr) *ph;
	uintptr_t start = UINTPTR_MAX, end = 0;
	int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		ph = &info->dlpi_phdr[i];
		if (ph->p_type != PT_LOAD)
			continue;
		if (info->dlpi_addr + ph->p_vaddr < start)
			start = info->dlpi_addr + ph->p_vaddr;
		if (info->dlpi_addr + ph->p_vaddr + ph->p_memsz > end)
			end = info->dlpi_addr + ph->p_vaddr + ph->p_memsz;
	}
	if (m->m_addr < start || m->m_addr >= end)
		return 0;
	m->m_base = info->dlpi_addr;
	m->m_start = start;
	m->m_end = end;
	(void)snprintf(m->m_path, sizeof(m->m_path), "%s", info->dlpi_name);
	return 1;
}

static bool
module_find(struct module *m, uintptr_t addr)
{

	memset(m, 0, sizeof(*m));
	m->m_addr = addr;
	return dl_iterate_phdr(module_match, m) != 0;
}

bool
name_within(const uintptr_t *bounds, uintptr_t addr)
{

	return addr >= bounds[0] && addr < bounds[1];
}

/* Find the bounds of the modules. */
void
name_bounds(void)
{
	struct module m;

	if (module_find(&m, (uintptr_t)name_bounds)) {
		name_own[0] = m.m_start;
		name_own[1] = m.m_end;
	}
	if (module_find(&m, (uintptr_t)&SIM_REAL(pthread_create))) {
		name_libc[0] = m.m_start;
		name_libc[1] = m.m_end;
	}
}

/*
 * The library's own functions, from its file, if the file is not stripped.
 */
static const ElfW(Sym) *symbols;
static const char *symbols_names;
static size_t symbols_n;
static uintptr_t symbols_base;

static void
symbols_load(void)
{
	const ElfW(Ehdr) *eh;
	const ElfW(Shdr) *sh;
	const char *file;
	struct module m;
	struct stat st;
	unsigned i;
	int fd;

	if (symbols != NULL || !module_find(&m, (uintptr_t)symbols_load) ||
	    (fd = open(m.m_path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	file = MAP_FAILED;
	if (fstat(fd, &st) == 0)
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		    fd, 0);
	(void)close(fd);
	if (file == MAP_FAILED)
		return;
	/* The file is well-formed, because the loader has accepted it. */
	eh = (const void *)file;
	sh = (const void *)(file + eh->e_shoff);
	for (i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_type == SHT_SYMTAB) {
			symbols = (const void *)(file + sh[i].sh_offset);
			symbols_n = sh[i].sh_size / sizeof(*symbols);
			symbols_names = file + sh[sh[i].sh_link].sh_offset;
			symbols_base = m.m_base;
		}
}

void
name_init(void)
{

	host_symbol_init();
	symbols_load();
}

const char *
name_ownfunction(uintptr_t pc)
{
	size_t i;

	if (!name_within(name_own, pc))
		return NULL;
	for (i = 0; i < symbols_n; i++)
		if ((symbols[i].st_info & 0xf) == STT_FUNC &&
		    pc - symbols_base - symbols[i].st_value <
		    symbols[i].st_size)
			return symbols_names + symbols[i].st_name;
	return NULL;
}

/*
 * Store the name of the function around a return address, or its module and
 * offset.
 */
void
name_function(char *buf, size_t size, uintptr_t pc)
{
	struct host_symbol hs;
	const char *name;

	buf[0] = '\0';
	if (pc == 0 || !host_symbol(pc - 1, &hs))
		return;
	if (hs.hs_name[0] != '\0')
		(void)snprintf(buf, size, "%s", hs.hs_name);
	else if ((name = name_ownfunction(pc - 1)) != NULL)
		(void)snprintf(buf, size, "%s", name);
	else if (name_within(name_own, pc))
		(void)snprintf(buf, size, "(libworkqueue)");
	else
		(void)snprintf(buf, size, "%s+%#lx", hs.hs_module,
		    (unsigned long)hs.hs_offset);
}

/*
 * Store the name of the object at an address.  An object without a symbol gets
 * a number, in the order of the trace.
 */
void
name_object(char *buf, size_t size, uintptr_t addr)
{
	static uintptr_t labels[NAME_LABELS];
	static unsigned nlabels;
	struct host_symbol hs;
	unsigned i;

	buf[0] = '\0';
	if (addr == 0)
		return;
	if (host_symbol(addr, &hs) && hs.hs_name[0] != '\0') {
		if (hs.hs_nameoff == 0)
			(void)snprintf(buf, size, " %s", hs.hs_name);
		else
			(void)snprintf(buf, size, " %.60s+%u", hs.hs_name,
			    (unsigned)hs.hs_nameoff);
		return;
	}
	for (i = 0; i < nlabels && labels[i] != addr; i++)
		continue;
	if (i == NAME_LABELS)
		return;
	labels[i] = addr;
	if (i == nlabels)
		nlabels++;
	(void)snprintf(buf, size, " object%u", i + 1);
}

const char *
name_kind(uint32_t kind)
{

	switch (_WQ_SIM_KIND(kind)) {
	case _WQ_SIM_LOAD:
		return "load";
	case _WQ_SIM_STORE:
		return "store";
	case _WQ_SIM_RMW:
		return "read-modify-write";
	case _WQ_SIM_FENCE:
		return "fence";
	case _WQ_SIM_LIGHT:
		return "light fence";
	case _WQ_SIM_SIGNAL:
		return "interrupt point";
	case SIM_PARK:
		return "park";
	case SIM_UNPARK:
		return "unpark";
	case SIM_CREATE:
		return "create thread";
	default:
		return "call";
	}
}

/*
 * If addr2line(1) is installed, ask it for the files and lines of some rows.
 */
void
name_lines(struct row *rows, unsigned n)
{
	char cmd[8192], self[256], line[256], *colon, *name;
	uintptr_t modules[8];
	struct module m;
	unsigned i, j, nmodules = 0;
	ssize_t len;
	size_t used;
	FILE *fp;

	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	for (i = 0; i < n; i++) {
		if (rows[i].r_where == 0 || rows[i].r_line[0] != '\0' ||
		    !module_find(&m, rows[i].r_where))
			continue;
		for (j = 0; j < nmodules && modules[j] != m.m_start; j++)
			continue;
		if (j < nmodules || nmodules == 8)
			continue;
		modules[nmodules++] = m.m_start;
		if (m.m_path[0] == '\0')
			(void)snprintf(m.m_path, sizeof(m.m_path), "%s", self);
		if (strchr(m.m_path, '\'') != NULL || m.m_path[0] != '/')
			continue;
		used = (size_t)snprintf(cmd, sizeof(cmd),
		    "exec addr2line -e '%s' 2>/dev/null", m.m_path);
		for (j = i; j < n && used < sizeof(cmd) - 32; j++)
			if (rows[j].r_where >= m.m_start &&
			    rows[j].r_where < m.m_end)
				used += (size_t)snprintf(cmd + used,
				    sizeof(cmd) - used, " %#lx",
				    (unsigned long)(rows[j].r_where - 1 -
				    m.m_base));
		if ((fp = popen(cmd, "r")) == NULL)
			return;
		for (j = i; j < n; j++) {
			if (rows[j].r_where < m.m_start ||
			    rows[j].r_where >= m.m_end)
				continue;
			if (fgets(line, sizeof(line), fp) == NULL)
				break;
			line[strcspn(line, " \n")] = '\0';
			name = strrchr(line, '/');
			name = name != NULL ? name + 1 : line;
			colon = strrchr(name, ':');
			if (*name != '?' && colon != NULL && colon[1] != '?' &&
			    colon[1] != '0')
				(void)snprintf(rows[j].r_line,
				    sizeof(rows[j].r_line), "%.63s", name);
		}
		(void)pclose(fp);
	}
}

void
name_thread(char *buf, size_t size, unsigned id)
{
	const char *name = trace_last->tr_names[id % TRACE_NAMES];

	(void)snprintf(buf, size, "%u%s%s", id, name[0] != '\0' ? " " : "",
	    name);
}
