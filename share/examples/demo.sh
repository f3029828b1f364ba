#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh: hash files with pcksum, and compare the result with that of
# sha256sum(1).  "./build.sh demo" and "bmake demo" run this script last.  It
# hashes the files of this tree and, to have more files, those of gcc.

set -u
cd "$(dirname "$0")/../.." || exit 1
obj=$(bmake -V '${OBJTOP}') || exit 1
set -- .
[ -d /usr/lib/gcc ] && set -- . /usr/lib/gcc

echo "demo: pcksum -e .git -e obj $*"
"$obj/share/examples/workqueue/pcksum" -e .git -e obj "$@" \
    > "$obj/demo.got" || {
	echo "demo: pcksum failed" >&2
	exit 1
}
head -n 3 "$obj/demo.got"
echo "..."

for tree; do
	find "$tree" \( -name .git -o -name obj \) -prune -o \
	    -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
done > "$obj/demo.want"
files=$(wc -l < "$obj/demo.want" | tr -d ' ')
agree=$(paste -d '\n' "$obj/demo.want" "$obj/demo.got" | uniq -d | wc -l |
    tr -d ' ')
echo "demo: $agree of $files files agree with sha256sum, line by line"
cmp "$obj/demo.want" "$obj/demo.got"
