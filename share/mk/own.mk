#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# own.mk: what every Makefile here shares.  Variables a user may set:
#
#	HOST		back end: linux (default) or posix
#	CC, CXX		compilers
#	SAN		empty, "address" (with undefined), or "thread"
#	DEBUGFLAGS	optimisation and debugging, -O2 -g
#	PREFIX		where things go, /usr/local
#	DESTDIR		put before PREFIX while installing
#	OBJROOT		what is built goes below it, obj/ of this tree
#
#	V		show the commands; else only what they are for
#
# Each HOST, CC and SAN has a directory of its own below OBJROOT.

.if !defined(_OWN_MK_)
_OWN_MK_=	yes

.MAIN:		all

TOP:=		${.PARSEDIR:tA:H:H}
HOST?=		linux
SAN?=
DEBUGFLAGS?=	-O2 -g
PREFIX?=	/usr/local
DESTDIR?=
INSTALL?=	install
LD?=		ld
OBJCOPY?=	objcopy
PKG_CONFIG?=	pkg-config

.if ${HOST} != "linux" && ${HOST} != "posix"
.error HOST is "${HOST}"; it can be linux or posix
.endif

.if empty(SAN)
_VARIANT=	${HOST}-${CC:[1]:T}
SANFLAGS=
.elif ${SAN} == "address"
_VARIANT=	${HOST}-${CC:[1]:T}-address
SANFLAGS=	-fsanitize=address,undefined -fno-sanitize-recover=all \
		-fno-omit-frame-pointer
.elif ${SAN} == "thread"
_VARIANT=	${HOST}-${CC:[1]:T}-thread
SANFLAGS=	-fsanitize=thread -fno-omit-frame-pointer
.else
.error SAN is "${SAN}"; it can be empty, address or thread
.endif

OBJROOT?=	${TOP}/obj
OBJTOP=		${OBJROOT}/${_VARIANT}
RELDIR:=	${.CURDIR:tA:S,^${TOP},,:S,^/,,}
.if make(clean)
.OBJDIR:	${.CURDIR}
.else
_OBJDIR:=	${OBJTOP}/${RELDIR}
_MKOBJ!=	mkdir -p ${_OBJDIR}; echo done
.OBJDIR:	${_OBJDIR}
.endif

# The tree that "stage" installs, which examples and tests are built with.
STAGE=		${OBJTOP}/stage

WARNS?=		-Wall -Wextra -Wstrict-prototypes
CXXWARNS?=	-Wall -Wextra
WERROR?=	-Werror
CFLAGS=		-std=c11 ${WARNS} ${WERROR} ${DEBUGFLAGS} ${SANFLAGS} -pthread
CXXFLAGS=	-std=c++17 ${CXXWARNS} ${WERROR} ${DEBUGFLAGS} ${SANFLAGS} \
		-pthread
LDFLAGS?=
Q=		${V:D:U@}
# Not +=: with DESTDIR set, sys.mk's wants the system's headers below it.
CPPFLAGS=

# Client programs are compiled as an installed library's clients are.
STAGE_PC=	PKG_CONFIG_PATH=${STAGE}/lib/pkgconfig ${PKG_CONFIG}
STAGE_CFLAGS=	$$(${STAGE_PC} --cflags workqueue)
STAGE_LIBS=	$$(${STAGE_PC} --libs workqueue) -Wl,-rpath,${STAGE}/lib
WB_LIB=		${OBJTOP}/lib/libworkqueue/libworkqueue_wb.a
WB_LIBS=	${WB_LIB} $$(${PKG_CONFIG} --libs libbsd)

.PHONY:		all install clean stage test

clean:
	rm -rf ${OBJROOT}

.endif
