#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The protocols of the library under many schedules.  SIM_SCHEDULES in the
# environment is the number for each protocol, memory model and strategy.

WQSIM="$STAGE/bin/wqsim"
: "${SIM_SCHEDULES:=100}"

need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
	[ -x "./$1" ] || atf_skip "$1 is not built here"
}

# search PROGRAM MODEL...: check that no schedule fails, of any protocol of the
# program, or of those in $names.  If $once is set, each schedule has a process
# of its own.  The schedules may refuse what $faults lists.
once='' faults=''
search() {
	local model name program strategy

	program=$1
	shift
	need "$program"
	for name in ${names-$("./$program")}; do
		for model; do
			for strategy in random pct:3; do
				# shellcheck disable=SC2086
				atf_check -e match:": no failure in " \
				    "$WQSIM" $faults -n "$SIM_SCHEDULES" \
				    -m $model -s $strategy \
				    "./$program" "$name" $once
			done
		done
	done
}

tc() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"$3\"
		atf_set timeout 900
	}
	$1_body() {
		$2
	}"
}

tc engine dedicated \
    "no schedule of the engine's protocols fails, under each memory model"
dedicated() {
	WORKQUEUE_LEND=0
	export WORKQUEUE_LEND
	search h_engine sc tso pso
}

tc kern "search h_kern sc tso pso" \
    "the same for soft interrupts, callouts, locks, CPUs and cross-calls"
tc pool "search h_pool sc tso pso" "the same for pools of threads"
tc linux "search h_linux sc tso pso" "the same for the Linux interface"
tc iv "search h_iv sc tso pso" "the same for iv_work"

tc lend lent "no schedule of the protocols of lent threads fails, nor do those \
of the engine with lent threads"
lent() {
	WORKQUEUE_LEND=1
	export WORKQUEUE_LEND
	search h_lend sc tso
	search h_engine sc tso
	# Only the first queue of a process starts the lender.
	once=once
	SIM_SCHEDULES=$((SIM_SCHEDULES / 5 + 1))
	names="cold two"
	search h_lend sc tso
	faults="-f thread" names=refused
	search h_lend sc tso
}

tc lend_same lent_same "a schedule with lent threads is the same if others \
have run before it in the process"
lent_same() {
	local many name one seed

	need h_lend
	WORKQUEUE_LEND=1
	export WORKQUEUE_LEND
	for name in home destroy again; do
		for seed in 2 5 11; do
			# The line is that of the last schedule.
			many=$("$WQSIM" -v -n $seed ./h_lend $name 2>&1 |
			    grep -o ", [0-9]* points")
			one=$("$WQSIM" -v -n 1 -S $seed ./h_lend $name 2>&1 |
			    grep -o ", [0-9]* points")
			atf_check_equal "$one" "$many"
		done
	done
}

tc exhaustive small "no schedule with at most one preemption fails of two \
producers, their worker, and a waiter that then destroys the queue"
small() {
	need h_engine
	WORKQUEUE_LEND=0
	export WORKQUEUE_LEND
	atf_check -e match:"no failure with up to 1 preemption, [0-9]* sched" \
	    "$WQSIM" -s exhaustive:1 ./h_engine small once
}

tc seeds replay "the schedules that have shown a bug pass"
replay() {
	local args program seed

	need h_engine
	while read -r seed program args; do
		case $seed in
		''|'#'*)	continue ;;
		esac
		[ -x "./$program" ] || continue
		# shellcheck disable=SC2086
		atf_check -o ignore -e match:"no failure" "$WQSIM" -r "$seed" \
		    "./$program" $args
	done < "$TOP/tests/sim/seeds"
}

atf_init_test_cases() {
	atf_add_test_case engine
	atf_add_test_case kern
	atf_add_test_case pool
	atf_add_test_case linux
	atf_add_test_case iv
	atf_add_test_case lend
	atf_add_test_case lend_same
	atf_add_test_case exhaustive
	atf_add_test_case seeds
}
