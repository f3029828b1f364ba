/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The memory models of the simulator: store buffers.  See sim.h.
 *
 * Without store buffers each access is sequentially consistent, because one
 * thread runs at a time.  In the models tso and pso a store enters the store
 * buffer of its thread, and reaches memory later.  Loads of the thread itself
 * look into its buffer first.  At each point the strategy may let stores reach
 * memory, in this order:
 *
 *	tso	the oldest store of a thread first (x86, SPARC)
 *	pso	the oldest store of a thread to each address first; but a
 *		release store follows all earlier stores, and a store after a
 *		release fence follows those before the fence
 *
 * A read-modify-write drains the thread's buffer, and so does a full fence.  A
 * sequentially consistent store drains the buffer and does not enter it.  Each
 * call that is a point, except wqsim_point(), also drains the buffer.  So do
 * free(3) and the end of the thread.  host_fence_heavy() drains all buffers.
 * host_fence_light() drains none.
 *
 * The simulator sees only the atomic operations of sources that are compiled
 * with _WQ_SIM.  Plain stores reach memory at once.  A thread soon reuses its
 * stack with plain stores.  So an atomic store to its own stack drains the
 * buffer and does not enter it.  The same is true for a store of more than 8
 * bytes.  A load that only partly overlaps a store in the buffer drains the
 * buffer, too.
 */

#include <host/sim.h>

static bool
store_isnext(const struct sim_buffer *b, unsigned i)
{
	const struct sim_store *s = &b->b_stores[i], *o;
	unsigned j;

	for (j = 0; j < i; j++) {
		o = &b->b_stores[j];
		if (o->s_number < s->s_after ||
		    (o->s_addr < s->s_addr + s->s_size &&
		    s->s_addr < o->s_addr + o->s_size))
			return false;
	}
	return true;
}

/* Let one store reach memory. */
static void
store_flush(struct sim_buffer *b, unsigned i)
{
	const struct sim_store *s = &b->b_stores[i];

	switch (s->s_size) {
	case 1:
		__atomic_store_n((uint8_t *)s->s_addr, s->s_value.v_8,
		    __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((uint16_t *)s->s_addr, s->s_value.v_16,
		    __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((uint32_t *)s->s_addr, s->s_value.v_32,
		    __ATOMIC_RELAXED);
		break;
	case 8:
		__atomic_store_n((uint64_t *)s->s_addr, s->s_value.v_64,
		    __ATOMIC_RELAXED);
		break;
	}
	sim.sim_nstores--;
	for (b->b_n--; i < b->b_n; i++)
		b->b_stores[i] = b->b_stores[i + 1];
}

void
sim_drain(struct sim_thread *t)
{

	while (t->st_buffer.b_n > 0)
		store_flush(&t->st_buffer, 0);
}

void
sim_drain_all(void)
{
	unsigned i;

	for (i = 0; i < sim.sim_nthreads && sim.sim_nstores > 0; i++)
		sim_drain(sim.sim_threads[i]);
}

/*
 * Forget the other threads' stores in a forked child, which has no other
 * threads.
 */
void
sim_stores_forked(struct sim_thread *t)
{

	sim.sim_nstores = t->st_buffer.b_n;
}

/*
 * Find store number "which" among those that can reach memory next.  If which
 * is SIM_NOSTORE, only count them.
 */
static unsigned
store_find(unsigned which, struct sim_buffer **bp, unsigned *ip)
{
	struct sim_buffer *b;
	unsigned i, j, n = 0;

	for (i = 0; i < sim.sim_nthreads; i++) {
		b = &sim.sim_threads[i]->st_buffer;
		for (j = 0; j < b->b_n; j++) {
			if (!store_isnext(b, j))
				continue;
			if (n++ == which) {
				*bp = b;
				*ip = j;
				return n;
			}
		}
	}
	return n;
}

/*
 * Ask the strategy at a point which stores reach memory now.
 */
void
sim_stores_point(void)
{
	struct sim_buffer *b = NULL;
	unsigned i = 0, which;

	while (sim.sim_nstores > 0) {
		which = sim_choose(store_find(SIM_NOSTORE, &b, &i) + 1,
		    "flush: a store reaches memory");
		if (which == 0)
			break;
		(void)store_find(which - 1, &b, &i);
		store_flush(b, i);
	}
}

/* Return the buffered store to an address, or NULL. */
static struct sim_store *
store_load(struct sim_thread *t, uintptr_t addr, unsigned size)
{
	struct sim_buffer *b = &t->st_buffer;
	struct sim_store *s;
	unsigned i;

	for (i = b->b_n; i-- > 0;) {
		s = &b->b_stores[i];
		if (s->s_addr == addr && s->s_size == size)
			return s;
		if (s->s_addr < addr + size && addr < s->s_addr + s->s_size) {
			sim_drain(t);
			break;
		}
	}
	return NULL;
}

static struct sim_store *
store_enter(struct sim_thread *t, uintptr_t addr, unsigned size, int order)
{
	struct sim_buffer *b = &t->st_buffer;
	struct sim_store *s;

	if (b->b_n == SIM_STORES)
		store_flush(b, 0);
	s = &b->b_stores[b->b_n++];
	sim.sim_nstores++;
	s->s_addr = addr;
	s->s_size = size;
	s->s_number = b->b_number++;
	s->s_after = sim.sim_model == SIM_TSO || order != __ATOMIC_RELAXED ?
	    s->s_number : b->b_fence;
	return s;
}

/*
 * Return the address that the thread's next access must use.
 */
void *
sim_access(struct sim_thread *t, const volatile void *addr, unsigned kind,
    unsigned size, int order)
{
	struct sim_store *s = NULL;
	uintptr_t a = (uintptr_t)addr;
	bool stack;

	switch (kind) {
	case _WQ_SIM_LOAD:
		if (t->st_buffer.b_n > 0)
			s = store_load(t, a, size);
		break;
	case _WQ_SIM_STORE:
		stack = a > (uintptr_t)__builtin_frame_address(0) &&
		    a < t->st_stacktop;
		if (order == __ATOMIC_SEQ_CST || stack || size > 8)
			sim_drain(t);
		else
			s = store_enter(t, a, size, order);
		break;
	case _WQ_SIM_RMW:
		sim_drain(t);
		break;
	case _WQ_SIM_FENCE:
		if (order == __ATOMIC_SEQ_CST)
			sim_drain(t);
		else if (order != __ATOMIC_ACQUIRE)
			t->st_buffer.b_fence = t->st_buffer.b_number;
		break;
	default:
		break;
	}
	return s != NULL ? (void *)&s->s_value : (void *)a;
}

/* Drain the buffer before a plain access to the memory of a buffered store. */
SIM_PUBLIC void
wqk_simplain(const volatile void *p, size_t size)
{
	struct sim_thread *t = sim_self;
	const struct sim_store *s;
	uintptr_t addr = (uintptr_t)p;
	unsigned i;

	if (t == NULL)
		return;
	for (i = 0; i < t->st_buffer.b_n; i++) {
		s = &t->st_buffer.b_stores[i];
		if (s->s_addr < addr + size && addr < s->s_addr + s->s_size) {
			sim_drain(t);
			break;
		}
	}
}
