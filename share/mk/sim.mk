#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# sim.mk: is HAVE_SIM "yes" or "no"?
#
# The simulator, wqsim(1), needs glibc and a machine of 64 bits.  On a machine
# of 32 bits, two runs with the same seed differed.  The simulator is built
# beside the library.
.if ${HOST} != "posix" && empty(SAN) && !make(clean)
HAVE_SIM!=	printf '\#include <features.h>\n%s\n' \
		'__GLIBC__ __SIZEOF_POINTER__' | \
		${CC} -E -P - 2>/dev/null | grep -q '^2 8$$' && echo yes || \
		echo no
.else
HAVE_SIM=	no
.endif
