/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how items return to the owner of an iv_work_pool,
 * and of the pool's end: sys/compat/ivykis/iv_work.c and iv_worker.c in small.
 *
 *	here			there
 *	worker()		iv_item_run() after the callback, with
 *				iv_lane_put(), and iv_worker_putter()
 *	owner()			iv_pool_handler(), iv_pool_complete()
 *	ASLEEP			IV_ASLEEP
 *	done			ip_done: a set of items, a bit each
 *	putter			ip_putter
 *	event, task		ip_event is posted, ip_task is registered
 *
 * As in iv_work.pml each access to shared memory is a step, and the putter's
 * stores of ln_tail become visible late.  There is one store buffer, because
 * there is one putter.  The buffer is empty when another thread sees that
 * ip_putter is free, and when the owner sees the event, which is posted under a
 * lock.
 *
 * The code decides some things by counts; the model decides them freely.  These
 * are when the lane is opened, when another thread becomes the putter, and how
 * long the owner looks before it leaves the rest for the next turn.
 *
 * Checked: each item is completed exactly once; all items are completed when
 * the owner finds the pool retired; no thread accesses the pool after that.
 *
 * The shape of a run, by -D:
 *	THREADS=n	threads
 *	ITEMS=n		items of each thread
 *	LANE=n		IV_LANE
 *	LATE		no thread ends before all is completed; without LATE,
 *			the end of a thread makes the owner look once more
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_CLOSE	the owner leaves the lane open when it goes to sleep
 *	BROKEN_AGAIN	it does not look again after closing
 *	BROKEN_FENCE	closing has no fence
 *	BROKEN_LATE	the putter does not look at ln_open after its put
 *	BROKEN_ASLEEP	the owner stores IV_ASLEEP without a compare
 *	BROKEN_PUTTER	two threads put into the lane
 *	BROKEN_RETIRED	the owner checks last whether the pool is retired
 */

#ifndef THREADS
#define THREADS	2
#endif
#ifndef ITEMS
#define ITEMS	2
#endif
#ifndef LANE
#define LANE	2
#endif

#define ASLEEP	128
#define ALL	((1 << (THREADS * ITEMS)) - 1)

byte done = ASLEEP;
bool open;
byte head, tail, seen;
byte slots[LANE];
byte nbuf;			/* putter's stores of tail not yet visible */
bool putter;
bool event, task, retired;

/* The observer's state. */
byte left = THREADS;		/* threads */
byte completed;
bool freed;

#define DRAIN		tail = tail + nbuf; nbuf = 0
#define ALIVE		assert(!freed)

active proctype drain()
{
end:	do
	:: atomic { nbuf > 0 -> tail++; nbuf-- }
	od
}

active [THREADS] proctype worker()
{
	byte k, item, old, t;
	bool mine, put;

	do
	:: k == ITEMS -> break
	:: else ->
		item = 1 << ((_pid - 1) * ITEMS + k);
		if
		:: !mine ->
			if
#ifdef BROKEN_PUTTER
			:: mine = true
#else
			:: atomic { !putter -> putter = true; mine = true }
#endif
			:: skip
			fi
		:: else ->
			if
			/* Its store is the last in the buffer. */
			:: atomic { nbuf == 0 -> putter = false; mine = false }
			:: skip
			fi
		fi;
		put = false;
		d_step { ALIVE; old = (mine && open) }
		if
		:: old ->
			d_step {
				t = tail + nbuf;
				if
				:: t - seen == LANE -> seen = head
				:: else
				fi;
				if
				:: t - seen == LANE
				:: else -> put = true
				fi
			}
#ifdef BROKEN_PUTTER
			/* Another thread may have done the same. */
			skip;
#endif
			d_step {
				if
				:: put ->
					slots[t % LANE] = item;
					nbuf = t + 1 - tail
				:: else
				fi;
				t = 0
			}
			d_step { ALIVE; old = !open }
			if
#ifndef BROKEN_LATE
			:: put && old -> d_step { ALIVE; DRAIN; event = true }
#endif
			:: else
			fi
		:: else
		fi;
		if
		:: !put ->
			d_step { ALIVE; old = done }
			if
			:: mine -> open = true
			:: true
			fi;
			do
			:: put -> break
			:: else ->
				d_step {
					ALIVE;
					/*
					 * A locked instruction of this thread.
					 */
					if
					:: mine -> DRAIN
					:: else
					fi;
					if
					:: done == old ->
						done = item | (old & ~ASLEEP);
						put = true
					:: else -> old = done
					fi
				}
			od;
			if
			:: old == ASLEEP -> d_step { ALIVE; event = true }
			:: else
			fi
		:: else
		fi;
		old = 0;
		put = false;
		item = 0;
		k++
	od;
#ifdef LATE
	completed == ALL;
#endif
	/* The last thread: iv_pool_retired(). */
	if
	:: mine -> atomic { nbuf == 0 -> putter = false; mine = false }
	:: else
	fi;
	skip;
	d_step {
		left--;
		old = (left == 0)
	}
	if
	:: old -> retired = true; event = true
	:: else
	fi
}

inline complete(set)
{
	assert((completed & (set)) == 0);
	completed = completed | (set)
}

active proctype owner()
{
	byte x;
	bool r;

idle:	atomic {
		if
		:: event -> event = false
		:: task -> task = false
		fi
	}
	do
	:: true ->
		/* The lane, and the list. */
		do
		:: true ->
			d_step {
				x = 0;
				if
				:: head != tail ->
					x = slots[head % LANE];
					complete(x);
					head++
				:: else
				fi
			}
			if
			:: x == 0 -> break
			:: else
			fi
		od;
		x = done;
		if
		:: x != 0 && x != ASLEEP ->
			d_step {
				complete(done);
				done = 0;
				x = 0
			}
		:: else -> x = 0
		fi;
		/* Look once more, leave the rest to the task, or finish. */
		if
		:: skip
		:: task = true; goto idle
		:: break
		fi
	od;
#ifndef BROKEN_CLOSE
	if
	:: open ->
		open = false;
#ifndef BROKEN_FENCE
		d_step { DRAIN }
#endif
	:: else
	fi;
#endif
#ifndef BROKEN_RETIRED
	r = retired;
#endif
#ifndef BROKEN_AGAIN
	if
	:: head != tail -> task = true; goto idle
	:: else
	fi;
#endif
	d_step {
		x = done;
#ifdef BROKEN_ASLEEP
		x = 0;
		done = ASLEEP;
#else
		if
		:: x == 0 -> done = ASLEEP
		:: else
		fi
#endif
	}
	if
	:: x == 0 || x == ASLEEP -> x = 0
	:: else -> x = 0; task = true; goto idle
	fi;
#ifdef BROKEN_RETIRED
	r = retired;
#endif
	if
	:: r ->
		atomic { assert(completed == ALL); freed = true }
	:: else -> goto idle
	fi
}
