#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# test.mk: a directory of tests.  Its Makefile has the lists and one line:
#
#	TESTS_C=	workqueue_test inbox_wb_test	# from .c, atf-c(3)
#	TESTS_CXX=	cxx_test			# from .cc, atf-c(3)
#	TESTS_SH=	build_test			# from .sh, atf-sh(3)
#	HELPERS_C=	h_fork				# no tests; from .c
#	MODULES_C=	h_module			# h_module.so
#	.include "../../../share/mk/test.mk"
#
# and everything that prog.mk takes: LDADD, CPPFLAGS.prog, SRCS.prog ...  A
# Kyuafile beside it names each program:
#
#	syntax(2)
#	test_suite('libworkqueue')
#	atf_test_program{name='workqueue_test'}
#
# and the Kyuafile of the directory above includes that one.
#
# C tests use the installed headers and link with the installed shared library.
# A program with _wb_ in its name (or _wb at the end) also sees sys/ and links
# with the static library, so it can call every function of the engine.
#
# A shell test gets these variables: TOP (the source tree), STAGE (the installed
# tree), OBJTOP, HOST, CC, CXX, SAN and SANFLAGS.  Helpers are in
# $(atf_get_srcdir), beside the tests.
#
# A test that needs a capability that the back end lacks calls
#	atf_tc_skip("host: what is missing");
# A skip that starts with "host: " must be in the list tests/skip.${HOST}.
#
# Run "bmake test" at the top; T= selects tests, as in
#	bmake test T=workqueue_test:visibility
# which builds that program and the helpers of its directory.

PROGS_C+=	${TESTS_C} ${HELPERS_C}
PROGS_CXX+=	${TESTS_CXX}

.include "own.mk"

.for p in ${TESTS_C} ${TESTS_CXX}
LDADD.${p}+=	-latf-c
.endfor

all: ${TESTS_SH}

helpers: ${PROGS_C:Mh_*} ${PROGS_CXX:Mh_*} ${MODULES_C:=.so}

.for p in ${TESTS_SH}
${p}: ${.CURDIR}/${p}.sh ${TOP}/share/mk/test.mk
	@echo "make ${RELDIR}/${.TARGET}"
	@{ echo '#! /usr/bin/env atf-sh'; \
	    echo "TOP='${TOP}' STAGE='${STAGE}' OBJTOP='${OBJTOP}'"; \
	    echo "HOST='${HOST}' SAN='${SAN}' SANFLAGS='${SANFLAGS}'"; \
	    echo "CC='${CC}' CXX='${CXX}'"; \
	    echo 'unset MAKEFLAGS MFLAGS MAKELEVEL'; \
	    cat ${.CURDIR}/${p}.sh; } > ${.TARGET}
	@chmod +x ${.TARGET}
.endfor

# C tests are installed in TESTSDIR; shell tests read the source tree.
_TESTSDIR=	${DESTDIR}${TESTSDIR}/libworkqueue/${RELDIR:S,^tests/,,}
.PHONY: install-tests
install-tests: all
	@echo "install tests in ${_TESTSDIR}"
	${Q}${INSTALL} -d -m 755 ${_TESTSDIR}
.for p in ${PROGS_C} ${PROGS_CXX} ${MODULES_C:=.so}
	${Q}${INSTALL} ${_SAME} -m 755 ${p} ${_TESTSDIR}/${p}
.endfor
	${Q}sed -e '' ${TESTS_SH:@p@-e "/name='${p}'/d"@} ${.CURDIR}/Kyuafile \
	    > Kyuafile.install
	${Q}${INSTALL} ${_SAME} -m 644 Kyuafile.install ${_TESTSDIR}/Kyuafile

test:
	@cd ${TOP} && ${.MAKE} test T=${T:U${RELDIR}}

.include "prog.mk"
