/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * An ELF note that tells other programs where an object is.  Unlike a symbol, a
 * note remains in a static program that is stripped, and it is in memory.
 *
 * HOST_NOTE(owner, type, object) makes a note with one word: the distance from
 * that word to the object.  Relocation does not change this distance.
 */

#ifndef _HOST_HOST_NOTE_H_
#define	_HOST_HOST_NOTE_H_

#ifdef __ELF__
#define	HOST_NOTE_STRING(x)	#x
#define	HOST_NOTE_NUMBER(x)	HOST_NOTE_STRING(x)
#define	HOST_NOTE(owner, type, object)					\
	__asm(								\
	"	.pushsection .note.libworkqueue,\"a\",%note\n"		\
	"	.balign 4\n"						\
	"	.4byte 992f-991f, 4, " HOST_NOTE_NUMBER(type) "\n"	\
	"991:	.asciz \"" owner "\"\n"					\
	"992:	.balign 4\n"						\
	"993:	.4byte " #object " - 993b\n"				\
	"	.popsection\n")
#else
#define	HOST_NOTE(owner, type, object)					\
	_Static_assert(1, "no notes here")
#endif

#endif	/* !_HOST_HOST_NOTE_H_ */
