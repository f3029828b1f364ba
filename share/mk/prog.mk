#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# prog.mk: build programs that are clients of the installed library.
#
#	PROGS_C		C programs, each from one source: pcksum for pcksum.c
#	PROGS_CXX	C++ programs, from .cc
#	MODULES_C	modules for dlopen(3): h_x.so from h_x.c
#	LDADD		more libraries; LDADD.prog for one program
#	CPPFLAGS.prog	more flags for one program
#	CPPFLAGS.all	flags for all of them
#	SRCS.prog	more sources for one C program
#	WHITEBOX	programs that use headers of sys/ and are linked
#			statically, with the library's internal names; programs
#			whose names contain _wb_ or end in _wb are white-box,
#			too
#
# The programs are built with the tree that "bmake stage" (at the top) has
# installed.

.include "own.mk"

WHITEBOX+=	${PROGS_C:M*_wb_*} ${PROGS_C:M*_wb}
_STAGELIB=	${STAGE}/lib/libworkqueue.a

CPPFLAGS.all+=	-D_GNU_SOURCE -MMD -MP

# Rebuild when the build rules change.
_MK=		${.CURDIR}/Makefile ${TOP}/share/mk/own.mk \
		${TOP}/share/mk/prog.mk

all: ${PROGS_C} ${PROGS_CXX}

# After a change inside the library, clients of the shared library need no
# rebuild.  Clients of the static library do.
_CLIENT=	${_MK} ${TOP}/lib/libworkqueue/workqueue.map
.if !exists(${_STAGELIB})
_CLIENT+=	${_STAGELIB}
${_STAGELIB}:
	cd ${TOP} && ${.MAKE} stage
.endif

.for p in ${PROGS_C}
.if !empty(WHITEBOX:M${p})
_CPP.${p}=	-I${TOP}/sys ${STAGE_CFLAGS}
_LIB.${p}=	${WB_LIBS}
_DEP.${p}=	${WB_LIB}
.else
_CPP.${p}=	${STAGE_CFLAGS}
_LIB.${p}=	${STAGE_LIBS}
.endif
_SRC.${p}=	${.CURDIR}/${p}.c ${SRCS.${p}:N/*:S,^,${.CURDIR}/,} \
		${SRCS.${p}:M/*}
${p}: ${_SRC.${p}} ${_CLIENT} ${_DEP.${p}} ${LDADD.${p}:U:M*.a}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${COMPILE_C} ${CPPFLAGS.${p}} ${_CPP.${p}} \
	    -MF ${p}.d -o ${.TARGET} ${_SRC.${p}} \
	    ${LDFLAGS.all} ${USER_LDFLAGS} ${LDADD.${p}} ${LDADD} ${_LIB.${p}}
.-include "${.OBJDIR}/${p}.d"
.endfor

.for p in ${PROGS_CXX}
${p}: ${.CURDIR}/${p}.cc ${_CLIENT}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${COMPILE_CXX} ${CPPFLAGS.${p}} ${STAGE_CFLAGS} \
	    -MF ${p}.d -o ${.TARGET} ${.CURDIR}/${p}.cc \
	    ${LDFLAGS.all} ${USER_LDFLAGS} ${LDADD.${p}} ${LDADD} ${STAGE_LIBS}
.-include "${.OBJDIR}/${p}.d"
.endfor

.for p in ${MODULES_C}
all: ${p}.so
${p}.so: ${.CURDIR}/${p}.c ${_CLIENT}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${COMPILE_C} ${CPPFLAGS.${p}} ${STAGE_CFLAGS} \
	    -fPIC -shared -MF ${p}.d -o ${.TARGET} ${.CURDIR}/${p}.c \
	    ${LDFLAGS.all} ${USER_LDFLAGS} ${LDADD.${p}} ${LDADD} ${STAGE_LIBS}
.-include "${.OBJDIR}/${p}.d"
.endfor
