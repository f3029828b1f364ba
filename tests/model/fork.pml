/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how a child knows which data its parent's threads
 * were changing while the process was copied: sys/kern/kern_kspin.c.
 *
 *	here			there
 *	changer()		a section between kspin_enter() and
 *				kspin_exit(), with kspin_note()
 *	forker()		fork_prepare(), fork(2), fork_parent()
 *	  pass			kspin_pass()
 *	  copy			fork(2): not at one moment, in any order
 *	  child			kern_torn(), in the child
 *	a[], b[]		what a lock protects: equal when it is free
 *	mark			fork_marks[], shared by parent and child; one
 *				mark for both locks
 *	forking, epoch		kern_forking, fork_epoch; under fork_lock
 *
 * Two threads each change what a lock protects, and two others fork.  If data
 * was copied in the middle of a change, the child must find a mark.  The child
 * may look for it at any time.  Here it looks at once, which is the worst case,
 * because a mark is never removed.
 *
 * Spin proves this for sequential consistency.  The comments in the code give
 * the reasons for the memory orders.
 *
 * Broken on purpose, by -D:
 *	BROKEN_PASS	the forker does not wait for threads inside
 *	BROKEN_NOTE	a mark is stored after the change, not before
 *	BROKEN_MAX	a mark overwrites a greater one
 *	BROKEN_EPOCH	each fork begins an epoch
 */

#define	NLOCK	2
#define	NFORKER	2
#ifndef FORKS
#define	FORKS	1
#endif
#ifndef TURNS
#define	TURNS	2
#endif

bool	lock[NLOCK];
byte	a[NLOCK], b[NLOCK];
byte	forking, epoch, mark;

inline note(e)
{
#ifdef BROKEN_MAX
	mark = e;
#else
	atomic { if :: mark < e -> mark = e :: else fi }
#endif
}

proctype changer(byte n)
{
	byte e, turn;
	bool seen;

	do
	:: turn < TURNS ->
		atomic { !lock[n]; lock[n] = true }
		seen = forking != 0;
#ifndef BROKEN_NOTE
		if
		:: seen -> e = epoch; note(e)
		:: else
		fi;
#endif
		a[n] = turn + 1;
		b[n] = turn + 1;
#ifdef BROKEN_NOTE
		if
		:: seen -> e = epoch; note(e)
		:: else
		fi;
#endif
		lock[n] = false;
		turn++
	:: else -> break
	od
}

proctype forker()
{
	byte ca, cb, ce, n, times;

	do
	:: times < FORKS ->
		atomic {
			if
#ifndef BROKEN_EPOCH
			:: forking != 0
#endif
			:: else -> epoch++
			fi;
			forking++
		}
#ifndef BROKEN_PASS
		!lock[0];
		!lock[1];
#endif
		/* Copy the data that both locks protect. */
		if
		:: n = 0
		:: n = 1
		fi;
		ce = epoch;
		if
		:: ca = a[n]; cb = b[n]
		:: cb = b[n]; ca = a[n]
		fi;
		/* The child looks. */
		assert(mark >= ce || ca == cb);
		forking--;
		ca = 0;
		cb = 0;
		ce = 0;
		times++
	:: else -> break
	od
}

init {
	atomic {
		run changer(0);
		run changer(1);
		run forker();
		run forker()
	}
}
