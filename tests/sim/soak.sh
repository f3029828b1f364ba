#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# soak.sh objtop seconds: search the protocols for that many seconds, with seeds
# that earlier runs have not used.  Print each failure with the command that
# replays it.  The exit status is 1 if there was a failure.  "bmake sim-soak"
# calls this.

set -u
obj=$1
end=$(($(date +%s) + $2))
seed=$(date +%s)000000
total=0
failures=0
cd "$obj/tests/sim" || exit 1

# search N PROGRAM PROTOCOL [once]: N schedules of the protocol, with each
# strategy that is in $strategies.  $faults is what they may refuse.
faults=''
search() {
	local n=$1 strategy

	shift
	for strategy in $strategies; do
		[ "$(date +%s)" -lt "$end" ] || return
		# shellcheck disable=SC2086
		if "$obj/stage/bin/wqsim" $faults -n "$n" -S "$seed" \
		    -m "$model" -s "$strategy" "$@" > soak.out 2>&1; then
			total=$((total + n))
		else
			failures=$((failures + 1))
			echo "soak.sh: WORKQUEUE_LEND=$WORKQUEUE_LEND $*:"
			cat soak.out
		fi
		seed=$((seed + n))
	done
}

# All protocols.
round() {
	local name program

	export WORKQUEUE_LEND=0
	for program in ./h_engine ./h_iv ./h_kern ./h_linux ./h_pool; do
		[ -x $program ] || continue
		for name in $($program); do
			search 5000 $program "$name"
		done
	done
	export WORKQUEUE_LEND=1
	for program in ./h_engine ./h_lend; do
		for name in $($program); do
			search 5000 $program "$name"
		done
	done
	# Only the first queue of a process starts the lender.
	for name in $(./h_lend); do
		search 100 ./h_lend "$name" once
	done
	faults="-f thread"
	search 1000 ./h_lend refused once
	faults=''
}

while [ "$(date +%s)" -lt "$end" ]; do
	for strategies in random pct:3 "random:3 pos"; do
		for model in sc tso pso; do
			round
		done
	done
done
rm -f soak.out
echo "soak.sh: $total schedules passed, $failures searches failed"
[ $failures -eq 0 ]
