/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of how threads own CPUs: sys/kern/kern_runq.c, and the
 * related parts of kern_mutex.c, kern_intr.c and kern_sleepq.c.
 *
 *	here			there
 *	owner			oc_lwp: 0, 1 + the owner, or KEPT and for whom
 *	armed, wfree, lost	ow_asleep, ow_free, ow_lost
 *	try(), enter()		oncpu_tryany(), oncpu_wait()
 *	leave()			oncpu_release()
 *	wakeup()		oncpu_wakeup()
 *	handler()		intr_dispatch(), on top of thread 0
 *	state, count		oncpu_state, l_mtxcount without LWP_MTXOWN
 *
 * Each access to shared memory is a step; a section under oncpu_lock is one
 * step.  Two stores become visible late: the one that releases a CPU, and the
 * one that counts a spin mutex.  They become visible with a locked operation of
 * the thread itself, with another thread's heavy fence, or when bus() decides.
 * The waiter to wake is any of those that qualify.
 *
 * Checked: no two threads are in a section on one CPU, a bound thread is on its
 * own CPU, all threads reach their end, and no thread is stopped.
 *
 * The shape of a run, by -D:
 *	THREADS=n, CPUS=n
 *	ROUNDS=n	sections of each thread
 *	BOUND=n		the last n threads are bound to CPU 0
 *	OWNERS=n	the first n threads begin in a section, each on a CPU
 *	LOSSES=n	ONCPU_LOSSES
 *	MUTEX		each section takes a spin mutex
 *	SLEEP		the first thread sleeps in a section until each other
 *			thread has been through one
 *	HANDLER		a handler runs once on top of the first thread, which
 *			holds a lock of the host's before its section; others
 *			take that lock in their sections
 *	START		ownership is off at first, and the section of thread 0
 *			switches it on; each other thread holds a spin mutex
 *			and has a section in it
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_FENCE	a waiter has no heavy fence
 *	BROKEN_AGAIN	a waiter does not try again after becoming one
 *	BROKEN_PASS	a thread that already has a CPU when it is woken for
 *			another wakes nobody
 *	BROKEN_KEPT	the same, and it leaves the CPU kept for itself
 *	BROKEN_ORDER	the first thread takes the spin mutex before the CPU
 *	BROKEN_SLEEP	a thread keeps its CPU while it sleeps
 *	BROKEN_HANDLER	a handler uses the count and not the owner
 *	BROKEN_HANDWAIT	a handler waits for a CPU
 *	BROKEN_START	a thread does not wait for strays
 *	BROKEN_STARTFENCE a thread looks for strays without a fence
 */

#ifndef THREADS
#define THREADS	2
#endif
#ifndef CPUS
#define CPUS	1
#endif
#ifndef ROUNDS
#define ROUNDS	1
#endif
#ifndef BOUND
#define BOUND	0
#endif
#ifndef OWNERS
#define OWNERS	0
#endif
#ifdef HANDLER
#define ENDS	(THREADS + 1)
#else
#define ENDS	THREADS
#endif

#define NONE	255
#define KEPT	64
#ifndef LOSSES
#define LOSSES	2
#endif
#define ONLY0(w) (w >= THREADS - BOUND && w < THREADS)

byte owner[CPUS];
byte insection[CPUS];		/* the check */
byte late[THREADS];		/* 1 + a CPU released, not yet visible */
byte oncpu[THREADS];		/* l_oncpu */
byte own[THREADS];		/* l_own */
bool armed[THREADS];
byte wfree[THREADS];
byte lost[THREADS];
bool token[THREADS];
bool cpuwait[THREADS];		/* l_cpuwait */
byte mutex;			/* 0, or held */
byte ndone;			/* threads that have had a section */
byte nover;			/* threads that have ended */
bool inhandler;
byte pid0;			/* of thread 0 */

#ifdef START
byte state;			/* 0 off, 1 starting, 2 on */
bool count[THREADS];		/* in a section without a CPU */
bool latecount[THREADS];
#endif

inline flush(ft) {
	if
	:: late[ft] != 0 ->
		owner[late[ft] - 1] = 0;
		late[ft] = 0
	:: else
	fi
}

inline fence() {
	d_step {
		i = 0;
		do
		:: i < THREADS ->
			flush(i);
#ifdef START
			if
			:: latecount[i] -> latecount[i] = false; count[i] = true
			:: else
			fi;
#endif
			i++
		:: else -> break
		od;
		i = 0
	}
}

/* Try one CPU by compare and swap; t is the thread, w the waiter. */
inline try(rt, rc) {
	d_step {
		flush(rt);
		if
		:: owner[rc] == 0 || owner[rc] == KEPT + rt ->
			owner[rc] = 1 + rt;
			oncpu[rt] = rc;
			mine = rc
		:: else
		fi
	}
}

inline tryany(at, aw) {
	mine = NONE;
	try(at, 0);
#if CPUS > 1
	if
	:: mine == NONE && !ONLY0(aw) -> try(at, 1)
	:: else
	fi
#endif
}

#define WANTS(w, c)	(armed[w] && (!ONLY0(w) || c == 0))

/* oncpu_wakeup(), with the lock held, up to the unpark. */
inline choose(cc, cw) {
	atomic {
		cw = NONE;
		if
		:: WANTS(0, cc) -> cw = 0
		:: WANTS(1, cc) -> cw = 1
#if THREADS > 2
		:: WANTS(2, cc) -> cw = 2
#endif
#if THREADS > 3
		:: WANTS(3, cc) -> cw = 3
#endif
		:: else
		fi;
		if
		:: cw != NONE && lost[cw] >= LOSSES && owner[cc] != 0 ->
			cw = NONE
		:: cw != NONE && lost[cw] >= LOSSES && owner[cc] == 0 ->
			owner[cc] = KEPT + cw
		:: else
		fi;
		if
		:: cw != NONE -> wfree[cw] = cc; armed[cw] = false
		:: else
		fi
	}
}

inline wakeup(ut, uc) {
	d_step { flush(ut) };
	choose(uc, next);
	if
	:: next != NONE -> token[next] = true
	:: else
	fi
}

/* Park. */
inline sleep(pt, pw) {
	do
	:: !armed[pw] -> break
	:: armed[pw] && token[pt] -> token[pt] = false
	od
}

inline enter(et, ew) {
	lost[ew] = 0;
	wfree[ew] = NONE;
	tryany(et, ew);
	do
	:: mine != NONE -> break
	:: else ->
		d_step { flush(et); cpuwait[et] = true; armed[ew] = true };
#ifndef BROKEN_FENCE
		fence();
#endif
#ifndef BROKEN_AGAIN
		tryany(et, ew);
#endif
		if
		:: mine != NONE -> break
		:: else
		fi;
		sleep(et, ew);
		try(et, wfree[ew]);
		if
		:: mine == NONE && lost[ew] < LOSSES -> lost[ew]++
		:: else
		fi
	od;
	/* oncpu_dequeue() */
	atomic {
		if
		:: armed[ew] -> armed[ew] = false; wfree[ew] = NONE
		:: else
		fi
	};
#ifndef BROKEN_PASS
	if
	:: wfree[ew] != NONE && wfree[ew] != mine ->
#ifndef BROKEN_KEPT
		d_step {
			if
			:: owner[wfree[ew]] == KEPT + et ->
				owner[wfree[ew]] = 0
			:: else
			fi
		};
#endif
		wakeup(et, wfree[ew])
	:: else
	fi;
#endif
	d_step { wfree[ew] = NONE; cpuwait[et] = false }
}

#if THREADS > 3
#define ANYARMED(c) (WANTS(0, c) || WANTS(1, c) || WANTS(2, c) || WANTS(3, c))
#elif THREADS > 2
#define ANYARMED(c) (WANTS(0, c) || WANTS(1, c) || WANTS(2, c))
#else
#define ANYARMED(c) (WANTS(0, c) || WANTS(1, c))
#endif

/* A plain store, and then a look for waiters. */
inline leave(gt, gc) {
	late[gt] = 1 + gc;
	if
	:: ANYARMED(gc) -> wakeup(gt, gc)
	:: else
	fi
}

inline section(sw, sc) {
	assert(!ONLY0(sw) || sc == 0);
	insection[sc]++;
	assert(insection[sc] == 1);
	insection[sc]--
}

#define LOCK()		atomic { mutex == 0 -> mutex = 1 }
#define UNLOCK()	mutex = 0

proctype thread(byte t) provided (_pid != pid0 || !inhandler)
{
	byte mine, next, i, round;

	next = NONE;
	do
	:: round == ROUNDS -> break
	:: else ->
		round++;
#ifdef BROKEN_ORDER
		if
		:: t == 0 -> LOCK()
		:: else
		fi;
#endif
#ifdef HANDLER
		if
		:: t == 0 -> LOCK(); UNLOCK()
		:: else
		fi;
#endif
		own[t]++;
		if
		:: t < OWNERS && round == 1 -> mine = t
		:: else -> enter(t, t)
		fi;
		insection[mine]++;
		assert(insection[mine] == 1);
		assert(!ONLY0(t) || mine == 0);
#ifdef MUTEX
#ifdef BROKEN_ORDER
		if
		:: t != 0 -> LOCK()
		:: else
		fi;
#else
		LOCK();
#endif
		UNLOCK();
#endif
#ifdef HANDLER
		if
		:: t != 0 -> LOCK(); UNLOCK()
		:: else
		fi;
#endif
		insection[mine]--;
#ifdef SLEEP
		if
		:: t == 0 && round == 1 ->
			own[t] = 0;
#ifndef BROKEN_SLEEP
			leave(t, mine);
#endif
			(ndone == THREADS - 1);
			own[t] = 1;
#ifndef BROKEN_SLEEP
			enter(t, t);
#endif
			section(t, mine)
		:: else
		fi;
#endif
		own[t]--;
		leave(t, mine)
	od;
	ndone++;
	d_step { flush(t) };
	nover++
}

#ifdef HANDLER
proctype handler()
{
	byte mine, next, i, saved, savedown;

	next = NONE;
	atomic { !cpuwait[0] -> inhandler = true };
	saved = oncpu[0];
	savedown = own[0];
	/* The thread's own store is seen here, late or not. */
	if
#ifdef BROKEN_HANDLER
	:: savedown != 0 ->
#else
	:: owner[saved] == 1 && late[0] != 1 + saved ->
#endif
		/* On the thread's CPU, which no other thread has. */
		assert(owner[saved] == 1);
	:: else ->
#ifdef BROKEN_HANDWAIT
		mine = NONE;
		do
		:: mine != NONE -> break
		:: mine == NONE && (owner[0] == 0 || owner[CPUS - 1] == 0) ->
			tryany(0, THREADS)
		od;
#else
		tryany(0, THREADS);
#endif
		/*
		 * Without a CPU, an interrupt thread runs the handler, like any
		 * other thread.
		 */
		if
		:: mine != NONE ->
			own[0] = 1;
			section(THREADS, mine);
			own[0] = 0;
			leave(0, mine)
		:: else
		fi
	fi;
	oncpu[0] = saved;
	own[0] = savedown;
	inhandler = false;
	nover++
}
#endif

#ifdef START
byte nstray;

/* The first thread switches ownership on; others wait until it is on. */
inline start() {
	d_step {
		if
		:: state == 0 -> state = 1
		:: else
		fi
	};
#ifndef BROKEN_STARTFENCE
	fence();
#endif
#ifndef BROKEN_START
	i = 0;
	do
	:: state == 2 || i == THREADS -> break
	:: state != 2 && i < THREADS -> !count[i] || state == 2; i++
	od;
	i = 0;
#endif
	state = 2
}

proctype starter()
{
	byte mine, next, i;

	next = NONE;
	start();
	enter(0, 0);
	insection[mine]++;
	assert(insection[mine] == 1);
	LOCK();
	UNLOCK();
	insection[mine]--;
	leave(0, mine);
	nover++
}

/* Take a spin mutex, with a section inside. */
proctype holder(byte t)
{
	byte mine, next, i;
	bool stray;

	next = NONE;
	latecount[t] = true;
	if
	:: state == 0 -> stray = true
	:: else ->
		d_step { latecount[t] = false; count[t] = false };
		start();
		enter(t, t)
	fi;
	if
	:: stray -> nstray++
	:: else
	fi;
	LOCK();
	if
	:: stray ->
		/* A locked operation makes the count visible. */
		d_step {
			if
			:: latecount[t] ->
				latecount[t] = false;
				count[t] = true
			:: else
			fi
		};
		d_step {
			if
			:: state == 0 -> state = 1
			:: else
			fi
		};
		mine = NONE;
		do
		:: mine != NONE -> break
		:: mine == NONE && (owner[0] == 0 || (CPUS > 1 &&
		    owner[CPUS - 1] == 0)) -> tryany(t, t)
		:: timeout ->
			/*
			 * The thread gets no CPU only if there are more strays
			 * than CPUs.
			 */
			assert(nstray > CPUS);
			break
		od
	:: else
	fi;
	if
	:: mine != NONE ->
		insection[mine]++;
		assert(insection[mine] == 1);
		insection[mine]--
	:: else
	fi;
	if
	:: stray && mine != NONE -> leave(t, mine); mine = NONE
	:: else
	fi;
	UNLOCK();
	if
	:: stray -> nstray--; count[t] = false
	:: else -> leave(t, mine)
	fi;
	nover++
}
#endif

active proctype bus()
{
end:	do
	:: d_step { late[0] != 0 -> flush(0) }
	:: d_step { late[1] != 0 -> flush(1) }
#if THREADS > 2
	:: d_step { late[2] != 0 -> flush(2) }
#endif
#if THREADS > 3
	:: d_step { late[3] != 0 -> flush(3) }
#endif
#ifdef START
	:: d_step { latecount[1] -> latecount[1] = false; count[1] = true }
#if THREADS > 2
	:: d_step { latecount[2] -> latecount[2] = false; count[2] = true }
#endif
#endif
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < THREADS ->
			wfree[i] = NONE;
			if
			:: i < OWNERS -> owner[i] = 1 + i; oncpu[i] = i
			:: else
			fi;
			i++
		:: else -> break
		od;
#ifdef START
		run starter();
		run holder(1);
#if THREADS > 2
		run holder(2);
#endif
#else
		i = 0;
		do
		:: i < THREADS ->
			if
			:: i == 0 -> pid0 = run thread(i)
			:: else -> run thread(i)
			fi;
			i++
		:: else -> break
		od;
#ifdef HANDLER
		run handler();
#endif
#endif
	}
	(nover == ENDS)	/* all have ended */
}
