#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Kernel sources, which name the headers that such sources name and no
# others, compiled as they are, linked, and run.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"
SRC="$TOP/tests/sys/kern/kheaders"

# The sources but main.c, which is an ordinary program.
sources() {
	(cd "$SRC" && ls *.c | grep -vxF main.c)
}

# build program compiler flags library ...
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

# What it prints: on standard output, in this order.
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
	printf '<3>log 2\n<6>both 3\n' > wanterr
	atf_check -o file:want -e file:wanterr "$@"
}

atf_test_case compile
compile_head() {
	atf_set descr "each compiles by itself, with each compiler and dialect"
}
compile_body() {
	local cc flags what

	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for flags in "" "-std=gnu11 -O2" "-std=gnu17 -O2 \
		    -D_FORTIFY_SOURCE=2" "-Wextra -Wno-unused-parameter -O1" \
		    "-DDEBUG" "-DNDIAGNOSTIC" "-D_GNU_SOURCE" \
		    "-ffreestanding -fno-builtin"; do
			# All at once, each still by itself; code only once,
			# where the optimiser has most to say.
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
	atf_set descr "likewise linked with the static library"
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
	atf_set descr "kernel functions reach the linker by the prefix alone"
}
undefined_body() {
	build prog "$CC" "" $($PC --libs workqueue-kernel) \
	    -Wl,-rpath,"$STAGE/lib"
	rm main.o hosted.o
	# Beside it: the engine's own names, and what a compiler calls.
	nm -u *.o | awk 'NF == 2 { print $2 }' | sort -u |
	    grep -vE '^(wqk_|workqueue_)' |
	    grep -vE '^(mem(cpy|move|set|cmp)|str(len|cmp))(_chk)?$' |
	    grep -vE '^gnu_dev_' |
	    grep -vE '^(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$' |
	    grep -vE '^__(start|stop)_link_set_' |
	    grep -vE '^(__asan|__ubsan|__tsan|__sanitizer)' > hits
	atf_check cat hits
}

atf_init_test_cases() {
	atf_add_test_case compile
	atf_add_test_case dynamic
	atf_add_test_case static
	atf_add_test_case undefined
}
