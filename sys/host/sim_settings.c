/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The settings of the simulator, which wqsim(1) passes in WQSIM: see sim.h.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>
#include <host/sim_main.h>

#define	BUDGET_PLAIN	20000000	/* points, without WQSIM */
#define	JUMP		59		/* seconds */

static char	settings_text[8192];	/* WQSIM, as it was given */

const struct sim_strategy *sim_searcher;

static bool	settings_options;	/* they are options of wqsim(1) ... */
static bool	settings_replay;	/* ... and one is -r */

/*
 * Report a wrong value, and exit.  Name what the user wrote: the option, or the
 * variable of the environment.  field is '\0' for WQSIM_SEED.
 */
static void
settings_usage(const char *what, char field, const char *value)
{

	if (field == '\0')
		sim_printf("simulator: WQSIM_SEED=%s: %s\n", value, what);
	else if (!settings_options)
		sim_printf("simulator: WQSIM: \"%c=%s\": %s\n", field, value,
		    what);
	else if (settings_replay && strchr("mSs", field) != NULL)
		sim_printf("wqsim: -r: %s: %s\n", value, what);
	else
		sim_printf("wqsim: -%c %s: %s\n", field, value, what);
	_exit(SIM_EXIT_USAGE);
}

static uint64_t
settings_number(char field, const char *digits, uint64_t min, uint64_t max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0 ||
	    n < min || n > max)
		settings_usage("not a number in range", field, digits);
	return n;
}

static void
settings_string(char *dst, size_t size, char field, const char *s)
{

	if (strlen(s) >= size)
		settings_usage("too long", field, s);
	memcpy(dst, s, strlen(s) + 1);
}

static void
settings_list(void)
{
	const struct sim_strategy *const *sst;

	for (sst = sim_strategies; *sst != NULL; sst++)
		(void)printf("%-10s %s\n", (*sst)->sst_name,
		    (*sst)->sst_descr);
	(void)printf("memory models: sc, tso, pso\n");
	exit(0);
}

static void
settings_field(char *field)
{
	struct sim_settings *ss = &sim.sim_set;
	const char *value = field + 2;
	const char *why;

	if (strcmp(field, "c") == 0)
		settings_options = true;
	else if (strcmp(field, "R") == 0)
		settings_replay = true;
	else if (strcmp(field, "v") == 0)
		ss->ss_verbose = true;
	else if (strcmp(field, "l") == 0)
		settings_list();
	else if (strcmp(field, "o") == 0)
		ss->ss_output = true;
	else if (strcmp(field, "d") == 0)
		ss->ss_twice = true;
	else if (strcmp(field, "e") == 0)
		ss->ss_mayexit = true;
	else if (strcmp(field, "k") == 0)
		ss->ss_keep = true;
	else if (strncmp(field, "w=", 2) == 0)
		ss->ss_writefile = value;
	else if (strncmp(field, "r=", 2) == 0)
		ss->ss_readfile = value;
	else if (strncmp(field, "H=", 2) == 0)
		ss->ss_pagefile = value;
	else if (strncmp(field, "j=", 2) == 0)
		ss->ss_junitfile = value;
	else if (strncmp(field, "n=", 2) == 0)
		ss->ss_schedules = settings_number(*field, value, 1,
		    UINT64_MAX);
	else if (strncmp(field, "S=", 2) == 0)
		ss->ss_seed = settings_number(*field, value, 0, UINT64_MAX);
	else if (strncmp(field, "b=", 2) == 0)
		ss->ss_budget = settings_number(*field, value, 1, UINT64_MAX);
	else if (strncmp(field, "t=", 2) == 0)
		ss->ss_jump = 1000000000 *
		    (int64_t)settings_number(*field, value, 0, 1000000);
	else if (strncmp(field, "i=", 2) == 0)
		ss->ss_interrupts = (unsigned)settings_number(*field, value, 0,
		    1000000);
	else if (strncmp(field, "f=", 2) == 0) {
		why = sim_fault_parse(value, &ss->ss_faults);
		if (why != NULL)
			settings_usage(why, *field, value);
	} else if (strncmp(field, "s=", 2) == 0)
		settings_string(ss->ss_strategy, sizeof(ss->ss_strategy),
		    *field, value);
	else if (strncmp(field, "m=", 2) == 0)
		settings_string(ss->ss_model, sizeof(ss->ss_model), *field,
		    value);
	else {
		sim_printf("simulator: WQSIM: \"%s\": unknown\n", field);
		_exit(SIM_EXIT_USAGE);
	}
}

static void
settings_model(const char *name)
{
	size_t len = strcspn(name, ":");

	if (len == 3 && strncmp(name, "tso", len) == 0)
		sim.sim_model = SIM_TSO;
	else if (len == 3 && strncmp(name, "pso", len) == 0)
		sim.sim_model = SIM_PSO;
	else if (strcmp(name, "sc") != 0)
		settings_usage("there is no such memory model", 'm', name);
	if (name[len] == ':' && strcmp(name + len, ":nofence") != 0)
		settings_usage("there is no such memory model", 'm', name);
	sim.sim_nofence = name[len] == ':';
}

/*
 * Set sim.sim_set, or exit with a message.  The text is NULL if WQSIM is not
 * set.
 */
void
sim_settings(const char *text, int argc, char **argv)
{
	struct sim_settings *ss = &sim.sim_set;
	const char *why;
	char *field, *rest;

	ss->ss_schedules = 0;
	ss->ss_seed = 1;
	ss->ss_budget = SIM_BUDGET;
	ss->ss_jump = JUMP * 1000000000LL;
	memcpy(ss->ss_strategy, "random", sizeof("random"));
	memcpy(ss->ss_model, "sc", sizeof("sc"));
	if (text == NULL) {
		ss->ss_budget = BUDGET_PLAIN;
		if ((text = sim_env("WQSIM_SEED")) != NULL)
			ss->ss_seed = settings_number('\0', text, 0,
			    UINT64_MAX);
	} else {
		ss->ss_given = true;
		if (strlen(text) >= sizeof(settings_text)) {
			sim_printf("simulator: WQSIM: too long\n");
			_exit(SIM_EXIT_USAGE);
		}
		memcpy(settings_text, text, strlen(text) + 1);
		for (field = strtok_r(settings_text, ",", &rest); field != NULL;
		    field = strtok_r(NULL, ",", &rest))
			settings_field(field);
	}
	sim.sim_strategy = sim_strategy_find(ss->ss_strategy, &why);
	if (sim.sim_strategy == NULL)
		settings_usage(why, 's', ss->ss_strategy);
	sim_searcher = sim.sim_strategy;
	if (ss->ss_readfile != NULL) {
		sim_replay_read(ss->ss_readfile, argc, argv);
		sim.sim_strategy = &sim_list_strategy;
	}
	settings_model(ss->ss_model);
	/* A strategy that ends its search by itself needs no limit. */
	if (ss->ss_schedules == 0)
		ss->ss_schedules = sim.sim_strategy->sst_next != NULL ?
		    UINT64_MAX : 1;
}
