#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# wqsim(1) finds planted bugs: those of the programs in h_plant.c, and those of
# the library in kern_plant.h.  "bmake plant" measures the time.

WQSIM="$STAGE/bin/wqsim"

need() {
	[ -x "$WQSIM" ] || atf_skip "the simulator is not built here"
	cd "$(atf_get_srcdir)" || exit 1
	[ -x plant/bin/wqsim ] || atf_skip "the planted bugs are not built here"
}

# found WQSIM MODEL CASE: check that a schedule fails, and that the minimal one
# is short.
found() {
	local lines n

	atf_check -s exit:1 -o empty -e save:"$OLDPWD/err" "$1" -n 20000 \
	    -b 40000 -m "$2" ./h_plant "$3"
	n=$(sed -n 's/^wqsim: the minimal.*, \(.*\) preem.*/\1/p' \
	    "$OLDPWD/err")
	# Most have 3 preemptions or fewer.  A change of the library may change
	# the result of the minimiser's search.  In two cases the minimiser
	# seldom finds a simpler schedule in its time: touch fails rarely, and
	# inversion takes 40,000 points.
	[ "$3" = lib_touch ] || [ "$3" = inversion ] ||
	    [ "${n:-0}" -le 5 ] || atf_fail "$3: $n preemptions"
	lines=$(sed -n '/^wqsim: the minimal/,/^wqsim: replay/p' \
	    "$OLDPWD/err" | grep -vc ^wqsim)
	[ "$lines" -le 40 ] || atf_fail "$3: $lines lines"
}

# none WQSIM MODEL ARGUMENTS: check that no schedule fails.
none() {
	local wqsim="$1" model="$2"

	shift 2
	atf_check -e match:"no failure in 200" "$wqsim" -n 200 -b 40000 \
	    -m "$model" ./h_plant "$@"
}

client() {
	eval "atf_test_case $1
	$1_head() {
		atf_set descr \"the client's bug $1 is found, and only that\"
	}
	$1_body() {
		need
		found \"\$WQSIM\" sc $1
		none \"\$WQSIM\" tso $1 fixed
	}"
}

# library NAME NUMBER MODEL CASE
# The bugs are in the paths of a queue that has its worker.  Without the start
# of a lent thread schedules are shorter, and the minimiser gets further in
# its time.
library() {
	eval "atf_test_case lib_$1
	lib_$1_head() {
		atf_set descr \"the library's bug $1 is found, and only that\"
	}
	lib_$1_body() {
		need
		WORKQUEUE_LEND=0
		export WORKQUEUE_LEND
		none plant/bin/wqsim $3 lib_$4
		WORKQUEUE_PLANT=$2
		export WORKQUEUE_PLANT
		found plant/bin/wqsim $3 lib_$4
		[ $3 = sc ] || none plant/bin/wqsim sc lib_$4
	}"
}

CLIENT="abba destroy fork handler inversion own recheck timeout token twice"
for c in $CLIENT; do
	client $c
done
library recheck 1 sc wait
library kick 2 sc kick
library touch 3 sc touch
library drain 4 sc drain
library waiters 5 sc waiters
library timeout 6 sc timeout
library softint 7 sc softint
# These need store buffers.
library swap 8 tso wait
library cancel 9 tso cancel
library xcall 10 tso section

atf_init_test_cases() {
	local c

	for c in $CLIENT; do
		atf_add_test_case $c
	done
	for c in recheck kick touch drain waiters timeout softint swap cancel \
	    xcall; do
		atf_add_test_case lib_$c
	done
}
