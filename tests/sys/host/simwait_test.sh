#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The end of waits in the simulator.  The programs are in h_simwait.c, and no
# schedule of them fails.

WQSIM="$STAGE/bin/wqsim"

need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
}

# good NAME SCHEDULES DESCR: check that no schedule fails.
good() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"$3\"
	}
	$1_body() {
		need
		atf_check -e match:\"no failure in $2 schedule\" \"$WQSIM\" \
		    -n $2 ./h_simwait $1
	}"
}

# A child takes real time, so there are few schedules.
good sem 20 "a child ends a wait for a shared semaphore"
good cond 20 "a child ends a wait for a shared condition variable"
good lock 20 "a child ends waits for shared locks"
good kill 20 "a child's signal, and its end, are taken by a wait for a signal"
good pause 20 "a child's signal ends pause(2) while another thread waits"
good spin 20 "a child has real time while a thread spins"
good stopped 1 "a process that has no processor for a while is not stuck"
good last 200 "a program with a timer ends with its last thread"
good mask 200 "a signal that the mask of a wait blocks does not end the wait"
good select 50 "select(2) waits on after an event that it does not return"
good robust 200 "the end of a thread hands its robust mutex on"

atf_test_case late
late_head() {
	atf_set descr "a wait until a time that has passed lets others run"
}
late_body() {
	need
	atf_check -e match:"up to 1 preemption" "$WQSIM" -b 5000 \
	    -s exhaustive:1 ./h_simwait late
}

atf_test_case child
child_head() {
	atf_set descr "an exhaustive search is the same with a child"
}
child_body() {
	local name

	need
	for name in child alone; do
		"$WQSIM" -s exhaustive:2 ./h_simwait $name 2>&1 |
		    sed 's/(.*//' > "$OLDPWD/$name"
		atf_check -o match:"up to 2 preemptions, [0-9]* schedules" \
		    cat "$OLDPWD/$name"
	done
	atf_check diff "$OLDPWD/alone" "$OLDPWD/child"
}

atf_test_case zombie
zombie_head() {
	atf_set descr "no wait is for a child that has ended"
	atf_set timeout 30
}
zombie_body() {
	need
	atf_check -s exit:1 -o ignore -e match:"failed: deadlock" "$WQSIM" \
	    ./h_simwait zombie
}

atf_init_test_cases() {
	atf_add_test_case sem
	atf_add_test_case cond
	atf_add_test_case lock
	atf_add_test_case kill
	atf_add_test_case pause
	atf_add_test_case spin
	atf_add_test_case stopped
	atf_add_test_case last
	atf_add_test_case late
	atf_add_test_case mask
	atf_add_test_case select
	atf_add_test_case robust
	atf_add_test_case child
	atf_add_test_case zombie
}
