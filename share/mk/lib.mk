#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# lib.mk: a static and a shared library, and their pkg-config file.
#
#	LIB		name, without "lib"
#	SRCS		sources; name their directories by .PATH
#	MAJOR, MINOR	version of the shared library: its file is
#			lib${LIB}.so.${MAJOR}.${MINOR}, its soname
#			lib${LIB}.so.${MAJOR}
#	MAP		symbol map, in this directory
#	MAPFILE		its path, if it is elsewhere
#	PC		pkg-config files, each made from its .in
#	SHLIBONLY	build and install the shared library alone, in SHLIBDIR,
#			under its soname
#	LDADD		libraries it needs
#	CPPFLAGS.file.c	flags for one source
#	CPPFLAGS.all, LDFLAGS.all
#			flags for all of it

.include "own.mk"

# Use the linker and related tools that a cross compiler names.
.for v p in LD ld OBJCOPY objcopy
_SET!=		printenv ${v} || :
.if empty(.MAKE.OVERRIDES:M${v}) && empty(_SET)
${v}!=		${CC} -print-prog-name=${p} 2>/dev/null || echo ${p}
.endif
.endfor

SONAME=		lib${LIB}.so.${MAJOR}
SHLIB=		${SONAME}.${MINOR}
OBJS=		${SRCS:.c=.o}
MAPFILE?=	${.CURDIR}/${MAP}

# Undo the users' -flto.  It would lose symbols that only assembly refers to.
# "ld -r" and objcopy(1) need machine code.
.if !empty(USER_CFLAGS:M-flto*)
_NOLTO=		-fno-lto
.endif

CFLAGS.all+=	-fPIC -fvisibility=hidden -ftls-model=initial-exec
LDFLAGS.all+=	-Wl,-soname,${SONAME} -Wl,--version-script=${MAPFILE} \
		-Wl,-z,nodelete
.if empty(SAN)
LDFLAGS.all+=	-Wl,-z,defs
.endif

# Rebuild sources with static probes when the header appears or disappears.
.if !make(clean)
_SDT!=		cd ${.OBJDIR} && has=$$(echo '\#include <sys/sdt.h>' | \
		    ${CC} ${USER_CPPFLAGS} -E - >/dev/null 2>&1 && \
		    echo yes || echo no) && { echo $$has | \
		    cmp -s - sdt || { rm -f $$(grep -ls host_probe.h *.d | \
		    sed 's/d$$/o/') && echo $$has > sdt; }; }; echo done
.endif

# In lib${LIB}.a the library's internal names are local, so that they do not
# clash with names of a program.  White-box tests use lib${LIB}_wb.a, which is
# not installed and exports all names.
.if defined(SHLIBONLY)
all: ${SHLIB} ${SONAME}
.else
all: lib${LIB}.a lib${LIB}_wb.a ${SHLIB} ${SONAME}
.endif

.for s in ${SRCS}
${s:.c=.o}: ${s} ${.CURDIR}/Makefile ${TOP}/share/mk/own.mk \
    ${TOP}/share/mk/lib.mk
	@echo "compile ${RELDIR}/${.TARGET}"
	${Q}${COMPILE_C} ${_NOLTO} ${CPPFLAGS.${s}} -MMD -MP \
	    -c -o ${.TARGET} ${.ALLSRC:M*/${s}:[1]}
.-include "${.OBJDIR}/${s:.c=.d}"
.endfor

# DW.ref.__gcc_personality_v0 has the address of the unwinder's function.  It is
# a hidden symbol, but a static program has only one, which all objects share.
lib${LIB}.a: ${OBJS}
	@echo "archive ${RELDIR}/${.TARGET}"
	${Q}rm -f ${.TARGET}
	${Q}${LD} -r -o lib${LIB}.ro ${OBJS}
	${Q}${OBJCOPY} --localize-hidden lib${LIB}.ro
	${Q}${OBJCOPY} --globalize-symbol=DW.ref.__gcc_personality_v0 \
	    lib${LIB}.ro
	${Q}${AR} rcs ${.TARGET} lib${LIB}.ro

# If *_stub.c came first in the archive, a linker would take its weak definition
# of a hook, and not look for the other definition.
lib${LIB}_wb.a: ${OBJS}
	${Q}rm -f ${.TARGET}
	${Q}${AR} rcs ${.TARGET} ${OBJS:N*_stub.o}

${SHLIB}: ${OBJS} ${MAPFILE}
	@echo "link ${RELDIR}/${.TARGET}"
	${Q}${LINK_C} -shared -o ${.TARGET} ${OBJS} ${LDADD}

# The soname, for programs that link with the library or load it from here.
${SONAME}: ${SHLIB}
	${Q}ln -sf ${SHLIB} ${.TARGET}

.if defined(SHLIBONLY)
install: all
	@echo "install ${SONAME} in ${DESTDIR}${SHLIBDIR}"
	${Q}${INSTALL} -d -m 755 ${DESTDIR}${SHLIBDIR}
	${Q}${INSTALL} ${_SAME} -m 644 ${SHLIB} ${DESTDIR}${SHLIBDIR}/${SONAME}
.else
install: all
	@echo "install lib${LIB} in ${DESTDIR}${LIBDIR}"
	${Q}${INSTALL} -d -m 755 ${DESTDIR}${LIBDIR} ${DESTDIR}${PKGCONFIGDIR}
	${Q}${INSTALL} ${_SAME} -m 644 lib${LIB}.a \
	    ${DESTDIR}${LIBDIR}/lib${LIB}.a
	${Q}${INSTALL} ${_SAME} -m 644 ${SHLIB} ${DESTDIR}${LIBDIR}/${SHLIB}
	${Q}ln -sf ${SHLIB} ${DESTDIR}${LIBDIR}/${SONAME}
	${Q}ln -sf ${SONAME} ${DESTDIR}${LIBDIR}/lib${LIB}.so
# Write directories below the prefix as ${prefix}, so the tree may be moved.
# An absent URL is better than an empty one.
.for p in ${PC}
	${Q}sed -e 's,@PREFIX@,${PREFIX},' -e 's,@LIBDIR@,${LIBDIR},' \
	    -e 's,@INCSDIR@,${INCSDIR},' -e 's,@VERSION@,${VERSION},' \
	    -e 's|@HOMEPAGE@|${HOMEPAGE}|' -e '/^URL: $$/d' \
	    -e 's,=${PREFIX}/,=$${prefix}/,' \
	    ${.CURDIR}/${p}.in > ${p}.install
	${Q}${INSTALL} ${_SAME} -m 644 ${p}.install \
	    ${DESTDIR}${PKGCONFIGDIR}/${p}
.endfor
.endif

# Record the library's interface in ${LIB}.abi, for tests/check/abi_test.sh. The
# file has only what abidiff(1) needs: types in public headers, without source
# lines and names of parameters.
_ABIHEADERS=	workqueue workqueue-kernel workqueue-linux workqueue-iv
.PHONY: abi
abi: ${SHLIB}
	@echo "make lib/lib${LIB}/${LIB}.abi"
	${Q}abidw --no-corpus-path --no-show-locs --no-comp-dir-path \
	    --no-parameter-names --no-write-default-sizes \
	    --exported-interfaces-only --no-elf-needed --drop-private-types \
	    ${_ABIHEADERS:@d@--hd ${STAGE}/include/${d}@} \
	    --suppr ${TOP}/share/mk/abi.suppr \
	    --out-file ${.CURDIR}/${LIB}.abi ${SHLIB}
