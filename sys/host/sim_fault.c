/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Failures that the strategy injects.
 *
 * Code must always expect that a weak compare-and-swap fails, and that
 * host_park() returns early.  So the strategy may always inject these two.  The
 * strategy refuses memory and threads only if the setting f= permits that.
 */

#include <string.h>

#include <host/sim.h>

static const struct {
	const char	*f_name;
	unsigned	 f_bit;
} faults[] = {
	{ "alloc", SIM_FAULT_ALLOC },
	{ "malloc", SIM_FAULT_MALLOC },
	{ "thread", SIM_FAULT_THREAD },
};

/* Add the named failure to the set.  Return NULL, or an error message. */
const char *
sim_fault_parse(const char *name, unsigned *setp)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(name, faults[i].f_name) == 0) {
			*setp |= faults[i].f_bit;
			return NULL;
		}
	return "what can be refused is \"alloc\", \"malloc\" or \"thread\"";
}

/* Return the name of the next failure after *ip that is in the set, or NULL. */
const char *
sim_fault_name(unsigned set, unsigned *ip)
{

	while (*ip < sizeof(faults) / sizeof(faults[0]))
		if ((set & faults[(*ip)++].f_bit) != 0)
			return faults[*ip - 1].f_name;
	return NULL;
}

bool
sim_fault(unsigned bit, const char *what)
{

	return (sim.sim_set.ss_faults & bit) != 0 && sim_active() &&
	    sim_choose(2, what) != 0;
}

/*
 * Return non-zero if a weak compare-and-swap must fail.  <sys/atomic.h> calls
 * this.
 */
SIM_PUBLIC int
wqk_simweak(void)
{

	return sim_active() &&
	    sim_choose(2, "spurious failure of a compare-and-swap") != 0;
}
