#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# prog.mk: programs that are clients of the installed library.
#
#	PROGS_C		C programs, each from one source: pcksum for pcksum.c
#	PROGS_CXX	C++ programs, from .cc
#	MODULES_C	what dlopen(3) loads: h_x.so from h_x.c
#	LDADD		more libraries; LDADD.prog for one program
#	CPPFLAGS.prog	more flags for one program
#	SRCS.prog	more sources for one C program
#	WHITEBOX	programs that see sys/ and are linked statically;
#			those with _wb_ in their name, or that end in _wb, are;
#			they see the names inside the library, too
#
# They are built with the tree that "stage" (at the top) has installed.

.include "own.mk"

WHITEBOX+=	${PROGS_C:M*_wb_*} ${PROGS_C:M*_wb}
_STAGELIB=	${STAGE}/lib/libworkqueue.a

CPPFLAGS+=	-D_GNU_SOURCE -MMD -MP

all: ${PROGS_C} ${PROGS_CXX}

.if !exists(${_STAGELIB})
${_STAGELIB}:
	cd ${TOP} && ${.MAKE} stage
.endif

.for p in ${PROGS_C}
.if !empty(WHITEBOX:M${p})
_CPP.${p}=	-I${TOP}/sys ${STAGE_CFLAGS}
_LIB.${p}=	${WB_LIBS}
.else
_CPP.${p}=	${STAGE_CFLAGS}
_LIB.${p}=	${STAGE_LIBS}
.endif
_SRC.${p}=	${.CURDIR}/${p}.c ${SRCS.${p}:N/*:S,^,${.CURDIR}/,} \
		${SRCS.${p}:M/*}
${p}: ${_SRC.${p}} ${_STAGELIB} ${LDADD.${p}:U:M*.a}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${CC} ${CFLAGS} ${CPPFLAGS} ${CPPFLAGS.${p}} ${_CPP.${p}} \
	    -MF ${p}.d -o ${.TARGET} ${_SRC.${p}} \
	    ${LDFLAGS} ${LDADD.${p}} ${LDADD} ${_LIB.${p}}
.-include "${.OBJDIR}/${p}.d"
.endfor

.for p in ${PROGS_CXX}
${p}: ${.CURDIR}/${p}.cc ${_STAGELIB}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${CXX} ${CXXFLAGS} ${CPPFLAGS} ${CPPFLAGS.${p}} ${STAGE_CFLAGS} \
	    -MF ${p}.d -o ${.TARGET} ${.CURDIR}/${p}.cc \
	    ${LDFLAGS} ${LDADD.${p}} ${LDADD} ${STAGE_LIBS}
.-include "${.OBJDIR}/${p}.d"
.endfor

.for p in ${MODULES_C}
all: ${p}.so
${p}.so: ${.CURDIR}/${p}.c ${_STAGELIB}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${CC} ${CFLAGS} ${CPPFLAGS} ${CPPFLAGS.${p}} ${STAGE_CFLAGS} \
	    -fPIC -shared -MF ${p}.d -o ${.TARGET} ${.CURDIR}/${p}.c \
	    ${LDFLAGS} ${LDADD.${p}} ${LDADD} ${STAGE_LIBS}
.-include "${.OBJDIR}/${p}.d"
.endfor
