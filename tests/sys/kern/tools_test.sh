#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Clients under tools that watch them, with the installed library: a correct
# client has no report; a race and a freed item have one that names the client's
# functions.

SRC="$TOP/tests/sys/kern/tools"
PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

# Compile $3 as $2, with the compiler $1 and more flags.
build() {
	local cc="$1" prog="$2" src="$3" package=workqueue-kernel

	shift 3
	[ "$src" != linux ] || package=workqueue-linux
	atf_check $cc -g -O1 -Wall -Werror -pthread "$@" -o "$prog" \
	    "$SRC/$src.c" $($PC --cflags --libs $package) \
	    -Wl,-rpath,"$STAGE/lib"
}

plain_library() {
	[ -z "$SAN" ] || atf_skip "the library is instrumented itself"
}

compilers() {
	local cc

	for cc in gcc clang; do
		command -v $cc >/dev/null && echo $cc
	done
}

atf_test_case tsan
tsan_head() {
	atf_set descr "ThreadSanitizer reports the client's races, no others"
	atf_set timeout 600
}
tsan_body() {
	local cc check

	plain_library
	for cc in $(compilers); do
		build $cc correct correct -fsanitize=thread
		for check in 0 1; do
			atf_check -e not-match:'WARNING' \
			    env WORKQUEUE_CHECK=$check ./correct
		done
		build $cc racy correct -fsanitize=thread -DRACE
		atf_check -s exit:66 -e match:'data race.* in (main|run)$' \
		    ./racy
		build $cc linux linux -fsanitize=thread
		for check in 0 1; do
			atf_check -e not-match:'WARNING' \
			    env WORKQUEUE_CHECK=$check ./linux
		done
		build $cc racy linux -fsanitize=thread -DRACE
		atf_check -s exit:66 -e match:'data race.* in (main|run)$' \
		    ./racy
		build $cc freed freed -fsanitize=thread
		atf_check -s exit:66 -e match:'heap-use-after-free' \
		    -e match:'in free_pending|free_pending ' ./freed
	done
}

atf_test_case asan
asan_head() {
	atf_set descr "AddressSanitizer reports a freed item, and no others"
	atf_set timeout 600
}
asan_body() {
	local cc

	plain_library
	for cc in $(compilers); do
		build $cc correct correct -fsanitize=address
		atf_check ./correct
		build $cc freed freed -fsanitize=address
		atf_check -s exit:1 -e match:'heap-use-after-free' \
		    -e match:'in free_pending' ./freed
	done
}

# Build the programs for valgrind, and strip the libraries: valgrind may be too
# old for the compiler's debugging information.
for_valgrind() {
	local lib

	build "$CC" "$@" -gdwarf-4
	mkdir -p stripped
	for lib in libworkqueue libworkqueue_linux; do
		strip -g -o stripped/$lib.so.0 "$STAGE/lib/$lib.so.0"
	done
	export LD_LIBRARY_PATH=$PWD/stripped
}

# Run under a tool of valgrind, without and with checking mode.
under() {
	local check prog="$2" tool="$1"

	for check in 0 1; do
		atf_check -o ignore -e not-match:'^==' \
		    env WORKQUEUE_CHECK=$check \
		    valgrind -q --error-exitcode=9 --tool=$tool ./$prog
	done
}

atf_test_case memcheck
memcheck_head() {
	atf_set descr "memcheck reports a freed item and a destroyed queue"
	atf_set require.progs valgrind
	atf_set timeout 600
}
memcheck_body() {
	plain_library
	for_valgrind correct correct
	under memcheck correct
	for_valgrind linux linux
	under memcheck linux
	for_valgrind freed freed
	atf_check -s exit:9 -e match:'Invalid (read|write)' \
	    -e match:'free_pending' \
	    valgrind -q --error-exitcode=9 ./freed
	for_valgrind destroyed destroyed
	atf_check -s exit:9 -e match:'Invalid (read|write)' \
	    -e match:'workqueue_setspin' -e match:'free.d' \
	    valgrind -q --error-exitcode=9 ./destroyed
}

atf_test_case helgrind
helgrind_head() {
	atf_set descr "helgrind reports the client's races, and no others"
	atf_set require.progs valgrind
	atf_set timeout 600
}
helgrind_body() {
	plain_library
	for_valgrind correct correct
	under helgrind correct
	for_valgrind racy correct -DRACE
	atf_check -s exit:9 -e match:'Possible data race' \
	    -e match:'run \(correct.c' \
	    valgrind -q --error-exitcode=9 --tool=helgrind ./racy
}

atf_test_case drd
drd_head() {
	atf_set descr "DRD reports the client's races, and no others"
	atf_set require.progs valgrind
	atf_set timeout 600
}
drd_body() {
	plain_library
	for_valgrind correct correct
	under drd correct
	for_valgrind racy correct -DRACE
	atf_check -s exit:9 -e match:'Conflicting' \
	    -e match:'run \(correct.c' \
	    valgrind -q --error-exitcode=9 --tool=drd ./racy
}

atf_init_test_cases() {
	atf_add_test_case tsan
	atf_add_test_case asan
	atf_add_test_case memcheck
	atf_add_test_case helgrind
	atf_add_test_case drd
}
