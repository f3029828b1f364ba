/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * wqstat(1).
 *
 *	wqstat.c	options, and the loop of samples
 *	wqstat_proc.c	the memory of a process
 *	wqstat_core.c	the memory of a core
 *	wqstat_find.c	find the root record of the library
 *	wqstat_symbol.c	names of functions
 *	wqstat_print.c	the table, and JSON
 *	wqstat_stack.c	the stacks of the threads that run items
 */

#ifndef _WQSTAT_H_
#define	_WQSTAT_H_

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "subr_wqstat.h"

/* Exit status. */
#define	EXIT_TARGET	1		/* nothing to show */
#define	EXIT_USAGE	2

#define	BATCH		64		/* objects read at once */

/* A mapping of a file in the target's memory. */
enum map_same {
	MAP_UNKNOWN,
	MAP_SAME,			/* the process had this file */
	MAP_OTHER
};
struct map {
	uintptr_t	 m_start, m_end;
	uint64_t	 m_offset;
	unsigned long	 m_inode;
	char		*m_path;	/* as the target sees it */
	struct elf_file	*m_file;	/* its symbols, once wanted */
	bool		 m_tried;
	bool		 m_deleted;	/* m_path is not its name any more */
	enum map_same	 m_same;	/* of a core: see core_same() */
};

/* A thread of a process in another PID namespace: its two numbers. */
struct tid {
	long		 ti_theirs, ti_ours;
};

/* A running callback whose stack is wanted. */
struct run {
	char		 r_name[WORKQUEUE_STAT_NAME];
	long		 r_tid;
};

/* Memory that may have code. */
struct code {
	uintptr_t	 co_start, co_end;
};

/*
 * A process or a core.
 */
struct target {
	struct wqstat_source t_source;	/* first */
	pid_t		 t_pid;		/* 0: a core */
	pid_t		 t_tid;		/* a thread that has not ended */
	uintptr_t	 t_root;	/* address of the root record */
	const char	*t_name;	/* for messages */
	const char	*t_program;	/* of a core */
	const char	*t_files;	/* where a core's other files are */
	struct map	*t_maps;
	size_t		 t_nmaps;
	bool		 t_gone;	/* the process has ended */
	int		 t_errno;	/* why the last read failed */
	bool		 t_stopped;

	/* A core. */
	const char	*t_core;
	size_t		 t_coresize;
	bool		 t_truncated;	/* the end of the core is missing */
	int		 t_corefd;
	const ElfW(Phdr) *t_phdr;
	size_t		 t_nphdr;

	struct code	*t_code;
	size_t		 t_ncode;
	bool		 t_fresh;	/* the maps were read for this sample */

	bool		 t_inside;	/* in another PID namespace */
	struct tid	*t_tids;	/* then: its threads */
	size_t		 t_ntids;
	bool		 t_tidsfresh;

	/* Of this sample, if stacks are wanted. */
	struct run	*t_runs;
	size_t		 t_nruns, t_runsize;

	/* This sample and the last. */
	struct workqueue_stat *t_new, *t_old;
	size_t		 t_nnew, t_nold, t_size;
	int64_t		 t_first;
	int64_t		 t_oldtime;	/* of the last sample, or 0 */
};

/* wqstat.c */
void	die(int, const char *, ...)
	    __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
void	warning(const char *, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/* wqstat_proc.c */
void	proc_open(struct target *, const char *);
void	proc_maps(struct target *);
void	proc_denied(const struct target *) __attribute__((__noreturn__));
void	proc_state(struct target *);
long	proc_tid(struct target *, long);
int	proc_file(const struct target *, const struct map *);

/* wqstat_core.c */
void	core_open(struct target *, const char *, const char *);
bool	core_has(const struct target *, uintptr_t);
bool	core_same(struct target *, const struct map *);
bool	core_iscode(struct target *, uintptr_t);

/* wqstat_find.c */
void	find_root(struct target *);
bool	target_read(struct target *, void *, uintptr_t, size_t);
struct map *target_addmap(struct target *, uintptr_t, uintptr_t, uint64_t,
	    const char *);
void	target_addcode(struct target *, uintptr_t, uintptr_t);
void	target_refresh(struct target *);
struct map *target_map(const struct target *, uintptr_t);
bool	target_iscode(struct wqstat_source *, uintptr_t);
int	target_file(const struct target *, const char *);
int	target_mapfile(struct target *, const struct map *);

/* wqstat_symbol.c */
void	symbol_name(struct target *, uintptr_t, char *, size_t);
bool	symbol_iscode(struct target *, struct map *, uintptr_t);
void	symbol_close(struct elf_file *);

/* wqstat_print.c */
enum table {
	TABLE_ONLY,			/* there is no other */
	TABLE_FIRST,			/* the first of several */
	TABLE_NEXT
};
void	print_table(struct target *, enum table);
void	print_json(struct target *);

/* wqstat_stack.c */
void	print_stacks(struct target *);

#endif	/* !_WQSTAT_H_ */
