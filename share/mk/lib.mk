#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# lib.mk: a static and a shared library, and its pkg-config file.
#
#	LIB		name, without "lib"
#	SRCS		sources; name their directories by .PATH
#	MAJOR		version of the shared library
#	MAP		symbol map, in this directory
#	PC		pkg-config files, each made from its .in
#	VERSION		what the pkg-config file says
#	LDADD		libraries it needs
#	CPPFLAGS.file.c	flags for one source

.include "own.mk"

SHLIB=		lib${LIB}.so.${MAJOR}
OBJS=		${SRCS:.c=.o}

CFLAGS+=	-fPIC -fvisibility=hidden -ftls-model=initial-exec
LDFLAGS+=	-Wl,-soname,${SHLIB} -Wl,--version-script=${.CURDIR}/${MAP} \
		-Wl,-z,nodelete
.if empty(SAN)
LDFLAGS+=	-Wl,-z,defs
.endif

# In lib${LIB}.a the names inside the library are local, so that it takes none
# from a program; lib${LIB}_wb.a, not installed, shows all to white-box tests.
all: lib${LIB}.a lib${LIB}_wb.a ${SHLIB}

.for s in ${SRCS}
${s:.c=.o}: ${s}
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${CC} ${CFLAGS} ${CPPFLAGS} ${CPPFLAGS.${s}} -MMD -MP \
	    -c -o ${.TARGET} ${.ALLSRC:M*/${s}:[1]}
.-include "${.OBJDIR}/${s:.c=.d}"
.endfor

lib${LIB}.a: ${OBJS}
	@echo "archive ${RELDIR}/${.TARGET}"
	${Q}rm -f ${.TARGET}
	${Q}${LD} -r -o lib${LIB}.ro ${OBJS}
	${Q}${OBJCOPY} --localize-hidden lib${LIB}.ro
	${Q}${AR} rcs ${.TARGET} lib${LIB}.ro

lib${LIB}_wb.a: ${OBJS}
	${Q}rm -f ${.TARGET}
	${Q}${AR} rcs ${.TARGET} ${OBJS}

${SHLIB}: ${OBJS} ${MAP}
	@echo "link ${RELDIR}/${.TARGET}"
	${Q}${CC} ${CFLAGS} -shared ${LDFLAGS} -o ${.TARGET} ${OBJS} ${LDADD}

install: all
	@echo "install lib${LIB} in ${DESTDIR}${PREFIX}/lib"
	${Q}${INSTALL} -d ${DESTDIR}${PREFIX}/lib/pkgconfig
	${Q}${INSTALL} -p -m 644 lib${LIB}.a ${DESTDIR}${PREFIX}/lib/lib${LIB}.a
	${Q}${INSTALL} -p -m 644 ${SHLIB} ${DESTDIR}${PREFIX}/lib/${SHLIB}
	${Q}ln -sf ${SHLIB} ${DESTDIR}${PREFIX}/lib/lib${LIB}.so
.for p in ${PC}
	${Q}sed -e 's,@PREFIX@,${PREFIX},' -e 's,@VERSION@,${VERSION},' \
	    ${.CURDIR}/${p}.in > ${DESTDIR}${PREFIX}/lib/pkgconfig/${p}
.endfor
