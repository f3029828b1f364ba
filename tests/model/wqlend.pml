/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how threads are lent to queues: a cold start, a
 * thread that goes home, and the end of a queue.  It models subr_wqlend.c and
 * subr_wqlender.c of sys/kern.
 *
 *	here			there
 *	wakeup()		wqlend_wakeup()
 *	poke()			wqlend_poke()
 *	order()			wqlend_order()
 *	announce()		wqlend_announce()
 *	kick()			wqlend_kick()
 *	thread()		wqlend_thread(), wqlend_next(), wqlend_run(),
 *				wqlend_home() and wqlend_idle()
 *	  serve:		workqueue_serve()
 *	lender()		wqlender()
 *	owner()			workqueue_create(), workqueue_destroy() with
 *				wqlend_end_one()
 *	inbox[]			q_inbox: EMPTY, RECORD, ITEM, or a thread
 *	push()			wqlend_push()
 *	state[]			wl_state of the two links of each record
 *	claimer[]		its count: the producer that has claimed the
 *				link, if the link has not been taken since
 *	pbox, pushed[]		lp_inbox: whom it announces, or RECORDS
 *	listed[]		lp_first
 *	lost			lp_lost
 *	search: in thread()	wqlend_search()
 *
 * The record of a queue outlives it, and the next queue gets the same record.
 * life[] counts the queues of a record, so that the model detects an access to
 * a queue that is gone.  A thread in a critical section of lp_lock excludes the
 * others, but not the producers.  So an access to memory that a producer uses
 * is a step of its own, or the only such access of a step.
 *
 * The shape of a run, by -D:
 *	NITEM=n		items of each queue
 *	NLIFE=n		queues that the first record gets, one after the other
 *	NOWNER=n	1 or 2: records in use; 0: one client has two queues
 *	NLOOK=n		looks of the lender that change something
 *	LATE		destroy a queue when all its items have run, not as soon
 *			as they are enqueued
 *	STUCK=n		the producer of the first queue stops after its last
 *			item and goes on when the queue is gone; a waiter wakes
 *			the worker.  It stops: 1 before its claim, 2 before its
 *			push, 3 before its wake-up
 *	NPROD=2		the first queue has two such producers, of an item each;
 *			the second begins when the first's item has run
 *	SLOW		only the second of them stops
 *	BLOCK		the callback of the first queue waits for the second
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_CLAIM	the thread clears the claim only after it has looked
 *	BROKEN_SKIP	the thread does not look whether the queue has a worker
 *	BROKEN_HOME	the thread stores the record without a compare
 *	BROKEN_LWP	the thread clears q_lwp after the compare-and-swap
 *	BROKEN_KICK	a thread that takes a record wakes no other for the rest
 *	BROKEN_END	an idle thread ends without changing the announcement
 *	BROKEN_SECOND	a record has one link only, and there is no search
 *	BROKEN_LOST	there is no search
 *	BROKEN_COUNT	a producer sets PUSHED although the link was taken
 *	BROKEN_PUSH	a push that finds no announcement wakes nobody
 *	BROKEN_TOUCH	the lender puts the record in the inbox, and the thread
 *			finds out
 */

#define NQ	2
#define NT	2
#ifndef NPROD
#define NPROD	1			/* producers of the first queue */
#endif
#ifdef SLOW
#define STOPS	2
#else
#define STOPS	1
#endif
#ifndef STUCK
#define STUCK	0
#define NOSTUCK
#endif
#ifndef NLIFE
#define NLIFE	1			/* queues of the first record */
#endif
#ifndef NITEM
#define NITEM	1			/* items of each queue */
#endif
#ifndef NOWNER
#define NOWNER	2			/* records in use */
#endif
#ifndef NLOOK
#define NLOOK	2			/* looks that change something */
#endif

#define EMPTY	0
#define RECORD	1
#define ITEM	2
#define THREAD(t) (3 + (t))

#define LENDER	NT			/* tokens: threads, lender, owners */
#define OWNER(q) (NT + 1 + (q))
#define RECORDS	255
#define NOBODY	255

#define NONE	0			/* enum workqueue_worker */
#define SERVES	1
#define RETURNS	2
#define ENDS	3
#define ENDED	4

byte inbox[NQ];
byte item[NQ];				/* items that are pending */
byte ran[NQ];
byte waiting;				/* wq_waiting */
byte lwp[NQ] = NOBODY;
byte worker[NQ];
byte life[NQ];
bool alive[NQ];
byte state[2 * NQ];			/* of a link; see below */
byte claimer[2 * NQ];
bool lost;
bool pushed[2 * NQ];
bool listed[2 * NQ];
byte pbox = LENDER;
bool plock;
bool idle[NT];
bool ends[NT];
bool started[NT];
byte ofthread[NT] = NOBODY;		/* lt_queue */
bool token[NT + 1 + NQ];
byte announced = LENDER;
bool starting;

#define PARK(x)		atomic { token[x]; token[x] = false }
#define UNPARK(x)	token[x] = true
#define LOCK()		atomic { !plock; plock = true }
#define UNLOCK()	plock = false
#define SLEEPER		(idle[0] -> 0 : (idle[1] -> 1 : LENDER))
#define PENDING		(listed[0] || listed[1] || listed[2] || listed[3] || \
			    pbox == RECORDS || lost)

#define FREE	0			/* of a link */
#define CLAIMED	1
#define PUSHED	2

/* The producer stops here if w_stop is this place. */
#define STOP(n)		if						\
			:: w_stop == n -> !alive[0] || life[0] != 1	\
			:: else -> skip					\
			fi

inline push(k)
{
	STOP(2);
	atomic {
		w_box = pbox;
		pbox = RECORDS;
		pushed[k] = true
	}
	STOP(3);
	if
	:: w_box != RECORDS -> UNPARK(w_box)
#ifdef BROKEN_PUSH
	:: else -> skip
#else
	:: else -> UNPARK(LENDER)
#endif
	fi;
	d_step {
		if
#ifdef BROKEN_COUNT
		:: state[k] == CLAIMED -> state[k] = PUSHED
#else
		:: claimer[k] == _pid -> state[k] = PUSHED
#endif
		:: else -> skip
		fi;
		w_box = 0
	}
}

inline claim(k)
{
	d_step {
		w_old = state[k];
		if
		:: w_old == FREE -> state[k] = CLAIMED; claimer[k] = _pid
		:: else -> skip
		fi
	}
}

inline wakeup(q)
{
	STOP(1);
	claim(2 * q);
	if
	:: w_old == FREE -> push(2 * q)
	:: w_old == PUSHED -> skip
	:: w_old == CLAIMED ->
#ifndef BROKEN_SECOND
		claim(2 * q + 1);
		if
		:: w_old == FREE -> push(2 * q + 1)
		:: w_old == PUSHED -> skip
		:: w_old == CLAIMED ->
#ifdef BROKEN_LOST
			skip
#else
			lost = true;
			UNPARK(LENDER)
#endif
		fi
#else
		skip
#endif
	fi;
	w_old = 0
}

inline poke(q)
{
	w_lwp = lwp[q];
	if
	:: w_lwp != NOBODY -> UNPARK(w_lwp)
	:: else -> wakeup(q)
	fi
}

inline order()
{
	d_step {
		if
		:: pbox == RECORDS ->
			listed[0] = listed[0] || pushed[0];
			listed[1] = listed[1] || pushed[1];
			listed[2] = listed[2] || pushed[2];
			listed[3] = listed[3] || pushed[3];
			pushed[0] = false;
			pushed[1] = false;
			pushed[2] = false;
			pushed[3] = false;
			announced = SLEEPER;
			pbox = announced
		:: else -> skip
		fi
	}
}

inline announce()
{
	d_step {
		if
		:: pbox == announced -> announced = SLEEPER; pbox = announced
		:: else -> skip
		fi
	}
}

inline kick()
{
	d_step {
		if
		:: PENDING -> UNPARK(SLEEPER)
		:: else -> skip
		fi
	}
}

proctype thread(byte t)
{
	byte q, k, l, n;
	bool leave;

	atomic { started[t] && !plock; plock = true; starting = false };
next:
	atomic {
		q = 0;
		k = 0;
		l = 0;
		n = 0;
		leave = false
	};
	order();
	if
	:: listed[0] -> k = 0
	:: listed[1] -> k = 1
	:: listed[2] -> k = 2
	:: listed[3] -> k = 3
	:: else -> goto search
	fi;
	d_step {
		listed[k] = false;
		q = k / 2
#ifndef BROKEN_CLAIM
		;
		state[k] = FREE;
		claimer[k] = NOBODY
#endif
	};
	if
	:: !alive[q] -> leave = true
#ifndef BROKEN_SKIP
	:: alive[q] && lwp[q] != NOBODY -> leave = true
#endif
	:: alive[q] && inbox[q] == RECORD -> leave = true
	:: else -> leave = false
	fi;
#ifdef BROKEN_CLAIM
	d_step { state[k] = FREE; claimer[k] = NOBODY };
#endif
	if
	:: leave -> goto next
	:: else -> goto lend
	fi;
search:
	if
	:: atomic { lost -> lost = false }
	:: else -> goto sleep
	fi;
	do
	:: q == NQ -> goto sleep
	:: q < NQ && state[2 * q] == CLAIMED && state[2 * q + 1] == CLAIMED ->
		if
		:: alive[q] && lwp[q] == NOBODY && inbox[q] != RECORD ->
			lost = true;
			break
		:: else -> q++
		fi
	:: else -> q++
	od;
lend:
	atomic {
		k = 0;
		leave = false;
		lwp[q] = t;
		l = life[q];
		ofthread[t] = q;
		if
		:: worker[q] == ENDS -> skip
		:: worker[q] != ENDS && PENDING -> worker[q] = RETURNS
		:: else -> worker[q] = SERVES
		fi
	};
	atomic {
#ifndef BROKEN_KICK
		kick();
#endif
		UNLOCK()
	};
serve:
	assert(alive[q] && life[q] == l);
	/* workqueue_take() and workqueue_run() */
	if
	:: d_step {
			inbox[q] == ITEM ->
			inbox[q] = EMPTY;
			n = item[q];
			item[q] = 0
		}
#ifdef BLOCK
		if
		:: q == 0 -> ran[1] != 0
		:: else -> skip
		fi;
#endif
		d_step {
			assert(lwp[q] == t);
			ran[q] = ran[q] + n;
			n = 0
		};
		goto serve
	:: atomic { inbox[q] == EMPTY -> inbox[q] = THREAD(t) }
	fi;
look:
	atomic {
		assert(alive[q] && life[q] == l);
		leave = worker[q] != SERVES
	};
	if
	:: inbox[q] != THREAD(t) ->
#ifdef BROKEN_TOUCH
		if
		:: inbox[q] == RECORD -> goto back
		:: else -> skip
		fi;
#endif
		goto serve
	:: else -> skip
	fi;
	if
	:: leave -> skip
	:: else -> PARK(t); goto look
	fi;
	LOCK();
	assert(alive[q] && life[q] == l);
#ifdef BROKEN_LWP
	if
	:: atomic { inbox[q] == THREAD(t) -> inbox[q] = RECORD }
	:: else -> leave = false
	fi;
	if
	:: leave -> lwp[q] = NOBODY
	:: else -> skip
	fi;
#else
	lwp[q] = NOBODY;
#ifdef BROKEN_HOME
	inbox[q] = RECORD;
#else
	if
	:: atomic { inbox[q] == THREAD(t) -> inbox[q] = RECORD }
	:: else -> leave = false
	fi;
#endif
#endif
	if
	:: leave -> skip
	:: else ->
		d_step {
			lwp[q] = t;
			if
			:: worker[q] != ENDS -> worker[q] = SERVES
			:: else -> skip
			fi;
			UNLOCK()
		};
		goto serve
	fi;
	d_step {
		ofthread[t] = NOBODY;
		if
		:: worker[q] == ENDS -> worker[q] = ENDED; UNPARK(OWNER(q))
		:: else -> worker[q] = NONE
		fi
	};
	goto next;
#ifdef BROKEN_TOUCH
back:
	LOCK();
	lwp[q] = NOBODY;
	ofthread[t] = NOBODY;
	goto next;
#endif
sleep:
	atomic {
		q = 0;
		k = 0;
		leave = false;
		idle[t] = true
	};
	announce();
	do
	:: PENDING || ends[t] -> break
	:: else -> UNLOCK();
endidle:	PARK(t);
		LOCK()
	od;
	idle[t] = false;
#ifdef BROKEN_END
	if
	:: !PENDING -> goto out
	:: else -> skip
	fi;
#endif
	announce();
	if
	:: PENDING -> goto next
	:: else -> skip
	fi;
out:
	/* The lender may start it again. */
	atomic {
		started[t] = false;
		ends[t] = false;
		UNLOCK()
	}
}

/*
 * The lender's look at one thread, at any time: send it home if it sleeps, or
 * end it if it is idle.
 */
active proctype looks()
{
	byte t, n;

	do
	:: n < NLOOK ->
		if
		:: t = 0
		:: t = 1
		fi;
		LOCK();
		if
		:: idle[t] && !ends[t] -> ends[t] = true; UNPARK(t)
		:: ofthread[t] != NOBODY && worker[ofthread[t]] == SERVES &&
		    inbox[ofthread[t]] == THREAD(t) ->
#ifdef BROKEN_TOUCH
			atomic {
				if
				:: inbox[ofthread[t]] == THREAD(t) ->
					inbox[ofthread[t]] = RECORD;
					lwp[ofthread[t]] = NOBODY
				:: else -> skip
				fi
			}
#else
			worker[ofthread[t]] = RETURNS;
#endif
			UNPARK(t)
		:: else -> skip
		fi;
		d_step {
			UNLOCK();
			t = 0;
			n++
		}
	:: else -> break
	od
}

active proctype lender()
{
	byte t;

end:	do
	:: PARK(LENDER);
		atomic {
			!plock;
			if
			:: PENDING && !starting && SLEEPER == LENDER ->
				if
				:: !started[0] -> t = 0
				:: started[0] && !started[1] -> t = 1
				:: else -> t = NT
				fi;
				if
				:: t < NT ->
					starting = true;
					started[t] = true;
					run thread(t)
				:: else -> skip	/* one comes home soon */
				fi
			:: PENDING && !starting && SLEEPER != LENDER -> kick()
			:: else -> skip
			fi;
			t = 0
		}
	od
}

/*
 * The client: it creates a queue, enqueues an item, and destroys the queue.
 * Another thread is the producer, because it may be late.
 */
proctype producer(byte q; byte n; byte stop)
{
	byte old, w_box, w_lwp, w_old, w_stop;

	do
	:: n > 0 ->
		d_step {
			n--;
			old = inbox[q];
			inbox[q] = ITEM;
			item[q] = item[q] + 1;
			w_stop = (n == 0 -> stop : 0)
		};
		if
		:: old == RECORD -> old = 0; wakeup(q)
		:: old > ITEM -> UNPARK(old - 3); old = 0
		:: else -> old = 0
		fi
	:: else -> break
	od
}

#ifndef NOSTUCK
/*
 * A thread that waits for the last item of the first queue wakes the worker in
 * place of the producer.
 */
active proctype waiter()
{
	byte w_box, w_lwp, w_old, w_stop;

end:	do
	:: waiting != 0 ->
		if
		:: item[0] != 0 -> poke(0)
		:: else -> skip
		fi;
		d_step {
			waiting = 0;
			w_lwp = 0
		}
	od
}
#endif

inline create(q)
{
	atomic {
		!plock;
		inbox[q] = RECORD;
		worker[q] = NONE;
		ran[q] = 0;
		life[q]++;
		alive[q] = true
	}
}

inline destroy(q)
{
	LOCK();
	if
	:: lwp[q] == NOBODY && inbox[q] == RECORD -> worker[q] = ENDED
	:: else -> worker[q] = ENDS; poke(q)
	fi;
	w_lwp = 0;
	if
	:: worker[q] == ENDED -> d_step { alive[q] = false; UNLOCK() }
	:: else ->
		UNLOCK();
		do
		:: worker[q] == ENDED -> break
		:: else -> PARK(OWNER(q))
		od;
		alive[q] = false
	fi;
	assert(ran[q] == NITEM && item[q] == 0)
}

proctype owner(byte q; byte n)
{
	byte i, w_box, w_lwp, w_old, w_stop;

	do
	:: n > 0 ->
		n--;
		create(q);
#ifndef NOSTUCK
		if
		:: q == 0 && life[q] == 1 ->
			do
			:: i < NPROD ->
				i++;
				run producer(q, NITEM / NPROD,
				    (i >= STOPS -> STUCK : 0));
				item[q] + ran[q] == i * (NITEM / NPROD);
				if
				:: i >= STOPS -> waiting = 1; waiting == 0
				:: else -> skip
				fi;
				/* Then the next finds the record again. */
				i == NPROD || ran[q] == i * (NITEM / NPROD)
			:: else -> i = 0; break
			od
		:: else ->
			run producer(q, NITEM, 0);
			item[q] + ran[q] == NITEM
		fi;
#else
		run producer(q, NITEM, 0);
		item[q] + ran[q] == NITEM;
#endif
#ifdef LATE
		ran[q] == NITEM;
#endif
		destroy(q)
	:: else -> break
	od
}

/* One client that has both queues, in fewer states. */
proctype both()
{
	byte w_box, w_lwp, w_old, w_stop;

	create(0);
	create(1);
	run producer(0, NITEM, 0);
	run producer(1, NITEM, 0);
	item[0] + ran[0] == NITEM && item[1] + ran[1] == NITEM;
#ifdef LATE
	ran[0] == NITEM && ran[1] == NITEM;
#endif
	destroy(0);
	destroy(1)
}

init {
	atomic {
		if
		:: NOWNER > 0 -> run owner(0, NLIFE)
		:: else -> run both()
		fi;
		if
		:: NOWNER > 1 -> run owner(1, 1)
		:: else -> skip
		fi
	}
}
