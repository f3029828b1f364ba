#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# subdir.mk: "all" and "install" in each directory of SUBDIR.

.include "own.mk"

# Keep the order with -j, too.
.ORDER: all install

.for t in all install
${t}: ${SUBDIR:@d@${t}-${d}@}
.for d in ${SUBDIR}
.PHONY: ${t}-${d}
${t}-${d}:
	@cd ${.CURDIR}/${d} && ${.MAKE} ${t}
.endfor
.endfor
