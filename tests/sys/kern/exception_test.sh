#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# A C++ callback that throws out of workqueue_run_polled(9).

atf_test_case polled
polled_head() {
	atf_set descr "an exception, or the end of the thread, leaves the \
queue usable: each item runs once, in order"
}
polled_body() {
	local check flags h

	h=$(atf_get_srcdir)/h_exception
	for check in 0 1; do
		# 0 is with the kernel lock, 1 is WQ_MPSAFE.
		for flags in 0 1; do
			atf_check -o save:out -e ignore \
			    env WORKQUEUE_CHECK=$check "$h" $flags
			atf_check -o inline:'ran 99, caught 49, 0 out of order
' cat out
		done
	done
}

atf_init_test_cases() {
	atf_add_test_case polled
}
