#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# own.mk: definitions for all Makefiles.  Users may set these variables on the
# command line or in the environment:
#
#	HOST		back end: linux (default), posix, or sim, the simulator
#	CC, CXX		compilers; AR, LD, OBJCOPY, PKG_CONFIG, INSTALL: tools
#	CFLAGS, CXXFLAGS, CPPFLAGS, LDFLAGS
#			appended to the flags that the build needs
#	DEBUGFLAGS	optimisation and debugging, -O2 -g; other values have
#			their own tree: obj/linux-cc-O0-g
#	SAN		empty, "address" (with undefined), or "thread"
#	WERROR		-Werror, to stop at a warning; CI does
#	PREFIX		installation prefix, /usr/local
#	BINDIR, LIBDIR, PKGCONFIGDIR, INCSDIR, MANDIR, HTMLDIR, EXAMPLESDIR,
#	DATADIR, GDBDIR, TESTSDIR
#			the directories below it, each of which can be set
#	DESTDIR		prepended to all of these by "install"
#	HOMEPAGE	the home page of a package: URL for pkg-config(1)
#	OBJROOT		the directory of all objects, obj/ of this tree
#
#	V		show the commands, not only their purpose
#
# Each HOST, CC, SAN and DEBUGFLAGS has its own directory below OBJROOT.

.if !defined(_OWN_MK_)
_OWN_MK_=	yes

.MAIN:		all

TOP:=		${.PARSEDIR:tA:H:H}
VERSION=	0.1
HOST?=		linux
SAN?=
DEBUGFLAGS?=	-O2 -g
INSTALL?=	install
PKG_CONFIG?=	pkg-config

# Installed files keep their times.  The stage leaves unchanged files alone,
# because tests may be reading them.
_SAME?=		-p

# The directories, with DESTDIR for "install".  "stage" sets all of them,
# whatever the user has set.
PREFIX?=	/usr/local
DESTDIR?=
BINDIR?=	${PREFIX}/bin
LIBDIR?=	${PREFIX}/lib
PKGCONFIGDIR?=	${LIBDIR}/pkgconfig
INCSDIR?=	${PREFIX}/include
MANDIR?=	${PREFIX}/share/man
HTMLDIR?=	${PREFIX}/share/doc/libworkqueue/html
EXAMPLESDIR?=	${PREFIX}/share/examples
DATADIR?=	${PREFIX}/share/libworkqueue
GDBDIR?=	${PREFIX}/share/gdb/auto-load
TESTSDIR?=	${PREFIX}/tests
HOMEPAGE?=
STAGE_DIRS=	DESTDIR= PREFIX=${STAGE} BINDIR=${STAGE}/bin \
		LIBDIR=${STAGE}/lib \
		PKGCONFIGDIR=${STAGE}/lib/pkgconfig \
		INCSDIR=${STAGE}/include MANDIR=${STAGE}/share/man \
		HTMLDIR=${STAGE}/share/doc/libworkqueue/html \
		EXAMPLESDIR=${STAGE}/share/examples TESTSDIR=${STAGE}/tests \
		DATADIR=${STAGE}/share/libworkqueue \
		GDBDIR=${STAGE}/share/gdb/auto-load \
		_SAME=-C

# The user's flags.  sys.mk has assigned to these names, so take the values from
# the environment.  Values on the command line override those.
.for v in CFLAGS CXXFLAGS CPPFLAGS LDFLAGS
.if !empty(.MAKE.OVERRIDES:M${v})
USER_${v}=	${${v}}
.else
USER_${v}!=	printenv ${v} || :
.endif
.endfor

.if ${HOST} != "linux" && ${HOST} != "posix" && ${HOST} != "sim"
.error HOST is "${HOST}"; it can be linux, posix or sim
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

# All threads count coverage in the same counters.
.if !empty(DEBUGFLAGS:M--coverage)
SANFLAGS+=	-fprofile-update=atomic
.endif
.if ${DEBUGFLAGS} != "-O2 -g"
_VARIANT:=	${_VARIANT}${DEBUGFLAGS:S,^,-,:S,--,-,g:S,/,_,g:ts}
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

# The tree installed by "stage", from which examples and tests are built.
STAGE=		${OBJTOP}/stage

WARNS?=		-Wall -Wextra -Wstrict-prototypes
CXXWARNS?=	-Wall -Wextra
WERROR?=
# The build is reproducible in any directory: neither messages nor debugging
# information contains its name.
_PATHMAP=	-ffile-prefix-map=${OBJROOT}=obj -ffile-prefix-map=${TOP}=.
# A panic prints the stack, for which the unwinder needs tables.  On arm the
# compiler makes none by default.
_UNWIND=	-funwind-tables
# Makefiles add to CFLAGS.all, CPPFLAGS.all and LDFLAGS.all; users set the
# names without ".all", which come after those.
CFLAGS.all=	-std=c11 ${WARNS} ${WERROR} ${DEBUGFLAGS} ${SANFLAGS} \
		${_PATHMAP} ${_UNWIND} -pthread
CXXFLAGS.all=	-std=c++17 ${CXXWARNS} ${WERROR} ${DEBUGFLAGS} ${SANFLAGS} \
		${_PATHMAP} -pthread
CPPFLAGS.all=
LDFLAGS.all=
.if ${HOST} == "sim"
CPPFLAGS.all+=	-D_WQ_SIM
.endif
COMPILE_C=	${CC} ${CFLAGS.all} ${USER_CFLAGS} ${CPPFLAGS.all} \
		${USER_CPPFLAGS}
COMPILE_CXX=	${CXX} ${CXXFLAGS.all} ${USER_CXXFLAGS} ${CPPFLAGS.all} \
		${USER_CPPFLAGS}
# Linking needs the compiler's flags, too.
LINK_C=		${CC} ${CFLAGS.all} ${USER_CFLAGS} ${LDFLAGS.all} \
		${USER_LDFLAGS}
LINK_CXX=	${CXX} ${CXXFLAGS.all} ${USER_CXXFLAGS} ${LDFLAGS.all} \
		${USER_LDFLAGS}
Q=		${V:D:U@}

# Compile client programs like clients of an installed library.
STAGE_PC=	PKG_CONFIG_PATH=${STAGE}/lib/pkgconfig ${PKG_CONFIG}
STAGE_CFLAGS=	$$(${STAGE_PC} --cflags workqueue)
STAGE_LIBS=	$$(${STAGE_PC} --libs workqueue) ${_RPATH}
# Client programs find the library in the stage.  When they are installed below
# TESTSDIR, they find it beside that directory or in LIBDIR.
_UP:=		${RELDIR:C,[^/]+,..,g}
_RPATH=		-Wl,-rpath,'$$ORIGIN/${_UP}/stage/lib' \
		-Wl,-rpath,'$$ORIGIN/${_UP}/../lib' -Wl,-rpath,${LIBDIR}
WB_LIB=		${OBJTOP}/lib/libworkqueue/libworkqueue_wb.a
WB_LIBS=	${WB_LIB}

.PHONY:		all install clean stage test

clean:
	rm -rf ${OBJROOT}

.endif
