#! /bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh ceilings compiler host: count the instructions of the hot paths
# with callgrind(1) and compare them with the ceilings for this architecture
# and this compiler's major version.  Where there are none, say what was
# counted.  With UPDATE=1 in the environment, write what was counted into
# the file instead.  Ceilings are for the host "linux"; for another one only
# report.  Runs where the program "hotpath" is.

set -u
ceilings=$1
cc=$2
host=$3

if ! command -v valgrind >/dev/null; then
	echo "valgrind is not installed: nothing counted" >&2
	exit 1
fi
if [ -n "${UPDATE:-}" ] && [ "$host" != linux ]; then
	echo "ceilings are for HOST=linux, not for $host" >&2
	exit 1
fi
list=$(./hotpath list) || exit 1
n=${list%% *}
paths=${list#* }

arch=$($cc -dumpmachine)
arch=${arch%%-*}
case $($cc --version) in
*clang*)
	name=clang ;;
*)
	name=gcc ;;
esac
major=$(echo __GNUC__ __clang_major__ | $cc -E -P - | tail -1)
case $name in
clang)
	major=${major##* } ;;
*)
	major=${major%% *} ;;
esac

# Without debugging information, which valgrind may be too old to read.
rm -rf counted
mkdir counted || exit 1
lib=$(ldd ./hotpath | sed -n 's/.*libworkqueue[^ ]* => \([^ ]*\) .*/\1/p')
strip -g -o "counted/${lib##*/}" "$lib" || exit 1
strip -g -o counted/hotpath ./hotpath || exit 1

# Does the file know this compiler?  Then it has to know every path.
known=
[ "$host" = linux ] && known=$(awk -v a="$arch" -v c="$name" -v m="$major" \
    '$1 == a && $2 == c && $3 == m { print "yes"; exit }' "$ceilings")

echo "instructions, $arch, $name $major, host $host"
status=0
for path in $paths; do
	rm -f callgrind.out
	if ! LD_BIND_NOW=1 LD_LIBRARY_PATH=counted \
	    valgrind --tool=callgrind --collect-atstart=no \
	    --callgrind-out-file=callgrind.out counted/hotpath "$path" \
	    2>callgrind.log; then
		cat callgrind.log >&2
		exit 1
	fi
	total=$(sed -n 's/^\(totals\|summary\): //p' callgrind.out | head -1)
	if [ -z "$total" ] || [ "$total" -eq 0 ]; then
		echo "$path: callgrind counted nothing" >&2
		exit 1
	fi
	count=$(((total + n / 2) / n))
	slack=$((count * 5 / 100))
	[ $slack -ge 3 ] || slack=3
	max=
	if [ -n "${UPDATE:-}" ]; then
		awk -v a="$arch" -v c="$name" -v m="$major" -v p="$path" \
		    '$1 != a || $2 != c || $3 != m || $4 != p' \
		    "$ceilings" > ceilings.new
		echo "$arch $name $major $path $((count + slack))" \
		    >> ceilings.new
		{ grep '^#' ceilings.new; grep -v '^#' ceilings.new | sort; } \
		    > "$ceilings"
		rm ceilings.new
		echo "$path: $count, ceiling now $((count + slack))"
		continue
	fi
	[ -n "$known" ] && max=$(awk -v a="$arch" -v c="$name" \
	    -v m="$major" -v p="$path" \
	    '$1 == a && $2 == c && $3 == m && $4 == p { print $5 "" }' \
	    "$ceilings")
	case $max in
	*[!0-9]*)
		echo "$path: $count; its ceiling is no number: $max"
		status=1
		continue ;;
	esac
	if [ -z "$max" ] && [ -n "$known" ]; then
		echo "$path: $count; its ceiling is missing, would be:" \
		    "$arch $name $major $path $((count + slack))"
		status=1
	elif [ -z "$max" ]; then
		echo "$path: $count; no ceiling, would be:" \
		    "$arch $name $major $path $((count + slack))"
	elif [ "$count" -gt "$max" ]; then
		echo "$path: $count, ABOVE the ceiling $max"
		status=1
	else
		echo "$path: $count, ceiling $max"
	fi
done
exit $status
