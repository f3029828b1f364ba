#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The commands for gdb(1), on a process and on a core.  h_trace is the program:
# "hangs" runs works[0] for ever, and three more items wait.

# run COMMAND ...: gdb in batch mode, with the staged scripts.
run() {
	gdb -nx -batch -iex "set auto-load safe-path /" \
	    -iex "add-auto-load-scripts-directory $STAGE/share/gdb/auto-load" \
	    -ex "set pagination off" -ex "set width 0" "$@" > out 2> err
	[ -s out ] || atf_fail "$(cat err)"
}

need() {
	[ "$HOST" = linux ] || atf_skip "gdb does not know the threads here"
	[ -z "$SAN" ] || atf_skip "gdb does not get along with sanitizers"
	command -v gdb >/dev/null || atf_skip "there is no gdb"
	gdb -nx -batch -ex "python print(1)" 2>&1 | grep -qx 1 ||
	    atf_skip "this gdb has no Python"
	gdb -nx -batch -ex run -ex "info inferiors" /bin/true 2>&1 |
	    grep -q 'exited normally' || atf_skip "gdb may not trace here"
	prog=$(atf_get_srcdir)/h_trace
}

# All that the other commands print, of the process or the core.
COMMANDS='
info workqueues
print works
workqueue backtrace &works[0]
workqueue backtrace works[2]
print *wq
print *idle
'

# ask TARGET COMMAND ...: what gdb is started with, and what comes first.
ask() {
	local target="$1" c

	shift
	set -- "$@" -ex "frame function hang"
	while read -r c; do
		[ -z "$c" ] || set -- "$@" -ex "$c"
	done <<-EOC
	$COMMANDS
	EOC
	# shellcheck disable=SC2086
	run "$@" $target
}

expect() {
	atf_check -o ignore grep -E -- "$1" out
}

check() {
	expect '^NAME +KIND +CPU +DONE +PENDING +RUNS$'
	expect '^hangs +workqueue +- +0 +3 +trace_stuck of item 0x[0-9a-f]+ in'
	expect '^idle +workqueue +- +1 +0 +-$'
	expect '^threadpool/-1 +threadpool +- +0 +0 +trace_hang of item 0x'
	# The pretty-printers.
	expect 'work, runs on "hangs", thread [0-9]+'
	expect 'work, pending on "hangs", next'
	expect 'work, pending on "hangs", behind 2'
	expect 'workqueue "hangs", function trace_stuck'
	expect '\[0\] = .*0 done, 3 pending, runs 0x'
	expect 'workqueue "idle", function trace_item'
	# The stack of the right thread.
	expect '^Item 0x[0-9a-f]+ runs on "hangs", thread'
	expect '^#[0-9]+ .* trace_stuck \('
	! grep 'trace_hang \(' out || atf_fail "another thread's stack"
	expect 'Item 0x[0-9a-f]+ is pending on "hangs", behind 1' ||
	    grep -E 'pending on "hangs", behind 1' err
}

atf_test_case process
process_head() {
	atf_set descr "the commands show a process, and load with the library"
	atf_set timeout 300
}
process_body() {
	need
	ask "--args $prog hang" -ex "break trace_stop" -ex "run"
	cat err >> out
	check
}

atf_test_case core
core_head() {
	atf_set descr "the commands show a core"
	atf_set timeout 300
}
core_body() {
	need
	run -ex "break trace_stop" -ex "run" -ex "generate-core-file core" \
	    --args "$prog" hang
	[ -f core ] || atf_skip "gdb made no core: $(cat err)"
	ask "$prog core"
	cat err >> out
	check
}

atf_test_case namespace cleanup
namespace_head() {
	atf_set descr "the threads of a process in another PID namespace"
	atf_set require.progs unshare
	atf_set timeout 300
}
namespace_body() {
	local ready user

	need
	user=-Ur
	[ "$(id -u)" -ne 0 ] || user=
	# shellcheck disable=SC2086
	unshare $user -pf true || atf_skip "no namespaces here"
	mkfifo fifo
	# shellcheck disable=SC2086
	unshare $user -pf --kill-child "$prog" hang on > fifo &
	echo $! > outer
	read -r ready < fifo
	[ -n "$ready" ] || atf_fail "it does not start"
	tr -d ' ' < "/proc/$(cat outer)/task/$(cat outer)/children" > pid ||
	    atf_skip "the system does not list children"
	gdb -nx -batch -p "$(cat pid)" -ex backtrace 2>&1 | grep -q '^#0' ||
	    atf_skip "gdb may not trace here"
	run -ex "info workqueues" -p "$(cat pid)"
	expect '^hangs .* trace_stuck of item .* in thread [0-9]+ \(LWP'
	expect '^threadpool/-1 .* trace_hang of item .* in thread [0-9]+ \(LWP'
}
namespace_cleanup() {
	local id

	# If the program has ended, another process may have its ID.
	for id in $(cat pid outer 2>/dev/null); do
		[ "$(readlink "/proc/$id/cwd")" != "$(pwd -P)" ] ||
		    kill -9 "$id" || :
	done
}

atf_init_test_cases() {
	atf_add_test_case process
	atf_add_test_case core
	atf_add_test_case namespace
}
