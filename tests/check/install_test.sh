#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# What is installed, and that it serves a client.

MAKE="bmake HOST=$HOST SAN=$SAN CC=${CC%% *}"
H=$STAGE/include/workqueue
KH=$STAGE/include/workqueue-kernel
PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

headers() {
	(cd "$H" && find . -name '*.h' | sed 's,^\./,,' | sort)
}

# Those for kernel sources.
kheaders() {
	(cd "$KH" && find . -name '*.h' | sed 's,^\./,,' | sort)
}

# A client that uses something of each header.
client() {
	cat <<'EOC'
#include <sys/workqueue.h>
#include <sys/cpu.h>
#include <sys/intr.h>
#include <sys/systm.h>
#include <stdio.h>

static int ran;

static void
run(struct work *wk, void *arg)
{

	KASSERT(wk != 0);
	*(int *)arg += 1;
}

int
main(void)
{
	struct workqueue *wq;
	struct work wk;
	int error, s;

	KERNEL_LOCK(1, 0);
	KERNEL_UNLOCK_ONE(0);
	error = workqueue_create(&wq, "client", run, &ran, PRI_NONE, IPL_VM,
	    WQ_MPSAFE);
	if (error != 0)
		panic("workqueue_create: error %d", error);
	s = splvm();
	workqueue_enqueue(wq, &wk, 0);
	splx(s);
	workqueue_wait(wq, &wk);
	workqueue_destroy(wq);
	printf("ran %d, cpus %s\n", ran, ncpu > 0 ? "yes" : "no");
	return 0;
}
EOC
}

atf_test_case files
files_head() {
	atf_set descr "DESTDIR and PREFIX get these files and no other"
}
files_body() {
	atf_check -o ignore -e ignore env -C "$TOP" $MAKE install \
	    DESTDIR="$PWD/dest" PREFIX=/opt/wq
	(cd dest && find . ! -type d | sed 's,^\./,,' | sort) > files
	grep -v '^opt/wq/' files && atf_fail "outside of PREFIX"
	# Each header of the tree is for somebody.
	(cd "$TOP/sys" && { ls sys/*.h
	    cd kernel && find . -name '*.h' | sed 's,^\./,,'; }) | sort > want
	sed -nE 's,^opt/wq/include/workqueue(-kernel)?/,,p' files | sort > got
	atf_check diff -u want got
	sed 's,^opt/wq/,,' files |
	    grep -vE '^share/(man|examples)/' |
	    grep -vE '^include/workqueue-(kernel|linux)/' > got
	cat > want <<'EOW'
include/workqueue/sys/cpu.h
include/workqueue/sys/intr.h
include/workqueue/sys/systm.h
include/workqueue/sys/workqueue.h
include/workqueue/sys/workqueue_ext.h
include/workqueue/sys/wq_types.h
lib/libworkqueue.a
lib/libworkqueue.so
lib/libworkqueue.so.0
lib/libworkqueue_linux.a
lib/libworkqueue_linux.so
lib/libworkqueue_linux.so.0
lib/pkgconfig/workqueue-kernel.pc
lib/pkgconfig/workqueue-linux.pc
lib/pkgconfig/workqueue.pc
EOW
	if pkg-config --exists ivykis; then
		cat >> want <<'EOW'
include/workqueue-iv/iv_work.h
lib/libworkqueue_iv.a
lib/libworkqueue_iv.so
lib/libworkqueue_iv.so.0
lib/pkgconfig/workqueue-iv.pc
EOW
	fi
	sort -o want want
	sort -o got got
	atf_check diff -u want got
	grep -q 'share/man/man9/workqueue.9$' files || atf_fail "no manual"
	grep -q 'share/examples/workqueue/pcksum.c$' files ||
	    atf_fail "no examples"
	grep -r "$PWD" dest/opt/wq/lib/pkgconfig && atf_fail "DESTDIR leaks"
	atf_check -o match:'-I/opt/wq/include/workqueue' \
	    env PKG_CONFIG_PATH=dest/opt/wq/lib/pkgconfig \
	    pkg-config --cflags workqueue
}

atf_test_case exports
exports_head() {
	atf_set descr "exported: what the public headers declare, exactly"
}
exports_body() {
	{ headers; kheaders; } | sed 's/.*/#include <&>/' > all.c
	atf_check -o save:all.i ${CC} -E -P -D_KERNEL -I"$KH" -I"$H" all.c
	{ grep -oE '\<workqueue_[a-z0-9_]+[[:space:]]*\(' all.i |
	    tr -d ' \t('
	  grep -oE '\<wqk_[A-Za-z0-9_]+' all.i; } | sort -u > want
	nm -D --defined-only "$STAGE/lib/libworkqueue.so.0" |
	    awk '$2 != "A" { print $3 }' > symbols
	grep -v '@@LIBWORKQUEUE_' symbols |
	    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' &&
	    atf_fail "exported without a version"
	sed -n 's/@@LIBWORKQUEUE_[0-9]*$//p' symbols | sort -u > got
	atf_check diff -u want got
}

atf_test_case soname
soname_head() {
	atf_set descr "soname; the library stays mapped; it needs little"
}
soname_body() {
	atf_check -o save:dyn readelf -dW "$STAGE/lib/libworkqueue.so.0"
	grep -q 'SONAME.*\[libworkqueue\.so\.0\]' dyn || atf_fail "soname"
	grep -q 'NODELETE' dyn || atf_fail "can be unmapped under its workers"
	sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' dyn |
	    grep -vE '^lib(c|bsd|pthread|asan|ubsan|tsan)\.so' |
	    grep -vE '^(libgcc_s|ld-linux.*|libm|libdl|librt)\.so' &&
	    atf_fail "needs more than libc and libbsd"
	return 0
}

atf_test_case static_names
static_names_head() {
	atf_set descr "the static library takes no name of a program's"
}
static_names_body() {
	nm -g --defined-only "$STAGE/lib/libworkqueue.a" |
	    awk 'NF == 3 { print $3 }' | sort -u |
	    grep -vE '^(workqueue_|wqk_|wqpool_|host_|__asan|__odr_asan)' &&
	    atf_fail "names that a program may own"
	return 0
}

# Compile and run the client: compiler, standard, file, more
try() {
	local cc="$1" std="$2" file="$3"

	shift 3
	atf_check $cc -std=$std -Wall -Wextra -Wpedantic -Werror \
	    $SANFLAGS $($PC --cflags workqueue) -o client "$file" "$@"
	atf_check -o inline:'ran 1, cpus yes\n' ./client
}

atf_test_case dynamic
dynamic_head() {
	atf_set descr "a client by pkg-config, with the shared library"
}
dynamic_body() {
	client > client.c
	try "$CC" c11 client.c $($PC --libs workqueue) \
	    -Wl,-rpath,"$STAGE/lib"
	readelf -d client | grep -q 'libworkqueue\.so\.0' ||
	    atf_fail "not the shared library"
}

atf_test_case static
static_head() {
	atf_set descr "a client by pkg-config --static, all static"
}
static_body() {
	[ -z "$SAN" ] || atf_skip "sanitizers are not for static programs"
	client > client.c
	try "$CC" c11 client.c -static $($PC --static --libs workqueue)
	readelf -d client | grep NEEDED && atf_fail "not static"
	return 0
}

atf_test_case cxx
cxx_head() {
	atf_set descr "a client in C++, linked both ways"
	atf_set require.progs "${CXX%% *}"
}
cxx_body() {
	local cxx="$CXX"

	case $CC in
	*clang*)	cxx=$(echo "$CC" | sed 's/clang/clang++/') ;;
	esac
	client > client.cc
	try "$cxx" c++11 client.cc $($PC --libs workqueue) \
	    -Wl,-rpath,"$STAGE/lib"
	try "$cxx" c++17 client.cc $($PC --libs workqueue) \
	    -Wl,-rpath,"$STAGE/lib"
	[ -z "$SAN" ] || return 0
	try "$cxx" c++17 client.cc -static $($PC --static --libs workqueue)
}

atf_test_case examples
examples_head() {
	atf_set descr "the examples are built by the line in their comments"
}
examples_body() {
	local f here=$PWD line

	for f in "$TOP"/share/examples/workqueue/*.c; do
		case $f in
		*/ivykis_*)	pkg-config --exists ivykis || continue ;;
		esac
		# With what is behind a backslash.
		line=$(sed -nE '/^ \*[ 	]+cc /{
		    :more
		    /\\$/{
		    N
		    s/\\\n \*//
		    b more
		    }
		    s/^ \*[ 	]+//p
		    q
		}' "$f")
		atf_check test "${line%% *}" = cc
		echo "$line"
		(cd "${f%/*}" && PKG_CONFIG_PATH="$STAGE/lib/pkgconfig" &&
		    export PKG_CONFIG_PATH &&
		    eval "$CC $SANFLAGS -o '$here/prog' ${line#cc }") ||
		    atf_fail "${f##*/} is not built by that"
	done
}

atf_test_case alone
alone_head() {
	atf_set descr "each header stands alone, twice, in C and C++"
}
alone_body() {
	local h cc std

	for h in $(headers); do
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h > t.c
		cp t.c t.cc
		for cc in gcc clang; do
			command -v $cc >/dev/null || continue
			for std in c11 gnu11 c17; do
				echo "$cc $std $h"
				atf_check $cc -std=$std -Wall -Wextra \
				    -Wpedantic -Werror -I"$H" -c t.c
			done
		done
		for cc in g++ clang++; do
			command -v $cc >/dev/null || continue
			for std in c++11 c++17 c++20; do
				echo "$cc $std $h"
				atf_check $cc -std=$std -Wall -Wextra \
				    -Wpedantic -Werror -I"$H" -c t.cc
			done
		done
	done
	# <sys/workqueue.h> alone is enough for a client.
	cat > t.c <<'EOC'
#include <sys/workqueue.h>
pri_t p = PRI_SOFTNET;
int i = IPL_NET + PRI_NONE + PRIBIO;
unsigned int f(struct cpu_info *ci) { return ci->ci_index; }
_Static_assert(sizeof(struct work) == sizeof(void *), "size");
EOC
	sed 's/_Static_assert/static_assert/' t.c > t.cc
	atf_check ${CC} -std=c11 -Wall -Wextra -Werror -I"$H" -c t.c
	command -v ${CXX%% *} >/dev/null || return 0
	atf_check ${CXX} -std=c++11 -Wall -Wextra -Werror -I"$H" -c t.cc
}

atf_test_case kalone
kalone_head() {
	atf_set descr "so does each header for kernel sources, in C"
}
kalone_body() {
	local h cc std

	for h in $(kheaders); do
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h > t.c
		for cc in gcc clang; do
			command -v $cc >/dev/null || continue
			for std in c11 gnu17; do
				echo "$cc $std $h"
				atf_check $cc -std=$std -D_GNU_SOURCE -Wall \
				    -Wextra -Werror $($PC --cflags \
				    workqueue-kernel) -c t.c
			done
		done
	done
}

atf_test_case shadow
shadow_head() {
	atf_set descr "no installed header hides one of the system's"
}
shadow_body() {
	local h

	for h in $(headers); do
		if echo "#include <$h>" | ${CC} -E - >/dev/null 2>&1; then
			atf_fail "<$h> is the system's"
		fi
	done
}

atf_init_test_cases() {
	atf_add_test_case files
	atf_add_test_case exports
	atf_add_test_case soname
	atf_add_test_case static_names
	atf_add_test_case dynamic
	atf_add_test_case static
	atf_add_test_case cxx
	atf_add_test_case examples
	atf_add_test_case alone
	atf_add_test_case kalone
	atf_add_test_case shadow
}
