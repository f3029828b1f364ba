#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Protocols under the C11 memory model, by relacy.  c11.h explains what the
# programs have in common, and the top of each program lists its rules.

# The program for a protocol: c11_$1.cc.
build()
{

	echo '#include <relacy/relacy.hpp>' > have.cc
	${CXX} -E have.cc > have.i 2>&1 ||
	    atf_skip "relacy is not installed (Debian: relacy-dev)"
	# Do not report warnings about relacy itself.
	${CXX} -std=c++17 -O1 -w -I"${TOP}/tests/model" -o model \
	    "${TOP}/tests/model/c11_$1.cc" || atf_fail "does not compile"
}

# holds [-s]: check that none of many schedules is wrong.
holds()
{

	./model -n 50000 "$@" > out || { tail -500 out; \
	    atf_fail "holds $*: relacy found: $(tail -1 out)"; }
	echo "holds $*: $(tail -1 out)"
}

# breaks what [-s] rule ...: check that relacy finds an error, which it calls
# $what, if one of these rules is broken.
breaks()
{
	local what="$1" s= rule

	shift
	[ "$1" != -s ] || { s=-s; shift; }
	for rule; do
		./model -n 400000 $s "$rule" > out
		echo "breaks $s $rule: $(tail -1 out)"
		tail -1 out | grep -q "^$what" ||
		    atf_fail "relacy does not find \"$what\" without $rule"
	done
}

# Check that the test breaks each rule that the program's comment lists, and
# that the sources have each function that the comment names.
listed()
{
	local f="${TOP}/tests/model/c11_$1.cc" name

	sed '/^#include/q' "$f" > top
	for name in $(sed '1,/^ \* Rules:/d' top |
	    sed -n 's/^ \*	\([a-z]\{1,\}\).*/\1/p'); do
		grep -Eq "^	breaks .* $name( |\$)" \
		    "$(atf_get_srcdir)/c11_test" ||
		    atf_fail "c11_$1.cc: rule $name is not broken"
	done
	for name in $(grep -oE '[a-z0-9_]+\(\)' top | tr -d '()' |
	    sort -u); do
		grep -Eq "(^|[ *])$name\(" "${TOP}"/sys/*/*.[ch] \
		    "${TOP}"/sys/compat/*/*.[ch] ||
		    atf_fail "c11_$1.cc: no $name() in the sources"
	done
}

# c11_case name descr: name_body is the body.
c11_case()
{

	atf_test_case "$1"
	eval "${1}_head() {
		atf_set descr '$2'
		atf_set timeout 300
	}"
}

LOST=LIVELOCK
RACE='DATA RACE'
WRONG='USER ASSERT FAILED'

c11_case host 'the asymmetric fence and the token order what they promise'
host_body()
{

	listed host
	build host
	holds
	breaks "$WRONG" heavy light
	breaks "$LOST" token taken
}

c11_case wait 'a waiter and the worker see each other; records are not reused'
wait_body()
{

	listed wait
	build wait
	holds
	holds -s
	breaks "$LOST" light heavy look
	breaks "$LOST" -s swap load arm look
	breaks "$RACE" done find tell told
	breaks "$RACE" -s find tell told
}

c11_case cancel 'an item is run or cancelled, and not both'
cancel_body()
{

	listed cancel
	build cancel
	holds
	holds -s
	breaks "$RACE" light heavy look
	breaks "$RACE" -s swap load mark look late
	breaks "$WRONG" late batch
}

c11_case quiet 'a workqueue that looks quiet is, and its workers can end'
quiet_body()
{

	listed quiet
	build quiet
	holds
	holds -s
	breaks "$RACE" insert take done first asleep second after
	breaks "$LOST" count look say draining
	breaks "$WRONG" ends told
}

c11_case section 'a barrier waits for sections, however they end'
section_body()
{

	listed section
	build section
	holds
	holds -s
	breaks "$RACE" light first ends ended last left
	breaks "$RACE" handover publish count
	breaks "$LOST" second look
	breaks "$WRONG" both
	breaks "$RACE" -s fence first ends ended last left
	breaks "$LOST" -s poll answer
}

c11_case oncpu 'a CPU has one owner, each thread gets one, strays are awaited'
oncpu_body()
{

	listed oncpu
	build oncpu
	holds
	breaks "$RACE" give take free awake start count gone on used
	breaks "$RACE" handover publish changed below
	breaks "$LOST" light heavy again
}

c11_case recall 'an item of a batch that is recalled is run or cancelled'
recall_body()
{

	listed recall
	build recall
	holds
	holds -s
	breaks "$RACE" done
	breaks "$WRONG" light heavy ours again
	breaks "$WRONG" -s swap load store look
}

c11_case lane 'an item in a lane of iv_work is taken once'
lane_body()
{

	listed lane
	build lane
	holds
	breaks "$LOST" light late heavy again head
	breaks "$RACE" tail end push order
}

c11_case watch 'a thread that holds back an interrupt is watched'
watch_body()
{

	listed watch
	build watch
	holds
	breaks "$LOST" enlist kick exists told
	breaks "$RACE" take
}

c11_case lend 'the lender sees the records of all producers that call it'
lend_body()
{

	listed lend
	build lend
	holds
	breaks "$LOST" call look again
}

atf_init_test_cases()
{

	atf_add_test_case host
	atf_add_test_case wait
	atf_add_test_case cancel
	atf_add_test_case quiet
	atf_add_test_case section
	atf_add_test_case oncpu
	atf_add_test_case recall
	atf_add_test_case lane
	atf_add_test_case watch
	atf_add_test_case lend
}
