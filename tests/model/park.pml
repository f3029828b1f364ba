/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how a thread sleeps in the operating system and how
 * others wake it, as host_linux.c and host_posix.c of sys/host do it.
 *
 *	here			there
 *	owner()			host_park(), host_park_take()
 *	waker(), late()		host_unpark(), host_park_give(),
 *				host_park_woken()
 *	timer()			timer_scan()
 *	word			p_state
 *	asleep			the owner is in the futex's queue
 *	posts			the value of p_sem
 *
 * The owner waits for one turn after the other of waker().  late() gives tokens
 * at any time, and at any time it may stop until the owner has seen all turns.
 *
 * The shape of a run, by -D:
 *	NTURN=n		turns of waker()
 *	NLATE=n		tokens of late()
 *	SEM		sleep on a semaphore, not on a futex
 *	TIMER		with SEM: the owner first waits for a deadline
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_SWAP	a token ends PARKED, and only the waker that ends it
 *			calls the system
 *	BROKEN_WOKEN	a waker sets WOKEN before it calls the system
 *	BROKEN_COUNT	the owner does not count its sleeps
 *	BROKEN_TAKEN	a waker calls the system although its token is taken
 *	BROKEN_PARKED	the owner stores PARKED without a compare
 *	BROKEN_LOOK	a waker looks for PARKED before it gives the token
 *	BROKEN_TIMER	the timer does not post if there is a token
 */

#ifndef NTURN
#define NTURN	2
#endif
#ifndef NLATE
#define NLATE	2
#endif

#define TOKEN	1
#define PARKED	2
#define WOKEN	4
#define COUNT	8
#define BITS	7

byte word;
bool asleep;
byte posts;
byte turn;				/* waker()'s last turn */
byte seen;				/* the owner has seen this turn */
byte armed;				/* t_parked, or 0 */
#ifdef TIMER
bool expired;				/* the deadline has come */
#else
bool expired = true;
#endif

#define DONE	(seen == NTURN)

/* The system's part. */
#ifdef SEM
#define WAKE()	posts++
#else
#define WAKE()	asleep = false
#endif

/* late() may stop here. */
#define STOP()	if				\
		:: true				\
		:: stops -> DONE		\
		fi

inline unpark()
{
#ifdef BROKEN_LOOK
	w = (word & PARKED -> TOKEN | PARKED : 0);
	word = word | TOKEN;
#else
#ifdef BROKEN_SWAP
	atomic {
		w = (word & PARKED -> TOKEN | PARKED : 0);
		word = TOKEN | (word & ~BITS)
	};
#else
	word = word | TOKEN;
	STOP();
	w = word;
#endif
#endif
	STOP();
	if
#ifdef BROKEN_TAKEN
	:: (w & (PARKED | WOKEN)) == PARKED ->
#else
	:: (w & BITS) == (TOKEN | PARKED) ->
#endif
#ifdef BROKEN_WOKEN
		d_step {
			if
			:: word == w -> word = w | WOKEN
			:: else -> skip
			fi
		};
		STOP();
		WAKE()
#else
		WAKE();
		STOP();
		d_step {
			if
			:: word == w -> word = w | WOKEN
			:: else -> skip
			fi
		}
#endif
	:: else -> skip
	fi;
	w = 0
}

active proctype waker()
{
	byte w;
	bool stops;

	do
	:: turn < NTURN ->
		turn == seen;
		turn++;
		unpark()
	:: else -> break
	od
}

active proctype late()
{
	byte n, w;
	bool stops = true;

	do
	:: n < NLATE ->
		n++;
		unpark()
	:: else -> break
	od
}

#ifdef TIMER
/* timer_lock keeps timer_arm() and timer_disarm() out. */
active proctype timer()
{

	d_step {
		expired = true;
		if
		:: armed == 0 -> skip
#ifdef BROKEN_TIMER
		:: armed != 0 && word != armed -> skip
#else
		:: armed != 0 && word != armed -> posts++
#endif
		:: armed != 0 && word == armed ->
			word = word & ~PARKED;
			posts++
		fi
	}
}
#endif

active proctype owner()
{
	byte s;
	bool timed = !expired;

again:
	if
	:: DONE -> goto done
	:: !DONE && expired && turn > seen -> seen++; goto again
	:: !DONE && (!expired || turn == seen) -> skip
	fi;
	/* host_park() */
	s = word;
	if
	:: s & TOKEN -> goto take
	:: else -> skip
	fi;
#ifdef BROKEN_PARKED
	word = s | PARKED;
#else
	if
	:: atomic { word == s -> word = s | PARKED }
	:: else -> goto take
	fi;
#endif
	/* If the deadline is over, the timer wakes the owner at once. */
	d_step {
		if
		:: timed && expired -> word = word & ~PARKED
		:: timed && !expired -> armed = s | PARKED
		:: else -> skip
		fi
	};
	do
	:: word != (s | PARKED) -> break
	:: else ->
#ifdef SEM
		atomic { posts > 0 -> posts-- }
#else
		/* The system compares the word. */
		atomic {
			if
			:: word == (s | PARKED) -> asleep = true
			:: else -> skip
			fi
		};
		!asleep
#endif
	od;
take:
	armed = 0;
	timed = !expired;
#ifdef BROKEN_COUNT
	word = 0;
#else
	word = (s & ~BITS) + COUNT;
#endif
	s = 0;
	goto again;
done:
	skip
}
