/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how items go from the owner of an iv_work_pool to
 * its threads: sys/compat/ivykis/iv_work.c and iv_worker.c in small.
 *
 *	here			there
 *	owner()			iv_work_pool_submit_work(), with
 *				iv_lane_put() and iv_pool_submit()
 *	call()			iv_pool_call(), iv_pool_wake()
 *	worker()		iv_worker_run()
 *	  its first loop	iv_lane_take()
 *	  its second loop	iv_ring_take()
 *	  guard:		iv_guard_wanted(), iv_guard()
 *	  fill:			iv_ring_fill(), with iv_pool_order()
 *	help()			iv_pool_help()
 *	close()			iv_lane_close()
 *	WANTED			IV_WANTED
 *	inbox, list, ring	ip_inbox, ip_list, ip_ring: sets of items, a
 *				bit each, because no order is promised
 *	callq			ip_call is enqueued
 *
 * Each access to memory that threads share without a lock is a step of its own.
 * The wqpool is assumed to be correct: an inactive thread takes a call from
 * callq.  All threads exist from the start; their creation (iv_pool_hasfree(),
 * iv_pool_grow()) is not modelled.
 *
 * The owner's plain stores of ln_tail are in its store buffer, nbuf of them.
 * They become visible at any later time, at the latest with the owner's next
 * locked instruction or another thread's heavy fence.  The owner executes such
 * an instruction right after each store of ln_open.
 *
 * Where the code decides by counts and clocks, the model decides freely.  The
 * owner opens the lane whenever it pushes an item onto the list, because its
 * knowledge of the guard may be out of date.  A thread goes on guard whenever
 * there is no guard, and a guard leaves at any time.
 *
 * Checked: each item is begun exactly once.  The items in BLOCK return only
 * when all items are begun.  So if an item waits while a thread is available,
 * all threads are stuck, which spin reports as an invalid end state.  BLOCK has
 * fewer items than there are threads, or all items.
 *
 * The shape of a run, by -D:
 *	MAX=n		threads
 *	ITEMS=n		items
 *	BLOCK=n		the items that block, a bit each
 *	LANE=n		IV_LANE
 *	RING=n		IV_RING
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_CLOSE	the thread that takes the list leaves the lane open
 *			without a guard
 *	BROKEN_LEAVE	so does a thread that stops being the guard
 *	BROKEN_STOP	so does a thread that stops looking
 *	BROKEN_AGAIN	a thread that stops looking does not look again after
 *			closing
 *	BROKEN_FENCE	closing has no fence
 *	BROKEN_LATE	the owner does not look at ln_open after its put
 *	BROKEN_GUARD	the guard ignores waiting items
 *	BROKEN_PLAIN	several threads take from the lane by plain stores
 *	BROKEN_RING	a thread that takes from the lane ignores the ring
 */

#ifndef MAX
#define MAX	2
#endif
#ifndef ITEMS
#define ITEMS	3
#endif
#ifndef BLOCK
#define BLOCK	1
#endif
#ifndef LANE
#define LANE	2
#endif
#ifndef RING
#define RING	1
#endif

#define WANTED	128
#define ALL	((1 << ITEMS) - 1)

byte inbox = WANTED;
byte list, ring;		/* list: under lock */
bool lock;
byte busy;			/* ip_active */
bool called, callq;
bool guard;			/* stored under lock */
bool open;
byte head, tail;
byte slots[LANE];		/* an item's bit */
byte nbuf;			/* owner's stores of tail not yet visible */

/* The observer's state. */
byte begun;

#define DRAIN		tail = tail + nbuf; nbuf = 0
#define LOCK(l)		atomic { !(l); l = true }
#define LANE_EMPTY	(head == tail)

/* x is the caller's variable; the owner's swap drains its buffer. */
inline call(isowner)
{
	d_step {
		if
		:: isowner -> DRAIN
		:: else
		fi;
		x = called;
		called = true
	}
	if
	:: x == 0 -> callq = true
	:: else
	fi;
	x = 0
}

inline close()
{
	if
	:: open ->
		open = false;
#ifndef BROKEN_FENCE
		d_step { DRAIN }
#endif
	:: else
	fi
}

/* The lowest element of a set. */
inline lowest(set, i)
{
	i = 1;
	do
	:: set & i -> break
	:: else -> i = i << 1
	od
}

/* An item has been taken; x is the caller's variable. */
inline help(more)
{
	if
	:: busy >= MAX -> goto helped
	:: else
	fi;
	if
	:: guard -> goto helped
	:: else
	fi;
	if
	:: more || list != 0 -> goto calls
	:: else
	fi;
	if
	:: !LANE_EMPTY -> goto calls
	:: else
	fi;
	x = inbox;
	if
	:: x == WANTED -> x = 0; goto helped
	:: x == 0 ->
		d_step {
			x = inbox;
			if
			:: x == 0 -> inbox = WANTED
			:: else
			fi
		}
		if
		:: x == 0 || x == WANTED -> x = 0; goto helped
		:: else
		fi
	:: else
	fi;
calls:	x = 0;
	call(false);
helped:	skip
}

active proctype drain()
{
end:	do
	:: atomic { nbuf > 0 -> tail++; nbuf-- }
	od
}

active proctype owner()
{
	byte k, x, old, seen;
	bool put;

	do
	:: k == ITEMS -> break
	:: else ->
		put = false;
		if
		:: open ->
			d_step {
				if
				:: tail + nbuf - seen == LANE -> seen = head
				:: else
				fi;
				if
				:: tail + nbuf - seen == LANE
				:: else ->
					slots[(tail + nbuf) % LANE] = 1 << k;
					nbuf++;
					put = true
				fi
			}
			if
#ifndef BROKEN_LATE
			:: put && !open -> call(true)
#endif
			:: else
			fi
		:: else
		fi;
		if
		:: !put ->
			old = inbox;
			if
			:: open = true
			:: skip
			fi;
			do
			:: put -> break
			:: else ->
				d_step {
					DRAIN;
					if
					:: inbox == old ->
						inbox = (1 << k) |
						    (old & ~WANTED);
						put = true
					:: else -> old = inbox
					fi
				}
			od;
			if
			:: old == WANTED -> call(true)
			:: else
			fi;
			old = 0
		:: else
		fi;
		k++
	od;
	begun == ALL
}

active [MAX] proctype worker()
{
	byte x, h, item, n;
	bool more;

end:	do
	:: atomic { callq -> callq = false };
		busy++;
		called = false;
look:
		/* Take from the lane, any number of times. */
		do
		:: true ->
			d_step {
				h = head;
				x = (h == tail)
			}
			if
			:: x -> x = 0; h = 0; break
			:: else
			fi;
			d_step {
				item = 0;
				if
#ifdef BROKEN_PLAIN
				:: true ->
#else
				:: head == h ->
#endif
					item = slots[h % LANE];
					head = h + 1
				:: else
				fi;
				h = 0;
				more = false
			}
			if
			:: item == 0
			:: else ->
#ifndef BROKEN_RING
				more = (ring != 0);
#endif
				goto begin
			fi
		od;
		/* The ring. */
		skip;
		d_step {
			if
			:: ring != 0 ->
				lowest(ring, item);
				ring = ring & ~item;
				more = (ring != 0)
			:: else
			fi
		}
		if
		:: item != 0 ->
begin:		help(more);
			d_step {
				assert((begun & item) == 0);
				begun = begun | item;
				more = false
			}
			/* The thread is in the callback. */
			(item & BLOCK) == 0 || begun == ALL;
			item = 0;
			goto look
		:: else
		fi;
		/* On guard. */
		if
		:: MAX > 1 && !guard ->
			atomic { !lock; more = !guard; guard = true }
			if
			:: more ->
				more = false;
#ifdef BROKEN_GUARD
				inbox == 0 || inbox == WANTED;
				list == 0 && ring == 0 && LANE_EMPTY;
#endif
				atomic { !lock; guard = false }
#ifndef BROKEN_LEAVE
				close()
#endif
			:: else
			fi
		:: true
		fi;
		/* Fill the ring. */
		LOCK(lock);
		if
		:: ring != 0 -> lock = false; goto look
		:: else
		fi;
		do
		:: true ->
			if
			:: list == 0 && inbox != 0 && inbox != WANTED ->
				d_step { list = inbox; inbox = 0 }
#ifndef BROKEN_CLOSE
				if
				:: MAX > 1 && !guard -> close()
				:: else
				fi
#endif
			:: else
			fi;
			if
			:: list != 0 -> break
			:: else
			fi;
			if
			:: !LANE_EMPTY -> lock = false; goto look
			:: else
			fi;
#ifndef BROKEN_STOP
			if
			:: open ->
				close();
#ifndef BROKEN_AGAIN
				goto again
#endif
			:: else
			fi;
#endif
			busy--;
			d_step {
				x = inbox;
				if
				:: x == 0 -> inbox = WANTED
				:: else
				fi
			}
			if
			:: x == 0 || x == WANTED ->
				x = 0;
				lock = false;
				goto end
			:: else
			fi;
			x = 0;
			busy++;
again:			skip
		od;
		skip;
		d_step {
			n = 0;
			do
			:: n == RING || list == 0 -> break
			:: else ->
				lowest(list, x);
				ring = ring | x;
				list = list & ~x;
				n++
			od;
			x = 0;
			n = 0;
			lock = false
		}
		goto look
	od
}
