/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A model, for spin(1), of pcq(9): sys/kern/subr_pcq.c in small.
 *
 *	here			there
 *	producer()		pcq_put()
 *	consumer()		pcq_get()
 *	put, got		pcq_put, pcq_got: counts that only grow
 *	slots			pcq_items
 *
 * Each access to shared memory is a step.
 *
 * Checked: the consumer gets each item once, in the order in which the
 * producers claimed their places; pcq_put() reports a full queue only if the
 * queue was full at some moment of the call; no producer overwrites an item;
 * and at the end the queue is empty.
 *
 * The shape of a run, by -D:
 *	PRODUCERS=n	producers
 *	PUTS=n		puts of each producer
 *	LEN=n		capacity of the queue
 *
 * Broken on purpose; spin must find each:
 *	BROKEN_CLEAR	the consumer counts the item before clearing the slot
 *	BROKEN_CLAIM	a producer claims its place by a load and a store
 *	BROKEN_FULL	a producer does not check again whether its place is
 *			the next one before it reports a full queue
 *	BROKEN_WAIT	the consumer passes a place that is not filled
 */

#ifndef PRODUCERS
#define PRODUCERS	2
#endif
#ifndef PUTS
#define PUTS	2
#endif
#ifndef LEN
#define LEN	2
#endif

/* A slot for each count modulo this, like the power of two in the code. */
#if LEN == 3
#define SLOTS	4
#else
#define SLOTS	LEN
#endif

#define NONE	0

byte put, got;
byte slots[SLOTS];

/* The observer's state. */
byte order[PRODUCERS * PUTS];	/* items in the order of their places */
byte fills;			/* how often the queue became full */
byte left = PRODUCERS;

active [PRODUCERS] proctype producer()
{
	byte k, item, p, c, fills0;
	bool again, mayfull;

	do
	:: k == PUTS -> break
	:: else ->
		item = _pid * PUTS + k + 1;
		d_step {
			mayfull = (put - got == LEN);
			fills0 = fills
		}
retry:
		p = put;
		c = got;
		if
		:: (p - c) < 0 || (p - c) >= LEN ->
#ifndef BROKEN_FULL
			again = (put != p);
#endif
			if
			:: again -> again = false; goto retry
			:: else
			fi;
			d_step {
				assert(mayfull || fills0 != fills);
				mayfull = false;
				fills0 = 0
			}
		:: else ->
#ifdef BROKEN_CLAIM
			again = (put != p);
#endif
			d_step {
#ifndef BROKEN_CLAIM
				again = (put != p);
#endif
				if
				:: !again ->
					put = p + 1;
					order[p] = item;
					if
					:: put - got == LEN -> fills++
					:: else
					fi
				:: else
				fi
			}
			if
			:: again -> again = false; goto retry
			:: else
			fi;
			d_step {
				assert(slots[p % SLOTS] == NONE);
				slots[p % SLOTS] = item
			}
		fi;
		d_step { p = 0; c = 0; item = 0; fills0 = 0; mayfull = false };
		k++
	od;
	left--
}

active proctype consumer()
{
	byte item;
	bool last;

	do
	:: true ->
		last = (left == 0);
		item = slots[got % SLOTS];
		if
#ifdef BROKEN_WAIT
		:: item == NONE && put != got -> got++
#endif
		:: item != NONE ->
			assert(order[got] == item);
#ifdef BROKEN_CLEAR
			got++;
			slots[(got - 1) % SLOTS] = NONE
#else
			slots[got % SLOTS] = NONE;
			got++
#endif
		:: item == NONE && last -> break
		:: item == NONE && !last
		fi;
		d_step { item = 0; last = false }
	od;
	assert(got == put)
}
