#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Model checking by spin(1): the protocol of inbox, sleep, wait and destroy, how
# a thread sleeps in the system, pcq(9), the paths of iv_work's items, how
# threads own CPUs, how they are lent, xc_barrier(), and the marks of fork.  The
# top of each model explains its switches.

model=workqueue.pml

# Search all states of the model with the shape $2...; $1 is "safety" for
# assertions and deadlocks, "loops" for cycles.  The result goes to pan.out.
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
	# Do not report warnings about spin's generated checker.
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

# holds how -D...: check that no state is wrong.
holds() {
	echo "holds: $*"
	explore "$@"
	grep -q 'errors: 0$' pan.out && return 0
	shift
	spin -t -p "$@" $model | tail -80
	atf_fail "spin found: $(grep '^pan:1:' pan.out)"
}

# breaks what -D...: check that spin finds this error, a part of pan's message.
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

# model_case name descr: name_body is the body.
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

	for f in $(grep -o 'oncpu_[a-z_]*()' "${TOP}/tests/model/runq.pml" |
	    tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/kern_runq.[ch] ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -o 'xc_[a-z_]*()' "${TOP}/tests/model/xcbarrier.pml" |
	    tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/subr_xcall.c ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -o 'workqueue_[a-z_]*()' \
	    "${TOP}/tests/model/workqueue.pml" | tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/subr_workqueue*.c ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -o 'wqinbox_[a-z_]*()' \
	    "${TOP}/tests/model/workqueue.pml" | tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}/sys/kern/subr_wqinbox.h" ||
		    atf_fail "no $f() in sys/kern/subr_wqinbox.h"
	done
	for f in $(grep -o 'pcq_[a-z_]*()' "${TOP}/tests/model/pcq.pml" |
	    tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}/sys/kern/subr_pcq.c" ||
		    atf_fail "no $f() in sys/kern/subr_pcq.c"
	done
	for f in $(grep -o '[a-z]*_[a-z_]*()' "${TOP}/tests/model/fork.pml" |
	    tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/kern_*.[ch] ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -o 'wqlend[a-z_]*()' "${TOP}/tests/model/wqlend.pml" |
	    tr -d '()' | sort -u); do
		grep -q "^$f(" "${TOP}"/sys/kern/subr_wqlend*.c ||
		    atf_fail "no $f() in sys/kern"
	done
	for f in $(grep -o '[a-z]*_[a-z_]*()' "${TOP}/tests/model/park.pml" |
	    tr -d '()' | sort -u); do
		grep -Eq "(^|[ *])$f\(" "${TOP}"/sys/host/host_*.[ch] ||
		    atf_fail "no $f() in sys/host"
	done
	for f in $(grep -oh 'iv_[a-z_]*()' \
	    "${TOP}"/tests/model/iv_*.pml | tr -d '()' | sort -u); do
		grep -q "^$f(\|^iv_work_pool_.*$f(" \
		    "${TOP}"/sys/compat/ivykis/iv_*.[ch] ||
		    atf_fail "no $f() in sys/compat/ivykis"
	done
}

model_case runq 'threads own CPUs exclusively, and every waiter gets one'
runq_body() {
	model=runq.pml
	holds safety
	holds safety -DROUNDS=2 -DLOSSES=1
	holds safety -DCPUS=2 -DTHREADS=3
	holds safety -DCPUS=2 -DTHREADS=4 -DOWNERS=2 -DBOUND=1
	holds safety -DCPUS=2 -DTHREADS=4 -DOWNERS=2 -DBOUND=1 -DLOSSES=0
	holds safety -DMUTEX
	holds safety -DSLEEP
	holds safety -DHANDLER
	holds safety -DHANDLER -DCPUS=2
	holds safety -DSTART
	holds safety -DSTART -DTHREADS=3
}

model_case broken_runq 'each rule of kern_runq.c is needed'
broken_runq_body() {
	model=runq.pml
	breaks "$STUCK_STATE" -DBROKEN_FENCE
	breaks "$STUCK_STATE" -DBROKEN_AGAIN
	breaks "$STUCK_STATE" -DBROKEN_PASS -DCPUS=2 -DTHREADS=4 -DOWNERS=2 \
	    -DBOUND=1
	breaks "$STUCK_STATE" -DBROKEN_KEPT -DLOSSES=0 -DCPUS=2 -DTHREADS=4 \
	    -DOWNERS=2 -DBOUND=1
	breaks "$STUCK_STATE" -DMUTEX -DBROKEN_ORDER
	breaks "$STUCK_STATE" -DSLEEP -DBROKEN_SLEEP
	breaks 'owner[saved]==1' -DHANDLER -DBROKEN_HANDLER
	breaks "$STUCK_STATE" -DHANDLER -DBROKEN_HANDWAIT
	breaks 'nstray>1' -DSTART -DBROKEN_START
	breaks 'nstray>1' -DSTART -DBROKEN_STARTFENCE
}

model_case xcbarrier 'xc_barrier() waits for sections, and no longer'
xcbarrier_body() {
	model=xcbarrier.pml
	holds safety
	holds safety -DNOFENCE
}

model_case broken_xcbarrier 'xc_barrier() needs each fence and each look'
broken_xcbarrier_body() {
	model=xcbarrier.pml
	breaks '!(freed' -DBROKEN_FIRST
	breaks "$STUCK_STATE" -DBROKEN_SECOND
	breaks "$STUCK_STATE" -DBROKEN_LOOK
	breaks 'left>0' -DBROKEN_BOTH
	breaks "$STUCK_STATE" -DBROKEN_REUSE
	breaks '!(freed' -DNOFENCE -DBROKEN_ENTER
}

model_case wake 'no wake-up is lost; no item is lost, doubled or overtaken'
wake_body() {
	holds safety -DLATE
	holds safety -DLATE -DBATCH=2 -DHOPS=1
}

model_case destroy 'destroy runs all items and is the last to use the queue'
destroy_body() {
	holds safety
	holds safety -DBATCH=2 -DHOPS=2
}

model_case single 'the same with one worker, which looks for its own end'
single_body() {
	holds safety -DSINGLE
	holds safety -DSINGLE -DBATCH=2 -DHOPS=2
	holds safety -DSINGLE -DNWAIT=1 -DBATCH=2
	holds safety -DSINGLE -DSTUCK -DP0=1 -DNWAIT=1
}

model_case percpu 'destroy runs items that callbacks pass across CPUs'
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

model_case wait_percpu 'a wait finds an item that goes from CPU to CPU'
wait_percpu_body() {
	holds safety -DLATE -DNWAIT=1 -DNQ=2 -DP0=1 -DP1=0 -DHOPS=1
}

model_case loops 'no thread loops without end'
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

model_case broken_turn 'a worker that sleeps during a turn leaves its items'
broken_turn_body() {
	breaks "$STUCK_STATE" -DBROKEN_TURN -DLATE -DNWAIT=1 -DP0=1
}

model_case broken_settle 'a waiter that skips a place waits without end'
broken_settle_body() {
	breaks "$STUCK_STATE" -DBROKEN_SETTLE -DLATE -DNWAIT=1 -DP0=1
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

model_case broken_exit 'a worker that looks for its end last loses an item'
broken_exit_body() {
	breaks 'nreturned' -DSINGLE -DBROKEN_EXIT
}

model_case broken_lasttouch 'a producer must not read the queue after its swap'
broken_lasttouch_body() {
	breaks "$FREED" -DBROKEN_LASTTOUCH -DP0=1
}

model_case broken_dekker 'a waiter that does not look again sleeps without end'
broken_dekker_body() {
	breaks "$STUCK_STATE" -DBROKEN_DEKKER -DLATE -DNWAIT=1 -DP0=1
}

model_case broken_destroy 'one look at each head loses a passed item'
broken_destroy_body() {
	breaks 'nreturned==' -DBROKEN_DESTROY -DNQ=2 -DP0=1 -DP1=0 -DHOPS=2
	breaks 'nreturned==' -DBROKEN_DESTROY_ORDER -DNQ=2 -DP0=1 -DP1=0 \
	    -DHOPS=2
}

model_case broken_dying 'a destroyer that is not woken sleeps without end'
broken_dying_body() {
	breaks "$STUCK_STATE" -DBROKEN_DYING
}

model_case broken_leave 'a waiter that is leaving accesses a freed queue'
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

model_case broken_iv_work 'a lane left open loses items'
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

model_case iv_back 'each item of iv_work is completed before the end'
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

model_case pcq 'pcq(9) loses, doubles and overtakes no item'
pcq_body() {
	model=pcq.pml
	holds safety
	holds safety -DLEN=1
	holds safety -DLEN=3
	holds safety -DPRODUCERS=3 -DPUTS=1
}

model_case pcq_broken 'pcq(9) needs each of its rules'
pcq_broken_body() {
	model=pcq.pml
	breaks 'slots[' -DBROKEN_CLEAR
	breaks 'order[got]==item' -DBROKEN_CLAIM
	breaks 'mayfull' -DBROKEN_FULL
	breaks 'order[got]==item' -DBROKEN_WAIT
}

# The shapes in which each broken variant below is found, and a few more.
model_case wqlend 'a queue without a thread gets one for each item, and its \
thread leaves before the queue is freed'
wqlend_body() {
	model=wqlend.pml
	holds safety -DNOWNER=1 -DNITEM=2
	holds safety -DNOWNER=1 -DLATE
	holds safety -DNOWNER=1 -DLATE -DNLIFE=2 -DNLOOK=1
	holds safety -DNOWNER=0 -DLATE -DNLOOK=0 -DBLOCK
}

model_case wqlend_stuck 'producers that stop hold up no thread that waits, \
nor a later producer'
wqlend_stuck_body() {
	model=wqlend.pml
	holds safety -DNOWNER=1 -DLATE -DSTUCK=1 -DNITEM=2 -DNLOOK=1
	holds safety -DNOWNER=1 -DLATE -DSTUCK=1 -DNLIFE=2 -DNLOOK=0
	holds safety -DNOWNER=1 -DLATE -DSTUCK=2 -DNITEM=2 -DNLOOK=1
	holds safety -DNOWNER=1 -DLATE -DSTUCK=2 -DNLIFE=2 -DNLOOK=0
	holds safety -DNOWNER=1 -DLATE -DSTUCK=3 -DNLOOK=1
}

model_case wqlend_stuck_two 'the same for two producers at once'
wqlend_stuck_two_body() {
	model=wqlend.pml
	holds safety -DNOWNER=1 -DLATE -DSTUCK=1 -DNPROD=2 -DNITEM=2 -DNLOOK=1
	holds safety -DNOWNER=1 -DLATE -DSTUCK=2 -DNPROD=2 -DNITEM=2 -DNLOOK=1
	holds safety -DNOWNER=1 -DLATE -DSTUCK=2 -DNPROD=2 -DSLOW -DNITEM=2 \
	    -DNLOOK=1
}

model_case broken_wqlend 'a thread is lent wrongly without each of its rules'
broken_wqlend_body() {
	model=wqlend.pml
	breaks "$STUCK_STATE" -DBROKEN_CLAIM -DNOWNER=1 -DLATE -DSTUCK=1 \
	    -DNLIFE=2 -DNLOOK=0
	breaks "$STUCK_STATE" -DBROKEN_SKIP -DNOWNER=1 -DLATE -DSTUCK=1 \
	    -DNLIFE=2 -DNLOOK=0
	breaks 'assertion violated' -DBROKEN_HOME -DNOWNER=1 -DNITEM=2
	breaks "$STUCK_STATE" -DBROKEN_LWP -DNOWNER=1 -DLATE -DSTUCK=1 \
	    -DNITEM=2 -DNLOOK=1
	breaks "$STUCK_STATE" -DBROKEN_SECOND -DNOWNER=1 -DLATE -DSTUCK=2 \
	    -DNITEM=2 -DNLOOK=1
	breaks "$STUCK_STATE" -DBROKEN_LOST -DNOWNER=1 -DLATE -DSTUCK=2 \
	    -DNPROD=2 -DNITEM=2 -DNLOOK=1
	breaks "$STUCK_STATE" -DBROKEN_COUNT -DNOWNER=1 -DLATE -DSTUCK=2 \
	    -DNPROD=2 -DSLOW -DNITEM=2 -DNLOOK=1
	breaks "$STUCK_STATE" -DBROKEN_PUSH -DNOWNER=1 -DLATE -DSTUCK=3 \
	    -DNLOOK=1
	breaks "$STUCK_STATE" -DBROKEN_KICK -DNOWNER=0 -DLATE -DNLOOK=0 \
	    -DBLOCK
	breaks "$STUCK_STATE" -DBROKEN_END -DNOWNER=1 -DLATE -DNLIFE=2 \
	    -DNLOOK=1
	breaks 'alive[q]' -DBROKEN_TOUCH -DNOWNER=1 -DLATE
}

model_case park 'a thread that sleeps is woken though another waker is stopped'
park_body() {
	model=park.pml
	holds safety
	holds safety -DNTURN=3 -DNLATE=1
	holds safety -DSEM
	holds safety -DSEM -DTIMER
}

model_case broken_park 'a sleeping thread needs each rule of its wakers'
broken_park_body() {
	local sem

	model=park.pml
	for sem in '' -DSEM; do
		breaks "$STUCK_STATE" -DBROKEN_SWAP $sem
		breaks "$STUCK_STATE" -DBROKEN_WOKEN $sem
		breaks "$STUCK_STATE" -DBROKEN_COUNT $sem
		breaks "$STUCK_STATE" -DBROKEN_TAKEN $sem
		breaks "$STUCK_STATE" -DBROKEN_PARKED $sem
		breaks "$STUCK_STATE" -DBROKEN_LOOK $sem
	done
	breaks "$STUCK_STATE" -DBROKEN_TIMER -DSEM -DTIMER
}

model_case fork 'a child knows what was being changed during the copy'
fork_body() {
	model=fork.pml
	holds safety
	holds safety -DFORKS=2 -DTURNS=1
}

model_case broken_fork 'without a rule a child trusts half-changed data'
broken_fork_body() {
	model=fork.pml
	breaks 'mark>=ce' -DBROKEN_PASS
	breaks 'mark>=ce' -DBROKEN_NOTE
	breaks 'mark>=ce' -DBROKEN_MAX -DFORKS=2
	breaks 'mark>=ce' -DBROKEN_EPOCH
}

atf_init_test_cases() {
	atf_add_test_case pcq
	atf_add_test_case pcq_broken
	atf_add_test_case names
	atf_add_test_case runq
	atf_add_test_case broken_runq
	atf_add_test_case xcbarrier
	atf_add_test_case broken_xcbarrier
	atf_add_test_case wake
	atf_add_test_case destroy
	atf_add_test_case single
	atf_add_test_case percpu
	atf_add_test_case wait
	atf_add_test_case wait_destroy
	atf_add_test_case wait_percpu
	atf_add_test_case loops
	atf_add_test_case stuck
	atf_add_test_case broken_settle
	atf_add_test_case broken_turn
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
	atf_add_test_case wqlend
	atf_add_test_case wqlend_stuck
	atf_add_test_case wqlend_stuck_two
	atf_add_test_case broken_wqlend
	atf_add_test_case park
	atf_add_test_case broken_park
	atf_add_test_case fork
	atf_add_test_case broken_fork
}
