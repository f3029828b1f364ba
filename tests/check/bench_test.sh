#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# "bmake bench" and its arguments: tests/bench/bench.sh with a wqbench and a
# gnuplot that only record how they were called.

# bench: bench.sh with the given variables.  wqbench: rejects -r 0, and exits
# with the status in the file "status".
stubs() {
	cat > bench <<EOS
#! /bin/sh
exec env -u WORKQUEUE_CHECK QUICK= W= P= ROUNDS= PATH="$PWD:$PATH" "\$@" \
    sh "$TOP/tests/bench/bench.sh" "$PWD/obj/linux-cc/bench" "$PWD/obj/linux"
EOS
	cat > wqbench <<'EOS'
#! /bin/sh
printf '%s\n' "$*" >> calls
case " $* " in
*" -r 0 "*)	exit 2 ;;
*" -n "*)	exit 0 ;;
esac
while [ $# -gt 1 ]; do
	shift
done
mkdir -p "$1" && echo script > "$1/wqbench.gp"
exit "$(cat status)"
EOS
	cat > gnuplot <<'EOS'
#! /bin/sh
touch new.svg
EOS
	chmod +x bench wqbench gnuplot
	echo 0 > status
}

atf_test_case failed
failed_head() {
	atf_set descr "bench.sh redraws the pictures and returns the status," \
	    "even if a run failed"
}
failed_body() {
	stubs
	mkdir -p obj/linux-cc/bench
	touch obj/linux-cc/bench/old.svg
	echo 1 > status
	atf_check -s exit:1 -o match:Pictures ./bench
	atf_check -o inline:'new.svg\n' \
	    sh -c 'cd obj/linux-cc/bench && ls *.svg'
}

atf_test_case part
part_head() {
	atf_set descr "a part of the workloads, or checking mode, does not" \
	    "take the place of a whole run"
}
part_body() {
	stubs
	for v in W=W4 P=limit WORKQUEUE_CHECK=1; do
		atf_check -o match:/bench/part ./bench $v
		atf_check test -e obj/linux-cc/bench/part/wqbench.gp
		atf_check test ! -e obj/linux-cc/bench/wqbench.gp
		rm -r obj
	done
	atf_check -o not-match:/bench/part ./bench WORKQUEUE_CHECK=0
	atf_check test -e obj/linux-cc/bench/wqbench.gp
}

atf_test_case arguments
arguments_head() {
	atf_set descr "what is empty is not given, what is wrong is refused" \
	    "before a file is touched"
}
arguments_body() {
	stubs
	atf_check -s exit:2 -o ignore -e match:'QUICK is "x"' ./bench QUICK=x
	atf_check -s exit:2 -o ignore ./bench ROUNDS=0
	atf_check test ! -e obj
	atf_check -o inline:'-n -r 0\n' cat calls
	rm calls
	atf_check -o ignore ./bench QUICK=0
	atf_check -o ignore ./bench QUICK=1 ROUNDS=3 W='W1.,a b'
	cat > expected <<EOE
-n
-o $PWD/obj/linux-cc/bench
-n -q -w W1.,a b -r 3
-q -w W1.,a b -r 3 -o $PWD/obj/linux-cc/bench/part
EOE
	atf_check diff expected calls
}

atf_test_case others
others_head() {
	atf_set descr "beside it stand the targets of other compilers, not of" \
	    "sanitizers or of itself"
}
others_body() {
	stubs
	for d in cc gcc clang clang-thread cc-address; do
		mkdir -p obj/linux-$d/bench
		touch obj/linux-$d/bench/targets.tsv
	done
	atf_check -o ignore ./bench
	o=$PWD/obj/linux
	cat > expected <<EOE
-n
-t $o-gcc/bench/targets.tsv -t $o-clang/bench/targets.tsv -o $o-cc/bench
EOE
	atf_check diff expected calls
}

atf_init_test_cases() {
	atf_add_test_case failed
	atf_add_test_case part
	atf_add_test_case arguments
	atf_add_test_case others
}
