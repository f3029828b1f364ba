#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# test.mk: a directory of tests.  Its Makefile is the lists and one line:
#
#	TESTS_C=	workqueue_test inbox_wb_test	# from .c, atf-c(3)
#	TESTS_CXX=	cxx_test			# from .cc, atf-c(3)
#	TESTS_SH=	build_test			# from .sh, atf-sh(3)
#	HELPERS_C=	h_fork				# no tests; from .c
#	MODULES_C=	h_module			# h_module.so
#	.include "../../../share/mk/test.mk"
#
# and everything prog.mk takes: LDADD, CPPFLAGS.prog, SRCS.prog ...  Beside
# it stands a Kyuafile that names each program by hand:
#
#	syntax(2)
#	test_suite('libworkqueue')
#	atf_test_program{name='workqueue_test'}
#
# and the Kyuafile of the directory above includes that one.
#
# C tests see the installed headers and link the installed shared library.
# A program with _wb_ in its name (or ending in _wb) also sees sys/ and is
# linked with the static library, so every function of the engine.
#
# A shell test finds these set: TOP (the source tree), STAGE (the installed
# tree), OBJTOP, HOST, CC, CXX, SAN and SANFLAGS.  Helpers lie in
# $(atf_get_srcdir), beside the tests.
#
# A test for which the back end lacks a capability calls
#	atf_tc_skip("host: what is missing");
# The prefix "host: " has it compared with the list tests/skip.${HOST}.
#
# Run: "bmake test" at the top; T= picks, as in
#	bmake test T=tests/sys/kern/workqueue_test:order

PROGS_C+=	${TESTS_C} ${HELPERS_C}
PROGS_CXX+=	${TESTS_CXX}

.include "own.mk"

.for p in ${TESTS_C} ${TESTS_CXX}
LDADD.${p}+=	-latf-c
.endfor

all: ${TESTS_SH}

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

test:
	@cd ${TOP} && ${.MAKE} test T=${T:U${RELDIR}}

.include "prog.mk"
