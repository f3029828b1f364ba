#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# WORKQUEUE_TRACE: see tests/sys/kern/wqtrace_test.sh.

atf_test_case works
works_head() {
	atf_set descr "work items and kthread_work have arrows, and the names" \
	    "of their functions"
}
works_body() {
	[ "$HOST" != sim ] || atf_skip "the simulator ignores WORKQUEUE_TRACE"
	command -v python3 >/dev/null || atf_skip "there is no python3"
	atf_check env WORKQUEUE_TRACE=t.json \
	    "$(atf_get_srcdir)/h_linux_trace"
	python3 "$TOP/tests/trace.py" t.json > out || atf_fail "a bad trace"
	# flush_delayed_work() stops the callout.
	atf_check -o inline:'kthread_worker 1 1 1 1\ntraced 3 3 3 3\n' \
	    grep -v '^callout ' out
	for f in trace_work trace_old trace_kthread; do
		atf_check -o ignore grep "\"B\".*\"name\":\"$f\"" t.json
	done
}

atf_init_test_cases() {
	atf_add_test_case works
}
