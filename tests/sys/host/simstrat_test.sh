#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The strategies and the memory models of wqsim(1), on the programs of
# h_simstrat.c.

WQSIM="$STAGE/bin/wqsim"

need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
}

# found TEXT OPTIONS... ./h_simstrat ARGUMENTS...: check that a schedule fails
# for the reason TEXT, and that its replay fails in the same way, with the same
# trace.
found() {
	local text="$1" out replay trace

	shift
	out=$(mktemp)
	atf_check -s exit:1 -o empty -e save:"$out" "$WQSIM" -v "$@"
	atf_check -o not-empty grep "failed: $text" "$out"
	trace=$(sed -n 's/.*seed .*, trace //p' "$out" | tail -1)
	replay=$(sed -n 's/^wqsim: replay: wqsim //p' "$out")
	atf_check -s exit:1 -o ignore -e save:"$out" \
	    sh -c "$WQSIM -v $replay"
	atf_check -o not-empty grep "failed: $text" "$out"
	atf_check -o not-empty grep "trace $trace" "$out"
	rm -f "$out"
}

# none TEXT OPTIONS... ./h_simstrat ARGUMENTS...: check that no schedule fails.
none() {
	local text="$1"

	shift
	atf_check -e match:"$text" "$WQSIM" "$@"
}

tc() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"$2\"
	}
	$1_body() {
		need
		$1
	}"
}

tc pct "pct:3 finds a bug that needs two preemptions; pct:2 has only one"
pct() {
	found "signal 6" -s pct:3 -n 2000 ./h_simstrat depth 2
	found "signal 6" -s pct:3:10 -n 2000 ./h_simstrat depth 2
	found "signal 6" -s pct:1 -n 100 ./h_simstrat depth 1
	none "no failure in 500" -s pct:2 -n 500 ./h_simstrat depth 2
	found "deadlock" -s pct:2 -n 100 ./h_simstrat abba
	none "no failure in 100" -s pct:1 -n 100 ./h_simstrat abba
}

tc pos "pos finds two locks in two orders behind many accesses"
pos() {
	found "deadlock" -s pos -n 100 ./h_simstrat abba
	found "signal 6" -s pos -n 500 ./h_simstrat depth 2
}

tc spin "a thread that spins does not starve the one that it waits for"
spin() {
	none "no failure in 100" -b 500 -s pct:3 -n 100 ./h_simstrat spin
	none "no failure in 100" -s pct:3 -n 100 ./h_simstrat spin silent
	none "no failure in 100" -b 1000 -s pct:3 -n 100 ./h_simstrat spin2
	none "no failure in 100" -s pos -n 100 ./h_simstrat spin
	none "up to 2 preemptions" -s exhaustive:2 ./h_simstrat spin
	none "up to 0 preemptions" -s exhaustive:0 ./h_simstrat spin silent
	none "no failure in 100" -m pso -n 100 ./h_simstrat spin silent
}

tc exhaustive "the exhaustive search proves that a program has no bug, finds \
the bug of the broken one, and needs as many preemptions as the bug"
exhaustive() {
	none "no failure with up to 2 preemptions, [0-9]* schedules" \
	    -s exhaustive:2 ./h_simstrat account
	found "signal 6" -s exhaustive:1 ./h_simstrat account broken
	none "no failure with up to 0 preemptions, 3 schedules" \
	    -s exhaustive:0 ./h_simstrat account broken
	none "no failure with up to 1 preemption, " \
	    -s exhaustive:1 ./h_simstrat depth 2
	found "signal 6" -s exhaustive:2 ./h_simstrat depth 2
	none "no failure in 5 schedules, and there are more with up to 2 pre" \
	    -s exhaustive:2 -n 5 ./h_simstrat depth 2
	none "no failure with up to 1 preemption, 22 schedules" \
	    -s exhaustive:1 -n 22 ./h_simstrat depth 2
	atf_check -s exit:1 -e match:"^wqsim: schedule [0-9]* failed: sig" \
	    "$WQSIM" -s exhaustive:1 ./h_simstrat account broken
	atf_check -s exit:1 \
	    -e match:"6 failures with up to 1 preemption, 30 schedules" \
	    "$WQSIM" -s exhaustive:1 -k ./h_simstrat account broken
	# A store that reaches memory early is no preemption.
	atf_check -s exit:1 -e match:"points, 1 preemption, 1 other event$" \
	    "$WQSIM" -m tso -s exhaustive:2 ./h_simstrat early
}

tc sleepsets "sleep sets omit schedules, and no outcome"
sleepsets() {
	local seed

	for seed in 2 4; do
		atf_check -o save:"$OLDPWD/some" -e save:"$OLDPWD/some.err" \
		    "$WQSIM" -o -s exhaustive:2 ./h_simstrat walk $seed
		atf_check -o save:"$OLDPWD/all" -e save:"$OLDPWD/all.err" \
		    "$WQSIM" -o -s exhaustive:2:all ./h_simstrat walk $seed
		sort -u "$OLDPWD/some" > "$OLDPWD/some.set"
		sort -u "$OLDPWD/all" > "$OLDPWD/all.set"
		atf_check test -s "$OLDPWD/all.set"
		atf_check diff "$OLDPWD/all.set" "$OLDPWD/some.set"
		atf_check -s exit:1 cmp -s "$OLDPWD/all.err" "$OLDPWD/some.err"
		[ "$(wc -l < "$OLDPWD/some")" -lt \
		    "$(wc -l < "$OLDPWD/all")" ] ||
		    atf_fail "no schedule was cut short"
	done
}

tc usersleeps "sleep sets omit no outcome of wqsim_point() and of signals"
usersleeps() {
	local program

	for program in user interrupted; do
		atf_check -o save:"$OLDPWD/some" -e ignore "$WQSIM" -o \
		    -s exhaustive:4 ./h_simstrat $program
		atf_check -o save:"$OLDPWD/all" -e ignore "$WQSIM" -o \
		    -s exhaustive:4:all ./h_simstrat $program
		sort -u "$OLDPWD/some" > "$OLDPWD/some.set"
		sort -u "$OLDPWD/all" > "$OLDPWD/all.set"
		atf_check test -s "$OLDPWD/all.set"
		atf_check diff "$OLDPWD/all.set" "$OLDPWD/some.set"
	done
}

tc list "a list replays a store that reaches memory where a thread is preempted"
list() {
	local seed

	for seed in 1 2 3; do
		atf_check -s exit:1 -o ignore -e save:"$OLDPWD/out" "$WQSIM" \
		    -n 1000 -m tso -S ${seed}000 -w "$OLDPWD/file" \
		    ./h_simstrat early
		atf_check -o not-empty grep "minimal schedule that fails so" \
		    "$OLDPWD/out"
		atf_check -s exit:1 -o ignore -e match:"signal 6" "$WQSIM" \
		    -r "$OLDPWD/file" ./h_simstrat early
	done
}

tc plain "the simulator has each function that a compiler calls for a plain \
access"
plain() {
	local name

	nm ../../../lib/libworkqueue_sim/sim_plain.o > "$OLDPWD/names"
	for name in memcpy memmove memset read1 write8 read_range \
	    unaligned_write4; do
		atf_check -o not-empty grep " T __tsan_$name\$" \
		    "$OLDPWD/names"
	done
	# Otherwise the simulator would not see accesses that the C library
	# makes for us.
	nm ../../../lib/libworkqueue_sim/kern_*.o > "$OLDPWD/names"
	atf_check -o not-empty grep " U __tsan_memset\$" "$OLDPWD/names"
}

tc tso "a store passes a later load under tso and pso, and never under sc"
tso() {
	local strategy

	for strategy in random pct:2 pos exhaustive:1; do
		found "signal 6" -m tso -s $strategy -n 1000 ./h_simstrat sb
	done
	found "signal 6" -m pso -n 1000 ./h_simstrat sb
	none "up to 3 preemptions" -m sc -s exhaustive:3 ./h_simstrat sb
	none "up to 2 preemptions" -m tso -s exhaustive:2 ./h_simstrat sb fence
	none "up to 2 preemptions" -m tso -s exhaustive:2 ./h_simstrat sb swap
	none "up to 2 preemptions" -m tso -s exhaustive:2 ./h_simstrat sbsc
}

tc pso "a store passes another under pso, and never under tso; a release \
store and a release fence forbid it"
pso() {
	found "signal 6" -m pso -n 1000 -s random:1 ./h_simstrat mp
	found "signal 6" -m pso -s exhaustive:2 ./h_simstrat mp
	none "up to 3 preemptions" -m tso -s exhaustive:3 ./h_simstrat mp
	none "up to 2 preemptions" -m pso -s exhaustive:2 \
	    ./h_simstrat mp release
	none "up to 2 preemptions" -m pso -s exhaustive:2 ./h_simstrat mp fence
}

tc own "a thread sees its own stores in order, and others see a word's"
own() {
	none "up to 2 preemptions" -m tso -s exhaustive:2 ./h_simstrat own
	none "up to 2 preemptions" -m pso -s exhaustive:2 ./h_simstrat own
}

tc fence "the library's asymmetric fences hold with store buffers, and a \
waiter is lost without the heavy fence"
fence() {
	local strategy

	for strategy in random:3 pct:3 pos; do
		none "no failure in 300" -m tso -s $strategy -n 300 \
		    ./h_simstrat fence
		none "no failure in 300" -m pso -s $strategy -n 300 \
		    ./h_simstrat fence
	done
	found "deadlock" -m tso:nofence -s random:3 -n 3000 ./h_simstrat fence
	atf_check -s exit:2 -e match:"no such memory model" "$WQSIM" \
	    -m tso:x ./h_simstrat sb
}

tc usage "wrong parameters are one clear line; -l lists all strategies and \
memory models"
usage() {
	local strategy

	for strategy in pct:0 pct:65 pct:x pct:3:0 pct:3:x pos:1 \
	    exhaustive:x exhaustive:2:x exhaustive:2:3a exhaustive:1001; do
		atf_check -s exit:2 -e match:"^wqsim: -s $strategy: " \
		    "$WQSIM" -s $strategy ./h_simstrat sb
	done
	atf_check -o match:"^random " -o match:"^pct " -o match:"^pos " \
	    -o match:"^exhaustive " -o match:"^memory models: sc, tso, pso" \
	    "$WQSIM" -l
}

atf_init_test_cases() {
	atf_add_test_case pct
	atf_add_test_case pos
	atf_add_test_case spin
	atf_add_test_case exhaustive
	atf_add_test_case sleepsets
	atf_add_test_case usersleeps
	atf_add_test_case list
	atf_add_test_case plain
	atf_add_test_case tso
	atf_add_test_case pso
	atf_add_test_case own
	atf_add_test_case fence
	atf_add_test_case usage
}
