/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The usual code without a library: an intrusive list under a mutex; the
 * worker waits on a condition variable and takes the whole list.
 *
 *	listswap	signals for each item, under the mutex: the common
 *			form, and the reference of the targets
 *	listempty	signals if the list was empty, after unlocking
 */

#include <pthread.h>
#include <stdlib.h>

#include "bench.h"

struct ls_item {
	struct ls_item	*i_next;
	struct source	*i_source;
};

struct ls_queue {
	pthread_mutex_t	 q_lock BENCH_ALIGNED;
	pthread_cond_t	 q_cv;
	struct ls_item	*q_first;
	struct ls_item	**q_lastp;
	bool		 q_exit;
	pthread_t	 q_thread;
};

static void
ls_submit(void *handle, void *item)
{
	struct ls_queue *q = handle;
	struct ls_item *it = item;

	it->i_next = NULL;
	pthread_mutex_lock(&q->q_lock);
	*q->q_lastp = it;
	q->q_lastp = &it->i_next;
	pthread_cond_signal(&q->q_cv);
	pthread_mutex_unlock(&q->q_lock);
}

static void
ls_submitempty(void *handle, void *item)
{
	struct ls_queue *q = handle;
	struct ls_item *it = item;
	bool empty;

	it->i_next = NULL;
	pthread_mutex_lock(&q->q_lock);
	empty = q->q_first == NULL;
	*q->q_lastp = it;
	q->q_lastp = &it->i_next;
	pthread_mutex_unlock(&q->q_lock);
	if (empty)
		pthread_cond_signal(&q->q_cv);
}

static void *
ls_worker(void *arg)
{
	struct ls_queue *q = arg;
	struct ls_item *it, *next;

	pthread_mutex_lock(&q->q_lock);
	for (;;) {
		while ((it = q->q_first) == NULL && !q->q_exit)
			pthread_cond_wait(&q->q_cv, &q->q_lock);
		if (it == NULL)
			break;
		q->q_first = NULL;
		q->q_lastp = &q->q_first;
		pthread_mutex_unlock(&q->q_lock);
		for (; it != NULL; it = next) {
			next = it->i_next;
			bench_ran(it->i_source, it);
		}
		pthread_mutex_lock(&q->q_lock);
	}
	pthread_mutex_unlock(&q->q_lock);
	return NULL;
}

static void *
ls_open(const struct conf *c, unsigned n)
{
	struct ls_queue *q;

	(void)c;
	(void)n;
	if ((q = aligned_alloc(BENCH_LINE, sizeof(*q))) == NULL)
		return NULL;
	pthread_mutex_init(&q->q_lock, NULL);
	pthread_cond_init(&q->q_cv, NULL);
	q->q_first = NULL;
	q->q_lastp = &q->q_first;
	q->q_exit = false;
	if (pthread_create(&q->q_thread, NULL, ls_worker, q) != 0) {
		free(q);
		return NULL;
	}
	return q;
}

static void
ls_close(void *v)
{
	struct ls_queue *q = v;

	pthread_mutex_lock(&q->q_lock);
	q->q_exit = true;
	pthread_cond_signal(&q->q_cv);
	pthread_mutex_unlock(&q->q_lock);
	pthread_join(q->q_thread, NULL);
	pthread_cond_destroy(&q->q_cv);
	pthread_mutex_destroy(&q->q_lock);
	free(q);
}

static void
ls_prep(void *item, struct source *s)
{
	struct ls_item *it = item;

	it->i_source = s;
}

const struct peer peer_listswap = {
	.p_name = "listswap",
	.p_mode = "mutex, condition variable, list swapped out whole",
	.p_flags = 0,
	.p_does = DO_ALL,
	.p_itemsize = sizeof(struct ls_item),
	.p_open = ls_open,
	.p_close = ls_close,
	.p_prep = ls_prep,
	.p_submit = ls_submit,
};

const struct peer peer_listempty = {
	.p_name = "listempty",
	.p_mode = "the same, signalled if it was empty, after unlocking",
	.p_flags = 0,
	.p_does = DO_STREAM | DO_TRIP,
	.p_itemsize = sizeof(struct ls_item),
	.p_open = ls_open,
	.p_close = ls_close,
	.p_prep = ls_prep,
	.p_submit = ls_submitempty,
};
