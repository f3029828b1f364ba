/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of xc_barrier(): sys/kern/subr_xcall.c and kern_spl.c.
 *
 *	here			there
 *	level			l_ipl, l_mtxcount and l_nopreempt in one
 *	mark			LWP_XCBARRIER in l_ipending
 *	left			xc_quietleft
 *	reader()		splraise(), section_enter(), splx(), intr_run()
 *	answer()		xc_barrier_answer()
 *	barrier()		xc_quiesce()
 *
 * Each access to shared memory is a step.  A reader's stores of its level
 * become visible late, in their order.  They become visible with a locked
 * operation of the reader, with another thread's heavy fence, or when bus()
 * decides.
 *
 * A writer does the following twice: it unpublishes an object, waits for a
 * barrier, and frees the object.  Readers find the object or nothing, and use
 * the object in a section.
 *
 * Checked: no reader uses a freed object, the barrier returns and counts each
 * answer once, and no thread is stopped.
 *
 * The shape of a run, by -D:
 *	READERS=n	readers
 *	SECTIONS=n	sections of each reader
 *	NOFENCE		there is no heavy fence: a reader has one at the start
 *			of a section, and the barrier polls
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_FIRST	no fence before the barrier looks
 *	BROKEN_SECOND	no fence after it has marked
 *	BROKEN_LOOK	it does not look again after it has marked
 *	BROKEN_BOTH	it and the reader may count the same answer
 *	BROKEN_REUSE	a new thread drops the mark of the lwp that it gets
 *	BROKEN_ENTER	(NOFENCE) a reader has no fence
 */

#ifndef READERS
#define READERS	2
#endif
#ifndef SECTIONS
#define SECTIONS 2
#endif
#define BARRIERS 2

#define NOTHING	255

byte level[READERS];		/* as others see it */
byte late[READERS];		/* 0, or 1 + the newest level not yet visible */
byte late0[READERS];		/* and the one before */
bool mark[READERS];
bool token;
byte left;
byte object;			/* published, or NOTHING */
bool freed[BARRIERS + 1];
byte nover;

/* Make the oldest store visible. */
inline drain1(dr) {
	if
	:: late0[dr] != 0 -> level[dr] = late0[dr] - 1; late0[dr] = 0
	:: late0[dr] == 0 && late[dr] != 0 ->
		level[dr] = late[dr] - 1;
		late[dr] = 0
	:: else
	fi
}

inline drain(er) {
	drain1(er);
	drain1(er)
}

/* A store; the buffer has room for two. */
inline store(sr, sv) {
	d_step {
		if
		:: late[sr] != 0 && late0[sr] != 0 -> drain1(sr)
		:: else
		fi;
		if
		:: late[sr] != 0 -> late0[sr] = late[sr]
		:: else
		fi;
		late[sr] = 1 + sv
	}
}

inline heavy() {
#ifdef NOFENCE
	skip
#else
	d_step {
		i = 0;
		do
		:: i < READERS -> drain(i); i++
		:: else -> break
		od;
		i = 0
	}
#endif
}

inline answer(ar, islast) {
#ifdef BROKEN_BOTH
	mark[ar] = false;
#else
	atomic {
		if
		:: mark[ar] -> mark[ar] = false; islast = true
		:: else -> islast = false
		fi
	};
	if
	:: islast ->
#endif
		d_step {
			assert(left > 0);
			left--;
			islast = (left == 0)
		};
		if
		:: islast -> token = true
		:: else
		fi
#ifndef BROKEN_BOTH
	:: else
	fi
#endif
}

proctype reader(byte r)
{
	byte n, o;
	bool last;

	do
	:: n == SECTIONS -> break
	:: else ->
		n++;
#ifdef BROKEN_REUSE
		mark[r] = false;
#endif
		store(r, 1);
#if defined(NOFENCE) && !defined(BROKEN_ENTER)
		d_step { drain(r) };
#endif
		o = object;
		if
		:: o != NOTHING -> assert(!freed[o])
		:: else
		fi;
		store(r, 0);
		if
		:: mark[r] ->
			d_step { drain(r) };
			answer(r, last)
		:: else
		fi
	od;
	nover++
}

/* Mark the readers in a section.  Look again at those that are marked. */
inline ask() {
	i = 0;
	do
	:: i < READERS ->
		if
		:: level[i] != 0 -> left++; mark[i] = true
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline look() {
	i = 0;
	do
	:: i < READERS ->
		if
		:: mark[i] ->
			if
			:: level[i] == 0 -> answer(i, last)
			:: else
			fi
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

proctype writer()
{
	byte i, n, old;
	bool last;

	do
	:: n == BARRIERS -> break
	:: else ->
		old = object;
		n++;
		object = (n == BARRIERS -> NOTHING : n);
#ifndef BROKEN_FIRST
		heavy();
#endif
		ask();
#ifndef BROKEN_SECOND
		heavy();
#endif
#ifndef BROKEN_LOOK
		look();
#endif
		assert(left <= READERS);
		do
		:: left == 0 -> break
		:: left != 0 && token -> token = false
#ifdef NOFENCE
		:: left != 0 && !token -> look()
#endif
		od;
		freed[old] = true
	od;
	nover++
}

active proctype bus()
{
end:	do
	:: d_step { late[0] != 0 -> drain1(0) }
#if READERS > 1
	:: d_step { late[1] != 0 -> drain1(1) }
#endif
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od;
		run writer()
	}
	(nover == READERS + 1)	/* all have ended */
}
