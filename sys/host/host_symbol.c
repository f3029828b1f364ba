/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Names for addresses, and the stack of the calling thread, for messages.
 *
 * host_symbol() opens no file, allocates no memory, and takes no lock that a
 * constructor may hold.  So it does not use dladdr(3), which takes a lock that
 * the loader holds while it runs the constructors of a plug-in.  A constructor
 * may wait for a worker, and the worker may panic.  dl_iterate_phdr(3) takes
 * another lock, which the loader holds only while it changes its list of
 * modules.
 *
 * The dynamic symbols of a module are in memory.  The program's other symbols,
 * such as its static functions, are only in its file.  host_symbol_init() maps
 * this file.  It is called when the library starts in checking mode, with a
 * trace or with a watchdog.  Otherwise it is called in a panic, after the
 * panic's line is written.
 *
 * On a system without ELF or dl_iterate_phdr(3), addresses have no names.
 */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE			/* dl_iterate_phdr */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if defined(__ELF__) && defined(__has_include)
#if __has_include(<link.h>)
#include <sys/mman.h>
#include <sys/stat.h>
#include <link.h>
#define	HAVE_MODULES
#endif
#endif

#include <unwind.h>

#include <host/host_var.h>

/* The names of this project's modules begin with this. */
#define	OWN_MODULES	"libworkqueue"

static void
symbol_copy(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i < size - 1 && src[i] != '\0'; i++)
		dst[i] = src[i];
	dst[i] = '\0';
}

#ifdef HAVE_MODULES

#ifdef __LP64__
#define	ELF_ST_TYPE(i)	ELF64_ST_TYPE(i)
#else
#define	ELF_ST_TYPE(i)	ELF32_ST_TYPE(i)
#endif

/*
 * The symbols of the program's file.  Only host_symbol_init() writes them, when
 * the library starts, or once in a panic.  Other threads may read them
 * meanwhile.  (a): accessed atomically.
 */
static const ElfW(Sym)	*symbol_file;
static size_t		 symbol_nfile;	/* (a) written last */
static const char	*symbol_names;
static size_t		 symbol_namelen;

/* The arguments of symbol_module(). */
struct symbol_search {
	uintptr_t	 ss_addr;
	struct host_symbol *ss_symbol;
	bool		 ss_program;	/* the next module is the program */
};

static void
symbol_match(struct host_symbol *hs, const ElfW(Sym) *sym, const char *name,
    uintptr_t off)
{
	unsigned type;

	type = ELF_ST_TYPE(sym->st_info);
	if ((type != STT_FUNC && type != STT_OBJECT) ||
	    sym->st_shndx == SHN_UNDEF || off < sym->st_value ||
	    off - sym->st_value >= sym->st_size)
		return;
	symbol_copy(hs->hs_name, sizeof(hs->hs_name), name);
	hs->hs_nameoff = off - sym->st_value;
}

/* A word of DT_HASH.  Two machines use words of 64 bits. */
#if defined(__s390x__) || defined(__alpha__)
typedef uint64_t symbol_word;
#else
typedef uint32_t symbol_word;
#endif

/*
 * Return the number of dynamic symbols, according to either kind of hash table.
 */
static size_t
symbol_ndynamic(const symbol_word *hash, const uint32_t *gnu)
{
	const uint32_t *buckets, *chain;
	uint32_t i, n;

	if (hash != NULL)
		return (size_t)hash[1];
	if (gnu == NULL)
		return 0;
	/*
	 * The GNU table begins with four words: the number of buckets, the
	 * number of the first symbol, the number of words in the filter, and
	 * the filter's shift.
	 */
	buckets = gnu + 4 + gnu[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	chain = buckets + gnu[0];
	for (i = n = 0; i < gnu[0]; i++)
		if (buckets[i] > n)
			n = buckets[i];
	if (n < gnu[1])
		return 0;
	/* Bit 0 of a hash value marks the last symbol of its chain. */
	while ((chain[n - gnu[1]] & 1) == 0)
		n++;
	return n + 1;
}

static void
symbol_dynamic(const struct dl_phdr_info *info, const ElfW(Dyn) *dyn,
    struct host_symbol *hs)
{
	const symbol_word *hash;
	const uint32_t *gnu;
	const ElfW(Sym) *sym;
	const char *names;
	ElfW(Addr) p;
	size_t i, n;

	hash = NULL;
	gnu = NULL;
	sym = NULL;
	names = NULL;
	for (; dyn->d_tag != DT_NULL; dyn++) {
		/* Some loaders relocate these addresses, and others do not. */
		p = dyn->d_un.d_ptr;
		if (p < info->dlpi_addr)
			p += info->dlpi_addr;
		if (dyn->d_tag == DT_SYMTAB)
			sym = (const void *)p;
		else if (dyn->d_tag == DT_STRTAB)
			names = (const void *)p;
		else if (dyn->d_tag == DT_HASH)
			hash = (const void *)p;
		else if (dyn->d_tag == DT_GNU_HASH)
			gnu = (const void *)p;
	}
	if (sym == NULL || names == NULL)
		return;
	n = symbol_ndynamic(hash, gnu);
	for (i = 1; i < n && hs->hs_name[0] == '\0'; i++)
		symbol_match(hs, &sym[i], names + sym[i].st_name,
		    hs->hs_offset);
}

static bool
symbol_contains(const struct dl_phdr_info *info, uintptr_t addr, bool *codep)
{
	const ElfW(Phdr) *ph;
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		ph = &info->dlpi_phdr[i];
		if (ph->p_type == PT_LOAD &&
		    addr - info->dlpi_addr >= ph->p_vaddr &&
		    addr - info->dlpi_addr - ph->p_vaddr < ph->p_memsz) {
			*codep = (ph->p_flags & PF_X) != 0;
			return true;
		}
	}
	return false;
}

static int
symbol_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct symbol_search *ss = arg;
	struct host_symbol *hs = ss->ss_symbol;
	const char *p, *name;
	size_t i, n;
	bool program;

	(void)size;
	/* dl_iterate_phdr(3) starts with the program, whatever its name is. */
	program = ss->ss_program;
	ss->ss_program = false;
	if (!symbol_contains(info, ss->ss_addr, &hs->hs_code))
		return 0;
	hs->hs_offset = ss->ss_addr - info->dlpi_addr;
	name = info->dlpi_name != NULL ? info->dlpi_name : "";
	if (program) {
		name = host_getprogname();
		/* Acquire: pairs with symbol_sections(). */
		n = atomic_load_acquire(&symbol_nfile);
		for (i = 0; i < n && hs->hs_name[0] == '\0'; i++)
			if (symbol_file[i].st_name < symbol_namelen)
				symbol_match(hs, &symbol_file[i],
				    symbol_names + symbol_file[i].st_name,
				    hs->hs_offset);
	}
	if ((p = strrchr(name, '/')) != NULL)
		name = p + 1;
	symbol_copy(hs->hs_module, sizeof(hs->hs_module), name);
	for (i = 0; i < info->dlpi_phnum && hs->hs_name[0] == '\0'; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			symbol_dynamic(info, (const void *)(info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr), hs);
	return 1;
}

bool
host_symbol(uintptr_t addr, struct host_symbol *hs)
{
	struct symbol_search ss = {
		.ss_addr = addr, .ss_symbol = hs, .ss_program = true
	};

	memset(hs, 0, sizeof(*hs));
	if (dl_iterate_phdr(symbol_module, &ss) == 0)
		return false;
	hs->hs_own = strncmp(hs->hs_module, OWN_MODULES,
	    strlen(OWN_MODULES)) == 0;
	return true;
}

/*
 * Exempt the variables of a module of this project from the watching tools.
 */
static int
symbol_unwatch(struct dl_phdr_info *info, size_t size, void *arg)
{
	const ElfW(Phdr) *ph;
	const char *name;
	int i;

	(void)size;
	(void)arg;
	name = info->dlpi_name != NULL ? strrchr(info->dlpi_name, '/') : NULL;
	if (name == NULL || strncmp(name + 1, OWN_MODULES,
	    strlen(OWN_MODULES)) != 0)
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		ph = &info->dlpi_phdr[i];
		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_W) != 0)
			host_unwatched((void *)(info->dlpi_addr +
			    ph->p_vaddr), ph->p_memsz);
	}
	return 0;
}

void
host_symbol_unwatch(void)
{

	(void)dl_iterate_phdr(symbol_unwatch, NULL);
}

/*
 * Find the symbol table in the mapped file of the program.
 */
static void
symbol_sections(const char *file, size_t size)
{
	const ElfW(Ehdr) *eh;
	const ElfW(Shdr) *sh, *str;
	size_t i;

	eh = (const void *)file;
	if (size < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_shentsize != sizeof(*sh) || eh->e_shoff > size ||
	    eh->e_shoff % sizeof(ElfW(Addr)) != 0 ||
	    (size - eh->e_shoff) / sizeof(*sh) < eh->e_shnum)
		return;
	sh = (const void *)(file + eh->e_shoff);
	for (i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= eh->e_shnum)
			continue;
		str = &sh[sh[i].sh_link];
		if (sh[i].sh_offset > size || str->sh_offset > size ||
		    sh[i].sh_offset % sizeof(ElfW(Addr)) != 0 ||
		    sh[i].sh_size > size - sh[i].sh_offset ||
		    str->sh_size > size - str->sh_offset ||
		    str->sh_size == 0 ||
		    file[str->sh_offset + str->sh_size - 1] != '\0')
			return;
		symbol_file = (const void *)(file + sh[i].sh_offset);
		symbol_names = file + str->sh_offset;
		symbol_namelen = str->sh_size;
		/* Release: publish the table.  Pairs with symbol_module(). */
		atomic_store_release(&symbol_nfile,
		    sh[i].sh_size / sizeof(ElfW(Sym)));
		return;
	}
}

void
host_symbol_init(void)
{
	struct stat st;
	void *p;
	int fd, serrno;

	if (symbol_file != NULL)
		return;
	serrno = errno;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
		if (p != MAP_FAILED)
			symbol_sections(p, (size_t)st.st_size);
		if (p != MAP_FAILED && symbol_file == NULL)
			(void)munmap(p, (size_t)st.st_size);
	}
	if (fd != -1)
		(void)close(fd);
	errno = serrno;
}

#else	/* !HAVE_MODULES */

bool
host_symbol(uintptr_t addr, struct host_symbol *hs)
{

	(void)addr;
	memset(hs, 0, sizeof(*hs));
	symbol_copy(hs->hs_module, sizeof(hs->hs_module), "");
	return false;
}

void
host_symbol_init(void)
{

}

void
host_symbol_unwatch(void)
{

}

#endif	/* !HAVE_MODULES */

/* The state of backtrace_frame(). */
struct backtrace {
	uintptr_t	*bt_pcs;
	int		 bt_n, bt_max;
	bool		(*bt_last)(uintptr_t);
};

static _Unwind_Reason_Code
backtrace_frame(struct _Unwind_Context *ctx, void *arg)
{
	struct backtrace *bt = arg;
	uintptr_t pc, start;

	if (bt->bt_n == bt->bt_max || (pc = _Unwind_GetIP(ctx)) == 0)
		return _URC_END_OF_STACK;
	bt->bt_pcs[bt->bt_n++] = pc;
	/* The callers of these two functions are in the C library. */
	start = _Unwind_GetRegionStart(ctx);
	if (start == (uintptr_t)host_thread_main ||
	    start == (uintptr_t)host_key_destroy ||
	    (bt->bt_last != NULL && (*bt->bt_last)(pc)))
		return _URC_END_OF_STACK;
	return _URC_NO_REASON;
}

int
host_backtrace(uintptr_t *pcs, int max, bool (*last)(uintptr_t))
{
	struct backtrace bt = {
		.bt_pcs = pcs, .bt_max = max, .bt_last = last
	};

	(void)_Unwind_Backtrace(backtrace_frame, &bt);
	return bt.bt_n;
}
