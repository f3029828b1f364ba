/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of the inbox, of sleeping and waking, of waiting and of
 * the end of a queue, in small.  It models these files of sys/kern:
 * subr_wqinbox.h and subr_workqueue.c, and for the waiter
 * subr_workqueue_wait.c and subr_workqueue_waiter.c.
 *
 *	here			there
 *	enqueue()		workqueue_enqueue(): wqinbox_insert(), a load,
 *				a store in the item's word and a swap, and
 *				wqinbox_wake()
 *	runner()		workqueue_serve()
 *	  take:			workqueue_take(), with
 *				wqinbox_take() and
 *				workqueue_turn() as move() and turn()
 *	  its second loop	workqueue_run() and workqueue_notify()
 *	  sleep:		workqueue_sleep()
 *	waiter()		workqueue_wait(), workqueue_wait_all()
 *	  find()		workqueue_find()
 *	  enroll()		workqueue_register()
 *	  settle()		workqueue_settle()
 *	destroyer()		workqueue_destroy(), workqueue_quiet(),
 *				workqueue_asleep(), workqueue_end_workers()
 *	ASLEEP			runner | WQINBOX_ASLEEP in q_inbox
 *	link[]			wk_dummy
 *	work[]			q_first, the ordered list
 *	unturned[]		q_unturned
 *	taken[]			q_base + (q_end - q_start)
 *	dying			wq_draining != 0
 *	token[], PARK, UNPARK	lwp_park() and lwp_unpark()
 *
 * Each access to memory that threads share without a lock is a step of its
 * own.  Accesses under q_lock join the step before them.  Where a critical
 * section has only one access that can race, the whole section is one step,
 * taken when the lock is free.
 *
 * An lwp is type-stable, so token[] may be written at any time.  Every other
 * access to the queue asserts !freed.  PARK never returns without a token,
 * because that would hide a lost wake-up.  A late unpark leaves a stale token
 * in the model, too.  Spinning before the sleep is not modelled: it is only
 * another look at the inbox.
 *
 * Checked:
 *	- every item runs (with LATE the destroyer starts only when all items
 *	  have run, so a lost wake-up leaves all threads stuck, and spin
 *	  reports an invalid end state);
 *	- each item runs once, in the order of the swaps (order[]);
 *	- a wait returns, but only after each run that was requested before
 *	  the wait has returned;
 *	- destroy returns, and all items have run, including those that
 *	  callbacks enqueued meanwhile on any CPU;
 *	- no thread accesses a freed queue, even if it is a producer that is
 *	  late with its wake-up, or a waiter that is leaving;
 *	- with -DNP and pan -l: no thread loops without end.
 * Spin proves this for sequential consistency.  The comments in the code give
 * the reasons for the memory orders.
 *
 * The shape of a run, by -D:
 *	NQ=n		queues with a runner each; more than 1 is WQ_PERCPU
 *	BATCH=n		WQ_BATCH
 *	NWAIT=n		waiters, 0 to 2, all for the last item
 *	P0=n, P1=n	items of the two producers
 *	HOPS=n		the last item's callback enqueues it again n times in
 *			all, on the next CPU's queue
 *	HOPS1=n		the same for the first item
 *	LATE		destroy when all items have run and no wait is active;
 *			otherwise as soon as the producers' swaps are done and
 *			the waits have begun
 *	SINGLE		with one runner: the destroyer lets it end at once, and
 *			the runner ends when it finds nothing
 *	STUCK		the first producer wakes the runner only when the queue
 *			is freed; all others must proceed without it
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_WAKE	the runner stores its announcement without a compare
 *	BROKEN_RECHECK	the runner trusts its token and does not look at the
 *			inbox again
 *	BROKEN_MOVE	a waiter takes the inbox although the runner sleeps
 *	BROKEN_LASTTOUCH  a producer reads the runner's address from the queue
 *			after its swap
 *	BROKEN_DEKKER	a waiter does not look at q_done again when it has
 *			registered
 *	BROKEN_SETTLE	a waiter for an item on the list waits for the second
 *			item of the next batch
 *	BROKEN_TURN	the runner does not check for unturned items before it
 *			sleeps
 *	BROKEN_DESTROY	destroy looks once at each head and at no q_done
 *	BROKEN_DESTROY_ORDER  the second look is at q_done and then the head
 *	BROKEN_DYING	a runner announces its sleep after it has looked for a
 *			destroyer
 *	BROKEN_HELP	a waiter or destroyer does not wake the runner in place
 *			of a producer that was stopped
 *	BROKEN_EXIT	the runner looks at the inbox first, and then whether
 *			it must end
 *	BROKEN_LEAVE	destroy does not wait for waiters to leave
 */

#ifndef NQ
#define NQ	1
#endif
#ifndef BATCH
#define BATCH	1
#endif
#ifndef NWAIT
#define NWAIT	0
#endif
#ifndef P0
#define P0	2
#endif
#ifndef P1
#define P1	1
#endif
#ifndef HOPS
#define HOPS	0
#endif
#ifndef HOPS1
#define HOPS1	0
#endif

#define NITEM	(P0 + P1)		/* items are 1 .. NITEM */
#define NRUN	(NITEM + HOPS + HOPS1)	/* runs that must happen */
#define WITEM	NITEM			/* what the waiters wait for */
#define ASLEEP	255
#define NOPOS	255

/* lwps */
#define RUNNER(q)	(q)
#define DESTROYER	NQ
#define WAITER(w)	(NQ + 1 + (w))
#define NLWP		(NQ + 1 + NWAIT)

/* The workqueue: freed by destroy. */
byte inbox[NQ];				/* q_inbox */
bool qlock[NQ];				/* q_lock */
chan work[NQ] = [NRUN] of { byte };	/* q_first */
byte unturned[NQ];			/* q_unturned */
byte batch[NQ * BATCH];			/* q_batch */
byte nbatch[NQ];			/* items in it */
byte taken[NQ];				/* items ever taken */
byte ndone[NQ];			/* q_done */
byte waitpos[NQ] = NOPOS;		/* q_waitpos */
byte waiting[NQ];			/* q_waiters: a bit each */
bool dying;				/* wq_draining is not 0 */
bool exiting[NQ];			/* q_worker is WORKER_ENDS */
byte nwaiting;				/* wq_waiting */

/* The items' own memory, the waiters' stacks, and lwps. */
byte link[NITEM + 1];
#if NWAIT > 0
#define REC(w, q)	((w) * NQ + (q))
byte pos[NWAIT * NQ];			/* ww_pos */
bool listed[NWAIT * NQ];		/* !ww_taken */
bool woken[NWAIT * NQ];			/* ww_done */
#endif
bool token[NLWP];

/* The observer's state; not part of the protocol. */
bool freed;
bool gone[NQ];				/* the thread has ended */
bool pending[NITEM + 1];		/* the word is the library's */
byte hops[NITEM + 1];
byte left = NITEM;			/* producers' swaps to come */
byte entered;				/* waits begun */
byte nreturned;
#if NWAIT > 0
byte enqueued, started, returned;	/* of WITEM; returned: a bit each */
#endif
chan order[NQ] = [NRUN] of { byte };	/* in the order of the swaps */

#define ALIVE		assert(!freed)
#define LOCK(l)		atomic { !(l); ALIVE; l = true }
#define UNLOCK(l)	atomic { ALIVE; assert(l); l = false }
#define PARK(l)		atomic { token[l]; token[l] = false }
#define UNPARK(l)	token[l] = true

/* old and swapped are the caller's variables; outside: not in a callback. */
inline enqueue(q, w, outside)
{
	d_step {
		ALIVE;
		assert(!pending[w]);
		old = inbox[q];
		swapped = false
	}
	do
	:: swapped -> break
	:: else ->
		d_step {
			ALIVE;
			link[w] = (old == ASLEEP -> 0 : old);
			if
			:: inbox[q] == old ->
				inbox[q] = w;
				swapped = true;
				/* The observer's state: */
				pending[w] = true;
				order[q]!w;
				left = left - outside;
#if NWAIT > 0
				if
				:: w == WITEM -> enqueued++
				:: else
				fi
#endif
			:: else ->
				old = inbox[q]
			fi
		}
	od;
	/* From here on the queue may have been freed. */
	if
	:: old == ASLEEP ->
#ifdef BROKEN_LASTTOUCH
		ALIVE;
#endif
#ifdef STUCK
		if
		:: w == 1 && outside -> freed
		:: else
		fi;
#endif
		UNPARK(RUNNER(q))
	:: else
	fi;
	d_step { old = 0; swapped = false }
}

/* Within a d_step, q_lock held: take the inbox. */
inline move(q)
{
	ALIVE;
	assert(unturned[q] == 0);
	if
	:: inbox[q] == ASLEEP
	:: else -> unturned[q] = inbox[q]; inbox[q] = 0
	fi
}

/* Within a d_step, q_lock held: move the unturned items to the ordered list. */
inline turn(q)
{
	ALIVE;
	x = unturned[q];
	unturned[q] = 0;
	prev = 0;
	do
	:: x == 0 -> break
	:: else ->
		assert(x <= NITEM && pending[x]);
		next = link[x];
		link[x] = prev;
		prev = x;
		x = next
	od;
	do
	:: prev == 0 -> break
	:: else ->
		work[q]!prev;
		x = prev;
		prev = link[x];
		link[x] = 0
	od;
	next = 0;
	x = 0
}

proctype producer(byte first; byte n)
{
	byte old, k;
	bool swapped;

	do
	:: k == n -> break
	:: else ->
		enqueue(((first + k) % NQ), first + k, 1);
		k++
	od
}

#if NWAIT > 0
/* Within a d_step, q_lock held: look for a waiter's item in the batch. */
inline settle(w, q)
{
	if
	:: listed[REC(w, q)] ->
		k = pos[REC(w, q)];
		do
		:: k > taken[q] -> break
		:: else ->
			assert(k > taken[q] - nbatch[q]);
			if
			:: batch[q * BATCH + k - (taken[q] - nbatch[q]) - 1] ==
			    WITEM ->
				listed[REC(w, q)] = false;
				break
			:: else -> k++
			fi
		od;
		pos[REC(w, q)] = k;
		k = 0
	:: else
	fi
}
#endif

proctype runner(byte q)
{
	byte x, y, prev, next, b, k, n, old, r, nth;
	bool swapped;

take:	atomic {
		!qlock[q];
		d_step {
			assert(inbox[q] != ASLEEP);
			nbatch[q] = 0;
			if
			:: len(work[q]) == 0 && unturned[q] == 0 -> move(q)
			:: else
			fi;
			if
			:: len(work[q]) == 0 -> turn(q)
			:: else
			fi;
			n = 0;
			do
			:: n == BATCH || len(work[q]) == 0 -> break
			:: else ->
				work[q]?x;
				batch[q * BATCH + n] = x;
				n++
			od;
			x = 0;
			nbatch[q] = n;
			taken[q] = taken[q] + n
		}
	}
	if
	:: n == 0 -> goto sleep
	:: else
	fi;

	/* The batch, without the lock. */
	do
	:: b == n -> break
	:: else ->
		d_step {
			/* The callback is called: the word is the client's. */
			ALIVE;
			x = batch[q * BATCH + b];
			order[q]?y;
			assert(x == y);
			pending[x] = false;
			y = (hops[x] > 0);
			if
			:: y -> hops[x]--
			:: else
			fi;
#if NWAIT > 0
			if
			:: x == WITEM -> started++; nth = started
			:: else
			fi
#endif
		}
		if
		:: y ->
			y = 0;
			enqueue(((q + 1) % NQ), x, 0)
		:: else
		fi;
		/* The callback returns. */
		d_step {
			ALIVE;
#if NWAIT > 0
			if
			:: x == WITEM ->
				returned = returned | (1 << nth);
				nth = 0
			:: else
			fi;
#endif
			nreturned++;
			x = 0;
			b++;
			ndone[q]++
		}
#if NWAIT > 0
		d_step { ALIVE; y = (ndone[q] >= waitpos[q]) }
		if
		:: y ->
			LOCK(qlock[q]);
			prev = NOPOS;
			y = 0;
			do
			:: r == NWAIT -> break
			:: else ->
				d_step {
					ALIVE;
					y = (waiting[q] >> r) & 1;
					if
					:: y -> settle(r, q)
					:: else
					fi;
					if
					:: y && pos[REC(r, q)] <= ndone[q] ->
						waiting[q] = waiting[q] -
						    (1 << r);
						woken[REC(r, q)] = true
					:: y && pos[REC(r, q)] > ndone[q] ->
						if
						:: pos[REC(r, q)] < prev ->
							prev = pos[REC(r, q)]
						:: else
						fi;
						y = 0
					:: else
					fi
				}
				/*
				 * The waiter's stack may be gone.  Its lwp is
				 * not.
				 */
				if
				:: y -> y = 0; UNPARK(WAITER(r))
				:: else
				fi;
				r++
			od;
			r = 0;
			atomic {
				waitpos[q] = prev;
				prev = 0;
				UNLOCK(qlock[q])
			}
		:: else
		fi;
#endif
		batch[q * BATCH + b - 1] = 0
	od;
	b = 0;
	n = 0;
	goto take;

sleep:	skip;
#ifdef BROKEN_DYING
	d_step { ALIVE; next = dying }
#endif
#ifdef BROKEN_WAKE
	LOCK(qlock[q]);
	d_step {
		ALIVE;
		y = (len(work[q]) == 0 && unturned[q] == 0 && inbox[q] == 0)
	}
	if
	:: y -> inbox[q] = ASLEEP
	:: else
	fi;
	UNLOCK(qlock[q]);
#else
	atomic {
		!qlock[q];
		ALIVE;
		y = (len(work[q]) == 0 && inbox[q] == 0);
#ifndef BROKEN_TURN
		y = y && unturned[q] == 0;
#endif
		if
		:: y -> inbox[q] = ASLEEP
		:: else
		fi
	}
#endif
	if
	:: !y -> goto take
	:: else -> y = 0
	fi;
#ifndef BROKEN_DYING
	d_step { ALIVE; next = dying }
#endif
	if
	:: next -> next = 0; UNPARK(DESTROYER)
	:: else
	fi;
	do
	:: true ->
#ifndef BROKEN_EXIT
		d_step { ALIVE; next = exiting[q] }
#endif
		d_step { ALIVE; y = (inbox[q] != ASLEEP) }
		if
		:: y -> y = 0; next = 0; goto take
		:: else
		fi;
#ifdef BROKEN_EXIT
		d_step { ALIVE; next = exiting[q] }
#endif
		if
		:: next -> next = 0; break
		:: else
		fi;
		PARK(RUNNER(q));
#ifdef BROKEN_RECHECK
		d_step { ALIVE; y = exiting[q] }
		if
		:: y -> y = 0; break
		:: else -> goto take
		fi
#endif
	od;
	gone[q] = true
}

#if NWAIT > 0
/*
 * Within a d_step, q_lock held: find the position of WITEM, or the least
 * position that it can get, or 0.  Look in the batch, and then on the list
 * unless the item is pending in the batch.
 */
inline find(w, q)
{
	ALIVE;
	assert(pos[REC(w, q)] == 0);
	k = nbatch[q];
	do
	:: k == 0 || pos[REC(w, q)] != 0 -> break
	:: else ->
		k--;
		x = taken[q] - nbatch[q] + k + 1;
		if
		:: x <= ndone[q] -> break
		:: x > ndone[q] && batch[q * BATCH + k] == WITEM ->
			pos[REC(w, q)] = x
		:: else
		fi
	od;
	n = (pos[REC(w, q)] > ndone[q] + 1 -> 0 : len(work[q]));
	k = 0;
	do
	:: k == n -> break
	:: else ->
		/* Rotate once: only a channel's end can be read. */
		work[q]?x;
		work[q]!x;
		k++;
		if
		:: x == WITEM ->
			pos[REC(w, q)] = taken[q] + 1;
#ifdef BROKEN_SETTLE
			pos[REC(w, q)] = taken[q] + 2;
#endif
			listed[REC(w, q)] = true
		:: else
		fi
	od;
	if
	:: pos[REC(w, q)] != 0 -> on = on | (1 << q)
	:: else
	fi;
	x = 0;
	k = 0;
	n = 0
}

/* q_lock held. */
inline enroll(w, q)
{
	d_step {
		ALIVE;
		woken[REC(w, q)] = false;
		waiting[q] = waiting[q] | (1 << w);
		x = (pos[REC(w, q)] < waitpos[q]);
		if
		:: x -> waitpos[q] = pos[REC(w, q)]
		:: else
		fi
	}
#ifndef BROKEN_DEKKER
	if
	:: x && listed[REC(w, q)] -> x = 0
	:: x && !listed[REC(w, q)] ->
		d_step {
			ALIVE;
			if
			:: ndone[q] >= pos[REC(w, q)] ->
				waiting[q] = waiting[q] - (1 << w);
				woken[REC(w, q)] = true
			:: else
			fi;
			x = 0
		}
	:: else
	fi
#else
	x = 0
#endif
}

proctype waiter(byte w)
{
	byte x, prev, next, k, n, q, want;
	byte on;			/* queues registered with: a bit each */

	/* Wait only for an item that has been enqueued. */
	atomic {
		enqueued > 0;
		ALIVE;
		nwaiting++;
		entered++;
		want = enqueued
	}
	do
	:: q == NQ -> break
	:: else ->
		LOCK(qlock[q]);
#ifdef BROKEN_MOVE
		if
		:: inbox[q] == ASLEEP -> inbox[q] = 0
		:: else
		fi;
#endif
		/*
		 * Turn the unturned items, if there are any.  Take the inbox.
		 */
		d_step {
			if
			:: unturned[q] != 0 -> turn(q)
			:: else
			fi;
			move(q)
		}
		if
		:: unturned[q] != 0 -> UNLOCK(qlock[q]); LOCK(qlock[q])
		:: else
		fi;
		d_step {
			turn(q);
			find(w, q)
		}
		if
		:: on & (1 << q) -> enroll(w, q)
		:: else
		fi;
		UNLOCK(qlock[q]);
		q++
	od;
	q = 0;
	do
	:: q == NQ -> break
	:: else ->
		if
		:: on & (1 << q) ->
#ifndef BROKEN_HELP
			UNPARK(RUNNER(q));
#endif
			do
			:: woken[REC(w, q)] -> break
			:: !woken[REC(w, q)] -> PARK(WAITER(w))
			od
		:: else
		fi;
		q++
	od;
	assert(returned & (1 << want));
	/* This is the last access.  The waiter's records are gone, too. */
	atomic {
		ALIVE;
		nwaiting--;
		want = 0;
		on = 0;
		q = 0;
		do
		:: q == NQ -> break
		:: else ->
			pos[REC(w, q)] = 0;
			listed[REC(w, q)] = false;
			woken[REC(w, q)] = false;
			q++
		od
	}
}
#endif

proctype destroyer()
{
	byte seen[NQ];
	byte q, quiet;

	/* The client's promise: no enqueue and no wait begins after this. */
	left == 0 && entered == NWAIT;
#ifdef LATE
	nreturned == NRUN && nwaiting == 0;
#endif
#ifdef SINGLE
	goto end;
#endif
	dying = true;
	do
	:: true ->
		quiet = true;
		q = 0;
#ifndef BROKEN_DESTROY
		do
		:: q == NQ -> break
		:: else -> seen[q] = ndone[q]; q++
		od;
		q = 0;
#endif
		do
		:: q == NQ || !quiet -> break
		:: else ->
#ifdef BROKEN_DESTROY_ORDER
			quiet = (ndone[q] == seen[q]);
			quiet = quiet && inbox[q] == ASLEEP;
#else
			quiet = (inbox[q] == ASLEEP);
#ifndef BROKEN_DESTROY
			quiet = quiet && ndone[q] == seen[q];
#endif
#endif
			q++
		od;
		q = 0;
		if
		:: quiet -> break
		:: else
		fi;
		/* Will a worker that is awake notify us? */
		do
		:: q == NQ -> break
		:: else ->
			if
			:: inbox[q] == ASLEEP -> q++
#ifndef BROKEN_HELP
			:: else ->
				UNPARK(RUNNER(q));
				PARK(DESTROYER);
				break
#else
			:: else -> PARK(DESTROYER); break
#endif
			fi
		od
	od;
end:	q = 0;
	do
	:: q == NQ -> break
	:: else -> exiting[q] = true; UNPARK(RUNNER(q)); q++
	od;
	q = 0;
	do
	:: q == NQ -> break
	:: else -> gone[q]; q++
	od;
	q = 0;
#ifndef BROKEN_LEAVE
	nwaiting == 0;
#endif
	atomic {
		assert(nreturned == NRUN);
		do
		:: q == NQ -> break
		:: else ->
			assert(len(order[q]) == 0 && len(work[q]) == 0);
			assert(waiting[q] == 0);
			q++
		od;
		freed = true
	}
}

init
{
	byte q;

	atomic {
		hops[1] = HOPS1;
		hops[NITEM] = hops[NITEM] + HOPS;
		do
		:: q == NQ -> break
		:: else -> run runner(q); q++
		od;
		run producer(1, P0);
#if P1 > 0
		run producer(P0 + 1, P1);
#endif
#if NWAIT > 0
		run waiter(0);
#endif
#if NWAIT > 1
		run waiter(1);
#endif
		run destroyer()
	}
}
