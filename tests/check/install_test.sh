#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The installed files, and clients that use them.

MAKE="bmake HOST=$HOST SAN=$SAN CC=${CC%% *}"
H=$STAGE/include/workqueue
KH=$STAGE/include/workqueue-kernel
PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

headers() {
	(cd "$H" && find . -name '*.h' | sed 's,^\./,,' | sort)
}

# Print the headers for kernel sources.
kheaders() {
	(cd "$KH" && find . -name '*.h' | sed 's,^\./,,' | sort)
}

# Write a client that uses something of each header.
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
	atf_set descr "DESTDIR and PREFIX get these files and no others"
}
files_body() {
	atf_check -o ignore -e ignore env -C "$TOP" $MAKE install \
	    DESTDIR="$PWD/dest" PREFIX=/opt/wq
	(cd dest && find . ! -type d | sed 's,^\./,,' | sort) > files
	grep -v '^opt/wq/' files && atf_fail "outside of PREFIX"
	# Each header of the tree is installed somewhere.
	(cd "$TOP/sys" && { ls sys/*.h
	    cd kernel && find . -name '*.h' | sed 's,^\./,,'; }) | sort > want
	sed -nE 's,^opt/wq/include/workqueue(-kernel)?/,,p' files | sort > got
	atf_check diff -u want got
	sed 's,^opt/wq/,,' files |
	    grep -vE '^share/(man|examples|doc)/' |
	    grep -vE '^include/workqueue-(kernel|linux)/' > got
	cat > want <<'EOW'
include/workqueue/sys/cpu.h
include/workqueue/sys/intr.h
include/workqueue/sys/systm.h
include/workqueue/sys/workqueue.h
include/workqueue/sys/workqueue_ext.h
include/workqueue/sys/workqueue_sim.h
include/workqueue/sys/workqueue_stat.h
include/workqueue/sys/wq_simpoint.h
include/workqueue/sys/wq_types.h
lib/libworkqueue.a
lib/libworkqueue.so
lib/libworkqueue.so.0
lib/libworkqueue.so.0.1
lib/libworkqueue_linux.a
lib/libworkqueue_linux.so
lib/libworkqueue_linux.so.0
lib/libworkqueue_linux.so.0.1
lib/pkgconfig/workqueue-kernel.pc
lib/pkgconfig/workqueue-linux.pc
lib/pkgconfig/workqueue.pc
share/gdb/auto-load/opt/wq/lib/libworkqueue.so.0.1-gdb.py
share/libworkqueue/bpftrace/wqlatency.bt
share/libworkqueue/bpftrace/wqruntime.bt
share/libworkqueue/bpftrace/wqslow.bt
EOW
	[ "$HOST" = posix ] || echo bin/wqstat >> want
	# The simulator is built beside the linux back end, without a sanitizer.
	if [ -e "$STAGE/bin/wqsim" ]; then
		cat >> want <<'EOW'
bin/wqsim
lib/workqueue-sim/libworkqueue.so.0
EOW
	fi
	if pkg-config --exists ivykis; then
		cat >> want <<'EOW'
include/workqueue-iv/iv_work.h
lib/libworkqueue_iv.a
lib/libworkqueue_iv.so
lib/libworkqueue_iv.so.0
lib/libworkqueue_iv.so.0.1
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
	atf_set descr "exported and listed: what the headers declare, exactly"
}
exports_body() {
	{ headers; kheaders; } | sed 's/.*/#include <&>/' > all.c
	atf_check -o save:all.i ${CC} -E -P -D_KERNEL -I"$KH" -I"$H" all.c
	{ grep -oE '\<workqueue_[a-z0-9_]+[[:space:]]*\(' all.i |
	    tr -d ' \t('
	  grep -oE '\<(wqk|wqsim)_[A-Za-z0-9_]+' all.i; } | sort -u > want
	nm -D --defined-only "$STAGE/lib/libworkqueue.so.0" |
	    awk '$2 != "A" { print $3 }' > symbols
	grep -v '@@LIBWORKQUEUE_' symbols |
	    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' &&
	    atf_fail "exported without a version"
	sed -nE 's/@@LIBWORKQUEUE_[0-9.]+$//p' symbols | sort -u > got
	atf_check diff -u want got
	listed workqueue > got
	atf_check diff -u want got
}

# Print the names in the public nodes of a library's map.
listed() {
	awk '/^[A-Z_0-9.]*\{|^[A-Z_0-9.]+ \{/ { public = $1 !~ /PRIVATE/ }
	    /^local:/ || /^}/ { public = 0 }
	    public && /;$/ { gsub(/[ \t;]/, ""); print }' \
	    "$TOP/lib/lib$1/$1.map" | sort
}

atf_test_case listed
listed_head() {
	atf_set descr "each library exports the names that its map lists"
}
listed_body() {
	local l

	for l in workqueue workqueue_linux workqueue_iv; do
		[ -f "$STAGE/lib/lib$l.so.0" ] || continue
		listed $l > want
		atf_check test -s want
		# A pattern would export whatever a later source defines.
		grep '[^A-Za-z0-9_]' want && atf_fail "a pattern in $l.map"
		nm -D --defined-only "$STAGE/lib/lib$l.so.0" |
		    awk '$2 != "A" { print $3 }' |
		    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' |
		    grep -v '@@LIBWORKQUEUE_PRIVATE_' |
		    sed 's/@@.*//' | sort > got
		atf_check diff -u want got
	done
}

atf_test_case soname
soname_head() {
	atf_set descr "it has a soname, is never unmapped, and needs little"
}
soname_body() {
	atf_check -o save:dyn readelf -dW "$STAGE/lib/libworkqueue.so.0"
	grep -q 'SONAME.*\[libworkqueue\.so\.0\]' dyn || atf_fail "soname"
	grep -q 'NODELETE' dyn || atf_fail "can be unmapped under its workers"
	sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' dyn |
	    grep -vE '^lib(c|pthread|asan|ubsan|tsan)\.so' |
	    grep -vE '^(libgcc_s|ld-linux.*|libm|libdl|librt)\.so' &&
	    atf_fail "needs more than libc"
	return 0
}

atf_test_case static_names
static_names_head() {
	atf_set descr "the static library defines no name that is a program's"
}
static_names_body() {
	nm -g --defined-only "$STAGE/lib/libworkqueue.a" |
	    awk 'NF == 3 { print $3 }' | sort -u |
	    grep -vE '^(workqueue_|wqk_|wqpool_|wqsim_|host_)' |
	    grep -vE '^(__asan|__odr_asan|DW\.ref\.)' &&
	    atf_fail "names that a program may own"
	return 0
}

atf_test_case private
private_head() {
	atf_set descr "the libraries of two releases do not load together"
}
private_body() {
	local l lib version

	version=$(PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config \
	    --modversion workqueue)
	# Make a library that looks to the loader like the next release.
	nm -D --defined-only "$STAGE/lib/libworkqueue.so.0" > symbols
	awk '$3 ~ /@@LIBWORKQUEUE_/ { sub(/@.*/, "", $3)
	    print (($2 ~ /[TW]/) ? "void " $3 "(void) {}" : "char " $3 "[64];")
	    }' symbols > next.c
	sed 's/PRIVATE_[0-9.]*/PRIVATE_next/' \
	    "$TOP/lib/libworkqueue/workqueue.map" > next.map
	mkdir next
	atf_check ${CC} -w -fno-builtin -fPIC -shared -o \
	    next/libworkqueue.so.0 next.c -Wl,-soname,libworkqueue.so.0 \
	    -Wl,--version-script=next.map
	for l in linux iv; do
		[ -f "$STAGE/lib/libworkqueue_$l.so.0" ] || continue
		lib=$STAGE/lib/libworkqueue_$l.so.0
		# Without the version, the loader would take a private name from
		# a library of any release.
		nm -D --undefined-only "$lib" |
		    grep wqpool_ | grep -v "@LIBWORKQUEUE_PRIVATE_$version" &&
		    atf_fail "libworkqueue_$l names no release"
		cat > prog.c <<'EOC'
int
main(void)
{

	return 0;
}
EOC
		atf_check ${CC} $SANFLAGS -o prog prog.c -Wl,--no-as-needed \
		    "$lib" -Wl,-rpath-link,"$STAGE/lib"
		atf_check env LD_LIBRARY_PATH="$STAGE/lib" ./prog
		# The loader finds the preloaded library by that soname.
		atf_check -s not-exit:0 \
		    -e match:"PRIVATE_$version.* not found .*queue_$l" \
		    env LD_LIBRARY_PATH="$STAGE/lib" \
		    LD_PRELOAD="$PWD/next/libworkqueue.so.0" ./prog
	done
}

# Compile and run the client: compiler, standard, file, more.
try() {
	local cc="$1" std="$2" file="$3"

	shift 3
	atf_check $cc -std=$std -Wall -Wextra -Wpedantic -Werror \
	    $SANFLAGS $($PC --cflags workqueue) -o client "$file" "$@"
	atf_check -o inline:'ran 1, cpus yes\n' ./client
}

atf_test_case dynamic
dynamic_head() {
	atf_set descr "a client builds with pkg-config and the shared library"
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
	atf_set descr "a client builds with pkg-config --static, all static"
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
	atf_set descr "a C++ client links both ways"
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
	atf_set descr "the command in its comment builds each example"
}
examples_body() {
	local f here=$PWD line

	for f in "$TOP"/share/examples/workqueue/*.c; do
		case $f in
		*/ivykis_*)	pkg-config --exists ivykis || continue ;;
		esac
		# Join continued lines.
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
	atf_set descr "each header compiles alone, twice, in C and C++"
}
alone_body() {
	local h cc std

	for h in $(headers); do
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h \
		    > "$(echo $h | tr / _).c"
	done
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for std in c11 gnu11 c17; do
			echo "$cc $std"
			atf_check $cc -std=$std -Wall -Wextra -Wpedantic \
			    -Werror -I"$H" -fsyntax-only ./*.h.c
		done
	done
	for cc in g++ clang++; do
		command -v $cc >/dev/null || continue
		for std in c++11 c++17 c++20; do
			echo "$cc $std"
			atf_check $cc -std=$std -Wall -Wextra -Wpedantic \
			    -Werror -I"$H" -fsyntax-only -x c++ ./*.h.c
		done
	done
	# A client needs no header but <sys/workqueue.h>.
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
	atf_set descr "each header for kernel sources compiles alone, in C"
}
kalone_body() {
	local h cc std

	for h in $(kheaders); do
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h \
		    > "$(echo $h | tr / _).c"
	done
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for std in c11 gnu17; do
			echo "$cc $std"
			atf_check $cc -std=$std -D_GNU_SOURCE -Wall -Wextra \
			    -Werror $($PC --cflags workqueue-kernel) \
			    -fsyntax-only ./*.h.c
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
	atf_add_test_case listed
	atf_add_test_case soname
	atf_add_test_case private
	atf_add_test_case static_names
	atf_add_test_case dynamic
	atf_add_test_case static
	atf_add_test_case cxx
	atf_add_test_case examples
	atf_add_test_case alone
	atf_add_test_case kalone
	atf_add_test_case shadow
}
