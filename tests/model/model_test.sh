#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The protocol of inbox, sleep, wait and destroy, and the ways of iv_work's
# items, model-checked by spin(1).  What the switches mean is said at the top
# of each model.

model=workqueue.pml

# Search all states of the model as $2... shape it; $1 is "safety" for
# assertions and deadlocks, "loops" for cycles.  The result is in pan.out.
explore() {
	local how="$1" search=

	shift
	case $how in
	safety)	how=-DSAFETY ;;
	loops)	how=-DNP search=-l ;;
	esac
	cp "${TOP}/tests/model/$model" .
	spin -a "$@" $model > spin.out 2>&1 ||
	    { cat spin.out; atf_fail "spin does not take the model"; }
	# The checker that spin writes is not ours to be warned about.
	${CC} -O2 -w -DCOLLAPSE -DMEMLIM=1024 $how -o pan pan.c ||
	    atf_fail "the checker does not compile"
	./pan $search -m100000 -w20 > pan.out 2>&1
	grep -E '^pan:|errors:|states, stored' pan.out
	if grep -qE 'depth too small|reached -DMEMLIM|out of memory' pan.out
	then
		cat pan.out
		atf_fail "too big: not all was searched"
	fi
}

# holds how -D...: nothing is wrong in any state.
holds() {
	echo "holds: $*"
	explore "$@"
	grep -q 'errors: 0$' pan.out && return 0
	shift
	spin -t -p "$@" $model | tail -80
	atf_fail "spin found: $(grep '^pan:1:' pan.out)"
}

# breaks what -D...: spin finds just this (a part of pan's message).
breaks() {
	local what="$1"

	shift
	echo "breaks: $*"
	explore safety "$@"
	grep '^pan:1:' pan.out | grep -qF "$what" ||
	    atf_fail "spin does not find \"$what\" with $*"
}

STUCK_STATE='invalid end state'
FREED='!(freed)'

# model_case name descr: the body is name_body.
model_case() {
	atf_test_case "$1"
	eval "${1}_head() {
		atf_set descr '$2'
		atf_set require.progs 'spin cc'
		atf_set timeout 300
	}"
}

model_case names 'the model names functions that exist'
names_body() {
	local f

	for f in $(grep -o 'workqueue_[a-z_]*()' \
	    "${TOP}/tests/model/workqueue.pml" | tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/subr_workqueue*.c ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -oh 'iv_[a-z_]*()' \
	    "${TOP}"/tests/model/iv_*.pml | tr -d '()' | sort -u); do
		grep -q "^$f(\|^iv_work_pool_.*$f(" \
		    "${TOP}"/sys/compat/ivykis/iv_*.[ch] ||
		    atf_fail "no $f() in sys/compat/ivykis"
	done
}

model_case wake 'no wake-up is lost, no work is lost, doubled or overtaken'
wake_body() {
	holds safety -DLATE
	holds safety -DLATE -DBATCH=2 -DHOPS=1
}

model_case destroy 'destroy runs all and nobody touches the queue after it'
destroy_body() {
	holds safety
	holds safety -DBATCH=2 -DHOPS=2
}

model_case single 'so it is with one worker, which looks for its end itself'
single_body() {
	holds safety -DSINGLE
	holds safety -DSINGLE -DBATCH=2 -DHOPS=2
	holds safety -DSINGLE -DNWAIT=1 -DBATCH=2
	holds safety -DSINGLE -DSTUCK -DP0=1 -DNWAIT=1
}

model_case percpu 'destroy runs works that callbacks pass across CPUs'
percpu_body() {
	holds safety -DNQ=2 -DP0=1 -DP1=0 -DHOPS=4
	holds safety -DNQ=2 -DP0=1 -DP1=1 -DHOPS=1 -DHOPS1=1
}

model_case wait 'a wait returns, and after the run that it is for'
wait_body() {
	holds safety -DLATE -DNWAIT=1 -DHOPS=1
	holds safety -DLATE -DNWAIT=2 -DP0=1
	holds safety -DLATE -DNWAIT=2 -DP0=1 -DP1=0 -DHOPS=1
}

model_case wait_destroy 'waiters leave before destroy frees the queue'
wait_destroy_body() {
	holds safety -DNWAIT=1 -DBATCH=2
	holds safety -DNWAIT=2 -DP0=1 -DP1=0
	holds safety -DNWAIT=1 -DNQ=2 -DP0=1 -DP1=0
}

model_case wait_percpu 'a wait finds a work that goes from CPU to CPU'
wait_percpu_body() {
	holds safety -DLATE -DNWAIT=1 -DNQ=2 -DP0=1 -DP1=0 -DHOPS=1
}

model_case loops 'nobody goes round for ever'
loops_body() {
	holds loops
	holds loops -DNWAIT=1 -DP0=1
	holds loops -DNQ=2 -DP0=1 -DP1=0 -DHOPS=2
}

model_case stuck 'a producer stopped before its wake-up stops nobody'
stuck_body() {
	holds safety -DSTUCK -DP0=1 -DNWAIT=1
	breaks "$STUCK_STATE" -DSTUCK -DBROKEN_HELP -DP0=1 -DNWAIT=1
}

model_case broken_wake 'a plain store of the announcement loses a wake-up'
broken_wake_body() {
	breaks "$STUCK_STATE" -DBROKEN_WAKE -DLATE
}

model_case broken_recheck 'a stale token is no wake-up'
broken_recheck_body() {
	breaks 'inbox[q]!=255' -DBROKEN_RECHECK -DLATE
}

model_case broken_move 'a waiter that takes the announcement loses a wake-up'
broken_move_body() {
	breaks "$STUCK_STATE" -DBROKEN_MOVE -DLATE -DNWAIT=1 -DP0=1
}

model_case broken_exit 'a worker that looks for its end last loses work'
broken_exit_body() {
	breaks 'nreturned' -DSINGLE -DBROKEN_EXIT
}

model_case broken_lasttouch 'a producer that reads the queue after its swap'
broken_lasttouch_body() {
	breaks "$FREED" -DBROKEN_LASTTOUCH -DP0=1
}

model_case broken_dekker 'a waiter that does not look again sleeps for ever'
broken_dekker_body() {
	breaks "$STUCK_STATE" -DBROKEN_DEKKER -DLATE -DNWAIT=1 -DP0=1
}

model_case broken_destroy 'one look at each head loses a passed work'
broken_destroy_body() {
	breaks 'nreturned==' -DBROKEN_DESTROY -DNQ=2 -DP0=1 -DP1=0 -DHOPS=2
	breaks 'nreturned==' -DBROKEN_DESTROY_ORDER -DNQ=2 -DP0=1 -DP1=0 \
	    -DHOPS=2
}

model_case broken_dying 'a destroyer that nobody tells sleeps for ever'
broken_dying_body() {
	breaks "$STUCK_STATE" -DBROKEN_DYING
}

model_case broken_leave 'a waiter on its way out touches a freed queue'
broken_leave_body() {
	breaks "$FREED" -DBROKEN_LEAVE -DNWAIT=1 -DP0=1
}

model_case iv_work 'each item of iv_work runs, whatever others wait for'
iv_work_body() {
	model=iv_work.pml
	holds safety -DMAX=1 -DITEMS=5 -DBLOCK=0
	holds safety -DMAX=2 -DITEMS=4 -DBLOCK=8
	holds safety -DMAX=2 -DITEMS=4 -DBLOCK=4 -DLANE=1 -DRING=2
	holds safety -DMAX=3 -DITEMS=3 -DBLOCK=7
}

model_case broken_iv_work 'a lane that is left open loses items'
broken_iv_work_body() {
	model=iv_work.pml
	breaks "$STUCK_STATE" -DBROKEN_CLOSE -DMAX=2
	breaks "$STUCK_STATE" -DBROKEN_LEAVE -DMAX=3 -DITEMS=4 -DBLOCK=6
	breaks "$STUCK_STATE" -DBROKEN_STOP -DMAX=1 -DBLOCK=0
	breaks "$STUCK_STATE" -DBROKEN_AGAIN -DMAX=1 -DBLOCK=0
	breaks "$STUCK_STATE" -DBROKEN_FENCE -DMAX=1 -DBLOCK=0
	breaks "$STUCK_STATE" -DBROKEN_LATE -DMAX=1 -DBLOCK=0
	breaks "$STUCK_STATE" -DBROKEN_GUARD -DMAX=2
	breaks "$STUCK_STATE" -DBROKEN_RING -DMAX=2 -DBLOCK=4
	breaks 'begun' -DBROKEN_PLAIN -DMAX=2
}

model_case iv_back 'each item of iv_work is completed, and before the end'
iv_back_body() {
	model=iv_back.pml
	holds safety
	holds safety -DLATE
	holds safety -DLATE -DTHREADS=1 -DITEMS=5 -DLANE=1
}

model_case broken_iv_back 'an owner that does not look loses completions'
broken_iv_back_body() {
	model=iv_back.pml
	breaks "$STUCK_STATE" -DLATE -DBROKEN_CLOSE
	breaks "$STUCK_STATE" -DLATE -DBROKEN_AGAIN
	breaks "$STUCK_STATE" -DLATE -DBROKEN_FENCE
	breaks "$STUCK_STATE" -DLATE -DBROKEN_LATE
	breaks "$STUCK_STATE" -DLATE -DBROKEN_ASLEEP
	breaks "$STUCK_STATE" -DLATE -DBROKEN_PUTTER
	breaks 'completed==' -DBROKEN_RETIRED
}

atf_init_test_cases() {
	atf_add_test_case names
	atf_add_test_case wake
	atf_add_test_case destroy
	atf_add_test_case single
	atf_add_test_case percpu
	atf_add_test_case wait
	atf_add_test_case wait_destroy
	atf_add_test_case wait_percpu
	atf_add_test_case loops
	atf_add_test_case stuck
	atf_add_test_case broken_wake
	atf_add_test_case broken_recheck
	atf_add_test_case broken_move
	atf_add_test_case broken_exit
	atf_add_test_case broken_lasttouch
	atf_add_test_case broken_dekker
	atf_add_test_case broken_destroy
	atf_add_test_case broken_dying
	atf_add_test_case broken_leave
	atf_add_test_case iv_work
	atf_add_test_case broken_iv_work
	atf_add_test_case iv_back
	atf_add_test_case broken_iv_back
}
