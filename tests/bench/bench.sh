#! /bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# bench.sh directory root: run wqbench, which is in this directory, and have
# the pictures drawn.  The directory is for what comes out; in those that
# stand beside it below the root lie the targets of runs with other compilers.
# From the environment: QUICK, W, P and ROUNDS, where empty is not given.

set -u
dir=$1
root=$2

case ${QUICK:-0} in
0|no)
	quick= ;;
1|yes)
	quick=-q ;;
*)
	echo "QUICK is \"$QUICK\"; it can be 1 or 0" >&2
	exit 2 ;;
esac

# Check what was asked for before anything old is removed.
set -- $quick ${W:+-w "$W"} ${P:+-p "$P"} ${ROUNDS:+-r "$ROUNDS"}
./wqbench -n "$@" || exit

own=$dir/targets.tsv
# A part is not the whole, nor is a run in checking mode a release's.
case ${WORKQUEUE_CHECK:-0}$W$P in
0)
	;;
*)
	dir=$dir/part
	echo "Not a whole run; its page and files go to $dir" ;;
esac

# Sanitizers' directories have another word at the end.
for t in "$root"-cc "$root"-gcc "$root"-clang; do
	t=$t/bench/targets.tsv
	[ ! -f "$t" ] || [ "$t" = "$own" ] || set -- "$@" -t "$t"
done

mkdir -p "$dir" && rm -f "$dir/wqbench.gp" || exit
status=0
./wqbench "$@" -o "$dir" || status=$?
# The page and the script are there even if some runs failed.
[ -f "$dir/wqbench.gp" ] || exit $status
rm -f "$dir"/*.svg
if ! command -v gnuplot >/dev/null; then
	echo "gnuplot is not installed (Debian: gnuplot-nox): no pictures"
elif (cd "$dir" && gnuplot wqbench.gp); then
	echo
	echo "Pictures: $dir/index.html"
else
	status=1
fi
exit $status
