#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# wqsim(1) minimises a failing schedule, and shows it.

WQSIM="$STAGE/bin/wqsim"

# The simulator needs glibc, and is not built with a sanitizer.
need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	DIR=$(pwd)
	cd "$(atf_get_srcdir)" || exit 1
}

# fail ARGUMENTS: run wqsim, which must fail.  Its output is in $DIR/out.
fail() {
	atf_check -s exit:1 -o save:"$DIR/out" -e save:"$DIR/err" \
	    "$WQSIM" "$@"
}

# seed: print the schedule that wqsim told to replay.
seed() {
	sed -n 's/^wqsim: replay: wqsim -r \([^ ]*\) .*/\1/p' "$DIR/err"
}

# trace: print the lines of the trace.
trace() {
	sed -n '/^wqsim: the minimal/,/^wqsim: replay/p' "$DIR/err" |
	    grep -v ^wqsim
}

atf_test_case minimal
minimal_head() {
	atf_set descr "a minimal trace has at most 3 preemptions and 40 lines"
}
minimal_body() {
	local bug lines n

	need
	for bug in recheck abba timeout work; do
		fail -n 3000 ./h_sim $bug
		n=$(sed -n 's/^wqsim: the minimal.*, \(.*\) preem.*/\1/p' \
		    "$DIR/err")
		[ "${n:-99}" -le 3 ] || atf_fail "$bug: $n preemptions"
		lines=$(trace | wc -l)
		[ "$lines" -ge 4 ] || atf_fail "$bug: $lines lines"
		[ "$lines" -le 40 ] || atf_fail "$bug: $lines lines"
	done
}

atf_test_case column
column_head() {
	atf_set descr "a trace shows who did what, where, and in which order"
}
column_body() {
	need
	fail -n 3000 ./h_sim recheck
	trace | sed 's/^ *[0-9]*//; s/  */ /g; s/ (h_sim.c:[0-9]*)//
	    s/pthread_create .*/pthread_create/' \
	    > "$DIR/trace"
	cat > "$DIR/expected" <<-END
	point 1 main 2 where
	 pthread_create
	 pthread_mutex_lock lock recheck
	 pthread_mutex_unlock lock recheck
	 pthread_mutex_lock lock recheck
	* pthread_mutex_lock lock recheck_waker
	 pthread_mutex_unlock lock recheck_waker
	 pthread_cond_signal cv recheck_waker
	 pthread_cond_wait cv: waits recheck
	* the thread above was preempted
	END
	atf_check diff -u "$DIR/expected" "$DIR/trace"
}

atf_test_case resumed
resumed_head() {
	atf_set descr "a trace shows that a thread goes on in a call"
}
resumed_body() {
	need
	fail -n 3000 ./h_sim abba
	trace | sed 's/^ *[0-9]*//; s/  */ /g; s/ (h_sim.c:[0-9]*)//
	    s/pthread_create .*/pthread_create/' \
	    > "$DIR/trace"
	cat > "$DIR/expected" <<-END
	point 1 main 2 where
	 pthread_create
	 pthread_mutex_lock lock abba
	 pthread_mutex_lock lock2 abba
	* pthread_mutex_lock lock2 abba_other
	 pthread_mutex_lock lock: waits abba_other
	 goes on: waits abba
	* the thread above was preempted
	END
	atf_check diff -u "$DIR/expected" "$DIR/trace"
	# The thread that fails passes no further point.
	fail -s exhaustive:2 ./h_simstrat depth 2
	trace | tail -n 2 | head -n 1 > "$DIR/last"
	atf_check -o match:'^ *[0-9]*\* *goes on  *depth_look' \
	    cat "$DIR/last"
}

# short: print the trace without what depends on addresses and lines.
short() {
	trace | sed 's/^ *[0-9]*//; s/  */ /g; s/ (h_simcall.c:[0-9]*)//
	    s/ object[0-9]*//'
}

atf_test_case signal
signal_head() {
	atf_set descr "a trace shows where a signal arrives, and its end"
}
signal_body() {
	need
	fail -H "$DIR/page.html" ./h_simcall arrive
	short > "$DIR/trace"
	cat > "$DIR/expected" <<-END
	point 1 main where
	 raise test_arrive
	 SIGUSR1 arrives test_arrive
	 wqsim_point arrive_handler
	 SIGUSR1 ends test_arrive
	 pthread_sigmask test_arrive
	 raise test_arrive
	 pthread_sigmask test_arrive
	 SIGUSR1 arrives test_arrive
	 wqsim_point arrive_handler
	 SIGUSR1 ends test_arrive
	 pthread_sigmask test_arrive
	 raise test_arrive
	 sigwait, takes SIGUSR1 test_arrive
	END
	atf_check diff -u "$DIR/expected" "$DIR/trace"
	atf_check -o not-empty grep ">SIGUSR1 arrives<" "$DIR/page.html"
	# An interrupt of the strategy.
	fail -n 4000 ./h_simcall handler
	short > "$DIR/trace"
	atf_check -o not-empty grep "^ SIGUSR2 arrives test_handler" \
	    "$DIR/trace"
	# The library's own handler is not part of the call that it interrupts.
	fail -n 4000 ./h_simcall intr
	short > "$DIR/trace"
	atf_check -o inline:" SIGUSR1 arrives test_intr\n" \
	    sh -c "sed -n '/arrives/,/ends/p' '$DIR/trace' | grep test_intr |
	    grep -v ends"
	# A signal from another thread, during a wait.
	fail -n 4000 ./h_simcall arrivekill
	short > "$DIR/trace"
	atf_check -o not-empty grep "^ SIGUSR1 arrives arrive_wait" \
	    "$DIR/trace"
	atf_check -o not-empty grep "^ goes on: waits arrive_wait" "$DIR/trace"
}

atf_test_case identical
identical_head() {
	atf_set descr "100 replays print the same trace"
}
identical_body() {
	local i replay

	need
	fail -n 3000 ./h_sim work
	replay=$(seed)
	for i in $(seq 100); do
		"$WQSIM" -r "$replay" ./h_sim work 2>&1 | cksum
	done | sort | uniq -c | sed 's/^ *//; s/ .*//' > "$DIR/counts"
	atf_check -o inline:"100\n" cat "$DIR/counts"
}

atf_test_case file
file_head() {
	atf_set descr "a replay file gives the trace that it was written with"
}
file_body() {
	need
	fail -n 3000 -w "$DIR/replay" ./h_sim recheck
	trace > "$DIR/first"
	fail -r "$DIR/replay" ./h_sim recheck
	trace > "$DIR/again"
	atf_check test -s "$DIR/first"
	atf_check diff -u "$DIR/first" "$DIR/again"
}

# other NAME TEXT: check that the replay fails with TEXT if NAME has another
# value.
other() {
	sed "s/^$1 .*/$1 x/" "$DIR/replay" > "$DIR/other"
	atf_check -s exit:2 -e match:"$2" "$WQSIM" -r "$DIR/other" \
	    ./h_sim recheck
}

atf_test_case wrong_file
wrong_file_head() {
	atf_set descr "a replay file of something else says of what"
}
wrong_file_body() {
	need
	fail -n 3000 -w "$DIR/replay" ./h_sim recheck
	other version "another version: \"x\", not"
	other machine "another architecture: \"x\", not"
	other program "another program: \"x\", not"
	atf_check -s exit:2 -e match:"other arguments" "$WQSIM" \
	    -r "$DIR/replay" ./h_sim abba
	sed '$d' "$DIR/replay" > "$DIR/other"
	atf_check -s exit:2 -e match:"cut off" "$WQSIM" -r "$DIR/other" \
	    ./h_sim recheck
	atf_check -s exit:2 -e match:"not a replay file" "$WQSIM" \
	    -r ./h_sim ./h_sim recheck
}

# wellformed FILE
wellformed() {
	if command -v xmllint > /dev/null; then
		atf_check xmllint --noout "$1"
	elif command -v python3 > /dev/null; then
		atf_check python3 -c 'import sys, xml.dom.minidom as m
m.parse(sys.argv[1])' "$1"
	else
		atf_skip "there is no parser of XML"
	fi
}

atf_test_case page
page_head() {
	atf_set descr "the page is well-formed and needs nothing else"
}
page_body() {
	need
	fail -n 3000 -H "$DIR/page.html" ./h_sim recheck
	atf_check -o not-empty grep "<th>1 main</th><th>2</th>" \
	    "$DIR/page.html"
	atf_check -o not-empty grep 'title="recheck_waker' "$DIR/page.html"
	atf_check -o not-empty grep ">pthread_cond_signal cv<" \
	    "$DIR/page.html"
	atf_check -s exit:1 grep -iE "http|src=|href|url\(|@import" \
	    "$DIR/page.html"
	wellformed "$DIR/page.html"
}

atf_test_case junit
junit_head() {
	atf_set descr "the result for a CI system is well-formed"
}
junit_body() {
	need
	fail -n 3000 --junit "$DIR/failed.xml" ./h_sim recheck '<&">'
	atf_check -o not-empty grep 'failures="1"' "$DIR/failed.xml"
	atf_check -o not-empty grep '<failure message="deadlock">' \
	    "$DIR/failed.xml"
	wellformed "$DIR/failed.xml"
	atf_check -e ignore "$WQSIM" -n 10 -j "$DIR/passed.xml" \
	    ./h_sim recheck fixed
	atf_check -o not-empty grep 'failures="0"' "$DIR/passed.xml"
	wellformed "$DIR/passed.xml"
}

atf_test_case lost
lost_head() {
	atf_set descr "a deadlock names the wake-up that came too early"
}
lost_body() {
	need
	fail -n 3000 ./h_sim recheck
	atf_check -o not-empty grep -A 1 \
	    "last wake-up: by thread 2 at point .*, when no thread waited" \
	    "$DIR/err"
	atf_check -o not-empty grep "recheck_waker+" "$DIR/err"
}

atf_test_case crash
crash_head() {
	atf_set descr "a crash prints what each thread does"
}
crash_body() {
	need
	# The thread has the stack of a worker of its own queue.
	WORKQUEUE_LEND=0
	export WORKQUEUE_LEND
	fail -n 3000 ./h_sim work
	atf_check -o not-empty grep "thread 1 main: waits: join" "$DIR/err"
	atf_check -o not-empty grep "thread 2 job: runs" "$DIR/err"
	atf_check -o not-empty grep " job_run" "$DIR/err"
	atf_check -o not-empty grep " workqueue_worker (libworkqueue" \
	    "$DIR/err"
}

atf_test_case vary
vary_head() {
	atf_set descr "a program that the seed does not determine is reported"
}
vary_body() {
	need
	fail -n 20 -d ./h_sim vary
	atf_check -o not-empty grep "does not determine the schedule" \
	    "$DIR/err"
	atf_check -o not-empty grep "two runs with this seed differ at point" \
	    "$DIR/err"
	atf_check -o not-empty grep "second run" "$DIR/err"
	atf_check -o not-empty grep "before that, thread 1 read getpid(2) in \
vary: [0-9]* in the first run, [0-9]* in the second" "$DIR/err"
	fail -n 20 -d ./h_simcall chance
	atf_check -o not-empty grep "thread 1 read the bytes of read(2) in \
test_chance: [0-9]* in the first" "$DIR/err"
	atf_check -e match:"no failure in 20 schedules" "$WQSIM" -n 20 -d \
	    ./h_sim vary fixed
	# How fast a child is does not matter.
	atf_check -e match:"no failure in 100 schedules" "$WQSIM" -n 100 -d \
	    ./h_plant fork fixed
}

atf_test_case quiet
quiet_head() {
	atf_set descr "the progress line is for a terminal only"
}
quiet_body() {
	need
	atf_check -e save:"$DIR/err" "$WQSIM" -n 200 ./h_sim recheck fixed
	atf_check -o inline:"1\n" sh -c "wc -l < '$DIR/err'"
	atf_check -s exit:1 grep "$(printf '\r')" "$DIR/err"
}

atf_init_test_cases() {
	atf_add_test_case minimal
	atf_add_test_case column
	atf_add_test_case resumed
	atf_add_test_case signal
	atf_add_test_case identical
	atf_add_test_case file
	atf_add_test_case wrong_file
	atf_add_test_case page
	atf_add_test_case junit
	atf_add_test_case lost
	atf_add_test_case crash
	atf_add_test_case vary
	atf_add_test_case quiet
}
