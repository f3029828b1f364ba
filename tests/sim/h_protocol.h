/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Protocols of the library, each small enough for very many schedules.
 *
 * "h_engine wait" calls the function of that protocol once for each schedule,
 * all in one process; "h_engine wait once" calls it once, for a search that
 * needs a process for each schedule.  "h_engine" lists the protocols.  A
 * protocol must also end with the default decisions, which preempt no thread.
 *
 * Under the simulator plain accesses are sequentially consistent, and no thread
 * is preempted at one.  So a protocol counts events in plain variables, and
 * calls wqsim_point() where it may be preempted.
 */

#ifndef _H_PROTOCOL_H_
#define	_H_PROTOCOL_H_

#include <sys/workqueue_sim.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct protocol {
	const char	*pr_name;
	void		(*pr_func)(void *);
	bool		 pr_once;	/* leaves a thread, which ends later */
};

#define	CHECK(cond) do {						\
	if (!(cond))							\
		wqsim_fail("%s:%d: not %s", __FILE__, __LINE__, #cond);	\
} while (0)

static inline pthread_t
start(void *(*func)(void *), void *arg)
{
	pthread_t tid;

	CHECK(pthread_create(&tid, NULL, func, arg) == 0);
	return tid;
}

static inline void
join(pthread_t tid)
{

	CHECK(pthread_join(tid, NULL) == 0);
}

static inline int
protocol_main(const struct protocol *pr, int argc, char **argv)
{

	for (; pr->pr_name != NULL; pr++) {
		if (argc < 2)
			(void)printf("%s\n", pr->pr_name);
		else if (strcmp(pr->pr_name, argv[1]) == 0) {
			if (argc > 2 || pr->pr_once)
				(*pr->pr_func)(NULL);
			else
				wqsim_run(pr->pr_func, NULL);
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}

#endif	/* !_H_PROTOCOL_H_ */
