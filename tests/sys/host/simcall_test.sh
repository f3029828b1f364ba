#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The calls that the simulator replaces, the interrupts and failures that it
# injects, and <sys/workqueue_sim.h>.  The programs are in h_simcall.c.

WQSIM="$STAGE/bin/wqsim"

# The simulator needs glibc, and is not built with a sanitizer.
need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
}

# find CASE TEXT [OPTION ...]: check that schedules of h_simcall CASE fail for
# the reason TEXT, that the replay fails in the same way, and that no schedule
# of the fixed program fails.
find() {
	local case="$1" text="$2" out

	shift 2
	out=$(mktemp)
	atf_check -s exit:1 -o empty -e save:"$out" "$WQSIM" -n 4000 "$@" \
	    ./h_simcall "$case"
	atf_check -o not-empty grep "failed: $text" "$out"
	sed -n 's/^wqsim: replay: wqsim //p' "$out" > "$out.replay"
	atf_check -o ignore -e save:"$out" -s exit:1 \
	    sh -c "$WQSIM $(cat "$out.replay")"
	atf_check -o not-empty grep "failed: $text" "$out"
	atf_check -e match:"no failure in 300 schedules" "$WQSIM" -n 300 \
	    "$@" ./h_simcall "$case" fixed
	rm -f "$out" "$out.replay"
}

# works CASE: check that h_simcall CASE does not fail, under any schedule or
# without the simulator.
works() {
	atf_check -e match:"no failure in 200 schedules" "$WQSIM" -n 200 \
	    ./h_simcall "$1" fixed
}

bug() {
	local name="$1" descr="$2" text="$3"

	shift 3
	eval "atf_test_case $name
	${name}_head() {
		atf_set descr \"$descr\"
	}
	${name}_body() {
		need
		find $name \"$text\" $*
	}"
}

good() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"$2\"
	}
	$1_body() {
		need
		works $1
	}"
}

bug pipe "a read that nobody will answer is a deadlock" "deadlock"
bug signal "a signal that comes before the wait for it is lost" "deadlock"
bug timer "a timer's function that runs after timer_delete() is found" \
    "signal 6"
bug intr "an interrupt that comes between load and store is found" \
    "1 interrupts, and a count of"
bug handler "a handler that takes a lock of its thread is found" "deadlock"
bug alloc "refused memory that nobody expects is found" "signal" -f alloc
bug malloc "memory refused to the program, and not expected, is found" \
    "signal 11" -f malloc
bug late "an interrupt that comes late is found" "an interrupt is lost"
bug thread "a refused thread that nobody expects is found" "exit status 3" \
    -f thread
bug cas "a weak compare-and-swap may fail for no reason" "0 threads have"
bug fork "a child that inherits a lock is found" "exit status 3"
bug always "an invariant is checked at each point" "not always: the sum"
bug choose "a choice of the test's own is explored and replayed" "device 7"
bug run "schedules in one process find and replay a failure" "an update"
bug c11 "a lost wake-up of C11 threads is found" "deadlock"
bug exit "an exit with an item pending is found" \
    "exit with work pending: exit_run is still to be called" -s random:40
bug exitrun "an exit during a callback is found" \
    "exit with work pending: exit_run has not returned"
bug starve "a thread that spins while others go on is named" \
    "no end after 40000 points: thread 1 starves" -b 40000
bug starvelock "a thread that waits for a lock while others go on is named" \
    "no end after 40000 points: thread 1 starves" -b 40000
bug livelock "threads that all wait in loops are found" \
    "no end after 40000 points: a livelock" -b 40000
bug blocked "a blocking call that is not simulated is named" \
    "thread 1 is blocked in flock(2)"
bug spins "a loop without a point is found" "thread 1 runs without"

good locks "rwlocks, barriers, spin locks and once keep their rules"
good fds "pipes, sockets, eventfds, timerfds and polls work"
good full "a write of more than the free space waits"
good connect "a connect waits for a full queue"
good sigs "signals wait for their turn, and end sleeps"
good cancel "a thread that waits can be cancelled"
good errno "a switch to another thread, and back, keeps errno"
good badtimes "a time or a clock that is not valid is refused"
good watchdog "an alarm without a handler spares a thread that can run"
good children "a child goes on, is waited for, and is not left behind"

atf_test_case report
report_head() {
	atf_set descr "a call that blocks is reported with the thread's" \
	    "stack, and threads with their names"
}
report_body() {
	need
	"$WQSIM" ./h_simcall blocked 2> "$OLDPWD/report"
	atf_check -o not-empty grep "thread 1 main: runs" "$OLDPWD/report"
	atf_check -o not-empty grep "flock+" "$OLDPWD/report"
	"$WQSIM" -n 4000 ./h_simcall pipe 2> "$OLDPWD/report"
	atf_check -o not-empty grep "thread [23] reader: waits: " \
	    "$OLDPWD/report"
}

atf_test_case interrupts
interrupts_head() {
	atf_set descr "interrupts arrive as often as -i permits"
}
interrupts_body() {
	need
	atf_check -s exit:1 -e match:"failed: [23] interrupts" "$WQSIM" \
	    -n 1000 -i 2 ./h_simcall intr
	atf_check -s exit:2 -e match:"not a number in range" "$WQSIM" -i x \
	    ./h_simcall intr
	atf_check -s exit:2 -e match:"can be refused is" "$WQSIM" -f x \
	    ./h_simcall intr
}

# Each schedule waits for two children in real time, so run a few.
atf_test_case sigchld
sigchld_head() {
	atf_set descr "the handler of a child's end wakes a thread"
}
sigchld_body() {
	need
	atf_check -e match:"no failure in 30 schedules" "$WQSIM" -n 30 \
	    ./h_simcall sigchld fixed
}

atf_test_case inprocess_minimal
inprocess_minimal_head() {
	atf_set descr "a schedule of wqsim_run() is minimised, and its file" \
	    "replays it"
}
inprocess_minimal_body() {
	need
	# Fail in a later schedule, because the list has nothing of the
	# schedules before.
	atf_check -s exit:1 -o empty -e save:"$OLDPWD/out" "$WQSIM" -n 3000 \
	    -s random:40 -w "$OLDPWD/file" ./h_simcall run
	atf_check -s exit:1 grep "^wqsim: schedule 1 of" "$OLDPWD/out"
	atf_check -o not-empty grep \
	    "minimal schedule that fails so: .*, [12] preemption" "$OLDPWD/out"
	atf_check -o not-empty grep '^ .*\*.*run_other' "$OLDPWD/out"
	grep '^ ' "$OLDPWD/out" | grep -v '^  *thread' > "$OLDPWD/first"
	atf_check -s exit:1 -o ignore -e save:"$OLDPWD/again" "$WQSIM" \
	    -r "$OLDPWD/file" ./h_simcall run
	grep '^ ' "$OLDPWD/again" | grep -v '^  *thread' |
	    diff -u "$OLDPWD/first" - || atf_fail "the file has another trace"
}

atf_test_case inprocess
inprocess_head() {
	atf_set descr "wqsim_run() runs all schedules, and refuses what is left"
}
inprocess_body() {
	need
	atf_check -e match:"no failure in 500 schedules" -o match:"502 runs" \
	    "$WQSIM" -o -n 500 ./h_simcall queue
	atf_check -s exit:1 -e match:"has left a thread" "$WQSIM" -n 5 \
	    ./h_simcall leave
	# A process runs at most 1000 schedules, or one if each runs twice.
	atf_check -e match:"no failure in 1100 schedules" \
	    -o inline:"1002 runs\ndone\n102 runs\ndone\n" \
	    "$WQSIM" -o -n 1100 ./h_simcall queue
	atf_check -e match:"no failure in 2 schedules" \
	    -o match:"3 runs" -o not-match:"4 runs" \
	    "$WQSIM" -o -d -n 2 ./h_simcall queue
}

atf_test_case inprocess_same
inprocess_same_head() {
	atf_set descr "a schedule of wqsim_run() is the same if others have" \
	    "run before it"
}
inprocess_same_body() {
	local many one seed

	need
	for seed in 2 3 5 8 11 16 17 34; do
		# The line is that of the last schedule.
		many=$("$WQSIM" -v -s pct:3:200 -n $seed ./h_simcall rest \
		    fixed 2>&1 | grep -o ", [0-9]* points")
		one=$("$WQSIM" -v -s pct:3:200 -n 1 -S $seed ./h_simcall rest \
		    fixed 2>&1 | grep -o ", [0-9]* points")
		atf_check_equal "$one" "$many"
	done
}

atf_test_case inprocess_keeps
inprocess_keeps_head() {
	atf_set descr "a thread that the library starts in a schedule of" \
	    "wqsim_run() changes no other schedule"
}
inprocess_keeps_body() {
	local many one seed

	need
	atf_check -e match:"no failure in 100 schedules" "$WQSIM" -n 100 \
	    ./h_simcall keeps
	for seed in 10 30 100; do
		# The line is that of the last schedule.
		many=$("$WQSIM" -v -n $seed ./h_simcall keeps 2>&1 |
		    grep "seed $seed:")
		one=$("$WQSIM" -v -S $seed ./h_simcall keeps 2>&1 |
		    grep "seed $seed:")
		atf_check_equal "$one" "$many"
	done
}

atf_test_case inprocess_pct
inprocess_pct_head() {
	atf_set descr "pct learns the length of wqsim_run()'s schedules, and" \
	    "a failure that comes late is minimised"
}
inprocess_pct_body() {
	need
	atf_check -s exit:1 -o empty -e save:"$OLDPWD/out" "$WQSIM" -v \
	    -n 3000 -S 7 -s pct:2 ./h_simcall run
	atf_check -s exit:1 grep "^wqsim: schedule 1 of" "$OLDPWD/out"
	atf_check -o not-empty grep "wqsim -r pct:2:[1-9][0-9]\\{0,1\\},sc," \
	    "$OLDPWD/out"
	again
	atf_check -s exit:1 -o empty -e save:"$OLDPWD/out" "$WQSIM" -v \
	    -n 300000 -s pct:2:5000 ./h_simcall run
	atf_check -o not-empty grep "schedule [0-9]\{4,\} of" "$OLDPWD/out"
	atf_check -o not-empty grep \
	    "minimal schedule that fails so: .*, [12] preemption" "$OLDPWD/out"
	again
}

# Check that the command that wqsim printed replays the schedule.
again() {
	local replay trace

	trace=$(sed -n 's/.*seed .*, trace //p' "$OLDPWD/out" | tail -1)
	replay=$(sed -n 's/^wqsim: replay: wqsim //p' "$OLDPWD/out")
	atf_check -s exit:1 -o ignore -e match:"trace $trace" \
	    sh -c "$WQSIM -v $replay"
}

atf_test_case mayexit
mayexit_head() {
	atf_set descr "with -e a schedule may exit with an item pending"
}
mayexit_body() {
	need
	atf_check -e match:"no failure in 100 schedules" "$WQSIM" -e -n 100 \
	    ./h_simcall exit
}

atf_test_case keep
keep_head() {
	atf_set descr "with -k all schedules run, and the failures are counted"
}
keep_body() {
	local seeds times

	need
	atf_check -s exit:1 -o empty -e save:"$OLDPWD/out" "$WQSIM" -k -v \
	    -n 2000 ./h_simcall cas
	seeds=$(grep -c "^wqsim: seed .*threads have" "$OLDPWD/out")
	[ "$seeds" -gt 1 ] || atf_fail "$seeds failures"
	atf_check -o not-empty grep "^wqsim: $seeds of 2000 schedules failed" \
	    "$OLDPWD/out"
	atf_check -o not-empty grep \
	    "^wqsim: [0-9]* times, first with seed .*: 0 threads have" \
	    "$OLDPWD/out"
	# The same with several schedules of one process.
	atf_check -s exit:1 -o empty -e save:"$OLDPWD/out" "$WQSIM" -k -v \
	    -n 300 ./h_simcall run
	times=$(sed -n 's/^wqsim: \([0-9]*\) times.*/\1/p' "$OLDPWD/out")
	atf_check -o inline:"$times\n" sh -c "grep -c '^wqsim: seed.*lost' \
	    '$OLDPWD/out'"
	[ "$times" -gt 1 ] || atf_fail "$times failures"
	atf_check -e match:"no failure in 300" "$WQSIM" -k -n 300 \
	    ./h_simcall cas fixed
}

atf_test_case without
without_head() {
	atf_set descr "a program that uses the simulator runs without it"
}
without_body() {
	need
	atf_check -o match:"1 runs" ./h_simcall queue
	atf_check -o match:"done" ./h_simcall choose fixed
	atf_check -o match:"done" ./h_simcall always fixed
	atf_check -o match:"done" ./h_simcall intr fixed
}

atf_init_test_cases() {
	atf_add_test_case pipe
	atf_add_test_case signal
	atf_add_test_case timer
	atf_add_test_case intr
	atf_add_test_case handler
	atf_add_test_case alloc
	atf_add_test_case malloc
	atf_add_test_case late
	atf_add_test_case thread
	atf_add_test_case cas
	atf_add_test_case fork
	atf_add_test_case always
	atf_add_test_case choose
	atf_add_test_case run
	atf_add_test_case c11
	atf_add_test_case exit
	atf_add_test_case exitrun
	atf_add_test_case mayexit
	atf_add_test_case starve
	atf_add_test_case starvelock
	atf_add_test_case livelock
	atf_add_test_case blocked
	atf_add_test_case spins
	atf_add_test_case locks
	atf_add_test_case fds
	atf_add_test_case full
	atf_add_test_case connect
	atf_add_test_case sigs
	atf_add_test_case cancel
	atf_add_test_case children
	atf_add_test_case badtimes
	atf_add_test_case errno
	atf_add_test_case sigchld
	atf_add_test_case watchdog
	atf_add_test_case report
	atf_add_test_case interrupts
	atf_add_test_case inprocess
	atf_add_test_case inprocess_minimal
	atf_add_test_case inprocess_same
	atf_add_test_case inprocess_keeps
	atf_add_test_case inprocess_pct
	atf_add_test_case keep
	atf_add_test_case without
}
