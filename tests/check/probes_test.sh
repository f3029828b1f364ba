#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

atf_test_case probes
probes_head() {
	atf_set descr "the library has the static probes of workqueue(9)"
	atf_set require.progs "readelf"
}
# has LIBRARY: the probes of a library are those on standard input, each with
# its number of arguments.
has() {
	sort > want
	atf_check -o save:notes -e ignore readelf -nW "$STAGE/lib/$1"
	awk '/Provider:/ { p = $NF } /Name:/ { n = $NF }
	    /Arguments:/ { print p ":" n, NF - 1 }' notes | sort -u > got
	atf_check diff -u want got
	# The manual page lists all probes.
	while read -r name rest; do
		n=${name#*:}
		n=${n#kernel__}
		grep -q "^\.It ${n#workqueue__} Ta" "$TOP/man/workqueue.9" ||
		    atf_fail "$name is not in workqueue(9)"
	done < want
}
probes_body() {
	echo '#include <sys/sdt.h>' | ${CC} -E - >/dev/null 2>&1 ||
	    atf_skip "there is no <sys/sdt.h>"
	has libworkqueue.so.0 <<'EOW'
sdt:kernel__callout__entry 3
sdt:kernel__callout__return 3
sdt:kernel__callout__schedule 5
sdt:kernel__softint__entry 4
sdt:kernel__softint__return 4
sdt:kernel__softint__schedule 3
sdt:kernel__threadpool__schedule__job 2
sdt:kernel__threadpool__thread__job 2
sdt:kernel__workqueue__create 7
sdt:kernel__workqueue__destroy 1
sdt:kernel__workqueue__enqueue 3
sdt:kernel__workqueue__entry 4
sdt:kernel__workqueue__exit__done 1
sdt:kernel__workqueue__exit__start 1
sdt:kernel__workqueue__return 4
sdt:kernel__workqueue__wait__done 2
sdt:kernel__workqueue__wait__hit 2
sdt:kernel__workqueue__wait__self 2
sdt:kernel__workqueue__wait__start 2
sdt:kernel__wqpool__enqueue 2
sdt:kernel__wqpool__entry 4
sdt:kernel__wqpool__return 4
EOW
	has libworkqueue_linux.so.0 <<'EOW'
sched:sched_kthread_work_execute_end 2
sched:sched_kthread_work_execute_start 2
workqueue:workqueue_execute_end 2
workqueue:workqueue_execute_start 2
workqueue:workqueue_queue_work 2
EOW
	[ -f "$STAGE/lib/libworkqueue_iv.so.0" ] || return 0
	has libworkqueue_iv.so.0 <<'EOW'
ivykis:iv_work__entry 2
ivykis:iv_work__return 1
ivykis:iv_work__submit 2
EOW
}

atf_test_case scripts
scripts_head() {
	atf_set descr "the scripts for bpftrace name probes that exist, and" \
	    "the installed library"
}
scripts_body() {
	local f n=0

	for f in "$TOP"/share/bpftrace/*.bt; do
		grep -oE 'usdt:[^ ,{]*' "$f" > used
		[ -s used ] || atf_fail "$f uses no probe"
		sed 's/.*:\([^:]*:[^:]*\)$/\1/' used | sort -u |
		    while read -r p; do
			grep -q "^${p} [0-9]" \
			    "$TOP/tests/check/probes_test.sh" || echo "$f: $p"
		done > hits
		atf_check cat hits
		n=$((n + 1))
	done
	[ $n -eq 3 ] || atf_fail "$n scripts"
	atf_check -o ignore -e ignore env -C "$TOP/share/bpftrace" bmake \
	    install DESTDIR="$PWD/d" PREFIX=/p LIBDIR=/l OBJROOT="$PWD/obj"
	for f in d/p/share/libworkqueue/bpftrace/*.bt; do
		atf_check -o ignore grep 'usdt:/l/libworkqueue.so.0:' "$f"
		atf_check -s exit:1 grep @LIBDIR@ "$f"
	done
	command -v bpftrace >/dev/null || return 0
	# Without the privilege to trace, bpftrace only says so.
	for f in d/p/share/libworkqueue/bpftrace/*.bt; do
		bpftrace -d "$f" > out 2>&1
		! grep -i 'syntax error' out || atf_fail "$f"
	done
}

atf_init_test_cases() {
	atf_add_test_case probes
	atf_add_test_case scripts
}
