#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Kernel sources, which include only the headers that such sources include,
# compiled unmodified, linked, and run.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"
SRC="$TOP/tests/sys/kern/kheaders"

# Print the sources except main.c, which is an ordinary program.
sources() {
	(cd "$SRC" && ls *.c | grep -vxF main.c)
}

# Build a program.  Arguments: program, compiler, flags, libraries.
build() {
	local prog="$1" cc="$2" flags="$3" f

	shift 3
	for f in $(sources); do
		atf_check $cc -Wall -Werror $flags $SANFLAGS \
		    $($PC --cflags workqueue-kernel) -c -o "${f%.c}.o" "$SRC/$f"
	done
	sources | sed 's/\(.*\)\.c/TEST(\1)/' > tests.def
	atf_check $cc -Wall -Werror -fno-builtin $flags $SANFLAGS -I. \
	    -c -o main.o "$SRC/main.c"
	atf_check $cc $flags $SANFLAGS -o "$prog" *.o "$@"
}

# Check what it prints on standard output, in this order.
run() {
	{
		sources | while read -r f; do
			case $f in
			driver.c)
				echo ": foo" ;;
			hosted.c)
				echo "hosted 1" ;;
			say.c)
				echo "say-007"
				echo "by 1"
				echo "0x5<LINK,FULL>"
				echo "both 3"
				;;
			esac
			echo "${f%.c}: 0"
		done
		echo "mine: yes"
	} > want
	{
		case "$*" in
		*WORKQUEUE_CHECK=1*)
			echo "workqueue: checking mode, version" \
			    "$($PC --modversion workqueue)"
			;;
		esac
		printf '<3>log 2\n<6>both 3\n'
	} > wanterr
	atf_check -o file:want -e file:wanterr "$@"
}

atf_test_case compile
compile_head() {
	atf_set descr "each compiles alone, with each compiler and dialect"
}
compile_body() {
	local cc flags what

	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for flags in "" "-std=gnu11 -O2" "-std=gnu17 -O2 \
		    -D_FORTIFY_SOURCE=2" "-Wextra -Wno-unused-parameter -O1" \
		    "-DDEBUG" "-DNDIAGNOSTIC" "-D_GNU_SOURCE" \
		    "-ffreestanding -fno-builtin"; do
			# Compile all sources in one call, each by itself.
			# Generate code only once, with the flags that give most
			# warnings.
			what=-fsyntax-only
			case $flags in
			*FORTIFY*)	what=-c ;;
			esac
			atf_check $cc -Wall -Werror $flags $what \
			    $($PC --cflags workqueue-kernel) \
			    $(sources | sed "s,^,$SRC/,")
		done
	done
}

atf_test_case dynamic
dynamic_head() {
	atf_set descr "linked with the shared library they work; names of \
the program's own are not disturbed"
}
dynamic_body() {
	build prog "$CC" "" $($PC --libs workqueue-kernel) \
	    -Wl,-rpath,"$STAGE/lib"
	run ./prog
	run env WORKQUEUE_CHECK=1 ./prog
	run env WORKQUEUE_NCPU=1 ./prog
	run env WORKQUEUE_NCPU=7 ./prog
}

atf_test_case static
static_head() {
	atf_set descr "they also work linked with the static library"
}
static_body() {
	[ -z "$SAN" ] || atf_skip "sanitizers are not for static programs"
	build prog "$CC" "-O2" -static $($PC --static --libs workqueue-kernel)
	run ./prog
	nm prog | grep -E ' [TDBR] (mutex_init|panic|hz|log)$' |
	    sed 's/.* //' | sort > names
	atf_check -o inline:'hz\nlog\nmutex_init\npanic\n' cat names
}

atf_test_case undefined
undefined_head() {
	atf_set descr "kernel functions reach the linker only with the prefix"
}
undefined_body() {
	build prog "$CC" "" $($PC --libs workqueue-kernel) \
	    -Wl,-rpath,"$STAGE/lib"
	rm main.o hosted.o
	# Permit the engine's own names, the compiler's functions, and functions
	# that <sys/endian.h> takes from the C library.
	nm -u *.o | awk 'NF == 2 { print $2 }' | sort -u |
	    grep -vE '^(wqk_|workqueue_)' |
	    grep -vE '^(mem(cpy|move|set|cmp)|str(len|cmp))(_chk)?$' |
	    grep -vE '^(gnu_dev_|[hn]to[hn][ls]$)' |
	    grep -vE '^(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$' |
	    grep -vE '^__(start|stop)_link_set_' |
	    grep -vE '^(__asan|__ubsan|__tsan|__sanitizer)' > hits
	atf_check cat hits
}

atf_test_case tree
tree_head() {
	atf_set descr "a source tree may have its own <linux/errno.h>"
}
tree_body() {
	local cc h

	mkdir -p tree/linux
	cat > tree/linux/errno.h <<'EOH'
#ifndef TREE_ERRNO_H
#define	TREE_ERRNO_H
#include <sys/errno.h>
#define	ERESTARTSYS	ERESTART
#endif
EOH
	for h in linux/errno.h errno.h sys/errno.h sys/param.h; do
		cat > "use.c" <<EOU
#include <$h>
#include <sys/workqueue.h>
#include <linux/errno.h>
int use[EPERM + EINVAL + EDEADLK + ETIMEDOUT + EOPNOTSUPP];
int use2[-ERESTARTSYS + EFTYPE];
EOU
		for cc in gcc clang; do
			command -v $cc >/dev/null || continue
			atf_check $cc -Wall -Werror -fsyntax-only -Itree \
			    $($PC --cflags workqueue-kernel) use.c
		done
	done
}

atf_test_case undeclared
undeclared_head() {
	atf_set descr "a call of an undeclared function is an error"
}
undeclared_body() {
	local pkg

	echo 'void *f(void); void *f(void) { return not_there(); }' > use.c
	for pkg in workqueue-kernel workqueue-linux; do
		atf_check -s exit:1 -e match:not_there ${CC} -std=gnu99 -c \
		    $($PC --cflags $pkg) use.c
	done
}

atf_test_case misaligned
misaligned_head() {
	atf_set descr "an atomic access to a word that is not aligned to its" \
	    "size does not compile"
}
misaligned_body() {
	local op

	# A type that is aligned like uint64_t on i386.
	cat > use.h <<-EOF
	#include <sys/atomic.h>
	typedef uint64_t half __attribute__((__aligned__(4)));
	EOF
	for op in "load_relaxed(p)" "store_release(p, 1)" "swap_acquire(p, 1)" \
	    "fetch_add_relaxed(p, 1)" "cas_acq_rel(p, q, 1)"; do
		for t in half __atomic64_t; do
			{
				echo '#include "use.h"'
				echo "void f($t *p, uint64_t *q);"
				echo "void f($t *p, uint64_t *q)"
				echo "{ (void)q; (void)atomic_$op; }"
			} > $t.c
		done
		[ "$op" != "${op#store}" ] &&
		    sed -i 's/(void)atomic/atomic/' half.c __atomic64_t.c
		atf_check -s exit:1 -e match:"not aligned to its size" ${CC} \
		    -c $($PC --cflags workqueue-kernel) half.c
		atf_check ${CC} -Wall -Werror -c \
		    $($PC --cflags workqueue-kernel) __atomic64_t.c
	done
}

atf_init_test_cases() {
	atf_add_test_case tree
	atf_add_test_case undeclared
	atf_add_test_case compile
	atf_add_test_case dynamic
	atf_add_test_case static
	atf_add_test_case undefined
	atf_add_test_case misaligned
}
