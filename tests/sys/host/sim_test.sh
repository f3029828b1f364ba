#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# wqsim(1) finds the bugs of h_sim.c, and replays what it finds.

WQSIM="$STAGE/bin/wqsim"

# The simulator needs glibc, and is not built with a sanitizer.
need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
}

# find BUG TEXT: check that schedules of h_sim BUG fail for the reason TEXT, and
# that the printed command fails in the same way.
find() {
	local bug="$1" text="$2" out replay

	out=$(mktemp)
	atf_check -s exit:1 -o empty -e save:"$out" "$WQSIM" -n 3000 \
	    ./h_sim "$bug"
	atf_check -o not-empty grep "failed: $text" "$out"
	replay=$(sed -n 's/^wqsim: replay: wqsim //p' "$out")
	atf_check -o ignore -e save:"$out" -s exit:1 sh -c "$WQSIM $replay"
	atf_check -o not-empty grep "failed: $text" "$out"
	rm -f "$out"
}

# none BUG: check that no schedule of the fixed program fails.
none() {
	atf_check -e match:"no failure in 300 schedules" "$WQSIM" -n 300 \
	    ./h_sim "$1" fixed
}

bug() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"$2\"
	}
	$1_body() {
		need
		find $1 \"$3\"
		none $1
	}"
}

bug recheck "a wait without a second look at its condition is found" \
    "deadlock"
bug abba "two locks taken in two orders are found" "deadlock"
bug timeout "a timeout that comes together with the wake-up is found" \
    "signal 6"
bug work "an item that is reused while it is pending is found" "signal 6"
bug endless "a thread that never ends runs out of points" "no end after"

atf_test_case deadlock_report
deadlock_report_head() {
	atf_set descr "a deadlock names each thread and what it waits for"
}
deadlock_report_body() {
	need
	"$WQSIM" -n 3000 ./h_sim abba 2> "$OLDPWD/report"
	atf_check -o not-empty grep "thread 1 main: waits: mutex 0x" \
	    "$OLDPWD/report"
	atf_check -o not-empty grep "thread 2: waits: mutex 0x" \
	    "$OLDPWD/report"
}

atf_test_case replay
replay_head() {
	atf_set descr "a seed gives the same trace each time"
}
replay_body() {
	local bug seed

	need
	for bug in recheck abba timeout work; do
		for seed in 1 500 1000 1500 2000 2500 3000 3500 4000 4500; do
			"$WQSIM" -v -n 500 -S $seed ./h_sim $bug 2>&1 |
			    sed -n 's/^wqsim: seed \([0-9]*\): \(.*\)/\1 \2/p' |
			    tail -1
		done | sort -u > "$OLDPWD/$bug.first"
		while read -r seed what; do
			env "LENGTH=$bug$seed" "$WQSIM" -v \
			    -r random,sc,$seed ./h_sim $bug 2>&1 |
			    sed -n 's/^wqsim: seed \([0-9]*\): \(.*\)/\1 \2/p'
		done < "$OLDPWD/$bug.first" > "$OLDPWD/$bug.again"
		atf_check test -s "$OLDPWD/$bug.first"
		atf_check diff -u "$OLDPWD/$bug.first" "$OLDPWD/$bug.again"
	done
}

atf_test_case schedules
schedules_head() {
	atf_set descr "seeds give different schedules"
}
schedules_body() {
	need
	"$WQSIM" -v -n 100 ./h_sim work fixed 2>&1 |
	    sed -n 's/.*trace //p' | sort -u | wc -l > "$OLDPWD/count"
	[ "$(cat "$OLDPWD/count")" -gt 50 ] ||
	    atf_fail "only $(cat "$OLDPWD/count") of 100 differ"
}

atf_test_case usage
usage_head() {
	atf_set descr "wrong use is one clear line, and status 2"
}
usage_body() {
	need
	atf_check -s exit:2 -e match:"^usage: " "$WQSIM"
	atf_check -s exit:2 -e match:"not found" "$WQSIM" no-such-program
	atf_check -s exit:2 -e match:"a script cannot be simulated" \
	    "$WQSIM" "$TOP/build.sh"
	atf_check -s exit:2 -e match:"no such strategy" "$WQSIM" -s nosuch \
	    ./h_sim abba
	atf_check -s exit:2 -e match:"takes a number of points" "$WQSIM" \
	    -s random:x ./h_sim abba
	atf_check -s exit:2 -e match:"no such memory model" "$WQSIM" -m x \
	    ./h_sim abba
	atf_check -s exit:2 -e match:"with commas between" "$WQSIM" -r x \
	    ./h_sim abba
	atf_check -o match:"^random " "$WQSIM" -l
}

atf_test_case wrong
wrong_head() {
	atf_set descr "a message about a wrong value names what was written"
}

# wrong TEXT COMMAND ...: check that the command prints TEXT alone.
wrong() {
	local text="$1"

	shift
	atf_check -s exit:2 -e inline:"$text\n" env "$@"
}

wrong_body() {
	local none="there is no such memory model"
	local range="not a number in range"

	need
	wrong "wqsim: -n 0: $range" "$WQSIM" -n 0 ./h_sim abba
	wrong "wqsim: -S x: $range" "$WQSIM" -S x ./h_sim abba
	wrong "wqsim: -m x: $none" "$WQSIM" -m x ./h_sim abba
	wrong "wqsim: -r: x: $range" "$WQSIM" -r random,sc,x ./h_sim abba
	wrong "wqsim: -r: x: $none" "$WQSIM" -r random,x,1 ./h_sim abba
	wrong "wqsim: -b 0: $range" "$WQSIM" -r random,sc,1 -b 0 ./h_sim abba
	wrong "simulator: WQSIM: \"n=0\": $range" WQSIM=n=0 \
	    "LD_PRELOAD=$STAGE/lib/workqueue-sim/libworkqueue.so.0" \
	    ./h_sim abba
	wrong "simulator: WQSIM_SEED=x: $range" WQSIM_SEED=x \
	    "LD_PRELOAD=$STAGE/lib/workqueue-sim/libworkqueue.so.0" \
	    ./h_sim abba
}

atf_test_case ignored
ignored_head() {
	atf_set descr "a program that the loader would run without the" \
	    "simulator is refused"
}
ignored_body() {
	local dir

	need
	for dir in "a b" "a:b"; do
		mkdir -p "$OLDPWD/$dir/bin" "$OLDPWD/$dir/lib"
		cp "$WQSIM" "$OLDPWD/$dir/bin"
		cp -R "$STAGE/lib/workqueue-sim" "$OLDPWD/$dir/lib"
		atf_check -s exit:2 -e match:"a space or a colon" \
		    "$OLDPWD/$dir/bin/wqsim" ./h_sim abba fixed
	done
	cp ./h_sim "$OLDPWD/h_sim"
	setcap cap_net_raw+ep "$OLDPWD/h_sim" ||
	    atf_skip "no file capabilities here"
	atf_check -s exit:2 -e match:"has file capabilities" \
	    "$WQSIM" "$OLDPWD/h_sim" abba fixed
}

atf_test_case file
file_head() {
	atf_set descr "options that are in a replay file are refused with it"
}
file_body() {
	local option

	need
	atf_check -s exit:1 -o ignore -e ignore "$WQSIM" -n 3000 -b 50000 \
	    -w "$OLDPWD/file" ./h_sim abba
	for option in "-b 60000" "-f alloc" "-i 1" -e; do
		# shellcheck disable=SC2086
		atf_check -s exit:2 -e match:"in the file that -r names" \
		    "$WQSIM" -r "$OLDPWD/file" $option ./h_sim abba
	done
	atf_check -s exit:1 -o ignore -e save:"$OLDPWD/out" "$WQSIM" \
	    -r "$OLDPWD/file" ./h_sim abba
	atf_check -o inline:"wqsim: replay: wqsim -r $OLDPWD/file ./h_sim abba
" grep "^wqsim: replay" "$OLDPWD/out"
}

atf_init_test_cases() {
	atf_add_test_case recheck
	atf_add_test_case abba
	atf_add_test_case timeout
	atf_add_test_case work
	atf_add_test_case endless
	atf_add_test_case deadlock_report
	atf_add_test_case replay
	atf_add_test_case schedules
	atf_add_test_case usage
	atf_add_test_case wrong
	atf_add_test_case ignored
	atf_add_test_case file
}
