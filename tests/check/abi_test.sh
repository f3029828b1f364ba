#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Check that a program that was linked with the last release runs with this
# library: the library still has the binary interface that lib/*/*.abi records.
#
# Such a file is the output of abidw(1) on x86-64: symbols with their versions,
# the types of arguments, and the layout of each structure in a public header.
# "bmake abi" writes these files for each release.  Before the first release,
# run it after each change of the interface, too.

MAKE="env -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u WERROR -u DESTDIR
    bmake HOST=$HOST SAN= CC=${CC%% *}"

need() {
	[ -z "$SAN" ] || atf_skip "a sanitizer changes the interface"
	case $CC in
	*clang*)	atf_skip "clang describes const volatile otherwise" ;;
	esac
	case $(${CC} -dumpmachine) in
	x86_64-*)	;;
	*)		atf_skip "the files are of x86-64" ;;
	esac
	# The files on record are of gcc 12.  The output of gcc 14 was found
	# equal to them; no other was compared.
	case $(${CC} -dumpversion) in
	12|12.*|14|14.*)	;;
	*)		atf_skip "this version of gcc was not compared" ;;
	esac
}

# Compare a library with its file.  Arguments: name, library.  The file has the
# types of public headers only, so ignore the internal ones.
compare() {
	abidiff --no-added-syms --suppr "$TOP/share/mk/abi.suppr" \
	    "$TOP/lib/lib$1/$1.abi" "$2"
}

atf_test_case release
release_head() {
	atf_set descr "what was linked with the last release runs with this"
	atf_set require.progs "abidiff"
}
release_body() {
	local l

	need
	for l in workqueue workqueue_linux workqueue_iv; do
		[ -f "$STAGE/lib/lib$l.so.0" ] || continue
		atf_check test -s "$TOP/lib/lib$l/$l.abi"
		compare $l "$STAGE/lib/lib$l.so.0" > diff ||
		    { cat diff; touch differ; }
	done
	[ ! -f differ ] || atf_fail "not the interface that is on file"
}

atf_test_case planted
planted_head() {
	atf_set descr "a lost function, a longer structure, another type: seen"
	atf_set require.progs "abidiff"
	atf_set timeout 600
}
planted_body() {
	local so

	need
	mkdir tree
	(cd "$TOP" && tar -cf - Makefile lib sys share/mk) | tar -xf - -C tree
	sed -i '/wqk_cv_signal;/d' tree/lib/libworkqueue/workqueue.map
	sed -i 's/^	uintptr_t	rw_spare;/	long rw_more; &/' \
	    tree/sys/sys/rwlock.h
	sed -i 's/^unsigned int\(	 wqk_cpu_index(\)/unsigned long\1/' \
	    tree/sys/sys/cpu.h
	awk '/^cpu_index\(/ { sub(/int/, "long", last) }
	    NR > 1 { print last }
	    { last = $0 }
	    END { print last }' tree/sys/kern/subr_cpu.c > new.c
	mv new.c tree/sys/kern/subr_cpu.c
	atf_check -o ignore -e ignore env -C "$PWD/tree/lib/libworkqueue" \
	    $MAKE DEBUGFLAGS="-O0 -g" all
	so=$(echo tree/obj/*/lib/libworkqueue/libworkqueue.so.0.*)
	compare workqueue "$so" > diff && atf_fail "nothing is seen"
	cat diff
	for s in wqk_cv_signal rw_more wqk_cpu_index; do
		grep -q $s diff || atf_fail "$s is not seen"
	done
}

atf_init_test_cases() {
	atf_add_test_case release
	atf_add_test_case planted
}
