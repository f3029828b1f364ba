/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The simulator: the contract between its sources.
 *
 *	sim_main.c	the start of the program, and of each schedule
 *	sim_settings.c	the settings
 *	sim_zygote.c	the processes of the schedules
 *	sim_warm.c	work that the zygote does for all schedules
 *	sim_output.c	the output of the zygote
 *	sim_sched.c	the baton, the points, virtual time
 *	sim_thread.c	threads, and the beginning of a schedule
 *	sim_strategy.c	which thread runs next: the random walk, and
 *			functions that all strategies use
 *	sim_pct.c, sim_pos.c, sim_exhaustive.c
 *			other strategies
 *	sim_stores.c	the memory models
 *	sim_plain.c	plain accesses of the library
 *	sim_report.c	the report of a failed schedule
 *	sim_list.c	the strategy that replays a list of decisions
 *	sim_minimise.c	the shortest list that still fails
 *	sim_replay.c	files that hold such a list
 *	sim_trace.c	records the trace of a failing schedule
 *	sim_row.c	the lines of a trace
 *	sim_name.c	the names in a trace
 *	sim_show.c	the trace in columns, and as a page
 *	sim_pthread.c	the client's threads, mutexes and condition variables
 *	sim_sem.c	the client's semaphores
 *	sim_c11.c	the client's calls of <threads.h>
 *	sim_time.c	the client's clocks, sleeps and random numbers
 *	sim_rwlock.c	the client's rwlocks, barriers, spin locks and once
 *	sim_fd.c	reads, writes and polls of descriptors
 *	sim_outside.c	threads that wait for another process
 *	sim_signal.c	signals, and interrupts that the strategy injects
 *	sim_timer.c	timers of the process, and of descriptors
 *	sim_fork.c	children: fork(2) and wait(2)
 *	sim_fault.c	failures that the strategy injects
 *	sim_malloc.c	memory that the strategy refuses to the client
 *	sim_stuck.c	a call that blocks and is not simulated
 *	sim_fair.c	a schedule that does not end
 *	sim_exit.c	items that are pending at the end of the process
 *	sim_run.c	<sys/workqueue_sim.h>
 *	host_sim.c	the back end: the calls of host.h
 *
 * The baton.  Each simulated thread is a pthread.  One of them runs at a time:
 * the one that has the baton, sim.sim_current.  Only that thread reads or
 * writes the simulator's state, so the state needs no lock.  The baton passes
 * only in sim_point(), sim_block(), sim_yield(), sim_lastrun() and sim_rest(),
 * and at the end of a thread.  If the simulator does not know a thread,
 * sim_self is NULL in that thread.  Such a thread runs beside the simulation,
 * and no rule below applies to it.
 *
 * Determinism.  The course of a schedule depends only on its seed.  So all
 * schedules are forked from one process, the zygote.  The zygote executes
 * itself again, to have the same addresses each time.  The clocks are virtual.
 * When a thread ends, the next one runs only after the kernel has removed the
 * thread that ended.  Code that runs in a schedule must not read a clock or a
 * random number of the system.  It must not compare addresses of memory that
 * the system chose.  The zygote may read the clocks, because it is not part of
 * a schedule.
 */

#ifndef _HOST_SIM_H_
#define	_HOST_SIM_H_

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <sys/wq_simpoint.h>

#define	SIM_THREADS	1024		/* threads alive at the same time */
#define	SIM_FOREVER	INT64_MAX	/* no deadline */
#define	SIM_START	1000000000000	/* the time when a schedule begins */
#define	SIM_DECISIONS	4096		/* decisions that a schedule records */
#define	SIM_STORES	16		/* stores in the buffer of a thread */
#define	SIM_STRATEGY	2048		/* size of a strategy's name */

/* Exit statuses of a schedule that the simulator itself ends. */
#define	SIM_EXIT_FAILED	121
#define	SIM_EXIT_USAGE	2

/* An interposed function is visible, and sim.map gives it no version. */
#define	SIM_PUBLIC	__attribute__((__visibility__("default")))
#define	SIM_SITE()	((uintptr_t)__builtin_return_address(0))
#define	SIM_ENTER()	sim_enter(SIM_SITE())

/* Kinds of points, in addition to those of <sys/wq_simpoint.h>. */
#define	SIM_CALL	16		/* an interposed call */
#define	SIM_PARK	17
#define	SIM_UNPARK	18
#define	SIM_CREATE	19		/* before and after pthread_create() */
#define	SIM_USER	20		/* wqsim_point(), with its text */

/*
 * A store buffer holds the stores of a thread that have not reached memory yet.
 * The oldest store is the first.
 */
enum sim_model {
	SIM_SC,				/* no store buffers */
	SIM_TSO,
	SIM_PSO
};

struct sim_store {
	uintptr_t	 s_addr;
	unsigned	 s_size;
	uint64_t	 s_number;	/* counts the thread's stores */
	uint64_t	 s_after;	/* stores numbered below it go first */
	union {
		uint8_t	 v_8;
		uint16_t v_16;
		uint32_t v_32;
		uint64_t v_64 __attribute__((__aligned__(8)));
	}		 s_value;
};

struct sim_buffer {
	unsigned	 b_n;
	uint64_t	 b_number;	/* of the next store */
	uint64_t	 b_fence;	/* b_number at the last release fence */
	struct sim_store b_stores[SIM_STORES];
};

/*
 * A thread.  It is READY until it blocks.  The strategy may also choose a
 * blocked thread that has a deadline.  Virtual time then jumps to that
 * deadline.
 */
enum sim_state {
	SIM_FREE,			/* the record is not in use */
	SIM_READY,			/* runs, or can run */
	SIM_BLOCKED,			/* waits: st_chan, st_deadline */
	SIM_DEAD			/* has ended; record still in use */
};

struct sim_thread {
	enum sim_state	 st_state;
	unsigned	 st_id;		/* from 1; unique in a schedule */
	char		 st_name[32];	/* or empty */

	/* These belong to a blocked thread. */
	const void	*st_chan;	/* the address that it waits for */
	const char	*st_kind;	/* "mutex", "park" ... */
	int64_t		 st_deadline;
	int64_t		 st_since;	/* when it blocked */
	bool		 st_timedout;	/* its last sim_block() timed out */
	bool		 st_intr;	/* ... or a signal handler ran */
	bool		 st_restart;	/* ... and all had SA_RESTART */
	bool		 st_outside;	/* it waits for a child, st_child */
	int		 st_child[3];	/* the arguments of waitid(2) */
	const sigset_t	*st_sigwait;	/* waits for one of these signals */
	const sigset_t	*st_sigmask;	/* its mask during the wait, or NULL */
	bool		 st_sigpause;	/* waits for any signal */
	struct pollfd	*st_fds;	/* waits for one of these descriptors */
	unsigned	 st_nfds;
	uint64_t	 st_blocks;	/* calls of sim_block() */

	/* The number of signals for this thread that it has not raised yet. */
	unsigned	 st_nsigs;
	bool		 st_daemon;	/* the simulator's own thread */
	bool		 st_emergency;	/* times out only if none can run */

	/* These belong to a thread of the library, which runs items. */
	bool		 st_library;
	bool		 st_shared;	/* serves the whole process */
	unsigned	 st_calls;	/* callbacks that have not returned */
	uintptr_t	 st_call;	/* the outermost of these */

	/* These tell whether the thread spins. */
	uint64_t	 st_step;	/* its points, waits and choices */
	uint64_t	 st_yieldstep;	/* sim_step at its last yield */
	bool		 st_spinning;
	unsigned	 st_reads;	/* clock reads since it last blocked */

	/* The return address of its last call into the simulator. */
	uintptr_t	 st_site;

	/* While this is not 0, interposed calls are the real ones. */
	unsigned	 st_inside;

	/* The real thread. */
	pthread_t	 st_pthread;
	int		 st_tid;	/* futex: 0 before sim_thread_begin() */
	bool		 st_detached;
	unsigned	 st_rounds;	/* calls of the key's destructor */
	void		*(*st_func)(void *);
	void		*st_arg;
	unsigned	 st_baton;	/* futex: enum sim_baton */

	/* For the report of a schedule that does not end: sim_fair.c. */
	unsigned	 st_progress;	/* times that it made progress */
	unsigned	 st_turns;	/* times that it yielded or blocked */
	uint64_t	 st_waitpoint;	/* sr_points when it last blocked */
	const void	*st_word;	/* word that it tried to change */
	uint64_t	 st_value;
	unsigned	 st_size;

	/* The strategy's data about the thread, zero in a new thread. */
	uint64_t	 st_strategy[4];

	/* For the memory model. */
	uintptr_t	 st_stacktop;
	struct sim_buffer st_buffer;
};

enum sim_baton {
	SIM_WAIT,			/* has no baton */
	SIM_RUN,			/* has the baton */
	SIM_STACK,			/* print the stack, then wait again */
	SIM_LOOK			/* sim_outside_wait(), then wait */
};

extern _Thread_local struct sim_thread *sim_self;

/*
 * A decision of the strategy that differs from the default.
 *
 * By default the current thread runs on.  If it cannot, the READY thread with
 * the lowest st_id runs.  The default of sim_choose() is 0.
 *
 * The list of these decisions, each with its step, determines the schedule.
 * The list strategy replays a schedule from it.  The step is st_step of the
 * thread that asks.  So if one decision is removed from the list, the others
 * still apply, and the schedule is much like the original.
 */
struct sim_decision {
	uint32_t	 sd_thread;	/* st_id of the thread that asks */
	uint64_t	 sd_step;
	uint32_t	 sd_value;	/* st_id, or the value chosen */
	uint32_t	 sd_choice;	/* 1 for sim_choose() */
};

/*
 * The result of a schedule, in memory that it shares with the zygote.
 */
struct sim_result {
	uint64_t	 sr_points;
	uint64_t	 sr_seed;	/* of the current schedule */
	uint64_t	 sr_ran;	/* wqsim_run(): schedules that passed */
	uint32_t	 sr_inrun;	/* this is one of wqsim_run() */
	uint64_t	 sr_strategy[3]; /* the strategy's data */
	uint64_t	 sr_hash;	/* hash of all points, in order */
	int64_t		 sr_now;
	uint32_t	 sr_tid;	/* the thread with the baton */
	uint32_t	 sr_thread;	/* its st_id */
	uint32_t	 sr_ndecisions;	/* a count; may exceed SIM_DECISIONS */
	uint32_t	 sr_preemptions;
	uint32_t	 sr_rare;	/* other rare events: sim_israre() */
	uint32_t	 sr_outside;	/* 1: waits for another process */
	char		 sr_what[160];	/* the failure, or empty */
	struct sim_decision sr_decisions[SIM_DECISIONS];
};

/*
 * The settings, from WQSIM in the environment: fields separated by commas, as
 * in "n=1000,s=random:12,S=7,m=sc,b=1000000,v".
 *
 *	n=N	run N schedules with the seeds S, S+1 ..., each in a process;
 *		wqsim_run() runs many in one process
 *	s=NAME	the strategy, and its parameters after colons
 *	S=SEED	the first seed
 *	m=MODEL	the memory model: sc, tso or pso; see sim_stores.c.  With
 *		":nofence" appended, the heavy fence drains only the caller's
 *		buffer, so that one sees what breaks without the fence
 *	b=N	a schedule fails after N points
 *	t=SECS	time may jump while a thread can run.  SECS limits the sum of
 *		such jumps in a schedule.  If a timeout is longer than SECS,
 *		time jumps to its end only when no thread can run
 *	f=KIND	the strategy may refuse "alloc", "malloc" or "thread"
 *	i=N	each interrupt of intr_establish(9) may arrive at N points
 *	v	print a line for each schedule
 *	o	let the schedules' own output through
 *	w=FILE	write the minimal failing schedule to a file
 *	r=FILE	replay the schedule in a file
 *	H=FILE	write the trace of a failing schedule as an HTML page
 *	j=FILE	write the result as JUnit XML
 *	d	run each schedule twice, and compare the two runs
 *	e	a schedule may exit while items are pending
 *	k	go on after a failure; count the failures
 *	l	list the strategies, and exit
 *	c	the fields are options of wqsim(1), and messages name those
 *	R	one of these options is -r
 *
 * Without WQSIM, the process itself runs one schedule.  Its seed is WQSIM_SEED
 * in the environment, or 1.
 */
struct sim_settings {
	bool		 ss_given;	/* WQSIM is set */
	uint64_t	 ss_schedules;
	uint64_t	 ss_seed;
	uint64_t	 ss_budget;
	int64_t		 ss_jump;	/* nanoseconds */
	char		 ss_strategy[SIM_STRATEGY];
	char		 ss_model[16];
	unsigned	 ss_faults;	/* SIM_FAULT_ALLOC ... */
	unsigned	 ss_interrupts;	/* interrupts of each source */
	const char	*ss_writefile;	/* NULL, or the name of a file */
	const char	*ss_readfile;
	const char	*ss_pagefile;
	const char	*ss_junitfile;
	bool		 ss_twice;
	bool		 ss_keep;
	bool		 ss_mayexit;
	bool		 ss_verbose;
	bool		 ss_output;
};

/*
 * The state of the running schedule.
 */
struct sim {
	bool		 sim_on;	/* this process is a schedule */
	bool		 sim_child;	/* ... or a child of one */
	struct sim_settings sim_set;
	uint64_t	 sim_seed;	/* of this schedule */
	uint64_t	 sim_salt;	/* the minimiser's other seed, or 0 */
	int		 sim_pid;	/* of the zygote */
	int		 sim_realpid;	/* of this schedule */
	struct sim_thread *sim_current;	/* has the baton */
	struct sim_thread *sim_dying;	/* is ending; see sim_thread_gone() */
	int64_t		 sim_now;	/* nanoseconds, monotonic */
	int64_t		 sim_wall;	/* wall time minus sim_now */
	int64_t		 sim_jumped;	/* jumped while threads could run */
	uint64_t	 sim_step;	/* the sum of all st_step */
	uint64_t	 sim_skip;	/* points that do not ask sst_pick() */
	int64_t		 sim_expiry;	/* the earliest st_deadline */
	unsigned	 sim_nready;
	unsigned	 sim_ntimed;	/* blocked with a deadline */
	unsigned	 sim_nthreads;	/* records in use */
	unsigned	 sim_nextid;
	unsigned	 sim_idle;	/* yields while all threads spin */
	unsigned	 sim_inject;	/* interrupts that may still arrive */
	unsigned	 sim_always;	/* predicates of wqsim_always() */
	unsigned	 sim_waitfds;	/* threads with st_fds or st_outside */
	bool		 sim_vain;	/* other processes got time in vain */
	enum sim_model	 sim_model;
	bool		 sim_nofence;
	bool		 sim_inrun;	/* in a schedule of wqsim_run() */
	uint32_t	 sim_run;	/* counts these schedules */
	bool		 sim_fair;	/* threads take turns: sim_fair.c */
	uint64_t	 sim_fairfrom;	/* from this point on */
	struct sim_thread *sim_exiting;	/* waits in sim_lastrun() */
	uint64_t	 sim_exitpoint;	/* ... at most until this point */
	uint64_t	 sim_runs;	/* schedules of wqsim_run() to run */
	unsigned	 sim_nstores;	/* in all store buffers */
	const struct sim_strategy *sim_strategy;
	struct sim_result *sim_result;
	struct sim_trace *sim_trace;	/* NULL: record nothing */
	struct sim_thread *sim_threads[SIM_THREADS];	/* by st_id */
};
extern struct sim sim;

/*
 * Strategies.
 *
 * sst_init() gets the text after the first colon of the strategy's name, or "".
 * It returns NULL, or a text that says what is wrong.  It is called before the
 * first schedule.  The minimiser may call sst_init() of pct again.
 *
 * sst_begin() starts a schedule, in the schedule's process.
 *
 * sst_pick() gets at least two candidates, in the order of st_id.  The last one
 * may be a blocked thread with a deadline; if the strategy picks it, time
 * jumps.  cur is the thread that asks.  If cur ends, it is not a candidate.  If
 * cur blocks, it can only be that last candidate, with its deadline.  If cur
 * yields, it is a candidate only if no other thread is READY.  sst_pick() may
 * set sim.sim_skip to n, so that the next n points do not ask the strategy.
 * But when a thread becomes READY, the next point asks.  A thread that blocks,
 * yields or ends always asks.
 *
 * sst_choose() returns a number below n.  0 is the usual course.  Any other
 * number is the rare event that "what" names.  If "what" begins with "which ",
 * none of the numbers is rare, and sim_israre() returns false.
 *
 * sst_point() is called at each point, before sst_pick(), and gets the access
 * that cur is about to do.  If sst_point() leaves sim_skip at 0, sst_pick() is
 * called next, and can let another thread run.  sst_point() may be NULL.
 *
 * sst_thread() is called for each new thread.  When wqsim_run() begins a
 * schedule, sst_thread() is also called for each thread that is there already.
 * It may be NULL.
 *
 * A strategy takes its random numbers only from sim_random(), and keeps its
 * data about a thread in st_strategy.
 *
 * The zygote calls the other functions, with the exception below.  Each may be
 * NULL.
 *
 * sst_next() is called before schedule n, where n starts at 0.  It may change
 * the seed.  It returns false to end the run.  A strategy with sst_next() ends
 * its search by itself, so the setting n=N is only a limit.  A child that a
 * schedule forks does not use such a strategy, because the child is not part of
 * the search.
 *
 * sst_done() is called after a schedule that has passed.  If wqsim_run() runs
 * several schedules, it calls sst_done() itself, in the process of these
 * schedules.  After the last one, the zygote calls it.
 *
 * After a schedule has failed, sst_replay() stores the name and the parameters
 * of a strategy that replays this schedule.
 *
 * sst_verdict() stores a text about the result of a search.  n is the number of
 * schedules that ran.  "failed" is the number of those that failed.  "ended" is
 * true if the search has ended by itself.  A strategy that has sst_next() also
 * has sst_verdict().
 *
 * A schedule reports to the zygote in sr_strategy of its result, or through
 * memory that sst_init() shares.
 */
enum sim_why {
	SIM_WHY_POINT,			/* cur could go on */
	SIM_WHY_YIELD,			/* cur spins, or gives the CPU up */
	SIM_WHY_BLOCK,			/* cur cannot go on */
	SIM_WHY_EXIT			/* cur has ended */
};

struct sim_strategy {
	const char	*sst_name;
	const char	*sst_descr;	/* for wqsim -l */
	const char	*(*sst_init)(const char *);
	void		 (*sst_begin)(void);
	struct sim_thread *(*sst_pick)(struct sim_thread *cur, enum sim_why,
			    struct sim_thread **cand, unsigned n);
	unsigned	 (*sst_choose)(unsigned n, const char *what);
	void		 (*sst_point)(struct sim_thread *cur,
			    const volatile void *addr, unsigned kind,
			    int order);
	void		 (*sst_thread)(struct sim_thread *);
	bool		 (*sst_next)(uint64_t n, uint64_t *seed);
	void		 (*sst_done)(const struct sim_result *);
	void		 (*sst_replay)(char *, size_t);
	void		 (*sst_verdict)(char *, size_t, uint64_t n,
			    uint64_t failed, bool ended);
};
extern const struct sim_strategy *const sim_strategies[];
extern const struct sim_strategy sim_pct, sim_pos, sim_exhaustive;

extern const struct sim_strategy sim_default;	/* no preemptions */

const struct sim_strategy *sim_strategy_find(const char *, const char **);
uint64_t sim_random(void);		/* the strategy's own sequence */
uint64_t sim_mix(uint64_t);		/* the mixer of splitmix64 */
#define	SIM_INTERRUPT	"interrupt"
void	sim_strategy_begin(uint64_t);

/*
 * sim_choose_usual() is a sst_choose() for most strategies.  It draws evenly
 * among equals, and draws a rare event rarely.  SIM_INTERRUPT is the "what" of
 * an interrupt that arrives.  sim_timeprio() returns a random priority for the
 * timeout of a blocked thread.  The priority stays the same until the thread
 * blocks again.
 */
unsigned sim_choose_usual(unsigned n, const char *what);
bool	sim_israre(const char *what);
uint64_t sim_timeprio(const struct sim_thread *);

/*
 * sim_stores.c.  If sim_model is not SIM_SC, sim_access() returns the address
 * that an access must use.  sim_stores_point() asks the strategy which stores
 * reach memory now.
 */
#define	SIM_NOSTORE	(~0U)
void	*sim_access(struct sim_thread *, const volatile void *, unsigned kind,
	    unsigned size, int order);
void	sim_stores_point(void);
void	wqk_simplain(const volatile void *, size_t);
void	sim_stores_forked(struct sim_thread *);
void	sim_drain(struct sim_thread *);
void	sim_drain_all(void);

/*
 * sim_sched.c.  Any thread may call SIM_ENTER() and sim_active(), but only the
 * thread with the baton may call the others.
 *
 * SIM_ENTER() returns the calling thread.  It returns NULL if the thread is not
 * simulated, or is inside the simulator.  An interposed function then calls the
 * real one.  SIM_ENTER() also stores the address of the client's call in
 * st_site.  So use it only in a function that the client calls directly.
 *
 * sim_point() is a scheduling point: the thread is about to do something that
 * another thread may see.  Each interposed function calls it before the
 * operation.
 *
 * sim_block() blocks the thread until sim_wake() is called with the same
 * address, and returns 0.  At the deadline it returns ETIMEDOUT.  The caller
 * tests its condition, and must reach no point between this test and
 * sim_block(), or it could lose a wake-up.  A woken thread may run much later,
 * so it must test its condition again.
 *
 * A signal ends the wait, too.  sim_block() then runs the signal handler, sets
 * st_intr, and returns 0.  sim_interrupt() ends the wait of a thread without a
 * wake-up.
 *
 * sim_blockcancel() is sim_block(), and a cancellation point.
 *
 * sim_wake() wakes at most n threads that wait for the address, and returns the
 * number that it woke.  If more threads wait, the strategy chooses.
 *
 * sim_yield() lets other threads run first.  If all threads only yield, it lets
 * time pass, in steps that double.
 *
 * sim_choose() asks the strategy for a number below n.
 */
struct sim_thread *sim_enter(uintptr_t site);
bool	sim_active(void);
void	sim_point(struct sim_thread *, const volatile void *, unsigned, int);
int	sim_block(struct sim_thread *, const void *chan, const char *kind,
	    int64_t deadline);
int	sim_blockcancel(struct sim_thread *, const void *chan,
	    const char *kind, int64_t deadline);
unsigned sim_wake(const void *chan, unsigned n);
void	sim_interrupt(struct sim_thread *);
void	sim_yield(struct sim_thread *);
unsigned sim_choose(unsigned n, const char *what);
void	sim_clockread(struct sim_thread *);

/*
 * Let the threads of the library run until each of them waits, or for
 * EXIT_POINTS points, before the calling thread goes on.
 */
void	sim_lastrun(struct sim_thread *);

/*
 * The same; also let time pass until none of these threads has a deadline, or
 * until time has jumped REST_JUMPS times.
 */
void	sim_rest(struct sim_thread *);

/*
 * sim_fair.c.  When a schedule has used half of its points, threads take turns,
 * so that the strategy does not starve any.  If the schedule does not end then,
 * the report names one thread that makes no progress while others do, or says
 * that there is a livelock, or neither.  In the second half of the points,
 * sim_fair_point() is called at each point; kind 0 is a yield.  sim_fair_try()
 * is called before a read-modify-write, and sim_fair_fruitless() after a call
 * that made no progress.
 */
void	sim_fair_begin(void);
void	sim_fair_point(struct sim_thread *, unsigned kind);
void	sim_fair_block(struct sim_thread *);
void	sim_fair_try(struct sim_thread *, const void *, unsigned size);
void	sim_fair_fruitless(struct sim_thread *);
struct sim_thread *sim_fair_pick(struct sim_thread **cand, unsigned n);
unsigned sim_fair_choose(unsigned n, const char *what);

/*
 * sim_sched.c, for sim_thread.c: set a thread's state; wait for the baton; give
 * it to the thread that the strategy chooses.
 */
void	sim_setstate(struct sim_thread *, enum sim_state);
void	sim_baton_wait(struct sim_thread *);
void	sim_resched(struct sim_thread *, enum sim_why);

/* sim_exit.c: watch the end of the process. */
void	sim_exit_init(void);

/*
 * sim_thread.c: begin a schedule; make, start and end its threads; reset after
 * fork(2).
 */
void	sim_begin(uint64_t seed);
void	sim_restart(uint64_t seed);
struct sim_thread *sim_thread_new(void);
void	sim_thread_free(struct sim_thread *);
void	sim_thread_ready(struct sim_thread *);
void	sim_thread_begin(struct sim_thread *);
int	sim_thread_tid(struct sim_thread *);
char	sim_thread_kernel(int pid, int tid);
void	sim_thread_end(struct sim_thread *);
void	sim_thread_gone(const struct sim_thread *);
void	sim_forked(void);

/* sim_list.c. */
extern const struct sim_strategy sim_list_strategy;
void	sim_list_set(const struct sim_decision *, unsigned, bool inrun);
unsigned sim_list_get(const struct sim_decision **, bool *inrun);

/*
 * sim_replay.c.  On an error, both print what is wrong, and exit.
 */
void	sim_replay_write(const char *file, uint64_t seed, int argc,
	    char **argv);
void	sim_replay_read(const char *file, int argc, char **argv);

/*
 * sim_trace.c.  sim_trace_add() records a point, or an event of the scheduler.
 * The kind of an event is one of those below.  sim_trace_read() records a value
 * that the client reads from the system, which may differ between two runs of a
 * seed.  sim_trace_load() records a value that the client loads.  Both record
 * only after two runs have differed.  sim_trace_signal() records an event of a
 * signal.
 */
#define	SIM_EVENT		0x10000	/* larger than any kind of point */
#define	SIM_EVENT_BLOCK		0x10001	/* the address that it waits for */
#define	SIM_EVENT_WAKE		0x10002	/* the value is the woken thread */
#define	SIM_EVENT_CHOICE	0x10003	/* the address of the text */
#define	SIM_EVENT_PREEMPT	0x10004	/* the value is the next thread */
#define	SIM_EVENT_TIMEOUT	0x10005	/* of the thread's wait */
#define	SIM_EVENT_LOAD		0x10006	/* the word's value is te_read */
#define	SIM_EVENT_READ		0x10007	/* the address is that of the text */
#define	SIM_EVENT_SIGNAL	0x10008	/* arrives; the value is its number */
#define	SIM_EVENT_RETURN	0x10009	/* ... and its handler returns */
#define	SIM_EVENT_ACCEPT	0x1000a	/* sigwait(3) takes it */

#define	SIM_TRACE_LINES		40	/* lines of a printed trace */
#define	SIM_PAGE_ROWS		4000	/* rows of a page */
#define	SIM_PAGE_DETAIL		320	/* size of the text of a row */
bool	sim_trace_set(bool on, uint64_t points, bool reads);
void	sim_trace_restart(void);
void	sim_trace_add(struct sim_thread *, uint32_t, uintptr_t, uint32_t);
void	sim_trace_load(struct sim_thread *, const void *, unsigned size);
void	sim_trace_read(struct sim_thread *, const char *what, uint64_t);
void	sim_trace_signal(struct sim_thread *, uint32_t, int signo);
void	sim_trace_save(void);
bool	sim_trace_differs(void);
void	sim_trace_print(void);
int	sim_trace_page(FILE *, const char *title, const char *summary);

/* Wait while a word has this value.  Wake one waiter.  Neither is a point. */
void	sim_futex_wait(unsigned *, unsigned);
void	sim_futex_wake(unsigned *);

/*
 * sim_report.c.  sim_report_wake() records the last wake-up of an address, for
 * the report of a deadlock.  sim_report_taken() records that a thread has taken
 * what the wake-up left, such as a token.
 */
void	sim_report_wake(const void *chan, unsigned woken);
void	sim_report_taken(const void *chan);

/* Make a crash of this process report what each thread does. */
void	sim_report_crashes(void);

/*
 * sim_report.c.  sim_fail() ends the schedule as failed, and prints the reason
 * and what each thread does.  sim_printf() writes to standard error, without
 * stdio.
 */
void	sim_fail(const char *, ...) __attribute__((__noreturn__,
	    __format__(__printf__, 1, 2)));
void	sim_printf(const char *, ...) __attribute__((__format__(__printf__,
	    1, 2)));
void	sim_vprintf(const char *, va_list);
void	sim_stack(const struct sim_thread *);

/*
 * sim_fd.c.  sim_fd_changed() wakes the threads whose descriptors have become
 * ready.  sim_fd_ready() returns true if one of the thread's descriptors is
 * ready.  sim_fd_leadsout() returns true if another process may make one of
 * them ready; "kin" is true if a parent or a child of this process may do so.
 */
void	sim_fd_changed(void);
bool	sim_fd_ready(const struct sim_thread *);
bool	sim_fd_leadsout(const struct sim_thread *, bool kin);
int	sim_fd_suspend(struct sim_thread *, const sigset_t *);

/*
 * sim_outside.c.  sim_outside() is called when no thread can run, and
 * sim_outside_spin() when all threads only spin.  If another process may end a
 * wait, they give that process real time.  sim_outside_wait() does this in the
 * thread that gets signals of other processes.  sim_outside_look() looks
 * without waiting.
 */
bool	sim_outside(bool timed);
void	sim_outside_spin(void);
void	sim_outside_wait(struct sim_thread *);
void	sim_outside_look(void);

/*
 * sim_signal.c.  sim_signal_take() raises the signals that other threads have
 * sent to the caller.  sim_signal_send() sends a signal to a thread, or to the
 * process if t is NULL.  sim_signal_mask() changes the caller's mask in the
 * kernel.  sim_signal_inject() asks the strategy whether an interrupt arrives.
 */
void	sim_signal_take(struct sim_thread *);
bool	sim_signal_handled(int signo, int *flags);
void	sim_signal_send(struct sim_thread *t, const siginfo_t *);
void	sim_signal_queue(struct sim_thread *t, const siginfo_t *);
int	sim_signal_mask(struct sim_thread *, int how, const sigset_t *,
	    sigset_t *old);
void	sim_signal_inject(struct sim_thread *);
void	sim_signal_established(int signo, bool on);
void	sim_signal_allow(int signo, unsigned n);
void	sim_signal_begin(void);
void	sim_signal_forked(const struct sim_thread *);

/*
 * sim_pthread.c.  sim_mutex_ended() wakes the threads that wait for a robust
 * mutex.  sim_thread_find() finds a thread.  sim_thread_daemon() makes a thread
 * of the simulator's own.
 */
void	sim_mutex_ended(void);
struct sim_thread *sim_thread_find(pthread_t);
int	sim_thread_daemon(pthread_t *, void *(*)(void *), const char *name,
	    struct sim_thread **);

/*
 * sim_timer.c and sim_fork.c.  The *_forked() functions reset the state in a
 * forked child.
 */
void	sim_timer_forked(void);
void	sim_timer_closed(int fd);
void	sim_fork_forked(void);
bool	sim_fork_children(void);
bool	sim_fork_running(void);
bool	sim_fork_ready(const struct sim_thread *);

/*
 * sim_fault.c.  sim_fault() returns true if an operation must fail now.  The
 * setting f= must permit such failures, and the strategy chooses.
 */
#define	SIM_FAULT_ALLOC		0x01	/* memory of the library */
#define	SIM_FAULT_THREAD	0x02	/* any thread, also of the client */
#define	SIM_FAULT_MALLOC	0x04	/* memory of the client */
bool	sim_fault(unsigned, const char *what);
const char *sim_fault_parse(const char *, unsigned *);
const char *sim_fault_name(unsigned set, unsigned *ip);

/*
 * sim_malloc.c: find the C library's functions.
 */
void	sim_malloc_init(void);

/*
 * sim_stuck.c.  The zygote calls sim_stuck_init() once.  For each process it
 * calls sim_stuck_begin(), and then, every SIM_STUCK_TICK ms, sim_stuck_is(),
 * which returns true if the process is stuck.  sim_stuck() ends such a
 * schedule: it stores the reason in the result, and makes the process report
 * it.
 */
#define	SIM_STUCK_TICK	200
void	sim_stuck_init(void);
void	sim_stuck_begin(void);
bool	sim_stuck_is(int pid);
void	sim_stuck(int pid);

/*
 * sim_run.c.  Test the predicates of wqsim_always().
 */
void	sim_run_always(struct sim_thread *);

/*
 * The real function that an interposed one hides, as in
 * SIM_REAL(sem_post)(sem).  sim_real_all() finds them all.
 */
struct sim_real {
	const char	*sr_name;
	void		*sr_func;
};
void	*sim_real(struct sim_real *);
void	sim_real_all(void);
#define	SIM_REAL(func)							\
	(*(__typeof__(&func))(__extension__ ({				\
		static struct sim_real sim_real_##func			\
		    __attribute__((__section__("sim_reals"),		\
		    __used__)) = { #func, NULL };			\
		sim_real(&sim_real_##func);				\
	})))

/*
 * sim_deadline() converts a deadline on a virtual clock to the scale of
 * sim_now.  sim_time() reads a virtual clock.  sim_badtime() returns true if
 * the nanoseconds are out of range.
 */
int64_t	sim_deadline(clockid_t, const struct timespec *);
bool	sim_badtime(const struct timespec *);
int64_t	sim_time(clockid_t);

/* Restart the client's sequence of random numbers. */
void	sim_time_begin(void);

#endif	/* !_HOST_SIM_H_ */
