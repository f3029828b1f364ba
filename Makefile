#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

SUBDIR=		lib sys man share/examples

.include "share/mk/subdir.mk"

# Install below obj/, for everything that is built as a client.
stage: all-lib all-sys
	@cd ${TOP}/lib && ${.MAKE} install DESTDIR= PREFIX=${STAGE}
	@cd ${TOP}/sys && ${.MAKE} install DESTDIR= PREFIX=${STAGE}

all-share/examples: stage

# T=tests/sys/kern/workqueue_test:order runs that test alone.  MODEL=no leaves
# out tests/model, which is the same for each HOST, CC and SAN.
T?=
MODEL?=		yes
test: all stage
	@cd ${TOP}/tests && ${.MAKE} all
	@sh ${TOP}/tests/run.sh ${TOP} ${OBJTOP} ${HOST} "${SAN}" \
	    ${MODEL} ${T}

.PHONY: bench bench-check bench-iv bench-kern bench-list demo
bench bench-check bench-iv bench-kern bench-list: stage
	@cd ${TOP}/tests/bench && ${.MAKE} ${.TARGET}

demo: all
	@sh ${TOP}/share/examples/demo.sh
