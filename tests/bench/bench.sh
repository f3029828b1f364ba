#! /bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# bench.sh directory root: run wqbench, which is in this directory, and draw the
# pictures.  The output goes to the directory.  Its sibling directories below
# the root have the targets of runs with other compilers.  The environment may
# set QUICK, W, P and ROUNDS.  An empty value counts as unset.

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

# Check the arguments before removing any old file.
set -- $quick ${W:+-w "$W"} ${P:+-p "$P"} ${ROUNDS:+-r "$ROUNDS"}
./wqbench -n "$@" || exit

own=$dir/targets.tsv
# A partial run, or a run in checking mode, must not replace a complete run.
case ${WORKQUEUE_CHECK:-0}$W$P in
0)
	;;
*)
	dir=$dir/part
	echo "Not a whole run; its page and files go to $dir" ;;
esac

# Directories of sanitizers have one more word at the end.
for t in "$root"-cc "$root"-gcc "$root"-clang; do
	t=$t/bench/targets.tsv
	[ ! -f "$t" ] || [ "$t" = "$own" ] || set -- "$@" -t "$t"
done

mkdir -p "$dir" && rm -f "$dir/wqbench.gp" || exit
status=0
./wqbench "$@" -o "$dir" || status=$?
# The page and the script exist even if some runs failed.
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
