#! /bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh ceilings compiler host: count the instructions of the hot paths with
# callgrind(1), or with qemu-user if the compiler is for another machine.
# Compare them with the ceilings for that architecture and the compiler's major
# version.  Without ceilings, print the counts.  With UPDATE=1 in the
# environment, write the counts into the file instead.  Ceilings are for the
# host "linux"; for another host only report.  Run this in the directory of the
# program "hotpath".

set -u
ceilings=$1
cc=$2
host=$3

if [ -n "${UPDATE:-}" ] && [ "$host" != linux ]; then
	echo "ceilings are for HOST=linux, not for $host" >&2
	exit 1
fi
arch=$($cc -dumpmachine)
arch=${arch%%-*}
emulator=
tool=valgrind
case $arch in
"$(uname -m)"|i686)	;;
*)	emulator=qemu-$arch-static tool=$emulator ;;
esac
if ! command -v "$tool" >/dev/null; then
	echo "$tool is not installed: nothing counted" >&2
	exit 1
fi
list=$($emulator ./hotpath list) || exit 1
n=${list%% *}
paths=${list#* }

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

# Strip debugging information, which valgrind may be too old to read.
if [ -z "$emulator" ]; then
	rm -rf counted
	mkdir counted || exit 1
	lib=$(ldd ./hotpath |
	    sed -n 's/.*libworkqueue[^ ]* => \([^ ]*\) .*/\1/p')
	strip -g -o "counted/${lib##*/}" "$lib" || exit 1
	strip -g -o counted/hotpath ./hotpath || exit 1
fi

# Print how many instructions all turns of a path take.
callgrind()
{
	rm -f callgrind.out
	LD_BIND_NOW=1 LD_LIBRARY_PATH=counted \
	    valgrind --tool=callgrind --collect-atstart=no \
	    --callgrind-out-file=callgrind.out counted/hotpath "$1" \
	    2>callgrind.log || { cat callgrind.log >&2; return 1; }
	sed -n 's/^\(totals\|summary\): //p' callgrind.out | head -1
}

# The same with the emulator, which prints a line for each instruction.  The
# second word is the thread, and the last word the function.  A thread that
# enters hot_toggle() starts or stops counting.
emulate()
{
	LD_BIND_NOW=1 "$emulator" -singlestep -d exec,nochain -D /dev/stdout \
	    ./hotpath "$1" | awk '
	    $1 == "Trace" {
		if ($NF == "hot_toggle" && last[$2] != "hot_toggle")
			on = on == $2 ? "" : $2
		last[$2] = $NF
		count += $2 == on
	    }
	    END { print count + 0 }'
}

# If the file has this compiler, it must have all paths.
known=
[ "$host" = linux ] && known=$(awk -v a="$arch" -v c="$name" -v m="$major" \
    '$1 == a && $2 == c && $3 == m { print "yes"; exit }' "$ceilings")

echo "instructions, $arch, $name $major, host $host"
status=0
for path in $paths; do
	if [ -n "$emulator" ]; then
		total=$(emulate "$path")
	else
		total=$(callgrind "$path") || exit 1
	fi
	if [ "${total:-0}" -eq 0 ]; then
		echo "$path: $tool counted nothing" >&2
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
