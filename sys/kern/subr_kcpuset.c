/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * kcpuset(9).  Accesses to words are relaxed atomics, except in the atomic
 * functions.  If several threads change a set without the atomic functions,
 * some changes may be lost, but nothing worse happens.
 */

#include <sys/kcpuset.h>
#include <sys/kmem.h>

#include "kern.h"
#include "kern_boot.h"
#include "subr_cpu.h"

#define	KC_BITS		32
#define	KC_WORDS	(CPU_MAX / KC_BITS)

struct kcpuset {
	unsigned	 kc_refs;		/* (a) */
	uint32_t	 kc_word[KC_WORDS];	/* (a) */
};

/*
 * The set of all CPUs, complete once kcpuset_made is set.  One of its
 * references is never dropped.
 */
static struct kcpuset	kcpuset_static = { .kc_refs = 1 };
static bool		kcpuset_made;		/* (a) */

static inline uint32_t
kc_get(const kcpuset_t *kc, unsigned i)
{

	return atomic_load_relaxed(&kc->kc_word[i]);
}

static inline void
kc_put(kcpuset_t *kc, unsigned i, uint32_t word)
{

	atomic_store_relaxed(&kc->kc_word[i], word);
}

static inline unsigned
kc_index(unsigned long cpu, const char *func)
{

	KASSERTMSG(cpu < CPU_MAX, "%s: CPU %lu", func, cpu);
	return (unsigned)(cpu / KC_BITS);
}

static inline uint32_t
kc_bit(unsigned long cpu)
{

	return (uint32_t)1 << (cpu % KC_BITS);
}

__kern_public void
kcpuset_create(kcpuset_t **kcp, bool zero)
{

	kern_init();
	(void)zero;
	*kcp = kmem_zalloc(sizeof(**kcp), KM_SLEEP);
	atomic_store_relaxed(&(*kcp)->kc_refs, 1u);
}

__kern_public void
kcpuset_clone(kcpuset_t **kcp, const kcpuset_t *kc)
{

	kcpuset_create(kcp, false);
	kcpuset_copy(*kcp, kc);
}

__kern_public void
kcpuset_use(kcpuset_t *kc)
{

	(void)atomic_fetch_add_relaxed(&kc->kc_refs, 1u);
}

__kern_public void
kcpuset_destroy(kcpuset_t *kc)
{
	unsigned n;

	/*
	 * Acquire and release: the thread that frees the set sees what the
	 * others did.
	 */
	n = atomic_fetch_add_acq_rel(&kc->kc_refs, -1u);
	KASSERTMSG(n != 0, "kcpuset_destroy: %p is destroyed", (void *)kc);
	if (n == 1)
		kmem_free(kc, sizeof(*kc));
}

/*
 * Drop a reference.  NetBSD puts sets that must not be freed yet on the list.
 * Here a set may be freed at once.
 */
__kern_public void
kcpuset_unuse(kcpuset_t *kc, kcpuset_t **list)
{

	(void)list;
	kcpuset_destroy(kc);
}

__kern_public void
kcpuset_copy(kcpuset_t *to, const kcpuset_t *from)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(to, i, kc_get(from, i));
}

__kern_public void
kcpuset_zero(kcpuset_t *kc)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(kc, i, 0);
}

__kern_public void
kcpuset_fill(kcpuset_t *kc)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(kc, i, ~(uint32_t)0);
}

__kern_public void
kcpuset_set(kcpuset_t *kc, unsigned long cpu)
{
	unsigned i;

	i = kc_index(cpu, "kcpuset_set");
	kc_put(kc, i, kc_get(kc, i) | kc_bit(cpu));
}

__kern_public void
kcpuset_clear(kcpuset_t *kc, unsigned long cpu)
{
	unsigned i;

	i = kc_index(cpu, "kcpuset_clear");
	kc_put(kc, i, kc_get(kc, i) & ~kc_bit(cpu));
}

__kern_public bool
kcpuset_isset(const kcpuset_t *kc, unsigned long cpu)
{

	return (kc_get(kc, kc_index(cpu, "kcpuset_isset")) & kc_bit(cpu)) !=
	    0;
}

__kern_public bool
kcpuset_isotherset(const kcpuset_t *kc, unsigned long cpu)
{
	unsigned i, n;

	n = kc_index(cpu, "kcpuset_isotherset");
	for (i = 0; i < KC_WORDS; i++)
		if ((kc_get(kc, i) & (i == n ? ~kc_bit(cpu) : ~0u)) != 0)
			return true;
	return false;
}

__kern_public bool
kcpuset_iszero(const kcpuset_t *kc)
{

	return kcpuset_ffs(kc) == 0;
}

__kern_public bool
kcpuset_match(const kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		if (kc_get(a, i) != kc_get(b, i))
			return false;
	return true;
}

__kern_public bool
kcpuset_intersecting_p(const kcpuset_t *a, const kcpuset_t *b)
{

	return kcpuset_ffs_intersecting(a, b) != 0;
}

__kern_public void
kcpuset_intersect(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(a, i, kc_get(a, i) & kc_get(b, i));
}

__kern_public void
kcpuset_merge(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(a, i, kc_get(a, i) | kc_get(b, i));
}

__kern_public void
kcpuset_remove(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		kc_put(a, i, kc_get(a, i) & ~kc_get(b, i));
}

__kern_public unsigned long
kcpuset_ffs_intersecting(const kcpuset_t *a, const kcpuset_t *b)
{
	uint32_t word;
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		if ((word = kc_get(a, i) & kc_get(b, i)) != 0)
			return i * KC_BITS + (unsigned)__builtin_ffs((int)word);
	return 0;
}

__kern_public unsigned long
kcpuset_ffs(const kcpuset_t *kc)
{

	return kcpuset_ffs_intersecting(kc, kc);
}

__kern_public int
kcpuset_countset(const kcpuset_t *kc)
{
	uint32_t word;
	unsigned i;
	int n;

	n = 0;
	for (i = 0; i < KC_WORDS; i++)
		for (word = kc_get(kc, i); word != 0; word &= word - 1)
			n++;
	return n;
}

__kern_public void
kcpuset_atomic_set(kcpuset_t *kc, unsigned long cpu)
{

	/* Sequentially consistent: a bit may be a flag between CPUs. */
	(void)atomic_fetch_or_seq_cst(
	    &kc->kc_word[kc_index(cpu, "kcpuset_atomic_set")], kc_bit(cpu));
}

__kern_public void
kcpuset_atomic_clear(kcpuset_t *kc, unsigned long cpu)
{

	/* Sequentially consistent: as above. */
	(void)atomic_fetch_and_seq_cst(
	    &kc->kc_word[kc_index(cpu, "kcpuset_atomic_clear")],
	    ~kc_bit(cpu));
}

__kern_public void
kcpuset_atomicly_intersect(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	/* Sequentially consistent: as above, here and below. */
	for (i = 0; i < KC_WORDS; i++)
		(void)atomic_fetch_and_seq_cst(&a->kc_word[i], kc_get(b, i));
}

__kern_public void
kcpuset_atomicly_merge(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		(void)atomic_fetch_or_seq_cst(&a->kc_word[i], kc_get(b, i));
}

__kern_public void
kcpuset_atomicly_remove(kcpuset_t *a, const kcpuset_t *b)
{
	unsigned i;

	for (i = 0; i < KC_WORDS; i++)
		(void)atomic_fetch_and_seq_cst(&a->kc_word[i],
		    ~kc_get(b, i));
}

__kern_public kcpuset_t *
wqk_kcpuset_all(void)
{
	int i;

	/*
	 * Several threads may do this at once, with the same result.  Acquire:
	 * pairs with the release below.
	 */
	if (!atomic_load_acquire(&kcpuset_made)) {
		kern_init();
		for (i = 0; i < ncpu; i++)
			kcpuset_atomic_set(&kcpuset_static, (unsigned long)i);
		atomic_store_release(&kcpuset_made, true);
	}
	return &kcpuset_static;
}
