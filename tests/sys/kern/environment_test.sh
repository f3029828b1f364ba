#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The environment variables that the library reads when it starts.  The test can
# run any program that is linked with the library; h_trace(many) runs one item.

# Check that the program writes $3 to standard error if the variable $1 is $2.
says() {
	atf_check -o ignore -e inline:"$3" env "$1=$2" \
	    "$(atf_get_srcdir)/h_trace" many 1
}

atf_test_case unknown
unknown_head() {
	atf_set descr "a value that the page does not have is reported"
}
unknown_body() {
	local name

	unset WORKQUEUE_CHECK WORKQUEUE_LEND WORKQUEUE_NCPU WORKQUEUE_RT
	unset WORKQUEUE_SPIN WORKQUEUE_VERBOSE WORKQUEUE_WATCHDOG
	for name in CHECK LEND RT SPIN VERBOSE WATCHDOG; do
		says WORKQUEUE_$name '' ''
		says WORKQUEUE_$name 0 ''
	done
	says WORKQUEUE_NCPU '' ''
	says WORKQUEUE_NCPU 1 ''
	for name in 0 1025 x; do
		says WORKQUEUE_NCPU $name "workqueue: WORKQUEUE_NCPU is \
\"$name\", not a number from 1 to 1024: ignored\n"
	done
	says WORKQUEUE_LEND 1 ''
	says WORKQUEUE_LEND 2 "workqueue: WORKQUEUE_LEND is \"2\", not 0 or 1: \
taken as 1\n"
	says WORKQUEUE_RT 1 ''
	says WORKQUEUE_RT 2 "workqueue: WORKQUEUE_RT is \"2\", not 0 or 1: \
taken as 0\n"
	says WORKQUEUE_SPIN 1000 ''
	for name in 1001 -1 5x; do
		says WORKQUEUE_SPIN $name "workqueue: WORKQUEUE_SPIN is \
\"$name\", not a number of microseconds from 0 to 1000: ignored\n"
	done
	says WORKQUEUE_WATCHDOG 86400 ''
	says WORKQUEUE_WATCHDOG 1s "workqueue: WORKQUEUE_WATCHDOG is \
\"1s\", not a number of seconds from 0 to 86400: ignored\n"
	says WORKQUEUE_VERBOSE debug ''
	says WORKQUEUE_VERBOSE loud "workqueue: WORKQUEUE_VERBOSE is \
\"loud\", not 0, 1 or debug: taken as 1\n"
	atf_check -o ignore -e match:"^workqueue: WORKQUEUE_CHECK is \
\"yes\", not 0, 1 or strict: taken as 1$" \
	    -e match:'^workqueue: checking mode, version' \
	    env WORKQUEUE_CHECK=yes "$(atf_get_srcdir)/h_trace" many 1
}

atf_test_case checking
checking_head() {
	atf_set descr "a line at the start says that checking mode is on, and \
which version of the library this is"
}
checking_body() {
	local mode

	for mode in 1:'checking mode' strict:'checking mode, strict'; do
		atf_check -o ignore \
		    -e match:"^workqueue: ${mode#*:}, version [0-9.]+$" \
		    env WORKQUEUE_CHECK=${mode%%:*} \
		    "$(atf_get_srcdir)/h_trace" many 1
	done
}

atf_init_test_cases() {
	atf_add_test_case unknown
	atf_add_test_case checking
}
