#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# plain.mk: PLAIN has the flags with which the simulator sees the plain accesses
# of a source; see sim_plain.c.  The compiler can do that on 64-bit machines
# only.
_PLAIN!=	echo 'int x;' | ${CC} -fsanitize=thread -c -x c - \
		    -o /dev/null 2>/dev/null && echo -fsanitize=thread || echo
PLAIN=		${_PLAIN} -include host/sim_plain.h
