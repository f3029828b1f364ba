#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

atf_test_case probes
probes_head() {
	atf_set descr "the library has the static probes of the manual page"
	atf_set require.progs "readelf"
}
probes_body() {
	[ "$(uname -m)" = x86_64 ] || atf_skip "no probes on this host"
	atf_check -o save:notes -e ignore \
	    readelf -nW "$STAGE/lib/libworkqueue.so.0"
	# name, and the number of arguments
	awk '/Provider:/ { p = $NF } /Name:/ { n = $NF }
	    /Arguments:/ { if (p == "sdt") print n, NF - 1 }' notes |
	    sed 's/^kernel__workqueue__//' | sort -u > got
	sort > want <<'EOW'
create 7
destroy 1
enqueue 3
entry 4
exit__done 1
exit__start 1
return 4
wait__done 2
wait__hit 2
wait__self 2
wait__start 2
EOW
	atf_check diff -u want got
	# ... and the page has them all.
	while read -r name rest; do
		grep -q "^\.It $name Ta" "${TOP}/man/workqueue.9" ||
		    atf_fail "$name is not in workqueue(9)"
	done < want
}

atf_init_test_cases() {
	atf_add_test_case probes
}
