#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# pcksum, with good and bad input.

PCKSUM=$OBJTOP/share/examples/workqueue/pcksum

# Print what sha256sum prints for a tree, in pcksum's order.
want() {
	find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}

tree() {
	mkdir -p tree/d/e tree/empty
	: > tree/null
	seq 100000 > tree/d/big
	echo f > tree/d/e/f
	echo blank > 'tree/a b'
	echo backslash > 'tree/back\slash'
	echo newline > 'tree/new
line'
	ln -s nowhere tree/dangling
	ln -s d tree/link
}

# The first message of a program in checking mode.
CHECKING="workqueue: checking mode, version $(env \
    PKG_CONFIG_PATH="$STAGE/lib/pkgconfig" pkg-config --modversion workqueue)\n"

atf_test_case same
same_head() {
	atf_set descr "lines and order are sha256sum's, with odd names too"
}
same_body() {
	local n

	tree
	want tree > want
	for n in 1 2 7; do
		atf_check -o file:want env WORKQUEUE_NCPU=$n "$PCKSUM" tree
	done
	atf_check -o file:want -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 "$PCKSUM" tree
	sed 's,  tree/,  ./,' want > want.dot
	cd tree
	atf_check -o file:../want.dot "$PCKSUM"
}

atf_test_case order
order_head() {
	atf_set descr "trees are printed in the order of the arguments"
}
order_body() {
	tree
	{ want tree/null; want tree/d; } > want
	atf_check -o file:want "$PCKSUM" tree/null tree/d
	find tree -name d -prune -o -type f -print0 | LC_ALL=C sort -z |
	    xargs -0 sha256sum > want
	atf_check -o file:want "$PCKSUM" -e d tree
}

atf_test_case many
many_head() {
	atf_set descr "thousands of files are all printed"
}
many_body() {
	mkdir tree
	(cd tree && seq 5000 | split -l 1 -a 4)
	want tree > want
	atf_check -o file:want "$PCKSUM" tree
}

atf_test_case missing
missing_head() {
	atf_set descr "a missing path: message, status 1, the rest is done"
}
missing_body() {
	tree
	want tree > want
	atf_check -s exit:1 -o file:want \
	    -e inline:'pcksum: nowhere: No such file or directory\n' \
	    "$PCKSUM" nowhere tree
}

atf_test_case unreadable cleanup
unreadable_head() {
	atf_set descr "an unreadable file: message, status 1, the rest is done"
}
unreadable_body() {
	local dir lib

	# Root can read everything, so become another user, in a directory of
	# that user.
	dir=$(mktemp -d /tmp/pcksum.XXXXXX)
	echo "$dir" > dir
	lib=$STAGE/lib/libworkqueue.so.0
	cp "$PCKSUM" "$lib" "$dir"
	cd "$dir" || exit 1
	mkdir -p tree/closed
	echo a > tree/open
	echo b > tree/secret
	echo c > tree/closed/file
	want tree/open > want
	chmod 0 tree/closed tree/secret
	if [ "$(id -u)" -eq 0 ]; then
		chown -R 65534:65534 .
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups
		"$@" true || atf_skip "cannot become another user"
	fi
	chmod 755 .
	atf_check -s exit:1 -o file:want -e save:err \
	    "$@" env LD_LIBRARY_PATH="$dir" ./pcksum tree
	atf_check -o ignore grep 'tree/closed: Permission denied' err
	atf_check -o ignore grep 'tree/secret: Permission denied' err
}
unreadable_cleanup() {
	local dir

	dir=$(cat dir)
	chmod -R u+rwx "$dir"
	rm -rf "$dir"
}

atf_test_case shrinking
shrinking_head() {
	atf_set descr "a file that shrinks while it is read ends where it ends"
}
shrinking_body() {
	local i

	# Sparse, so that it costs only the hashing.
	truncate -s 100G large
	echo small > small
	"$PCKSUM" large small > out 2> err &
	# pcksum is reading the file once the file offset moves.
	for i in $(seq 300); do
		grep -qsE '^pos:.*[0-9]{7}' /proc/$!/fdinfo/* && break
		sleep 0.1
	done
	truncate -s 1000 large
	wait $!
	i=$?
	cat out err
	sha256sum small > want
	tail -n 1 out > got
	atf_check diff -u want got
	[ $i -eq 0 ] || [ -s err ] || atf_fail "status $i without a message"
}

atf_test_case interrupt
interrupt_head() {
	atf_set descr "^C ends it soon and cleanly, status 130"
}
interrupt_body() {
	local i

	truncate -s 100G large
	env --default-signal=INT "$PCKSUM" large > out 2> err &
	for i in $(seq 300); do
		grep -qsE '^pos:.*[0-9]{7}' /proc/$!/fdinfo/* && break
		sleep 0.1
	done
	kill -INT $!
	wait $!
	i=$?
	atf_check_equal 130 $i
	atf_check -o inline:'pcksum: interrupted\n' cat err
	[ ! -s out ] || atf_fail "a line for a file that was not read"
}

atf_test_case progress
progress_head() {
	atf_set descr "only a terminal gets a progress bar"
	atf_set require.progs script
}
progress_body() {
	tree
	truncate -s 300M tree/large
	want tree > want
	atf_check -o file:want -e empty "$PCKSUM" tree
	script -qc "stty cols 80; '$PCKSUM' tree > out" /dev/null > screen
	atf_check -o file:want cat out
	atf_check -o ignore grep '%.*files/s' screen
}

atf_test_case full
full_head() {
	atf_set descr "a failed write to the output is an error"
}
full_body() {
	[ -c /dev/full ] || atf_skip "no /dev/full"
	tree
	"$PCKSUM" tree > /dev/full 2> err && atf_fail "not told"
	atf_check -o match:'standard output' cat err
}

atf_test_case usage
usage_head() {
	atf_set descr "an unknown option prints the usage"
}
usage_body() {
	atf_check -s not-exit:0 -e match:'usage: pcksum' "$PCKSUM" -z
}

atf_init_test_cases() {
	atf_add_test_case same
	atf_add_test_case order
	atf_add_test_case many
	atf_add_test_case missing
	atf_add_test_case unreadable
	atf_add_test_case shrinking
	atf_add_test_case interrupt
	atf_add_test_case progress
	atf_add_test_case full
	atf_add_test_case usage
}
