#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# plant.sh dir wqsim seconds: measure how fast the simulator finds each planted
# bug, and whether so many seconds of plain runs find it.  dir has h_plant and
# plant/.  Print a line for each bug.  Times are those of the processor.

dir=$1 wqsim=$2 seconds=$3
cd "$dir" || exit 1
out=$(mktemp)
trap 'rm -f "$out" "$out.times"' EXIT

# Set $ms to the processor time of all children of this shell.
children()
{
	times > "$out.times"
	ms=$(sed -n '2s/[ms]/ /gp' "$out.times" |
	    awk '{ printf "%d\n", 1000 * (60 * ($1 + $3) + $2 + $4) }')
}

# sim WQSIM MODEL CASE: print the seconds and the schedules until a failure, or
# "-".
sim()
{
	children
	begun=$ms
	timeout $((seconds * 6)) "$1" -n 100000000 -m "$2" -b 40000 \
	    ./h_plant "$3" > /dev/null 2> "$out"
	status=$?
	children
	ms=$((ms - begun))
	if [ $status -eq 1 ]; then
		n=$(sed -n 's/^wqsim: schedule \([0-9]*\) of.*/\1/p' "$out")
		echo "$((ms / 1000)).$((ms % 1000 / 100))s/$n"
	else
		echo "-"
	fi
}

# Print the number of preemptions in the minimal schedule.
preemptions()
{
	sed -n 's/^wqsim: the minimal.*, \(.*\) preem.*/\1/p' "$out"
}

lines()
{
	sed -n '/^wqsim: the minimal/,/^wqsim: replay/p' "$out" |
	    grep -vc ^wqsim
}

# plain CASE: print how many of the plain runs fail.
plain()
{
	runs=0 failed=0
	end=$(($(date +%s) + seconds))
	while [ "$(date +%s)" -lt $end ]; do
		timeout 5 ./h_plant "$1" > /dev/null 2>&1 ||
		    failed=$((failed + 1))
		runs=$((runs + 1))
	done
	echo "$failed/$runs"
}

printf '%-20s %-12s %-12s %4s %5s  %s\n' bug sc tso pre lines plain
for bug in abba destroy fork handler inversion own recheck timeout token twice
do
	sc=$(sim "$wqsim" sc $bug)
	pre=$(preemptions) n=$(lines)
	printf '%-20s %-12s %-12s %4s %5s  %s\n' $bug "$sc" \
	    "$(sim "$wqsim" tso $bug)" "$pre" "$n" "$(plain $bug)"
done
number=0
for bug in recheck:wait kick:kick touch:touch drain:drain waiters:waiters \
    timeout:timeout softint:softint swap:wait cancel:cancel xcall:section; do
	number=$((number + 1))
	WORKQUEUE_PLANT=$number
	export WORKQUEUE_PLANT
	sc=$(sim plant/bin/wqsim sc lib_${bug#*:})
	tso=$(sim plant/bin/wqsim tso lib_${bug#*:})
	printf '%-20s %-12s %-12s %4s %5s\n' "library: ${bug%:*}" "$sc" \
	    "$tso" "$(preemptions)" "$(lines)"
done
