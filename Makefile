#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

SUBDIR=		lib usr.bin sys man share/bpftrace share/examples share/gdb

.include "share/mk/subdir.mk"

# Install below obj/, for programs that are built as clients.
# wqsim has the library's directory in it, so it is built for the stage alone.
stage: all-lib all-sys
	@cd ${TOP}/lib && ${.MAKE} install ${STAGE_DIRS}
	@cd ${TOP}/usr.bin && ${.MAKE} install ${STAGE_DIRS:NLIBDIR=*}
	@cd ${TOP}/sys && ${.MAKE} install ${STAGE_DIRS}
	@cd ${TOP}/share/gdb && ${.MAKE} install ${STAGE_DIRS}

all-share/examples: stage

# Both write lib/*/*.pc.install, so with -j they must not run at once.
.ORDER: stage install

# Install the tests, which "kyua test" can run there.
.PHONY: install-tests
install-tests: all stage
	@cd ${TOP}/tests && ${.MAKE} install-tests

# Record the binary interface of a release, on x86-64: see share/mk/lib.mk.
.PHONY: abi
abi: stage
	@cd ${TOP}/lib && ${.MAKE} abi

# Remove the files that "install" with the same variables installs, and the
# directories that only this library uses.
.PHONY: uninstall
uninstall:
	@rm -rf ${OBJTOP}/uninstall
	@cd ${TOP} && ${.MAKE} install DESTDIR=${OBJTOP}/uninstall >/dev/null
	@cd ${OBJTOP}/uninstall && find . ! -type d | while read -r f; do \
		rm -f "${DESTDIR}$${f#.}" || exit 1; \
	done
	@cd ${OBJTOP}/uninstall && find . -depth -type d \
	    -path '*/*workqueue*' | while read -r d; do \
		rmdir "${DESTDIR}$${d#.}" 2>/dev/null || :; \
	done
	@rm -rf ${OBJTOP}/uninstall
	@echo "uninstall from ${DESTDIR}${PREFIX}"

# Make the tarball of a release from the tracked files, with the same bytes each
# time.
_DIST=		libworkqueue-${VERSION}
.PHONY: dist
dist:
	@git -C ${TOP} archive --format=tar --prefix=${_DIST}/ HEAD | \
	    gzip -9n > ${OBJTOP}/${_DIST}.tar.gz
	@echo "made ${OBJTOP}/${_DIST}.tar.gz"

# T=workqueue_test:visibility builds and runs that test alone; T= takes several
# names, and directories.  MODEL=no leaves out tests/model, which is the same
# for each HOST, CC and SAN.
T?=
MODEL?=		yes
# The simulator has a suite of its own: what needs neither another back end nor
# real time.
.if ${HOST} == "sim" && empty(T)
T=		tests/sim tests/sys/compat tests/sys/kern
T+=		host_park_wb_test host_wb_test
WITHOUT?=	${TOP}/tests/without.sim
_SUITE=		WHOLE=yes WITHOUT=${WITHOUT}
.endif
.if empty(T)
test: all stage
	@cd ${TOP}/tests && ${.MAKE} all
	@sh ${TOP}/tests/run.sh ${TOP} ${OBJTOP} ${HOST} "${SAN}" ${MODEL}
.else
test: stage
	@sh ${TOP}/tests/pick.sh ${TOP} ${OBJTOP} ${T}
	@while read -r dir program name; do \
		case $$dir in \
		tests/check|tests/examples) (cd ${TOP} && ${.MAKE} all) ;; \
		esac && (cd ${TOP}/$$dir && \
		    case $$program in \
		    all) ${.MAKE} all ;; \
		    *) ${.MAKE} helpers $$program ;; \
		    esac) || exit 1; \
	done < ${OBJTOP}/test.pick
	@${_SUITE} sh ${TOP}/tests/run.sh ${TOP} ${OBJTOP} ${HOST} "${SAN}" \
	    ${MODEL} $$(cat ${OBJTOP}/test.names)
.endif

# Search the protocols of tests/sim in the simulator, for TIME seconds.
TIME?=		600
.PHONY: sim-soak
.if ${HOST} == "sim"
sim-soak: stage
	@cd ${TOP}/tests/sim && ${.MAKE} all
	@sh ${TOP}/tests/sim/soak.sh ${OBJTOP} ${TIME}
.else
sim-soak:
	@cd ${TOP} && ${.MAKE} HOST=sim sim-soak
.endif

# Make the manual as linked HTML pages.
.PHONY: html
html:
	@cd ${TOP}/man && ${.MAKE} html

.PHONY: bench bench-check bench-inbox bench-iv bench-kern bench-list demo
bench bench-check bench-inbox bench-iv bench-kern bench-list: stage
	@cd ${TOP}/tests/bench && ${.MAKE} ${.TARGET}

demo: all
	@sh ${TOP}/share/examples/demo.sh

# Show as HTML pages which lines the suite reaches; this needs lcov.  Some tests
# of signals and descriptors fail with coverage.
_COVERAGE=	DEBUGFLAGS="-O0 -g --coverage"
.PHONY: coverage coverage-page
coverage:
	@cd ${TOP} && ${.MAKE} ${_COVERAGE} MODEL=no test || :
	@cd ${TOP} && ${.MAKE} ${_COVERAGE} coverage-page

coverage-page:
	@rm -rf ${OBJROOT}/coverage
	@cd ${OBJTOP} && lcov -q -c -d lib -b ${TOP} --no-external \
	    -o coverage.info
	@cd ${OBJTOP} && genhtml -q -o ${OBJROOT}/coverage coverage.info
	@cd ${OBJTOP} && lcov --summary coverage.info
	@echo "made ${OBJROOT}/coverage/index.html"
