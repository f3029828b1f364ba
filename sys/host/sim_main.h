/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The parts of the simulator that run in the zygote: what they share.
 */

#ifndef _HOST_SIM_MAIN_H_
#define	_HOST_SIM_MAIN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_strategy;

#define	SIM_BUDGET	1000000		/* points, if b= is not set */

/* The program's arguments. */
extern int sim_argc;
extern char **sim_argv;

/*
 * sim_settings.c: set sim.sim_set, or exit with a message.  The text is NULL if
 * WQSIM is not set.  sim_searcher is the strategy that was asked for.
 */
extern const struct sim_strategy *sim_searcher;
void	sim_settings(const char *text, int argc, char **argv);

/* sim_main.c: return an environment variable, or NULL. */
const char *sim_env(const char *name);

/*
 * sim_main.c: become a schedule, in a child of the zygote.
 */
void	sim_schedule(uint64_t seed) __attribute__((__noreturn__));

/*
 * sim_zygote.c.  sim_zygote() runs the schedules, and exits.  Without the
 * setting k it exits after the first that fails.  zygote_run() runs one in a
 * child, and returns true if it fails; the result is in sim.sim_result.
 * zygote_clock() returns the time of the system, and zygote_used() the
 * processor time of the zygote and the schedules.
 */
void	sim_zygote(void) __attribute__((__noreturn__));
bool	zygote_run(uint64_t seed);
int64_t	zygote_clock(void);
int64_t	zygote_used(void);

/* sim_warm.c: do once what each schedule would do. */
void	sim_warm(void);

/*
 * sim_output.c.
 *
 * sim_say() prints to the user.  After output_keep() it also keeps what it
 * prints.
 *
 * output_capture() makes the schedules write to a file in memory, unless their
 * output is wanted; output_hide() does so in any case.  output_show() prints
 * what the last schedule wrote, and output_drop() forgets it.
 *
 * output_strategy() stores the strategy when a schedule has failed.
 * output_command() prints how to replay the schedule with that strategy.
 *
 * output_progress() shows on a terminal how far the search is.
 */
void	sim_say(const char *, ...) __attribute__((__format__(__printf__,
	    1, 2)));
void	output_keep(void);
const char *output_kept(void);
void	output_hide(void);
void	output_capture(void);
void	output_show(void);
void	output_drop(void);
void	output_strategy(void);
void	output_command(uint64_t seed);
const char *output_limit(void);
void	output_progress(uint64_t i, int64_t start);
void	output_junit(bool failed, int64_t start);

/* sim_minimise.c.  The times are those of zygote_used(). */
bool	sim_minimise(uint64_t seed, int64_t deadline, int64_t searchdeadline);

#endif	/* !_HOST_SIM_MAIN_H_ */
