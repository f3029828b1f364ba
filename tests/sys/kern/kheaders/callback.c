/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * callback(9) and container_of(9), with an rwlock around the state.
 */

#include <sys/param.h>
#include <sys/callback.h>
#include <sys/container_of.h>
#include <sys/rwlock.h>
#include <sys/intr.h>
#include <lib/libkern/libkern.h>

struct user {
	int			u_calls;
	struct callback_entry	u_ce;
};

static struct callback_head head;
static krwlock_t lock;

static int
user_called(struct callback_entry *ce, void *obj, void *arg)
{
	struct user *u = container_of(ce, struct user, u_ce);

	KASSERT(obj == u);
	u->u_calls++;
	return u->u_calls == *(int *)arg ? CALLBACK_CHAIN_ABORT :
	    CALLBACK_CHAIN_CONTINUE;
}

int callback_test(void);

int
callback_test(void)
{
	struct user u[3];
	unsigned i;
	int limit;

	rw_init(&lock);
	callback_head_init(&head, IPL_NONE);
	memset(u, 0, sizeof(u));
	for (i = 0; i < __arraycount(u); i++)
		callback_register(&head, &u[i].u_ce, &u[i], user_called);
	rw_enter(&lock, RW_READER);
	limit = 100;
	KASSERT(callback_run(&head, &limit) == CALLBACK_CHAIN_CONTINUE);
	KASSERT(u[0].u_calls == 1 && u[1].u_calls == 1 && u[2].u_calls == 1);
	limit = 2;
	KASSERT(callback_run(&head, &limit) == CALLBACK_CHAIN_ABORT);
	KASSERT(u[0].u_calls == 2 && u[1].u_calls == 1);
	limit = 100;
	callback_runone(&head, &limit);
	callback_runone(&head, &limit);
	KASSERT(u[0].u_calls == 3 && u[1].u_calls == 2 && u[2].u_calls == 1);
	callback_unregister(&head, &u[1].u_ce);
	callback_run_roundrobin(&head, &limit);
	KASSERT(u[0].u_calls == 4 && u[1].u_calls == 2 && u[2].u_calls == 2);
	callback_unregister(&head, &u[2].u_ce);
	callback_unregister(&head, &u[0].u_ce);
	KASSERT(callback_run(&head, &limit) == CALLBACK_CHAIN_CONTINUE);
	rw_exit(&lock);
	callback_head_destroy(&head);
	rw_destroy(&lock);
	return 0;
}
