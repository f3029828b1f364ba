/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * oneTBB: task_arena::enqueue(), with an arena of one worker per queue.  It
 * promises no order.
 */

#include <algorithm>
#include <new>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include "bench.h"

namespace {

struct tbb_item {
	struct source	*i_source;
};

/*
 * The default is one worker less than there are CPUs.  A workload needs
 * c_nworkers workers, or one for each queue, and the producers never run items.
 */
void
tbb_init(const struct conf *c)
{
	size_t n = std::max(c->c_nworkers, c->c_nqueues) + 1;

	if (n < (size_t)bench_ncpu())
		n = (size_t)bench_ncpu();
	new tbb::global_control(
	    tbb::global_control::max_allowed_parallelism, n);
}

void *
tbb_open(const struct conf *, unsigned)
{
	tbb::task_arena *arena = new tbb::task_arena(1, 0);

	arena->initialize();
	return arena;
}

void
tbb_close(void *v)
{

	delete static_cast<tbb::task_arena *>(v);
}

void
tbb_prep(void *item, struct source *s)
{

	static_cast<tbb_item *>(item)->i_source = s;
	s->s_any = true;
}

void
tbb_submit(void *handle, void *item)
{
	tbb_item *it = static_cast<tbb_item *>(item);

	static_cast<tbb::task_arena *>(handle)->enqueue([it] {
		bench_ranany(it->i_source, it);
	});
}

struct peer
make_peer()
{
	struct peer p = {};

	p.p_name = "tbb";
	p.p_mode = "task_arena::enqueue(), an arena of one worker";
	p.p_flags = PF_HEAVY;
	p.p_does = DO_ALL;
	p.p_itemsize = sizeof(struct tbb_item);
	p.p_init = tbb_init;
	p.p_open = tbb_open;
	p.p_close = tbb_close;
	p.p_prep = tbb_prep;
	p.p_submit = tbb_submit;
	return p;
}

}

extern const struct peer peer_tbb = make_peer();
